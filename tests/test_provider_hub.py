"""Our providers and the mock hub, which share no code, understand each other."""

from __future__ import annotations

import json
import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from patience import DEADLINE_S

from mockserver import MockHub
from neuroengine import NeuroengineServer
from neuroengine.protocol.retry import Retry
from neuroengine.provider import AsyncProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neuroengine.protocol.jobs import Request
    from neuroengine.transport.threads import BackgroundLoop

SERVICE = "MYGPT"
KEY = "DEMOKEY"


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub(services={SERVICE: KEY}, tls=True) as running:
        yield running


def asked(hub: MockHub, message: str, **fields: object) -> Any:
    trust = ssl.create_default_context(cafile=hub.ca_file)
    with httpx.Client(verify=trust, timeout=DEADLINE_S, trust_env=False) as client:
        return client.post(f"{hub.url}/{SERVICE}", json={"message": message, **fields}).json()


def echo(request: Request) -> str:
    return f"You said {request['message']}"


@pytest.mark.parametrize("length", [0, 1, *range(4030, 4098, 4), 8178, 12_200, 48_000])
def test_a_message_of_any_length_reaches_the_provider_and_comes_back(
    loop: BackgroundLoop, hub: MockHub, length: int
) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.provider, ca_file=hub.ca_file)
    loop.run(provider.connect())
    served = loop.start(provider.serve_forever())
    message = "é😀" + "a" * length
    assert asked(hub, message)["reply"] == f"You said {message}"
    loop.run(provider.close())
    served.result(DEADLINE_S)


def test_the_callback_s_own_error_and_members_reach_the_client(loop: BackgroundLoop, hub: MockHub) -> None:
    def answer(request: Request) -> dict[str, Any]:
        if request["message"] == "raise":
            raise ValueError("broken")
        return {"reply": "no", "errorcode": 4711, "model": "tiny"}

    provider = AsyncProvider(SERVICE, KEY, answer, address=hub.provider, ca_file=hub.ca_file)
    loop.run(provider.connect())
    served = loop.start(provider.serve_forever())
    assert asked(hub, "hi") == {"reply": "no", "errorcode": 4711, "model": "tiny"}
    assert asked(hub, "raise")["errorcode"] == 13
    assert asked(hub, "hi")["errorcode"] == 4711
    loop.run(provider.close())
    served.result(DEADLINE_S)


def test_the_published_server_logs_in_and_answers(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_PROVIDER", hub.provider)
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    stranger = NeuroengineServer()
    assert stranger.login(SERVICE, "wrong") == NeuroengineServer.REFUSED
    assert stranger.login("NOBODY", KEY) == NeuroengineServer.REFUSED
    stranger.close()

    server = NeuroengineServer()
    assert server.login(SERVICE, KEY) == 0
    thread = threading.Thread(target=server.listen, args=(lambda request: json.dumps({"reply": echo(request)}),))
    thread.start()
    assert asked(hub, "hi") == {"reply": "You said hi", "errorcode": 0}
    server.close()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_a_provider_is_back_when_its_hub_has_restarted(loop: BackgroundLoop, hub: MockHub) -> None:
    at_once = Retry(tries=10_000, first_wait_s=0.01, longest_wait_s=0.01)
    back = threading.Event()

    def answer(request: Request) -> str:
        back.set()
        return echo(request)

    provider = AsyncProvider(SERVICE, KEY, answer, address=hub.provider, verify=False, reconnect=at_once)
    loop.run(provider.connect())
    served = loop.start(provider.serve_forever())
    assert asked(hub, "one")["reply"] == "You said one"
    port = int(hub.provider.rpartition(":")[2])
    hub.stop()
    back.clear()
    with MockHub(services={SERVICE: KEY}, tls=True, provider_port=port) as again:
        # Until the provider is back, the simulated model answers.
        while not back.is_set():
            assert asked(again, "two", max_new_len=1)["errorcode"] == 0
        assert asked(again, "three")["reply"] == "You said three"
        loop.run(provider.close())
        served.result(DEADLINE_S)
