"""A hub in place of another one: code that asks a fixed address by httpx is tested unchanged."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partialmethod
from typing import Any

import httpx
import pytest

from mockserver import MockHub

SERVICE = "Neuroengine-Large"
PUBLISHED = f"https://api.neuroengine.ai/{SERVICE}"
REQUEST = {"message": "Hello"}


def hub_that_says(text: str) -> MockHub:
    hub = MockHub(tls=False)
    hub.on().reply(text)
    return hub


def ask(url: str = PUBLISHED) -> str:
    return str(httpx.post(url, json=REQUEST).json()["reply"])


async def ask_async(url: str = PUBLISHED) -> str:
    async with httpx.AsyncClient() as client:
        return str((await client.post(url, json=REQUEST)).json()["reply"])


def test_code_that_asks_the_published_hub_is_answered_by_the_mock_hub() -> None:
    hub = hub_that_says("mock")
    with hub.in_place_of():
        assert (ask(), asyncio.run(ask_async())) == ("mock", "mock")
        assert ask("https://api.neuroengine.ai:443/Neuroengine-Large/") == "mock"
    assert len(hub.journal) == 3


def test_requests_to_other_addresses_go_their_way() -> None:
    with hub_that_says("there") as other, hub_that_says("here").in_place_of():
        assert (ask(), ask(f"{other.url}/{SERVICE}")) == ("here", "there")
        assert asyncio.run(ask_async(f"{other.url}/{SERVICE}")) == "there"
        for url in (
            "http://api.neuroengine.ai",
            "https://api.neuroengine.ai:444",
            "https://api.neuroengine.ai.invalid",
        ):
            with pytest.raises(httpx.TransportError):
                httpx.post(url, timeout=0.001)


def now() -> tuple[object, object]:
    """What of httpx is patched."""
    return httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request


def test_afterwards_httpx_is_as_it_was_also_when_something_failed() -> None:
    before = now()

    def fail() -> None:
        with hub_that_says("mock").in_place_of():
            assert now() != before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert now() == before


def test_any_base_url_can_be_taken_over_with_its_path_and_no_others() -> None:
    hub = hub_that_says("mock")
    with hub.in_place_of("http://localhost:8080/v1/"):
        assert ask(f"http://localhost:8080/v1/{SERVICE}?x=y") == "mock"
        assert httpx.post("http://localhost:8080/v1", json={"command": "getmodels"}).json()[0]["name"] == SERVICE
        for url in (f"http://localhost:8080/v10/{SERVICE}", f"http://localhost:8080/{SERVICE}"):
            with pytest.raises(httpx.ConnectError):
                ask(url)
    assert [entry.path for entry in hub.journal] == [f"/{SERVICE}", ""]


def test_several_hubs_are_in_several_places_and_end_in_any_order() -> None:
    before = now()
    one, other, last = hub_that_says("one"), hub_that_says("other"), hub_that_says("last")
    with ExitStack() as first:
        with other.in_place_of("https://other.example"):
            first.enter_context(one.in_place_of())
            assert (ask(), ask(f"https://other.example/{SERVICE}")) == ("one", "other")
        with last.in_place_of():
            assert ask() == "last"
        assert ask() == "one"
    assert now() == before


def test_a_patch_of_somebody_else_outlives_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_that_says("mock").in_place_of():
        ours: Any = httpx.HTTPTransport.handle_request
        theirs = partialmethod(ours)
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", theirs)
        assert ask() == "mock"
    assert vars(httpx.HTTPTransport)["handle_request"] is theirs
    with pytest.raises(httpx.ConnectError):
        ask("http://127.0.0.1:9")


def test_a_function_can_be_decorated_sync_or_async_and_called_again() -> None:
    hub = hub_that_says("mock")
    decorated, decorated_async = hub.in_place_of()(ask), hub.in_place_of()(ask_async)
    for _ in range(2):
        assert (decorated(), asyncio.run(decorated_async())) == ("mock", "mock")
    assert decorated.__name__ == "ask"


def test_an_async_with_block_takes_over_too() -> None:
    async def use() -> str:
        async with hub_that_says("mock").in_place_of():
            return await ask_async()

    assert asyncio.run(use()) == "mock"


@pytest.mark.parametrize("url", ["", "api.neuroengine.ai", "ftp://host", "https://", "https://host?x=y", "http://[::1"])
def test_an_address_that_cannot_be_a_hubs_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the base URL"):
        MockHub().in_place_of(url)
