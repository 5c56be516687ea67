"""The published provider surface: names, arguments and results that existing programs rely on."""

from __future__ import annotations

import inspect
import json
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from patience import DEADLINE_S
from toy_hub import KEY, SERVICE, HubLink, ToyHub

from neuroengine import NeuroengineServer, server
from neuroengine.errors import ConfigurationError
from neuroengine.protocol.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROGRAM = f"""
from neuroengine import NeuroengineServer

service={SERVICE!r}
service_key={KEY!r}

def answerMessage(prompt):
    # Here you connect to your LLM and answer the prompt
    response='{{"reply":"This is the LLM"}}'
    return response

# Connect to server
server=NeuroengineServer()

# Login
if (server.login(service,service_key) <0):
    print("Error logging in.")
    exit(0)
else:
    print("Logged in!", flush=True)

# Serve forever
server.listen(answerMessage)
"""
"""The published example, its name and key put in."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToyHub]:
    """A hub that the standard variables lead to, and whose providers come back at once."""
    monkeypatch.setattr(server, "RECONNECT", Retry(tries=1000, first_wait_s=0.0, longest_wait_s=0.0))
    with ToyHub(tmp_path) as running:
        monkeypatch.setenv("NEUROENGINE_PROVIDER", running.address)
        monkeypatch.setenv("SSL_CERT_FILE", running.ca_file)
        yield running


class Logging:
    """A login in a thread, while the test plays the hub."""

    def __init__(self, provider: NeuroengineServer, key: str = KEY) -> None:
        self._results: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=lambda: self._results.put(provider.login(SERVICE, key)), daemon=True).start()

    def result(self) -> int:
        return self._results.get(timeout=DEADLINE_S)


class Listening:
    """A provider that listens in a thread, until it is left."""

    def __init__(self, provider: NeuroengineServer, callback: Callable[[dict[str, Any]], str]) -> None:
        self._provider = provider
        self.thread = threading.Thread(target=provider.listen, args=(callback,))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._provider.close()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


def logged_in(provider: NeuroengineServer, hub: ToyHub) -> HubLink:
    login = Logging(provider)
    link = hub.link().accept()
    assert login.result() == 0
    return link


def echo(request: dict[str, Any]) -> str:
    return json.dumps({"reply": f"You said {request['message']}"})


def test_the_constructor_and_the_methods_have_the_published_signatures() -> None:
    assert (
        str(inspect.signature(NeuroengineServer))
        == "(server_address: 'str' = 'api.neuroengine.ai', server_port: 'int' = 4444) -> 'None'"
    )
    assert list(inspect.signature(NeuroengineServer.login).parameters) == ["self", "service_name", "service_key"]
    assert list(inspect.signature(NeuroengineServer.listen).parameters) == ["self", "callback"]


def test_the_published_example_runs_unchanged(hub: ToyHub) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ.copy()
    )
    try:
        link = hub.link().accept()
        assert link.ask("Hello!") == {"reply": "This is the LLM"}
        assert program.stdout is not None
        assert program.stdout.readline() == b"Logged in!\n"
        assert program.poll() is None
    finally:
        program.kill()
        program.communicate(timeout=DEADLINE_S)


def test_a_login_that_the_hub_takes_is_0(hub: ToyHub) -> None:
    provider = NeuroengineServer()
    link = logged_in(provider, hub)
    provider.close()
    assert link.is_closed()


def test_a_refused_login_is_a_negative_number_and_the_reason_is_logged_without_the_key(
    hub: ToyHub, caplog: pytest.LogCaptureFixture
) -> None:
    provider = NeuroengineServer()
    login = Logging(provider, "SECRET-KEY")
    hub.link().refuse(b"no such key: SECRET-KEY")
    assert login.result() == NeuroengineServer.REFUSED < 0
    provider.close()
    assert "no such key" in caplog.text
    assert "SECRET-KEY" not in caplog.text


def test_a_hub_that_cannot_be_reached_is_a_negative_number(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    provider = NeuroengineServer("127.0.0.1", port)
    assert provider.login(SERVICE, KEY) == NeuroengineServer.UNREACHABLE < 0
    provider.close()
    assert "cannot be reached" in caplog.text


def test_a_hub_that_is_not_trusted_is_a_negative_number(hub: ToyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    provider = NeuroengineServer()
    assert provider.login(SERVICE, KEY) == NeuroengineServer.UNREACHABLE
    provider.close()
    assert hub.stays_alone(0.05)


def test_a_certificate_file_that_is_missing_is_a_negative_number(hub: ToyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file + ".missing")
    provider = NeuroengineServer()
    assert provider.login(SERVICE, KEY) == NeuroengineServer.UNREACHABLE
    provider.close()


def test_an_address_that_is_given_wins_over_the_environment(hub: ToyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_PROVIDER", "localhost:1")
    provider = NeuroengineServer("localhost", hub.port)
    logged_in(provider, hub)
    provider.close()


@pytest.mark.parametrize(
    "address", ["localhost", "localhost:", ":4444", "localhost:0", "localhost:65536", "::1:4444", "a:٤"]
)
def test_an_environment_that_names_no_address_is_told(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NEUROENGINE_PROVIDER", address)
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        NeuroengineServer()


def test_the_callback_gets_a_dict_and_its_json_text_is_the_answer(hub: ToyHub) -> None:
    seen: list[Any] = []

    def answer(request: dict[str, Any]) -> str:
        seen.append((type(request), request, threading.current_thread()))
        return '{"reply": "é", "errorcode": 4711, "model": "tiny"}'

    provider = NeuroengineServer()
    link = logged_in(provider, hub)
    with Listening(provider, answer) as listening:
        reply = link.say(b'{"message": "hi", "raw": "False", "x": 1}').answer()
    assert reply == {"reply": "é", "errorcode": 4711, "model": "tiny"}
    assert seen == [(dict, {"message": "hi", "raw": "False", "x": 1}, listening.thread)]


def test_a_request_that_comes_before_listen_waits_for_it(hub: ToyHub) -> None:
    provider = NeuroengineServer()
    link = logged_in(provider, hub).say(b'{"ping": 1}{"message": "early"}')
    with Listening(provider, echo):
        assert link.answer() == {"reply": "You said early"}


@pytest.mark.parametrize("returned", ["no JSON", '{"text": "hi"}', '{"reply": null}', "", None])
def test_a_callback_that_answers_nonsense_or_raises_costs_one_error_answer(
    hub: ToyHub, caplog: pytest.LogCaptureFixture, returned: Any
) -> None:
    def fragile(request: dict[str, Any]) -> str:
        if request["message"] == "nonsense":
            return returned  # type: ignore[no-any-return]  # a program of ours to be wrong
        if request["message"] == "raise":
            raise KeyError("model")
        return echo(request)

    provider = NeuroengineServer()
    link = logged_in(provider, hub)
    with Listening(provider, fragile):
        for message in ("nonsense", "raise"):
            answer = link.ask(message)
            assert isinstance(answer["reply"], str)
            assert answer["errorcode"] == 13
        assert link.ask("good") == {"reply": "You said good"}
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.name.split(".")[0] for record in errors] == ["neuroengine", "neuroengine"]


def test_listen_comes_back_by_itself_after_drops_and_refusals(hub: ToyHub) -> None:
    provider = NeuroengineServer()
    link = logged_in(provider, hub)
    with Listening(provider, echo) as listening:
        for turn in range(3):
            assert link.ask(f"turn {turn}") == {"reply": f"You said turn {turn}"}
            link.close()
            hub.link().refuse()
            link = hub.link().accept()
        assert listening.thread.is_alive()


def test_listen_goes_on_after_a_login_that_failed(hub: ToyHub) -> None:
    provider = NeuroengineServer()
    login = Logging(provider)
    hub.link().refuse()
    assert login.result() < 0
    with Listening(provider, echo):
        assert hub.link().accept().ask("hi") == {"reply": "You said hi"}


def test_listen_needs_a_login() -> None:
    with pytest.raises(RuntimeError, match="login"):
        NeuroengineServer("localhost", 1).listen(echo)


def test_a_second_login_and_listen_in_one_process_work(hub: ToyHub) -> None:
    provider = NeuroengineServer()
    for _ in range(2):
        link = logged_in(provider, hub)
        with Listening(provider, echo):
            assert link.ask("hi") == {"reply": "You said hi"}
        assert link.is_closed()
    first = logged_in(provider, hub)
    other = NeuroengineServer()
    second = logged_in(other, hub)
    with Listening(provider, echo), Listening(other, echo):
        assert first.ask("one") == {"reply": "You said one"}
        assert second.ask("two") == {"reply": "You said two"}


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_callback_can_end_the_program(hub: ToyHub, end: type[BaseException]) -> None:
    ended: list[str] = []

    def leave(request: dict[str, Any]) -> str:
        raise end(request["message"])

    def listen() -> None:
        try:
            provider.listen(leave)
        except end as reason:
            ended.append(str(reason))

    provider = NeuroengineServer()
    link = logged_in(provider, hub)
    thread = threading.Thread(target=listen)
    thread.start()
    link.say(b'{"message": "bye"}')
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert ended == ["bye"]
    while not link.is_closed():
        pass  # the error answer may still have gone out
