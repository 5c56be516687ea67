"""A hub that refuses because of how many requests came is waited for, and asked more slowly; no other hub is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from conformance import Settings, run
from conformance.evidence import TargetLost
from conformance.exchange import Exchange, Request
from conformance.quota import ALIKE, PATIENCE_S, SHORT_PATIENCE_S, Quota
from conformance.target import Target
from mockserver import MockHub, ServiceSettings

SETTINGS = Settings("http://127.0.0.1:1", "First")
PLAIN = Request("/First/", b'{"message": "Hello."}')
OTHER = Request("/First/", b'{"message": "Something else."}')
TOO_FAST = {"reply": "You are going too fast.", "errorcode": 77}
BUSY = {"reply": "Come back later.", "errorcode": 77}


def answer(request: Request, content: dict[str, Any], status: int = 200, *headers: tuple[str, str]) -> Exchange:
    return Exchange(request, status, headers, json.dumps(content).encode())


def success(request: Request) -> Exchange:
    return answer(request, {"reply": "Hello.", "errorcode": 0})


class Metered:
    """A hub that takes `most` requests in so many seconds, on a clock that goes on only while the suite waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int, window_s: float, refusal: dict[str, Any]) -> None:
        self.now = 1000.0
        self.paused: list[float] = []
        self.plain_asked = 0
        self._most, self._window_s, self._refusal = most, window_s, refusal
        self._taken: list[float] = []
        self.target = Target(SETTINGS)
        monkeypatch.setattr("conformance.quota.time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(self.target, "pause", self._pause)
        self.quota = Quota(SETTINGS, self.target, self._ask)

    def serve(self, request: Request) -> Exchange:
        self._taken = [at for at in self._taken if self.now - at < self._window_s]
        if len(self._taken) >= self._most:
            return answer(request, self._refusal)
        self._taken.append(self.now)
        return success(request)

    def asked(self, request: Request) -> bool:
        """Sends a request; whether the suite had to wait for the hub."""
        return self.quota.makes_wait(self.serve(request))

    def _ask(self) -> Exchange:
        self.plain_asked += 1
        return self.serve(PLAIN)

    def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("refusal", [TOO_FAST, BUSY], ids=["in words of a quota", "in other words"])
def test_a_hub_that_refuses_for_the_number_is_waited_for_and_asked_more_slowly(
    monkeypatch: pytest.MonkeyPatch, refusal: dict[str, Any]
) -> None:
    hub = Metered(monkeypatch, 20, 3.0, refusal)
    waited = [hub.asked(OTHER) for _ in range(20 + ALIKE)]
    assert waited == [False] * (20 + ALIKE - 1) + [True]
    assert sum(hub.paused) >= 3.0
    assert 0 < hub.target.rate <= 20 / 3.0
    assert refusal["reply"] in hub.quota.told
    assert "it seems to be a quota: --rate " in hub.quota.told


def test_who_was_asked_more_slowly_is_asked_more_slowly_still_if_that_does_not_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Metered(monkeypatch, 2, 20.0, TOO_FAST)
    rates = []
    for _ in range(3):
        while not hub.asked(OTHER):
            pass
        rates.append(hub.target.rate)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] <= 2 / 20.0


@pytest.mark.parametrize(
    "refusal",
    [
        answer(OTHER, BUSY, 429),
        Exchange(OTHER, 429, (("Retry-After", "7"),), b"<h1>Too Many Requests</h1>"),
        answer(OTHER, {"reply": "Later.", "errorcode": 9, "retry_after": 7}),
    ],
    ids=["status", "a page", "the registry's code"],
)
def test_one_refusal_is_enough_where_http_or_the_registry_say_what_it_is(
    monkeypatch: pytest.MonkeyPatch, refusal: Exchange
) -> None:
    hub = Metered(monkeypatch, 20, 3.0, TOO_FAST)
    answers = iter([refusal, success(PLAIN)])
    quota = Quota(SETTINGS, hub.target, lambda: next(answers))
    assert quota.makes_wait(refusal)
    assert hub.paused == [max(0.5, refusal.retry_after)]


def test_a_hub_that_refuses_what_is_asked_is_neither_waited_for_nor_asked_much_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Metered(monkeypatch, 10_000, 3.0, TOO_FAST)
    hub.asked(OTHER)
    assert not any(hub.quota.makes_wait(answer(OTHER, BUSY)) for _ in range(200))
    assert hub.paused == []
    assert hub.plain_asked < 10
    assert hub.quota.told == ""


def test_what_never_succeeded_and_is_refused_without_a_word_of_a_quota_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Metered(monkeypatch, 0, 3.0, BUSY)
    assert not any(hub.asked(OTHER) for _ in range(200))
    assert hub.plain_asked == 0


def test_refusals_in_other_words_than_the_plain_requests_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Metered(monkeypatch, 1, 3.0, TOO_FAST)
    hub.asked(OTHER)
    assert not any(hub.quota.makes_wait(answer(OTHER, BUSY)) for _ in range(ALIKE))
    assert hub.plain_asked == 1
    assert hub.paused == []


def test_a_hub_that_tells_of_a_quota_and_refuses_for_long_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Metered(monkeypatch, 1, 1e6, TOO_FAST)
    with pytest.raises(TargetLost, match=r'refuses every request.*"You are going too fast\.".*seems to be a quota'):
        [hub.asked(OTHER) for _ in range(1 + ALIKE)]
    assert sum(hub.paused) >= PATIENCE_S
    assert hub.quota.is_refusing


def test_a_hub_that_says_how_long_it_refuses_is_not_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Metered(monkeypatch, 1, 1e6, {"reply": "No more today.", "errorcode": 9, "retry_after": 3600})
    with pytest.raises(TargetLost, match="No more today"):
        [hub.asked(OTHER) for _ in range(2)]
    assert hub.paused == []


def test_a_hub_that_refuses_for_long_and_tells_no_quota_is_left_to_the_other_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Metered(monkeypatch, 1, 1e6, BUSY)
    assert not any(hub.asked(OTHER) for _ in range(1 + ALIKE))
    assert SHORT_PATIENCE_S <= sum(hub.paused) < PATIENCE_S
    assert hub.quota.told == ""


def test_a_hub_with_a_quota_is_judged_in_its_own_pace() -> None:
    service = ServiceSettings("First", "KEY", quota=10, quota_window_s=1.0)
    with MockHub(services=(service,), tls=False) as hub:
        report = run(Settings(hub.url, "First", select=("NE-REQ-00[1-4]",)))
    assert {row["verdict"] for row in report["requirements"]} == {"pass"}
    (remark,) = report["remarks"]
    assert remark.startswith("the hub refused every request for a while")
    assert report["exit_code"] == 0


def test_a_hub_whose_quota_is_spent_is_not_called_conforming() -> None:
    service = ServiceSettings("First", "KEY", quota=10, quota_window_s=3600.0)
    with MockHub(services=(service,), tls=False) as hub:
        report = run(Settings(hub.url, "First", select=("NE-REQ-00[1-4]",)))
    assert report["exit_code"] == 3
    assert not report["conforms"]
    assert "it seems to be a quota: --rate" in report["stopped"]
    assert report["remarks"] == []
