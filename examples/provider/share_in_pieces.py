"""Shares an LLM whose replies clients can read while it writes them."""

import asyncio
from collections.abc import AsyncIterator

from neuroengine import AsyncProvider, Request


async def answer(request: Request) -> AsyncIterator[str]:
    """Gives the reply token by token, as a model does."""
    for word in request.message.split()[: request.sampling["max_new_len"]]:
        yield f" {word}"
        await asyncio.sleep(0)  # here your model works on the next token


provider = AsyncProvider("MYGPT", "DEMOKEY", answer, streaming=True, parallel=4)
asyncio.run(provider.serve_forever())
