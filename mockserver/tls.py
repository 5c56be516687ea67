"""TLS for a server on any event loop, in little memory.

An event loop's own TLS keeps up to 256 KiB for every connection, idle or not; a hub holds thousands of idle links.
Here a connection keeps what OpenSSL needs, some 20 KiB, and nothing else. Laws:

- every `write` is a run of TLS records of its own; 16 KiB a record, as OpenSSL fills them;
- a handshake, a last goodbye and a reader who never reads are each waited for so long and no longer;
- whoever ends, the protocol above is told once.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from mockserver.patience import unread_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

HANDSHAKE_S = 10.0
"""The most time that a TLS handshake may take, in seconds."""

GOODBYE_S = 1.0
"""The most time that the other side gets to close after we did, in seconds."""

READER_S = 30.0
"""The most time that the other side may leave unread what was written, in seconds."""

UNREAD_BYTES = 65_536
"""How much may lie unread before its reader is given `READER_S`."""

MOST_UNREAD_BYTES = 1 << 20
"""How much may lie unread at all."""

ENDED_IN_ORDER = "ended_in_order"

_READ_BYTES = 65_536


class TlsTransport(asyncio.Transport):
    """A TLS connection, server side: a transport for the protocol above, fed by that of the connection below."""

    def __init__(self, context: ssl.SSLContext, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._protocol = protocol
        self._below: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._is_up = False
        self._is_closing = False
        self._ended_in_order = False

    # -- for the protocol above

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the connection below knows, and `ended_in_order`: whether a goodbye (TLS close-notify) came."""
        if name == ENDED_IN_ORDER:
            return self._ended_in_order
        return self._below.get_extra_info(name, default) if self._below is not None else default

    def is_closing(self) -> bool:
        """Whether the connection is over or ends."""
        return self._is_closing

    def get_write_buffer_size(self) -> int:
        """How many bytes are still to be sent."""
        return self._below.get_write_buffer_size() if self._below is not None else 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Sends bytes in records of their own."""
        if self._is_closing:
            return
        try:
            self._write_records(memoryview(data))
        except ssl.SSLError:
            self.abort()
        self._flush()
        if self._below is not None and self._below.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.abort()

    def close(self) -> None:
        """Says goodbye behind what was written, and waits shortly for the other side to close.

        To close at once would reset a connection on which bytes lie unread, and with them what was written last.
        """
        if self._is_closing:
            return
        self._is_closing = True
        self._wait(GOODBYE_S)
        with suppress(ssl.SSLError):  # the other side's goodbye is not here yet
            self._tls.unwrap()
        self._flush()
        if self._below is not None:
            self._below.write_eof()

    def abort(self) -> None:
        """Ends the connection at once, and loses what was not sent."""
        self._is_closing = True
        if self._below is not None:
            self._below.abort()

    # -- for the connection below

    def begin(self, below: asyncio.Transport) -> None:
        """TCP is up; the other side begins the handshake."""
        self._below = below
        below.set_write_buffer_limits(UNREAD_BYTES)
        self._wait(HANDSHAKE_S)

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        if self._is_closing:
            return
        self._received.write(data)
        try:
            if self._is_up or self._shake_hands():
                self._read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._break_off()
        self._flush()

    def lost(self, error: Exception | None) -> None:
        """The connection is over."""
        self._is_closing = True
        self._stop_waiting()
        if self._is_up:
            self._is_up = False
            self._protocol.connection_lost(error)

    def reads_slowly(self) -> None:
        """The other side leaves unread what was written; as long as it reads a little, it is waited for."""
        if not self._is_closing:
            unread = unread_bytes(self)
            self._wait(READER_S, lambda: self._has_read(unread))

    def reads_again(self) -> None:
        """It has read."""
        if not self._is_closing:
            self._stop_waiting()

    # -- inside

    def _shake_hands(self) -> bool:
        self._tls.do_handshake()
        self._flush()
        self._stop_waiting()
        self._is_up = True
        self._protocol.connection_made(self)
        return True

    def _read(self) -> None:
        while data := self._tls.read(_READ_BYTES):
            self._protocol.data_received(data)
            if self._is_closing:
                return
        self._ended_in_order = True
        self.close()

    def _write_records(self, rest: memoryview[int]) -> None:
        while rest:
            rest = rest[self._tls.write(rest) :]

    def _break_off(self) -> None:
        """Ends a connection that broke TLS, behind the alert that says so."""
        self._is_closing = True
        self._wait(GOODBYE_S)
        self._flush()
        if self._below is not None:
            self._below.close()

    def _flush(self) -> None:
        if self._to_send.pending and self._below is not None:
            self._below.write(self._to_send.read())

    def _has_read(self, unread: int) -> None:
        if unread_bytes(self) < unread:
            self.reads_slowly()
        else:
            self.abort()

    def _wait(self, seconds: float, act: Callable[[], None] | None = None) -> None:
        """Waits so long before it aborts, or does something else."""
        self._stop_waiting()
        self._deadline = asyncio.get_running_loop().call_later(seconds, act or self.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Connection(asyncio.Protocol):
    """The connection below: hands to TLS what happens on TCP."""

    def __init__(self, tls: TlsTransport) -> None:
        self._tls = tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tls.begin(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._tls.feed(data)

    def eof_received(self) -> bool:
        return False  # a half-open connection is of no use: closes it

    def connection_lost(self, exc: Exception | None) -> None:
        self._tls.lost(exc)

    def pause_writing(self) -> None:
        self._tls.reads_slowly()

    def resume_writing(self) -> None:
        self._tls.reads_again()


def over_tls(context: ssl.SSLContext, protocol: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
    """Makes a factory of protocols for TLS out of one, for `loop.create_server`."""
    return lambda: _Connection(TlsTransport(context, protocol()))
