"""What the doctor finds in the way to a hub: its name, TCP, TLS and the certificate."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from checkup import SERVICE, clear_environment, examine, know_no_name
from wrong_hosts import Port, TlsPort, closed_port, port_of_a_dead_host, silent_port, web_server

from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator


KEY = "s3cr3t-service-key"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="The Test Authority")


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "KEY", "Other": "KEY"}) as running:
        yield running


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_host_that_no_name_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    know_no_name(monkeypatch)
    found = examine("--url", "https://nosuch.invalid", "--provider", "nosuch.invalid:4444")
    assert found.failed() == [("hub", "name"), ("provider", "name")]
    assert "'nosuch.invalid'" in found.hub("name")[1]
    assert "check" in found.hub("name")[2]
    assert found.not_tried_behind("hub", "name")
    assert found.not_tried_behind("provider", "name")


def test_a_name_server_that_does_not_answer_costs_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def never(*_: Any, **__: Any) -> Any:
        answered.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        found = examine("--url", "https://hub.test", "--timeout", "0.05")
    finally:
        answered.set()
    assert found.failed() == [("hub", "name")]
    assert found.hub("name")[1] == "no name server answered within 0.05 s"


def test_names_that_cannot_be_looked_up_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", later)
    status, detail, fix = examine("--url", "https://hub.test").hub("name")
    assert (status, "right now" in detail, "name server" in fix) == ("failed", True, True)


def test_a_host_that_cannot_be_a_name() -> None:
    status, detail, _ = examine("--url", f"https://{'a' * 64}.test").hub("name")
    assert (status, "cannot be the name of a host" in detail) == ("failed", True)


def test_a_closed_port() -> None:
    port = closed_port()
    found = examine("--url", f"https://localhost:{port}", "--provider", f"127.0.0.1:{port}")
    assert found.failed() == [("hub", "tcp"), ("provider", "tcp")]
    assert found.hub("tcp")[1:] == (
        f"localhost:{port} refuses the connection",
        "check the port, and that the program behind it runs",
    )
    assert found.provider("name")[1] == "127.0.0.1 needs no look-up"
    assert found.not_tried_behind("hub", "tcp")
    assert found.not_tried_behind("provider", "tcp")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops what a full queue cannot take")
def test_a_host_that_is_down_costs_the_time_limit() -> None:
    with port_of_a_dead_host() as port:
        found = examine("--url", f"http://127.0.0.1:{port}", "--provider", f"127.0.0.1:{port}", "--timeout", "0.1")
    assert found.failed() == [("hub", "tcp"), ("provider", "tcp")]
    assert found.hub("tcp")[1] == f"127.0.0.1:{port} does not take a connection within 0.1 s"
    assert "the host is down, or a firewall" in found.hub("tcp")[2]


def test_a_port_that_says_nothing_costs_the_time_limit() -> None:
    with silent_port() as port:
        address = f"localhost:{port.number}"
        found = examine("--url", port.url, "--provider", address, "--timeout", "0.1")
        asked_before = len(port.taken)
        plain = examine("--url", f"http://{address}", "--no-provider", "--timeout", "0.1")
    assert found.failed() == [("hub", "tls"), ("provider", "tls")]
    assert found.hub("tls")[1] == f"{address} takes the connection and then says nothing within 0.1 s"
    assert found.not_tried_behind("hub", "tls")
    assert plain.failed() == [("hub", "http")]
    assert "in time" in plain.hub("http")[1]
    assert "--timeout gives a slow one more time" in plain.hub("http")[2]
    assert len(port.taken) == asked_before + 2, "a time limit is spent once: nobody waits for TLS as well"


def test_an_authority_that_is_not_trusted(hub: MockHub, ca_file: str) -> None:
    for options in (("--ca-file", ca_file), ()):
        found = examine("--url", hub.url, "--provider", hub.provider, *options)
        assert found.failed() == [("hub", "certificate"), ("provider", "certificate")]
        assert re.fullmatch(
            r"the certificate's authority \(Neuroengine mock hub.*\) is not trusted here", found.hub("certificate")[1]
        )
        assert "--ca-file or SSL_CERT_FILE" in found.hub("certificate")[2]
        assert found.hub("tls")[0] == "ok"
        assert found.not_tried_behind("hub", "certificate")


def test_a_certificate_that_expired(authority: trustme.CA, ca_file: str) -> None:
    then = datetime.now(UTC) - timedelta(days=3)
    certificate = authority.issue_cert("localhost", not_before=then - timedelta(days=9), not_after=then)
    with TlsPort(server_context(certificate)) as port:
        found = examine("--url", port.url, "--ca-file", ca_file)
    status, detail, fix = found.hub("certificate")
    assert (status, detail) == ("failed", f"the certificate expired on {then.date()}")
    assert "renew it" in fix
    assert f"this machine's clock says {datetime.now(UTC).date()}" in fix


def test_a_certificate_that_is_not_valid_yet(authority: trustme.CA, ca_file: str) -> None:
    then = datetime.now(UTC) + timedelta(days=3)
    certificate = authority.issue_cert("localhost", not_before=then, not_after=then + timedelta(days=9))
    with TlsPort(server_context(certificate)) as port:
        found = examine("--url", port.url, "--ca-file", ca_file)
    assert found.hub("certificate")[1] == f"the certificate is not valid before {then.date()}"
    assert "clock" in found.hub("certificate")[2]


@pytest.mark.parametrize("asked", ["localhost", "127.0.0.1"])
def test_a_certificate_for_another_name(authority: trustme.CA, ca_file: str, asked: str) -> None:
    with TlsPort(server_context(authority.issue_cert("elsewhere.test", "10.0.0.1"))) as port:
        found = examine("--url", f"https://{asked}:{port.number}", "--ca-file", ca_file)
    status, detail, fix = found.hub("certificate")
    assert (status, detail) == ("failed", f"the certificate is not for '{asked}' but for elsewhere.test, 10.0.0.1")
    assert "a name that the certificate holds" in fix


def test_nothing_is_told_to_a_port_that_is_not_trusted_and_no_key_to_any_provider_port(
    authority: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROENGINE_SERVICE_KEY", KEY)
    context = server_context(authority.issue_cert("localhost"))
    with TlsPort(server_context(authority.issue_cert("elsewhere.test"))) as stranger, TlsPort(context) as provider:
        found = examine("--url", stranger.url, "--ca-file", ca_file, "--provider", f"localhost:{provider.number}")
    assert found.failed() == [("hub", "certificate")]
    assert provider.told == [b"", b""]
    assert b"".join(stranger.told) == b""


def test_a_plain_port_that_is_asked_with_https() -> None:
    with web_server(b"[]") as url:
        found = examine("--url", url.replace("http://127.0.0.1", "https://localhost"))
    assert found.failed() == [("hub", "tls")]
    assert "answers without TLS" in found.hub("tls")[1]
    assert "http://, not https://" in found.hub("tls")[2]


def test_a_tls_port_that_is_asked_with_http(hub: MockHub) -> None:
    found = examine("--url", hub.url.replace("https", "http"), "--no-provider")
    assert found.failed() == [("hub", "http")]
    assert found.hub("http")[2] == "the port speaks TLS: write https:// instead of http://"


def test_a_port_that_closes_at_once_speaks_no_tls() -> None:
    with Port(lambda connection: connection.close()) as port:
        found = examine("--url", port.url)
    assert found.failed() == [("hub", "tls")]
    assert "agrees on no TLS" in found.hub("tls")[1]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "localhost:1 cannot be reached (No route to host)"),
        (OSError("strange"), "localhost:1 cannot be reached (strange)"),
    ],
)
def test_a_network_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, failure: OSError, words: str) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(socket.socket, "connect", fail)
    status, detail, fix = examine("--url", "https://localhost:1", "--no-provider").hub("tcp")
    assert (status, detail) == ("failed", words)
    assert "network" in fix
