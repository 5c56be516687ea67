"""A provider dies in the middle of its answer, at every byte of it: its client gets an error, and never a short reply.

Nor does the hub suffer: as soon as a provider is there again, the next request is answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import MockHub
from neuroengine import Client, NeuroengineError, Retry, Timeouts
from neuroengine.errors import ProviderError, ProviderOfflineError, ProviderTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

SERVICE, KEY = "MYGPT", "DEMOKEY"
PIECES = [f" Word {place}: é😀." for place in range(24)]
REPLY = "".join(PIECES)
DIGITS = 8
POSITIONS = 100

Answer = tuple[str, NeuroengineError | None]
"""The text that a client got, and what ended it."""


def written(reply: str) -> bytes:
    """A provider's answer: the digits and the payload."""
    payload = json.dumps({"reply": reply}).encode()
    return b"%08X" % len(payload) + payload


def positions(answer: bytes) -> list[int]:
    """Where a provider dies: before any byte, at each digit, and all over the payload up to its last byte."""
    spread = (DIGITS + place * (len(answer) - 1 - DIGITS) // POSITIONS for place in range(1, POSITIONS + 1))
    return [*range(DIGITS + 1), *spread]


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: KEY}, tls=False, limits={"ping_s": 1000}) as running:
        yield running


@pytest.fixture
def clients() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def asking(hub: MockHub, tries: int = 1) -> Client:
    return Client(
        SERVICE, url=hub.url, retry=Retry(tries=tries), timeouts=Timeouts(total_s=DEADLINE_S), sleep=lambda _: None
    )


@pytest.fixture
def client(hub: MockHub) -> Iterator[Client]:
    with asking(hub) as running:
        yield running


def provider(hub: MockHub, **more: Any) -> RecordProvider:
    return RecordProvider(hub.provider, hub.ca_file).login(SERVICE, KEY, **more)


def whole(client: Client) -> Answer:
    try:
        return client.generate("Tell me").text, None
    except NeuroengineError as error:
        return "", error


def streamed(client: Client) -> Answer:
    stream = client.stream("Tell me", gettokens=2)
    pieces: list[str] = []
    try:
        for piece in stream:
            pieces.append(piece)  # noqa: PERF402 - an error must leave what came before it
    except NeuroengineError as error:
        return "".join(pieces), error
    return "".join(pieces), None


def is_error(asked: Future[Answer], *kinds: type[NeuroengineError], text: str = "") -> str:
    """Waits for a client's answer, which must be one of these errors behind this text; returns the error's name."""
    got, error = asked.result(DEADLINE_S)
    assert error is not None, f"{got!r} passed as the reply"
    assert type(error) in kinds, repr(error)
    assert got == text
    return type(error).__name__


@pytest.mark.parametrize("ask", [whole, streamed])
def test_a_provider_that_dies_at_any_byte_of_its_answer_costs_one_error(
    hub: MockHub, client: Client, clients: ThreadPoolExecutor, ask: Any
) -> None:
    answer = written(REPLY)
    errors: Counter[str] = Counter()
    for position in positions(answer):
        with provider(hub) as doomed:
            asked = clients.submit(ask, client)
            doomed.frame()
            if position:
                doomed.send(answer[:position])
            doomed.close(reset=position % 2 == 0)
            errors[is_error(asked, ProviderError)] += 1
        with provider(hub) as healthy:
            asked = clients.submit(ask, client)
            healthy.frame()
            healthy.send(answer)
            assert asked.result(DEADLINE_S) == (REPLY, None), f"after the death at byte {position}; {errors}"
    assert errors == {"ProviderError": POSITIONS + DIGITS + 1}


def test_a_provider_that_dies_inside_a_tls_record_costs_one_error(
    hub: MockHub, client: Client, clients: ThreadPoolExecutor
) -> None:
    for part in range(20):
        with provider(hub) as doomed:
            asked = clients.submit(whole, client)
            doomed.frame()
            doomed.send_part(written(REPLY), part / 20)
            doomed.close(reset=part % 2 == 0)
            is_error(asked, ProviderError)
    with provider(hub) as healthy:
        asked = clients.submit(whole, client)
        healthy.frame()
        healthy.send(written(REPLY))
        assert asked.result(DEADLINE_S) == (REPLY, None)


@pytest.mark.parametrize("place", ["before", "digits", "payload", "last byte"])
def test_a_streaming_provider_that_dies_at_any_poll_is_never_an_end(
    hub: MockHub, client: Client, clients: ThreadPoolExecutor, place: str
) -> None:
    for poll, last in enumerate([*PIECES, ""]):
        answer = written(last)
        position = {"before": 0, "digits": 1 + poll % 7, "payload": DIGITS + 5, "last byte": len(answer) - 1}[place]
        with provider(hub, streaming=True) as doomed:
            asked = clients.submit(streamed, client)
            for piece in PIECES[:poll]:
                doomed.frame()
                doomed.send(written(piece))
            doomed.frame()
            if position:
                doomed.send(answer[:position])
            doomed.close(reset=poll % 2 == 0)
            is_error(asked, ProviderError, text="".join(PIECES[:poll]))
    with provider(hub, streaming=True) as healthy:
        asked = clients.submit(streamed, client)
        for piece in [*PIECES, ""]:
            healthy.frame()
            healthy.send(written(piece))
        assert asked.result(DEADLINE_S) == (REPLY, None)


@pytest.mark.parametrize("position", [DIGITS - 1, 100])
def test_a_provider_that_hangs_inside_its_answer_costs_one_error_and_its_late_rest_nothing(
    clients: ThreadPoolExecutor, position: int
) -> None:
    limits = {"ping_s": 1000, "provider_answer_s": 1.0}
    with (
        MockHub({SERVICE: KEY}, tls=False, limits=limits) as hub,
        asking(hub) as client,
        provider(hub) as slow,
    ):
        answer = written("A late answer that nobody may get." + REPLY)
        asked = clients.submit(whole, client)
        slow.frame()
        if position:
            slow.send(answer[:position])
        is_error(asked, ProviderTimeoutError)
        slow.send(answer[position:])
        asked = clients.submit(whole, client)
        slow.frame()
        slow.send(written(REPLY))
        assert asked.result(DEADLINE_S) == (REPLY, None)


def test_a_provider_that_stays_away_is_told_as_offline(clients: ThreadPoolExecutor) -> None:
    with (
        MockHub({SERVICE: KEY}, tls=False, limits={"queue_s": 0.05}) as hub,
        asking(hub) as client,
    ):
        for ask in (whole, streamed):
            with provider(hub) as doomed:
                asked = clients.submit(ask, client)
                doomed.frame()
                doomed.close(reset=True)
                is_error(asked, ProviderError)
            is_error(clients.submit(ask, client), ProviderOfflineError)
        with provider(hub) as healthy:
            asked = clients.submit(whole, client)
            healthy.frame()
            healthy.send(written(REPLY))
            assert asked.result(DEADLINE_S) == (REPLY, None)


def test_a_patient_client_gets_the_whole_reply_from_the_provider_that_came_back(
    hub: MockHub, clients: ThreadPoolExecutor
) -> None:
    with asking(hub, tries=3) as patient, provider(hub) as doomed:
        asked = clients.submit(whole, patient)
        doomed.frame()
        doomed.send(written(REPLY)[:50])
        doomed.close()
        with provider(hub) as healthy:
            healthy.frame()
            healthy.send(written(REPLY))
            assert asked.result(DEADLINE_S) == (REPLY, None)


RAW = """
import json, os, signal, socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context(cafile=sys.argv[2])
with context.wrap_socket(socket.create_connection((host, int(port)), 10), server_hostname=host) as link:
    link.sendall(json.dumps({"user": "MYGPT", "key": "DEMOKEY"}).encode())
    assert link.recv(100) == b"OK"
    print("ready", flush=True)
    link.recv(65536)
    payload = json.dumps({"reply": "A reply that is never whole."}).encode()
    link.sendall((b"%08X" % len(payload) + payload)[:int(sys.argv[3])])
    os.kill(os.getpid(), signal.SIGKILL)
"""
LIBRARY = """
import os, signal, sys
from neuroengine import Provider
def answer(request):
    os.kill(os.getpid(), signal.SIGKILL)
with Provider("MYGPT", "DEMOKEY", answer, address=sys.argv[1], ca_file=sys.argv[2]) as provider:
    print("ready", flush=True)
    provider.serve_forever()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("program", "position"),
    [(RAW, 0), (RAW, 3), (RAW, DIGITS), (RAW, DIGITS + 20), (LIBRARY, 0)],
    ids=["before", "digits", "payload", "inside", "library"],
)
def test_a_process_that_is_killed_costs_its_client_one_error(
    hub: MockHub, client: Client, clients: ThreadPoolExecutor, program: str, position: int
) -> None:
    arguments = [hub.provider, hub.ca_file, str(position)]
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with closing(process.stdout) as output:
            assert output.readline() == "ready\n"
            asked = clients.submit(whole, client)
            is_error(asked, ProviderError)
        assert process.wait(DEADLINE_S) < 0
