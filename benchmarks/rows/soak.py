"""Endurance: what a soak leaves behind."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks import endurance
from benchmarks.measure import at_most, row
from benchmarks.soak import soak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measure import Effort, Row


def measure(effort: Effort) -> Iterator[Row]:
    """The ledger's judgement, and what the hub took of the machine."""
    found = soak(4.0 if effort.quick else effort.soak_s)
    ledger = found.ledger
    yield row("requests with an outcome", [ledger.count], "requests")
    yield row("requests with an outcome a second", [ledger.count / found.seconds], "1/s")
    for outcome, count in sorted(ledger.outcomes.items(), key=lambda item: -item[1]):
        yield row(f"outcome {outcome}", [100 * count / ledger.count], "%")
    yield row("providers that were killed", [found.deaths], "providers")
    yield row("tokens that were checked", [ledger.tokens], "tokens")
    for violation in ledger.violations[:10]:
        effort.notes.append(violation)
    yield row("requests or tokens out of place", [len(ledger.violations)], "violations", goal=at_most(0))
    yield row("faults of the hub's own in its log", [found.faults], "tracebacks", goal=at_most(0))
    fifth = max(1, len(found.memory) // 5)
    early, late = (
        statistics.median(part) for part in (found.memory[fifth : 2 * fifth] or found.memory, found.memory[-fifth:])
    )
    yield row("memory in the last fifth", [late / early], "x", against="the second fifth", goal=at_most(1.1))
    opened = found.files_after - found.files_before
    yield row("file descriptors that stay open", [opened], "descriptors", goal=at_most(0))
    slow = endurance.senders(effort.of(500, 20), asked=effort.of(2000, 100))
    beside = f"p99 of an answer beside {slow['slow_senders']} clients that send a byte a second"
    yield row(beside, [slow["p99_ratio"]], "x", against="itself without them", goal=at_most(2))
    left = endurance.requests(effort.of(50_000, 500), effort.of(5000, 50))
    behind = f"{left['requests']:,} requests and {left['abandoned_streams']:,} abandoned streams: the hub grew by"
    yield row(behind, [left["grown_mb"]], "MB", goal=at_most(20))
