"""A provider that logs in and waits: what the hub sends it, and when."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import ssl

    from benchmarks.hub_process import HubProcess

HANDSHAKE_S: Final = 120.0
"""The most time that a login may take, among thousands at once."""


class Waiting(asyncio.Protocol):
    """A provider that waits for one message after the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self.told_at = 0.0

    @classmethod
    async def logged_in(cls, hub: HubProcess, service: str, key: str, trust: ssl.SSLContext) -> Self:
        """One that the hub has taken."""
        host, _, port = hub.provider.partition(":")
        _, waiting = await asyncio.get_running_loop().create_connection(
            cls, host, int(port), ssl=trust, ssl_handshake_timeout=HANDSHAKE_S
        )
        waiting.transport.write(json.dumps({"user": service, "key": key}).encode())
        assert await waiting.next() == b"OK"
        return waiting

    def connection_made(self, transport: Any) -> None:
        """The connection is there."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """One message came, perhaps with the next."""
        self.told_at = monotonic()
        self._came.put_nowait(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        """Nothing more comes."""
        self._came.put_nowait(b"")

    async def next(self) -> bytes:
        """The next message."""
        return await self._came.get()
