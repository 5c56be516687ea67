"""HTTP to an OpenAI-compatible model server, on httpx: one exchange at a time.

It stands beside `transport.http`: that one drives whole conversations with a hub, this one hands out a server's answer
while the server still makes it.

Laws:

- A connection serves one exchange and is closed with it. A server that sees its client go stops generating, so an
  answer that is given up frees the model.
- The key is in a header and nowhere else: no error and no log line shows it.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from neuroengine._generated.registry import PROVIDER_ANSWER_S, PROVIDER_PAYLOAD_BYTES
from neuroengine._version import __version__
from neuroengine.protocol.requests import encoded
from neuroengine.transport.failures import FAILURES
from neuroengine.transport.lean_httpx import httpx
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

CONNECT_S: Final = 10.0
"""How long name, TCP and TLS may take together. Unit: seconds."""
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
ANSWER_BYTES: Final = 6 * PROVIDER_PAYLOAD_BYTES + 65536
"""The longest answer that is read whole: the longest reply that a hub takes, every byte of it escaped."""


class ServerFailed(Exception):
    """Raised when a model server gave no whole answer; the words are for a log.

    Attributes:
        reached: whether the server may have read the request.
        late: whether it merely took too long.
    """

    def __init__(self, words: str, *, reached: bool, late: bool) -> None:
        super().__init__(words)
        self.reached = reached
        self.late = late


class ServerAnswer:
    """A server's answer: the status is there, the body may still be on its way.

    Attributes:
        status: the HTTP status.
        is_stream: whether the body is a stream of events.
        retry_after: the seconds to wait before the next request, or None where the server does not say.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.is_stream = "event-stream" in response.headers.get("Content-Type", "").lower()
        wait = response.headers.get("Retry-After", "").strip()
        self.retry_after = int(wait) if _SECONDS.fullmatch(wait) else None

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        return self._response.aiter_bytes()

    async def read(self) -> bytes:
        """The body, whole, but never more of it than `ANSWER_BYTES`."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > ANSWER_BYTES:
                break
        return bytes(body[:ANSWER_BYTES])


class ModelServer:
    """A model server.

    Args:
        url: the base of its API, without a trailing slash.
        key: its API key, or the empty text.
        timeout: how long it may send no byte, in seconds.
    """

    def __init__(self, url: str, *, key: str = "", timeout: float = PROVIDER_ANSWER_S) -> None:
        self.url = url
        self._limits = httpx.Timeout(timeout, connect=min(CONNECT_S, timeout))
        self._headers = {"User-Agent": f"neuroengine/{__version__}"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._context: ssl.SSLContext | None = None

    @asynccontextmanager
    async def exchange(self, path: str, members: Mapping[str, Any] | None = None) -> AsyncIterator[ServerAnswer]:
        """One exchange: a POST of `members` as JSON, or a GET without any.

        Raises:
            ServerFailed: at any time, also while the body is read.
            ConfigurationError: SSL_CERT_FILE or SSL_CERT_DIR names what cannot be read.
        """
        self._context = self._context or ssl_context()
        method, body, headers = "GET", None, self._headers
        if members is not None:
            method, body, headers = "POST", encoded(members), {**headers, "Content-Type": "application/json"}
        try:
            async with (
                httpx.AsyncClient(verify=self._context, timeout=self._limits) as client,
                client.stream(method, f"{self.url}{path}", content=body, headers=headers) as response,
            ):
                yield ServerAnswer(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _translated(error) from error


def _translated(error: httpx.HTTPError | httpx.InvalidURL) -> ServerFailed:
    """Our error for an exception of httpx."""
    failure = next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)
    words = f"it {failure.sentence} ({str(error) or type(error).__name__})"
    return ServerFailed(words, reached=failure.request_sent, late=isinstance(error, httpx.TimeoutException))
