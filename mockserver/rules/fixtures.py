"""Rules in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from mockserver.rules.rule import Rule


class FixtureError(ValueError):
    """Raised when a fixture file is wrong."""


def read_rules(path: str | PathLike[str]) -> list[Rule]:
    """The rules of a fixture file."""
    raise FixtureError(f"{path}: not yet")
