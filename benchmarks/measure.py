"""Turns, ratios and rows: how figures are got, whatever they are figures of."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Sample = TypeVar("Sample")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a median has to reach: a limit, and on which side of it."""

    limit: float
    is_least: bool

    def met_by(self, value: float) -> bool:
        """Whether a value reaches it."""
        return value >= self.limit if self.is_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:g}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The goal that its own text says."""
        sign, _, limit = text.partition(" ")
        return cls(float(limit), is_least=sign == "≥")


def at_least(limit: float) -> Goal:
    """A goal that is reached from below."""
    return Goal(limit, is_least=True)


def at_most(limit: float) -> Goal:
    """A goal that is reached from above."""
    return Goal(limit, is_least=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    name: str
    """What was measured, of whom."""
    unit: str
    """`x` is a ratio to `against`."""
    median: float
    spread: tuple[float, float]
    """The least and the most of all rounds."""
    rounds: int
    against: str = ""
    """Who or what a ratio is to."""
    goal: Goal | None = None
    why_not: str = ""
    """Why there is no figure; the others mean nothing then."""
    points: tuple[tuple[float, float], ...] = ()
    """What was fitted, where a row tells how something grows."""
    axes: tuple[str, str] = ("", "")
    """What the points are."""
    load: float | None = None
    """How many programs wanted a processor while it was measured; see `loaded`."""

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None where there is none, or no figure."""
        return None if self.goal is None or self.why_not else self.goal.met_by(self.median)

    def under(self, load: float) -> Row:
        """The row, measured under a load."""
        return replace(self, load=round(load, 1))


def row(
    name: str, values: Sequence[float], unit: str, *, against: str = "", goal: Goal | None = None, **more: Any
) -> Row:
    """The row of one value a round."""
    spread = (min(values), max(values))
    return Row(name, unit, statistics.median(values), spread, len(values), against=against, goal=goal, **more)


def missing(name: str, why_not: str, *, against: str = "", goal: Goal | None = None) -> Row:
    """The row of something that could not be measured."""
    return Row(name, "", 0.0, (0.0, 0.0), 0, against=against, goal=goal, why_not=why_not)


def take_turns(contestants: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Runs each contestant once a round; the next round begins with the next one. Returns a sample a round of each."""
    names = list(contestants)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(contestants[name]())
    return samples


def ratios(values: Iterable[float], baseline: Iterable[float]) -> list[float]:
    """Each round's value against the baseline's of the same round."""
    return [value / base for value, base in zip(values, baseline, strict=True)]


class Cost(NamedTuple):
    """What one call of something took, in seconds."""

    wall_s: float
    cpu_s: float
    """Of this process, all threads."""


def cost(call: Callable[[], object], times: int) -> Cost:
    """What one of so many calls took."""
    wall, cpu = perf_counter(), process_time()
    for _ in range(times):
        call()
    return Cost((perf_counter() - wall) / times, (process_time() - cpu) / times)


@dataclass(slots=True)
class Effort:
    """How hard to measure: in full, or quickly, where only what runs and not what comes out matters."""

    quick: bool = False
    soak_s: float = 120.0
    """How long the soak lasts, in seconds."""
    notes: list[str] = field(default_factory=list)
    """What a person should see beside the rows, such as requests that went astray."""

    def of(self, full: int, quick: int) -> int:
        """So many, or in a quick run so few."""
        return quick if self.quick else full


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of all stay below."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


IDLE_LOAD: Final = 1.5
"""How many programs may want a processor beside a measurement, itself among them, before its row says so."""


def load() -> float:
    """How many programs wanted a processor in the last minute, on average."""
    return os.getloadavg()[0]
