"""When a client's next bytes are held back, and when an answer waits until its client has read the one before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Transport


class Flow:
    """The flow of bytes on one connection. Reading pauses for as long as anybody wants it to."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reasons: set[str] = set()
        self._read: asyncio.Event | None = None
        self.is_unread = False
        """Whether the client leaves too much unread to be sent more."""

    @property
    def is_held(self) -> bool:
        """Whether nothing is read."""
        return bool(self._reasons)

    def hold(self, reason: str, *, is_held: bool) -> None:
        """Holds the client's next bytes back for a reason, or for this reason no more."""
        if is_held is (reason in self._reasons) or self._transport.is_closing():
            return
        was_held = self.is_held
        if is_held:
            self._reasons.add(reason)
        else:
            self._reasons.discard(reason)
        if self.is_held and not was_held:
            self._transport.pause_reading()
        elif was_held and not self.is_held:
            self._transport.resume_reading()

    def unread(self, *, is_unread: bool) -> None:
        """The client leaves too much unread, or has read."""
        self.is_unread = is_unread
        if self._read is not None and not is_unread:
            self._read.set()

    async def until_read(self) -> None:
        """Returns when the client may be sent more."""
        while self.is_unread:
            self._read = self._read or asyncio.Event()
            self._read.clear()
            await self._read.wait()
