"""Throws a TCP connection away by a reset (RST) instead of ending it in order."""

from __future__ import annotations

import asyncio
import socket
import struct

_TURNS = 20
"""How many turns of the loop what was written gets to go out; an end that reads needs two or three."""

_LEAST_TURNS = 3
_AT_ONCE = struct.pack("ii", 1, 0)


def throw_away(transport: asyncio.Transport, turns: int = _TURNS) -> None:
    """Resets the connection as soon as everything is sent that was written so far, over TLS too.

    An end that does not read cannot hold it up. One that has gone by itself has nothing left to reset.
    """
    may_hold_more = turns > _TURNS - _LEAST_TURNS or transport.get_write_buffer_size()
    if turns and may_hold_more and not transport.is_closing():
        asyncio.get_running_loop().call_soon(throw_away, transport, turns - 1)
        return
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
