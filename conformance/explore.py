"""Runs a check over many generated requests, or sequences of steps, and keeps the smallest that breaks the requirement.

Laws: the breach that is reported comes from a last real exchange with the smallest example; a breach that does not
show again there is marked as flaky; what is generated follows from the seed alone; nothing is written into the
caller's folder.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast
from zlib import crc32

from conformance.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis import settings
    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

Example = TypeVar("Example")

SHRINKING_CALLS: Final = 150
"""The most examples that are tried once one has broken the requirement."""


def explore(strategy: SearchStrategy[Example], check: Callable[[Example], None], seed: str, examples: int) -> None:
    """Runs `check` on examples of `strategy`.

    Raises:
        Violation: an example breaks the requirement; this is the smallest one found.
    """
    import hypothesis

    search = Search()

    def run(example: Example) -> None:
        search.begin()
        search.take(example, lambda: check(example))

    with _searching(search):
        hypothesis.seed(_number(seed))(_bounded(examples)(hypothesis.given(strategy)(run)))()


def explore_steps(machine: Callable[[Search], RuleBasedStateMachine], seed: str, examples: int, steps: int) -> None:
    """Runs a state machine, at most so many steps an example; each of its steps asks `Search.take`.

    Which steps it draws must follow from the steps before alone, never from what a hub answered: a hub may answer the
    same steps otherwise the next time.

    Raises:
        Violation: a sequence of steps breaks the requirement; this is the shortest one found.
    """
    import hypothesis
    from hypothesis.stateful import run_state_machine_as_test

    search = Search()

    def begun() -> RuleBasedStateMachine:
        search.begin()
        return machine(search)

    with _searching(search):
        factory = cast("type[RuleBasedStateMachine]", hypothesis.seed(_number(seed))(begun))  # any maker of machines
        run_state_machine_as_test(factory, settings=hypothesis.settings(_bounded(examples), stateful_step_count=steps))


class Search:
    """One search for a breach, over examples of one step or more.

    It bounds the shrinking: past the bound, only the smallest example known so far is tried again.
    """

    def __init__(self) -> None:
        self._smallest: list[object] = []
        self._examples = 0
        self._taken: list[object] = []
        self._is_idle = False
        self.breach: Violation | None = None

    def begin(self) -> None:
        """An example begins."""
        self._examples += self.breach is not None
        self._taken = []
        self._is_idle = False

    def take(self, step: object, act: Callable[[], None]) -> None:
        """Takes one step of the example, unless the example is not tried any more, or has already broken something."""
        if self._is_idle:
            return
        self._taken.append(step)
        if self._examples > SHRINKING_CALLS and self._taken != self._smallest[: len(self._taken)]:
            self._is_idle = True
            return
        try:
            act()
        except Violation as breach:
            self._smallest, self.breach, self._is_idle = list(self._taken), breach, True
            raise


def _number(seed: str) -> int:
    return crc32(seed.encode())


def _bounded(examples: int) -> settings:
    import hypothesis

    return hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        print_blob=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )


@contextmanager
def _searching(search: Search) -> Iterator[None]:
    """With hypothesis' own files in the user's cache; a breach that did not show again is marked."""
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.errors import Flaky

    set_hypothesis_home_dir(_cache())
    try:
        yield
    except Flaky:
        if search.breach is None:
            raise
        search.breach.is_flaky = True
        raise search.breach from None
    finally:
        set_hypothesis_home_dir(None)


def _cache() -> Path:
    """Where hypothesis may keep its tables: the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuroengine-conformance" / "hypothesis"
