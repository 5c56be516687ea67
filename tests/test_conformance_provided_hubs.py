"""What the suite says of a whole hub that it may log in to as a provider: one that differs as it may is clean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import another_hub_provider
import pytest
from another_hub import SERVICE, Ways
from another_hub_counter import KEY, LIMITS, Counter, Line, Manners
from another_hub_provider import another_hub_with_providers
from test_conformance_hubs import with_verdict

from conformance import Settings, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIANTS: dict[str, tuple[Manners, Ways]] = {
    "says-ok-in-a-line-of-its-own": (Manners(greeting=b" OK\r\n", refusal=b""), Ways(http10=True)),
    "hands-a-request-over-once": (Manners(hands_over=True, complete=True), Ways(extra=True, code=1077)),
    "cuts-off-who-is-late": (Manners(cuts_off=True), Ways(statuses=True, code=12)),
    "refuses-at-once-while-nobody-is-there": (Manners(impatient=True, padded=True), Ways(pretty=True)),
    "does-not-see-clients-leave": (Manners(blind=True), Ways(code=-1)),
    "writes-raw-utf-8": (Manners(raw=True), Ways(piece_tokens=1)),
    "pings-with-the-time": (Manners(ping=b'{"ping": "2026-11-26T12:00:00Z", "of": {"hub": "another"}}'), Ways()),
}
BOTH_LEGS = tuple(f"NE-{area}-*" for area in ("LOGIN", "FRAME", "FWD", "PANS", "LOSS", "ANS", "MODELS", "STREAM"))


def judged(folder: Path, manners: Manners, ways: Ways, *select: str) -> dict[str, Any]:
    """The report on a hub that is told of in full."""
    with another_hub_with_providers(folder, manners, ways) as doors:
        told: dict[str, Any] = {"provider": doors.provider, "service_key": KEY, "ca_file": doors.ca_file}
        limits = {name: float(value) for name, value in LIMITS.items()}
        return run(Settings(doors.url, SERVICE, seed=3, timeout=10.0, limits=limits, select=select, **told))


def test_a_hub_from_the_rules_alone_passes_all_of_core(tmp_path: Path) -> None:
    report = judged(tmp_path, Manners(), Ways())
    assert with_verdict(report, "fail", "warn", "error") == {}
    assert report["exit_code"] == 0
    assert report["counts"]["pass"] > 110
    link_rows = ("NE-PANS-", "NE-LOSS-")
    left_out = {row for row in with_verdict(report, "skip") if row.startswith(link_rows)}
    assert left_out == set()


@pytest.mark.parametrize(("manners", "ways"), VARIANTS.values(), ids=VARIANTS)
def test_a_hub_that_differs_as_it_may_is_clean_on_both_legs(tmp_path: Path, manners: Manners, ways: Ways) -> None:
    report = judged(tmp_path, manners, ways, *BOTH_LEGS)
    assert with_verdict(report, "fail", "warn", "error") == {}
    assert report["exit_code"] == 0
    assert {"NE-PANS-001", "NE-PANS-015", "NE-LOSS-002", "NE-LOSS-009"} <= with_verdict(report, "pass").keys()


# -- three bugs, and what finds them


def strips_replies(patch: pytest.MonkeyPatch) -> None:
    right = another_hub_provider.meaning

    def meaning(payload: bytes) -> dict[str, Any]:
        content = right(payload)
        return content | {"reply": content["reply"].strip()}

    patch.setattr(another_hub_provider, "meaning", meaning)


def takes_what_nobody_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Line, "hear_nothing", lambda _: None)


def leaves_a_client_alone(patch: pytest.MonkeyPatch) -> None:
    right = Counter.go
    patch.setattr(Counter, "go", lambda counter, line, _: right(counter, line, None))


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "strips-replies": (strips_replies, "NE-PANS-001"),
    "takes-what-nobody-asked-for": (takes_what_nobody_asked_for, "NE-PANS-017"),
    "leaves-a-client-alone": (leaves_a_client_alone, "NE-LOSS-004"),
}


@pytest.mark.parametrize(("bug", "row"), BUGS.values(), ids=BUGS)
def test_a_bug_that_is_put_into_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None], row: str
) -> None:
    bug(monkeypatch)
    report = judged(tmp_path, Manners(), Ways(), row)
    assert with_verdict(report, "fail", "warn").keys() == {row}, report["requirements"]
    assert with_verdict(report, "error") == {}
