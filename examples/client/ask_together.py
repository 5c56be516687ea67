"""Asks three questions at the same time."""

import asyncio

from neuroengine import AsyncClient

QUESTIONS = (
    "What do tomatoes need?",
    "When does the ferry leave?",
    "Who keeps the light?",
)


async def main() -> None:
    """Prints the replies in the order of the questions."""
    async with AsyncClient("Neuroengine-Large") as client:
        calls = (client.generate(question, max_new_len=24) for question in QUESTIONS)
        for reply in await asyncio.gather(*calls):
            print(reply.text)


asyncio.run(main())
