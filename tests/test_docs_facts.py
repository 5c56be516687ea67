"""What the guides say of names and ids is so: each table that repeats a list of the code or the spec is compared."""

from __future__ import annotations

import re

import pytest
from doc_blocks import DOCS, ROOT, hand_written

from mockserver.faults import FAULTS
from mockserver.rules.rule import Grammar
from mockserver.wrong import WRONG_HUBS
from neuroengine import ProviderState, Retry, Timeouts, errors, spec
from neuroengine.backends import FORMS

PAGES = {page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in hand_written()}
LIMITS = {limit["name"] for limit in spec.read_toml("registry/limits.toml")["limit"]}
ERRORS = {error["name"] for error in spec.read_toml("registry/errors.toml")["error"]}


def first_cells(page: str, heading: str) -> list[str]:
    """The code in the first column of the first table after a heading."""
    table = PAGES[page].split(heading, 1)[1].split("\n|---", 1)[1].split("\n\n", 1)[0]
    return [match[1] for match in re.finditer(r"^\| `([^`]+)`", table, re.MULTILINE)]


def test_the_states_of_a_provider_are_those_of_the_spec() -> None:
    assert first_cells("guides/provider.md", "## States") == [state.value for state in ProviderState]


def test_the_backends_are_those_that_there_are() -> None:
    assert sorted(first_cells("guides/provider.md", "## Without a program of your own")) == sorted(FORMS)


def test_the_errors_of_the_client_exist() -> None:
    for name in first_cells("guides/client.md", "## Errors"):
        assert issubclass(getattr(errors, name), errors.NeuroengineError)


def test_the_time_limits_and_retries_exist() -> None:
    named = re.findall(
        r"`(?:(Timeouts|Retry)\.)?(\w+)`", PAGES["guides/client.md"].split("## Time limits", 1)[1].split("##", 1)[0]
    )
    settings = {"Timeouts": Timeouts.__slots__, "Retry": Retry.__slots__}
    assert named
    for kind, name in named:
        assert not kind or name in settings[kind]
    assert {name for kind, name in named if kind == "Timeouts"} == set(Timeouts.__slots__)


def test_the_verbs_of_a_rule_exist() -> None:
    verbs = re.findall(r"`\.(\w+)\(", PAGES["guides/mock-hub.md"].split("## What it answers", 1)[1].split("###", 1)[0])
    own = {name for name in vars(Grammar) if not name.startswith("_")} - {"sequence"}
    assert set(verbs) == own


def test_the_faults_and_wrong_hubs_exist() -> None:
    text = PAGES["guides/mock-hub.md"]
    named = set(re.findall(r"`([a-z_]+)`", text.split("They act on both legs", 1)[1].split("\n\n", 1)[0]))
    assert named
    assert named <= set(FAULTS)
    assert set(re.findall(r"--wrong (\w+)", text)) <= set(WRONG_HUBS)


@pytest.mark.parametrize("page", PAGES)
def test_requirements_limits_errors_and_variables_exist(page: str) -> None:
    text = PAGES[page]
    requirements = {
        row["id"]
        for path in (ROOT / "spec/registry/requirements").glob("*.toml")
        for row in spec.read_toml(f"registry/requirements/{path.name}")["requirement"]
    }
    assert set(re.findall(r"\bNE-[A-Z]+-\d{3}\b", text)) <= requirements
    assert set(re.findall(r"/errors/(\w+)\.md", text)) - {"index"} <= ERRORS
    assert set(re.findall(r"--limit (\w+)=(?!VALUE)", text)) - {"NAME"} <= LIMITS
    known = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("neuroengine", "conformance")
        for path in (ROOT / folder).rglob("*.py")
    )
    for variable in set(re.findall(r"\b(?:NEUROENGINE|NE)_[A-Z_]+\b", text)):
        assert variable in known


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_written_page_leads_to_it(page: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+\.md)", PAGES[page]):
        path = (DOCS / page).parent / target
        generated = {"specification", "errors", "reference"}
        if path.resolve().relative_to(DOCS).parts[0] not in generated:
            assert path.is_file(), f"{page} links to {target}"
