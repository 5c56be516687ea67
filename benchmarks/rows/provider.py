"""The provider's path: what it adds to an answer, and how many it bears, through our hub and our provider.

Every contestant is a service of its own at one mock hub, and a provider in a process of its own; the baseline is the
hub's own model with a short reply. Clients ask by plain HTTP over connections that are kept.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

import trustme

from benchmarks import load
from benchmarks.hub_process import hub_process
from benchmarks.measure import Row, at_least, at_most, missing, percentile, ratios, row, take_turns
from benchmarks.peers import KEY, MESSAGE, REPLY
from benchmarks.peers.deployed_provider import DeployedProvider
from benchmarks.process import PYTHON, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.hub_process import HubProcess
    from benchmarks.measure import Effort

OWN: Final = "the hub's own model"
OURS: Final = "neuroengine.AsyncProvider"
OURS_WAITING: Final = "neuroengine.Provider"
PLAIN: Final = "a plain asyncio provider"
PUBLISHED: Final = "a provider that looks every 100 ms"
DEPLOYED: Final = "a deployed provider's double"

_PROGRAMS: Final = {
    OURS: ("our_provider", "async"),
    OURS_WAITING: ("our_provider", "waiting"),
    PLAIN: ("plain_provider",),
    PUBLISHED: ("published",),
}
SERVICES: Final = {OWN: "Own", OURS: "Ours", OURS_WAITING: "Waiting", PLAIN: "Plain", PUBLISHED: "Published"}
DEPLOYED_SERVICE: Final = "Deployed"
REQUEST: Final = json.dumps({"message": MESSAGE, "max_new_len": 4}).encode()
CONNECTIONS: Final = 32


class Waits(NamedTuple):
    """How long one connection's answers took, in milliseconds."""

    p50: float
    p99: float


def measure(effort: Effort) -> Iterator[Row]:
    """Added latency, requests a second, and a deployed provider behind this hub and behind a plain one."""
    services = dict.fromkeys((*SERVICES.values(), DEPLOYED_SERVICE), KEY)
    with hub_process(services=services, limits={"ping_s": 600}) as hub, ExitStack() as stack:
        for name, (module, *more) in _PROGRAMS.items():
            stack.enter_context(_provider(module, hub, SERVICES[name], *more))
        yield from _latency(hub, effort)
        yield from _throughput(hub, effort)
        yield _deployed(hub, effort)


@contextmanager
def _provider(module: str, hub: HubProcess, service: str, *more: str) -> Iterator[None]:
    arguments = [hub.provider, hub.ca_file, service, KEY, REPLY, *more]
    with program([PYTHON, "-m", f"benchmarks.peers.{module}", *map(str, arguments)]) as running:
        assert running.stdout is not None
        if running.stdout.readline() != "ready\n":
            raise ChildProcessError(f"the provider {module} did not log in")
        yield


def _latency(hub: HubProcess, effort: Effort) -> Iterator[Row]:
    with ExitStack() as stack:
        connections = {name: stack.enter_context(closing(_connection(*hub.address))) for name in SERVICES}
        turns = {
            name: partial(_waits, connections[name], service, effort.of(8 if name == PUBLISHED else 300, 3))
            for name, service in SERVICES.items()
        }
        waits = take_turns(turns, effort.of(7, 1))
    own = waits[OWN]
    yield row(f"{OWN}: latency p50", [one.p50 for one in own], "ms")
    yield row(f"{OWN}: latency p99", [one.p99 for one in own], "ms")
    for name, found in waits.items():
        if name == OWN:
            continue
        goal = at_most(1.0) if name in {OURS, OURS_WAITING} else None
        for what in ("p50", "p99"):
            added = [getattr(one, what) - getattr(base, what) for one, base in zip(found, own, strict=True)]
            yield row(f"{name}: added latency {what}", added, "ms", goal=goal if what == "p50" else None)


def _throughput(hub: HubProcess, effort: Effort) -> Iterator[Row]:
    if not load.is_there():
        yield missing("requests/s through a provider", load.MISSING)
        return
    turns = {
        name: partial(
            load.drive, f"{hub.url}/{service}", REQUEST, hub, connections=CONNECTIONS, seconds=effort.of(2, 1)
        )
        for name, service in SERVICES.items()
        if not effort.quick or name in {OWN, OURS}
    }
    loads = take_turns(turns, effort.of(3, 1))
    own = [one.requests_s for one in loads[OWN]]
    yield row(f"{OWN}, {CONNECTIONS} connections: requests/s", own, "1/s")
    for name, found in loads.items():
        if name == OWN:
            continue
        borne = [one.requests_s for one in found]
        goal = at_least(2500) if name in {OURS, OURS_WAITING} else None
        yield row(f"{name}, {CONNECTIONS} connections: requests/s", borne, "1/s", goal=goal)
        yield row(f"{name}, {CONNECTIONS} connections: requests/s", ratios(borne, own), "x", against=OWN)


def _deployed(hub: HubProcess, effort: Effort) -> Row:
    """The same provider, in threads of this process, behind this hub and behind a plain one."""
    with _plain_hub() as (address, link, ca_file), ExitStack() as stack:
        ours = stack.enter_context(closing(_connection(*hub.address)))
        plain = stack.enter_context(closing(_connection(*address)))
        for where, trust in ((hub.provider, hub.ca_file), (link, ca_file)):
            stack.enter_context(DeployedProvider(where, trust, DEPLOYED_SERVICE, KEY, str.upper))
        count = effort.of(40, 3)
        turns = {
            "ours": partial(_waits, ours, DEPLOYED_SERVICE, count),
            "plain": partial(_waits, plain, DEPLOYED_SERVICE, count),
        }
        waits = take_turns(turns, effort.of(5, 1))
    against = ratios((one.p50 for one in waits["ours"]), (one.p50 for one in waits["plain"]))
    return row(f"{DEPLOYED}: latency p50", against, "x", against="it behind a plain asyncio hub", goal=at_most(1))


@contextmanager
def _plain_hub() -> Iterator[tuple[tuple[str, int], str, str]]:
    """A plain hub: where its clients ask, where its providers log in, and whom they trust."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        ca_file, own_file = Path(folder) / "ca.pem", Path(folder) / "own.pem"
        authority.cert_pem.write_to_path(ca_file)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own_file)
        with program([PYTHON, "-m", "benchmarks.peers.plain_hub", str(own_file)]) as running:
            assert running.stdout is not None
            clients, providers = json.loads(running.stdout.readline())
            yield ("127.0.0.1", clients), f"localhost:{providers}", str(ca_file)


def _connection(host: str, port: int) -> HTTPConnection:
    return HTTPConnection(host, port, timeout=60)


def _waits(connection: HTTPConnection, service: str, count: int) -> Waits:
    waits: Sequence[float] = [_wait_ms(connection, service) for _ in range(count)]
    return Waits(percentile(waits, 50), percentile(waits, 99))


def _wait_ms(connection: HTTPConnection, service: str) -> float:
    began = perf_counter()
    connection.request("POST", f"/{service}", REQUEST)
    answer = json.loads(connection.getresponse().read())
    assert answer["errorcode"] == 0, answer
    return (perf_counter() - began) * 1000
