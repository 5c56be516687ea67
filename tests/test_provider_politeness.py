"""The suite at the provider port of a hub that is to be spared: its pace, its budget, and what it says when refused."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from conformance import Settings, run
from conformance.provider.desk import Desk
from conformance.target import Target
from conformance.timeline import Timeline
from mockserver import MockHub
from neuroengine.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURN_S = 1_000.0
"""Between two requests, so that no wait can be taken for another."""
WRONG_KEY = "no-key-of-anybody"


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={"First": "KEY", "Home": "KEY"}, tls=False) as hub:
        yield hub


def told(hub: MockHub, **more: Any) -> Settings:
    given: dict[str, Any] = {"provider": hub.provider, "provider_service": "Home", "service_key": "KEY"}
    return Settings(hub.url, "First", ca_file=hub.ca_file, timeout=20.0, **given | more)


class Unhurried(Target):
    """Writes down how many turns it would wait, and does not wait."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.turns: list[int] = []

    def pause(self, seconds: float) -> None:
        self.turns.append(max(round(seconds / TURN_S), 0))


@pytest.fixture
def target(hub: MockHub) -> Unhurried:
    return Unhurried(told(hub, rate=1 / TURN_S))


@pytest.fixture
def desk(hub: MockHub, target: Unhurried) -> Iterator[Desk]:
    settings = told(hub)
    desk = Desk(settings, target, ssl.create_default_context(cafile=hub.ca_file), Timeline())
    yield desk
    desk.close()


def test_each_connection_to_the_provider_port_waits_for_its_turn(desk: Desk, target: Unhurried) -> None:
    desk.open()
    with desk.vacant():
        desk.connect()
        desk.knock().close()
    assert target.turns == [0, 1, 2, 3], "the last one is the login after the check"
    assert target.sent == 4


def test_connections_that_are_made_at_the_same_time_are_paid_for_before(desk: Desk, target: Unhurried) -> None:
    desk.open()
    with desk.visited():
        desk.pay_for(3)
        for _ in range(3):
            desk.knock().close()
        assert target.turns == [0, 1]
        desk.connect()
    assert target.turns == [0, 1, 4]


def test_what_was_paid_for_and_not_made_is_of_no_use_to_the_next_check(desk: Desk, target: Unhurried) -> None:
    desk.open()
    with desk.visited():
        desk.pay_for(3)
    with desk.visited():
        desk.connect()
    assert target.turns == [0, 1, 4]


def test_logins_keep_to_the_budget_of_requests(hub: MockHub) -> None:
    settings = told(hub, max_requests=1)
    target = Target(settings)
    desk = Desk(settings, target, ssl.create_default_context(cafile=hub.ca_file), Timeline())
    desk.open()
    for _ in range(3):
        with pytest.raises(pytest.skip.Exception, match="its budget of 1 requests is used up"), desk.vacant():
            desk.connect()
    assert target.sent == 1
    assert "its budget of 1 requests is used up" in desk.refusal
    assert desk.locked_out == "", "its login was right"
    desk.close()


def test_a_smoke_run_with_a_provider_keeps_to_its_requests(hub: MockHub) -> None:
    report = run(told(hub, profile="smoke", max_requests=20))
    assert report["requests"] <= 20
    assert (report["counts"]["fail"], report["counts"]["warn"], report["counts"]["error"]) == (0, 0, 0)


# -- a key that is wrong


ADVICE = "look at --provider, the provider's service, and the key in $NE_SERVICE_KEY"


@pytest.mark.parametrize(
    ("select", "exit_code"), [(["NE-HTTP-001", "NE-FWD-001"], 3), (["NE-ERR-001", "NE-FWD-001"], 1)]
)
def test_a_refused_key_is_advised_whatever_else_is_judged(tmp_path: Path, select: list[str], exit_code: int) -> None:
    file = tmp_path / "r.json"
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as hub:
        words = ["conformance", "run", hub.url, "--service", "First", "--provider", hub.provider, "--json", str(file)]
        words += ["--ca-file", hub.ca_file, *(word for name in select for word in ("--select", name))]
        done = CliRunner().invoke(main, words, env={"NE_SERVICE_KEY": WRONG_KEY})
    assert done.exit_code == exit_code, done.output
    assert ADVICE in done.output.partition("JUDGED" if exit_code == 3 else "NOT CONFORMING")[2]
    report = json.loads(file.read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in report["requirements"]}
    assert rows[select[0]]["verdict"] in {"pass", "fail"}
    assert rows["NE-FWD-001"]["verdict"] == "skip"
    assert ADVICE in rows["NE-FWD-001"]["reason"]
    assert any("provider" in why for why in report["partial"]), "no baseline is made of half a judgement"
    assert WRONG_KEY not in file.read_text(encoding="utf-8") + done.output
