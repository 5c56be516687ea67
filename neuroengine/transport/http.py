"""HTTP to a hub, on httpx: drives flows, one exchange after another.

One client with keep-alive serves all calls of a hub. Its users' hooks are told of every step; what one raises reaches
the caller.
"""

from __future__ import annotations

import ssl
import time
import weakref
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine._version import __version__
from neuroengine.errors import ConfigurationError, ConnectionFailed, NeuroengineError, TimedOut
from neuroengine.events import NO_HOOKS, Hooks, RequestEvent, ResponseEvent, RetryEvent
from neuroengine.log import LOG
from neuroengine.protocol.answers import Received
from neuroengine.protocol.flow import Send
from neuroengine.transport.failures import translated, usable_proxies
from neuroengine.transport.lean_httpx import httpx
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neuroengine.protocol.flow import Flow, Outcome, Result, Wait
    from neuroengine.protocol.retry import Timeouts

HttpClient = httpx.Client
AsyncHttpClient = httpx.AsyncClient
HttpTransport = httpx.BaseTransport
AsyncHttpTransport = httpx.AsyncBaseTransport

_ANSWER_BYTES: Final = 6 * PROVIDER_PAYLOAD_BYTES + 65536
"""The longest answer that is read: the longest payload of a provider, every byte of it escaped."""
_KEEP_ALIVE_S: Final = 4.0
"""How long an idle connection is kept: less than servers keep it (5 s), so that no request meets a closing one."""
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_KEEP_ALIVE_S)


class _Exchange:
    """What the two hubs share: the address, the headers, the time limits, and what is told of each step."""

    def __init__(self, url: str, access_key: str, timeouts: Timeouts, hooks: Hooks, clock: Callable[[], float]) -> None:
        self._url = url
        self._secret = access_key
        self._timeouts = timeouts
        self._hooks = hooks
        self._clock = clock
        self._headers = {
            "Content-Type": "application/json",  # NE-CLI-005
            "Accept": "application/json",
            "User-Agent": f"neuroengine/{__version__}",
        }
        if access_key:
            self._headers["Authorization"] = f"Bearer {access_key}"  # NE-CLI-025

    def _limits(self, send: Send) -> httpx.Timeout:
        """The time limits of one try: none is longer than the try itself."""
        answer = min(self._timeouts.answer_s, send.timeout_s)
        return httpx.Timeout(answer, connect=min(self._timeouts.connect_s, send.timeout_s))

    def _late(self, send: Send) -> TimedOut:
        """The error of an answer that did not end in time."""
        return TimedOut(f"{self._url} sent no whole answer within {send.timeout_s:g} s", request_sent=True)

    def _too_long(self) -> ConnectionFailed:
        """The error of an answer that is longer than any may be."""
        return ConnectionFailed(
            f"{self._url} answered more than {_ANSWER_BYTES} bytes", request_sent=True, retryable=False
        )

    def _begun(self, send: Send) -> float:
        """Tells that a request goes out; returns when."""
        LOG.debug("POST %s%s, %d bytes", self._url, send.path, len(send.body))
        if self._hooks.on_request is not None:
            self._hooks.on_request(RequestEvent(self._url + send.path, len(send.body)))
        return self._clock()

    def _ended(self, send: Send, begun: float, outcome: Received | ConnectionFailed) -> Outcome:
        """Tells what came of a request."""
        seconds = self._clock() - begun
        if isinstance(outcome, ConnectionFailed):
            LOG.debug("no answer after %.3f s: %r", seconds, str(outcome))
            event = ResponseEvent(self._url + send.path, seconds, error=outcome)
        else:
            LOG.debug("status %d, %d bytes after %.3f s", outcome.status, len(outcome.body), seconds)
            event = ResponseEvent(self._url + send.path, seconds, outcome.status, len(outcome.body))
        if self._hooks.on_response is not None:
            self._hooks.on_response(event)
        return outcome

    def _paused(self, pause: Wait) -> None:
        """Tells of a wait."""
        self._hide_secret(pause.reason)
        LOG.info("next try in %.2f s: %r", pause.seconds, str(pause.reason))
        if self._hooks.on_retry is not None:
            self._hooks.on_retry(RetryEvent(pause.seconds, pause.reason))

    @staticmethod
    def _check_open(client: httpx.Client | httpx.AsyncClient) -> None:
        """Raises ConfigurationError when the connections were closed."""
        if client.is_closed:
            raise ConfigurationError("this client is closed; make a new one, or use it inside its `with` block")

    def _hide_secret(self, error: NeuroengineError) -> None:
        """Takes the access key out of an error, in case the hub echoed it."""
        if self._secret:
            error.hide(self._secret)


class Hub(_Exchange):
    """A hub, seen from a program that waits.

    Args:
        url: the hub's base URL.
        access_key: the access key, or the empty text.
        timeouts: how long to wait.
        verify, ca_file: whom to trust, see `transport.trust`; not used with an `http_client` or `transport`.
        http_client: an httpx client to use instead of an own one; it is not closed.
        transport: an httpx transport for the own client.
        clock, sleep: tell the time and wait, in seconds.
        hooks: what is told of each step.
    """

    def __init__(
        self,
        url: str,
        *,
        access_key: str,
        timeouts: Timeouts,
        verify: bool = True,
        ca_file: str | None = None,
        http_client: httpx.Client | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        hooks: Hooks = NO_HOOKS,
    ) -> None:
        super().__init__(url, access_key, timeouts, hooks, clock)
        self._honours_proxies = http_client is None and transport is None
        self._sleep = sleep
        self._closing = None
        if http_client is None:
            verified = _context(url, transport, verify, ca_file)
            with usable_proxies():
                http_client = httpx.Client(transport=transport, verify=verified, limits=_LIMITS)
            # A program that never closes, as published ones do, leaves no open socket behind either.
            self._closing = weakref.finalize(self, http_client.close)
        self._client = http_client

    def run(self, flow: Flow[Result]) -> Result:
        """Drives a conversation to its end."""
        self._check_open(self._client)
        outcome: Outcome = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, Send):
                    outcome = self._ended(step, self._begun(step), self._post(step))
                else:
                    self._paused(step)
                    self._sleep(step.seconds)
                    outcome = None
        except StopIteration as end:
            result: Result = end.value
            return result
        except NeuroengineError as error:
            self._hide_secret(error)
            raise

    def _post(self, send: Send) -> Received | ConnectionFailed:
        """One exchange."""
        ends_at = self._clock() + send.timeout_s
        url = self._url + send.path
        try:
            with self._client.stream(
                "POST", url, content=send.body, headers=self._headers, timeout=self._limits(send)
            ) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _ANSWER_BYTES:
                        return self._too_long()
                    if self._clock() > ends_at:
                        return self._late(send)
                return Received(response.status_code, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return translated(error, url, honours_proxies=self._honours_proxies)

    def close(self) -> None:
        """Closes the connections, unless they are the caller's."""
        if self._closing is not None:
            self._closing()


class AsyncHub(_Exchange):
    """A hub, seen from a task; the arguments are those of `Hub`."""

    def __init__(
        self,
        url: str,
        *,
        access_key: str,
        timeouts: Timeouts,
        verify: bool = True,
        ca_file: str | None = None,
        http_client: httpx.AsyncClient | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        hooks: Hooks = NO_HOOKS,
    ) -> None:
        import asyncio  # here, because programs that wait do not need it

        super().__init__(url, access_key, timeouts, hooks, clock)
        self._honours_proxies = http_client is None and transport is None
        self._sleep = sleep or asyncio.sleep
        self._deadline = asyncio.timeout
        self._owned = http_client is None
        if http_client is None:
            verified = _context(url, transport, verify, ca_file)
            with usable_proxies():
                http_client = httpx.AsyncClient(transport=transport, verify=verified, limits=_LIMITS)
        self._client = http_client

    async def run(self, flow: Flow[Result]) -> Result:
        """Drives a conversation to its end."""
        self._check_open(self._client)
        outcome: Outcome = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, Send):
                    outcome = self._ended(step, self._begun(step), await self._post(step))
                else:
                    self._paused(step)
                    await self._sleep(step.seconds)
                    outcome = None
        except StopIteration as end:
            result: Result = end.value
            return result
        except NeuroengineError as error:
            self._hide_secret(error)
            raise

    async def _post(self, send: Send) -> Received | ConnectionFailed:
        """One exchange."""
        url = self._url + send.path
        try:
            async with (
                self._deadline(send.timeout_s),
                self._client.stream(
                    "POST", url, content=send.body, headers=self._headers, timeout=self._limits(send)
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _ANSWER_BYTES:
                        return self._too_long()
                return Received(response.status_code, bytes(body))
        except TimeoutError:
            return self._late(send)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return translated(error, url, honours_proxies=self._honours_proxies)

    async def close(self) -> None:
        """Closes the connections, unless they are the caller's."""
        if self._owned:
            await self._client.aclose()


def _context(url: str, transport: object, verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """The TLS settings.

    Reading authorities costs more than a request, so it is left out where no TLS is asked for; the context that stands
    in then trusts nobody.
    """
    proxied = any(proxy.startswith("https://") for proxy in getproxies().values())
    if transport is not None or (url.startswith("http://") and ca_file is None and not proxied):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl_context(verify, ca_file)
