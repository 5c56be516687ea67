"""The pages that are made from the spec follow it: whatever changes there changes the page that tells of it."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from docs_site import ROOT

from neuroengine import spec
from tools import source
from tools.docs import exchanges, machines, requirements, revisions, schemas, site
from tools.docs.facts import Arrow, Example, Exchange, Facts, Story, WrongHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTHING = Facts({}, {}, [], {})


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    """The pages as the spec makes them now."""
    return site.pages(NOTHING)


@pytest.fixture
def copy_of_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of `spec/` that the pages are made from instead of it."""
    copy = tmp_path / "spec"
    shutil.copytree(source.SPEC, copy)
    monkeypatch.setattr(source, "SPEC", copy)
    yield copy
    requirements.rows.cache_clear()


@pytest.mark.parametrize(
    ("path", "old", "new", "page"),
    [
        ("schemas/client.schema.json", '"default": 0.9', '"default": 0.8', "specification/client.md"),
        ("schemas/client.schema.json", '"exclusiveMinimum": 0', '"exclusiveMinimum": 1', "specification/client.md"),
        ("schemas/provider.schema.json", '"examples": ["DEMOKEY"]', '"examples": ["K"]', "specification/provider.md"),
        ("registry/errors.toml", "A fault in the hub", "A flaw in the hub", "errors/internal_error.md"),
        ("registry/errors.toml", 'name = "queue_full"', 'name = "queue_long"', "errors/queue_long.md"),
        ("registry/limits.toml", "value = 180", "value = 181", "specification/limits.md"),
        ("registry/machines.toml", 'to = "flowing"', 'to = "ended"', "specification/machines.md"),
        ("registry/sections.toml", 'title = "Limits"', 'title = "Bounds"', "specification/index.md"),
        ("registry/requirements/http.toml", "MUST answer", "SHOULD answer", "specification/requirements.md"),
        ("registry/unshown.toml", "in the TLS handshake", "in a TLS handshake", "specification/examples.md"),
        ("registry/unshown.toml", "in the TLS handshake", "in a TLS handshake", "specification/requirements.md"),
        ("registry/spec.toml", "provider_port = 4444", "provider_port = 4445", "specification/index.md"),
        ("mock/config.schema.json", '"maximum": 65535', '"maximum": 65534', "reference/config.md"),
        ("mock/rules.schema.json", "Rules for one hub.", "Rules for a hub.", "reference/rules.md"),
        ("mock/admin.toml", "Take all rules out.", "Take every rule out.", "reference/admin.md"),
        ("reports/conformance.schema.json", '"title": "Verdict"', '"title": "Ruling"', "reference/report.md"),
        ("README.md", "never reused", "never used twice", "specification/revisions.md"),
    ],
)
def test_a_changed_spec_changes_its_page(
    before: dict[str, str], copy_of_the_spec: Path, path: str, old: str, new: str, page: str
) -> None:
    changed = copy_of_the_spec / path
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new), encoding="utf-8")
    requirements.rows.cache_clear()
    assert site.pages(NOTHING)[page] != before.get(page)


def test_what_the_hub_tells_reaches_its_page() -> None:
    arrows = [Arrow("Client", "Hub", "hello"), Arrow("Hub", "Client", "lost", is_lost=True)]
    hubs = {"NE-HTTP-001": [WrongHub("toy", "Is a toy.")]}
    shown = {"queue_full": Exchange("/S", "{}", {"errorcode": 8}, "Full.")}
    example = {"NE-HTTP-001": Example("An example.", ["client -> hub: a", "hub -> client: b"])}
    facts = Facts(hubs, shown, [Story("s", "A title", "A summary.", arrows)], example)
    pages = site.pages(facts)
    assert "Wrong hubs: `toy`" in pages["specification/requirements.md"]
    assert "[Example](examples.md#NE-HTTP-001)" in pages["specification/requirements.md"]
    assert (
        "Example: An example.\n\n```text\nclient -> hub: a\nhub -> client: b\n```" in pages["specification/examples.md"]
    )
    assert "| Is a toy. |" in pages["reference/wrong-hubs.md"]
    assert "Full. Posted to `/S`" in pages["errors/queue_full.md"]
    assert "Client->>Hub: hello\n  Hub-xClient: lost" in pages["specification/exchanges.md"]


def test_a_diagram_keeps_signs_that_mermaid_would_read_as_its_own() -> None:
    text = exchanges.diagram(Story("s", "T", "", [Arrow("Client", "Hub", "a; b #c")]))
    assert "Client->>Hub: a#59; b #35;c" in text


@pytest.mark.parametrize("machine", spec.machines(), ids=lambda machine: machine["name"])
def test_a_diagram_shows_every_transition_of_its_machine(machine: dict[str, object]) -> None:
    lines = [line.strip() for line in machines.diagram(machine).splitlines()]
    for transition in machine["transition"]:  # type: ignore[attr-defined] # the schema says that it is a list
        for state in transition["from"]:
            start = f"{state}: (stays at " if state == transition["to"] else f"{state} --> {transition['to']}: "
            (line,) = (line for line in lines if line.startswith(start))
            assert transition["event"] in line.removeprefix(start).rstrip(")").split(", ")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0}, "integer, 0 or more"),
        ({"type": "number", "exclusiveMinimum": 0}, "number, above 0"),
        ({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}, "integer, 0 to 2^63^ - 1"),
        ({"type": ["string", "null"], "maxLength": 256}, "string or null, at most 256 characters"),
        ({"type": "array", "minItems": 1, "items": {"type": "string"}}, "array of string, at least 1 entry"),
        ({"enum": ["True", "False"]}, '`"True"` or `"False"`'),
        ({"const": 0}, "`0`"),
        ({"$ref": "#/$defs/TopP"}, "number, 0 to 1<br>[top p](#TopP)"),
        ({"$ref": "#/$defs/ModelEntry"}, "[model entry](#ModelEntry)"),
    ],
)
def test_a_type_is_said_in_words(schema: dict[str, object], words: str) -> None:
    assert schemas.type_of("schemas/client.schema.json", schema) == words


def test_the_sites_of_older_revisions_stay_in_the_version_selector() -> None:
    listed = json.loads(revisions.versions(["2025-01-31", spec.revision()]))
    assert [(entry["version"], entry["aliases"]) for entry in listed] == [
        (spec.revision(), ["latest"]),
        ("2025-01-31", []),
    ]


def test_every_error_is_shown_by_an_exchange_that_the_mock_hub_answers_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_hook"))
    try:
        import error_exchanges

        assert error_exchanges.exchanges().keys() == {row["name"] for row in spec.errors()}
        monkeypatch.setitem(error_exchanges.CASES, "queue_full", error_exchanges.Case(error_exchanges.HELLO))
        with pytest.raises(RuntimeError, match="queue_full"):
            error_exchanges.exchanges()
    finally:
        sys.modules.pop("error_exchanges", None)
