"""Near misses: which rule came nearest to a request, and what did not match."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from mockserver.rules.criteria import COMMAND, MESSAGE, Mismatch
from mockserver.rules.expected import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.rules.book import ActiveRule
    from mockserver.state.exchanges import Call

_PROMPT_WEIGHT: Final = 3

MOST_COMPARED: Final = 400
"""How many characters of two texts are compared: likeness costs their product."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that did not answer a request, and why. `str()` says it in one line."""

    rule: ActiveRule
    mismatches: tuple[Mismatch, ...]
    reason: str = ""
    """Why the rule did not answer although all its criteria are met; empty otherwise."""

    @property
    def distance(self) -> float:
        """How far it was; see `distance`."""
        return distance(self.mismatches)

    def __str__(self) -> str:
        why = self.reason or "; ".join(map(str, self.mismatches))
        return f"{self.rule.label}: {why}"


def distance(mismatches: Iterable[Mismatch]) -> float:
    """How far from matching: the number of criteria that are not met, less for a text that is like the wanted one.

    The prompt counts most: a rule for another prompt is far away, however much else matches.
    """
    return sum((1 - _likeness(one)) * (_PROMPT_WEIGHT if one.field == MESSAGE else 1) for one in mismatches)


def near_misses(rules: Iterable[ActiveRule], call: Call, *, counted: bool = False) -> list[NearMiss]:
    """Why each of the rules does not answer the request, the nearest first; those that would are left out.

    `counted` tells that the rules have been asked already, so that the request has its number among their calls.
    """
    misses = [miss for rule in rules if (miss := _miss(rule, call, counted=counted)) is not None]
    return sorted(misses, key=lambda miss: (miss.distance, -len(miss.rule.rule.criteria)))


def _miss(active: ActiveRule, call: Call, *, counted: bool) -> NearMiss | None:
    criteria = active.rule.criteria
    mismatches = tuple(criteria.mismatches(call))
    if COMMAND in call.request and not criteria.is_for_commands:
        mismatches = (Mismatch(COMMAND, ABSENT, call.request[COMMAND]), *mismatches)
    if mismatches:
        return NearMiss(active, mismatches)
    if not criteria.concern(call):
        return NearMiss(active, (), "it is asked when a generation begins, not at later polls")
    number = active.seen + (not counted)
    if criteria.call is not None and not criteria.call.holds(number):
        return NearMiss(active, (Mismatch("call", criteria.call, number),))
    if active.is_used_up:
        return NearMiss(active, (), f"it matches, but is used up: {active.calls} of {active.rule.most_calls:g} calls")
    return None


def _likeness(mismatch: Mismatch) -> float:
    wanted = getattr(mismatch.expected, "value", None)
    if not isinstance(wanted, str) or not isinstance(mismatch.actual, str):
        return 0.0
    return SequenceMatcher(None, wanted[:MOST_COMPARED], mismatch.actual[:MOST_COMPARED], autojunk=False).ratio()
