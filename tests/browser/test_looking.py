"""The look itself: it finds nothing wrong with a page in order, and everything with a page in disorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from browser.looking import Looker

IN_ORDER = '<!doctype html><html lang="en"><title>T</title><main><h1>T</h1><p>Text.</p></main></html>'
DISORDERS = {
    '<img src="http://elsewhere.example/x.png" alt="">': "a request to http://elsewhere.example/x.png",
    "<script>console.error('oh')</script>": "error: oh",
    "<script>throw new Error('ah')</script>": "ah",
    '<img src="data:,">': "image-alt",
    '<p style="color: #999; background: #fff">Pale.</p>': "color-contrast",
    '<p style="width: 3000px">Wide.</p>': "pixels wider than the screen",
}


def test_a_page_in_order_has_no_problem(looker: Looker, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(IN_ORDER, encoding="utf-8")
    looker.look([page])
    assert looker.problems == []


def test_every_kind_of_disorder_is_noticed(looker: Looker, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for disorder, problem in DISORDERS.items():
        looker.problems.clear()
        page.write_text(IN_ORDER.replace("</main>", f"{disorder}</main>"), encoding="utf-8")
        looker.look([page])
        assert any(problem in found for found in looker.problems), (disorder, looker.problems)
