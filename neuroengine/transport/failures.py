"""What the exceptions of httpx mean: each becomes one error of ours, in one place, by one table."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from neuroengine.errors import ConfigurationError, ConnectionFailed, TimedOut, TLSFailed
from neuroengine.transport.address import proxy_for
from neuroengine.transport.lean_httpx import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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


def translated(
    error: httpx.HTTPError | httpx.InvalidURL, url: str, *, honours_proxies: bool = False
) -> ConnectionFailed:
    """Our error for an exception of httpx; `honours_proxies` tells that proxies of the environment are in force."""
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
            f"{url} {failure.sentence} ({reason}){_advice(error, failure, url, honours_proxies)}",
            request_sent=failure.request_sent,
            retryable=failure.retryable,
        )
    ours.__cause__ = error
    return ours


def _advice(error: Exception, failure: Failure, url: str, honours_proxies: bool) -> str:
    """What its reader can do about a failure, where that is known."""
    proxy = proxy_for(url) if honours_proxies and not failure.request_sent else None
    if proxy is not None:
        return f"; it was asked through the proxy {proxy} (HTTPS_PROXY or HTTP_PROXY); NO_PROXY excepts a host"
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


@contextmanager
def usable_proxies() -> Iterator[None]:
    """Turns what httpx raises about the environment's proxies into an error that names them.

    Raises:
        ConfigurationError: a proxy's address is none, or of a kind that needs a package that is not installed.
    """
    try:
        yield
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"a proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) cannot be used: {error}"
        ) from None
