"""What writes each form of a report, by the name of the option that asks for it; imported when it is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


def _as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _junit(report: dict[str, Any]) -> bytes:
    from conformance.reports.junit import junit_xml

    return junit_xml(report)


def _html(report: dict[str, Any]) -> bytes:
    from conformance.reports.html import html

    return html(report).encode("utf-8", "backslashreplace")


def _markdown(report: dict[str, Any]) -> bytes:
    from conformance.reports.markdown import markdown

    return markdown(report).encode("utf-8", "backslashreplace")


def _har(report: dict[str, Any]) -> bytes:
    from conformance.reports.har import har

    return _as_json(har(report))


def _ctrf(report: dict[str, Any]) -> bytes:
    from conformance.reports.ctrf import ctrf

    return _as_json(ctrf(report))


def _badge(report: dict[str, Any]) -> bytes:
    from conformance.reports.badge import badge_svg

    return badge_svg(report).encode()


FORMS: Final[dict[str, Callable[[dict[str, Any]], bytes]]] = {
    "json": _as_json,
    "html": _html,
    "junit": _junit,
    "markdown": _markdown,
    "har": _har,
    "ctrf": _ctrf,
    "badge": _badge,
}
