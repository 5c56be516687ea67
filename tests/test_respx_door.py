"""A hub behind respx: beside other mocked hosts, by decorator, block or fixture, for sync and async clients."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pytest
import respx

from mockserver import MockHub

SERVICE = "Neuroengine-Large"
PUBLISHED = f"https://api.neuroengine.ai/{SERVICE}"
REQUEST = {"message": "Hello"}


@pytest.fixture
def hub() -> MockHub:
    hub = MockHub()
    hub.on().reply("mock")
    return hub


def ask(url: str = PUBLISHED) -> str:
    return str(httpx.post(url, json=REQUEST).json()["reply"])


async def ask_async(url: str = PUBLISHED) -> str:
    async with httpx.AsyncClient() as client:
        return str((await client.post(url, json=REQUEST)).json()["reply"])


def test_a_block_takes_the_published_hub_over_and_counts_the_calls(hub: MockHub) -> None:
    with hub.respx() as router:
        assert (ask(), asyncio.run(ask_async())) == ("mock", "mock")
        assert router.calls.call_count == len(hub.journal) == 2
        assert router.calls.last.response.status_code == 200


def test_other_hosts_can_be_mocked_in_the_same_router_and_the_rest_is_refused(hub: MockHub) -> None:
    with hub.respx() as router:
        router.get("https://elsewhere.example/").respond(json={"reply": "elsewhere"})
        assert httpx.get("https://elsewhere.example/").json() == {"reply": "elsewhere"}
        assert ask() == "mock"
        for url in ("https://nowhere.example/", "http://api.neuroengine.ai/", "https://api.neuroengine.ai.example/"):
            with pytest.raises(respx.models.AllMockedAssertionError):
                httpx.post(url)


def test_a_function_can_be_decorated_sync_or_async_and_called_again(hub: MockHub) -> None:
    decorated, decorated_async = hub.respx()(ask), hub.respx()(ask_async)
    for _ in range(2):
        assert (decorated(), asyncio.run(decorated_async())) == ("mock", "mock")


def test_an_async_with_block_takes_over_too(hub: MockHub) -> None:
    async def use() -> str:
        async with hub.respx():
            return await ask_async()

    assert asyncio.run(use()) == "mock"


def test_a_client_that_waits_may_be_used_inside_a_task(hub: MockHub) -> None:
    async def use() -> tuple[str, str]:
        with hub.respx():
            return ask(), await ask_async()

    assert asyncio.run(use()) == ("mock", "mock")


def test_the_hub_can_be_put_into_a_router_that_is_there(hub: MockHub, respx_mock: respx.MockRouter) -> None:
    assert hub.respx("https://hub.example/v1", router=respx_mock) is respx_mock
    assert ask(f"https://hub.example/v1/{SERVICE}") == "mock"
    assert hub.journal.last.path == f"/{SERVICE}"
    with pytest.raises(respx.models.AllMockedAssertionError):
        ask(f"https://hub.example/v10/{SERVICE}")


def test_a_block_inside_the_fixtures_answers_what_the_fixture_does_not(
    hub: MockHub, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get("https://elsewhere.example/").respond(text="elsewhere")
    with hub.respx():
        assert httpx.get("https://elsewhere.example/").text == "elsewhere"
        assert ask() == "mock"


def test_what_befalls_an_exchange_reaches_the_caller_and_the_calls(hub: MockHub) -> None:
    hub.faults.add("reset")
    with hub.respx() as router:
        with pytest.raises(httpx.ReadError, match="reset by peer"):
            ask()
        with pytest.raises(httpx.ReadError, match="reset by peer"):
            asyncio.run(ask_async())
        assert [call.has_response for call in router.calls] == [False, False]


def test_a_transport_of_a_router_leads_to_the_hub(hub: MockHub) -> None:
    router = hub.respx()
    with httpx.Client(transport=httpx.MockTransport(router.handler)) as client:
        assert client.post(PUBLISHED, json=REQUEST).json()["reply"] == "mock"


def test_without_respx_it_is_said_what_to_install(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mockserver.respx_door", raising=False)
    monkeypatch.setitem(sys.modules, "respx", None)
    with pytest.raises(ImportError, match="pip install respx"):
        hub.respx()
