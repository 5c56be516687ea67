"""What the suite does to spare a hub that is not on this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance import Settings, run
from conformance.exchange import Exchange, Request
from conformance.subject import PLAIN_REQUEST, Subject
from conformance.target import Target
from mockserver import MockHub

ASKED = Request("/First/", json.dumps(PLAIN_REQUEST).encode())


def answer(content: dict[str, Any], *headers: tuple[str, str]) -> Exchange:
    return Exchange(ASKED, 200, headers, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("exchange", "seconds"),
    [
        (answer({"reply": "Later.", "errorcode": 9, "retry_after": 3.5}), 3.5),
        (answer({"reply": "Later.", "errorcode": 9}, ("Retry-After", "7")), 7),
        (answer({"reply": "Later.", "errorcode": 9, "retry_after": -1}), 0),
        (answer({"reply": "Later.", "errorcode": 9, "retry_after": "soon"}), 0),
        (answer({"reply": "Hello.", "errorcode": 0, "retry_after": 3}), 0),
        (answer({"reply": "Later.", "errorcode": 9}, ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")), 0),
    ],
)
def test_a_hub_says_when_it_wants_to_be_asked_again(exchange: Exchange, seconds: float) -> None:
    assert exchange.retry_after == seconds


def pauses(settings: Settings, hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the suite waits before each of three requests that follow one that the hub wants to wait for."""
    waited: list[float] = []
    monkeypatch.setattr(Target, "pause", lambda _, seconds: waited.append(round(seconds, 1)))
    hub.on().fail("quota_exceeded", retry_after=5).once().reply("Hello.")
    subject = Subject(settings, Target(settings))
    for _ in range(3):
        subject.ask_plainly()
    subject.close()
    return waited


def test_a_hub_that_is_spared_is_asked_again_when_it_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        settings = Settings(hub.url, "First", rate=100.0)
        first, second, _ = pauses(settings, hub, monkeypatch)
    assert first <= 0
    assert second == 5.0


def test_no_hub_makes_the_suite_wait_longer_than_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        settings = Settings(hub.url, "First", rate=100.0, max_wait=2.0)
        assert pauses(settings, hub, monkeypatch)[1] == 2.0


def test_a_hub_that_is_not_spared_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        assert pauses(Settings(hub.url, "First"), hub, monkeypatch) == []


@pytest.mark.parametrize("profile", ["smoke", "extended"])
def test_a_run_never_sends_more_than_its_bound(profile: str) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        report = run(
            Settings(
                hub.url,
                "First",
                profile=profile,
                max_requests=17,
                provider=hub.provider,
                service_key="KEY",
                ca_file=hub.ca_file,
            )
        )
        assert len(list(hub.journal)) <= 17
    assert report["requests"] <= 17
    if profile == "extended":
        assert report["partial"] == ["the run's bounds did not suffice"]


def test_a_hub_that_is_spared_is_asked_one_thing_at_a_time() -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        report = run(Settings(hub.url, "First", select=("NE-STREAM-023",), rate=500.0))
    (row,) = report["requirements"]
    assert row["verdict"] == "skip"
    assert "--rate 0 allows it" in row["reason"]
