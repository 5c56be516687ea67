"""The requirement catalogue: every row is well-formed, alone in what it says, and no stricter than its basis allows.

Laws: the rows are read from `spec/` by path, as data. A row is judged by checks, cannot be judged, or waits for its
check; how many wait is written here, so that no row becomes or stays pending unnoticed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

REGISTRY = Path(__file__).parents[1] / "spec" / "registry"
REQUIREMENT_FILES = sorted((REGISTRY / "requirements").glob("*.toml"))
PENDING_ROWS = 75
"""Rows of clients and providers, whose checks are not built; those of hubs are counted in `test_traceability.py`."""

ALIKE = 0.7
"""Two texts that share more of their words, in order, say the same."""
KEYWORD = re.compile(r"\b(MUST|SHALL|REQUIRED|SHOULD|RECOMMENDED|MAY|OPTIONAL)\b")
NAMED_LIMIT = re.compile(r"\blimit `([a-z_]+)`(?: \(([0-9,]+)(?: (s|MiB))? (?:by default|at most)\))?")
UNITS = {"": 1, "s": 1, "MiB": 1024 * 1024}


def rows_of(file: Path, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))[table]
    return rows


def area_of(row: dict[str, Any]) -> str:
    return str(row["id"].split("-")[1])


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z0-9_]+", text.casefold())


def ids_where(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [row for file in REQUIREMENT_FILES for row in rows_of(file, "requirement")]


@pytest.fixture(scope="module")
def anchors() -> list[str]:
    return [section["anchor"] for section in rows_of(REGISTRY / "sections.toml", "section")]


@pytest.mark.parametrize("name", ["requirements", "sections"])
def test_the_registry_schema_is_valid_and_describes_and_closes_every_object(name: str) -> None:
    schema = json.loads((REGISTRY / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert part["description"]
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
        for field, rule in part.get("properties", {}).items():
            assert rule.get("description"), field


@pytest.mark.parametrize(
    ("file", "name"),
    [(REGISTRY / "sections.toml", "sections"), *((file, "requirements") for file in REQUIREMENT_FILES)],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_a_file_is_valid_against_its_schema_and_says_what_it_holds(file: Path, name: str) -> None:
    schema = json.loads((REGISTRY / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    text = file.read_text(encoding="utf-8")
    validator = Draft202012Validator(schema)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(tomllib.loads(text))] == []
    assert text.startswith("# ")


def test_ids_are_unique_and_an_area_lives_in_one_file_in_order() -> None:
    files_of_area: dict[str, set[str]] = defaultdict(set)
    seen: list[str] = []
    for file in REQUIREMENT_FILES:
        numbers: dict[str, list[str]] = defaultdict(list)
        areas: list[str] = []
        for row in rows_of(file, "requirement"):
            area = area_of(row)
            files_of_area[area].add(file.name)
            numbers[area].append(row["id"])
            if area not in areas[-1:]:
                areas.append(area)
        assert len(areas) == len(set(areas)), f"{file.name} interleaves its areas: {areas}"
        for ids in numbers.values():
            assert ids == sorted(ids)
            seen += ids
    assert [name for name, count in Counter(seen).items() if count > 1] == []
    assert {area: files for area, files in files_of_area.items() if len(files) > 1} == {}


def test_every_section_is_used_and_every_used_section_exists(rows: list[dict[str, Any]], anchors: list[str]) -> None:
    assert len(anchors) == len(set(anchors))
    assert {row["section"] for row in rows} == set(anchors)


def test_a_sentence_binds_its_role_with_its_level_as_the_only_keyword(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["sentence"].startswith(f"The {row['role']} {row['level']} "), row["id"]
        assert KEYWORD.findall(row["sentence"]) == [row["level"]], row["id"]


def test_no_two_rows_say_the_same(rows: list[dict[str, Any]]) -> None:
    sentences = Counter(re.sub(r"\W+", " ", row["sentence"]).casefold() for row in rows)
    titles = Counter((area_of(row), row["title"].casefold()) for row in rows)
    assert [sentence for sentence, count in sentences.items() if count > 1] == []
    assert [title for title, count in titles.items() if count > 1] == []


def test_every_rule_of_a_hub_that_can_be_judged_says_how(rows: list[dict[str, Any]]) -> None:
    hub = [row for row in rows if row["role"] == "hub"]
    assert ids_where([row for row in hub if ("method" in row) == ("untestable" in row)]) == []
    assert ids_where([row for row in rows if row["role"] != "hub" and {"method", "mend"} & row.keys()]) == []


def test_every_rule_of_a_hub_but_a_permission_says_how_to_mend_one_that_breaks_it(rows: list[dict[str, Any]]) -> None:
    hub = [row for row in rows if row["role"] == "hub"]
    assert ids_where([row for row in hub if ("mend" in row) == (row["level"] == "MAY")]) == []


def test_how_a_rule_is_judged_and_mended_is_no_copy_of_the_rule_or_of_another(rows: list[dict[str, Any]]) -> None:
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in (row for row in rows if row["role"] == "hub"):
        rule = words_of(row["sentence"])
        for part in ("method", "mend"):
            if part in row:
                words = words_of(row[part])
                texts[area_of(row), part].append(" ".join(words))
                assert 4 <= len(words) <= 50, row["id"]
                assert SequenceMatcher(None, words, rule).ratio() < ALIKE, row["id"]
    assert [text for found in texts.values() for text, count in Counter(found).items() if count > 1] == []


def test_what_mends_a_hub_is_said_to_the_person_who_writes_it(rows: list[dict[str, Any]]) -> None:
    """In the imperative: no keyword of the rules, nothing about the hub's conforming, no filler."""
    for row in (row for row in rows if "mend" in row):
        assert KEYWORD.findall(row["mend"]) == [], row["id"]
        assert not re.match(r"(The|A|Make sure|Ensure|Be sure|Please|You)\b", row["mend"]), row["id"]


def test_a_core_must_on_the_hubs_http_side_is_documented(rows: list[dict[str, Any]]) -> None:
    link = set(ids_where(rows_of(REGISTRY / "requirements" / "link.toml", "requirement")))
    musts = [row for row in rows if (row["role"], row["profile"], row["level"]) == ("hub", "core", "MUST")]
    http_side = [row for row in musts if row["id"] not in link]
    assert http_side
    assert ids_where([row for row in http_side if row["basis"] != "documented"]) == []


def test_a_core_must_on_the_provider_link_is_relied_on_and_judged_by_a_provider() -> None:
    rows = rows_of(REGISTRY / "requirements" / "link.toml", "requirement")
    musts = [row for row in rows if (row["profile"], row["level"]) == ("core", "MUST")]
    assert musts
    assert ids_where([row for row in musts if row["basis"] == "decided" or "provider" not in row["needs"]]) == []
    assert {row["role"] for row in rows} == {"hub"}


def test_what_extended_asks_of_a_hub_is_a_must(rows: list[dict[str, Any]]) -> None:
    extended = [row for row in rows if row["role"] == "hub" and row["profile"] == "extended"]
    assert extended
    assert ids_where([row for row in extended if row["level"] != "MUST"]) == []


def test_every_role_and_level_and_profile_and_basis_has_rows(rows: list[dict[str, Any]]) -> None:
    assert {(row["role"], row["level"]) for row in rows} >= {
        (role, level) for role in ("hub", "client", "provider") for level in ("MUST", "SHOULD")
    }
    assert {(row["role"], row["profile"]) for row in rows} == {
        (role, profile) for role in ("hub", "client", "provider") for profile in ("core", "extended")
    }
    assert {row["basis"] for row in rows} == {"documented", "deployed", "decided"}


def test_only_rows_about_the_hub_say_what_a_judge_of_a_hub_needs(rows: list[dict[str, Any]]) -> None:
    assert ids_where([row for row in rows if "needs" in row and (row["role"] != "hub" or "untestable" in row)]) == []


def test_a_row_has_checks_or_a_reason_or_a_plan(rows: list[dict[str, Any]]) -> None:
    ways = ("checks", "untestable", "pending")
    assert ids_where([row for row in rows if sum(way in row for way in ways) != 1]) == []


def test_every_error_code_has_its_row_of_the_same_number(rows: list[dict[str, Any]]) -> None:
    errors = [error for error in rows_of(REGISTRY / "errors.toml", "error") if error["code"] != 0]
    codes = {row["id"]: row["sentence"] for row in rows if area_of(row) == "CODE"}
    assert set(codes) == {f"NE-CODE-{error['code']:03d}" for error in errors}
    for error in errors:
        assert f"`errorcode` {error['code']} ({error['name']})" in codes[f"NE-CODE-{error['code']:03d}"]


def test_every_limit_that_a_sentence_names_exists_and_has_the_default_it_states(rows: list[dict[str, Any]]) -> None:
    defaults = {limit["name"]: limit["value"] for limit in rows_of(REGISTRY / "limits.toml", "limit")}
    named = [(row["id"], match) for row in rows for match in NAMED_LIMIT.findall(row["sentence"])]
    stated = [(row, name, int(figure.replace(",", "")) * UNITS[unit]) for row, (name, figure, unit) in named if figure]
    assert [(row, name) for row, (name, _, _) in named if name not in defaults] == []
    assert [(row, name, value) for row, name, value in stated if value != defaults[name]] == []
    assert len(stated) > len(named) / 2


def test_the_codes_that_a_client_repeats_and_does_not_repeat_are_those_of_the_registry(
    rows: list[dict[str, Any]],
) -> None:
    errors = [error for error in rows_of(REGISTRY / "errors.toml", "error") if error["code"] != 0]
    sentences = {row["title"]: row["sentence"] for row in rows if area_of(row) == "CLI"}
    for title, retried in (("Retries what may succeed", True), ("Never retries the hopeless", False)):
        listed = re.search(r"\(([0-9, ]+)\)", sentences[title])
        assert listed is not None
        codes = [error["code"] for error in errors if (error["retry"] != "no") is retried]
        assert [int(code) for code in listed[1].split(",")] == codes


def test_the_number_of_rows_of_clients_and_providers_that_wait_for_their_check_is_known(
    rows: list[dict[str, Any]],
) -> None:
    assert len([row for row in rows if "pending" in row and row["role"] != "hub"]) == PENDING_ROWS
