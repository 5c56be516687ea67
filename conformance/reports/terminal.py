"""A judgement for a person: a line an area while it runs, then what is wrong by its cause, the verdict last.

Colours come from rich, which is imported when something is printed; into a pipe goes plain text. Law: nothing that a
hub says steers the terminal.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from conformance.catalogue import catalogue
from conformance.expected import case_name
from conformance.reports.causes import causes
from conformance.reports.document import LOST, REASONS_SUMMED, headline, missing_needs, short_reason, unexpected
from conformance.reports.live import Live
from conformance.reproduce.script import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from conformance.requirement import Binding
    from conformance.settings import Settings

STYLES: Final = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim", "error": "bold magenta"}
AREA_STYLES: Final = {
    "broken": "red",
    "in error": "red",
    "not followed": "yellow",
    "flaky": "yellow",
    "passed": "green",
}
"""How an area is shown, by the worst that was seen in it."""
REASONS_SHOWN: Final = 6
STORIES_SHOWN: Final = 10
"""So many causes are told at length; of the others each requirement gets a line."""
CASES_SHOWN: Final = 6
_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, or turn the direction of the text."""


class Terminal:
    """Prints a judgement as it goes. It is a run's `Progress`."""

    def __init__(self) -> None:
        from rich.console import Console

        class Output(Console):
            def on_broken_pipe(self) -> None:
                # Whoever read along (`head`) is gone; the judgement goes on, and its report is still written.
                with suppress(SystemExit):
                    super().on_broken_pipe()

            def print(self, *objects: Any, **how: Any) -> None:
                super().print(*map(_tame, objects), **how)

        self._console: Console = Output(file=sys.stdout, highlight=False, markup=False, soft_wrap=True)
        self._live = Live(self._console)
        self._left: Counter[str] = Counter()
        self._seen: dict[str, Counter[str]] = {}

    def announce(self, settings: Settings, what: str) -> None:
        """Says before the first request what is sent, how much of it, and where to."""
        most = f"at most {settings.max_requests} requests" if settings.max_requests else "no bound on requests"
        pace = f"{settings.rate:g} a second" if settings.rate else "as fast as it answers"
        self._console.print(f"Judging {what}")
        self._console.print(f"profile {settings.profile}, seed {settings.seed}; {most}, {pace}")
        for line in _also_sent(settings):
            self._console.print(line)
        self._console.print()

    def begin(self, checks: Sequence[Binding]) -> None:
        """Counts what is to come."""
        self._console.print("checks by area:", style="dim")
        self._left = Counter(found.requirement.area for found in checks)
        self._seen = {area: Counter() for area in self._left}
        self._live.begin(len(checks))

    def expect(self, told: str) -> None:
        """Prints how long it will take."""
        self._console.print(told, style=STYLES["warn"])

    def note(self, record: dict[str, Any]) -> None:
        """Prints a line when an area is through."""
        from rich.text import Text

        self._live.note(record)
        area = record["requirement"].split("-")[1]
        self._left[area] -= 1
        self._seen[area][_word(record)] += 1
        if not self._left[area]:
            seen = self._seen[area]
            told = ", ".join(f"{count} {word}" for word, count in seen.items())
            style = next((style for word, style in AREA_STYLES.items() if seen[word]), "dim")
            self._console.print(Text(f"  {area:<8} {told}", style=style))  # a style of `print` would be the bar's too

    def end(self) -> None:
        """The checks are over."""
        self._live.end()

    def finish(self, report: dict[str, Any]) -> None:
        """Prints what was not judged or is known, then what is wrong, the worst last, and the verdict."""
        self._tell_skipped(report)
        self._tell_expected(report)
        for entry in unexpected(report, "flaky"):
            self._tell_shortly("FLAKY", entry, f": seen once, not again: {entry['breaches'][0]['actual']}")
        if not report["stopped"]:
            for entry in unexpected(report, "error"):
                self._tell(entry)
        self._tell_causes(report)
        self._tell_stale(report)
        self._verdict(report)

    def _tell_causes(self, report: dict[str, Any]) -> None:
        """One story for all that is broken by the same cause; the cause that breaks most MUSTs comes last."""
        for place, (actual, (first, *others)) in reversed(list(enumerate(causes(report)))):
            if place >= STORIES_SHOWN:
                for entry in (first, *others):
                    self._tell_shortly(entry["verdict"].upper(), entry, f": {actual}")
                continue
            self._tell(first)
            if others:
                self._console.print("  The same came where these were judged:")
            for entry in others:
                self._tell_shortly(f"  {entry['verdict'].upper()}", entry)

    def _tell_shortly(self, word: str, entry: dict[str, Any], more: str = "") -> None:
        style = STYLES[entry["verdict"]]
        self._console.print(f"{word} {entry['id']} {entry['level']}: {entry['title']}{more}", style=style)

    def _tell(self, entry: dict[str, Any]) -> None:
        style = STYLES[entry["verdict"]]
        self._console.print(
            f"\n{entry['verdict'].upper()} {entry['id']} {entry['level']}: {entry['title']}", style=style
        )
        self._console.print(f"  {entry['sentence']}")
        if entry["reason"]:
            self._console.print(f"  {entry['reason']}")
        for error in entry["errors"][:1]:
            self._console.print(_indented(error["traceback"]))
        for breach in entry["breaches"][:1]:
            self._tell_breach(breach)
        more = [case_name(breach) for breach in entry["breaches"][1:]]
        if more:
            rest = f" and {len(more) - CASES_SHOWN} more" if len(more) > CASES_SHOWN else ""
            self._console.print(f"  also: {', '.join(more[:CASES_SHOWN])}{rest}")
        if entry["breaches"] and entry["mend"]:
            self._console.print(f"  to mend it: {entry['mend']}")

    def _tell_breach(self, breach: dict[str, Any]) -> None:
        lines = {"expected": breach["expected"], "actual": breach["actual"]}
        for shown in breach["exchanges"][-1:]:
            request, answer = shown["request"], shown["answer"]
            lines["request"] = f"POST {request['url']} {request['body']}"
            lines["answer"] = answer.get("detail") or f"status {answer['status']} {answer['body']}"
        count = len(breach["exchanges"])
        where = f" (the last of {count} exchanges is shown)" if count > 1 else ""
        lines["found by"] = f"{breach['check']}{where}"
        for label, text in lines.items():
            self._console.print(f"  {label:<9} {text.strip()}".replace("\n", f"\n{' ' * 12}"))
        steps = steps_of(breach["reproduce"])
        self._console.print("  repeat it with" + (" the script in the JSON report, which does this:" if steps else ""))
        self._console.print(_indented(steps or breach["reproduce"]))

    def _tell_expected(self, report: dict[str, Any]) -> None:
        expected = [entry["id"] for entry in report["requirements"] if entry["expected"]]
        if expected:
            self._console.print(f"\nbroken as expected: {', '.join(expected)}", style="dim")

    def _tell_stale(self, report: dict[str, Any]) -> None:
        for entry in report["expectations"]["stale"]:
            case = f" {entry['case']}" if entry["case"] else ""
            self._console.print(f"\nSTALE expected failure {entry['id']}{case}: {entry['why']}", style=STYLES["fail"])

    def _tell_skipped(self, report: dict[str, Any]) -> None:
        grouped = Counter(short_reason(entry) for entry in report["requirements"] if entry["verdict"] == "skip")
        if not grouped or report["stopped"]:
            return
        self._console.print(f"\n{grouped.total()} requirements were not judged:", style="dim")
        for reason, count in grouped.most_common(REASONS_SHOWN):
            self._console.print(f"  {count:>3}  {reason}", style="dim")
        if len(grouped) > REASONS_SHOWN:
            self._console.print(
                f"  and {len(grouped) - REASONS_SHOWN} other reasons; the JSON report has them", style="dim"
            )

    def _verdict(self, report: dict[str, Any]) -> None:
        counts, musts = report["counts"], report["musts"]
        said = headline(report)
        told = f"{musts['judged']} of {musts['in_scope']} MUSTs were judged."
        style = "bold green" if report["conforms"] else "bold" if not report["exit_code"] else STYLES["fail"]
        if report["exit_code"] == LOST:
            self._console.print(f"\n{said}", style=STYLES["error"])
        else:
            self._console.print(f"\n{said}{';' if ':' in said else ':'} {told}{_what_is_missing(report)}", style=style)
        figures = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        for remark in report["remarks"]:
            self._console.print(remark, style=STYLES["warn"])
        sent = f"{report['requests']} requests in {report['seconds']:.1f} s"
        self._console.print(f"requirements: {figures}; {sent}, seed {report['seed']}")


def _also_sent(settings: Settings) -> Iterator[str]:
    """What a run sends beside requests to the service, and to whom."""
    others = (settings.second_service, settings.access_service, settings.quota_service)
    if asked := ", ".join(dict.fromkeys(name for name in others if name not in {"", settings.service})):
        yield f"asks the services {asked} too"
    if settings.provider:
        yield (
            f"logs in at {settings.provider} as the provider of {settings.provided}, again and again, also wrongly: "
            "whoever serves that service is replaced while this runs"
        )


def _tame(shown: Any) -> Any:
    """A text as the terminal can show it: escapes for what would steer it, and for what its encoding has not."""
    if not isinstance(shown, str):
        return shown
    encoding = sys.stdout.encoding or "utf-8"
    text = _STEERING.sub(lambda found: repr(found[0])[1:-1], shown)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _what_is_missing(report: dict[str, Any]) -> str:
    needs = missing_needs(report)
    more = [f"and {len(needs) - REASONS_SUMMED} other reasons"] if len(needs) > REASONS_SUMMED else []
    return f" The others: {'; '.join(needs[:REASONS_SUMMED] + more)}." if needs else ""


def _word(record: dict[str, Any]) -> str:
    if record["breach"]:
        word = "broken" if catalogue()[record["requirement"]].level == "MUST" else "not followed"
        return "flaky" if record["breach"]["flaky"] else word
    return {"passed": "passed", "skipped": "not judged"}.get(record["outcome"], "in error")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
