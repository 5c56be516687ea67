"""The hub bears many: idle providers, clients that do not read, streams that are abandoned, polls that race.

Each scene is played small; `NE_ENDURANCE` is the share of its full size, 1 for all of it. Memory is that of a process
which runs nothing but a hub. What takes time is not judged here; `python -m benchmarks.endurance` measures it.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from benchmarks import endurance
from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE = float(os.environ.get("NE_ENDURANCE", "0.02"))
LINKS, READERS, REQUESTS, ABANDONED, STREAMS = (
    max(least, int(full * SHARE)) for full, least in ((5000, 150), (200, 40), (50_000, 1000), (5000, 100), (1000, 30))
)
SERVICE, KEY = "MYGPT", "DEMOKEY"
RACERS = 3
WORDS = 40

LINK_BYTES = 40_000
"""The most memory that an idle link may take: 5,000 of them fit into 400 MB by far."""
READER_BYTES = 64 * 1024
GROWTH_MB = 20

pytestmark = pytest.mark.timeout(900)
measures_memory = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no memory")
on_each_loop = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@measures_memory
@on_each_loop
def test_idle_providers_take_little_memory(loop: str) -> None:
    figures = endurance.links(LINKS, loop)
    assert figures["links"] == LINKS
    assert figures["bytes_a_link"] < LINK_BYTES
    assert figures["memory_mb"] < 400


@measures_memory
@on_each_loop
def test_clients_that_never_read_take_little_memory_and_are_cut_off(loop: str) -> None:
    assert endurance.readers(READERS, loop)["bytes_a_client"] <= READER_BYTES


@measures_memory
def test_requests_and_abandoned_streams_leave_nothing_behind() -> None:
    assert endurance.requests(REQUESTS, ABANDONED)["grown_mb"] < GROWTH_MB


def test_others_are_served_beside_slow_senders() -> None:
    assert endurance.senders(max(20, int(500 * SHARE)), asked=200)["p99_ms"][1] > 0


# -- racing polls


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(RACERS * 8) as pool:
        yield pool


def raced(hub: MockHub, poll: dict[str, Any], begin: threading.Barrier) -> list[str]:
    """The pieces that one of several clients of a stream got until it saw the end."""
    pieces: list[str] = []
    with closing(HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)) as connection:
        begin.wait(DEADLINE_S)
        while True:
            answer = endurance.ask(connection, poll, SERVICE)
            assert answer["errorcode"] == 0, answer
            if not answer["reply"]:
                return pieces
            pieces.append(answer["reply"])


def race(hub: MockHub, pool: ThreadPoolExecutor, poll: dict[str, Any]) -> list[str]:
    """The pieces that all clients of a stream got, in no order."""
    begin = threading.Barrier(RACERS)
    racers = [pool.submit(raced, hub, poll, begin) for _ in range(RACERS)]
    return [piece for racer in racers for piece in racer.result(DEADLINE_S)]


def test_every_token_of_a_model_s_streams_reaches_one_of_the_clients_that_race_for_it(pool: ThreadPoolExecutor) -> None:
    with MockHub({SERVICE: KEY}, tls=False) as hub:
        for number in range(STREAMS):
            fields = {"message": f"story {number}", "max_new_len": WORDS, "gettokens": 1}
            alone = raced(hub, fields | {"key": f"alone {number}"}, threading.Barrier(1))
            assert Counter(race(hub, pool, fields | {"key": f"race {number}"})) == Counter(alone)


def test_every_token_of_a_provider_s_streams_reaches_one_of_the_clients_that_race_for_it(
    pool: ThreadPoolExecutor,
) -> None:
    sizes = random.Random(5)
    with MockHub({SERVICE: KEY}, tls=False) as hub, RecordProvider(hub.provider, hub.ca_file) as provider:
        provider.login(SERVICE, KEY)
        served = pool.submit(serve, provider, STREAMS)
        for number in range(STREAMS):
            poll = {"message": f"{number}", "key": f"{number}", "gettokens": sizes.choice((1, 2, 7))}
            words = [word for piece in race(hub, pool, poll) for word in piece.split()]
            assert sorted(words) == sorted(f"{number}.{place}" for place in range(WORDS))
        assert served.result(DEADLINE_S) == [f"{number}" for number in range(STREAMS)]


def serve(provider: RecordProvider, count: int) -> list[str]:
    """Answers so many requests with words that each occur once; the messages, in their order."""
    messages: list[str] = []
    while len(messages) < count:
        frame = provider.frame()
        if "ping" not in frame:
            messages.append(frame["message"])
            provider.answer(" ".join(f"{frame['message']}.{place}" for place in range(WORDS)))
    return messages


# -- the program that measures


def test_the_scenes_print_their_figures(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "SCENES", {"latency": lambda: endurance.latency(20), "links": dict})
    monkeypatch.setattr("sys.argv", ["endurance.py", "latency"])
    endurance.main()
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["requests"] == 20
