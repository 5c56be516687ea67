"""The client goes through the proxies that the standard variables name, and says so when one is in the way."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from proxy import Proxy

from mockserver import MockHub
from neuroengine import AsyncClient, Client, ConfigurationError, ConnectionFailed, Retry
from neuroengine.transport.address import proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "MYGPT"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with Proxy() as running:
        yield running


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_request_goes_through_the_proxy(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY" if tls else "HTTP_PROXY", proxy.url)
    with MockHub({SERVICE: "KEY"}, tls=tls) as hub:
        with Client(SERVICE, url=hub.url, ca_file=hub.ca_file) as client:
            assert client.generate("hi", max_new_len=3).text
        host = hub.url.partition("://")[2]
        assert proxy.asked == [f"CONNECT {host} HTTP/1.1" if tls else f"POST {hub.url}/{SERVICE} HTTP/1.1"]


def test_the_async_client_goes_through_the_proxy_too(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    async def main(hub: MockHub) -> str:
        async with AsyncClient(SERVICE, url=hub.url, ca_file=hub.ca_file) as client:
            return (await client.generate("hi", max_new_len=3)).text

    with MockHub({SERVICE: "KEY"}) as hub:
        assert asyncio.run(main(hub))
    assert len(proxy.asked) == 1


def test_a_host_that_is_excepted_is_asked_directly(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with MockHub({SERVICE: "KEY"}, tls=False) as hub, Client(SERVICE, url=hub.url) as client:
        assert client.generate("hi", max_new_len=3).text
    assert proxy.asked == []


@pytest.mark.usefixtures("proxy")
def test_a_proxy_that_is_down_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    with (
        Client(SERVICE, url="http://hub.invalid", retry=Retry(tries=1)) as client,
        pytest.raises(ConnectionFailed, match=f"through the proxy http://127.0.0.1:{port}"),
    ):
        client.generate("hi")


@pytest.mark.usefixtures("proxy")
def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "user:secret@proxy.test:3128")
    assert proxy_for("https://hub.test/S") == "http://proxy.test:3128"
    monkeypatch.setenv("NO_PROXY", "hub.test")
    assert proxy_for("https://hub.test/S") is None


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("address", ["ftp://proxy.test:1", "socks5://user:secret@proxy.test:1"])
def test_a_proxy_of_a_kind_that_cannot_be_used_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", address)

    async def opened() -> None:
        AsyncClient(SERVICE, url="http://hub.invalid")

    for call in (lambda: Client(SERVICE, url="http://hub.invalid"), lambda: asyncio.run(opened())):
        with pytest.raises(ConfigurationError, match="ALL_PROXY") as refused:
            call()
        assert "secret" not in str(refused.value)
