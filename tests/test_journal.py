"""The journal: what it holds of each exchange, how it is searched, and that it tells no secret."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hub_bench import KEY, SERVICE, START, code, poll, reply
from rule_bench import RuleBench

from mockserver import Clock, MockHub, ServiceSettings
from mockserver.journal import Entry, Journal
from mockserver.journal.journal import MOST_BYTES
from mockserver.rules import ABSENT, Between, Contains
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_S = 60.0

# -- what an entry holds


def test_an_entry_holds_request_answer_and_times() -> None:
    bench = RuleBench()
    bench.on("hi", name="late").delay(2).reply("Hi")
    exchange = bench.ask(temperature=0, mood=["fine"])
    waiting = bench.journal.last
    assert not waiting.is_over
    assert (waiting.answer, waiting.code, waiting.reply, waiting.seconds) == (None, None, None, None)
    bench.advance(2)
    assert reply(exchange) == "Hi"
    (entry,) = bench.journal
    assert entry == waiting
    assert (entry.number, entry.path, entry.service) == (1, f"/{SERVICE}", SERVICE)
    assert entry.request == {"message": "hi", "temperature": 0, "mood": ["fine"]}
    assert (entry.message, entry.key, entry.poll, entry.begins) == ("hi", None, 0, True)
    assert (entry.answer, entry.code, entry.reply) == ({"reply": "Hi", "errorcode": 0}, 0, "Hi")
    assert (entry.rule, entry.rules, entry.near_miss) == ("late", ("late",), "")
    assert (entry.at, entry.answered_at, entry.seconds, entry.delay_s) == (START, START + 2, 2.0, 2)
    assert (entry.left, entry.left_at, entry.provider, entry.faults, entry.status) == (False, None, None, (), 200)
    assert str(entry) == f'#1 {SERVICE} "hi" -> 0 "Hi" [rule late]'


def test_every_post_is_an_exchange_whatever_it_holds() -> None:
    bench = RuleBench(http_body_bytes=100)
    bench.post(b"{")
    bench.post({"command": "getmodels"}, "/")
    bench.post({"message": "hi"}, "/Nobody")
    bench.post({"message": "x" * 100})
    bench.state.post("/Other", None, bench.now)
    assert [(entry.number, entry.service, entry.code) for entry in bench.journal] == [
        (1, SERVICE, ErrorCode.INVALID_JSON),
        (2, "", 0),
        (3, "Nobody", ErrorCode.UNKNOWN_SERVICE),
        (4, SERVICE, ErrorCode.REQUEST_TOO_LARGE),
        (5, "Other", ErrorCode.REQUEST_TOO_LARGE),
    ]
    assert [entry.request for entry in bench.journal][:2] == [{}, {"command": "getmodels"}]
    assert bench.journal[1].answer[0]["name"] == SERVICE
    assert bench.journal[1].reply is None
    assert str(bench.journal[1]).startswith('#2 / "getmodels" -> 0 [{"name"')


def test_polls_have_their_numbers_and_the_rule_of_their_generation() -> None:
    bench = RuleBench()
    bench.on(name="text").reply("a b")
    bench.on(poll=2, name="late").delay(0).fail("queue_full")
    for _ in range(4):
        poll(bench)
    polls = [(entry.poll, entry.begins, entry.code, entry.rule, entry.rules) for entry in bench.journal]
    assert polls == [
        (1, True, 0, "text", ("text",)),
        (2, False, 8, "late", ("late",)),
        (3, False, 0, "text", ("text",)),
        (4, False, 0, "text", ("text",)),
    ]


def test_rules_without_an_answer_are_named_too() -> None:
    bench = RuleBench()
    bench.on(name="text").reply("a")
    bench.on(name="spy")
    bench.ask()
    assert list(bench.journal.last.rules) == ["spy", "text"]
    bench.rules.named("text").remove()
    bench.ask(max_new_len=0)
    assert bench.journal.last.rule == ""
    assert list(bench.journal.last.rules) == ["spy"]


def test_a_near_miss_is_kept_where_a_strict_hub_found_no_rule() -> None:
    bench = RuleBench(strict=True)
    bench.on("ho", name="other").reply("x")
    bench.ask("hi")
    assert bench.journal.last.near_miss == 'The nearest is other (message = "ho"): message: wanted "ho", got "hi".'
    assert bench.journal.last.near_miss in bench.journal.last.answer["reply"]


def test_faults_are_named() -> None:
    bench = RuleBench()
    bench.on().fault("reset").fault("latency")
    bench.ask(max_new_len=0)
    assert bench.journal.last.faults == ("reset", "latency")
    assert str(bench.journal.last).endswith("[fault reset, fault latency]")


def test_a_client_that_left_is_told_from_one_that_waits() -> None:
    bench = RuleBench()
    bench.provider()
    left, waiting = bench.ask("first"), bench.ask("second")
    bench.advance(3)
    bench.leave(left)
    assert [(entry.left, entry.is_over, entry.seconds) for entry in bench.journal] == [
        (True, True, 3.0),
        (False, False, None),
    ]
    assert [str(entry).partition("-> ")[2] for entry in bench.journal] == ["the client left", "no answer yet"]
    bench.leave(waiting)
    bench.leave(waiting)
    assert bench.journal.last.left_at == bench.now


# -- the provider's leg


def test_the_providers_leg_of_a_whole_reply_is_kept() -> None:
    bench = RuleBench()
    bench.stranger()
    provider = bench.provider()
    bench.ask("hi", mood="fine")
    leg = bench.journal.last.provider
    assert leg is not None
    assert (leg.link, leg.sent_at, leg.answered_at, leg.payload) == (2, START, None, None)
    assert leg.request == {"message": "hi", "mood": "fine", "raw": "False"}
    assert leg.frame_bytes == len(provider.frames[0])
    bench.advance(1)
    provider.answer({"reply": "Hi"})
    assert (leg.answered_at, leg.payload) == (START + 1, b'{"reply": "Hi"}')
    assert bench.journal.last.answered_at == START + 1


def test_a_request_that_waits_in_the_queue_has_no_link_yet() -> None:
    bench = RuleBench()
    provider = bench.provider()
    bench.ask("first")
    bench.ask("second")
    leg = bench.journal.last.provider
    assert leg is not None
    assert (leg.link, leg.sent_at) == (None, None)
    assert repr(leg) == "<ProviderLeg queued, link None>"
    provider.answer({"reply": "Hi"})
    assert repr(leg) == "<ProviderLeg sent, link 1>"


def test_an_answer_that_a_provider_never_gave_has_its_leg_too() -> None:
    bench = RuleBench()
    provider = bench.provider()
    bench.ask("lost")
    bench.advance(180)
    provider = bench.provider()
    bench.ask("dropped")
    provider.drop()
    late, dropped = bench.journal
    assert [late.code, dropped.code] == [ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_ERROR]
    assert late.provider is not None
    assert dropped.provider is not None
    assert [late.provider.payload, dropped.provider.payload] == [None, None]
    assert [late.provider.link, dropped.provider.link] == [1, 2]


def test_every_poll_that_is_cut_from_a_providers_reply_has_its_leg() -> None:
    bench = RuleBench()
    provider = bench.provider()
    poll(bench, seq=0)
    provider.answer({"reply": "a b", "mood": "fine"})
    poll(bench, seq=1)
    legs = [entry.provider for entry in bench.journal]
    assert [leg.payload if leg else None for leg in legs] == [b'{"reply": "a b", "mood": "fine"}'] * 2


def test_every_forwarded_poll_has_a_leg_of_its_own_and_shows_no_key() -> None:
    bench = RuleBench()
    provider = bench.provider(streaming=True)
    for word in ("a", "b"):
        poll(bench, key="my-secret-key")
        provider.answer({"reply": word})
    assert [json.loads(entry.provider.payload or b"")["reply"] for entry in bench.journal if entry.provider] == [
        "a",
        "b",
    ]
    shown = [entry.provider.request for entry in bench.journal if entry.provider]
    assert [request["gettokens"] for request in shown] == [1, 1]
    assert {request["key"] for request in shown} == {bench.journal.last.key}
    assert provider.requests[0]["key"] == "my-secret-key"


# -- secrets


def test_the_journal_tells_no_key() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, "SERVICE-SECRET", access_keys=("ACCESS-SECRET",)), strict=True)
    bench.on(key="STREAM-SECRET").reply("a")
    bench.post({"message": "hi", "key": "STREAM-SECRET"}, access_key="ACCESS-SECRET")
    bench.post({"message": "hi", "key": "OTHER-SECRET"}, access_key="ACCESS-SECRET")
    bench.post({"message": "hi"}, access_key="WRONG-SECRET")
    with pytest.raises(AssertionError) as failed:
        bench.journal.assert_called(key="THIRD-SECRET")
    texts = [repr(entry) + json.dumps([entry.request, entry.key, entry.answer]) for entry in bench.journal]
    for text in (*texts, json.dumps(bench.journal.to_har()), str(failed.value)):
        assert "SECRET" not in text
    assert str(failed.value).count("sha256:") >= 3


def test_a_stream_key_has_one_short_hash_for_ever() -> None:
    bench = RuleBench()
    bench.ask(key="key1234", max_new_len=0)
    bench.ask(key="other", max_new_len=0)
    bench.ask(key="", max_new_len=0)
    assert [entry.key for entry in bench.journal] == ["sha256:885fe312", "sha256:d9298a10", None]


# -- searching


def test_entries_are_found_by_request_and_outcome() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY), ServiceSettings("Other", KEY))
    bench.on("a", name="greeting").reply("Hi there").fault("latency")
    bench.on("b").fail("queue_full")
    bench.ask("a", temperature=0)
    bench.ask("b")
    bench.post({"message": "a", "key": "key1234"}, "/Other")
    bench.post({"command": "getmodels"}, "/")

    def numbers(message: Any = None, **wanted: Any) -> list[int]:
        return [entry.number for entry in bench.journal.find(message, **wanted)]

    assert numbers() == [1, 2, 3, 4]
    assert numbers("a") == [1, 3]
    assert numbers("a", service="Other") == [3]
    assert numbers(temperature=0) == [1]
    assert numbers(temperature=1.0) == [2, 3]
    assert numbers(code=8) == numbers(code="queue_full") == numbers(code=ErrorCode.QUEUE_FULL) == [2]
    assert numbers(code=Between(1)) == [2]
    assert numbers(rule="greeting") == [1, 3]
    assert numbers(reply=Contains("there")) == [1, 3]
    assert numbers(fault="latency") == [1, 3]
    assert numbers(stream=True) == numbers(poll=1) == numbers(key="key1234") == [3]
    assert numbers(begins=True, key=ABSENT) == [1, 2, 4]
    assert numbers(command="getmodels") == [4]
    assert numbers(where=lambda entry: entry.number % 2) == [1, 3]
    assert numbers(left=False, status=200) == [1, 2, 3, 4]
    assert numbers(fields={"where": "x"}) == []
    with pytest.raises(ValueError, match="there is no error 'nothing'; the errors are ok, internal_error"):
        numbers(code="nothing")


def test_a_journal_reads_like_a_list() -> None:
    bench = RuleBench()
    with pytest.raises(LookupError, match="the journal is empty"):
        _ = bench.journal.last
    for message in ("a", "b", "c"):
        bench.ask(message, max_new_len=0)
    journal = bench.journal
    assert len(journal) == 3
    assert [entry.message for entry in journal] == ["a", "b", "c"]
    assert [journal[0].message, journal[-1].message] == ["a", "c"]
    assert [entry.message for entry in journal[1:]] == ["b", "c"]
    assert journal.last == journal[-1] != journal[0]
    assert len({journal.last, journal[-1]}) == 1


def test_a_journal_keeps_the_newest_and_counts_on() -> None:
    bench = RuleBench(entries=2)
    for message in ("a", "b", "c"):
        bench.ask(message, max_new_len=0)
    assert [(entry.number, entry.message) for entry in bench.journal] == [(2, "b"), (3, "c")]
    bench.journal.clear()
    assert len(bench.journal) == 0
    bench.ask("d", max_new_len=0)
    assert bench.journal.last.number == 4


def test_a_journal_holds_no_more_bytes_than_fit_into_memory() -> None:
    bench = RuleBench()
    large = "x" * (MOST_BYTES // 20)
    bench.on("large").reply(large)
    for _ in range(30):
        bench.ask("large")
    assert len(bench.journal) == 19
    assert bench.journal[0].number == 12
    bench.ask("small", max_new_len=0)
    assert len(bench.journal) == 20
    bench.journal.clear()
    for _ in range(19):
        bench.ask("large")
    assert len(bench.journal) == 19


def test_a_providers_large_reply_is_counted_once_a_stream() -> None:
    bench = RuleBench()
    provider = bench.provider()
    poll(bench)
    provider.answer({"reply": "word " * (MOST_BYTES // 160)})
    for _ in range(50):
        poll(bench)
    assert len(bench.journal) == 51
    for _ in range(20):
        asked = bench.ask()
        provider.answer({"reply": "x" * (MOST_BYTES // 32)})
        assert code(asked) == 0
    assert len(bench.journal) == 15


def test_an_answer_that_comes_after_its_entry_was_forgotten_counts_no_more() -> None:
    bench = RuleBench(entries=1)
    bench.on("late").reply("x" * (MOST_BYTES // 2)).delay(1)
    for _ in range(9):
        bench.ask("late")
    assert code(bench.ask("now", max_new_len=0)) == 0
    bench.advance(1)
    assert [entry.message for entry in bench.journal] == ["now"]


def test_a_journal_is_cleared_while_the_hub_writes_it(hub: MockHub) -> None:
    hub.on().reply("x" * 1000)
    stop = threading.Event()

    def clear() -> None:
        while not stop.is_set():
            hub.journal.clear()

    clearing = in_thread(clear)
    try:
        codes = {ask(hub)["errorcode"] for _ in range(60)}
    finally:
        stop.set()
        clearing.join(WAIT_S)
    assert codes == {0}
    hub.journal.clear()
    ask(hub, "after")
    assert [entry.message for entry in hub.journal] == ["after"]


def test_a_journal_may_be_off() -> None:
    bench = RuleBench(entries=0)
    assert code(bench.ask(max_new_len=0)) == 0
    assert len(bench.journal) == 0


@pytest.mark.parametrize("entries", [-1, 1.5, True])
def test_a_number_of_entries_that_makes_no_sense_is_refused(entries: Any) -> None:
    with pytest.raises(ValueError, match="journal_entries must be a whole number, 0 or more"):
        Journal(entries)


def test_an_entry_that_is_over_holds_on_to_no_stream() -> None:
    """Or else a journal would keep every stream and connection alive that it ever saw."""
    bench = RuleBench()
    bench.on().reply("a b")
    exchange = poll(bench)
    bench.provider(streaming=True)
    assert reply(exchange) == "a"
    assert exchange.leave.__name__ == "_stays"
    exchange.leave(bench.now)
    assert reply(poll(bench)) == " b"


# -- from other threads


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: KEY}, tls=False) as hub:
        yield hub


def ask(hub: MockHub, message: str = "hi", **fields: object) -> Any:
    return httpx.post(f"{hub.url}/{SERVICE}", json={"message": message, **fields}, timeout=WAIT_S).json()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_a_thread_waits_for_exchanges_that_are_over(hub: MockHub) -> None:
    hub.on().reply("x")
    found: list[Entry] = []
    waiting = in_thread(lambda: found.extend(hub.journal.wait_for(2, "hi", timeout=WAIT_S)))
    for message in ("hi", "ho", "hi"):
        ask(hub, message)
    waiting.join(WAIT_S)
    assert [entry.message for entry in found] == ["hi", "hi"]
    assert hub.journal.wait_for(1, "ho", timeout=0)[0].number == 2


def test_an_exchange_without_an_answer_is_not_over() -> None:
    clock = Clock.stepped()
    with MockHub({SERVICE: KEY}, tls=False, clock=clock) as hub:
        hub.on().delay(100).reply("late")
        asking = in_thread(lambda: ask(hub))
        hub.until_waiting()
        assert len(hub.journal) == 1
        with pytest.raises(TimeoutError, match="wanted 1 that are over within 0 seconds: any request"):
            hub.journal.wait_for(timeout=0)
        clock.advance(100)
        assert hub.journal.wait_for(timeout=WAIT_S)[0].seconds == 100
        asking.join(WAIT_S)


def test_a_client_that_leaves_ends_the_wait(hub: MockHub) -> None:
    hub.on().delay(100)
    with httpx.Client(base_url=hub.url) as client, pytest.raises(httpx.ReadTimeout):
        client.post(f"/{SERVICE}", json={"message": "hi"}, timeout=0.05)
    (entry,) = hub.journal.wait_for(1, left=True, timeout=WAIT_S)
    assert entry.answer is None


def test_a_journal_can_be_read_while_it_is_written(hub: MockHub) -> None:
    hub.on().reply("x")
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                for entry in hub.journal:
                    str(entry)
                hub.journal.find("hi", code=0)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    readers = [in_thread(read) for _ in range(2)]
    try:
        with httpx.Client(base_url=hub.url, timeout=WAIT_S) as client:
            for _ in range(40):
                client.post(f"/{SERVICE}", json={"message": "hi"})
    finally:
        stop.set()
        for reader in readers:
            reader.join(WAIT_S)
    assert errors == []
    assert len(hub.journal) == 40
