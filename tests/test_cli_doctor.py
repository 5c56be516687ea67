"""`neuroengine doctor`: what it says of a hub that is well, and of everything that can be in the way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trustme
from click.testing import CliRunner, Result
from proxy import Proxy
from wrong_hosts import Port, TlsPort, closed_port, port_of_a_dead_host, silent_port, speaking_port, web_server

from mockserver import MockHub, ServiceSettings
from neuroengine import Client
from neuroengine import doctor as examination
from neuroengine.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = "Neuroengine-Large"
HUB_STEPS = ("settings", "proxy", "name", "tcp", "tls", "certificate", "http", "getmodels", "service", "generate")
PROVIDER_STEPS = ("settings", "name", "tcp", "tls", "certificate")
VARIABLE = re.compile(r"NEUROENGINE_\w+|SSL_CERT_(FILE|DIR)|\w+_PROXY", re.IGNORECASE)
KEY = "s3cr3t-access-key"


class Found(NamedTuple):
    """What the doctor found."""

    code: int
    well: bool
    environment: dict[str, str]
    steps: dict[tuple[str, str], dict[str, Any]]

    def hub(self, name: str) -> tuple[str, str, str]:
        return self._of("hub", name)

    def provider(self, name: str) -> tuple[str, str, str]:
        return self._of("provider", name)

    def _of(self, part: str, name: str) -> tuple[str, str, str]:
        step = self.steps[part, name]
        return step["status"], step["detail"], step["fix"]

    def failed(self) -> list[tuple[str, str]]:
        return [place for place, step in self.steps.items() if step["status"] == "failed"]

    def not_tried_behind(self, part: str, broken: str) -> bool:
        """Whether every step behind the broken one was left out because of it, and says so."""
        names = [name for where, name in self.steps if where == part]
        behind = [self.steps[part, name] for name in names[names.index(broken) + 1 :]]
        return all((step["status"], step["detail"]) == ("not tried", f"because {broken} failed") for step in behind)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if VARIABLE.fullmatch(name):
            monkeypatch.delenv(name)


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


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def examine(*arguments: str) -> Found:
    result = run("--json", *arguments)
    found = json.loads(result.stdout)
    steps = {(step["part"], step["name"]): step for step in found["steps"]}
    for step in steps.values():
        assert bool(step["fix"]) == (step["status"] == "failed"), "a failure, and nothing else, has a fix"
        assert step["detail"]
        assert step["seconds"] >= 0
    assert len(steps) == len(found["steps"])
    assert (result.exit_code == 0) == found["well"] == all(step["status"] != "failed" for step in steps.values())
    return Found(result.exit_code, found["well"], found["environment"], steps)


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_hub_that_is_well_is_well_in_every_step(hub: MockHub) -> None:
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--provider", hub.provider, "--generate")
    assert found.code == 0
    assert list(found.steps) == [("hub", name) for name in HUB_STEPS] + [("provider", name) for name in PROVIDER_STEPS]
    assert {step["status"] for step in found.steps.values()} == {"ok"}
    assert found.hub("settings")[1] == f"{hub.url}, service {SERVICE}, no access key"
    assert "127.0.0.1" in found.hub("name")[1]
    assert "TLSv1." in found.hub("tls")[1]
    assert "for localhost, 127.0.0.1" in found.hub("certificate")[1]
    assert "trustme" in found.hub("certificate")[1]
    assert re.search(r"valid until \d{4}-\d\d-\d\d \(\d+ days\)", found.provider("certificate")[1])
    assert found.hub("getmodels")[1] == "services: 2, with a provider: 2"
    assert re.fullmatch(r"a reply of \d+ characters", found.hub("generate")[1])


def test_a_plain_hub_has_no_tls_to_look_at_and_is_well() -> None:
    with MockHub({SERVICE: "KEY"}, tls=False) as plain:
        found = examine("--url", plain.url, "--no-provider")
    assert found.code == 0
    assert list(found.steps) == [("hub", name) for name in HUB_STEPS]
    for name in ("tls", "certificate"):
        assert found.hub(name)[:2] == ("not tried", "the address begins with http://")


def test_nothing_is_generated_unless_it_is_asked_for(hub: MockHub) -> None:
    def generations() -> int:
        with Client(url=hub.url, ca_file=hub.ca_file) as client:
            return sum(model.numreq for model in client.models())

    before = generations()
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider")
    assert found.hub("generate")[:2] == ("not tried", "--generate asks for a few tokens")
    assert (found.code, generations()) == (0, before)
    examine("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider", "--generate")
    assert generations() == before + 1


def test_an_unchecked_certificate_is_told(hub: MockHub) -> None:
    found = examine("--url", hub.url, "--insecure", "--provider", hub.provider)
    assert found.code == 0
    assert found.hub("certificate")[:2] == ("not tried", "by --insecure nobody checks it")
    assert found.provider("certificate")[0] == "not tried"


def test_the_settings_may_come_from_the_environment(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_URL", hub.url)
    monkeypatch.setenv("NEUROENGINE_PROVIDER", hub.provider)
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Other")
    monkeypatch.setenv("NEUROENGINE_KEY", KEY)
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    found = examine()
    assert found.code == 0
    assert found.hub("settings")[1] == f"{hub.url}, service Other, with an access key"
    assert found.environment == {
        "NEUROENGINE_KEY": "(set, not shown)",
        "NEUROENGINE_PROVIDER": hub.provider,
        "NEUROENGINE_SERVICE": "Other",
        "NEUROENGINE_URL": hub.url,
        "SSL_CERT_FILE": hub.ca_file,
    }


def test_no_key_and_no_password_is_ever_shown(hub: MockHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    monkeypatch.setenv("NEUROENGINE_KEY", KEY)
    monkeypatch.setenv("NEUROENGINE_SERVICE_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{KEY}@127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"user:{KEY}@127.0.0.1:1")
    for options in ((), ("--json",)):
        result = run("--url", hub.url, "--access-key-file", str(key_file), "--provider", hub.provider, *options)
        assert KEY not in result.output
        assert result.output.count("not shown") == 4
    monkeypatch.setenv("NEUROENGINE_URL", f"https://user:{KEY}@hub.test")
    assert KEY not in run().output


def test_a_host_that_no_name_server_knows() -> None:
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
        plain = examine("--url", f"http://{address}", "--no-provider", "--timeout", "0.1")
    assert found.failed() == [("hub", "tls"), ("provider", "tls")]
    assert found.hub("tls")[1] == f"{address} takes the connection and then says nothing within 0.1 s"
    assert found.not_tried_behind("hub", "tls")
    assert plain.failed() == [("hub", "http")]
    assert "in time" in plain.hub("http")[1]
    assert "--timeout gives a slow one more time" in plain.hub("http")[2]


def test_an_authority_that_is_not_trusted(hub: MockHub, ca_file: str) -> None:
    for options in (("--ca-file", ca_file), ()):
        found = examine("--url", hub.url, "--provider", hub.provider, *options)
        assert found.failed() == [("hub", "certificate"), ("provider", "certificate")]
        assert re.fullmatch(
            r"the certificate's authority \(trustme .*\) is not trusted here", found.hub("certificate")[1]
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


def test_a_web_server_that_is_no_hub() -> None:
    with web_server(b"<html>Not found</html>", status=404, kind="text/html") as url:
        found = examine("--url", url)
    assert found.failed() == [("hub", "getmodels")]
    assert found.hub("http")[0] == "ok"
    assert "status 404" in found.hub("getmodels")[1]
    assert "this is no hub" in found.hub("getmodels")[2]
    assert found.not_tried_behind("hub", "getmodels")


@pytest.mark.parametrize("body", [b"[1]", b"{}", b'[{"name": 5}]', b"nonsense", b"\xff", b""])
def test_a_hub_whose_list_is_nonsense(body: bytes) -> None:
    with web_server(body) as url:
        assert examine("--url", url).failed() == [("hub", "getmodels")]


def test_a_hub_that_answers_an_error() -> None:
    asked: list[bytes] = []
    with web_server(b'{"reply": "Not now.", "errorcode": 16}', asked=asked) as url:
        status, detail, fix = examine("--url", url).hub("getmodels")
    assert len(asked) == 1, "a doctor does not try again"
    assert (status, "error 16 (shutting_down): Not now." in detail) == ("failed", True)
    assert fix == "Try again in a few seconds."


def test_a_port_that_breaks_the_rules_of_http() -> None:
    with speaking_port(b"220 smtp.test ESMTP\r\n") as port:
        found = examine("--url", f"http://localhost:{port.number}")
    assert found.failed() == [("hub", "http")]
    assert "check the port" in found.hub("http")[2]


def test_a_service_that_the_hub_does_not_list(hub: MockHub) -> None:
    options = ("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider")
    status, detail, fix = examine(*options, "--service", "othr").hub("service")
    assert (status, detail) == ("failed", "the hub lists no service 'othr'")
    assert fix == "choose another with --service; it lists Other"
    assert examine(*options, "--service", "zzz").hub("service")[2].endswith(f"it lists {SERVICE}, Other")
    with web_server(b"[]") as url:
        assert examine("--url", url).hub("service")[2].endswith("it lists none at all")


def test_a_service_without_a_provider() -> None:
    entry = {"name": SERVICE, "connected": False, "numreq": 0, "queuelen": 0, "comment": "", "operator": ""}
    with web_server(json.dumps([entry]).encode()) as url:
        found = examine("--url", url, "--generate")
    assert found.failed() == [("hub", "service")]
    assert found.hub("service")[1] == f"no provider is connected to {SERVICE}"
    assert found.not_tried_behind("hub", "service")


def test_a_service_that_refuses_to_generate() -> None:
    services = [ServiceSettings(SERVICE, "KEY", access_keys=("right",))]
    with MockHub(services, tls=False) as guarded:
        found = examine("--url", guarded.url, "--no-provider", "--generate")
    assert found.failed() == [("hub", "generate")]
    assert "unauthorized" in found.hub("generate")[1]
    assert "access key" in found.hub("generate")[2]


def test_a_hub_that_gives_no_reply_to_a_generation() -> None:
    entry = {"name": SERVICE, "connected": True, "numreq": 0, "queuelen": 0, "comment": "", "operator": ""}
    with web_server(json.dumps([entry]).encode()) as url:
        found = examine("--url", url, "--generate")
    assert found.failed() == [("hub", "generate")]


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
        ("http://nosuch.invalid:1", "the name 'nosuch.invalid' is not known"),
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str, words: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    found = examine("--url", "https://hub.test")
    assert found.failed() == [("hub", "proxy")]
    assert words in found.hub("proxy")[1]
    assert "s3cr3t" not in found.hub("proxy")[1]
    assert "NO_PROXY" in found.hub("proxy")[2]


def test_a_proxy_for_other_addresses_that_no_client_can_use_is_found_too(
    hub: MockHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://127.0.0.1:1")
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--no-provider")
    assert found.failed() == [("hub", "http")]
    assert found.hub("http")[2] == "correct the proxy variables"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("NEUROENGINE_URL", "hub.test", "NEUROENGINE_URL 'hub.test' is no address"),
        ("NEUROENGINE_SERVICE", "a/b", "service must be"),
        ("NEUROENGINE_KEY", "two words", "the access key may hold"),
        ("SSL_CERT_FILE", "/nonexistent.pem", "'/nonexistent.pem', which cannot be read"),
    ],
)
def test_a_wrong_variable_is_the_first_step_that_fails(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = examine("--no-provider")
    assert found.failed() == [("hub", "settings")]
    assert words in found.hub("settings")[1]
    assert found.not_tried_behind("hub", "settings")


def test_a_wrong_provider_address_leaves_the_hub_alone(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_PROVIDER", "no-port")
    found = examine("--url", hub.url, "--ca-file", hub.ca_file)
    assert found.failed() == [("provider", "settings")]
    assert found.not_tried_behind("provider", "settings")


def test_a_closed_provider_port_leaves_the_hub_alone(hub: MockHub) -> None:
    address = f"localhost:{closed_port()}"
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--provider", address)
    assert found.failed() == [("provider", "tcp")]
    assert {found.hub(name)[0] for name in HUB_STEPS[:-1]} == {"ok"}


def test_the_provider_port_of_another_hub_is_not_guessed(hub: MockHub) -> None:
    found = examine("--url", hub.url, "--ca-file", hub.ca_file)
    assert (found.code, [name for part, name in found.steps if part == "provider"]) == (0, ["settings"])
    assert "NEUROENGINE_PROVIDER" in found.provider("settings")[1]


def test_the_published_hub_is_examined_at_both_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def unknown(host: str, port: int, **_: Any) -> Any:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert examine().failed() == [("hub", "name"), ("provider", "name")]
    assert sorted(asked) == [("api.neuroengine.ai", 443), ("api.neuroengine.ai", 4444)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--timeout", "0"), "'--timeout': 0 is no number of seconds above 0"),
        (("--insecure", "--ca-file", "x"), "exclude each other"),
        (("--access-key-file", "/nonexistent"), "'/nonexistent' cannot be read"),
        (("--nonsense",), "--nonsense"),
        (("argument",), "argument"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], words: str) -> None:
    result = run(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_what_is_piped_is_one_line_a_step(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Other")
    result = run("--url", hub.url, "--provider", hub.provider)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0] == ["environment", "NEUROENGINE_SERVICE", "set", "Other", ""]
    assert [row[:2] for row in rows[1:]] == [["hub", name] for name in HUB_STEPS] + [
        ["provider", name] for name in PROVIDER_STEPS
    ]
    assert {len(row) for row in rows} == {5}
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_terminal_gets_a_table_with_the_fixes_and_a_verdict(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", run("--url", hub.url, "--provider", hub.provider).stdout)
    assert "The hub, as clients reach it\nok         settings     https://localhost:" in shown
    assert "failed     certificate  the certificate's authority" in shown
    assert "                        Fix: if the hub has an authority of its own" in shown
    assert "not tried  http         because certificate failed" in shown
    assert "The hub's provider port" in shown
    assert shown.rstrip().endswith("Failed: 2.")
    well = run("--url", hub.url, "--ca-file", hub.ca_file, "--provider", hub.provider).stdout
    assert "All that was tried is well." in well


def test_what_a_host_says_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server(b'{"reply": "a\\u001b[31mred\\tb\\nc", "errorcode": 4711}') as url:
        plain = run("--url", url).stdout
        monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
        table = run("--url", url).stdout
    assert "ared b c" in plain
    assert "\x1b[31m" not in plain + table


def test_the_steps_come_one_by_one(hub: MockHub) -> None:
    steps = examination.examine(examination.Checkup(url=hub.url, ca_file=hub.ca_file, with_provider=False))
    assert next(steps).name == "settings"
    with contextlib.closing(steps):
        assert next(steps).name == "proxy"


def test_it_works_in_a_shell(hub: MockHub) -> None:
    own = {"NEUROENGINE_URL": hub.url, "NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "neuroengine", "doctor", "--generate"],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "provider\tcertificate\tok\tfor localhost" in done.stdout
