"""What takes time is the same through every door: blanks, held polls, clients that leave, faults, a hub that stops."""

from __future__ import annotations

import json
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doors import DOORS, KEY, PATH, SERVICE, Door
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import Clock
from mockserver.faults import FAULTS
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.plan import Leg

PROMPT = "What lies behind the dunes?"
SOON_LEAVES = httpx.Timeout(DEADLINE_S, read=0.05)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def post(client: httpx.Client, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(PATH, json={"message": PROMPT, **request}).json()
    return answer


# -- blanks and held polls, on a clock that stands still


def test_blanks_come_one_by_one_while_there_is_no_answer(door: Door, threads: ThreadPoolExecutor) -> None:
    chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read(client: httpx.Client) -> int:
        with client.stream("POST", PATH, json={"message": PROMPT}) as response:
            for chunk in response.iter_raw():
                chunks.put(chunk)
        return response.status_code

    with door.open(clock=Clock.stepped(), matching_statuses=True) as (hub, client):
        hub.on().delay(25).fail("queue_full")
        reading = threads.submit(read, client)
        hub.until_waiting()
        for _ in range(2):
            hub.clock.advance(HUB_LIMITS["keep_warm_s"])
            assert chunks.get(timeout=DEADLINE_S) == b" "
            assert not hub.journal.last.is_answered
        hub.clock.advance(5)
        assert reading.result(DEADLINE_S) == 200
        assert b'"errorcode": 8' in chunks.get(timeout=DEADLINE_S)
        assert hub.journal.last.status == 200


def test_a_held_poll_is_told_to_come_back_and_loses_nothing(door: Door, threads: ThreadPoolExecutor) -> None:
    poll = {"key": "K", "gettokens": 50, "seq": 0}
    with door.open(clock=Clock.stepped(), limits={"keep_warm_s": 100}) as (hub, client):
        hub.on().pace(first_token_s=20).reply("at last")
        held = threads.submit(post, client, **poll)
        hub.until_waiting()
        hub.clock.advance(HUB_LIMITS["long_poll_s"])
        assert held.result(DEADLINE_S)["errorcode"] == ErrorCode.NOT_READY
        held = threads.submit(post, client, **poll)
        hub.until_waiting()
        hub.clock.advance(5)
        assert held.result(DEADLINE_S)["reply"] == "at last"


def test_polls_that_race_get_every_token_once(door: Door, threads: ThreadPoolExecutor) -> None:
    with door.open() as (hub, client):
        hub.on().pieces([str(number) for number in range(40)])

        def poll_on() -> list[str]:
            found = []
            while piece := post(client, key="K")["reply"]:
                found.append(piece)
            return found

        racing = [threads.submit(poll_on) for _ in range(4)]
        pieces = [piece for one in racing for piece in one.result(DEADLINE_S)]
        assert sorted(pieces, key=int) == [str(number) for number in range(40)]


# -- queues and providers


def test_a_full_queue_refuses_and_a_missing_provider_costs_its_time(door: Door, threads: ThreadPoolExecutor) -> None:
    with door.open(started=True, limits={"queue_requests": 1, "keep_warm_s": 100}, clock=Clock.stepped()) as (
        hub,
        client,
    ):
        with RecordProvider(hub.provider, hub.ca_file) as provider:
            provider.login(SERVICE, KEY)
        while client.post("/", json={"command": "getmodels"}).json()[0]["connected"]:
            pass
        waiting = threads.submit(post, client)
        hub.until_waiting()
        assert post(client)["errorcode"] == ErrorCode.QUEUE_FULL
        hub.clock.advance(HUB_LIMITS["queue_s"])
        assert waiting.result(DEADLINE_S)["errorcode"] == ErrorCode.PROVIDER_OFFLINE


def test_a_provider_that_says_nothing_or_goes_costs_one_error(door: Door, threads: ThreadPoolExecutor) -> None:
    with door.open(started=True, limits={"keep_warm_s": 1000}, clock=Clock.stepped()) as (hub, client):
        with RecordProvider(hub.provider, hub.ca_file) as provider:
            provider.login(SERVICE, KEY)
            silent = threads.submit(post, client)
            assert provider.frame()["message"] == PROMPT
            hub.clock.advance(HUB_LIMITS["provider_answer_s"])
            assert silent.result(DEADLINE_S)["errorcode"] == ErrorCode.PROVIDER_TIMEOUT
            provider.answer("too late")
            gone = threads.submit(post, client, message="Are you there?")
            while provider.frame().get("message") != "Are you there?":
                pass
        assert gone.result(DEADLINE_S)["errorcode"] == ErrorCode.PROVIDER_ERROR


# -- clients that leave


def test_a_client_whose_patience_is_over_leaves_and_its_piece_waits_for_the_next(
    door: Door, threads: ThreadPoolExecutor
) -> None:
    poll = {"message": PROMPT, "key": "K"}
    with door.open(limits={"long_poll_s": 1000}) as (hub, client):
        hub.on().pace(first_token_s=60).reply("kept")
        with pytest.raises(httpx.ReadTimeout):
            client.post(PATH, json=poll, timeout=SOON_LEAVES)
        (left,) = hub.journal.wait_for(left=True)
        assert left.left_at is not None
        again = threads.submit(post, client, **poll)
        hub.until_waiting()
        hub.clock.advance(60)
        assert again.result(DEADLINE_S)["reply"] == "kept"


def test_a_client_that_closes_a_response_that_is_not_over_has_left(door: Door) -> None:
    with door.open(limits={"keep_warm_s": 0.01}) as (hub, client):
        hub.on().delay(1000).reply("never")
        with client.stream("POST", PATH, json={"message": PROMPT}) as response:
            assert next(response.iter_raw()) == b" "
        assert hub.journal.wait_for(left=True)
        assert client.post("/", json={"command": "getmodels"}).json()[0]["queuelen"] == 0


# -- faults


def outcome(client: httpx.Client, patience_s: float = DEADLINE_S) -> Any:
    """What a client sees of an exchange: a status and a body, or the kind of error; of a flood, that it is one."""
    body = b""
    timeout = httpx.Timeout(DEADLINE_S, read=patience_s)
    try:
        with client.stream("POST", PATH, json={"message": PROMPT}, timeout=timeout) as response:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > 1 << 20:
                    return "a flood"
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return "the connection broke"  # TLS and chance decide how a reset is seen
    except httpx.TransportError as error:
        return type(error)
    return response.status_code, body


BRIEF: dict[str, Any] = {name: {"seconds": 0.01} for name in ("latency", "first_token", "frame_late", "answer_late")}
BRIEF |= {"slow_drip": {"size_bytes": 50, "every_s": 0.001}, "tokens_per_second": {"tokens_per_s": 10_000}}
"""Settings that let a fault take next to no time."""
SILENT = ("half_open", "stall")
"""After these a client waits in vain."""
NOISY = ("extra_bytes", "content_length_too_short")
"""After these the next answer on the connection cannot be read, if the client did not see that in time."""


def every_fault() -> list[Any]:
    return [pytest.param(name, leg, id=f"{name}-{leg}") for name, kind in FAULTS.items() for leg in kind.acts]


@pytest.mark.parametrize(("name", "leg"), every_fault())
def test_a_fault_looks_the_same_through_every_door(name: str, leg: Leg) -> None:
    seen = {}
    for door in DOORS.values():
        clock = Clock() if door.started else Clock.leaping()
        with door.open(limits={"provider_answer_s": 0.2}, clock=clock) as (hub, client):
            hub.faults.add(name, leg=leg, times=1, seed=7, **BRIEF.get(name, {}))
            first = outcome(client, 0.5 if name in SILENT else DEADLINE_S)
            assert hub.faults.injected[name] == 1, door.name
            seen[door.name] = (first, None if name in NOISY else outcome(client))
    assert set(map(repr, seen.values())) == {repr(seen["plain-socket"])}, seen


@pytest.mark.parametrize("name", NOISY)
def test_bytes_behind_an_answer_spoil_the_next_one_where_there_is_no_socket(name: str) -> None:
    for door in DOORS.values():
        if not door.started:
            with door.open() as (hub, client):
                hub.faults.add(name, times=1)
                seen = [outcome(client) for _ in range(3)]
                assert (seen[0][0], seen[1], seen[2][0]) == (200, "the connection broke", 200), door.name


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("reset", httpx.ReadError),
        ("drop", httpx.RemoteProtocolError),
        ("drop_midway", httpx.RemoteProtocolError),
        ("garbage", httpx.RemoteProtocolError),
        ("half_open", httpx.ReadTimeout),
        ("stall", httpx.ReadTimeout),
    ],
)
def test_without_a_socket_a_fault_raises_what_httpx_would_and_costs_no_time(
    name: str, error: type[httpx.TransportError]
) -> None:
    for door in DOORS.values():
        if not door.started:
            with door.open(clock=Clock.leaping(), faults=[name]) as (hub, client):
                with pytest.raises(error):
                    client.post(PATH, json={"message": PROMPT}, timeout=5000)
                assert hub.clock.time() == (5000 if error is httpx.ReadTimeout else 0), door.name


# -- a hub that stops


def test_a_hub_that_stops_answers_what_waits_and_lets_nobody_in(door: Door, threads: ThreadPoolExecutor) -> None:
    with door.open() as (hub, client):
        hub.on().delay(1000).reply("never")
        waiting = threads.submit(post, client)
        hub.until_waiting()
        hub.stop()
        assert waiting.result(DEADLINE_S)["errorcode"] == ErrorCode.SHUTTING_DOWN
        with pytest.raises(httpx.ConnectError):
            post(client)


@pytest.mark.parametrize("by", ["stop", "reset"])
def test_a_request_on_its_way_is_answered_or_cut_when_the_hub_ends(
    door: Door, threads: ThreadPoolExecutor, by: str
) -> None:
    with door.open(clock=Clock.stepped(), faults=[{"name": "latency", "leg": "client->hub"}]) as (hub, client):
        coming = threads.submit(outcome, client)
        hub.until_waiting()
        getattr(hub, by)()
        if by == "reset":
            assert coming.result(DEADLINE_S) == "the connection broke"
        else:
            status, body = coming.result(DEADLINE_S)
            assert (status, json.loads(body)["errorcode"]) == (200, ErrorCode.SHUTTING_DOWN)


def test_a_flood_ends_with_the_hub_and_keeps_nobody_from_anything(door: Door) -> None:
    with door.open(faults=["flood"]) as (hub, client), client.stream("POST", PATH, json={}) as response:
        chunks = response.iter_raw()
        assert b"errorcode" in next(chunks)
        assert next(chunks).isspace()
        hub.stop()
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            assert all(chunk.isspace() for chunk in chunks)


def test_a_hub_that_is_reset_answers_what_waits_and_begins_anew(door: Door, threads: ThreadPoolExecutor) -> None:
    with door.open() as (hub, client):
        before = hub.on().delay(1000).reply("never")
        waiting = threads.submit(post, client)
        hub.until_waiting()
        hub.reset()
        assert waiting.result(DEADLINE_S)["errorcode"] == ErrorCode.SHUTTING_DOWN
        assert len(hub.journal) == len(hub.rules) == 0
        assert post(client)["errorcode"] == 0
        assert (before.calls, len(hub.journal)) == (1, 1)
        (entry,) = client.post("/", json={"command": "getmodels"}).json()
        assert entry["numreq"] == 1
