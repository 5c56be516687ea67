"""The mock hub over HTTP: a scripted reply, parsed, checked, matched and journalled, against others that answer it too.

All servers run at the same time, and one at a time is asked. The answer is the same everywhere; what they do for it is
not: a bare application reads the body and looks at nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks import load
from benchmarks.measure import Goal, Row, at_least, at_most, missing, ratios, row, take_turns
from benchmarks.peers import REQUEST
from benchmarks.peers.http import BARE, OURS, OURS_TLS, HttpPeer, peers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.load import Load
    from benchmarks.measure import Effort
    from benchmarks.process import Server

CONNECTIONS: Final = (1, 32, 256)
JUDGED: Final = 32
"""The number of connections that the goals speak of."""
MANY: Final = 1_000_000
"""So many requests, and a hub should have grown by no more than a part of its size."""


def measure(effort: Effort) -> Iterator[Row]:
    """Throughput, latency and processor time at each number of connections; start and memory of each."""
    if not load.is_there():
        yield missing("requests/s", load.MISSING, against=BARE)
        return
    contestants = [peer for peer in peers() if not effort.quick or peer.name in {BARE, OURS, OURS_TLS}]
    there = {peer.name: peer for peer in contestants if not peer.why_not}
    for peer in contestants:
        if peer.why_not:
            yield missing(f"{peer.name}: requests/s", peer.why_not, against=BARE)
    yield from _starts(there, effort)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(peer.running()) for name, peer in there.items()}
        idle = {name: server.memory_bytes for name, server in servers.items()}
        yield from _memory("memory when idle", idle, at_most(1.5))
        for server in servers.values():
            load.drive(server.url, REQUEST, server, connections=JUDGED, seconds=effort.of(2, 1))  # warm up
        for connections in CONNECTIONS:
            yield from _throughput(servers, connections, effort)
        after = {name: server.memory_bytes for name, server in servers.items()}
        yield from _memory("memory after this load", after)
        yield _memory_after_many(servers[OURS], idle[OURS], effort)


def _throughput(servers: Mapping[str, Server], connections: int, effort: Effort) -> Iterator[Row]:
    is_judged = connections == JUDGED
    seconds, rounds = (effort.of(2, 1), effort.of(5, 1)) if is_judged else (1, effort.of(3, 1))
    turns = {
        name: partial(load.drive, server.url, REQUEST, server, connections=connections, seconds=seconds)
        for name, server in servers.items()
    }
    loads = take_turns(turns, rounds)
    base = loads[BARE]
    many = f"{connections} connection{'s' if connections > 1 else ''}"
    yield row(f"{BARE}, {many}: requests/s", [one.requests_s for one in base], "1/s")
    for name, found in loads.items():
        if name == BARE:
            continue
        is_ours = is_judged and name == OURS
        yield _ratio(f"{name}, {many}: requests/s", "requests_s", found, base, at_least(0.75) if is_ours else None)
        yield _ratio(f"{name}, {many}: p99", "p99_ms", found, base, at_most(1.5) if is_ours else None)
        yield _ratio(f"{name}, {many}: processor time a request", "cpu_ms", found, base)
    by_tls = ratios(_all("requests_s", loads[OURS_TLS]), _all("requests_s", loads[OURS]))
    goal = at_least(0.8) if is_judged else None
    yield row(f"{OURS_TLS}, {many}: requests/s", by_tls, "x", against=OURS, goal=goal)


def _ratio(name: str, what: str, found: list[Load], base: list[Load], goal: Goal | None = None) -> Row:
    return row(name, ratios(_all(what, found), _all(what, base)), "x", against=BARE, goal=goal)


def _all(what: str, loads: list[Load]) -> list[float]:
    return [getattr(one, what) for one in loads]


def _starts(there: Mapping[str, HttpPeer], effort: Effort) -> Iterator[Row]:
    def start(peer: HttpPeer) -> float:
        with peer.running() as server:
            return server.first_answer_s * 1000

    turns = {name: partial(start, peer) for name, peer in there.items()}
    take_turns(turns, effort.of(1, 0))  # from now on their bytecode is there
    starts = take_turns(turns, effort.of(3, 1))
    yield row(f"{BARE}: start to first answer", starts[BARE], "ms")
    for name, found in starts.items():
        if name != BARE:
            goal = at_most(1.5) if name == OURS else None
            against_bare = ratios(found, starts[BARE])
            yield row(f"{name}: start to first answer", against_bare, "x", against=BARE, goal=goal)


def _memory(what: str, found: Mapping[str, int], goal: Goal | None = None) -> Iterator[Row]:
    yield row(f"{BARE}: {what}", [found[BARE] / 1e6], "MB")
    for name, size in found.items():
        if name != BARE:
            own = goal if name == OURS else None
            yield row(f"{name}: {what}", [size / found[BARE]], "x", against=BARE, goal=own)


def _memory_after_many(server: Server, idle: int, effort: Effort) -> Row:
    wanted, asked = effort.of(MANY, 1000), 0
    while asked < wanted:
        asked += load.drive(server.url, REQUEST, server, connections=JUDGED, seconds=effort.of(10, 1)).requests
    name = f"{OURS}: memory after {wanted:,} requests"
    return row(name, [server.memory_bytes / idle], "x", against="itself when idle", goal=at_most(1.5))
