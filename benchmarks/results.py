"""Results as JSON: the machine, the versions, and the rows by their items."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Goal, Row
from benchmarks.rows import ITEMS

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Results:
    """What a run, or several that were put together, found."""

    machine: dict[str, Any]
    versions: dict[str, str]
    items: dict[str, list[Row]] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)
    """The day on which each item was measured, in UTC."""

    def put(self, item: str, rows: list[Row]) -> None:
        """Takes the rows of an item, in place of older ones."""
        self.items[item] = rows
        self.days[item] = datetime.now(UTC).date().isoformat()

    def as_json(self) -> str:
        """The results as text, the same for the same rows."""
        rows = [
            {"item": item, "day": self.days[item], **_row_data(row)}
            for item in ITEMS
            for row in self.items.get(item, ())
        ]
        data = {"machine": self.machine, "versions": dict(sorted(self.versions.items())), "rows": rows}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_results(file: Path) -> Results:
    """The results that a file holds."""
    data = json.loads(file.read_text(encoding="utf-8"))
    results = Results(data["machine"], data["versions"])
    for entry in data["rows"]:
        results.items.setdefault(entry["item"], []).append(_row_of(entry))
        results.days[entry["item"]] = entry["day"]
    return results


def _row_data(row: Row) -> dict[str, Any]:
    """The row's members; those that say nothing are left out."""
    data: dict[str, Any] = {
        "name": row.name,
        "against": row.against,
        "goal": None if row.goal is None else str(row.goal),
        "median": None if row.why_not else _rounded(row.median),
        "spread": None if row.why_not else [_rounded(value) for value in row.spread],
        "unit": row.unit,
        "met": row.met,
        "rounds": row.rounds,
        "load": row.load,
    }
    if row.why_not:
        data["why_not"] = row.why_not
    if row.points:
        data["points"] = [[_rounded(x), _rounded(y)] for x, y in row.points]
        data["axes"] = list(row.axes)
    return data


def _row_of(data: dict[str, Any]) -> Row:
    is_there = data["median"] is not None
    return Row(
        data["name"],
        data["unit"],
        data["median"] if is_there else 0.0,
        tuple(data["spread"]) if is_there else (0.0, 0.0),
        data["rounds"],
        against=data["against"],
        goal=None if data["goal"] is None else Goal.read(data["goal"]),
        why_not=data.get("why_not", ""),
        points=tuple((x, y) for x, y in data.get("points", ())),
        axes=tuple(data.get("axes", ("", ""))),
        load=data["load"],
    )


def _rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")
