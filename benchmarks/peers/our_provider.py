"""Our own providers with a callback that answers the same reply; the last argument says which: `async` or `waiting`."""

from __future__ import annotations

import asyncio
import sys

from neuroengine import AsyncProvider, Provider


async def provide(address: str, ca_file: str, service: str, key: str, reply: str) -> None:
    """Answers on asyncio until it is ended."""

    async def answer(_: object) -> str:
        return reply

    async with AsyncProvider(service, key, answer, address=address, ca_file=ca_file) as provider:
        _ready()
        await provider.serve_forever()


def provide_waiting(address: str, ca_file: str, service: str, key: str, reply: str) -> None:
    """Answers by a plain function, in a thread, until it is ended."""
    with Provider(service, key, lambda _: reply, address=address, ca_file=ca_file) as provider:
        _ready()
        provider.serve_forever()


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    *arguments, kind = sys.argv[1:7]
    if kind == "async":
        asyncio.run(provide(*arguments))
    else:
        provide_waiting(*arguments)
