"""Writes the file of expected failures from a report, and keeps what people wrote into it: reasons, dates, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.expected import Expectation, case_name
from conformance.likeness import steady_beginning

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

TO_BE_SAID: Final = "Say why this is expected."
MESSAGE_CHARS: Final = 60


def updated(text: str, report: dict[str, Any]) -> str:
    """The file's text with an entry for each breach of the report.

    Entries that are met stay as they are; those of rules that are kept now go; what was not judged is left alone.

    Raises:
        ValueError: the report is of a partial run, which says nothing of the rest.
    """
    import tomlkit

    if report["partial"]:
        raise ValueError(
            f"the report is of a partial run ({'; '.join(report['partial'])}); judge the hub as a whole first"
        )
    document = tomlkit.parse(text)
    entries = _entries(document)
    judged = {row["id"]: row for row in report["requirements"] if row["verdict"] not in {"skip", "error"}}
    kept = [entry for entry in entries if entry["id"] not in judged or _is_met(entry, judged[entry["id"]])]
    for place in reversed(range(len(entries))):
        if entries[place] not in kept:
            del entries[place]
    for row in judged.values():
        for breach in row["breaches"]:
            if not breach["flaky"] and not any(_expectation(entry).describes(row["id"], breach) for entry in entries):
                entries.append(_entry(row["id"], breach))
    return tomlkit.dumps(document)


def _entries(document: TOMLDocument) -> AoT:
    import tomlkit

    entries: Any = document.get("expected")
    if entries is None:
        entries = tomlkit.aot()
        document["expected"] = entries
    return entries  # type: ignore[no-any-return] # tomlkit gives no type for a member


def _is_met(entry: Table, row: dict[str, Any]) -> bool:
    return any(_expectation(entry).describes(row["id"], breach) for breach in row["breaches"])


def _expectation(entry: Table) -> Expectation:
    plain = entry.unwrap()
    return Expectation(plain["id"], plain.get("reason", ""), plain.get("case", ""), plain.get("message", ""))


def _entry(requirement: str, breach: dict[str, Any]) -> Table:
    import tomlkit

    table = tomlkit.table()
    table.add("id", requirement)
    table.add("case", case_name(breach))
    table.add("message", steady_beginning(breach["actual"])[:MESSAGE_CHARS])
    table.add("reason", TO_BE_SAID)
    return table
