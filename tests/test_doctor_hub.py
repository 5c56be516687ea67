"""What the doctor finds behind an open way: a hub that is well, what is no hub, services, settings, both doors."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from checkup import HUB_STEPS, PROVIDER_STEPS, SERVICE, clear_environment, examine
from wrong_hosts import closed_port, speaking_port, web_server

from mockserver import MockHub, ServiceSettings
from neuroengine import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "KEY", "Other": "KEY"}) as running:
        yield running


def test_a_hub_that_is_well_is_well_in_every_step(hub: MockHub) -> None:
    found = examine("--url", hub.url, "--ca-file", hub.ca_file, "--provider", hub.provider, "--generate")
    assert found.code == 0
    assert list(found.steps) == [("hub", name) for name in HUB_STEPS] + [("provider", name) for name in PROVIDER_STEPS]
    assert {step["status"] for step in found.steps.values()} == {"ok"}
    assert found.hub("settings")[1] == f"{hub.url}, service {SERVICE}, no access key"
    assert "127.0.0.1" in found.hub("name")[1]
    assert "TLSv1." in found.hub("tls")[1]
    assert "for localhost, 127.0.0.1" in found.hub("certificate")[1]
    assert "Neuroengine mock hub" in found.hub("certificate")[1]
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
