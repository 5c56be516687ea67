"""An event loop in which time jumps and connections lead to a hub in memory: hours of many providers in a second.

Whatever runs on it runs unchanged: tasks, timeouts, streams. There is no TLS.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

SEND_S = 0.001
"""How long bytes travel."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: where nothing has come, the time is over at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        came = super().select(0)
        if not came:
            assert timeout is not None, "nothing will ever happen any more"
            self.now += timeout
        return came


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while there is something to do, and jumps to the next deadline when there is not."""

    def __init__(self) -> None:
        self._selector_that_jumps = _JumpingSelector()
        super().__init__(self._selector_that_jumps)
        self.hub = VirtualHub(self)

    def time(self) -> float:
        return self._selector_that_jumps.now

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        """A connection to the hub, whatever the address."""
        await asyncio.sleep(SEND_S)
        if not self.hub.is_up:
            raise ConnectionRefusedError(111, "Connection refused")
        protocol = protocol_factory()
        wire = VirtualWire(self, protocol)
        protocol.connection_made(wire)
        return wire, protocol


class VirtualHub:
    """Takes every login, and notes when."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_up = True
        self.logins: list[float] = []
        self._loop = loop
        self._wires: set[VirtualWire] = set()

    def stop(self) -> None:
        """Closes every link, and takes no connection until `start`."""
        self.is_up = False
        for wire in tuple(self._wires):
            wire.close()

    def start(self) -> None:
        """Takes connections again, and forgets the logins before."""
        self.is_up = True
        self.logins.clear()

    def receive(self, wire: VirtualWire) -> None:
        """A login came; nothing else does, for nothing is asked."""
        self.logins.append(self._loop.time())
        self._wires.add(wire)
        self._loop.call_later(SEND_S, wire.deliver, b"OK")

    def forget(self, wire: VirtualWire) -> None:
        self._wires.discard(wire)


class VirtualWire(asyncio.Transport):
    """A provider's end of a connection to the hub."""

    def __init__(self, loop: VirtualLoop, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert data
        if not self._closing:
            self._loop.call_later(SEND_S, self._loop.hub.receive, self)

    def deliver(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.hub.forget(self)
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._closing
