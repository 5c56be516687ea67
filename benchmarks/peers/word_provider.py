"""A provider for the soak: it answers by the ledger's rule, and writes down whom it answered, until it is killed.

Run as a program it takes the hub's address and authority, the service and its key, the file for its notes, and `whole`
or `streaming`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger import reply_to
from neuroengine import AsyncProvider, Retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neuroengine import Request


async def provide(address: str, ca_file: str, service: str, key: str, notes: str, kind: str) -> None:
    """Answers for ever."""
    with Path(notes).open("a", encoding="utf-8") as file:  # noqa: ASYNC230 - before anything else runs

        async def whole(request: Request) -> str:
            file.write(request.message + "\n")
            file.flush()  # the next moment may be the last
            return reply_to(request.message)

        async def streaming(request: Request) -> AsyncIterator[str]:
            for number, word in enumerate(reply_to(request.message).split()):
                await asyncio.sleep(0.001)
                yield f" {word}" if number else word

        async with AsyncProvider(
            service,
            key,
            whole if kind == "whole" else streaming,
            streaming=kind == "streaming",
            address=address,
            ca_file=ca_file,
            persistent=True,
            reconnect=Retry(tries=1000, first_wait_s=0.05, longest_wait_s=0.5),
        ) as provider:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await provider.serve_forever()


if __name__ == "__main__":
    asyncio.run(provide(*sys.argv[1:7]))
