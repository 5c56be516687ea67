"""What the suite says of whole hubs: a right one is clean, one that differs is clean, none is a gift."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from another_hub import SERVICE, Ways, another_hub
from null_hubs import NULL_HUBS, null_hub

from conformance import Settings, run
from mockserver import MockHub
from neuroengine import spec
from neuroengine.cli.conformance.embedded import LIMITS, embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = int(os.environ.get("NE_SEEDS", "5"))
"""How many seeds the right hub is judged with; the variable asks for more."""
SERVICES = {"First": "KEY1", "Second": "KEY2"}
TOLD = {row["name"]: float(row["value"]) for row in spec.limits() if row["scope"] == "hub"}
VARIANTS = {
    "from-the-documentation": Ways(),
    "statuses-and-codes-of-its-own": Ways(statuses=True, code=1077),
    "pretty-printed-chunked-after-blanks": Ways(pretty=True),
    "a-model-of-chance": Ways(by_chance=True),
    "pieces-of-one-token": Ways(piece_tokens=1),
    "members-of-its-own": Ways(extra=True),
    "short-replies": Ways(most_tokens=12),
    "not-ready-at-first": Ways(late=True),
    "a-connection-each": Ways(http10=True),
    "below-a-path": Ways(prefix="/llm/hub"),
}


def with_verdict(report: dict[str, Any], *verdicts: str) -> dict[str, str]:
    """The requirements with these verdicts, and what is to be said about them."""
    found = [entry for entry in report["requirements"] if entry["verdict"] in verdicts]
    return {entry["id"]: entry["reason"] or str([breach["actual"] for breach in entry["breaches"]]) for entry in found}


@pytest.fixture(scope="module")
def right_hub() -> Iterator[dict[str, Any]]:
    with embedded_hub() as told:
        yield told


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_right_hub_is_clean_whatever_the_seed(right_hub: dict[str, Any], seed: int) -> None:
    quick = {name: value for name, value in right_hub["limits"].items() if name not in LIMITS}  # nothing waits for one
    report = run(Settings(profile="extended", seed=seed, timeout=10.0, **right_hub | {"limits": quick}))
    assert with_verdict(report, "fail", "warn", "error") == {}
    assert report["exit_code"] == 0


def test_nothing_with_a_check_is_skipped_on_a_right_hub_that_is_told_of(right_hub: dict[str, Any]) -> None:
    report = run(Settings(profile="extended", timeout=10.0, **right_hub))
    assert with_verdict(report, "fail", "warn", "error") == {}
    checked = {entry["id"] for entry in report["requirements"] if entry["checks"]["expected"]}
    assert checked & with_verdict(report, "skip").keys() == set()
    assert with_verdict(report, "pass").keys() == checked


def test_a_hub_that_forgets_a_finished_stream_is_warned_of_that_alone() -> None:
    with another_hub(Ways(forgets=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-STREAM-*",), seed=1))
    assert with_verdict(report, "fail", "warn", "error").keys() == {"NE-STREAM-017"}


@pytest.mark.parametrize("ways", VARIANTS.values(), ids=VARIANTS)
def test_a_hub_that_differs_as_it_may_is_clean(ways: Ways) -> None:
    with another_hub(ways) as url:
        report = run(Settings(url + ways.prefix, SERVICE, seed=3, timeout=10.0, limits={"http_body_bytes": 64 * 1024}))
    assert with_verdict(report, "fail", "warn", "error") == {}
    assert report["exit_code"] == 0
    assert report["counts"]["pass"] > 60


def test_texts_are_not_compared_where_the_model_rolls_dice() -> None:
    with another_hub(Ways(by_chance=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-STREAM-001", "NE-STREAM-002"), timeout=10.0))
    assert "does not repeat itself" in with_verdict(report, "skip")["NE-STREAM-001"]
    assert list(with_verdict(report, "pass")) == ["NE-STREAM-002"]


@pytest.mark.parametrize("name", NULL_HUBS)
def test_a_hub_that_serves_nobody_earns_no_pass(name: str) -> None:
    with null_hub(name) as hub:
        report = run(Settings(hub.url, "First", profile="extended", timeout=0.3, limits=TOLD))
    assert with_verdict(report, "pass") == {}
    assert report["exit_code"] in {1, 3}
    assert report["conforms"] is False


@pytest.mark.parametrize("name", ["hang", "trickle", "trickle-body", "reset", "no-http"])
def test_a_hub_that_stops_answering_ends_the_run_soon(name: str) -> None:
    with null_hub(name) as hub:
        report = run(Settings(hub.url, "First", timeout=0.3))
    assert report["requests"] == 5
    assert "5 times in a row" in report["stopped"]
    assert report["exit_code"] == 3


def test_a_closed_port_ends_the_run_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = run(Settings(f"http://127.0.0.1:{port}", "First"))
    assert (report["requests"], report["exit_code"]) == (1, 3)
    assert "could not be reached" in report["stopped"]
    assert with_verdict(report, "pass", "fail", "warn") == {}


def test_an_unknown_service_is_told_with_the_names_that_the_hub_has() -> None:
    with MockHub(services=SERVICES, tls=False) as hub:
        report = run(Settings(hub.url, "Frist"))
    assert report["exit_code"] == 3
    assert "'Frist' answers no request" in report["stopped"]
    assert "First, Second" in report["stopped"]


def test_a_hub_that_is_gone_in_the_middle_leaves_a_report() -> None:
    class Leaving:
        """Stops the hub as soon as one check is done."""

        def begin(self, checks: object) -> None:
            """Nothing yet."""

        def note(self, record: dict[str, Any]) -> None:
            if record["requirement"] == "NE-HTTP-001":
                hub.stop()

        def end(self) -> None:
            """Nothing more."""

    hub = MockHub(services=SERVICES, tls=False)
    with hub:
        report = run(Settings(hub.url, "First", select=("NE-HTTP-*", "NE-REQ-*"), timeout=2.0), Leaving())
    assert list(with_verdict(report, "pass"))[:1] == ["NE-HTTP-001"]
    assert "5 times in a row" in report["stopped"]
    assert report["exit_code"] == 3
    assert report["counts"]["error"] > 0
