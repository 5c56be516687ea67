"""A plugin of pytest that says what a test took of the processor, once the first few have made everything warm."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

WARM: Final = 20
"""So many tests are not counted."""
_MARK: Final = "a test took"

_begins: list[float] = []


def pytest_runtest_logstart() -> None:
    """A test begins."""
    _begins.append(process_time())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """All tests have ended."""
    counted = len(_begins) - WARM
    terminalreporter.write_line(f"{_MARK} {(process_time() - _begins[WARM]) / counted * 1000} ms")


def told_ms(output: str) -> float:
    """What a run of pytest with this plugin said, in milliseconds."""
    line = next(line for line in output.splitlines() if line.startswith(_MARK))
    return float(line.removeprefix(_MARK).removesuffix(" ms"))
