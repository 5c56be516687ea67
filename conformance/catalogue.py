"""The requirement catalogue, read from the spec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the catalogue; the spec's registry schema says what each member means."""

    id: str
    role: str
    level: str
    profile: str
    basis: str
    section: str
    since: str
    title: str
    sentence: str
    method: str = ""
    mend: str = ""
    needs: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    untestable: str = ""
    pending: str = ""

    @property
    def area(self) -> str:
        """The part of the protocol that the id names, such as `STREAM`."""
        return self.id.split("-")[1]


@cache
def catalogue() -> Mapping[str, Requirement]:
    """Every requirement by its id, in the order of the spec's files."""
    return MappingProxyType({row["id"]: _requirement(row) for row in spec.requirements()})


def _requirement(row: dict[str, Any]) -> Requirement:
    members: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Requirement(**members)
