"""Writes everything that is generated from `spec/`, or with `--check` says what is stale.

Run as `python -m tools.generate [--check]`. Exit code 0: all written, or nothing stale; 1: something is stale.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import TYPE_CHECKING

from tools import admin, asyncapi, openapi, python_models, python_registry, source

if TYPE_CHECKING:
    from collections.abc import Callable

OUTPUTS: dict[str, Callable[[], str]] = {
    "neuroengine/_generated/models.py": python_models.render,
    "neuroengine/_generated/registry.py": python_registry.render_registry,
    "neuroengine/_generated/machines.py": python_registry.render_machines,
    "spec/openapi.json": openapi.render,
    "spec/asyncapi.json": asyncapi.render,
    "spec/mock/admin.openapi.json": admin.render,
}


def stale(path: str, text: str) -> str:
    """What differs between a file on disk and what it should hold, as a unified diff; empty when nothing does."""
    target = source.ROOT / path
    present = target.read_text(encoding="utf-8") if target.exists() else ""
    lines = difflib.unified_diff(
        present.splitlines(keepends=True), text.splitlines(keepends=True), f"{path} (on disk)", f"{path} (generated)"
    )
    return "".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks every output; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write all that is generated from spec/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    check = parser.parse_args(arguments).check
    differences = {path: stale(path, render()) if check else _write(path, render()) for path, render in OUTPUTS.items()}
    found = {path: text for path, text in differences.items() if text}
    for path, text in found.items():
        print(text if check else f"wrote {path}")
    if check and found:
        print(f"stale: {', '.join(found)}; run: nox -s generate", file=sys.stderr)
        return 1
    print(f"{len(OUTPUTS)} generated files are up to date")
    return 0


def _write(path: str, text: str) -> str:
    """Writes a generated file when it differs; returns a mark when it did."""
    target = source.ROOT / path
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return ""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return "written"


if __name__ == "__main__":
    sys.exit(main())
