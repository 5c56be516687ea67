"""Shares an LLM: `Provider` for programs that wait, `AsyncProvider` for those that run on asyncio.

`AsyncProvider` holds the policy: when to connect again, and what becomes of what a callback returns or raises.
`Provider` is a thin shell around it.

Laws: a service key is never logged or shown; a callback can break nothing but its own answer.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from neuroengine.errors import LoginRefused, NeuroengineError
from neuroengine.protocol.frames import NotAnAnswer, error_payload, payload_of
from neuroengine.protocol.link import ProviderLink
from neuroengine.protocol.retry import Retry
from neuroengine.transport.link import Address, LinkConnection, provider_address
from neuroengine.transport.threads import BackgroundLoop, Worker
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Answer: TypeAlias = Callable[[dict[str, Any]], Any]
    """A callback: takes a request's members; returns the reply, the whole answer, or a coroutine of one."""

RECONNECT: Final = Retry(tries=sys.maxsize, first_wait_s=5.0, longest_wait_s=10.0, jitter=1.0)
"""How a provider comes back (NE-PROV-015): for ever, and at random within the span, so that the providers of a hub
that restarts come neither in one burst nor late."""

_LOG: Final = logging.getLogger("neuroengine.provider")


def payload_of_result(result: object) -> bytes:
    """The payload of what a callback returned: text is the reply, a mapping the whole answer.

    Raises:
        NotAnAnswer: it is neither, or a mapping that no hub would hand on.
    """
    if isinstance(result, str):
        return payload_of({"reply": result})
    if isinstance(result, Mapping):
        return payload_of(result)
    raise NotAnAnswer(f"it is {type(result).__name__} and neither the reply's text nor a mapping")


class AsyncProvider:
    """Answers the requests to one service.

    Args:
        service: the service's name.
        key: the service key.
        answer: called with each request's members, one at a time. It returns the reply's text, or the whole answer as
            a mapping with `reply`. A plain function runs in a thread of its own and may block; a coroutine function
            runs on the loop. When it raises, or returns anything else, the client gets one error answer, and the
            fault is logged.
        address: the hub's provider port as `HOST:PORT`; otherwise NEUROENGINE_PROVIDER, or the published hub.
        verify, ca_file: whom to trust, see `transport.trust`.
        reconnect: when to connect again.
        persistent: come back also after a refused login or an untrusted certificate, instead of raising.
        payload: writes what `answer` returned; it raises `NotAnAnswer` where it cannot.

    Raises:
        ConfigurationError: the address is none.
    """

    def __init__(
        self,
        service: str,
        key: str,
        answer: Answer,
        *,
        address: str | Address | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        reconnect: Retry = RECONNECT,
        persistent: bool = False,
        payload: Callable[[Any], bytes] = payload_of_result,
    ) -> None:
        self.service = service
        self.address = address if isinstance(address, Address) else provider_address(address)
        self._key = key
        self._answer = answer
        self._trust = (verify, ca_file)
        self._reconnect = reconnect
        self._persistent = persistent
        self._payload = payload
        self._worker = Worker()
        self._context: ssl.SSLContext | None = None
        self._connection: LinkConnection | None = None
        self._was_accepted = False
        self._serving: asyncio.Task[None] | None = None
        self._left = asyncio.Event()
        self._closing = False

    async def connect(self) -> None:
        """Connects and logs in, once. `serve` goes on with this connection; what the hub sends in between waits.

        Raises:
            LoginRefused: the hub does not take the service's name or key.
            ConnectionFailed: the hub could not be reached or trusted.
            ConfigurationError: a certificate file cannot be read.
        """
        await self._disconnect()
        self._connection = await self._logged_in()

    async def serve(self) -> None:
        """Answers requests, and connects again whenever the link is lost, until `close`.

        Raises:
            LoginRefused, TLSFailed, ConfigurationError: trying again would not help; never when the provider is
                persistent.
            NeuroengineError: the last failure, when `reconnect` gives up.
        """
        if self._serving is not None:
            raise RuntimeError("this provider serves already")
        self._closing = False
        self._left = asyncio.Event()
        self._worker = Worker()
        if not inspect.iscoroutinefunction(self._answer):
            threading.Thread(target=self._worker.run, name=f"neuroengine-{self.service}", daemon=True).start()
        self._serving = asyncio.create_task(self._stay())
        try:
            await self._serving
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._worker.stop()
            try:
                await self._disconnect()
            finally:
                self._serving = None
                self._left.set()

    async def close(self) -> None:
        """Leaves the hub: `serve` returns, an answer that is being made is given up."""
        self._closing = True
        if self._serving is not None:
            self._serving.cancel()
            await self._left.wait()
        await self._disconnect()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _stay(self) -> None:
        """Serves one connection after another."""
        failures = 0
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._logged_in()
                failures = 0
                await self._connection.serve(self._respond)
            except NeuroengineError as error:
                failures += 1
                wait_s = self._reconnect.wait_s(failures, None, random.random()) if self._may_return(error) else None
                if wait_s is None:
                    raise
                _LOG.warning("%s; next login in %.1f s", error, wait_s)
                await self._disconnect()
                await asyncio.sleep(wait_s)

    async def _logged_in(self) -> LinkConnection:
        """A new connection, logged in."""
        if self._context is None:
            self._context = ssl_context(*self._trust)
        connection = await LinkConnection.open(self.address, self._context, ProviderLink(self.service, self._key))
        try:
            await connection.log_in()
        except BaseException as error:
            await connection.close()
            if isinstance(error, LoginRefused):
                error.hide(self._key or "\0")
            raise
        self._was_accepted = True
        _LOG.info("logged in to %s for %s", self.address, self.service)
        return connection

    def _may_return(self, error: NeuroengineError) -> bool:
        """Whether to connect again."""
        # A hub that stops may close on a login without a word: that says nothing against a key that it took before.
        closed_on = isinstance(error, LoginRefused) and not error.text and self._was_accepted
        return self._persistent or error.retryable or closed_on

    async def _respond(self, members: dict[str, Any]) -> bytes:
        """The payload for a request, whatever the callback does."""
        try:
            if inspect.iscoroutinefunction(self._answer):
                result = await self._answer(members)
            else:
                result = await self._worker.call(self._answer, members)
                if inspect.isawaitable(result):  # a callable object or a wrapper does not show that it is a coroutine's
                    result = await result
            return self._payload(result)
        except NotAnAnswer as error:
            _LOG.error("what the callback returned is no answer: %s", error)
        except Exception:  # noqa: BLE001 - a callback may raise anything, and it costs this answer alone
            _LOG.exception("the callback raised")
        return error_payload("The provider failed to answer this request.")

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class Provider:
    """Answers the requests to one service, for programs that wait. The arguments are those of `AsyncProvider`.

    `answer` is called in the thread that calls `serve_forever`; the link lives in a thread of its own, so pings are
    seen meanwhile.
    """

    def __init__(
        self,
        service: str,
        key: str,
        answer: Answer,
        *,
        address: str | Address | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        reconnect: Retry = RECONNECT,
        persistent: bool = False,
        payload: Callable[[Any], bytes] = payload_of_result,
    ) -> None:
        self._answer = answer
        self._provider = AsyncProvider(
            service,
            key,
            self._answer_in_worker,
            address=address,
            verify=verify,
            ca_file=ca_file,
            reconnect=reconnect,
            persistent=persistent,
            payload=payload,
        )
        self._worker = Worker()
        self._loop: BackgroundLoop | None = None
        self._lock = threading.Lock()

    @property
    def service(self) -> str:
        """The service's name."""
        return self._provider.service

    def connect(self) -> None:
        """Connects and logs in, once; raises as `AsyncProvider.connect` does."""
        self._running_loop().run(self._provider.connect())

    def serve_forever(self) -> None:
        """Answers requests, and connects again whenever the link is lost, until `close`.

        Raises:
            LoginRefused, TLSFailed, ConfigurationError: trying again would not help; never when the provider is
                persistent.
        """
        self._worker = worker = Worker()
        serving = self._running_loop().start(self._provider.serve())
        serving.add_done_callback(lambda _: worker.stop())
        try:
            worker.run()
            serving.result()
        finally:
            self.close()

    def close(self) -> None:
        """Leaves the hub; `serve_forever` returns as soon as the callback does."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.run(self._provider.close())
            loop.stop()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _running_loop(self) -> BackgroundLoop:
        with self._lock:
            if self._loop is None:
                self._loop = BackgroundLoop()
            return self._loop

    async def _answer_in_worker(self, members: dict[str, Any]) -> Any:
        return await self._worker.call(self._answer, members)
