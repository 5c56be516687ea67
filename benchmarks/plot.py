"""Curves as SVG: how something grows, with both axes by powers of ten, beside the line of linear growth."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Row

WIDTH: Final = 420
HEIGHT: Final = 280
LEFT: Final = 64
RIGHT: Final = 24
TOP: Final = 30
BOTTOM: Final = 48
INK: Final = "#808080"
"""A grey that can be read on a light page and on a dark one; so can the curve's colour."""
CURVE: Final = "#3572c6"


class _Axis(NamedTuple):
    """A range of powers of ten, and where its ends lie on the picture."""

    low: int
    high: int
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return _Axis(low, max(high, low + 1), start, end)


def svg(row: Row) -> str:
    """The picture of a row that has points, all of them above 0."""
    across = _axis([x for x, _ in row.points], LEFT, WIDTH - RIGHT)
    up = _axis([y for _, y in row.points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f'<g role="img" font-family="sans-serif" font-size="11" fill="{INK}">',
        f"<title>{escape(row.name)}</title>",
        f'<text x="{LEFT}" y="16" font-size="12">{escape(row.name)}</text>',
    ]
    for power in range(across.low, across.high + 1):
        x = across.place(10.0**power)
        parts += [_line(x, TOP, x, HEIGHT - BOTTOM, "0.3"), _text(x, HEIGHT - BOTTOM + 14, _ten(power), "middle")]
    for power in range(up.low, up.high + 1):
        y = up.place(10.0**power)
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "0.3"), _text(LEFT - 6, y + 4, _ten(power), "end")]
    parts += [
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, row.axes[0], "middle"),
        f'<g transform="rotate(-90 14 {HEIGHT / 2})">{_text(14, HEIGHT / 2, row.axes[1], "middle")}</g>',
        _linear(row, across, up),
    ]
    places = [(across.place(x), up.place(y)) for x, y in row.points]
    joined = " ".join(f"{x},{y}" for x, y in places)
    parts.append(f'<polyline points="{joined}" fill="none" stroke="{CURVE}" stroke-width="2"/>')
    parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{CURVE}"/>' for x, y in places]
    return "\n".join([*parts, "</g></svg>"]) + "\n"


def _linear(row: Row, across: _Axis, up: _Axis) -> str:
    """Linear growth from the last point back, as far as the picture reaches."""
    x, y = row.points[-1]
    first = max(row.points[0][0], x * 10.0**up.low / y)
    start = (across.place(first), up.place(y * first / x))
    return _line(*start, across.place(x), up.place(y), "1", ' stroke-dasharray="4 3"')


def _line(x1: float, y1: float, x2: float, y2: float, width: str, more: str = "") -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" stroke-width="{width}"{more}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _ten(power: int) -> str:
    """A power of ten as people write it."""
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
