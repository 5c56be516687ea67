"""One exchange, as the journal holds it.

The hub only lays down what passes by; whatever has to be worked out is worked out when it is read. A stream key is
shown as a short hash, the same for the same key; access keys and service keys are never laid down at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.exchanges import NO_VERDICT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.exchanges import Verdict


class Entry:
    """One POST and what came of it. Times are seconds of the hub's clock."""

    __slots__ = ("_answer", "_request", "_verdict", "answered_at", "at", "left_at", "number", "path", "service")

    def __init__(self, number: int, path: str, at: float) -> None:
        self.number = number
        """Its number in this hub, from 1."""
        self.path = path
        self.service = ""
        """The service that the path names, known to the hub or not; empty for a body that could not be read."""
        self.at = at
        """When the request was there whole."""
        self.answered_at: float | None = None
        """When the answer was ready; None while there is none."""
        self.left_at: float | None = None
        """When the client left before its answer; None when it did not."""
        self._request: Mapping[str, Any] = {}
        self._verdict = NO_VERDICT
        self._answer: Answer | None = None

    # -- written by the hub

    def asks(self, service: str, request: Mapping[str, Any]) -> None:
        """What was asked."""
        self.service = service
        self._request = request

    def judged(self, verdict: Verdict) -> None:
        """What the rules said."""
        self._verdict = verdict

    def gets(self, answer: Answer, now: float) -> None:
        """What was answered."""
        self._answer = answer
        self.answered_at = now
