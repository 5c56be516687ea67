"""The report as one HTML file that loads nothing: for a person, in light and dark, by mouse or keyboard.

Whatever a hub said is text: the template escapes all that it is given, and the page's policy lets nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.reports.causes import causes
from conformance.reports.document import VERDICTS, headline, missing_needs

if TYPE_CHECKING:
    import jinja2

HERE: Final = Path(__file__).parent
WORST_FIRST: Final = ("fail", "error", "warn", "skip", "pass")
LOUD: Final = {"fail", "error", "warn"}


def html(report: dict[str, Any]) -> str:
    """The page."""
    style, script = (HERE.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return _template().render(
        report=report,
        headline=headline(report),
        tone=_tone(report),
        areas=_areas(report),
        causes=causes(report),
        missing=missing_needs(report),
        verdicts=VERDICTS,
        loud=LOUD,
        style=style,
        script=script,
        digests={"style": _digest(style), "script": _digest(script)},
    )


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["pretty"] = pretty
    return environment.get_template("report.html")


def pretty(text: str) -> str:
    """JSON with line breaks, where a text is JSON; the text itself otherwise."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _tone(report: dict[str, Any]) -> str:
    """Which verdict's colour the head of the page has."""
    if report["exit_code"] == 3:
        return "error"
    if report["exit_code"]:
        return "fail"
    return "pass" if report["conforms"] else "warn"


def _areas(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The requirements by area; in each, what is wrong comes first."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for entry in report["requirements"]:
        areas.setdefault(entry["id"].split("-")[1], []).append(entry)
    for entries in areas.values():
        entries.sort(key=lambda entry: WORST_FIRST.index(entry["verdict"]))
    return areas


def _digest(text: str) -> str:
    """Names a text in the page's policy, which lets no other style or script in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
