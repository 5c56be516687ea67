"""What a failed assertion says: what was wanted, what there is, and how the nearest exchanges differ."""

from __future__ import annotations

import difflib
from itertools import count
from typing import TYPE_CHECKING, Final

from mockserver.journal.entry import Entry
from mockserver.redaction import KEY_FIELD
from mockserver.rules.expected import Equals, printable
from mockserver.rules.near import MOST_COMPARED, distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mockserver.journal.query import Query
    from mockserver.rules.criteria import Mismatch
    from mockserver.state.exchanges import Exchange

MOST_SHOWN: Final = 5
"""How many exchanges of a kind are shown."""


def count_report(wanted: str, query: Query, exchanges: Iterable[Exchange]) -> str:
    """Why the number of exchanges that a query finds is not the wanted one."""
    found: list[Exchange] = []
    others: list[Exchange] = []
    for exchange in exchanges:
        (found if query.holds(exchange) else others).append(exchange)
    total = len(found) + len(others)
    there = f"{len(found)} of the {total} in the journal {'is' if len(found) == 1 else 'are'} so"
    lines = [f"{wanted}: {query}; {there if total else 'the journal is empty'}."]
    lines += _section("So are:", found)
    lines += _nearest(query, others)
    return "\n".join(lines)


def order_report(queries: Sequence[Query], taken: Sequence[Exchange], exchanges: Sequence[Exchange]) -> str:
    """Why exchanges did not come in the wanted order: behind those that were taken there is none for the next query."""
    missing = queries[len(taken)]
    place = f"after #{taken[-1].number}" if taken else "at all"
    lines = [f"wanted {len(queries)} exchanges in order, but number {len(taken) + 1} did not come {place}: {missing}."]
    lines += [f"  {number}. {query}: came as {Entry(one)}" for number, query, one in _numbered(queries, taken)]
    early = [exchange for exchange in exchanges if missing.holds(exchange)]
    lines += _section("It came earlier:", early) if early else _nearest(missing, exchanges)
    lines += _section("The journal:", exchanges)
    return "\n".join(lines)


def _numbered(queries: Sequence[Query], taken: Sequence[Exchange]) -> Iterator[tuple[int, Query, Exchange]]:
    return zip(count(1), queries, taken, strict=False)


def _nearest(query: Query, exchanges: Iterable[Exchange]) -> Iterator[str]:
    misses = [(exchange, list(query.mismatches(exchange))) for exchange in exchanges]
    misses.sort(key=lambda miss: (distance(miss[1]), -miss[0].number))
    if misses:
        yield "Nearest of the others:"
    for exchange, mismatches in misses[:MOST_SHOWN]:
        yield from _lines(exchange)
        for mismatch in mismatches:
            yield f"      {mismatch}"
            yield from (f"        {line}" for line in _diff(mismatch))
    yield from _more(len(misses))


def _diff(mismatch: Mismatch) -> Iterator[str]:
    """Where two texts differ, line by line; nothing where one of them is no text."""
    wanted = mismatch.expected.value if isinstance(mismatch.expected, Equals) else None
    if isinstance(wanted, str) and isinstance(mismatch.actual, str) and mismatch.field != KEY_FIELD:
        lines = difflib.ndiff(wanted[:MOST_COMPARED].splitlines(), mismatch.actual[:MOST_COMPARED].splitlines())
        yield from (printable(line.rstrip()) for line in lines)


def _section(title: str, exchanges: Sequence[Exchange]) -> Iterator[str]:
    if exchanges:
        yield title
        for exchange in exchanges[-MOST_SHOWN:]:
            yield from _lines(exchange)
        yield from _more(len(exchanges))


def _lines(exchange: Exchange) -> Iterator[str]:
    """An exchange in one line, and where a strict hub found no rule for it, why."""
    entry = Entry(exchange)
    yield f"  {entry}"
    if entry.near_miss:
        yield f"      no rule matched. {entry.near_miss}"


def _more(number: int) -> Iterator[str]:
    if number > MOST_SHOWN:
        yield f"  and {number - MOST_SHOWN} more"
