"""The report as a badge: an SVG, or the JSON that shields.io makes one from."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from conformance.reports.document import unexpected

COLOURS: Final = {
    "brightgreen": "#1a7f37",
    "green": "#347d39",
    "yellow": "#8a6100",
    "red": "#cf222e",
    "lightgrey": "#59636e",
}
"""What shields.io calls its colours, dark enough for white letters."""
CHAR_WIDTH: Final = 6.6
PADDING: Final = 10.0
HEIGHT: Final = 20


def badge(report: dict[str, Any]) -> dict[str, Any]:
    """What the badge says, in the form of a shields.io endpoint."""
    musts, counts = report["musts"], report["counts"]
    label = f"Neuroengine {report['settings']['profile']} {report['spec_revision']}"
    if report["exit_code"] == 3:
        message, colour = "not judged", "lightgrey"
    elif counts["fail"]:
        new = len(unexpected(report, "fail"))
        message, colour = f"{counts['fail']} broken", "red" if new else "yellow"
    else:
        complete = musts["judged"] == musts["in_scope"]
        message = f"{musts['judged']} of {musts['in_scope']} MUSTs"
        colour = "brightgreen" if complete and not counts["warn"] else "green"
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}


def badge_svg(report: dict[str, Any]) -> str:
    """The badge as a picture with a text alternative; it loads nothing."""
    said = badge(report)
    left, right = (len(said[part]) * CHAR_WIDTH + 2 * PADDING for part in ("label", "message"))
    label, message = escape(said["label"]), escape(said["message"])
    width, edge = left + right, right - 3
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{HEIGHT}" role="img" '
        f'aria-label="{label}: {message}"><title>{label}: {message}</title>'
        f'<rect width="{width:.0f}" height="{HEIGHT}" rx="3" fill="#3d444d"/>'
        f'<path d="M{left:.1f} 0h{edge:.1f}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left:.1f}z" '
        f'fill="{COLOURS[said["color"]]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:.1f}" y="14">{label}</text>'
        f'<text x="{left + right / 2:.1f}" y="14">{message}</text></g></svg>\n'
    )
