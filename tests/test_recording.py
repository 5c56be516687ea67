"""A live hub is recorded, and replayed without it: an app gets equal answers."""

from __future__ import annotations

import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from patience import DEADLINE_S

from mockserver import MockHub, ServiceSettings
from mockserver.recording import Live, Recorder
from mockserver.rules import Fail, Pause, Pieces, ProviderAnswer, Text
from mockserver.rules.fixtures import FixtureError, parsed, read_fixture
from mockserver.rules.schema import violation
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mockserver.journal import Entry

SERVICES = [
    ServiceSettings("First", "FIRST-KEY", comment="ü <b>", operator="@one", preprompt="U: ", endprompt=" A:"),
    ServiceSettings("Second", "SECOND-KEY", access_keys=("ACCESS-KEY",)),
    ServiceSettings("Away", "AWAY-KEY", offline=True),
]
COUNTERS = ("numreq", "queuelen")


def client_of(hub: MockHub) -> httpx.Client:
    return httpx.Client(
        base_url=hub.url,
        verify=ssl.create_default_context(cafile=hub.ca_file) if hub.url.startswith("https") else False,
        timeout=DEADLINE_S,
        trust_env=False,
    )


@contextmanager
def live_hub(**settings: Any) -> Iterator[tuple[MockHub, MockHub, httpx.Client]]:
    """A live hub, one that records it, and a client of that one."""
    with (
        MockHub(SERVICES, **settings) as live,
        MockHub(tls=False, record=Live(live.url, ca_file=live.ca_file)) as hub,
        client_of(hub) as client,
    ):
        yield live, hub, client


def app(client: httpx.Client) -> list[Any]:
    """All that a busy app asks, and what it is told."""
    told: list[Any] = []

    def post(path: str, content: bytes | None = None, headers: dict[str, str] | None = None, **request: Any) -> Any:
        body = json.dumps(request).encode() if content is None else content
        response = client.post(path, content=body, headers=headers or {})
        told.append((response.status_code, response.json()))
        return told[-1][1]

    def stream(key: str, **request: Any) -> None:
        while post("/First", message="Tell me more", key=key, **request).get("reply"):
            pass

    post("/First", message="Hello", max_new_len=9)
    post("/First/", message="Hello", max_new_len=9, seed=7)
    post("/First", message="Hello", temperature=0, max_new_len=9.0)
    post("/First", message="Hello", temperature=1.0, raw="false", max_new_len=9)
    for _ in range(3):
        post("/First", message="often")
    stream("STREAM-KEY-1", gettokens=5, max_new_len=40)
    post("/First", message="Tell me more", key="STREAM-KEY-1")
    stream("STREAM-KEY-2", gettokens=3, max_new_len=12)
    post("/First", message="Tell me more", max_new_len=40)
    post("/First", message="", max_new_len=0)
    post("/Second", message="Hello")
    post("/Second", message="Hello again", headers={"authorization": "Bearer ACCESS-KEY"})
    post("/Away", message="Hello")
    post("/Nobody", message="Hello")
    post("/First", message="Hello", temperature=-1)
    post("/First", message=5)
    post("/First", command="nosuch")
    post("/First", content=b"{")
    models = post("/", command="getmodels")
    told[-1] = [{name: value for name, value in row.items() if name not in COUNTERS} for row in models]
    post("/First", message="scripted")
    post("/First", message="scripted")
    post("/First", message="coded")
    for seq in (0, 1, 1, 2, 3):
        post("/First", message="slow", key="STREAM-KEY-3", seq=seq)
    return told


@pytest.mark.parametrize("ending", ["json", "toml"])
def test_an_app_gets_equal_answers_live_and_replayed(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"recorded.{ending}"
    with live_hub() as (live, hub, client):
        live.on("scripted").fail("queue_full", retry_after=3).reply("Now.")
        live.on("coded").answer("No.", errorcode=142, mood="bad")
        live.on("often").reply("one", "two")
        live.on("slow").pieces(["a", Fail("not_ready"), "b"])
        told = app(client)
        hub.recorder.write(file)
        assert len(live.journal) == len(told)
    with MockHub(rules=file, tls=False) as replaying, client_of(replaying) as client:
        assert app(client) == told
        assert [service.name for service in replaying.services] == ["First", "Second", "Away"]


def test_a_recording_is_valid_and_holds_no_key(tmp_path: Path) -> None:
    file = tmp_path / "recorded.json"
    with live_hub() as (_, hub, client):
        app(client)
        assert hub.recorder.write(file) == (len(hub.recorder.rules()), 3)
    assert violation(parsed(file)) is None
    text = file.read_text()
    for secret in ("STREAM-KEY", "ACCESS-KEY", "FIRST-KEY", "SECOND-KEY", "AWAY-KEY"):
        assert secret not in text
    assert Draft202012Validator({"type": "object", "required": ["rules", "services"]}).is_valid(json.loads(text))


def test_the_polls_of_a_stream_are_one_rule_with_its_pieces() -> None:
    with live_hub() as (live, hub, client):
        live.on("Hi").pieces(["a", "b", "c"])
        for _ in range(4):
            client.post("/First", json={"message": "Hi", "key": "K", "gettokens": 1})
        (rule,) = hub.recorder.rules()
    assert rule.criteria.stream is True
    assert [turn.reply for turn in rule.turns] == [Pieces(["a", "b", "c"])]


def test_the_timings_of_a_live_hub_can_be_kept() -> None:
    recorder = Recorder()
    exchange(recorder, {"message": "Hi"}, {"reply": "Hello", "errorcode": 0}, after_s=2.5)
    for piece, after_s in (("a", 1.5), ("b", 0.25), ("", 0.0)):
        exchange(recorder, {"message": "Hi", "key": "K"}, {"reply": piece, "errorcode": 0}, after_s=after_s)
    assert [turn.plan.delay_s for rule in recorder.rules(timings=True) for turn in rule.turns] == [2.5, 1.5]
    assert replies(recorder, timings=True)[1] == [Pieces(["a", Pause(0.25), "b"])]
    assert [turn.plan.delay_s for rule in recorder.rules() for turn in rule.turns] == [0, 0]
    assert replies(recorder)[1] == [Pieces(["a", "b"])]


def exchange(recorder: Recorder, asked: Any, said: Any, *, path: str = "/First", after_s: float = 0.0) -> None:
    recorder.add(path, json.dumps(asked).encode(), json.dumps(said).encode(), after_s)


def replies(recorder: Recorder, *, timings: bool = False) -> list[list[Any]]:
    return [[turn.reply for turn in rule.turns] for rule in recorder.rules(timings=timings)]


def test_equal_answers_in_a_row_are_one_turn() -> None:
    recorder = Recorder()
    for reply in ("a", "a", "b", "a", "a"):
        exchange(recorder, {"message": "Hi"}, {"reply": reply, "errorcode": 0})
    (rule,) = recorder.rules()
    assert [(turn.reply, turn.times) for turn in rule.turns] == [(Text("a"), 2), (Text("b"), None), (Text("a"), None)]


def test_requests_that_mean_the_same_are_one_rule() -> None:
    recorder = Recorder()
    for more in ({}, {"temperature": 1}, {"top_k": 40.0}, {"raw": "FALSE"}, {"key": None}, {"key": ""}):
        exchange(recorder, {"message": "Hi", **more}, {"reply": "a", "errorcode": 0})
    assert len(recorder.rules()) == 1
    exchange(recorder, {"message": "Hi", "raw": True}, {"reply": "a", "errorcode": 0})
    assert len(recorder.rules()) == 2


def test_a_failure_before_the_first_piece_is_a_turn_and_one_after_it_ends_the_stream() -> None:
    recorder = Recorder()
    poll = {"message": "Hi", "key": "K"}
    exchange(recorder, poll, {"reply": "Full.", "errorcode": ErrorCode.QUEUE_FULL, "retry_after": 2})
    exchange(recorder, poll, {"reply": "a", "errorcode": 0})
    exchange(recorder, poll, {"reply": "Gone.", "errorcode": ErrorCode.PROVIDER_ERROR})
    exchange(recorder, poll, {"reply": "Gone.", "errorcode": ErrorCode.PROVIDER_ERROR})
    assert replies(recorder) == [
        [Fail("queue_full", 2, None, "Full."), Pieces(["a", Fail("provider_error", reply="Gone.")])]
    ]


def test_a_poll_that_is_repeated_counts_once() -> None:
    recorder = Recorder()
    for seq, reply in ((0, "a"), (0, "a"), (1, "a"), (2, ""), (2, "")):
        said = {"reply": reply, "errorcode": 0, "seq": seq, "done": not reply}
        exchange(recorder, {"message": "Hi", "key": "K", "seq": seq}, said)
    assert replies(recorder) == [[Pieces(["a", "a"])]]


def test_errors_about_a_poll_leave_its_stream_alone() -> None:
    recorder = Recorder()
    poll = {"message": "Hi", "key": "K"}
    exchange(recorder, poll, {"reply": "a", "errorcode": 0})
    exchange(recorder, {"message": "Other", "key": "K"}, {"reply": "No.", "errorcode": ErrorCode.STREAM_CONFLICT})
    exchange(recorder, poll, {"reply": "b", "errorcode": 0})
    assert replies(recorder) == [[Pieces(["a", "b"])]]


def test_a_code_of_a_providers_own_and_further_members_are_kept() -> None:
    recorder = Recorder()
    exchange(recorder, {"message": "a"}, {"reply": "Hi", "errorcode": 0, "mood": "fine", "seq": 5})
    exchange(recorder, {"message": "b"}, {"reply": "No", "errorcode": 200, "error": "x"})
    exchange(recorder, {"message": "c"}, {"reply": "Plain"})
    assert replies(recorder) == [
        [ProviderAnswer("Hi", 0, {"mood": "fine"})],
        [ProviderAnswer("No", 200, {})],
        [Text("Plain")],
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (b"{", b'{"reply": "No", "errorcode": 2}'),
        (b'{"message": 5}', b'{"reply": "No", "errorcode": 4}'),
        (b'{"temperature": 1}', b'{"reply": "No", "errorcode": 3}'),
        (b'{"message": "Hi"}', b"<html>"),
        (b'{"message": "Hi"}', b"\xff"),
        (b'{"message": "Hi"}', b"5"),
        (b'{"message": "Hi"}', b"[]"),
        (b'{"message": "Hi"}', b'{"errorcode": 0}'),
        (b'{"message": "Hi"}', b'{"reply": null, "errorcode": 0}'),
        (b'{"message": "Hi"}', b'{"reply": "Hi", "errorcode": true}'),
        (b'{"command": "getmodels"}', b'{"reply": "No", "errorcode": 16}'),
        (b'{"command": "getmodels"}', b'[{"title": "First"}]'),
        (b'{"command": "getmodels"}', b'[{"name": "no name"}]'),
    ],
)
def test_what_no_rule_can_give_is_left_out_and_counted(asked: bytes, said: bytes) -> None:
    recorder = Recorder()
    recorder.add("/First", asked, said)
    assert (recorder.rules(), recorder.services, recorder.left_out) == ([], [], 1)


def test_what_toml_cannot_hold_is_refused_and_json_can(tmp_path: Path) -> None:
    recorder = Recorder()
    exchange(recorder, {"message": "Hi", "mood": None}, {"reply": "a", "errorcode": 0})
    with pytest.raises(FixtureError, match="TOML has no null; write it as JSON"):
        recorder.write(tmp_path / "recorded.toml")
    assert recorder.write(tmp_path / "recorded.json") == (1, 1)
    assert len(read_fixture(tmp_path / "recorded.json").rules) == 1


def test_an_empty_recording_is_a_valid_file(tmp_path: Path) -> None:
    for ending in ("json", "toml"):
        assert Recorder().write(tmp_path / f"recorded.{ending}") == (0, 0)
        assert read_fixture(tmp_path / f"recorded.{ending}") == ([], ())


def test_services_without_rules_are_a_valid_file(tmp_path: Path) -> None:
    recorder = Recorder()
    exchange(recorder, {"command": "getmodels"}, [{"name": "First", "connected": False, "comment": "c"}])
    for ending in ("json", "toml"):
        assert recorder.write(tmp_path / f"recorded.{ending}") == (0, 1)
        (service,) = read_fixture(tmp_path / f"recorded.{ending}").services
        assert (service.name, service.offline, service.comment) == ("First", True, "c")


def test_the_journal_of_a_hub_that_records_holds_what_passed_by() -> None:
    with live_hub() as (live, hub, client):
        live.on("Hello").reply("Hi")
        live.on("full").fail("queue_full")
        client.post("/First", json={"message": "Hello", "key": "STREAM-KEY"}, headers={"Authorization": "Bearer K"})
        client.post("/First", json={"message": "full"})
        client.post("/", json={"command": "getmodels"})
        client.post("/First/", content=b"no JSON")
        first, full, models, broken = hub.journal
        assert (first.service, first.message, first.reply, first.code, first.status) == ("First", "Hello", "Hi", 0, 200)
        assert full.code == ErrorCode.QUEUE_FULL
        assert models.answer[0]["name"] == "First"
        assert (broken.service, broken.request, broken.code) == ("First", {}, ErrorCode.INVALID_JSON)
        assert all(entry.is_over for entry in hub.journal)
        assert "STREAM-KEY" not in json.dumps(hub.journal.to_har())
        hub.journal.assert_called("Hello", times=1)


def test_whoever_waits_for_what_passes_by_is_told_at_once() -> None:
    looks = threading.Event()

    def looked_at(_: Entry) -> bool:
        looks.set()
        return True

    with live_hub() as (_, hub, client), ThreadPoolExecutor(1) as pool:
        client.post("/First", json={"message": "before"})
        waiting = pool.submit(hub.journal.wait_for, 2, where=looked_at)
        assert looks.wait(DEADLINE_S)
        client.post("/First", json={"message": "awaited"})
        assert [entry.message for entry in waiting.result(DEADLINE_S)] == ["before", "awaited"]


def test_an_answer_that_is_none_is_in_the_journal_as_it_came() -> None:
    with (
        MockHub(SERVICES, tls=False, faults=["garbage_body"]) as live,
        MockHub(tls=False, record=Live(live.url)) as hub,
        client_of(hub) as client,
    ):
        said = client.post("/First", json={"message": "Hello"}).text
        assert hub.journal.last.answer == said
        assert hub.recorder.left_out == 1


def test_a_row_of_a_model_list_that_no_path_can_hold_leaves_the_others_alone() -> None:
    recorder = Recorder()
    rows = [{"name": "no name"}, {"name": "First", "comment": "c"}]
    recorder.add("/", b'{"command": "getmodels"}', json.dumps(rows).encode())
    assert [service.name for service in recorder.services] == ["First"]
    assert recorder.left_out == 1


def test_a_live_hub_that_cannot_be_reached_is_a_well_formed_error_and_is_not_recorded() -> None:
    with MockHub(tls=False) as gone:
        url = gone.url
    with MockHub(tls=False, record=Live(url)) as hub, client_of(hub) as client:
        answer = client.post("/First", json={"message": "Hello"})
        assert answer.json()["errorcode"] == ErrorCode.INTERNAL_ERROR
        assert url in answer.json()["reply"]
        assert hub.recorder.rules() == []
        assert hub.journal.last.code == ErrorCode.INTERNAL_ERROR


def test_a_live_hub_is_trusted_by_its_own_authority_only_unless_one_says_so() -> None:
    with MockHub(SERVICES) as live:
        for insecure, code in ((False, ErrorCode.INTERNAL_ERROR), (True, ErrorCode.OK)):
            with MockHub(tls=False, record=Live(live.url, insecure=insecure)) as hub, client_of(hub) as client:
                answer = client.post("/First", json={"message": "Hello", "max_new_len": 3})
                assert answer.json()["errorcode"] == code


def test_a_name_in_a_url_is_never_shown() -> None:
    assert Live("http://me:SECRET@127.0.0.1:1/").url == "http://127.0.0.1:1"


@pytest.mark.parametrize("url", ["", "hub", "ftp://hub", "https://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be a URL"):
        Live(url)


def test_only_a_hub_that_records_has_a_recorder() -> None:
    with pytest.raises(RuntimeError, match="record=Live"):
        _ = MockHub().recorder
