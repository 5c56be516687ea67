"""Every page of the documentation in a browser: it asks no other host, complains of nothing, and can be used by all."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from browser.looking import NARROW, WIDE
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from docs_site import Site

    from browser.looking import Looker, Scheme

pytestmark = pytest.mark.timeout(900)  # some seventy pages, each three times
ERRORS = spec.errors()
ALIKE = ("errors/", "guides/", "start/", "reference/python/")
"""Folders whose pages are of one kind."""


def test_every_page_asks_no_other_host_complains_of_nothing_and_is_accessible(
    site: Site, address: str, looker: Looker
) -> None:
    looker.look(address + path.removesuffix("index.html") for path in site.pages)
    assert looker.problems == []


@pytest.mark.parametrize(("scheme", "size"), [("dark", WIDE), ("light", NARROW), ("dark", NARROW)])
def test_every_kind_of_page_is_accessible_in_the_dark_and_on_a_narrow_screen(
    site: Site, address: str, looker: Looker, scheme: Scheme, size: tuple[int, int]
) -> None:
    paths = list(of_every_kind(site.pages))
    assert len(paths) > 15
    looker.look((address + path.removesuffix("index.html") for path in paths), scheme=scheme, size=size)
    assert looker.problems == []


def of_every_kind(paths: Iterable[str]) -> Iterator[str]:
    """The pages, of folders whose pages are alike two alone."""
    seen: Counter[str] = Counter()
    for path in paths:
        alike = next((folder for folder in ALIKE if path.startswith(folder)), path)
        seen[alike] += 1
        if seen[alike] <= 2:
            yield path


def test_every_diagram_is_drawn(site: Site, address: str, looker: Looker) -> None:
    for path in site.pages:
        source = (site.folder / path).read_text(encoding="utf-8").count('<pre class="mermaid">')
        if source:
            page = looker.open(address + path.removesuffix("index.html"))
            page.wait_for_function("!document.querySelector('pre.mermaid')")
            heights = page.eval_on_selector_all("div.mermaid", "all => all.map(one => one.offsetHeight)")
            assert len(heights) == source
            assert min(heights) > 100, path
    assert looker.problems == []


def test_no_table_of_fields_or_rules_is_wider_than_a_narrow_screen(site: Site, address: str, looker: Looker) -> None:
    page = looker.open(address, size=NARROW)
    for path in site.pages:
        if re.search(r'class="(fields|requirements|limits|wrong-hubs)"', (site.folder / path).read_text("utf-8")):
            page.goto(address + path.removesuffix("index.html"), wait_until="networkidle")
            wide = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 80))"
            frames = ":is(.fields, .requirements, .limits, .wrong-hubs) .md-typeset__scrollwrap"
            assert page.eval_on_selector_all(frames, "all => all.length"), path
            assert page.eval_on_selector_all(frames, wide) == [], path


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row["name"])
def test_the_search_finds_an_error_by_its_name_and_by_its_code(
    looker: Looker, address: str, row: dict[str, Any]
) -> None:
    page = looker.open(address)
    for words in (row["name"], f"error {row['code']}", f"errorcode {row['code']}", str(row["code"])):
        page.goto(f"{address}?q={words}")
        first = page.locator(".md-search-result__link").first
        first.wait_for(state="attached")
        found = (first.get_attribute("href") or "").partition("?")[0].partition("#")[0]
        assert found == f"{address}errors/{row['name']}/", words
    assert looker.problems == []


def test_choosing_above_the_requirements_leaves_the_rows_that_were_chosen(looker: Looker, address: str) -> None:
    page = looker.open(f"{address}specification/requirements/")
    page.get_by_label("Level").select_option("MUST")
    page.get_by_label("Profile").select_option("core")
    page.get_by_label("Binds").select_option("provider")
    wanted = {
        row["id"]
        for row in spec.requirements()
        if (row["level"], row["profile"], row["role"]) == ("MUST", "core", "provider")
    }
    assert set(page.locator("a.requirement:visible").all_inner_texts()) == wanted
    assert page.locator("#requirement-filter output").inner_text().startswith(f"{len(wanted)} of ")
    looker.judge(page, "requirements, chosen")
    assert looker.problems == []


def test_the_version_selector_shows_the_revision(looker: Looker, address: str) -> None:
    page = looker.open(f"{address}errors/ok/")
    assert page.locator(".md-version__current").inner_text().strip() == spec.revision()
    assert looker.problems == []
