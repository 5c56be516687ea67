"""A ledger of requests: each that was sent gets exactly one outcome, and every token of its reply has its place.

The reply to a request is known beforehand: words that no other reply holds. So a token that is lost, doubled, out of
its place or somebody else's shows at once. What does not fit is kept as a sentence; a right hub leaves none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

WHOLE: Final = "whole"
"""The outcome of a reply that is all there; every other outcome is an error or a leave, behind a part of it."""


def reply_to(message: str) -> str:
    """What a message of the ledger's is answered with: it names itself, and how many words it wants."""
    name, count = message.split()
    return " ".join(f"{name}.{place}" for place in range(int(count)))


@dataclass(slots=True)
class Ledger:
    """What was asked, and what became of it."""

    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    tokens: int = 0
    """How many words of replies were checked."""
    _open: dict[str, str] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)

    def begin(self, message: str, reply: str) -> None:
        """Notes that a request is sent."""
        if message in self._open or message in self._closed:
            self.violations.append(f"{message!r} was sent twice")
        self._open[message] = reply

    def end(self, message: str, outcome: str, text: str = "") -> None:
        """Notes what became of it, with the text that came."""
        reply = self._open.pop(message, None)
        if reply is None:
            self.violations.append(f"{message!r} has more than one outcome, the last one {outcome!r}")
            return
        self._closed.add(message)
        self.outcomes[outcome] += 1
        self.tokens += len(text.split())
        if text != reply if outcome == WHOLE else not reply.startswith(text):
            self.violations.append(f"{message!r}, {outcome}: {text!r} came, and the reply is {reply!r}")

    def check_calls(self, calls: Counter[str], gone: set[str]) -> None:
        """Compares with what providers were asked; whole replies alone, whose every request goes to one of them once.

        `gone` are those whose outcome was no reply: a provider may have been asked, or died before it.
        """
        for message, count in calls.items():
            if count > 1:
                self.violations.append(f"{message!r} was given to a provider {count} times")
            if message not in self._closed and message not in self._open:
                self.violations.append(f"a provider was asked {message!r}, which nobody sent")
        self.violations += [
            f"{message!r} has a reply, and no provider was asked" for message in self._closed - gone - set(calls)
        ]

    def finish(self) -> None:
        """Nothing more comes: what has no outcome now never gets one."""
        self.violations += [f"{message!r} never had an outcome" for message in self._open]

    def absorb(self, other: Ledger) -> None:
        """Takes what another ledger has."""
        self.outcomes += other.outcomes
        self.violations += other.violations
        self.tokens += other.tokens
        self._closed |= other._closed

    @property
    def count(self) -> int:
        """How many requests have their outcome."""
        return len(self._closed)
