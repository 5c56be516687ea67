"""How exceptions of httpx become errors of ours."""

from __future__ import annotations

import ssl

import httpx
import pytest
from fake_hub import URL, FakeHub

from mockserver import MockHub
from neuroengine import Client, Retry
from neuroengine.errors import ConnectionFailed, TimedOut, TLSFailed
from neuroengine.transport import failures


def exceptions_of_httpx() -> list[type[Exception]]:
    found = [getattr(httpx, name) for name in httpx.__all__]
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]


NEVER_RAISED = {
    httpx.CookieConflict,  # cookies are not read
    httpx.StreamError,  # a fault in our own use of httpx, not in the exchange
    httpx.StreamConsumed,
    httpx.StreamClosed,
    httpx.ResponseNotRead,
    httpx.RequestNotRead,
}


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_translated(kind: type[Exception]) -> None:
    request = httpx.Request("POST", URL)
    if kind in NEVER_RAISED:
        assert not issubclass(kind, httpx.HTTPError)
        return
    needs_response = issubclass(kind, httpx.HTTPStatusError)
    raised = kind("x", request=request, response=httpx.Response(500)) if needs_response else kind("x")  # type: ignore[call-arg]  # httpx's classes differ
    assert isinstance(raised, httpx.HTTPError | httpx.InvalidURL)
    ours = failures.translated(raised, URL)
    assert isinstance(ours, TimedOut) is isinstance(raised, httpx.TimeoutException)
    assert URL in str(ours)
    assert ours.__cause__ is raised
    hub = FakeHub(raised)
    with pytest.raises(ConnectionFailed) as caught:
        hub.client().generate("x")
    assert len(hub.requests) == (3 if caught.value.retryable else 1)


@pytest.mark.parametrize(
    "kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol]
)
def test_a_request_that_cannot_have_been_sent_is_known_as_such(kind: type[httpx.HTTPError]) -> None:
    assert not failures.translated(kind("x"), URL).request_sent


@pytest.mark.parametrize("kind", [httpx.ReadError, httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError])
def test_a_request_that_may_have_been_read_is_known_as_such(kind: type[httpx.HTTPError]) -> None:
    assert failures.translated(kind("x"), URL).request_sent


def test_plain_http_to_a_port_that_speaks_tls_is_told_what_to_write() -> None:
    with (
        MockHub() as hub,
        Client(url=hub.url.replace("https", "http"), retry=Retry(tries=1)) as client,
        pytest.raises(ConnectionFailed, match="write https:// instead of http://"),
    ):
        client.generate("x")


def test_a_failure_of_tls_is_told_from_a_failure_of_the_network() -> None:
    raised = httpx.ConnectError("certificate verify failed")
    raised.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    hub = FakeHub(raised)
    with pytest.raises(TLSFailed, match="SSL_CERT_FILE"):
        hub.client().generate("x")
    assert len(hub.requests) == 1
