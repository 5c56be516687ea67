"""A hub's state on the bench, with rules and a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_bench import Bench, poll, reply

from mockserver.journal import Journal
from mockserver.rules import ActiveRule, RuleBook

if TYPE_CHECKING:
    from mockserver import ServiceSettings

EPOCH = 1_700_000_000.0
"""The time of day at which the first exchange of a bench comes."""


class RuleBench(Bench):
    """A bench whose hub has a book of rules and a journal."""

    def __init__(self, *services: ServiceSettings, strict: bool = False, entries: int = 1000, **limits: float) -> None:
        super().__init__(*services, **limits)
        self.rules = self.state.rules = RuleBook(strict=strict)
        self.journal = self.state.journal = Journal(entries, wall=lambda: EPOCH)

    def on(self, message: Any = None, **criteria: Any) -> ActiveRule:
        return self.rules.on(message, **criteria)

    def stream(self, message: str = "go", **fields: object) -> list[str]:
        """All pieces of a stream, without the end."""
        pieces = []
        while piece := reply(poll(self, message, **fields)):
            pieces.append(piece)
        return pieces
