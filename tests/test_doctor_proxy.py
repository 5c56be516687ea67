"""What the doctor finds where a proxy is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checkup import SERVICE, clear_environment, examine, know_no_name
from proxy import Proxy
from wrong_hosts import Port, closed_port, silent_port, speaking_port

from mockserver import MockHub

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "KEY", "Other": "KEY"}) as running:
        yield running


def test_a_proxy_that_is_in_the_way(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--provider", hub.provider)
    assert found.failed() == [("hub", "proxy")], "providers go without a proxy"
    assert found.hub("proxy")[1] == (
        f"HTTPS_PROXY names http://127.0.0.1:{port}: 127.0.0.1:{port} refuses the connection"
    )
    assert "NO_PROXY" in found.hub("proxy")[2]
    assert found.not_tried_behind("hub", "proxy")


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
def test_a_proxy_that_works(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    with MockHub({SERVICE: "KEY"}, tls=tls) as behind, Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        found = examine("--url", behind.url, "--ca-file", behind.ca_file, "--no-provider", "--generate")
    assert found.code == 0
    assert found.hub("proxy")[1] == f"{proxy.url} (ALL_PROXY) takes connections"
    assert found.hub("name")[:2] == ("not tried", "the proxy looks it up")
    assert found.hub("tcp")[:2] == ("not tried", "the proxy connects")
    assert found.hub("certificate")[0] == ("ok" if tls else "not tried")


def test_a_host_that_is_excepted_from_the_proxy_is_reached_directly(
    hub: MockHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider")
    assert (found.code, found.hub("proxy")[1]) == (0, "none in force")


@pytest.mark.parametrize(
    ("words", "detail", "fix"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants a user name", "http://USER:PASSWORD@"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "lets nobody through to localhost:1: 403 Forbidden", "NO_PROXY"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "is no HTTP proxy: it says 'SSH-2.0", "NO_PROXY"),
        (b"", "is no HTTP proxy", "NO_PROXY"),
    ],
)
def test_a_proxy_that_lets_nobody_through(monkeypatch: pytest.MonkeyPatch, words: bytes, detail: str, fix: str) -> None:
    with speaking_port(words) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.number}")
        found = examine("--url", "https://localhost:1")
    assert found.failed() == [("hub", "tls")]
    assert detail in found.hub("tls")[1]
    assert fix in found.hub("tls")[2]


def test_a_proxy_that_says_nothing_costs_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.number}")
        found = examine("--url", "https://localhost:1", "--timeout", "0.1")
    assert found.failed() == [("hub", "tls")]
    assert "does not answer" in found.hub("tls")[1]


def test_a_proxy_is_told_the_password_that_its_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 403 No\r\n\r\n")

    with Port(serve) as proxy:
        monkeypatch.setenv("https_proxy", f"http://u%40x:p%3A@127.0.0.1:{proxy.number}")
        examine("--url", "https://localhost:1")
    assert any(b"\r\nProxy-Authorization: Basic dUB4OnA6\r\n" in head for head in asked)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("ftp://127.0.0.1:1", "no proxy that a client can use"),
        ("http://user:s3cr3t@[127.0.0.1:1", "no proxy that a client can use"),
        ("http://user:s3cr3t@127.0.0.1:99999", "no proxy that a client can use"),
        ("socks5://127.0.0.1:1", "a package for it is missing"),
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str, words: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    found = examine("--url", "https://hub.test")
    assert found.failed() == [("hub", "proxy")]
    assert words in found.hub("proxy")[1]
    assert "s3cr3t" not in found.hub("proxy")[1]
    assert "NO_PROXY" in found.hub("proxy")[2]


def test_a_proxy_that_no_name_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    know_no_name(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", "http://nosuch.invalid:1")
    found = examine("--url", "https://hub.test")
    assert found.failed() == [("hub", "proxy")]
    assert "the name 'nosuch.invalid' is not known" in found.hub("proxy")[1]


def test_a_proxy_of_another_kind_hides_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"https://127.0.0.1:{proxy.number}")
        found = examine("--url", "https://hub.test", "--timeout", "0.1")
    assert found.hub("proxy")[0] == "ok"
    for name in ("tls", "certificate"):
        assert found.hub(name)[:2] == ("not tried", "it cannot be seen through a proxy of the kind https")
    assert found.failed() == [("hub", "http")]


def test_a_plain_hub_behind_a_proxy_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.number}")
        found = examine("--url", "http://hub.test", "--timeout", "0.1")
    assert found.failed() == [("hub", "http")]


def test_a_proxy_for_other_addresses_that_no_client_can_use_is_found_too(
    hub: MockHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://127.0.0.1:1")
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider")
    assert found.failed() == [("hub", "http")]
    assert found.hub("http")[2] == "correct the proxy variables"
