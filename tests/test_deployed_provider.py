"""Providers that are deployed today are served without a hang; and hubs that would hang them do."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S

from benchmarks.peers.deployed_provider import DeployedProvider
from mockserver import MockHub, runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICE, KEY = "MYGPT", "DEMOKEY"
PAGE_BYTES = 4096
PAGES = 11
AROUND = 45
BARE = len('{"message": "", "raw": "False"}')
ESCAPES = {"ascii": ("a", 1), "two bytes": ("é", 6), "four bytes": ("\U0001f600", 12)}
"""A character, and how many bytes it takes in a frame."""


def digest(message: str) -> str:
    return f"{len(message)} {hashlib.sha256(message.encode()).hexdigest()}"


def message_of(frame_bytes: int, kind: str) -> str:
    """A message whose request takes so many bytes before it is padded, of such characters as far as that goes."""
    character, size = ESCAPES[kind]
    room = frame_bytes - BARE
    return character * (room // size) + "a" * (room % size)


@contextmanager
def asking(hub: MockHub) -> Iterator[Callable[[str], dict[str, Any]]]:
    with closing(HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)) as connection:

        def ask(message: str) -> dict[str, Any]:
            connection.request("POST", f"/{SERVICE}", json.dumps({"message": message}))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer

        yield ask


@contextmanager
def served(
    wrong: str | None = None, *, patience_s: float = 60.0, **limits: float
) -> Iterator[tuple[Callable[[str], dict[str, Any]], DeployedProvider]]:
    """A hub with a deployed provider: a way to ask, and the provider."""
    with ExitStack() as stack:
        hub = stack.enter_context(MockHub({SERVICE: KEY}, tls=False, wrong=wrong, limits=limits))
        provider = DeployedProvider(hub.provider, hub.ca_file, SERVICE, KEY, digest, patience_s=patience_s)
        stack.enter_context(provider)
        yield stack.enter_context(asking(hub)), provider


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("kind", ESCAPES)
def test_prompts_of_every_length_around_its_reads_are_served(
    kind: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loop == "asyncio":
        monkeypatch.setattr(runner, "_new_event_loop", asyncio.new_event_loop)
    sizes = [page * PAGE_BYTES + offset for page in range(1, PAGES + 1) for offset in range(-AROUND, AROUND + 1)]
    with served(ping_s=1000) as (ask, provider):
        for size in sizes:
            message = message_of(size, kind)
            assert ask(message) == {"reply": digest(message), "errorcode": 0}, size
        assert provider.frames == [size + (size % PAGE_BYTES == 0) for size in sizes]
        assert (provider.logins, provider.lost) == (1, 0)


def test_pings_between_requests_lose_nothing() -> None:
    with served(ping_s=0.001) as (ask, provider):
        for number in range(300):
            assert ask(f"{number}")["reply"] == digest(f"{number}")
        assert (provider.logins, provider.lost) == (1, 0)


def test_pings_alone_keep_it() -> None:
    with served(ping_s=0.05, patience_s=4.0) as (ask, provider), served(ping_s=1000, patience_s=0.5) as (_, other):
        while other.logins < 10:  # which takes longer than the patience of the first
            assert ask("hi")["errorcode"] == 0
        assert provider.logins == 1


@pytest.mark.parametrize("wrong", ["page_sized_frames", "frames_coalesced", "frames_in_halves", "short_records"])
def test_a_hub_that_is_wrong_in_its_frames_costs_it_requests(wrong: str) -> None:
    with served(wrong, provider_answer_s=0.2, ping_s=1000) as (ask, _):
        messages = [message_of(size, "ascii") for size in (PAGE_BYTES, 100, 20_480)]
        assert any(ask(message)["errorcode"] in {12, 13} for _ in range(20) for message in messages)


def test_a_hub_that_sends_no_pings_makes_it_come_back_for_ever() -> None:
    with served("no_pings", patience_s=0.05) as (_, provider):
        while provider.logins < 3:
            pass
