"""What a hub takes of a machine, and how it bears many: scenes that tests play small, and this program at full size.

    python -m benchmarks.endurance [links] [readers] [senders] [requests] [latency]

prints the figures of each as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import statistics
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.hub_process import hub_process
from benchmarks.peers import KEY, SERVICE
from benchmarks.peers.deployed_provider import DeployedProvider
from benchmarks.peers.waiting_provider import Waiting
from benchmarks.plain_http import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.hub_process import HubProcess

Figures = dict[str, Any]

DEADLINE_S = 120.0
AT_A_TIME = 50
"""How many connections are opened at the same time."""


def ask(connection: HTTPConnection, content: object, service: str = SERVICE) -> Any:
    """The answer to a request."""
    connection.request("POST", f"/{service}", json.dumps(content))
    return json.loads(connection.getresponse().read())


def client(hub: HubProcess) -> HTTPConnection:
    """A connection to the hub."""
    return HTTPConnection(*hub.address, timeout=DEADLINE_S)


# -- providers that only stay


def links(count: int, loop: str = "uvloop") -> Figures:
    """So many providers log in and stay; then each is sent a ping."""
    services = {f"S{number}": KEY for number in range(count)}
    ping_s = 2 + count / 100
    with hub_process(services=services, loop=loop, limits={"ping_s": ping_s}) as hub:
        before = hub.memory_bytes
        return asyncio.run(_links(hub, before, list(services), ping_s))


async def _links(hub: HubProcess, before: int, services: list[str], ping_s: float) -> Figures:
    trust = ssl.create_default_context(cafile=hub.ca_file)
    limit = asyncio.Semaphore(AT_A_TIME)

    async def log_in(service: str) -> Waiting:
        async with limit:
            return await Waiting.logged_in(hub, service, KEY, trust)

    async with asyncio.timeout(DEADLINE_S):
        began = monotonic()
        providers = await asyncio.gather(*map(log_in, services))
        logged_in_s = monotonic() - began
        after = hub.memory_bytes
        logins = [provider.told_at for provider in providers]
        for provider in providers:
            assert json.loads(await provider.next()) == {"ping": 1}
    late = [provider.told_at - login - ping_s for provider, login in zip(providers, logins, strict=True)]
    for provider in providers:
        provider.transport.abort()
    return {
        "links": len(services),
        "memory_mb": round(after / 1e6, 1),
        "bytes_a_link": (after - before) // len(services),
        "logins_a_second": round(len(services) / logged_in_s),
        "pings_late_s": round(max(late), 3),
    }


# -- clients that do not read


def readers(count: int, loop: str = "uvloop") -> Figures:
    """So many clients send requests and never read; each sends until the hub takes no more. Then all are cut off."""
    unread_s = 4 + count / 20  # the last one is full long before the first one is cut
    with hub_process(services={SERVICE: KEY}, loop=loop, limits={"unread_s": unread_s}) as hub, ExitStack() as stack:
        with closing(client(hub)) as connection:
            for _ in range(1500):
                ask(connection, {"command": "getmodels"})
        before = hub.memory_bytes
        silent = [stack.enter_context(socket.create_connection(hub.address, DEADLINE_S)) for _ in range(count)]
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            filled = [pool.submit(_send_until_full, one, request({"command": "getmodels"}) * 50) for one in silent]
        for done in filled:
            done.result()
        most = hub.memory_bytes
        with closing(client(hub)) as connection:
            assert isinstance(ask(connection, {"command": "getmodels"}), list)
        began = monotonic()
        for one in silent:
            _until_cut(one)
        return {
            "clients": count,
            "bytes_a_client": (most - before) // count,
            "all_cut_s": round(monotonic() - began, 1),
            "unread_s": unread_s,
        }


def _send_until_full(connection: socket.socket, data: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    connection.settimeout(0.02)
    refused, rest = 0, b""
    while refused < 5:
        rest = rest or data
        try:
            rest = rest[connection.send(rest) :]
        except TimeoutError:
            refused += 1
        else:
            refused = 0


def _until_cut(connection: socket.socket) -> None:
    """Waits for the reset that tells that the hub has given up, without reading anything."""
    end = monotonic() + DEADLINE_S
    while not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        if monotonic() > end:
            raise TimeoutError("the hub did not cut a client that never reads")
        with suppress(TimeoutError):
            try:
                connection.send(b"x")
            except ConnectionError:
                return


# -- clients that send slowly


def senders(count: int, asked: int = 2000) -> Figures:
    """How long others wait for an answer while so many clients send a byte a second."""
    with (
        hub_process(services={SERVICE: KEY}, limits={"http_header_s": 600, "http_body_s": 600}) as hub,
        ExitStack() as stack,
    ):
        alone = _waits(hub, asked)
        slow = [stack.enter_context(socket.create_connection(hub.address, DEADLINE_S)) for _ in range(count)]
        data = request({"message": "a" * 1000}, SERVICE)
        over = threading.Event()

        def trickle() -> None:
            for place in range(len(data) - 1):
                for one in slow:
                    one.send(data[place : place + 1])
                    if over.wait(1 / count):
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        beside = _waits(hub, asked)
        over.set()
        thread.join()
    return {
        "slow_senders": count,
        "p50_ms": [_ms(alone, 50), _ms(beside, 50)],
        "p99_ms": [_ms(alone, 99), _ms(beside, 99)],
        "p99_ratio": round(_ms(beside, 99) / _ms(alone, 99), 2),
    }


def _waits(hub: HubProcess, asked: int) -> list[float]:
    waits = []
    with closing(client(hub)) as connection:
        for _ in range(asked):
            began = perf_counter()
            ask(connection, {"message": "hi", "max_new_len": 4})
            waits.append(perf_counter() - began)
    return waits


def _ms(waits: list[float], percent: int) -> float:
    return round(statistics.quantiles(waits, n=100)[percent - 1] * 1000, 3)


# -- requests, and streams that are abandoned


def requests(count: int, streams: int, loop: str = "uvloop") -> Figures:
    """So many requests, and streams that nobody reads to their end; what of it stays in the hub's memory."""
    with (
        hub_process(
            services={SERVICE: KEY}, loop=loop, limits={"stream_idle_s": 0.5, "end_kept_s": 0.5, "login_s": 1.5}
        ) as hub,
        closing(client(hub)) as connection,
    ):
        _ask_many(connection, 1500, 150)
        _until_forgotten(hub)
        before = hub.memory_bytes
        began = monotonic()
        _ask_many(connection, count, streams)
        _until_forgotten(hub)
        seconds = monotonic() - began
        grown = hub.memory_bytes - before
    return {
        "requests": count,
        "abandoned_streams": streams,
        "grown_mb": round(grown / 1e6, 1),
        "memory_mb": round(before / 1e6, 1),
        "seconds": round(seconds, 1),
    }


def _ask_many(connection: HTTPConnection, count: int, streams: int) -> None:
    for number in range(max(count, streams)):
        if number < count:
            assert ask(connection, {"message": f"m{number}", "max_new_len": 4})["errorcode"] == 0
        if number < streams:
            poll = {"message": f"m{number}", "key": f"abandoned {number}", "gettokens": 1}
            assert ask(connection, poll)["reply"]


def _until_forgotten(hub: HubProcess) -> None:
    """Waits until the hub has dropped and forgotten every stream: longer than that it waits for a login."""
    trust = ssl.create_default_context(cafile=hub.ca_file)
    host, _, port = hub.provider.partition(":")
    with trust.wrap_socket(socket.create_connection((host, int(port)), DEADLINE_S), server_hostname=host) as silent:
        assert silent.recv(1) == b""


# -- the wait for a deployed provider


def latency(count: int = 1000) -> Figures:
    """How long a client waits for the answer of a deployed provider, which writes its length and payload apart."""
    with (
        hub_process(services={SERVICE: KEY}, limits={"ping_s": 1000}) as hub,
        DeployedProvider(hub.provider, hub.ca_file, SERVICE, KEY, str.upper),
        closing(client(hub)) as connection,
    ):
        waits = []
        for number in range(count):
            began = perf_counter()
            assert ask(connection, {"message": f"m{number}"})["reply"] == f"M{number}"
            waits.append(perf_counter() - began)
    return {"requests": count, "p50_ms": _ms(waits, 50), "p90_ms": _ms(waits, 90), "p99_ms": _ms(waits, 99)}


SCENES: dict[str, Callable[[], Figures]] = {
    "links": lambda: links(5000),
    "links on asyncio": lambda: links(5000, "asyncio"),
    "readers": lambda: readers(200),
    "senders": lambda: senders(500),
    "requests": lambda: requests(50_000, 5000),
    "latency": latency,
}


def main() -> None:
    """Plays the scenes that are named, or all."""
    for name, play in SCENES.items():
        if not sys.argv[1:] or name.split()[0] in sys.argv[1:]:
            sys.stdout.write(json.dumps({"scene": name, **play()}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
