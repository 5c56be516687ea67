"""Where threads and an event loop meet: a loop in the background for programs that wait, a worker for calls that block.

Laws: nothing here polls or sleeps; an abandoned call does no harm when it ends; no thread keeps a program from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_WAIT_S: Final = 1.0 if sys.platform == "win32" else None
"""Windows cannot interrupt a wait for a lock: there a waiting worker looks up now and then, or Ctrl-C would never be
seen."""


class BackgroundLoop:
    """An event loop in a thread of its own, from the making until `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="neuroengine-loop", daemon=True)
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether the caller runs on the loop; then it must not wait for it."""
        return threading.current_thread() is self._thread

    def start(self, call: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Starts a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine on the loop and waits for its result; an interrupted wait cancels it."""
        future = self.start(call)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the loop and its thread; what still runs on it is cancelled."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()


class Worker:
    """Runs calls that block, in the threads that `run` is called in: one after another in each."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    async def call(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Has the worker call a function, and returns or raises what it returned or raised.

        A caller that is cancelled leaves the call to end alone; one that has not begun never begins.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Callable[[], Result]] = loop.create_future()

        def settle(result: Callable[[], Result]) -> None:
            if not outcome.done():
                outcome.set_result(result)

        def job() -> None:
            if outcome.done():
                return
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                # The loop may be gone: the call was abandoned with it.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(settle, _raiser(error))
                if isinstance(error, KeyboardInterrupt | SystemExit):  # they end the worker's thread as well
                    raise
            else:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(settle, lambda: value)

        self._jobs.put(job)
        return (await outcome)()

    def run(self) -> None:
        """Works until `stop`. A call that raises `KeyboardInterrupt` or `SystemExit` raises it here too."""
        while True:
            try:
                job = self._jobs.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if job is None:
                return
            job()

    def stop(self, threads: int = 1) -> None:
        """Lets `run` return in so many threads, after the calls that they are in."""
        for _ in range(threads):
            self._jobs.put(None)


def _raiser(error: BaseException) -> Callable[[], Any]:
    """A call that raises `error`; what would end the caller's loop is only told of."""

    def fail() -> Any:
        if isinstance(error, Exception):
            raise error
        raise RuntimeError(f"the call raised {type(error).__name__}") from error

    return fail
