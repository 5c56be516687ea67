"""Runs a check over many generated requests and keeps the smallest that breaks the requirement.

Laws: the breach that is reported comes from a last real exchange with the smallest request; a breach that does not
show again there is marked as flaky; what is generated follows from the seed alone; nothing is written into the
caller's folder.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zlib import crc32

from conformance.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

Example = TypeVar("Example")

SHRINKING_CALLS: Final = 150
"""The most examples that are tried once one has broken the requirement."""
SHRINKING_S: Final = 3.0
"""And the most time for them: a hub that falls silent takes a limit's time for each."""


def explore(strategy: SearchStrategy[Example], check: Callable[[Example], None], seed: str, examples: int) -> None:
    """Runs `check` on examples of `strategy`.

    Raises:
        Violation: an example breaks the requirement; this is the smallest one found.
    """
    import hypothesis
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.errors import Flaky

    search = _Search(check)

    def run(example: Example) -> None:
        search.run(example)

    bounded = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        print_blob=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    set_hypothesis_home_dir(_cache())
    try:
        hypothesis.seed(crc32(seed.encode()))(bounded(hypothesis.given(strategy)(run)))()
    except Flaky:
        if search.breach is None:
            raise
        search.breach.is_flaky = True
        raise search.breach from None
    finally:
        set_hypothesis_home_dir(None)


class _Search:
    """Bounds the shrinking: past it, only the smallest example known so far is tried again."""

    def __init__(self, check: Callable[[Any], None]) -> None:
        self._check = check
        self._smallest: object = None
        self._calls = 0
        self._until = 0.0
        self.breach: Violation | None = None

    def run(self, example: object) -> None:
        if self.breach is not None:
            self._calls += 1
            is_over = self._calls > SHRINKING_CALLS or time.monotonic() > self._until
            if is_over and example != self._smallest:
                return
        try:
            self._check(example)
        except Violation as breach:
            self._until = self._until or time.monotonic() + SHRINKING_S
            self._smallest, self.breach = example, breach
            raise


def _cache() -> Path:
    """Where hypothesis may keep its tables: the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuroengine-conformance" / "hypothesis"
