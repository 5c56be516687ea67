"""How something grows: the power of its size that the points follow, 1 being linear."""

from __future__ import annotations

import statistics
from math import log
from typing import TYPE_CHECKING, Final

from benchmarks.measure import at_most, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Row

    Points = Sequence[tuple[float, float]]

LINEAR: Final = at_most(1.1)
"""Linear or better, with a tenth for what a machine adds."""


def power(points: Points) -> float:
    """The power p of a curve y = a·x^p through the points, by least squares of their logarithms."""
    slope, _ = statistics.linear_regression([log(x) for x, _ in points], [log(y) for _, y in points])
    return slope


def grows(name: str, rounds: Sequence[Points], axes: tuple[str, str]) -> Row:
    """The row of a curve that was measured in each round; its points are shown by their medians."""
    powers = [power(points) for points in rounds]
    medians = tuple(
        (at[0][0], statistics.median(y for _, y in at)) for at in (list(column) for column in zip(*rounds, strict=True))
    )
    return row(name, powers, "power", goal=LINEAR, points=medians, axes=axes)
