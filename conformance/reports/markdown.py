"""The report as a page of Markdown, for a pull request or the summary of a CI job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.reports.document import headline, missing_needs, seen_as, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN: Final = 20
"""The most requirements of a verdict that are told."""
LOUD: Final = ("fail", "error", "warn", "flaky")
_SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|#!"})


def markdown(report: dict[str, Any]) -> str:
    """The page: the verdict, the counts, and what is broken with what repeats it."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    settings, counts, musts = report["settings"], report["counts"], report["musts"]
    yield f"## Neuroengine conformance: {headline(report)}"
    yield ""
    yield (
        f"`{settings['url']}`, service `{settings['service']}`; profile {settings['profile']}, seed {report['seed']}, "
        f"spec {report['spec_revision']}; {report['requests']} requests in {report['seconds']:.1f} s"
    )
    yield ""
    yield "| " + " | ".join(counts) + " | MUSTs judged |"
    yield "|" + "--:|" * (len(counts) + 1)
    yield "| " + " | ".join(map(str, counts.values())) + f" | {musts['judged']} of {musts['in_scope']} |"
    for stale in report["expectations"]["stale"]:
        yield f"\n**Stale expected failure {stale['id']}**: {_text(stale['why'])}"
    for seen in LOUD:
        entries = [] if seen == "error" and report["stopped"] else unexpected(report, seen)
        for entry in entries[:SHOWN]:
            yield from _entry(entry)
        if len(entries) > SHOWN:
            yield f"\nand {len(entries) - SHOWN} more of verdict {seen}; the JSON report has them."
    if expected := [entry["id"] for entry in report["requirements"] if entry["expected"]]:
        yield f"\nBroken as expected: {', '.join(expected)}."
    if missing := missing_needs(report):
        yield f"\nMUSTs that were not judged: {_text('; '.join(missing))}."


def _entry(entry: dict[str, Any]) -> Iterator[str]:
    yield f"\n### {seen_as(entry).upper()} {entry['id']} ({entry['level']}): {_text(entry['title'])}"
    yield f"\n{_text(entry['sentence'])}"
    if entry["reason"]:
        yield f"\n{_text(entry['reason'])}"
    for breach in entry["breaches"][:1]:
        yield f"\n- expected: {_text(breach['expected'])}\n- actual: {_text(breach['actual'])}"
        yield "\n<details><summary>Repeat it</summary>\n"
        fence = "`" * max(3, _longest_run(breach["reproduce"]) + 1)
        yield f"{fence}sh\n{breach['reproduce']}\n{fence}\n"
        yield "</details>"


def _text(text: str) -> str:
    """A text of anybody's as plain text: nothing in it is Markdown or HTML."""
    return " ".join(text.split()).replace("&", "&amp;").translate(_SPECIAL)


def _longest_run(text: str) -> int:
    """The longest row of backticks: a fence has to be longer."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
