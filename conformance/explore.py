"""Runs a check over many generated requests, or sequences of steps, and keeps the smallest that breaks the requirement.

Laws: the breach that is reported comes from a last real exchange with the smallest example; a breach that does not
show again there is marked as flaky; what is generated follows from the seed alone; nothing is written into the
caller's folder.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast
from zlib import crc32

from conformance.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hypothesis import Phase, settings
    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

Example = TypeVar("Example")

SHRINKING_CALLS: Final = 150
"""The most examples that are tried once one has broken the requirement."""
SHRINKING_S: Final = 3.0
"""And the most time for those of them that are slow: a hub that falls silent takes a limit's time for each."""
QUICK_S: Final = 0.25
"""A call of so little time is not slow, so that what is reported does not follow from how busy the machine is."""
CHANCES: Final = 3
"""How often steps are taken that break the requirement only now and then, before they are taken to break nothing."""


def explore(strategy: SearchStrategy[Example], check: Callable[[Example], None], seed: str, examples: int) -> None:
    """Runs `check` on examples of `strategy`.

    Raises:
        Violation: an example breaks the requirement; this is the smallest one found.
    """
    import hypothesis

    search = _Search(check)

    def run(example: Example) -> None:
        search.run(example)

    bounded = _bounded(examples, hypothesis.Phase.generate, hypothesis.Phase.shrink)
    with _at_home():
        try:
            hypothesis.seed(crc32(seed.encode()))(bounded(hypothesis.given(strategy)(run)))()
        except hypothesis.errors.Flaky:
            if search.breach is None:
                raise
            raise _flaky(search.breach) from None


class _Bound:
    """How much is tried once an example has broken the requirement."""

    def __init__(self) -> None:
        self._calls = 0
        self._slow_s = 0.0

    @property
    def is_reached(self) -> bool:
        """Whether it is enough."""
        return self._calls >= SHRINKING_CALLS or self._slow_s > SHRINKING_S

    @contextmanager
    def call(self) -> Iterator[None]:
        """Counts what is tried inside."""
        began = monotonic()
        try:
            yield
        finally:
            took = monotonic() - began
            self._calls += 1
            self._slow_s += took if took > QUICK_S else 0.0


class _Search:
    """Bounds the shrinking: past it, only the smallest example known so far is tried again."""

    def __init__(self, check: Callable[[Any], None]) -> None:
        self._check = check
        self._smallest: object = None
        self._bound = _Bound()
        self.breach: Violation | None = None

    def run(self, example: object) -> None:
        if self.breach is None:
            self._try(example)
        elif example == self._smallest or not self._bound.is_reached:
            with self._bound.call():
                self._try(example)

    def _try(self, example: object) -> None:
        try:
            self._check(example)
        except Violation as breach:
            self._smallest, self.breach = example, breach
            raise


class Step(Protocol):
    """One step of a sequence; equal steps do the same."""

    def simpler(self) -> Sequence[Step]:
        """Steps that might break the same and are easier to read, the easiest first."""


class Script:
    """The steps of one example, taken as they are drawn and written down for later."""

    def __init__(self, act: Callable[[Any], None]) -> None:
        self._act = act
        self.steps: list[Step] = []
        self.breach: Violation | None = None

    def take(self, step: Step) -> None:
        """Takes a step."""
        self.steps.append(step)
        try:
            self._act(step)
        except Violation as breach:
            self.breach = breach
            raise


def explore_steps(
    machine: Callable[[], tuple[RuleBasedStateMachine, Script]],
    replay: Callable[[Sequence[Any]], None],
    seed: str,
    bounds: tuple[int, int],
) -> None:
    """Runs state machines, and then makes the first sequence of steps that breaks the requirement as short as can be.

    `machine` makes one, with the script that it takes its steps by; `replay` takes such steps again, from the
    beginning; `bounds` are the most examples, and the most steps of each. Which steps a machine draws must follow from
    those before alone, never from what a hub answered: a hub may answer the same steps otherwise the next time.

    Raises:
        Violation: a sequence of steps breaks the requirement; this is the shortest one found.
    """
    import hypothesis
    from hypothesis.stateful import run_state_machine_as_test

    examples, most_steps = bounds
    broken: list[Script] = []

    def begun() -> RuleBasedStateMachine:
        made, script = machine()
        broken[:] = [found for found in broken if found.breach] or [script]
        return made

    # hypothesis shrinks what it draws, which says little about the steps: they are shortened below, in far fewer runs
    bounded = hypothesis.settings(_bounded(examples, hypothesis.Phase.generate), stateful_step_count=most_steps)
    factory = cast("type[RuleBasedStateMachine]", hypothesis.seed(crc32(seed.encode()))(begun))
    with _at_home():
        try:
            run_state_machine_as_test(factory, settings=bounded)
        except (Violation, hypothesis.errors.Flaky):
            (first,) = broken
            if first.breach is None:
                raise
        else:
            return
    search = _Shortening(first.steps, first.breach, replay)
    search.run()
    raise _flaky(search.breach)


class _Shortening:
    """Looks for the fewest and simplest of the steps that still break the requirement, as far as the bound allows.

    Steps that do not break it each time are given several chances, and at worst the shortest breach seen is kept.
    """

    def __init__(self, steps: Sequence[Step], breach: Violation, replay: Callable[[Sequence[Step]], None]) -> None:
        self.breach = breach
        self._steps = steps
        self._replay = replay
        self._chances = 1
        self._bound = _Bound()

    def run(self) -> None:
        """Shortens the steps, and takes the shortest once more.

        Raises:
            Violation: they broke the requirement again.
        """
        if not self._breaks(self._steps):
            self._chances = CHANCES
        self._leave_out()
        self._simplify()
        for _ in range(self._chances):
            self._replay(self._steps)

    def _leave_out(self) -> None:
        size = len(self._steps)
        while size := size // 2:
            at = 0
            while at < len(self._steps):
                tried = [*self._steps[:at], *self._steps[at + size :]]
                if not (tried and self._breaks(tried)):
                    at += size

    def _simplify(self) -> None:
        for at, step in enumerate(self._steps):
            for simpler in step.simpler():
                if self._breaks([*self._steps[:at], simpler, *self._steps[at + 1 :]]):
                    break

    def _breaks(self, tried: Sequence[Step]) -> bool:
        for _ in range(self._chances):
            if self._bound.is_reached:
                return False
            try:
                with self._bound.call():
                    self._replay(tried)
            except Violation as breach:
                self._steps, self.breach = tried, breach
                return True
        return False


def _flaky(breach: Violation) -> Violation:
    breach.is_flaky = True
    return breach


def _bounded(examples: int, *phases: Phase) -> settings:
    import hypothesis

    return hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        print_blob=False,
        phases=phases,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )


@contextmanager
def _at_home() -> Iterator[None]:
    """With hypothesis' own files in the user's cache."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(_cache())
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


def _cache() -> Path:
    """Where hypothesis may keep its tables: the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuroengine-conformance" / "hypothesis"
