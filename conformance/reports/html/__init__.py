"""The report as one HTML file that loads nothing: for a person, in light and dark, by mouse or keyboard.

Laws: whatever a hub said is text, so the template escapes all that it is given, and the page's policy lets nothing be
loaded; what all scripts begin with stands in the page once; a page stays small enough to be sent and read, however much
is broken, and says what it leaves out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.reports.causes import causes
from conformance.reports.document import VERDICTS, headline, missing_needs, seen_as, unexpected
from conformance.reproduce.script import ENDS, parts

if TYPE_CHECKING:
    import jinja2
    import markupsafe

_CODE: Final = re.compile("`([^`]+)`")
HERE: Final = Path(__file__).parent
WORST_FIRST: Final = ("fail", "error", "warn", "skip", "pass")
LOUD: Final = {"fail", "error", "warn"}
BREACHES_SHOWN: Final = 5
"""The most breaches of a requirement that are told at length."""
EXCHANGES_SHOWN: Final = 3
STEPS_SHOWN: Final = 60
EVIDENCE_CHARS: Final = 1_000_000
"""So much of wire logs, bodies and reproductions is shown in all; the first breach of each requirement comes first."""


def html(report: dict[str, Any]) -> str:
    """The page."""
    style, script = (HERE.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    scripts = _scripts(report)
    return _template().render(
        report=report,
        scripts=scripts,
        evidence=_evidence(report, scripts),
        breaches_shown=BREACHES_SHOWN,
        flaky=unexpected(report, "flaky"),
        seen_as=seen_as,
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
    environment.filters["prose"] = prose
    return environment.get_template("report.html")


def pretty(text: str) -> str:
    """JSON with line breaks, where a text is JSON; the text itself otherwise."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _scripts(report: dict[str, Any]) -> dict[str, str]:
    """What scripts begin with, by the name that it has in the page."""
    found = (parts(breach["reproduce"]) for entry in report["requirements"] for breach in entry["breaches"])
    shared = dict.fromkeys(part.shared for part in found if part)
    return {text: f"script-{number}" for number, text in enumerate(shared, 1)}


def _evidence(report: dict[str, Any], scripts: dict[str, str]) -> dict[tuple[str, int], dict[str, Any]]:
    """What shows a breach, by the requirement and the breach's place; none where the page has no room for it."""
    room, shown = EVIDENCE_CHARS, {}
    for place in range(BREACHES_SHOWN):
        for entry in report["requirements"]:
            for breach in entry["breaches"][place : place + 1]:
                evidence = _shown(breach, scripts)
                room -= len(json.dumps(evidence, ensure_ascii=False))
                if room > 0:
                    shown[entry["id"], place] = evidence
    return shown


def _shown(breach: dict[str, Any], scripts: dict[str, str]) -> dict[str, Any]:
    """The last exchanges and steps, and what repeats them, with the name of what its script begins with."""
    steps, script = breach["timeline"], parts(breach["reproduce"])
    return {
        "exchanges": breach["exchanges"][-EXCHANGES_SHOWN:],
        "steps": steps[-STEPS_SHOWN:],
        "left_out": max(len(steps) - STEPS_SHOWN, 0),
        "first": script.first if script else "",
        "script": scripts[script.shared] if script else "",
        "lines": script.steps.removesuffix(f"\n{ENDS}") if script else breach["reproduce"],
    }


def prose(text: str) -> markupsafe.Markup:
    """A sentence of the spec, with what stands between backticks as code."""
    import markupsafe

    return markupsafe.Markup(_CODE.sub(r"<code>\1</code>", str(markupsafe.escape(text))))  # noqa: S704 - it is escaped


def _tone(report: dict[str, Any]) -> str:
    """Which verdict's colour the head of the page has."""
    if report["exit_code"] == 3:
        return "error"
    if report["exit_code"]:
        return "fail"
    return "pass" if report["conforms"] else "warn"


def _areas(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The requirements by area; what is wrong comes first, among the areas as in each."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for entry in report["requirements"]:
        areas.setdefault(entry["id"].split("-")[1], []).append(entry)
    for entries in areas.values():
        entries.sort(key=lambda entry: WORST_FIRST.index(entry["verdict"]))
    return dict(sorted(areas.items(), key=lambda area: not any(entry["breaches"] for entry in area[1])))


def _digest(text: str) -> str:
    """Names a text in the page's policy, which lets no other style or script in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
