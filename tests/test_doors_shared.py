"""A hub that runs may be asked through its sockets and without them at the same time: its state is safe.

Both doors, the provider's link, the clock and whoever resets the hub live in threads of their own here, and race.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from doors import DOORS, KEY, PATH, SERVICE
from patience import DEADLINE_S
from record_provider import RecordProvider

from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mockserver import MockHub

ROUNDS = 40
OFTEN_S = 1e-6
"""So often threads take turns here: what can go wrong between two of them does."""
BOTH = [DOORS["plain-socket"], DOORS["in-process"], DOORS["in-process-async"], DOORS["plain-socket"]]


@pytest.fixture(autouse=True)
def _many_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN_S)
    yield
    sys.setswitchinterval(before)


@contextmanager
def running(**settings: Any) -> Iterator[tuple[MockHub, list[httpx.Client]]]:
    """A running hub and clients of its doors, one for each thread."""
    with DOORS["plain-socket"].open(**settings) as (hub, first):
        rest = [door.client(hub) for door in BOTH[1:]]
        with rest[0] as second, rest[1] as third, rest[2] as fourth:
            yield hub, [first, second, third, fourth]


def echo(provider: RecordProvider) -> None:
    """Answers each request with its own message, until the hub closes the link."""
    while record := provider.record():
        frame = json.loads(record)
        if "ping" not in frame:
            provider.answer(frame["message"])


def test_every_client_gets_its_own_answer_from_the_one_provider() -> None:
    with running() as (hub, clients), ThreadPoolExecutor(5) as threads:

        def ask(number: int, client: httpx.Client) -> list[str]:
            wanted = [f"{number} {turn}" for turn in range(ROUNDS)]
            got = [client.post(PATH, json={"message": message}).json()["reply"] for message in wanted]
            return [
                f"{reply} instead of {message}" for reply, message in zip(got, wanted, strict=True) if reply != message
            ]

        with RecordProvider(hub.provider, hub.ca_file) as provider:
            provider.login(SERVICE, KEY)
            echoing = threads.submit(echo, provider)
            asking = [threads.submit(ask, number, client) for number, client in enumerate(clients)]
            assert [one.result(DEADLINE_S) for one in asking] == [[]] * len(clients)
            assert not echoing.done()
            hub.reset()
            echoing.result(DEADLINE_S)
        assert len(hub.journal) == 0


def test_racing_polls_of_both_doors_get_every_token_once_and_all_are_counted() -> None:
    with running() as (hub, clients), ThreadPoolExecutor(4) as threads:
        hub.on().pieces([str(number) for number in range(4 * ROUNDS)])
        start = threading.Barrier(len(clients))

        def poll(client: httpx.Client) -> list[str]:
            start.wait(DEADLINE_S)
            found = []
            while piece := client.post(PATH, json={"message": "x", "key": "K"}).json()["reply"]:
                found.append(piece)
            return found

        polling = [threads.submit(poll, client) for client in clients]
        shares = [one.result(DEADLINE_S) for one in polling]
        assert sorted((piece for share in shares for piece in share), key=int) == [
            str(number) for number in range(4 * ROUNDS)
        ]
        assert [entry.number for entry in hub.journal] == list(range(1, 4 * ROUNDS + len(clients) + 1))


@pytest.mark.parametrize("by", ["reset", "stop"])
def test_whoever_waits_at_any_door_is_answered_when_the_hub_ends(by: str) -> None:
    with running() as (hub, clients), ThreadPoolExecutor(4) as threads:
        hub.on().delay(1000).reply("never")
        waiting = [threads.submit(client.post, PATH, json={"message": "x"}) for client in clients]
        hub.until_waiting(len(clients))
        getattr(hub, by)()
        codes = [one.result(DEADLINE_S).json()["errorcode"] for one in waiting]
        assert codes == [ErrorCode.SHUTTING_DOWN] * len(clients)


def test_the_clock_may_be_advanced_while_both_doors_are_used() -> None:
    patient = dict.fromkeys(("http_header_s", "http_body_s", "unread_s"), 1e9)  # a leap of the clock is no slow client
    with running(limits=patient) as (hub, clients), ThreadPoolExecutor(5) as threads:
        hub.on().delay(50).reply("in time")
        done = threading.Event()

        def advance() -> None:
            while not done.is_set():
                hub.clock.advance(25)

        advancing = threads.submit(advance)

        def ask(client: httpx.Client) -> set[str]:
            return {client.post(PATH, json={"message": "x"}).json()["reply"] for _ in range(ROUNDS)}

        asking = [threads.submit(ask, client) for client in clients]
        try:
            assert [one.result(DEADLINE_S) for one in asking] == [{"in time"}] * len(clients)
        finally:
            done.set()
        advancing.result(DEADLINE_S)


def test_a_hub_can_be_reset_while_it_is_asked() -> None:
    with running() as (hub, clients), ThreadPoolExecutor(4) as threads:
        allowed = {0, ErrorCode.SHUTTING_DOWN}

        def ask(client: httpx.Client) -> set[int]:
            request = {"message": "x", "key": "K", "gettokens": 1}
            return {client.post(PATH, json=request).json()["errorcode"] for _ in range(ROUNDS)}

        asking = [threads.submit(ask, client) for client in clients]
        while not all(one.done() for one in asking):
            hub.reset()
        assert all(one.result() <= allowed for one in asking)
        hub.reset()
        assert clients[0].post("/", json={"command": "getmodels"}).json()[0]["numreq"] == 0
