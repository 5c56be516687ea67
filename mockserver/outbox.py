"""Steps on their way from the hub's state, in whatever thread that is, to the task of the door that plays them."""

from __future__ import annotations

import asyncio
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING

from mockserver.state.delivery import End

if TYPE_CHECKING:
    from mockserver.state.delivery import Step


class Outbox:
    """A queue of steps. It belongs to the loop that it is made on; any thread may put."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._steps: deque[Step] = deque()
        self._filled = asyncio.Event()
        self._is_closed = False

    def __bool__(self) -> bool:
        """Whether a step is there."""
        return bool(self._steps)

    def put(self, step: Step) -> None:
        """Adds a step."""
        self._steps.append(step)
        if get_ident() == self._thread:
            self._filled.set()
        else:
            self._loop.call_soon_threadsafe(self._filled.set)

    def close(self) -> None:
        """Wakes whoever waits for a step: the client has left."""
        self._is_closed = True
        self._filled.set()

    def take_end(self) -> bool:
        """Takes an `End` out, if that is the next step and there already."""
        is_there = bool(self._steps) and isinstance(self._steps[0], End)
        if is_there:
            self._steps.popleft()
        return is_there

    async def get(self) -> Step | None:
        """The next step as soon as there is one, or None when there will be none."""
        while not self._steps and not self._is_closed:
            self._filled.clear()
            await self._filled.wait()
        return None if self._is_closed else self._steps.popleft()
