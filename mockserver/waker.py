"""Wakes a task from any thread."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def waker(event: asyncio.Event) -> Callable[[], None]:
    """Sets an event of the running loop, from any thread and also when the loop is gone: then nobody waits any more."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(event.set)

    return wake
