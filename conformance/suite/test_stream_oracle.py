"""Streams in any order of events, held against the oracle: opened, polled, raced, left, lost, repeated, begun anew.

A state machine draws the steps, a player takes them, and the oracle says what cannot have been delivered. Each run
looks at one requirement: it takes the steps that can break it, and blames a breach on it only where such a step came
before. Where the suite is the service's provider the texts are known to the character; else they are the model's, where
it repeats itself; else what must hold for any text is judged.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conformance.evidence import Violation, not_judged
from conformance.explore import Script
from conformance.oracle import Law
from conformance.player import LARGE, SLOTS, Player, Scene, Step, aim
from conformance.provider.house import WORDS
from conformance.requirement import case
from conformance.suite.control import plainly_whole
from conformance.suite.test_streams import LONG, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.judge import Judge
    from conformance.player import Aim

EXAMPLES: Final = 10
EXAMPLES_OF_LEAVING: Final = 4
"""A hub needs time to see that a client has left, so these take longer."""
STEPS: Final = 10
WORDS_GIVEN: Final = 24
CONTROL_SIZES: Final = (1, 2, 5, 20)
REQUESTS: Final = [
    fields | {"max_new_len": WORDS_GIVEN} for fields in (LONG, OTHER, LONG | {"message": "Name the winds of the sea."})
]
"""What the streams of the slots ask for, and what one asks for that begins anew."""
_SLOTS: Final = st.sampled_from(SLOTS)
_SIZES: Final = st.sampled_from([1, 2, 3, 5, LARGE])


def wants(kind: str) -> Callable[[Any], Any]:
    """A rule for runs whose aim takes this kind of step."""
    return precondition(lambda machine: kind in machine.kinds)


class Streams(RuleBasedStateMachine):
    """Draws the steps. What it draws follows from the aim alone, never from what came."""

    def __init__(self, script: Script, player: Player) -> None:
        super().__init__()
        self._script = script
        self._player = player
        self._exception_before = sys.exception()
        self.kinds = player.aim.kinds

    def _take(self, kind: str, slot: str = "", *sizes: int) -> None:
        self._script.take(Step(kind, slot, sizes))

    @initialize(slot=_SLOTS, size=_SIZES)
    def begin(self, slot: str, size: int) -> None:
        """A stream that is left, or a piece that is asked for again, where the run looks at those."""
        if "leave" in self.kinds:
            self._take("leave", slot, size)
        if "again" in self.kinds:
            self._take("poll", slot, size)
            self._take("again", slot, size)

    @rule(slot=_SLOTS, size=_SIZES)
    def poll(self, slot: str, size: int) -> None:
        """The next piece."""
        self._take("poll", slot, size)

    @rule(slot=_SLOTS)
    def read(self, slot: str) -> None:
        """Every piece that is left, and the end."""
        self._take("read", slot)

    @rule()
    def pause(self) -> None:
        """Nothing for a moment."""
        self._take("pause")

    @wants("race")
    @rule(slot=_SLOTS, sizes=st.lists(_SIZES, min_size=2, max_size=3))
    def race(self, slot: str, sizes: list[int]) -> None:
        """Two polls or three at the same time."""
        self._take("race", slot, *sizes)

    @wants("again")
    @rule(slot=_SLOTS, size=_SIZES)
    def ask_again(self, slot: str, size: int) -> None:
        """The last piece, by its index."""
        self._take("again", slot, size)

    @wants("lose")
    @rule(slot=_SLOTS, size=_SIZES)
    def lose(self, slot: str, size: int) -> None:
        """A piece that nobody sees, and that is asked for again."""
        self._take("lose", slot, size)

    @wants("leave")
    @rule(slot=_SLOTS, size=_SIZES)
    def leave(self, slot: str, size: int) -> None:
        """A stream whose first poll is given up."""
        self._take("leave", slot, size)

    @wants("renew")
    @rule(slot=_SLOTS)
    def renew(self, slot: str) -> None:
        """Another message under the same key."""
        self._take("renew", slot)

    def teardown(self) -> None:
        """Polls every stream to its end, unless the example has broken something or hypothesis gave it up."""
        if sys.exception() is self._exception_before:
            for slot in self._player.open_slots:
                self._take("read", slot)
        self._player.clean_up()


# -- where a run plays


@contextmanager
def scene(judge: Judge, target: Aim) -> Iterator[Scene]:
    """The scene that an aim needs: the suite's own provider where there is one, else the hub's model."""
    judge.needs_success()
    desk = judge.subject.desk
    if "share" in target.kinds:
        second = judge.settings.second_service
        if not second:
            not_judged("needs a second service: name it with --second-service NAME")
        paths = {"A": judge.subject.path, "B": judge.subject.path_of(second)}
        with of_the_model(judge, paths) as made, controlled(judge, target, made):
            yield made
    elif desk is not None and not desk.refusal:
        texts: list[str | None] = [given(number) for number in range(len(REQUESTS))]
        made = Scene(judge, dict.fromkeys(SLOTS, judge.provided), REQUESTS, texts)
        with judge.answering(made.answer), controlled(judge, target, made):
            yield made
    elif "leave" in target.kinds:
        not_judged(judge.desk.refusal)
    else:
        with of_the_model(judge, dict.fromkeys(SLOTS, judge.subject.path)) as made, controlled(judge, target, made):
            yield made


@contextmanager
def controlled(judge: Judge, target: Aim, made: Scene) -> Iterator[None]:
    """A breach that is blamed on a kind of step, or on indexes, counts only if streams without those are whole."""
    with ExitStack() as controls:
        for fields, text, path in zip(made.requests, made.texts, made.places, strict=True):
            if text is not None and (target.kinds or target.by_index):
                controls.enter_context(plainly_whole(judge, fields, text, CONTROL_SIZES, path))
        yield


def given(number: int) -> str:
    """The text that the suite's provider gives for a request; every word of it is that request's own."""
    return " ".join(f"{word}{'abc'[number]}" for word in WORDS[number : number + WORDS_GIVEN])


@contextmanager
def of_the_model(judge: Judge, paths: Mapping[str, str]) -> Iterator[Scene]:
    """A scene whose texts are the model's, where it repeats itself; a breach counts only if it still does."""
    made = Scene(judge, paths, REQUESTS, [])
    made.texts = [judge.text_if_known(fields, path) for fields, path in zip(REQUESTS, made.places, strict=True)]
    try:
        yield made
    except Violation:
        for text, fields, path in zip(made.texts, REQUESTS, made.places, strict=True):
            if text is not None and judge.text_if_known(fields, path) != text:
                not_judged("the model stopped repeating itself, so texts cannot be compared")
        raise


@pytest.mark.thorough
@pytest.mark.parametrize(
    "target",
    [
        case("NE-STREAM-001", aim({Law.TEXT: ""})),
        case("NE-STREAM-002", aim({Law.END: ""})),
        case("NE-STREAM-017", aim({Law.OVER: ""})),
        case("NE-STREAM-019", aim({Law.TEXT: "renew", Law.OVER: "renew"}, "renew")),
        case("NE-STREAM-023", aim({Law.TEXT: "race"}, "race")),
        case("NE-STREAM-024", aim({Law.TEXT: "leave"}, "leave")),
        case("NE-STREAM-025", aim({Law.OWN: ""})),
        case("NE-STREAM-026", aim({Law.OWN: ""}, "share")),
        case("NE-RESUME-004", aim({Law.TEXT: ""}, by_index=True)),
        case("NE-RESUME-005", aim({Law.SAME: "again", Law.TEXT: "lose"}, "again", "lose", by_index=True)),
        case("NE-RESUME-006", aim({Law.TEXT: "again"}, "again", by_index=True)),
        case("NE-RESUME-013", aim({Law.OVER: ""}, "again", by_index=True)),
    ],
)
def test_what_comes_can_have_been_delivered(judge: Judge, target: Aim) -> None:
    with scene(judge, target) as made:

        def machine() -> tuple[Streams, Script]:
            player = Player(made, target)
            script = Script(player.take)
            return Streams(script, player), script

        def replay(steps: Sequence[Step]) -> None:
            player = Player(made, target)
            try:
                for step in steps:
                    player.take(step)
            finally:
                player.clean_up()

        examples = EXAMPLES_OF_LEAVING if "leave" in target.kinds else EXAMPLES
        judge.explore_steps(machine, replay, examples=examples, steps=STEPS)
