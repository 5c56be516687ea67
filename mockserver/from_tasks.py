"""Starting and stopping from a task, in a thread, so that other tasks go on meanwhile.

A thread cannot be cancelled. When the task is, what its thread has begun is ended, and nothing is left running.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def started(start: Callable[[], object], stop: Callable[[], object]) -> None:
    """Calls `start`; when the task is cancelled meanwhile, `stop` too, unless there is nothing to stop."""
    starting = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if starting.exception() is None:
            await asyncio.to_thread(stop)
        raise


async def finished(stop: Callable[[], object]) -> None:
    """Calls `stop` and returns when it is done, whatever happens to the task."""
    stopping = asyncio.ensure_future(asyncio.to_thread(stop))
    try:
        await asyncio.shield(stopping)
    except asyncio.CancelledError:
        await asyncio.wait([stopping])
        raise
