"""A judgement for a person: a line an area while it runs, then what is wrong, the verdict last.

Colours come from rich, which is imported when something is printed; into a pipe goes plain text.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from conformance.reports.document import LOST, headline, missing_needs, short_reason, unexpected
from conformance.reproduce.script import steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from conformance.requirement import Binding
    from conformance.settings import Settings

STYLES: Final = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim", "error": "bold magenta"}
REASONS_SHOWN: Final = 6


class Terminal:
    """Prints a judgement as it goes. It is a run's `Progress`."""

    def __init__(self) -> None:
        from rich.console import Console

        class Output(Console):
            def on_broken_pipe(self) -> None:
                # Whoever read along (`head`) is gone; the judgement goes on, and its report is still written.
                with suppress(SystemExit):
                    super().on_broken_pipe()

        self._console: Console = Output(file=sys.stdout, highlight=False, markup=False, soft_wrap=True)
        self._left: Counter[str] = Counter()
        self._seen: dict[str, Counter[str]] = {}

    def announce(self, settings: Settings, what: str) -> None:
        """Says before the first request what is sent, how much of it, and where to."""
        most = f"at most {settings.max_requests} requests" if settings.max_requests else "no bound on requests"
        pace = f"{settings.rate:g} a second" if settings.rate else "as fast as it answers"
        self._console.print(f"Judging {what}")
        self._console.print(f"profile {settings.profile}, seed {settings.seed}; {most}, {pace}\n")

    def begin(self, checks: Sequence[Binding]) -> None:
        """Counts what is to come."""
        self._left = Counter(found.requirement.area for found in checks)
        self._seen = {area: Counter() for area in self._left}

    def note(self, record: dict[str, Any]) -> None:
        """Prints a line when an area is through."""
        area = record["requirement"].split("-")[1]
        self._left[area] -= 1
        self._seen[area][_word(record)] += 1
        if not self._left[area]:
            seen = self._seen[area]
            told = ", ".join(f"{count} {word}" for word, count in seen.items())
            style = "red" if seen["broken"] or seen["in error"] else "green" if seen["passed"] else "dim"
            self._console.print(f"  {area:<8} {told}", style=style)

    def finish(self, report: dict[str, Any]) -> None:
        """Prints what is wrong, requirement by requirement, and the verdict."""
        for verdict in ("warn", "error", "fail"):
            for entry in unexpected(report, verdict):
                if not (verdict == "error" and report["stopped"]):
                    self._tell(entry)
        self._tell_expected(report)
        self._tell_skipped(report)
        self._verdict(report)

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
        more = [f"{breach['check']}[{breach['case']}]" for breach in entry["breaches"][1:]]
        if more:
            self._console.print(f"  also: {', '.join(more)}")

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
        self._console.print(
            f"{figures}; {report['requests']} requests in {report['seconds']:.1f} s, seed {report['seed']}"
        )


def _what_is_missing(report: dict[str, Any]) -> str:
    needs = missing_needs(report)
    return f" The others: {'; '.join(needs[:3])}." if needs else ""


def _word(record: dict[str, Any]) -> str:
    if record["breach"]:
        return "flaky" if record["breach"]["flaky"] else "broken"
    return {"passed": "passed", "skipped": "not judged"}.get(record["outcome"], "in error")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
