"""The least that a hub can be: one provider, and clients whose requests are handed on to it one after another.

It gives the provider no quick acknowledgements, bounds nothing, waits for ever, and trusts everybody. Run as a program
it reads a certificate with its key from a file, and says where it listens:

    python -m benchmarks.peers.plain_hub CERTIFICATE_FILE
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys


class PlainHub:
    """The hub's one link, and whose turn it is."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._link: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()

    async def take_provider(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lets whoever comes in."""
        await reader.read(4096)
        writer.write(b"OK")
        self._link.set_result((reader, writer))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves a client until it leaves."""
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await reader.readexactly(int(fields[b"content-length"]))
            async with self._turn:
                payload = await self._ask(body)
            answer = json.dumps({"errorcode": 0, **json.loads(payload)}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
            )
            writer.write(answer)

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await self._link
        writer.write(request)
        return await reader.readexactly(int(await reader.readexactly(8), 16))


async def main(certificate_file: str) -> None:
    """Serves until it is ended."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_file)
    hub = PlainHub()
    clients = await asyncio.start_server(hub.serve, "127.0.0.1", 0)
    providers = await asyncio.start_server(hub.take_provider, "127.0.0.1", 0, ssl=tls)
    ports = [server.sockets[0].getsockname()[1] for server in (clients, providers)]
    sys.stdout.write(f"{json.dumps(ports)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
