"""What the suite says of whole hubs: a right one is clean, one that differs is clean, none is a gift."""

from __future__ import annotations

import os
import socket
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from conformance import Settings, catalogue, run
from conformance.selftest.another.hub import SERVICE, Certificate, Ways, another_hub
from conformance.selftest.null_hubs import NULL_HUBS, null_hub, null_hubs
from conformance.selftest.variants import VARIANTS, variants
from mockserver import MockHub
from neuroengine.cli.conformance.embedded import embedded_hub, hurried_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = int(os.environ.get("NE_SEEDS", "2"))
"""How many seeds the right hub is judged with; the variable asks for more. The first one is that of the hub in full."""
SERVICES = {"First": "KEY1", "Second": "KEY2"}


def with_verdict(report: dict[str, Any], *verdicts: str) -> dict[str, str]:
    """The requirements with these verdicts, and what is to be said about them."""
    found = [entry for entry in report["requirements"] if entry["verdict"] in verdicts]
    return {entry["id"]: entry["reason"] or str([breach["actual"] for breach in entry["breaches"]]) for entry in found}


@pytest.fixture(scope="module")
def hurried() -> Iterator[dict[str, Any]]:
    with hurried_hub() as told:
        yield told


@pytest.mark.parametrize("seed", range(1, SEEDS))
def test_a_right_hub_is_clean_whatever_the_seed(hurried: dict[str, Any], seed: int) -> None:
    report = run(Settings(profile="extended", seed=seed, timeout=10.0, **hurried))
    assert with_verdict(report, "fail", "warn", "error") == {}
    assert report["exit_code"] == 0


def test_nothing_with_a_check_is_skipped_on_a_right_hub_that_is_told_of() -> None:
    with embedded_hub() as told:
        report = run(Settings(profile="extended", seed=0, timeout=10.0, **told))
    assert with_verdict(report, "fail", "warn", "error") == {}
    checked = {entry["id"] for entry in report["requirements"] if entry["checks"]["expected"]}
    assert checked & with_verdict(report, "skip").keys() == set()
    assert with_verdict(report, "pass").keys() == checked


def test_a_hub_that_forgets_a_finished_stream_is_warned_of_that_alone() -> None:
    with another_hub(Ways(forgets=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-STREAM-*",), seed=1))
    assert with_verdict(report, "fail", "warn", "error").keys() == {"NE-STREAM-017"}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_hub_that_differs_as_it_may_is_clean_in_what_its_difference_touches(
    name: str, certificate: Certificate
) -> None:
    (variant,) = (hub for hub in variants(certificate) if hub.name == name)
    with variant.open() as told:
        report = run(Settings(**{"seed": 3, "timeout": 10.0} | variant.settings(whole=False) | told))
    assert variant.objection(report) == ""
    assert report["exit_code"] == 0
    for pattern in variant.touches or ("NE-*",):
        assert any(fnmatchcase(passed, pattern) for passed in with_verdict(report, "pass")), pattern
    if not variant.touches:
        assert report["counts"]["pass"] > (110 if "provider" in told else 60)
    if not variant.touches and "provider" in told:
        of_its_port = {row.id for row in catalogue().values() if row.role == "hub" and row.area in {"PANS", "LOSS"}}
        assert of_its_port - with_verdict(report, "pass").keys() == set(), with_verdict(report, "skip")


def test_texts_are_not_compared_where_the_model_rolls_dice() -> None:
    with another_hub(Ways(by_chance=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-STREAM-001", "NE-STREAM-002"), timeout=10.0))
    assert "does not repeat itself" in with_verdict(report, "skip")["NE-STREAM-001"]
    assert list(with_verdict(report, "pass")) == ["NE-STREAM-002"]


@pytest.mark.parametrize("name", NULL_HUBS)
def test_a_hub_that_serves_nobody_earns_no_pass(name: str) -> None:
    (null,) = (hub for hub in null_hubs() if hub.name == name)
    with null.open() as told:
        report = run(Settings(**null.settings(whole=True) | told))
    assert null.objection(report) == ""
    assert report["exit_code"] in {1, 3}


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

        def expect(self, told: str) -> None:
            """Not of a hub as quick as this one."""

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
    assert any(reason.startswith("not reached: ") for reason in with_verdict(report, "skip").values())
