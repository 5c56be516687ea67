"""HTTP to a hub, on httpx: the one module that imports it, drives flows and translates its errors.

One client with keep-alive serves all calls of a hub. Every exception of httpx becomes one of ours here, by `FAILURES`.
"""

from __future__ import annotations

import logging
import ssl
import time
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine._version import __version__
from neuroengine.errors import ConnectionFailed, NeuroengineError, TimedOut, TLSFailed
from neuroengine.protocol.answers import Received
from neuroengine.protocol.flow import Send
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from neuroengine.protocol.flow import Flow, Outcome, Result, Wait
    from neuroengine.protocol.retry import Timeouts

HttpClient = httpx.Client
AsyncHttpClient = httpx.AsyncClient
HttpTransport = httpx.BaseTransport
AsyncHttpTransport = httpx.AsyncBaseTransport

_LOG: Final = logging.getLogger("neuroengine")
_ANSWER_BYTES: Final = 6 * PROVIDER_PAYLOAD_BYTES + 65536
"""The longest answer that is read: the longest payload of a provider, every byte of it escaped."""
_KEEP_ALIVE_S: Final = 4.0
"""How long an idle connection is kept: less than servers keep it (5 s), so that no request meets a closing one."""
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_KEEP_ALIVE_S)


class Failure(NamedTuple):
    """What an exception of httpx means."""

    sentence: str
    request_sent: bool = True
    retryable: bool = True


FAILURES: Final[Mapping[type[Exception], Failure]] = MappingProxyType(
    {
        # A host that says nothing for the whole time limit is down; asking again only makes its user wait.
        httpx.ConnectTimeout: Failure("accepted no connection in time", request_sent=False, retryable=False),
        httpx.PoolTimeout: Failure("had no connection free in time", request_sent=False),
        httpx.ReadTimeout: Failure("sent no byte in time"),
        httpx.WriteTimeout: Failure("did not take the request in time"),
        httpx.ConnectError: Failure("cannot be reached", request_sent=False),
        httpx.ReadError: Failure("broke the connection before the answer was whole"),
        httpx.WriteError: Failure("broke the connection while the request was sent"),
        httpx.CloseError: Failure("broke the connection while it was closed"),
        httpx.RemoteProtocolError: Failure("broke the connection or the rules of HTTP"),
        httpx.LocalProtocolError: Failure("cannot be sent such a request", request_sent=False, retryable=False),
        httpx.ProxyError: Failure("cannot be reached through the proxy", request_sent=False),
        httpx.UnsupportedProtocol: Failure(
            "has neither an http nor an https address", request_sent=False, retryable=False
        ),
        httpx.TransportError: Failure("could not be asked"),
        httpx.DecodingError: Failure("sent an answer that is not encoded as it says"),
        httpx.TooManyRedirects: Failure("redirects without an end", retryable=False),
        httpx.HTTPError: Failure("could not be asked", retryable=False),
        httpx.InvalidURL: Failure("has an address that cannot be used", request_sent=False, retryable=False),
    }
)
"""What each exception of httpx means; a class that is not listed means what its nearest listed base means."""


def translated(error: httpx.HTTPError | httpx.InvalidURL, url: str) -> ConnectionFailed:
    """Our error for an exception of httpx."""
    failure = next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)
    reason = str(error) or type(error).__name__
    ours: ConnectionFailed
    if not failure.request_sent and _is_tls(error):
        ours = TLSFailed(
            f"no trusted TLS connection to {url} ({reason}); if the hub has an authority of its own, name that file "
            "(ca_file, --ca-file or SSL_CERT_FILE), and check that the port speaks TLS",
            request_sent=False,
            retryable=False,
        )
    else:
        kind = TimedOut if isinstance(error, httpx.TimeoutException) else ConnectionFailed
        ours = kind(
            f"{url} {failure.sentence} ({reason}){_advice(error, failure, url)}",
            request_sent=failure.request_sent,
            retryable=failure.retryable,
        )
    ours.__cause__ = error
    return ours


def _advice(error: Exception, failure: Failure, url: str) -> str:
    """What its reader can do about a failure, where that is known."""
    if not failure.request_sent:
        return "; check the address (NEUROENGINE_URL) and that the hub runs"
    if isinstance(error, httpx.RemoteProtocolError) and url.startswith("http://"):
        return "; if the port speaks TLS, write https:// instead of http://"
    return ""


def _is_tls(error: BaseException | None) -> bool:
    """Whether the failure began in TLS."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Exchange:
    """What the two hubs share: the address, the headers, the time limits and how an answer is put together."""

    def __init__(self, url: str, access_key: str, timeouts: Timeouts) -> None:
        self._url = url
        self._secret = access_key
        self._timeouts = timeouts
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

    def _late(self) -> TimedOut:
        """The error of an answer that did not end within the call's time."""
        return TimedOut(f"{self._url} sent no whole answer within {self._timeouts.total_s:g} s", request_sent=True)

    def _too_long(self) -> ConnectionFailed:
        """The error of an answer that is longer than any may be."""
        return ConnectionFailed(
            f"{self._url} answered more than {_ANSWER_BYTES} bytes", request_sent=True, retryable=False
        )

    def _note(self, pause: Wait) -> None:
        """Logs a wait."""
        self._hide_secret(pause.reason)
        _LOG.info("next try in %.2f s: %r", pause.seconds, str(pause.reason))

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
    ) -> None:
        super().__init__(url, access_key, timeouts)
        self._clock = clock
        self._sleep = sleep
        self._closing = None
        if http_client is None:
            verified = _context(url, transport, verify, ca_file)
            http_client = httpx.Client(transport=transport, verify=verified, limits=_LIMITS)
            # A program that never closes, as published ones do, leaves no open socket behind either.
            self._closing = weakref.finalize(self, http_client.close)
        self._client = http_client

    def run(self, flow: Flow[Result]) -> Result:
        """Drives a conversation to its end."""
        outcome: Outcome = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, Send):
                    outcome = self._post(step)
                else:
                    self._note(step)
                    self._sleep(step.seconds)
                    outcome = None
        except StopIteration as end:
            result: Result = end.value
            return result
        except NeuroengineError as error:
            self._hide_secret(error)
            raise

    def _post(self, send: Send) -> Outcome:
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
                        return self._late()
                return Received(response.status_code, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return translated(error, url)

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
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        import asyncio  # here, because programs that wait do not need it

        super().__init__(url, access_key, timeouts)
        self._sleep = sleep or asyncio.sleep
        self._deadline = asyncio.timeout
        self._owned = http_client is None
        self._client = http_client or httpx.AsyncClient(
            transport=transport, verify=_context(url, transport, verify, ca_file), limits=_LIMITS
        )

    async def run(self, flow: Flow[Result]) -> Result:
        """Drives a conversation to its end."""
        outcome: Outcome = None
        try:
            while True:
                step = flow.send(outcome)
                if isinstance(step, Send):
                    outcome = await self._post(step)
                else:
                    self._note(step)
                    await self._sleep(step.seconds)
                    outcome = None
        except StopIteration as end:
            result: Result = end.value
            return result
        except NeuroengineError as error:
            self._hide_secret(error)
            raise

    async def _post(self, send: Send) -> Outcome:
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
            return self._late()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return translated(error, url)

    async def close(self) -> None:
        """Closes the connections, unless they are the caller's."""
        if self._owned:
            await self._client.aclose()


def _context(url: str, transport: object, verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """The TLS settings.

    Reading authorities costs more than a request, so it is left out where no TLS is asked for; the context that stands
    in then trusts nobody.
    """
    if transport is not None or (url.startswith("http://") and ca_file is None):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl_context(verify, ca_file)
