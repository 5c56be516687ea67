"""The results as a page of the documentation: tables and curves made from the JSON, between what a person wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measure import Row


def write_page(*, check: bool) -> list[Path]:
    raise NotImplementedError


def figure(value: float) -> str:
    """Three digits, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line(row: Row) -> str:
    """The row on one line, for a person who waits for it."""
    if row.why_not:
        return f"   {row.name}: not measured, {row.why_not}"
    low, high = map(figure, row.spread)
    goal = "" if row.goal is None else f", goal {row.goal}: {'met' if row.met else 'MISSED'}"
    against = f" of {row.against}" if row.against else ""
    return f"   {row.name}: {figure(row.median)} {row.unit}{against} [{low} to {high}]{goal}"
