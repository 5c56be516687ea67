"""A proxy on loopback that breaks connections: TCP through and through, it reads of HTTP only where a message ends.

It sits between a client and a hub. Before it hands an answer on it asks its script what is to happen to it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from patience import DEADLINE_S

if TYPE_CHECKING:
    import random


class Break(StrEnum):
    """What happens to one exchange."""

    NONE = "none"
    PARTS = "parts"  # the answer comes a few bytes at a time
    CLOSED_UNSEEN = "closed unseen"  # the connection ends before the hub sees the poll
    RESET_UNSEEN = "reset unseen"
    CLOSED_SILENT = "closed silent"  # the hub has answered, and not one byte arrives
    RESET_SILENT = "reset silent"
    CLOSED_INSIDE = "closed inside"  # the connection ends after some bytes of the answer
    RESET_INSIDE = "reset inside"
    HELD = "held"  # the answer is kept until the client has left
    DOUBLED = "doubled"  # the hub gets the poll twice, and its first answer is thrown away
    STALE = "stale"  # the answer before this one comes in its place
    TWICE = "twice"  # the answer comes twice, in one write


NEED_SEQ = {Break.DOUBLED, Break.STALE, Break.TWICE}
"""What nobody can see without `seq`: an answer that is not the poll's own looks like any other."""
HARMLESS = {Break.NONE, Break.PARTS}


class FaultProxy:
    """A proxy in front of the hub at `url`, for the event loop that enters it.

    Args:
        url: the hub's plain HTTP address.
        dice: draws what breaks.
        share: the share of the exchanges that break, 0 to 1.
        kinds: what may happen then.
        hides_seq: make the hub one that does not know `seq`, by giving the member another name.
    """

    def __init__(
        self, url: str, dice: random.Random, *, share: float, kinds: set[Break], hides_seq: bool = False
    ) -> None:
        parts = urlsplit(url)
        self._hub = (parts.hostname, parts.port)
        self._dice = dice
        self._share = share
        self._kinds = sorted(kinds)
        self._hides_seq = hides_seq
        self._before = b""
        self._connections: set[asyncio.Task[None]] = set()
        self.tally: Counter[str] = Counter()
        self.held = asyncio.Event()
        """Set while an answer is held."""
        self.left = asyncio.Event()
        """Set when the client of a held answer has left."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=DEADLINE_S)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        hub_reader, hub_writer = await asyncio.open_connection(*self._hub)
        try:
            while request := await message(reader):
                if not await self._exchange(request, reader, writer, hub_reader, hub_writer):
                    break
        except (OSError, asyncio.CancelledError):  # the client has gone, or the proxy is leaving
            pass
        finally:
            hub_writer.transport.abort()
            writer.close()
            self._connections.discard(task)

    async def _exchange(
        self,
        request: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hub_reader: asyncio.StreamReader,
        hub_writer: asyncio.StreamWriter,
    ) -> bool:
        """One request and what comes of it; false when the connection has ended."""
        kind = self._dice.choice(self._kinds) if self._dice.random() < self._share else Break.NONE
        self.tally[kind] += 1
        if self._hides_seq:
            request = request.replace(b'"seq":', b'"sep":')
        if kind in {Break.CLOSED_UNSEEN, Break.RESET_UNSEEN}:
            return end(writer, by_reset=kind is Break.RESET_UNSEEN)
        answer = b""
        for _ in range(2 if kind is Break.DOUBLED else 1):
            hub_writer.write(request)
            answer = await message(hub_reader)
        before, self._before = self._before, answer
        if kind is Break.STALE:
            answer = before or answer
        if kind is Break.HELD:
            self.left.clear()
            self.held.set()
            await reader.read(1)  # the client says nothing more, so this is its leaving
            self.held.clear()
            self.left.set()
            return end(writer, by_reset=False)
        inside = kind in {Break.CLOSED_INSIDE, Break.RESET_INSIDE}
        if inside or kind in {Break.CLOSED_SILENT, Break.RESET_SILENT}:
            writer.write(answer[: self._dice.randrange(1, len(answer)) if inside else 0])
            await writer.drain()
            return end(writer, by_reset=kind in {Break.RESET_SILENT, Break.RESET_INSIDE})
        if kind is Break.PARTS:
            for start in range(0, len(answer), 50):
                writer.write(answer[start : start + 50])
                await writer.drain()
                await asyncio.sleep(0)
        else:
            writer.write(answer * (2 if kind is Break.TWICE else 1))
        return True


async def message(reader: asyncio.StreamReader) -> bytes:
    """The next message of HTTP, head and body; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return head + await reader.readexactly(int(fields[b"content-length"]))


def end(writer: asyncio.StreamWriter, *, by_reset: bool) -> bool:
    """Ends the client's connection; returns false, for it has ended."""
    if by_reset:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
    return False
