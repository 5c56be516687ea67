"""What is measured, one module an item; each has `measure`, which gives its rows as they are ready."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measure import Effort, Row

ITEMS: Final = {
    "http": "The mock hub over HTTP",
    "in_process": "The mock hub in process",
    "client": "The client",
    "provider": "The provider's path",
    "model": "The simulated model",
    "conformance": "The conformance suite",
    "growth": "Growth",
    "start": "Imports and starts",
    "soak": "Endurance",
}
"""The items in the order in which they are measured, each with its title."""


def measure(item: str, effort: Effort) -> Iterator[Row]:
    """The rows of one item."""
    rows: Iterator[Row] = import_module(f"benchmarks.rows.{item}").measure(effort)
    return rows
