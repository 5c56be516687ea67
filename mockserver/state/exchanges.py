"""One post on its way through the hub: what it asks for, what the rules say of it, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.state.plan import NO_PLAN, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.rules.replies import TextReply
    from mockserver.state.answers import Answer, Forwarded
    from mockserver.state.delivery import Headers
    from mockserver.state.generations import Generation
    from mockserver.state.player import Player
    from mockserver.state.services import Service


class Asked(NamedTuple):
    """A valid generate request: the service that is asked, and where it is a poll the name of its stream."""

    service: Service
    generation: Generation
    stream_name: tuple[str, str] = ("", "")


class Call(NamedTuple):
    """One post as rules see it.

    `service` is what the path names, known or not. `poll` is the poll's number in its stream, 0 for none. `begins`
    tells that a generation begins with it, `is_valid` that text may answer it: the hub itself would refuse a request
    that is not.
    """

    service: str
    request: Mapping[str, Any]
    poll: int = 0
    begins: bool = True
    is_valid: bool = True


class Verdict(NamedTuple):
    """What the rules say of a post.

    `rules` are the names of all that matched, `rule` is the one whose answer it is, empty where the hub answers by
    itself. `plan` is what befalls the exchange. `reply` answers a generation, `refusal` is what comes in
    place of one: an error, or a scripted model list. `near_miss` says why no rule matched where one had to.
    """

    rules: tuple[str, ...] = ()
    rule: str = ""
    plan: Plan = NO_PLAN
    reply: TextReply | None = None
    refusal: Answer | None = None
    near_miss: str = ""


NO_VERDICT = Verdict()
"""No rule matched, and none had to."""


class Exchange:
    """One post and its answer, from its last byte on; the journal keeps it. Times are seconds of the hub's clock.

    `answered`, when it is set, is called once with the answer as soon as there is one.
    """

    __slots__ = (
        "answer",
        "answered",
        "answered_at",
        "at",
        "begins",
        "forwarded",
        "headers",
        "leave",
        "left_at",
        "number",
        "path",
        "plan",
        "player",
        "poll",
        "request",
        "service",
        "size",
        "status",
        "stream_rule",
        "verdict",
    )

    def __init__(self, number: int, path: str, at: float, size: int = 0) -> None:
        self.number = number
        """Counts the hub's exchanges, from 1."""
        self.path = path
        self.at = at
        self.size = size
        """About how many bytes the journal holds of it."""
        self.service = ""
        """What the path names, known to the hub or not."""
        self.request: dict[str, Any] = {}
        self.poll = 0
        """The number of the poll in its stream; 0 is no poll."""
        self.begins = True
        """Whether a generation began with it, as far as it was a valid request for one."""
        self.verdict = NO_VERDICT
        """What the rules say of it."""
        self.plan: Plan = NO_PLAN
        """What is to happen to it besides its answer."""
        self.player: Player | None = None
        """Plays it, where a door wants that."""
        self.stream_rule = ""
        """The rule that the text of its stream comes from."""
        self.forwarded: Forwarded | None = None
        """What a provider had to do with it."""
        self.answer: Answer | None = None
        self.answered_at: float | None = None
        self.left_at: float | None = None
        """When the client left before its answer."""
        self.headers: Headers = ()
        """What the answer's head says beside its own headers."""
        self.status: int | None = None
        """The HTTP status of the answer, where a door tells it."""
        self.answered: Callable[[], object] | None = None
        self.leave: Callable[[float], None] = _stays

    def deliver(self, answer: Answer, now: float) -> None:
        """Gives the exchange its answer."""
        self.answer = answer
        self.answered_at = now
        self.leave = _stays  # what it would have to leave need not outlive the answer
        if self.answered is not None:
            self.answered()


def _stays(now: float) -> None:
    """Nobody has to be told that the client left."""
