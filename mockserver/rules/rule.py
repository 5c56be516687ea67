"""A rule: which requests it is for, and its turns, one after another.

`Rule(...)` values and `hub.on(...)` are written in one grammar:

- `reply`, `pieces`, `model`, `answer`, `models` and `fail` each begin a turn, in the order of time:
  `.fail("queue_full").reply("Hi")` fails once and then says Hi.
- `delay`, `pace` and `fault` belong to the turn that they follow. Where none is open they begin one without an answer
  of its own: it befalls whatever answers, the next rule or the hub. A turn that has only a delay or a pace so far is
  completed by the answer that follows: `.delay(2).reply("Hi")` is `.reply("Hi").delay(2)`.
- `times(n)` and `once()` say how often the turn before them is given, and close it.
- A turn with no number is given once, and the last one for ever. When all turns are used up, the rule rests.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mockserver.rules.checks import check_seconds
from mockserver.rules.criteria import GETMODELS, Criteria, criteria
from mockserver.rules.own_answers import Fail, Models, OwnAnswer
from mockserver.rules.replies import Item, Model, Pieces, ProviderAnswer, Reply, TokenFunction, reply_of
from mockserver.state.plan import NO_PLAN, PROVIDER_LEGS, Fault, Leg, Pace, Plan
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.rules.expected import Wish


@dataclass(frozen=True, slots=True)
class Turn:
    """What a rule does when its turn comes: an answer, if it has one of its own, a plan, and how often."""

    reply: Reply | None = None
    plan: Plan = NO_PLAN
    times: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether an answer that follows belongs to the next turn."""
        return self.reply is not None or bool(self.plan.faults) or self.times is not None


class Grammar:
    """The verbs of a rule. What they return is the rule with one more word; see the module for the grammar."""

    def _turns(self) -> tuple[Turn, ...]:
        """The turns so far."""
        raise NotImplementedError

    def _with(self, turns: tuple[Turn, ...]) -> Self:
        """The rule with these turns."""
        raise NotImplementedError

    # -- answers

    def reply(self, *texts: str) -> Self:
        """Answers with text, which the hub cuts for streams; several texts are several turns."""
        if not texts:
            raise ValueError("reply needs at least one text")
        return self.sequence(texts)

    def pieces(self, items: Iterable[Item]) -> Self:
        """Gives streams exactly these pieces, one a poll, and joins them where the whole reply is wanted.

        A `Fail` among them fails a poll, a `Pause` makes the next piece come later.
        """
        return self.sequence([Pieces(items)])

    def model(self, tokens: TokenFunction | None = None, **sampling: Any) -> Self:
        """Answers by a model: a function from the checked request to tokens, or the simulated one with other sampling.

        `model(temperature=0)` is greedy whatever the client wants; `model()` is the simulated model as it is.
        """
        return self.sequence([Model(tokens, sampling)])

    def answer(self, reply: str, *, errorcode: int = 0, **members: Any) -> Self:
        """Answers as a provider would: with a code of its own and more members, which pass through."""
        return self.sequence([ProviderAnswer(reply, errorcode, members)])

    def models(self, entries: Iterable[str | Mapping[str, Any]]) -> Self:
        """Answers `getmodels` with this list, in a rule that wants that command: `Rule(command="getmodels")`.

        Each entry is a mapping of its members, or a name alone; what is left out has its default.
        """
        return self.sequence([Models(entries)])

    def fail(
        self,
        error: str | ErrorCode,
        *,
        retry_after: float | None = None,
        field: str | None = None,
        reply: str | None = None,
    ) -> Self:
        """Answers with an error of the registry; see `Fail`."""
        name = error.name.lower() if isinstance(error, ErrorCode) else error
        return self.sequence([Fail(name, retry_after, field, reply)])

    def sequence(self, replies: Iterable[str | Reply]) -> Self:
        """Answers with these, one after another: the last one for ever, unless `once` or `times` follows."""
        turns = self._turns()
        for reply in map(reply_of, replies):
            if turns and not turns[-1].is_complete:
                turns = (*turns[:-1], replace(turns[-1], reply=reply))
            else:
                turns = (*turns, Turn(reply))
        return self._with(turns)

    # -- what befalls the answer

    def delay(self, seconds: float) -> Self:
        """Answers so many seconds later, on the hub's clock."""
        check_seconds("delay", seconds)
        return self._planned(Plan(delay_s=seconds))

    def pace(self, **pace: Any) -> Self:
        """Generates at a pace: `first_token_s`, `tokens_per_s` and the other settings of `Pace`."""
        return self._planned(Plan(pace=Pace(**pace)))

    def fault(self, name: str | Fault, **settings: Any) -> Self:
        """Lets a fault befall the exchange; `mockserver.faults.fault` has the arguments.

        A fault on a provider's legs goes with an answer that a provider gives, or the simulated model in its place.
        """
        from mockserver.faults import fault  # here, because few rules have one

        one = name if isinstance(name, Fault) else fault(name, **settings)
        return self._planned(Plan(faults=(one,)))

    # -- how often

    def times(self, number: int) -> Self:
        """Gives the turn before it so many times, and no more."""
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ValueError(f"times must be a whole number, 1 or more; it was {number!r}")
        turns = self._turns()
        if not turns:
            raise ValueError("times must follow what is to be given: an answer, a delay or a fault")
        if turns[-1].times is not None:
            raise ValueError(f"the turn before has its number already: {turns[-1].times}")
        return self._with((*turns[:-1], replace(turns[-1], times=number)))

    def once(self) -> Self:
        """Gives the turn before it once, and no more."""
        return self.times(1)

    def _planned(self, plan: Plan) -> Self:
        turns = self._turns()
        if not turns or turns[-1].times is not None:
            return self._with((*turns, Turn(plan=plan)))
        return self._with((*turns[:-1], replace(turns[-1], plan=turns[-1].plan | plan)))


@dataclass(frozen=True, init=False, repr=False)
class Rule(Grammar):
    """Which requests are answered how. A value: it can serve many hubs, and each verb gives a new one.

    Args:
        message: the prompt: its exact text, a regular expression to be found in it, or a predicate.
        service: the service's name, likewise.
        stream: True for streams alone, False for whole replies alone.
        call: the number of the request among those that meet all else, from 1, or a predicate of it.
        poll: the number of a stream's poll, from 1: the rule is asked at polls, and may fail or befall them.
        where: a function of the whole request that says whether the rule is for it.
        name: what errors, the journal and `hub.rules` call the rule.
        priority: rules of a higher one are asked first; among equals the one that was added last.
        fields: more fields, for names that are arguments here.
        more: any field of the request, known or not: a value, a regular expression, a predicate, `PRESENT`, `ABSENT`,
            `OneOf(...)`, `Between(...)`, `Contains(...)`. `command="getmodels"` makes it a rule for that command.

    Raises:
        ValueError: the criteria contradict each other, or a turn does not go with them.
    """

    criteria: Criteria
    turns: tuple[Turn, ...]
    name: str
    priority: int
    _ends: tuple[float, ...] = field(compare=False)
    """After how many calls each turn is over."""

    def __init__(
        self,
        message: Wish = None,
        *,
        service: Wish = None,
        stream: bool | None = None,
        call: Wish = None,
        poll: Wish = None,
        where: Callable[[Mapping[str, Any]], bool] | None = None,
        name: str = "",
        priority: int = 0,
        fields: Mapping[str, Wish] | None = None,
        **more: Wish,
    ) -> None:
        wanted = criteria(
            message, service=service, stream=stream, call=call, poll=poll, where=where, fields=fields, **more
        )
        _fill(self, wanted, (), name, priority)

    @classmethod
    def of(cls, criteria: Criteria, turns: tuple[Turn, ...] = (), name: str = "", priority: int = 0) -> Self:
        """A rule from its parts."""
        return _fill(cls.__new__(cls), criteria, turns, name, priority)

    def turn_after(self, calls: int) -> Turn | None:
        """The turn that comes when so many were given, or None when they are used up."""
        if not self.turns:
            return _WATCHES
        place = bisect_right(self._ends, calls)
        return self.turns[place] if place < len(self.turns) else None

    @property
    def most_calls(self) -> float:
        """How many turns there are before the rule rests; infinity when the last is for ever."""
        return self._ends[-1] if self.turns else math.inf

    def __repr__(self) -> str:
        return f"<Rule {self}>"

    def __str__(self) -> str:
        return f"{self.name} ({self.criteria})" if self.name else f"({self.criteria})"

    def _turns(self) -> tuple[Turn, ...]:
        return self.turns

    def _with(self, turns: tuple[Turn, ...]) -> Self:
        return self.of(self.criteria, turns, self.name, self.priority)


_Rule = TypeVar("_Rule", bound=Rule)

_WATCHES: Final = Turn()
"""The turn of a rule without turns: it only counts."""


def _check(criteria: Criteria, turns: tuple[Turn, ...]) -> None:
    if criteria.is_for_commands and (criteria.poll is not None or criteria.stream is not None):
        raise ValueError("a command is no stream: leave out `poll` and `stream`, or `command`")
    if criteria.poll is not None and criteria.stream is False:
        raise ValueError("only a stream has polls: leave out `poll`, or `stream=False`")
    for turn in turns:
        _check_faults(criteria, turn)
        if turn.plan.pace is not None and isinstance(turn.reply, OwnAnswer | Pieces):
            raise ValueError("a pace is for text: pieces have pauses instead, an error and a model list have none")
        if isinstance(turn.reply, Models) and not criteria.may_want_command(GETMODELS):
            raise ValueError(f'a model list answers a command: let the rule want it, by command="{GETMODELS}"')
        if turn.reply is not None and not isinstance(turn.reply, OwnAnswer):
            if criteria.is_for_commands:
                raise ValueError("a command gets no text: use models, fail, delay or fault")
            if criteria.poll is not None:
                raise ValueError("a stream's text is one for all its polls: a rule for a poll has fail, delay or fault")


def _check_faults(criteria: Criteria, turn: Turn) -> None:
    for one in turn.plan.faults:
        if one.leg is Leg.CLIENT_TO_HUB:
            raise ValueError(f"the fault {one.name!r} befalls a request before a rule can see it; use a standing fault")
        if one.leg in PROVIDER_LEGS and turn.reply is not None:
            raise ValueError(f"the fault {one.name!r} befalls the way to a provider, but the rule answers by itself")
        if one.leg in PROVIDER_LEGS and criteria.poll is not None:
            why = "say which `piece` it befalls, in a rule for the generation"
            raise ValueError(
                f"the fault {one.name!r} befalls the way to a provider, which no rule for a poll sees; {why}"
            )


def _fill(rule: _Rule, criteria: Criteria, turns: tuple[Turn, ...], name: str, priority: int) -> _Rule:
    """Gives a new rule its parts, checked."""
    _check(criteria, turns)
    last = len(turns) - 1
    times = (turn.times or (1 if place < last else math.inf) for place, turn in enumerate(turns))
    parts = {
        "criteria": criteria,
        "turns": turns,
        "name": name,
        "priority": priority,
        "_ends": tuple(accumulate(times)),
    }
    for part, value in parts.items():
        object.__setattr__(rule, part, value)
    return rule
