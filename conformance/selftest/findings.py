"""What the judgements of known hubs say of the suite: counts, and the page that shows them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from conformance.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.selftest.hubs import Kind

KINDS: Final[dict[Kind, str]] = {
    "wrong": "wrong hubs found by the rule that they break",
    "right": "seeds on the faultless hub without a finding",
    "variant": "judgements of hubs that differ as they may without a finding",
    "null": "hubs that serve nobody without a pass",
}


def summary(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts a kind, the objections, and the checked MUSTs that no wrong hub breaks.

    A wrong hub counts as found where every seed finds it.
    """
    by_hub: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for entry in entries:
        by_hub[entry["kind"], entry["name"]].append(not entry["objection"])
    broken = {entry["breaks"] for entry in entries if entry["kind"] == "wrong" and all(by_hub["wrong", entry["name"]])}
    musts = [row.id for row in catalogue().values() if row.role == "hub" and row.level == "MUST" and row.checks]
    return {
        "judgements": len(entries),
        "kinds": {
            kind: {
                "hubs": len(of_kind := [verdicts for (known, _), verdicts in by_hub.items() if known == kind]),
                "good_hubs": sum(all(verdicts) for verdicts in of_kind),
                "judgements": sum(len(verdicts) for verdicts in of_kind),
                "good_judgements": sum(sum(verdicts) for verdicts in of_kind),
            }
            for kind in KINDS
        },
        "objections": [entry for entry in entries if entry["objection"]],
        "musts": len(musts),
        "musts_without_wrong_hub": [name for name in musts if name not in broken],
        "requests": sum(entry["requests"] for entry in entries),
        "seconds": round(sum(entry["seconds"] for entry in entries), 1),
    }


def results_markdown(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The results as Markdown: what was judged, the counts, what was not as it has to be, and the tables."""
    found = summary(entries)
    dates = sorted({entry["date"] for entry in entries})
    yield f"Judged on {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}, suite `{entries[0]['suite']}`, hubs "
    yield f"`{entries[0]['hubs']}`: {found['judgements']:,} judgements with {found['requests']:,} requests in "
    yield f"{found['seconds'] / 60:.0f} minutes."
    yield ""
    yield "| what was judged | as it has to be | of |"
    yield "|---|--:|--:|"
    for kind, meaning in KINDS.items():
        counts, per = found["kinds"][kind], "hubs" if kind in {"wrong", "null"} else "judgements"
        yield f"| {meaning} | {counts[f'good_{per}']} | {counts[per]} |"
    without = found["musts_without_wrong_hub"]
    yield f"| MUSTs with a check that a wrong hub breaks | {found['musts'] - len(without)} | {found['musts']} |"
    if without:
        yield f"\nMUSTs that no wrong hub breaks: {', '.join(without)}."
    if found["objections"]:
        yield from ("", "Not as it has to be:", "")
        for entry in found["objections"]:
            yield f"- {entry['kind']} `{entry['name']}`, seed {entry['seed']}: {entry['objection']}"
    for kind, title in (("wrong", "Wrong hubs"), ("variant", "Hubs that differ"), ("null", "Hubs that serve nobody")):
        of_kind = [entry for entry in entries if entry["kind"] == kind]
        if of_kind:
            yield from ("", f"### {title}", "")
            yield from _killed(of_kind) if kind == "wrong" else _judged(of_kind)


def _killed(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| requirement | level | wrong hub | found with | also broken | requests | seconds |"
    yield "|---|---|---|---|---|--:|--:|"
    for (breaks, name), of_hub in sorted(_grouped(entries, "breaks", "name").items()):
        others = sorted({row for entry in of_hub for row in entry["found_by"]} - {breaks})
        found = f"{sum(not entry['objection'] for entry in of_hub)} of {len(of_hub)} seeds"
        what = f"| {breaks} | {catalogue()[breaks].level} | `{name}` | {found} | {', '.join(others)} "
        yield what + f"| {_average(of_hub, 'requests'):.0f} | {_average(of_hub, 'seconds'):.1f} |"


def _judged(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| hub | seeds | as it has to be | rules passed | requests | seconds |"
    yield "|---|--:|--:|--:|--:|--:|"
    for (name,), of_hub in _grouped(entries, "name").items():
        good = sum(not entry["objection"] for entry in of_hub)
        averages = " | ".join(f"{_average(of_hub, what):.0f}" for what in ("passed", "requests", "seconds"))
        yield f"| `{name}` | {len(of_hub)} | {good} | {averages} |"


def _grouped(entries: Sequence[dict[str, Any]], *by: str) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        groups[tuple(entry[member] for member in by)].append(entry)
    return groups


def _average(entries: Sequence[dict[str, Any]], what: str) -> float:
    return float(sum(entry[what] for entry in entries) / len(entries))
