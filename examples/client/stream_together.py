"""Reads two replies at the same time, each piece by piece."""

import asyncio

from neuroengine import AsyncClient


async def read(client: AsyncClient, question: str) -> str:
    """The whole reply, read as a stream."""
    async with client.stream(question, max_new_len=12, gettokens=4) as pieces:
        async for piece in pieces:
            print(f"{question} {piece!r}")
    return pieces.text


async def main() -> None:
    """Reads both, and prints the longer one."""
    questions = ("What do tomatoes need?", "Who keeps the light?")
    async with AsyncClient("Neuroengine-Large") as client:
        replies = await asyncio.gather(
            *(read(client, question) for question in questions)
        )
    print(max(replies, key=len))


asyncio.run(main())
