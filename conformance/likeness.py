"""Whether two accounts of what came tell of the same fault: the line `actual` of a breach, read without what is chance.

A model rolls dice, a machine is slow for a moment, a hub draws a key: texts that are quoted, lists, figures and what
stands in brackets may be others each time that the same rule is broken in the same way. Error codes and HTTP statuses
are not chance. Law: whoever compares accounts does it here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED: Final = r"""(?<!\w)b?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_TOKEN: Final = re.compile(
    rf"""(?P<kept>\b(?:errorcode|status)\ -?\d+)
    | {_QUOTED}
    | \[(?:{_QUOTED}|[^\]\["'])*\]  # a list
    | \((?:[^()]|\([^()]*\))*\)  # an aside, as the words of the system's own error
    | \d+(?:\.\d+)?""",
    re.VERBOSE,
)
_BLANK: Final = "…"


def likeness(actual: str) -> str:
    """What all accounts of one fault have in common. A story of steps, on further lines, is left out."""
    line = actual.partition("\n")[0]
    return _TOKEN.sub(lambda found: found["kept"] or _BLANK, line)


def are_alike(one: str, other: str) -> bool:
    """Whether two accounts tell of the same fault."""
    return likeness(one) == likeness(other)


def begins_like(actual: str, beginning: str) -> bool:
    """Whether an account begins as it is written there, but for what is chance."""
    return actual.startswith(beginning) or likeness(actual).startswith(likeness(beginning))


def steady_beginning(actual: str) -> str:
    """How an account begins, up to the first thing in it that is chance."""
    line = actual.partition("\n")[0]
    return line[: next(_places_of_chance(line), len(line))]


def _places_of_chance(line: str) -> Iterator[int]:
    return (found.start() for found in _TOKEN.finditer(line) if not found["kept"])
