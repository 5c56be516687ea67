"""HTTP by hand, for clients that must cost little: one request at a time on a connection that is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self


def request(content: object, service: str = "") -> bytes:
    """The bytes of a POST to a service."""
    body = json.dumps(content).encode()
    head = f"POST /{service} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class PlainClient:
    """A connection to a hub."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connected(cls, address: tuple[str, int]) -> Self:
        """A new one."""
        return cls(*await asyncio.open_connection(*address))

    def send(self, content: object, service: str = "") -> None:
        """Sends a request."""
        self._writer.write(request(content, service))

    async def receive(self) -> Any:
        """The next answer."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return json.loads(await self._reader.readexactly(int(fields[b"content-length"])))

    async def ask(self, content: object, service: str = "") -> Any:
        """Sends a request and waits for its answer."""
        self.send(content, service)
        return await self.receive()

    def close(self) -> None:
        """Hangs up, also in the middle of an answer."""
        self._writer.transport.abort()
