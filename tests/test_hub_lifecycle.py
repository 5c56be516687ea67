"""A hub starts and stops: many times, many at once, from threads and from tasks, and never holds anybody up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from foreign_programs import Provider, Raw, head, whole
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.runner import Runner
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE, KEY = "Neuroengine-Large", "SERVICE-KEY"


def ask(hub: MockHub, path: str = f"/{SERVICE}") -> str:
    response = httpx.post(hub.url + path, json={"message": "Hello", "max_new_len": 3}, timeout=DEADLINE_S)
    return str(response.json()["reply"])


def threads_of_hubs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mock-hub"]


# -- again and again


def test_a_hub_that_is_started_again_begins_anew() -> None:
    hub = MockHub({SERVICE: KEY}, tls=False)
    replies, urls = set(), set()
    for _ in range(5):
        with hub:
            assert len(hub.journal) == 0
            replies.add(ask(hub))
            urls.add(hub.url)
            assert len(hub.journal) == 1
        with pytest.raises(httpx.ConnectError):
            ask(hub)
    assert len(replies) == 1
    assert threads_of_hubs() == []


def test_a_hub_keeps_a_port_that_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub = MockHub({SERVICE: KEY}, tls=False, http_port=port)
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 cannot be used"):
            hub.start()
    for _ in range(2):
        with hub:
            assert hub.url.endswith(f":{port}")
            assert ask(hub)


def test_many_hubs_run_at_once_and_share_nothing() -> None:
    with ExitStack() as stack:
        hubs = [stack.enter_context(MockHub({f"S{number}": KEY}, tls=False)) for number in range(20)]
        assert len({hub.url for hub in hubs} | {hub.provider for hub in hubs}) == 40
        for number, hub in enumerate(hubs):
            assert ask(hub, f"/S{number}")
        assert [len(hub.journal) for hub in hubs] == [1] * 20
    assert threads_of_hubs() == []


def test_what_was_asked_without_a_socket_is_still_known_once_the_hub_is_started() -> None:
    hub = MockHub({SERVICE: KEY}, tls=False)
    hub.on().reply("scripted")
    with httpx.Client(transport=hub.transport()) as client:
        client.post(f"http://hub/{SERVICE}", json={"message": "before"})
        with hub:
            assert ask(hub) == "scripted"
            assert [entry.message for entry in hub.journal] == ["before", "Hello"]


def test_a_hub_that_runs_cannot_be_started_and_says_where_it_is() -> None:
    with MockHub() as hub, pytest.raises(RuntimeError, match=f"the hub runs already, at {hub.url}"):
        hub.start()


def test_a_hub_can_be_stopped_twice_and_before_it_was_started() -> None:
    hub = MockHub({SERVICE: KEY})
    hub.stop()
    hub.stop()
    with httpx.Client(transport=hub.transport()) as client, pytest.raises(httpx.ConnectError):
        client.post(f"http://hub/{SERVICE}", json={"message": "x"})
    with hub:
        assert hub.url


def test_each_hub_has_an_authority_of_its_own_and_leaves_no_file() -> None:
    with MockHub() as one, MockHub() as other:
        trust = ssl.create_default_context(cafile=one.ca_file)
        httpx.post(one.url, json={}, verify=trust)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.post(other.url, json={}, verify=trust)
        files = [Path(one.ca_file), Path(other.ca_file)]
        assert all(file.is_file() for file in files)
    assert not any(file.parent.exists() for file in files)
    with one:
        assert httpx.post(one.url, json={}, verify=ssl.create_default_context(cafile=one.ca_file)).json()["errorcode"]


# -- bounded


def test_a_hub_stops_whatever_its_clients_are_doing() -> None:
    hub = MockHub({SERVICE: KEY}, tls=False).start()
    with ExitStack() as stack:
        provider = stack.enter_context(Provider(hub))
        unread = stack.enter_context(Raw(hub))
        unread.send(whole({"message": "long"}))
        provider.receive()
        provider.reply("0123456789 " * 300_000)
        polls = [stack.enter_context(Raw(hub)) for _ in range(20)]
        for number, poll in enumerate(polls):
            poll.send(whole({"message": f"held {number}", "key": "K" * (number + 1)}))
        stack.enter_context(Raw(hub)).send(head("Content-Length: 10"), b"{")
        stack.enter_context(Raw(hub))
        hub.until_waiting(20)
        stopping = threading.Thread(target=hub.stop)
        stopping.start()
        for poll in polls:
            assert poll.answer()[1]["errorcode"] == ErrorCode.SHUTTING_DOWN
        stopping.join(DEADLINE_S)
        assert not stopping.is_alive()
    assert threads_of_hubs() == []


# -- from tasks


def held_back(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[threading.Event, threading.Event]:
    """Holds a method of the runner back: it says that it was called, and goes on when it may."""
    called, may_go_on = threading.Event(), threading.Event()
    method: Callable[[Runner], None] = getattr(Runner, name)

    def slow(runner: Runner) -> None:
        called.set()
        assert may_go_on.wait(DEADLINE_S)
        method(runner)

    monkeypatch.setattr(Runner, name, slow)
    return called, may_go_on


@pytest.mark.parametrize("method", ["start", "stop"])
def test_other_tasks_go_on_while_a_hub_starts_and_stops(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    called, may_go_on = held_back(monkeypatch, method)

    async def use() -> str:
        async with MockHub({SERVICE: KEY}, tls=False) as hub, httpx.AsyncClient() as client:
            response = await client.post(f"{hub.url}/{SERVICE}", json={"message": "Hello"})
            return str(response.json()["reply"])

    async def both() -> None:
        using = asyncio.create_task(use())
        assert await asyncio.to_thread(called.wait, DEADLINE_S)
        may_go_on.set()
        async with asyncio.timeout(DEADLINE_S):
            assert await using

    asyncio.run(both())
    assert threads_of_hubs() == []


@pytest.mark.parametrize("method", ["start", "stop"])
def test_a_task_that_is_cancelled_leaves_no_hub_running(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    called, may_go_on = held_back(monkeypatch, method)
    hub = MockHub(tls=False)

    async def use() -> None:
        async with hub:
            pass

    async def cancel() -> None:
        using = asyncio.create_task(use())
        assert await asyncio.to_thread(called.wait, DEADLINE_S)
        using.cancel()
        await asyncio.sleep(0)
        assert not using.done()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(DEADLINE_S):
                await using

    asyncio.run(cancel())
    assert threads_of_hubs() == []


def test_a_port_that_is_taken_is_told_to_a_task_too() -> None:
    async def start(port: int) -> None:
        async with MockHub(http_port=port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="cannot be used"):
        asyncio.run(start(taken.getsockname()[1]))


# -- cheap


def loaded_by(program: str) -> set[str]:
    """The modules that are there when a program of its own has run."""
    program += "\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(run.stdout.split())


def test_a_hub_without_a_server_imports_no_server() -> None:
    loaded = loaded_by("from mockserver import MockHub; MockHub()")
    assert "mockserver.state.hub" in loaded
    assert loaded.isdisjoint({"httptools", "uvloop", "cryptography", "httpx", "respx", "asyncio", "pydantic"})


def test_a_hub_answers_as_a_server_without_what_only_some_hubs_need() -> None:
    loaded = loaded_by("""
from http.client import HTTPConnection
from mockserver import MockHub
with MockHub(tls=False) as hub:
    connection = HTTPConnection(hub.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/Neuroengine-Large", '{"message": "Hello", "top_k": 1}')
    assert connection.getresponse().read().endswith(b'"errorcode": 0}')
    connection.close()
""")
    assert {"mockserver.http.connection", "mockserver.certificates"} <= loaded
    rare = {"wrong.streams", "faults.kinds", "rules.fixtures", "recording", "admin", "config"}
    assert loaded.isdisjoint({f"mockserver.{name}" for name in rare} | {"pydantic", "httpx"})
