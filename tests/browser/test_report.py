"""The conformance report in a browser: it asks nobody, complains of nothing, and can be read and used by all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from browser.looking import NARROW, WIDE
from conformance import Settings, run
from conformance.reports.html import html
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from pathlib import Path

    from browser.looking import Looker, Scheme

SELECTED = ("NE-STREAM-02*", "NE-FWD-00[1-3]", "NE-REQ-00*")
BROKEN = "NE-STREAM-023"


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    """A judgement with a breach that is repeated by a script, passes, and rows that were not judged."""
    with embedded_hub("racers_share") as told:
        return run(Settings(profile="extended", select=SELECTED, seed=1, timeout=10.0, **told))


@pytest.fixture(scope="session")
def file(report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(report), encoding="utf-8")
    return path


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_in_order(looker: Looker, file: Path, scheme: Scheme, size: tuple[int, int]) -> None:
    page = looker.open(file, scheme=scheme, size=size)
    looker.judge(page, f"as it opens, {scheme}")
    page.get_by_role("button", name="Open all").click()
    looker.judge(page, f"all open, {scheme}")
    assert looker.problems == []


def test_what_is_broken_is_open_and_the_rest_is_folded(looker: Looker, file: Path, report: dict[str, Any]) -> None:
    page = looker.open(file)
    opened = page.eval_on_selector_all(".requirement[open]", "all => all.map(one => one.id)")
    assert opened == [BROKEN]
    assert page.locator(".requirement").count() == len(report["requirements"])


def test_rows_are_found_by_words_and_by_verdict(looker: Looker, file: Path, report: dict[str, Any]) -> None:
    page = looker.open(file)
    page.get_by_label("Find").fill("racing")
    assert page.locator(".requirement:visible").evaluate_all("all => all.map(one => one.id)") == [BROKEN]
    page.get_by_label("Find").fill("")
    for verdict in ("fail", "warn", "skip", "error"):
        page.get_by_label(verdict, exact=True).uncheck()
    assert page.locator(".requirement:visible").count() == report["counts"]["pass"]
    assert page.locator("#shown").inner_text() == f"{report['counts']['pass']} of {len(report['requirements'])} shown"


def test_a_link_to_a_row_opens_it(looker: Looker, file: Path) -> None:
    page = looker.open(f"{file.as_uri()}#NE-REQ-001")
    assert page.locator("#NE-REQ-001 .sentence").is_visible()


def test_the_report_can_be_used_by_keyboard_alone(looker: Looker, file: Path) -> None:
    page = looker.open(file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Skip to the requirements")
    page.locator("#NE-REQ-001 > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#NE-REQ-001 .sentence").is_visible()


def test_what_repeats_a_breach_is_copied_whole(looker: Looker, file: Path, report: dict[str, Any]) -> None:
    breach, *_ = (b for row in report["requirements"] if row["id"] == BROKEN for b in row["breaches"])
    page = looker.open(file)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"#{BROKEN} button.copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == breach["reproduce"]
