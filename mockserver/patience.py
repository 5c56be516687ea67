"""How long a client is waited for: to send what it has begun to send, and to read what it was sent.

Times are limits of the hub's, on its clock, whoever drives that; what follows is done in the connection's own loop.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from mockserver.keeper import Keeper
    from mockserver.state.timers import Timer


def unread_bytes(transport: asyncio.WriteTransport) -> int:
    """How much of what was written the other side has not taken, by TCP's own account where it gives one."""
    unread = transport.get_write_buffer_size()
    with suppress(ImportError, OSError, ValueError):  # another system, or a socket that is closed
        from fcntl import ioctl
        from termios import TIOCOUTQ

        raw = transport.get_extra_info("socket")
        unread += int.from_bytes(ioctl(raw.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
    return unread


class Patience:
    """The patience with one connection. `too_slow` ends it when bytes did not come in time."""

    def __init__(
        self,
        keeper: Keeper,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.WriteTransport,
        too_slow: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._loop = loop
        self._transport = transport
        self._too_slow = too_slow
        self._awaited: tuple[str, object] | None = None
        self._sender: Timer | None = None
        self._reader: Timer | None = None
        self._unread_bytes = 0

    def await_bytes(self, limit: str, of: object) -> None:
        """Gives the client so long to send the rest of one thing, as long as it is the same."""
        if self._awaited == (limit, of):
            return
        self.await_no_bytes()
        self._awaited = (limit, of)
        self._sender = self._after(limit, self._sent_too_slowly)

    def await_no_bytes(self) -> None:
        """Everything is there that was begun."""
        self._awaited = None
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None

    def await_reader(self) -> None:
        """Gives the client `unread_s` to read anything of what lies unread, and again as long as it does read."""
        if self._reader is None and self._transport.get_write_buffer_size():
            self._unread_bytes = unread_bytes(self._transport)
            self._reader = self._after("unread_s", self._read_too_slowly)

    def await_no_reader(self) -> None:
        """The client has read enough."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def end(self) -> None:
        """Waits for nothing any more."""
        self.await_no_bytes()
        self.await_no_reader()

    def _sent_too_slowly(self, timer: Timer) -> None:
        if timer is self._sender:
            self.await_no_bytes()
            self._too_slow()

    def _read_too_slowly(self, timer: Timer) -> None:
        if timer is not self._reader:
            return
        self._reader = None
        if unread_bytes(self._transport) >= self._unread_bytes:
            self._transport.abort()
        else:
            self.await_reader()

    def _after(self, limit: str, act: Callable[[Timer], None]) -> Timer:
        def due(_: float) -> None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(act, timer)

        with self._keeper as now:
            timer = self._keeper.timers.at(now + self._keeper.state.limits[limit], due)
        return timer
