"""Shares LLMs: `Provider` for programs that wait, `AsyncProvider` for those that run on asyncio.

Both hold any number of services, each with a callback that answers its requests. They are thin shells over `offering`:
one runs its stay on its caller's event loop, the other on a loop in the background.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

from neuroengine.offering import Offering, Stay
from neuroengine.transport.threads import BackgroundLoop

if TYPE_CHECKING:
    from neuroengine.transport.threads import Worker

STOP_S: Final = 30.0
"""How long a graceful stop may take. Unit: seconds."""


class AsyncProvider(Offering):
    """Answers the requests to one service or several, on asyncio; see `Offering` for the arguments.

    Plain functions run in threads of their own and may block; coroutines run on the loop.
    """

    _stay: Stay | None = None
    _is_serving = False

    async def connect(self) -> None:
        """Connects and logs in, once. `serve_forever` goes on with these links; what the hub sends in between waits.

        Raises:
            LoginRefused: the hub does not take a service's name or key.
            ConnectionFailed: the hub could not be reached or trusted.
            ConfigurationError: a certificate file cannot be read, or there is no service.
        """
        await self.close()
        stay = self._new_stay()
        await stay.connect()
        self._stay = stay

    async def serve_forever(self) -> None:
        """Answers requests, and connects again whenever a link is lost, until `stop` or `close`.

        Raises:
            LoginRefused, TLSFailed, ConfigurationError: trying again would not help; the other services leave too.
                Never when the provider is persistent.
            NeuroengineError: the last failure, when `reconnect` gives up.
        """
        if self._is_serving:
            raise RuntimeError("this provider serves already")
        self._is_serving = True
        try:
            stay = self._stay = self._stay or self._new_stay()
            _start_threads(stay.worker, stay.threads)
            await stay.serve()
        finally:
            self._is_serving = False
            self._stay = None

    async def stop(self, within_s: float = STOP_S) -> None:
        """Leaves gracefully: takes no new request, finishes the answers and streams that were begun, then leaves.

        After `connect`, and before `serve_forever`, it lets that return at once.

        Args:
            within_s: after so many seconds, what is still being made is given up.
        """
        if self._stay is not None:
            await self._stay.stop(within_s)

    async def close(self) -> None:
        """Leaves at once: `serve_forever` returns, answers that are being made are given up."""
        stay, self._stay = self._stay, None
        if stay is not None:
            await stay.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class Provider(Offering):
    """Answers the requests to one service or several, for programs that wait; see `Offering` for the arguments.

    Plain functions are called in the thread that calls `serve_forever`, and in as many more as are needed to make all
    services' replies at the same time. The links live in a thread of their own, so pings are seen meanwhile.
    """

    _stay: Stay | None = None
    _loop: BackgroundLoop | None = None
    _is_serving = False
    _lock = threading.RLock()
    """Held for an instant, while a stay begins or ends: any thread, and a signal's handler in it, may end one."""

    def connect(self) -> None:
        """Connects and logs in, once; see `AsyncProvider.connect`."""
        self.close()
        stay, loop = self._opened()
        try:
            loop.run(stay.connect())
        except BaseException:
            self.close()
            raise

    def serve_forever(self) -> None:
        """Answers requests until `stop` or `close`; see `AsyncProvider.serve_forever`."""
        with self._lock:
            if self._is_serving:
                raise RuntimeError("this provider serves already")
            stay, loop = self._opened()
            serving = loop.start(stay.serve())
            self._is_serving = True
        try:
            _start_threads(stay.worker, stay.threads - 1)
            stay.worker.run()
            serving.result()
        finally:
            self._is_serving = False
            self.close()

    def stop(self, within_s: float = STOP_S) -> None:
        """Lets `serve_forever` return as soon as the answers and streams that were begun are out.

        It returns at once, and may be called in any thread, a callback or a signal's handler. After `connect`, and
        before `serve_forever`, it lets that return at once.

        Args:
            within_s: after so many seconds, what is still being made is given up.
        """
        with self._lock:
            if self._loop is not None and self._stay is not None:
                self._loop.start(self._stay.stop(within_s))

    def close(self) -> None:
        """Leaves at once; `serve_forever` returns as soon as the callback does.

        It may be called in any thread; a coroutine or `on_state` does not wait until the provider has left.
        """
        if self._loop is not None and self._loop.is_here:
            self.stop(within_s=0)
            return
        with self._lock:
            loop, self._loop = self._loop, None
            stay, self._stay = self._stay, None
        if loop is not None and stay is not None:
            loop.run(stay.close())
            loop.stop()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _opened(self) -> tuple[Stay, BackgroundLoop]:
        """The stay and its loop, made when they are first needed."""
        with self._lock:
            self._stay = self._stay or self._new_stay()
            self._loop = self._loop or BackgroundLoop()
            return self._stay, self._loop


def _start_threads(worker: Worker, count: int) -> None:
    """Gives a worker threads of its own, which end with it and keep no program from ending."""
    for number in range(count):
        threading.Thread(target=_work, args=(worker,), name=f"neuroengine-provider-{number}", daemon=True).start()


def _work(worker: Worker) -> None:
    """Works until the worker stops. A callback that exits ends its answer, and no thread but its caller's own."""
    while True:
        try:
            worker.run()
        except SystemExit:  # its client has its error answer, and the log the reason
            continue
        return
