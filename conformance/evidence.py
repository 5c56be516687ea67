"""What a check says when it cannot go on: that a requirement is broken, that it cannot be judged, that the hub is gone.

The last two are outcomes of pytest, which hypothesis lets pass; so a property can end in any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from conformance.exchange import Exchange, writable

if TYPE_CHECKING:
    from conformance.timeline import Step

NotJudged: Final = pytest.skip.Exception
"""Raised by `not_judged`."""
TargetLost: Final = pytest.exit.Exception
"""Raised by `target_lost`."""
GONE: Final = 3
"""The exit code of a run whose target could not be reached or stopped answering."""


class Violation(AssertionError):
    """Raised when a real exchange breaks the requirement.

    `expected` and `actual` are for a person; `exchanges` are what shows it, in their order; `steps` are all that
    happened in the check until then, on both legs. `is_final` when a second run of the check would show nothing more.
    `is_flaky` when it did not show again.
    """

    def __init__(
        self,
        expected: str,
        actual: str,
        exchanges: tuple[Exchange, ...],
        steps: tuple[Step, ...] = (),
        *,
        is_final: bool = False,
    ) -> None:
        self.expected = writable(expected)
        self.actual = writable(actual)
        super().__init__(f"expected {self.expected}; got {self.actual}")
        self.exchanges = exchanges
        self.steps = steps
        self.is_final = is_final
        self.is_flaky = False


def not_judged(reason: str) -> NoReturn:
    """Ends a check that cannot judge its requirement here."""
    pytest.skip(reason)


def target_lost(reason: str) -> NoReturn:
    """Ends the run: there is nobody to ask."""
    pytest.exit(reason, returncode=GONE)
