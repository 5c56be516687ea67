"""How long a run will take, by the first answers and by how much is chosen: an estimate, told before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.settings import SMOKE_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.catalogue import Requirement
    from conformance.settings import Settings

REQUESTS: Final = {"STREAM": 60, "REQ": 20, "ANS": 15, "BODY": 18, "PANS": 32, "LOSS": 30, "FWD": 28, "RESUME": 30}
"""About how many requests a requirement of each area takes to judge."""
REQUESTS_ELSEWHERE: Final = 10
WORTH_SAYING_S: Final = 120.0
"""A run that takes less is not worth a word."""


@dataclass(frozen=True)
class Outlook:
    """What a run has before it: `requests` in about so many seconds, at `pace_s` seconds a request."""

    requests: int
    pace_s: float
    max_time: float

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return self.requests * self.pace_s

    @property
    def is_too_long(self) -> bool:
        """Whether the run's time will not suffice."""
        return self.seconds > self.max_time

    def __str__(self) -> str:
        """What to expect and what to choose; empty where it is over soon."""
        if self.seconds < WORTH_SAYING_S:
            return ""
        told = f"about {_in_words(self.seconds)} at this speed: {self.requests} requests, {self.pace_s:.1f} s for each"
        if not self.is_too_long:
            return told
        smoke = _in_words(SMOKE_REQUESTS * self.pace_s)
        return (
            f"{told}; that is more than --max-time {self.max_time:g}, so MUSTs and what costs little come first. "
            f"--profile smoke takes about {smoke}; --level must asks less; --max-time {self.seconds:.0f} waits for all"
        )


def outlook(settings: Settings, rows: Iterable[Requirement], answer_s: float) -> Outlook:
    """What judging these requirements takes with a hub that answers within so many seconds."""
    judged = [row for row in rows if all(map(settings.meets, row.needs))]
    requests = sum(REQUESTS.get(row.area, REQUESTS_ELSEWHERE) for row in judged)
    if settings.max_requests:
        requests = min(requests, settings.max_requests)
    return Outlook(requests, max(answer_s, 1 / settings.rate if settings.rate else 0.0), settings.max_time)


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= WORTH_SAYING_S else f"{seconds:.0f} s"
