"""Rules through a running hub: over HTTP, from other threads, and with what they let befall an answer."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mockserver import Clock, MockHub
from mockserver.rules import Fail, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = "First"
WAIT_S = 60.0


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "KEY1"}, tls=False) as hub:
        yield hub


def ask(hub: MockHub, message: str = "hi", **fields: object) -> Any:
    return httpx.post(f"{hub.url}/{SERVICE}", json={"message": message, **fields}, timeout=WAIT_S).json()


def test_a_rule_answers_over_http(hub: MockHub) -> None:
    rule = hub.on(message="Hello", temperature=0).reply("Hi")
    assert ask(hub, "Hello", temperature=0) == {"reply": "Hi", "errorcode": 0}
    assert ask(hub, "Hello", max_new_len=0)["reply"] == ""
    assert rule.calls == 1


def test_fail_twice_and_then_recover(hub: MockHub) -> None:
    hub.on().fail("queue_full", retry_after=3).times(2).reply("ok")
    answers = [ask(hub) for _ in range(3)]
    assert [answer["errorcode"] for answer in answers] == [8, 8, 0]
    assert answers[0]["retry_after"] == 3


def test_pieces_come_as_listed_over_http(hub: MockHub) -> None:
    hub.on().pieces(["Good ", Fail("not_ready"), "day"])
    answers = [ask(hub, key="k") for _ in range(4)]
    assert [(answer["errorcode"], answer["reply"]) for answer in answers if answer["errorcode"] != 17] == [
        (0, "Good "),
        (0, "day"),
        (0, ""),
    ]


def test_a_fault_of_a_rule_befalls_the_wire(hub: MockHub) -> None:
    hub.on().fault("reset").once().reply("whole").fault("drop_midway").once()
    with pytest.raises(httpx.ReadError):
        ask(hub)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(hub)
    assert ask(hub, max_new_len=0)["errorcode"] == 0


def test_a_delay_passes_on_the_hubs_clock() -> None:
    clock = Clock.stepped()
    with MockHub({SERVICE: "KEY1"}, tls=False, clock=clock) as hub:
        hub.on().delay(3600).reply("late")
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(ask(hub)))
        asking.start()
        hub.until_waiting()
        clock.advance(3599)
        assert answers == []
        clock.advance(1)
        asking.join(WAIT_S)
        assert answers == [{"reply": "late", "errorcode": 0}]


def test_the_rules_that_a_hub_is_made_with_are_back_after_a_reset() -> None:
    with MockHub({SERVICE: "KEY1"}, tls=False, rules=[Rule("hi").reply("made")], strict=True) as hub:
        hub.rules.clear()
        hub.on().reply("added").once()
        assert ask(hub)["reply"] == "added"
        assert ask(hub)["errorcode"] == 404
        assert len(hub.journal) == 2
        hub.reset()
        assert ask(hub)["reply"] == "made"
        assert len(hub.journal) == 1
        hub.reset(rules=[Rule().reply("changed")], strict=False)
        assert ask(hub, "other")["reply"] == "changed"


def test_a_hub_is_made_with_a_fixture_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nwhen = { message = "Hello" }\nthen = "Hi"\n', encoding="utf-8")
    with MockHub({SERVICE: "KEY1"}, tls=False, rules=file) as hub:
        assert ask(hub, "Hello")["reply"] == "Hi"
        other = tmp_path / "more.json"
        other.write_text(json.dumps({"rules": [{"then": "More"}]}), encoding="utf-8")
        (loaded,) = hub.rules.load(other)
        assert ask(hub, "Hello")["reply"] == "More"
        assert loaded.calls == 1


def test_hubs_never_see_each_others_rules_or_journals(hub: MockHub) -> None:
    with MockHub({SERVICE: "KEY1"}, tls=False) as other:
        hub.on().reply("one")
        other.on().reply("other")
        assert [ask(hub)["reply"], ask(other)["reply"], ask(hub)["reply"]] == ["one", "other", "one"]
        assert (len(hub.journal), len(other.journal)) == (2, 1)


def test_rules_come_and_go_from_other_threads_while_the_hub_answers(hub: MockHub) -> None:
    """Every answer is a whole one of some rule's or the last resort's; nothing is lost when all have finished."""
    hub.on(priority=-1).reply("last resort")
    errors: list[BaseException] = []
    stop = threading.Event()

    def change(number: int) -> None:
        try:
            while not stop.is_set():
                first, second = hub.rules.add(Rule("hi").reply(f"a{number}"), Rule("ho").reply(f"b{number}"))
                hub.rules.unused()
                first.remove()
                second.remove()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        with httpx.Client(base_url=hub.url, timeout=WAIT_S) as client:
            replies = {client.post(f"/{SERVICE}", json={"message": "hi"}).json()["reply"] for _ in range(200)}
    finally:
        stop.set()
        for thread in threads:
            thread.join(WAIT_S)
    assert errors == []
    assert replies <= {"last resort", "a0", "a1", "a2"}
    assert [rule.rule.priority for rule in hub.rules] == [-1]
