"""A hub that is changed while it goes on, and files that are watched: nothing is lost, a wrong file changes nothing."""

from __future__ import annotations

import json
import queue
import signal
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from patience import DEADLINE_S

from mockserver import MockHub, Pace, ServiceSettings
from mockserver.config import Watcher
from mockserver.rules import Rule
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = [ServiceSettings("One", "KEY-1"), ServiceSettings("Two", "KEY-2")]


@contextmanager
def running(**settings: Any) -> Iterator[tuple[MockHub, httpx.Client]]:
    with (
        MockHub(SERVICES, tls=False, **settings) as hub,
        httpx.Client(base_url=hub.url, timeout=DEADLINE_S, trust_env=False) as client,
    ):
        yield hub, client


def ask(client: httpx.Client, message: str = "Hello", path: str = "/One", **members: Any) -> Any:
    return client.post(path, json={"message": message, **members}).json()


@contextmanager
def provider(hub: MockHub, user: str = "One", key: str = "KEY-1") -> Iterator[ssl.SSLSocket]:
    """A provider that has logged in."""
    trust = ssl.create_default_context(cafile=hub.ca_file)
    host, _, port = hub.provider.partition(":")
    with (
        socket.create_connection((host, int(port)), DEADLINE_S) as plain,
        trust.wrap_socket(plain, server_hostname=host) as link,
    ):
        link.sendall(json.dumps({"user": user, "key": key}).encode())
        assert link.recv(100).strip() == b"OK"
        yield link


def serve(link: ssl.SSLSocket, reply: str) -> None:
    """Answers one request."""
    assert b'"message"' in link.recv(16384)
    payload = json.dumps({"reply": reply}).encode()
    link.sendall(b"%08x" % len(payload) + payload)


# -- a running hub


def test_rules_that_stay_keep_their_place_and_others_come_and_go() -> None:
    stays = Rule("stays").reply("1", "2", "3")
    with running(rules=[stays, Rule("goes").reply("x")]) as (hub, client):
        assert ask(client, "stays")["reply"] == "1"
        hub.change(rules=[Rule("comes").reply("y"), stays])
        assert ask(client, "stays")["reply"] == "2"
        assert ask(client, "comes")["reply"] == "y"
        assert ask(client, "goes")["reply"] != "x"
        hub.change(strict=True)
        assert ask(client, "goes")["errorcode"] == 404
        assert ask(client, "stays")["reply"] == "3"


def test_faults_that_stay_go_on_counting() -> None:
    twice = {"name": "error", "code": "queue_full", "times": 2}
    with running(faults=[twice]) as (hub, client):
        assert ask(client)["errorcode"] == ErrorCode.QUEUE_FULL
        hub.change(faults=[twice, {"name": "error", "code": "quota_exceeded", "after": 1, "times": 1}])
        assert [ask(client)["errorcode"] for _ in range(3)] == [ErrorCode.QUEUE_FULL, ErrorCode.QUOTA_EXCEEDED, 0]
        hub.change(faults=["reset"])
        with pytest.raises(httpx.TransportError):
            ask(client)
        hub.change(faults=[])
        assert ask(client)["errorcode"] == 0


def test_limits_pace_statuses_and_cors_hold_from_now_on() -> None:
    with running(limits={"http_body_bytes": 100}) as (hub, client):
        assert ask(client, "x" * 200)["errorcode"] == ErrorCode.REQUEST_TOO_LARGE
        hub.change(limits={}, pace=Pace(tokens_per_s=1000), matching_statuses=True, cors=True)
        assert ask(client, "x" * 200)["errorcode"] == 0
        answer = client.post("/Nobody", json={"message": "x"}, headers={"origin": "http://localhost:1"})
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "http://localhost:1"


def test_a_stream_goes_on_and_so_does_its_connection() -> None:
    with running(rules=[Rule("Hi").pieces(["a", "b", "c"])]) as (hub, client):
        assert ask(client, "Hi", key="K")["reply"] == "a"
        hub.change(rules=[], services=[*SERVICES, ServiceSettings("Three", "KEY-3")], limits={"open_streams": 1})
        assert [ask(client, "Hi", key="K")["reply"] for _ in range(3)] == ["b", "c", ""]
        assert ask(client, path="/Three")["errorcode"] == 0


def test_a_provider_stays_and_so_does_what_waits_for_it() -> None:
    with (
        running() as (hub, client),
        provider(hub) as link,
        httpx.Client(base_url=hub.url, timeout=DEADLINE_S) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        before = pool.submit(ask, other, "before")
        hub.until_waiting(1)
        hub.change(services=[ServiceSettings("One", "KEY-1", comment="new", quota=1)])
        serve(link, "still here")
        assert before.result(DEADLINE_S)["reply"] == "still here"
        (row,) = client.post("/", json={"command": "getmodels"}).json()
        assert (row["name"], row["comment"], row["connected"], row["numreq"]) == ("One", "new", True, 1)
        assert ask(client, path="/Two")["errorcode"] == ErrorCode.UNKNOWN_SERVICE


def test_a_provider_whose_key_has_changed_has_to_log_in_anew() -> None:
    with running() as (hub, client), provider(hub) as link:
        hub.change(services=[ServiceSettings("One", "NEW-KEY")])
        assert link.recv(100) == b""
        with provider(hub, key="NEW-KEY"):
            (row,) = client.post("/", json={"command": "getmodels"}).json()
            assert row["connected"]


def test_the_provider_of_a_service_that_is_gone_is_sent_away() -> None:
    with running() as (hub, _), provider(hub) as link:
        hub.change(services=SERVICES[1:])
        assert link.recv(100) == b""


def test_a_service_can_go_offline_and_come_back() -> None:
    with running() as (hub, client):
        hub.change(services=[ServiceSettings("One", "KEY-1", offline=True)])
        assert ask(client)["errorcode"] == ErrorCode.PROVIDER_OFFLINE
        hub.change(services=SERVICES)
        assert ask(client)["errorcode"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": {"nosuch": 1}},
        {"faults": ["nosuch"]},
        {"rules": "nowhere.toml"},
        {"wrong": "x"},
        {"clock": None},
        {"journal_entries": 5},
        {"nosuch": 5},
    ],
    ids=min,
)
def test_what_is_wrong_changes_nothing(changes: Any) -> None:
    with running(rules=[Rule("Hi").reply("a", "b")]) as (hub, client):
        assert ask(client, "Hi")["reply"] == "a"
        with pytest.raises(ValueError, match=r"nosuch|nowhere|cannot be changed"):
            hub.change(cors=True, **changes)
        assert ask(client, "Hi")["reply"] == "b"
        assert "vary" not in client.post("/One", json={"message": "Hi"}).headers


def test_a_reset_goes_back_to_the_change() -> None:
    hub = MockHub(SERVICES)
    hub.change(rules=[Rule("Hi").reply("changed")])
    hub.rules.clear()
    hub.reset()
    with httpx.Client(transport=hub.transport(), base_url="http://hub") as client:
        assert ask(client, "Hi")["reply"] == "changed"


# -- the watcher


def test_a_watcher_tells_of_changes_and_watches_what_it_is_told_then(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    told: queue.Queue[str] = queue.Queue()

    def changed() -> list[Path]:
        told.put("changed")
        return [one, two]

    one.write_text("1")
    with Watcher([one], changed, look_s=0.01) as watcher:
        for text in ("11", "111"):  # the second one tells that the watcher knows what it was told at the first
            one.write_text(text)
            assert told.get(timeout=DEADLINE_S)
        two.write_text("2")
        assert told.get(timeout=DEADLINE_S)
        two.unlink()
        assert told.get(timeout=DEADLINE_S)
        watcher.look_now()
        assert told.get(timeout=DEADLINE_S)
    one.write_text("1111")
    assert told.empty()


# -- the command


@contextmanager
def mock(*options: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The command in a process of its own, and its first line of JSON."""
    command = [sys.executable, "-m", "neuroengine", "mock", "--json", "--no-tls", *options]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, line(process)
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_the_command_applies_what_changes_in_its_files_and_keeps_connections(tmp_path: Path) -> None:
    settings, rules = tmp_path / "mock.toml", tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nwhen = { message = "Hello" }\nthen = "one"\n')
    settings.write_text('rule_files = ["rules.toml"]\n')
    with mock("--config", str(settings)) as (process, addresses):
        service = addresses["services"][0]["name"]
        with httpx.Client(base_url=addresses["url"], timeout=DEADLINE_S, trust_env=False) as client:
            assert ask(client, path=f"/{service}")["reply"] == "one"
            connections = client._transport._pool.connections  # type: ignore[attr-defined]  # the one connection
            rules.write_text('[[rules]]\nwhen = { message = "Hello" }\nthen = "two"\n')
            assert line(process) == {"applied": {"services": 1, "rules": 1, "faults": 0}, "next_start": []}
            assert ask(client, path=f"/{service}")["reply"] == "two"
            assert client._transport._pool.connections == connections  # type: ignore[attr-defined]  # as before

            settings.write_text("limits = { nosuch = 1 }\n")
            assert process.stderr is not None
            error = process.stderr.readline()
            assert error.startswith(f"Error: {settings}: limits: there is no limit 'nosuch'")
            assert error.endswith("(the settings from before stay)\n")
            assert ask(client, path=f"/{service}")["reply"] == "two"

            settings.write_text('http_port = 1\nfaults = ["reset"]\n[[services]]\nname = "New"\nkey = "SECRET"\n')
            assert line(process) == {"applied": {"services": 1, "rules": 0, "faults": 1}, "next_start": ["http_port"]}
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=DEADLINE_S) == ("", "")
        assert process.returncode == 0


def test_the_clock_of_a_running_command_stands_where_its_file_says_so(tmp_path: Path) -> None:
    settings = tmp_path / "mock.toml"
    settings.write_text("admin = true\nclock_scale = 0\n")
    with mock("--config", str(settings)) as (process, addresses), httpx.Client(base_url=addresses["admin"]) as admin:
        assert admin.get("/clock").json() == {"time_s": 0, "scale": 0, "waiting": 0}
        settings.write_text("admin = true\nclock_scale = 1000\n")
        assert line(process)["next_start"] == []
        assert admin.get("/clock").json()["scale"] == 1000
        admin.patch("/clock", json={"scale": 5})
        settings.write_text("admin = true\nclock_scale = 1000\nstrict = true\n")
        assert line(process)["next_start"] == []
        assert admin.get("/clock").json()["scale"] == 5  # what the file says of it is as before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no SIGHUP")
def test_sighup_has_the_files_read_at_once(tmp_path: Path) -> None:
    settings = tmp_path / "mock.toml"
    settings.write_text("")
    with mock("--config", str(settings)) as (process, _):
        process.send_signal(signal.SIGHUP)
        assert line(process)["applied"]["rules"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=DEADLINE_S) == ("", "")


SIGNALLED = """
import signal, sys, threading
from neuroengine.cli import mock, mock_words

announce = mock_words.Words.announce

def announced(*args):
    announce(*args)
    sys.settrace(traced)
    sys._getframe(1).f_trace = traced

def traced(frame, event, argument):
    global lines
    if event == "line" and timer.is_alive():
        lines -= 1
        if lines == 0:
            timer.cancel()
            signal.raise_signal(signal.SIGTERM)
    return traced

mock_words.Words.announce = announced
for at_line in range(1, 30):
    lines, timer = at_line, threading.Timer(0.5, signal.pthread_kill, [threading.get_ident(), signal.SIGTERM])
    timer.start()
    mock.command(["--no-tls"], standalone_mode=False)
    sys.settrace(None)
    if lines > 0:
        break
print("stopped at each of", at_line)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the system has no signals for threads")
def test_a_signal_at_any_line_of_the_wait_stops_it() -> None:
    """The handler of a signal may run while the wait it ends holds a lock."""
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED], capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    assert done.stdout.splitlines()[-1].startswith("stopped at each of")
