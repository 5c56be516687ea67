"""The conformance report as HTML, in a browser: one file that asks for nothing more, and that all can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from looking import NARROW, WIDE

from conformance import Settings, run
from conformance.reports.html import html
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from pathlib import Path

    from looking import Looker, Scheme

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a hub that breaks a requirement."""
    with embedded_hub("unknown_service_is_empty") as told_of:
        found = run(Settings(profile="extended", select=("NE-ERR-*", "NE-HTTP-*", "NE-ANS-*"), seed=7, **told_of))
    assert found["counts"]["fail"]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(found), encoding="utf-8")
    return path


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)])
def test_a_report_asks_no_host_complains_of_nothing_and_is_accessible(
    looker: Looker, report: Path, scheme: Scheme, size: tuple[int, int]
) -> None:
    page = looker.open(report, scheme=scheme, size=size)
    looker.judge(page, "the report")
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    looker.judge(page, "the report, all open")
    assert looker.problems == []
