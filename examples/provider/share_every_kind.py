"""Every kind of callback: what it may return."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from neuroengine import Provider, Reply, Request

provider = Provider()


@provider.service("Text", key="DEMOKEY")
def text(request: Request) -> str:
    """Returns the reply."""
    return f"You said: {request.message}"


@provider.service("Reply", key="DEMOKEY")
def reply(request: Request) -> Reply:
    """Returns the reply with members of its own, which reach the client."""
    return Reply(f"You said: {request.message}", {"model": "parrot-1"})


@provider.service("Mapping", key="DEMOKEY")
def mapping(request: Request) -> dict[str, Any]:
    """Returns the whole answer, as the published provider class does in JSON."""
    return {"reply": f"You said: {request.message}", "model": "parrot-1"}


@provider.service("Iterator", key="DEMOKEY", streaming=True)
def iterator(request: Request) -> Iterator[str]:
    """Gives the reply piece by piece."""
    yield "You said: "
    yield request.message


@provider.service("Coroutine", key="DEMOKEY", parallel=4)
async def coroutine(request: Request) -> str:
    """Waits without holding a thread; four replies are made at the same time."""
    await asyncio.sleep(0)
    return f"You said: {request.message}"


@provider.service("AsyncIterator", key="DEMOKEY", streaming=True)
async def async_iterator(request: Request) -> AsyncIterator[str]:
    """Gives the reply piece by piece, on the event loop."""
    yield "You said: "
    yield request.message


provider.serve_forever()
