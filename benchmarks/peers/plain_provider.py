"""The least that a provider can be: it logs in, and answers each frame with the same reply. It survives nothing."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys


async def provide(address: str, ca_file: str, service: str, key: str, reply: str) -> None:
    """Answers until the hub closes the link."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context(cafile=ca_file))
    writer.write(json.dumps({"user": service, "key": key}).encode())
    if (await reader.read(4096)).strip() != b"OK":
        raise ConnectionRefusedError(address)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while data := await reader.read(65536):
        if "ping" not in json.loads(data):
            payload = json.dumps({"reply": reply}).encode()
            writer.write(b"%08X" % len(payload) + payload)


if __name__ == "__main__":
    asyncio.run(provide(*sys.argv[1:6]))
