"""The client: whole replies and stream polls over TLS, against loops that ask the same by hand.

All ask one mock hub in a process of its own; what counts is the asking process. The loops by hand read no error, keep
no text, repeat nothing and know no end: they are what a client cannot be faster than.
"""

from __future__ import annotations

import json
import secrets
import ssl
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any, Final

from benchmarks.hub_process import HubProcess, hub_process
from benchmarks.measure import Goal, at_least, at_most, cost, ratios, row, take_turns
from benchmarks.peers import KEY, MESSAGE, PATH, REPLY, SERVICE, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.measure import Cost, Effort, Row

    Ask = Callable[[], object]

STREAMED: Final = "Count as far as you can."
WORDS: Final = 4000
OURS: Final = "neuroengine.Client"
OURS_PUBLISHED: Final = "neuroengine.Neuroengine"
HTTPX: Final = "httpx by hand, kept alive"
HTTP_CLIENT: Final = "http.client by hand, kept alive"
PUBLISHED: Final = "a TLS connection each, verified"
PUBLISHED_BLIND: Final = "a TLS connection each, not verified"
FEW: Final = {PUBLISHED, PUBLISHED_BLIND}
"""Those that take so long that fewer are enough."""

_PLURAL: Final = {"stream poll": "stream polls", "whole reply": "whole replies"}


def measure(effort: Effort) -> Iterator[Row]:
    """Processor and real time of a poll and of a whole reply."""
    replies = {MESSAGE: REPLY, STREAMED: " ".join(str(number) for number in range(WORDS))}
    with hub_process(services={SERVICE: KEY}, tls=True, replies=replies) as hub, ExitStack() as stack:
        for what, asks in (("stream poll", _polls(hub, stack)), ("whole reply", _wholes(hub, stack))):
            turns = {name: partial(_cost, name, ask, effort) for name, ask in asks.items()}
            yield from _rows(what, take_turns(turns, effort.of(7, 1)))


def _cost(name: str, ask: Ask, effort: Effort) -> Cost:
    return cost(ask, effort.of(15, 2) if name in FEW else effort.of(250, 10))


def _rows(what: str, costs: Mapping[str, list[Cost]]) -> Iterator[Row]:
    cpu = {name: [one.cpu_s for one in found] for name, found in costs.items()}
    wall = {name: [one.wall_s for one in found] for name, found in costs.items()}
    yield row(f"{HTTPX}: {what}", [seconds * 1000 for seconds in cpu[HTTPX]], "ms of processor time")
    yield row(f"{HTTPX}: {_PLURAL[what]} a second", [1 / seconds for seconds in wall[HTTPX]], "1/s")
    yield row(f"{OURS}: {_PLURAL[what]} a second", [1 / seconds for seconds in wall[OURS]], "1/s")
    for name, found in cpu.items():
        if name != HTTPX:
            goal = at_most(1.3) if name in {OURS, OURS_PUBLISHED} else None
            yield row(f"{name}: {what}", ratios(found, cpu[HTTPX]), "x", against=HTTPX, goal=goal)
    goals: dict[str, Goal | None] = {PUBLISHED: at_least(30) if what == "stream poll" else None, PUBLISHED_BLIND: None}
    for name, goal in goals.items():
        less = ratios(cpu[name], cpu[OURS])
        yield row(f"{OURS}: times less processor time for a {what}", less, "x", against=name, goal=goal)


def _wholes(hub: HubProcess, stack: ExitStack) -> Mapping[str, Ask]:
    from neuroengine import Client, Neuroengine

    client = stack.enter_context(Client(SERVICE, url=hub.url, ca_file=hub.ca_file))
    surface = Neuroengine(SERVICE, *hub.address, verify_ssl=False)
    by_httpx, by_http_client = _by_httpx(hub, stack), _by_http_client(hub, stack)
    request = {"message": MESSAGE}

    def checked(reply: str) -> None:
        assert reply == REPLY, reply

    return {
        HTTPX: lambda: checked(by_httpx(request)["reply"]),
        HTTP_CLIENT: lambda: checked(by_http_client(request)["reply"]),
        OURS: lambda: checked(client.generate(MESSAGE).text),
        OURS_PUBLISHED: lambda: checked(surface.request(MESSAGE)),
        PUBLISHED: lambda: checked(published.ask(hub.address, PATH, request, ca_file=hub.ca_file)["reply"]),
        PUBLISHED_BLIND: lambda: checked(published.ask(hub.address, PATH, request, ca_file=None)["reply"]),
    }


def _polls(hub: HubProcess, stack: ExitStack) -> Mapping[str, Ask]:
    """What gets the next piece of one long stream each; a new one where it has ended."""
    from neuroengine import Client, Neuroengine

    client = stack.enter_context(Client(SERVICE, url=hub.url, ca_file=hub.ca_file))
    surface = Neuroengine(SERVICE, *hub.address, verify_ssl=False)
    by_httpx, by_http_client = _by_httpx(hub, stack), _by_http_client(hub, stack)

    def by_client() -> Iterator[str]:
        while True:
            yield from client.stream(STREAMED, gettokens=1)

    def by_surface() -> Iterator[str]:
        while True:
            key = secrets.token_hex()
            while piece := surface.request(STREAMED, gettokens=1, streamkey=key):
                yield piece

    def by_hand(ask: Callable[[Mapping[str, Any]], Any]) -> Iterator[str]:
        while True:
            request = {"message": STREAMED, "key": secrets.token_hex(), "gettokens": 1}
            while piece := ask(request)["reply"]:
                yield piece

    pieces = {
        HTTPX: by_hand(by_httpx),
        HTTP_CLIENT: by_hand(by_http_client),
        OURS: by_client(),
        OURS_PUBLISHED: by_surface(),
        PUBLISHED: by_hand(lambda request: published.ask(hub.address, PATH, request, ca_file=hub.ca_file)),
        PUBLISHED_BLIND: by_hand(lambda request: published.ask(hub.address, PATH, request, ca_file=None)),
    }
    for got in pieces.values():
        assert next(got).strip() == "0"
    return {name: partial(_next_number, got) for name, got in pieces.items()}


def _next_number(pieces: Iterator[str]) -> None:
    piece = next(pieces)
    assert piece.strip().isdecimal(), piece


def _by_httpx(hub: HubProcess, stack: ExitStack) -> Callable[[Mapping[str, Any]], Any]:
    import httpx

    context = ssl.create_default_context(cafile=hub.ca_file)
    client = stack.enter_context(httpx.Client(verify=context))
    return lambda request: client.post(hub.url + PATH, json=request).json()


def _by_http_client(hub: HubProcess, stack: ExitStack) -> Callable[[Mapping[str, Any]], Any]:
    context = ssl.create_default_context(cafile=hub.ca_file)
    connection = stack.enter_context(closing(HTTPSConnection(*hub.address, timeout=20, context=context)))

    def ask(request: Mapping[str, Any]) -> Any:
        connection.request("POST", PATH, json.dumps(request), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    return ask
