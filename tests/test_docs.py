"""The built documentation holds all of the spec and nothing beside it, and all that it points to is there."""

from __future__ import annotations

import json
import os
import re
import tomllib
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from docs_site import PREFIX, ROOT, Page, Row, Site, built

from conformance import catalogue
from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine._generated.registry import BASE_URL
from neuroengine.errors import HUB_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = {
    "schemas/client.schema.json": "specification/client/",
    "schemas/provider.schema.json": "specification/provider/",
    "reports/conformance.schema.json": "reference/report/",
    "reports/expected.schema.json": "reference/expected/",
    "mock/config.schema.json": "reference/config/",
    "mock/rules.schema.json": "reference/rules/",
    "mock/admin.schema.json": "reference/admin/",
}
REQUIREMENTS = "specification/requirements/"
PUBLIC = ("neuroengine", "mockserver", "mockserver.rules", "mockserver.journal", "mockserver.faults", "conformance")
VALUES = {"ABSENT", "PRESENT", "DEFAULT_ENTRIES", "FAULTS", "__version__", "fault"}
"""Public names that are plain values or explained with others."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    base = tmp_path_factory.getbasetemp()
    return built(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


def fields(definition: dict[str, Any], outer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields of an object, and those of objects inside it."""
    for name, schema in definition.get("properties", {}).items():
        yield f"{outer}{name}", schema
        yield from fields(schema.get("items", schema), f"{outer}{name}.")


def definitions(path: str) -> dict[str, Any]:
    """The definitions of a schema, and the file itself where it is an object."""
    schema = spec.read_json(path)
    whole = {schema["title"].title().replace(" ", ""): schema} if "properties" in schema else {}
    return {**whole, **schema["$defs"]}


def entries(page: Page, pattern: str) -> dict[str, Row]:
    """The rows that carry an anchor of that form, by it."""
    return {anchor: row for row in page.rows for anchor in row.anchors if re.fullmatch(pattern, anchor)}


def plain(markdown: str) -> str:
    """A sentence of the spec as a page shows it."""
    return " ".join(markdown.replace("`", "").split())


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_field_has_a_row_and_every_row_a_field(site: Site, path: str) -> None:
    known = {
        f"{name}.{field}": schema
        for name, definition in definitions(path).items()
        for field, schema in fields(definition)
    }
    rows = entries(site.page(SCHEMAS[path]), r"\w+\..+")
    assert rows.keys() == known.keys()
    for anchor, schema in known.items():
        assert plain(schema.get("description", "")) in rows[anchor].cells[3]
        if "default" in schema:
            assert rows[anchor].cells[2] == json.dumps(schema["default"])


def test_every_schema_of_messages_and_files_has_a_page() -> None:
    known = {path for path in spec.paths() if path.endswith(".schema.json") and not path.startswith("registry/")}
    assert known == SCHEMAS.keys()


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_definition_has_a_section(site: Site, path: str) -> None:
    assert definitions(path).keys() <= site.page(SCHEMAS[path]).anchors


def test_a_field_says_its_range_its_examples_and_the_rules_that_bind_it(site: Site) -> None:
    row = entries(site.page("specification/client/"), r"GenerateRequest\..+")["GenerateRequest.top_p"]
    assert row.cells[1].startswith("number, 0 to 1")
    assert "Examples: 0.9, 0, 1" in row.cells[3]
    assert "NE-REQ-010" in row.cells[3]


def test_every_requirement_has_a_row_with_all_that_is_known_of_it_and_every_row_a_requirement(site: Site) -> None:
    rows = entries(site.page(REQUIREMENTS), r"NE-.*")
    assert rows.keys() == catalogue().keys()
    for row in catalogue().values():
        name, level, rule = rows[row.id].cells
        assert name == f"{row.id} {plain(row.title)}"
        assert level.split() == [row.level, row.profile, row.basis, "binds", "the", row.role]
        hubs = sorted(hub.name for hub in WRONG_HUBS.values() if hub.breaks == row.id)
        for text in (plain(row.sentence), *row.checks, *hubs, plain(row.pending), plain(row.untestable)):
            assert text in rule


def test_every_section_stands_under_its_anchor(site: Site) -> None:
    assert {section["anchor"] for section in spec.sections()} <= site.page(REQUIREMENTS).anchors


def test_every_limit_has_a_row_and_every_row_a_limit(site: Site) -> None:
    rows = entries(site.page("specification/limits/"), r"[a-z_]+_[a-z]+")
    limits = {row["name"]: row for row in spec.limits()}
    assert {name for name in rows if not name.startswith("__")} == limits.keys()
    for name, limit in limits.items():
        assert rows[name].cells[1].startswith(f"{limit['value']:,} {limit['unit']}")
        assert rows[name].cells[2] == plain(limit["why"])


def test_every_error_has_a_page_and_every_page_an_error(site: Site) -> None:
    pages = {path.split("/")[1] for path in site.pages if re.fullmatch(r"errors/\w+/index\.html", path)}
    assert pages == {row["name"] for row in spec.errors()}
    listed = {row.cells[1] for row in site.page("errors/").rows[1:]}
    assert listed == pages


@pytest.mark.parametrize("row", spec.errors(), ids=lambda row: row["name"])
def test_the_page_of_an_error_says_when_why_what_to_do_and_shows_an_exchange(site: Site, row: dict[str, Any]) -> None:
    page = site.page(f"errors/{row['name']}/")
    assert f"{row['code']} {row['name']}" in page.title
    for text in (row["when"], row["cause"], row["fix"]):
        assert plain(text) in page.text
    assert f'"errorcode": {row["code"]}' in page.text


def test_the_address_that_an_error_of_the_client_carries_is_its_page(site: Site) -> None:
    for code, error in HUB_ERRORS.items():
        path = urlsplit(error.doc_url).path.removeprefix(f"/{PREFIX}/")
        assert f"{code} " in site.page(path).title


def test_every_transition_of_every_machine_has_a_row(site: Site) -> None:
    rows = [row.cells for row in site.page("specification/machines/").rows if len(row.cells) == 4]
    for machine in spec.machines():
        for transition in machine["transition"]:
            assert [", ".join(transition["from"]), transition["event"], transition["to"]] in [row[:3] for row in rows]


def test_every_wrong_hub_has_a_row_and_every_row_a_wrong_hub(site: Site) -> None:
    rows = [row for row in site.page("reference/wrong-hubs/").rows if row.anchors]
    assert {row.cells[0]: row.cells[2] for row in rows} == {hub.name: hub.breaks for hub in WRONG_HUBS.values()}


def test_every_file_of_the_spec_stands_where_its_id_says_and_is_the_same_file(site: Site) -> None:
    page = site.page("specification/downloads/")
    linked = {link.removeprefix("../../") for tag, link in page.links if tag == "a"}
    for path in spec.paths():
        if not path.endswith((".json", ".toml")):
            continue
        content = spec.read_json(path) if path.endswith(".json") else {}
        place = content.get("$id", BASE_URL + path).removeprefix(BASE_URL)
        assert place in linked
        assert (site.folder / place).read_text(encoding="utf-8") == spec.read_text(path)


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    assert [problem for path in site.pages for problem in site.broken(path)] == []


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_explained(site: Site, package: str) -> None:
    anchors = {anchor for path, page in site.pages.items() if path.startswith("reference/") for anchor in page.anchors}
    names = set(import_module(package).__all__) - VALUES
    assert {name for name in names if f"{package}.{name}" not in anchors} == set()


def test_every_page_has_a_twin_in_markdown_and_the_list_names_exactly_those(site: Site) -> None:
    pages = {path for path in site.pages if path.endswith("index.html")}
    twins = {path.relative_to(site.folder).as_posix() for path in site.folder.rglob("index.md")}
    assert {path.removesuffix("html") for path in pages} == {path.removesuffix("md") for path in twins}
    listed = re.findall(r"\]\((\S+)\): \S", (site.folder / "llms.txt").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(BASE_URL + twin for twin in twins)


def test_a_twin_holds_the_page_and_no_markup_of_the_site(site: Site) -> None:
    for path in site.folder.rglob("index.md"):
        text = re.sub(
            r"^ *```.*?^ *```|`[^`\n]+`", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        assert text.startswith("# ")
        assert re.findall(r"</?(?:div|small|form|script)\b|\{ [#.]|--8<--|^::: ", text, re.MULTILINE) == [], path
    requirements = (site.folder / REQUIREMENTS / "index.md").read_text(encoding="utf-8")
    assert all(f"| {row.id} " in requirements and row.sentence in requirements for row in catalogue().values())
    client = (site.folder / "reference/python/client/index.md").read_text(encoding="utf-8")
    assert "class Client(service: str | None = None, *," in client


def test_the_version_selector_knows_the_revision_and_the_root_leads_to_it(site: Site) -> None:
    versions = json.loads((site.folder.parent / "versions.json").read_text(encoding="utf-8"))
    assert [version["version"] for version in versions] == [spec.revision()]
    assert f"url=/{PREFIX}/" in (site.root / "index.html").read_text(encoding="utf-8")


def test_vendored_programs_are_the_recorded_ones_and_their_licences_stand_beside_them() -> None:
    folder = ROOT / "docs" / "assets" / "vendor"
    recorded = tomllib.loads((folder / "vendored.toml").read_text(encoding="utf-8"))["file"]
    assert {entry["path"] for entry in recorded} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.js")
    }
    for entry in recorded:
        path = Path(folder, entry["path"])
        assert sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert entry["licence"] in path.with_name("LICENSE").read_text(encoding="utf-8")
