"""How a sequence of steps that breaks a rule is found, made short, and tried again."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from conformance.evidence import Violation, not_judged
from conformance.exchange import Exchange, Request
from conformance.explore import QUICK_S, SHRINKING_CALLS, SHRINKING_S, Script, explore_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHOWN = (Exchange(Request("/A/", b"{}"), status=200),)


class Press(NamedTuple):
    """A button that is pressed so hard."""

    button: str
    force: int

    def simpler(self) -> list[Press]:
        return [self._replace(force=1)] if self.force > 1 else []


class Buttons(RuleBasedStateMachine):
    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    @rule(button=st.sampled_from("abc"), force=st.integers(1, 9))
    def press(self, button: str, force: int) -> None:
        self._script.take(Press(button, force))


class World:
    """Runs of a rule: what each of them pressed."""

    def __init__(self, is_wrong: Callable[[list[Press]], bool]) -> None:
        self.runs: list[list[Press]] = []
        self._is_wrong = is_wrong

    def machine(self) -> tuple[Buttons, Script]:
        script = Script(self._begin())
        return Buttons(script), script

    def replay(self, steps: Sequence[Any]) -> None:
        press = self._begin()
        for step in steps:
            press(step)

    def _begin(self) -> Callable[[Press], None]:
        pressed: list[Press] = []
        self.runs.append(pressed)

        def press(step: Press) -> None:
            pressed.append(step)
            if self._is_wrong(pressed):
                raise Violation("quiet", str(pressed), SHOWN)

        return press


def found(is_wrong: Callable[[list[Press]], bool], seed: str = "seed") -> tuple[World, Violation]:
    world = World(is_wrong)
    with pytest.raises(Violation) as caught:
        explore_steps(world.machine, world.replay, seed, (30, 12))
    return world, caught.value


def is_abba(pressed: list[Press]) -> bool:
    """Whether b comes behind a, twice."""
    left = iter(press.button for press in pressed)
    return all(button in left for button in "abab")


def test_the_fewest_and_simplest_steps_are_left() -> None:
    world, breach = found(is_abba)
    assert breach.actual == str([Press(button, 1) for button in "abab"])
    assert breach.actual == str(world.runs[-1])
    assert not breach.is_flaky


def test_a_step_stays_as_it_is_where_a_simpler_one_breaks_nothing() -> None:
    _, breach = found(lambda pressed: any(press.force > 6 for press in pressed))
    assert len(eval(breach.actual, {"Press": Press})) == 1  # noqa: S307 - what this module wrote


def test_the_same_seed_presses_the_same_buttons() -> None:
    worlds = [World(lambda _: False) for _ in range(3)]
    for world, seed in zip(worlds, ("one", "one", "two"), strict=True):
        explore_steps(world.machine, world.replay, seed, (10, 8))
    first, again, other = (world.runs for world in worlds)
    assert first == again
    assert first != other
    assert len(first) == 10
    assert {len(run) for run in first} == {8}


def test_a_breach_that_does_not_show_again_is_marked() -> None:
    seen: list[int] = []

    def once(pressed: list[Press]) -> bool:
        seen.append(len(pressed))
        return len(seen) == 20

    _, breach = found(once)
    assert breach.is_flaky


def test_a_rule_that_breaks_at_once_now_and_then_is_marked() -> None:
    calls: list[int] = []

    def by_turns(pressed: list[Press]) -> bool:
        calls.append(1)
        return len(pressed) == 3 and len(calls) % 2 == 1

    world = World(by_turns)
    with pytest.raises(Violation):
        explore_steps(world.machine, world.replay, "seed", (30, 12))


def test_a_breach_that_comes_now_and_then_is_shortened_all_the_same() -> None:
    calls: list[int] = []

    def at_times(pressed: list[Press]) -> bool:
        calls.append(1)
        return pressed[-1].button == "a" and len(calls) % 3 == 0

    _, breach = found(at_times)
    assert len(eval(breach.actual, {"Press": Press})) <= 2  # noqa: S307 - what this module wrote


def test_a_busy_machine_shortens_as_far_as_an_idle_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = count(0, QUICK_S / 2)
    monkeypatch.setattr("conformance.explore.monotonic", lambda: next(now))
    _, breach = found(is_abba)
    assert breach.actual == str([Press(button, 1) for button in "abab"])


def test_slow_steps_are_shortened_for_so_long_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = count(0, SHRINKING_S)
    monkeypatch.setattr("conformance.explore.monotonic", lambda: next(now))
    world, _ = found(lambda pressed: len({press.force for press in pressed}) >= 8)
    assert len(world.runs) < 30 + 5


def test_shortening_is_bounded() -> None:
    world, _ = found(lambda pressed: len({press.force for press in pressed}) >= 8)
    assert len(world.runs) < 30 + SHRINKING_CALLS + 5


def test_what_ends_a_check_ends_the_search() -> None:
    def skipping(pressed: list[Press]) -> bool:
        if len(pressed) == 4:
            not_judged("enough")
        return False

    world = World(skipping)
    with pytest.raises(pytest.skip.Exception, match="enough"):
        explore_steps(world.machine, world.replay, "seed", (30, 12))
    assert len(world.runs) == 1
