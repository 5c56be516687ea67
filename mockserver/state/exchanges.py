"""One post on its way through the hub: what it asks for, what the rules say of it, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.state.plan import NO_PLAN, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.journal import Entry
    from mockserver.rules.replies import Reply
    from mockserver.state.answers import Answer
    from mockserver.state.generations import Generation
    from mockserver.state.services import Service


class Asked(NamedTuple):
    """A valid generate request: the service that is asked, and where it is a poll the name of its stream.

    `poll` is the poll's number in its stream, 0 where the whole reply is wanted. `begins` tells that a generation
    begins with it.
    """

    service: Service
    generation: Generation
    stream_name: tuple[str, str] = ("", "")
    poll: int = 0
    begins: bool = True


class Call(NamedTuple):
    """One post as rules see it.

    `service` is what the path names, known or not. `poll` and `begins` are as in `Asked`. `is_valid` tells that text
    may answer it: the hub itself would refuse a request that is not.
    """

    service: str
    request: Mapping[str, Any]
    poll: int = 0
    begins: bool = True
    is_valid: bool = True


class Verdict(NamedTuple):
    """What the rules say of a post.

    `rules` are the names of those that matched; the one that answers is the last. `plan` is what befalls the
    exchange. `reply` is text or a model that answers a generation, `refusal` an error instead of one.
    """

    rules: tuple[str, ...] = ()
    plan: Plan = NO_PLAN
    reply: Reply | None = None
    refusal: Answer | None = None


NO_VERDICT = Verdict()
"""No rule matched, and none had to."""


class Exchange:
    """One post and its answer. `answered`, when it is set, is called once with the answer as soon as there is one.

    `plan` is what is to happen to the exchange besides its answer, and `entry` what the journal holds of it.
    """

    __slots__ = ("answer", "answered", "entry", "leave", "plan", "verdict")

    def __init__(self, entry: Entry | None = None) -> None:
        self.entry = entry
        self.verdict = NO_VERDICT
        self.plan: Plan = NO_PLAN
        self.answer: Answer | None = None
        self.answered: Callable[[], object] | None = None
        self.leave: Callable[[float], None] = lambda _: None

    def deliver(self, answer: Answer) -> None:
        """Gives the exchange its answer."""
        self.answer = answer
        if self.answered is not None:
            self.answered()
