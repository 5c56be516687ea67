"""What is generated from the spec is what the generators make of it now, and a change of the spec is noticed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tools import generate, source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", generate.OUTPUTS)
def test_a_generated_file_is_what_the_spec_says(path: str) -> None:
    assert generate.stale(path, generate.OUTPUTS[path]()) == ""


@pytest.fixture
def copy_of_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `spec/` that the generators read instead of it."""
    copy = tmp_path / "spec"
    shutil.copytree(source.SPEC, copy)
    monkeypatch.setattr(source, "SPEC", copy)
    return copy


@pytest.mark.parametrize(
    ("path", "old", "new", "affected"),
    [
        (
            "schemas/client.schema.json",
            '"maximum": 1,',
            '"maximum": 2,',
            {"_generated/models.py", "spec/openapi", "asyncapi"},
        ),
        (
            "schemas/client.schema.json",
            '"comment", "operator"]',
            '"comment"]',
            {"_generated/models.py", "spec/openapi"},
        ),
        ("schemas/provider.schema.json", '"default": false', '"default": true', {"_generated/models.py", "asyncapi"}),
        ("mock/admin.toml", "Take all rules out.", "Take every rule out.", {"admin.openapi"}),
        ("mock/admin.schema.json", "Where it acts.", "Where it is.", {"admin.openapi"}),
        ("registry/errors.toml", "http_status = 502", "http_status = 503", {"_generated/registry.py", "spec/openapi"}),
        ("registry/limits.toml", "value = 180", "value = 181", {"_generated/registry.py"}),
        ("registry/spec.toml", "provider_port = 4444", "provider_port = 4445", {"_generated/registry.py", "asyncapi"}),
        ("registry/machines.toml", 'initial = "opening"', 'initial = "flowing"', {"_generated/machines.py"}),
    ],
)
def test_a_changed_spec_makes_all_that_it_rules_stale(
    copy_of_the_spec: Path, path: str, old: str, new: str, affected: set[str]
) -> None:
    changed = copy_of_the_spec / path
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new), encoding="utf-8")
    for name in affected:
        (output,) = (output for output in generate.OUTPUTS if name in output)
        difference = generate.stale(output, generate.OUTPUTS[output]())
        assert any(line.startswith("+") and "sha256" not in line for line in difference.splitlines()[2:]), output


def test_generate_writes_what_is_missing_and_check_names_what_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(source, "ROOT", tmp_path)
    monkeypatch.delitem(generate.OUTPUTS, "neuroengine/_generated/models.py")  # takes a second each time
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")} == set(generate.OUTPUTS)
    assert generate.main(["--check"]) == 0
    edited = tmp_path / "spec" / "openapi.json"
    edited.write_text(edited.read_text(encoding="utf-8").replace("3.1", "3.2"), encoding="utf-8")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    out, err = capsys.readouterr()
    assert '-  "openapi": "3.2' in out
    assert err.startswith("stale: spec/openapi.json; run: ")
