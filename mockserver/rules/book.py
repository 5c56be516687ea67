"""The rules of one hub: asked once a POST, changed from any thread.

The hub's thread reads one tuple and never waits; whoever adds or removes rules replaces that tuple under a lock.

Order: rules of a higher priority first; among equals those that were added last, as with WireMock's stubs, so that a
test's own rule goes before what its fixtures set up. Rules that are added together, as those of one file, keep the
order in which they stand, as respx has it. The first rule that matches and has an answer of its own gives it; rules
without one that come before it let their delays and faults befall that answer.

A match is a call, whatever becomes of it: a quota may still refuse the request, or its client leave before a delay is
over. A rule that answers with an error, and one that only delays or befalls, matches any POST whose body is a JSON
object; one that answers with text only what the hub would generate for. A poll that goes on with a stream has its text
from the rule of its generation, which is asked no more.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from mockserver.rules.criteria import COMMAND, MESSAGE
from mockserver.rules.near import NearMiss, near_misses
from mockserver.rules.own_answers import Fail, OwnAnswer
from mockserver.rules.replies import Pieces
from mockserver.rules.rule import Grammar, Rule, Turn
from mockserver.state.answers import Answer, failure
from mockserver.state.exchanges import Call, Verdict
from mockserver.state.generations import Refused
from mockserver.state.plan import NO_PLAN, Plan
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from os import PathLike

    from mockserver.rules.expected import Wish

logger = logging.getLogger("mockserver")

UNMATCHED: Final = 404
"""The code of a strict hub's answer where no rule matches.

None of the registry's is true of it: nothing is wrong with the request, the service or the hub, and most of its codes
would be tried again. Codes from 100 are a provider's own: a client tells its user and does not repeat the request.
"""


class ActiveRule(Grammar):
    """A rule of one hub, with its counters. The verbs of the grammar change it at once, from any thread."""

    def __init__(self, rule: Rule, book: RuleBook, number: int) -> None:
        self.rule = rule
        self.number = number
        self.calls = 0
        """How often it was applied: once a request, once a stream's generation."""
        self.seen = 0
        """How many requests met all its criteria but the number of the call."""
        self._book = book

    @property
    def name(self) -> str:
        """Its name, or one after its number."""
        return self.rule.name or f"rule {self.number}"

    @property
    def label(self) -> str:
        """Its name and what it is for."""
        return f"{self.name} ({self.rule.criteria})"

    @property
    def is_used_up(self) -> bool:
        """Whether all its turns were given."""
        return self.calls >= self.rule.most_calls

    def remove(self) -> None:
        """Takes it out of its hub; what it began goes on."""
        self._book.remove(self)

    def reset(self) -> None:
        """Begins again with the first turn and the first call."""
        self.calls = self.seen = 0

    def take(self, call: Call) -> Turn | None:
        """The turn that the request gets, counted; None when the rule is not for it or used up.

        Raises:
            Refused: a predicate failed (code 1, with its words).
        """
        rule = self.rule
        try:
            if not rule.criteria.meet(call):
                return None
            self.seen += 1
            if rule.criteria.call is not None and not rule.criteria.call.holds(self.seen):
                return None
        except Exception as error:
            logger.exception("a predicate of the rule %s failed", self.name)
            why = f"The rule {self.name} failed: {type(error).__name__}: {error}."
            raise Refused(failure(ErrorCode.INTERNAL_ERROR, why)) from None
        turn = rule.turn_after(self.calls)
        if turn is None or not (call.is_valid or turn.reply is None or isinstance(turn.reply, Fail)):
            return None
        self.calls += 1
        return turn

    def __repr__(self) -> str:
        return f"<{self.label}, {self.calls} calls>"

    def _turns(self) -> tuple[Turn, ...]:
        return self.rule.turns

    def _with(self, turns: tuple[Turn, ...]) -> Self:
        rule = self.rule
        self.rule = Rule.of(rule.criteria, turns, rule.name, rule.priority)
        return self


class RuleBook:
    """The rules of one hub. Iterating gives them in the order in which they are asked."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        """Whether a generate request that no rule matches is an error, instead of being answered by the hub."""
        self._lock = threading.Lock()
        self._rules: tuple[ActiveRule, ...] = ()
        self._added = 0

    # -- changing, from any thread

    def on(self, message: Wish = None, **criteria: Any) -> ActiveRule:
        """Adds a rule to which the verbs that follow give its answers; the arguments are those of `Rule`."""
        return self.add(Rule(message, **criteria))[0]

    def add(self, *rules: Rule) -> list[ActiveRule]:
        """Adds rules before those that are there already; they keep their own order.

        Raises:
            TypeError: one is no rule.
        """
        for rule in rules:
            if not isinstance(rule, Rule):
                raise TypeError(f'a rule must be a Rule, as in Rule("Hello").reply("Hi"); it was {rule!r}')
        with self._lock:
            added = [ActiveRule(rule, self, self._added + place) for place, rule in enumerate(rules, start=1)]
            self._added += len(added)
            self._rules = tuple(sorted((*added, *self._rules), key=lambda active: -active.rule.priority))
        return added

    def load(self, path: str | PathLike[str]) -> list[ActiveRule]:
        """Adds the rules of a fixture file; see `mockserver.rules.fixtures`.

        Raises:
            FixtureError: the file cannot be read, or a rule in it is wrong.
        """
        from mockserver.rules.fixtures import read_rules  # here, because few hubs have a fixture file

        return self.add(*read_rules(path))

    def replace(self, rules: Iterable[Rule]) -> None:
        """Puts these in the place of all that are there. A rule that stays as it was keeps its counters."""
        with self._lock:
            before = list(self._rules)
            kept: list[ActiveRule] = []
            for rule in rules:
                active = next((one for one in before if one.rule == rule), None)
                if active is None:
                    self._added += 1
                    active = ActiveRule(rule, self, self._added)
                else:
                    before.remove(active)
                kept.append(active)
            self._rules = tuple(sorted(kept, key=lambda active: -active.rule.priority))

    def remove(self, rule: ActiveRule) -> None:
        """Takes a rule out; one that is not there any more is no error."""
        with self._lock:
            self._rules = tuple(active for active in self._rules if active is not rule)

    def clear(self) -> None:
        """Takes all rules out."""
        with self._lock:
            self._rules = ()

    def reset(self) -> None:
        """Begins every rule again with its first turn."""
        for rule in self._rules:
            rule.reset()

    @contextmanager
    def kept(self) -> Iterator[Self]:
        """In the end of the block the rules are those of its beginning, whatever was added or removed in it."""
        before, strict = self._rules, self.strict
        try:
            yield self
        finally:
            with self._lock:
                self._rules = before
            self.strict = strict

    # -- looking

    def __iter__(self) -> Iterator[ActiveRule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def __bool__(self) -> bool:
        """Whether there is anything to ask: a rule, or strictness."""
        return bool(self._rules) or self.strict

    def named(self, name: str) -> ActiveRule:
        """The rule of that name.

        Raises:
            KeyError: there is none.
        """
        for rule in self._rules:
            if rule.name == name:
                return rule
        raise KeyError(f"there is no rule {name!r}; there are {', '.join(rule.name for rule in self._rules) or 'none'}")

    def unused(self) -> list[ActiveRule]:
        """The rules that were never applied."""
        return [rule for rule in self._rules if not rule.calls]

    def assert_all_used(self) -> None:
        """Asserts that every rule was applied.

        Raises:
            AssertionError: some were not; the text names them.
        """
        if unused := self.unused():
            labels = "".join(f"\n  {rule.label}" for rule in unused)
            raise AssertionError(f"{len(unused)} of {len(self)} rules were never applied:{labels}")

    def near_misses(self, request: Mapping[str, Any], *, service: str = "") -> list[NearMiss]:
        """Why each rule would not answer such a request now, the nearest first; rules that would are left out."""
        return near_misses(self._rules, Call(service, request, poll=1 if request.get("key") else 0))

    # -- the hub's question

    def match(self, call: Call) -> Verdict:
        """What is to be answered to a request, and what befalls it; matching rules are counted.

        Raises:
            Refused: a predicate failed.
        """
        names: list[str] = []
        plan = NO_PLAN
        message = call.request.get(MESSAGE)
        for rule in self._rules:
            exact = rule.rule.criteria.exact_message
            # Most rules of a long book want another prompt, and are passed over at the least cost.
            turn = rule.take(call) if exact is None or exact == message else None
            if turn is None:
                continue
            names.append(rule.name)
            if turn.plan is not NO_PLAN:
                plan = turn.plan | plan  # the pace of the rule that was asked first rules
            if isinstance(turn.reply, OwnAnswer):
                return Verdict(tuple(names), rule.name, plan, refusal=turn.reply.answer())
            if turn.reply is not None:
                if isinstance(turn.reply, Pieces) and not call.poll:
                    plan |= Plan(delay_s=turn.reply.pause_s)
                return Verdict(tuple(names), rule.name, plan, turn.reply)
        if names or not (self.strict and call.is_valid and call.begins and COMMAND not in call.request):
            return Verdict(tuple(names), plan=plan)
        return self._unmatched(call)

    def _unmatched(self, call: Call) -> Verdict:
        misses = near_misses(self._rules, call, counted=True)
        nearest = f"The nearest is {misses[0]}." if misses else "There are no rules."
        why = f"No rule of the mock hub matches this request. {nearest}"
        return Verdict(refusal=Answer({"reply": why, "errorcode": UNMATCHED}, UNMATCHED), near_miss=nearest)
