"""Every error of the registry, provoked at the mock hub over HTTP, arrives at both clients as the class of its name.

No answer is made up. Where the client would never send such a request, a meddler on the way alters it.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn, Self

import httpx
import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import MockHub, ServiceSettings
from mockserver.state.behaviour import Behaviour
from neuroengine import AsyncClient, Client, HubError, Retry, RetryEvent, Timeouts, spec
from neuroengine.errors import HUB_ERRORS
from neuroengine.transport.threads import BackgroundLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from mockserver.state.services import Service

    Meddling = Callable[[dict[str, Any]], Any]
    """What is sent in place of the client's request: JSON, or bytes as they are."""

SERVICE, KEY = "MYGPT", "DEMOKEY"
ROWS = {row["code"]: row for row in spec.errors() if row["code"] != 0}


class Meddler(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends something else than it was given, over real connections."""

    def __init__(self, meddling: Meddling) -> None:
        self._meddling = meddling
        self._waiting, self._awaiting = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._waiting.handle_request(self._altered(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._awaiting.handle_async_request(self._altered(request))

    def _altered(self, request: httpx.Request) -> httpx.Request:
        sent = self._meddling(json.loads(request.content))
        content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        return httpx.Request(request.method, request.url, content=content, extensions=request.extensions)

    def close(self) -> None:
        self._waiting.close()

    async def aclose(self) -> None:
        await self._awaiting.aclose()


class Scene:
    """A hub, its clients and its providers. All that is opened is closed with it."""

    def __init__(self, stack: ExitStack, *, awaits: bool, matching_statuses: bool) -> None:
        self._stack = stack
        self._loop = BackgroundLoop() if awaits else None
        if self._loop is not None:
            stack.callback(self._loop.stop)
        self._matching_statuses = matching_statuses
        self._pool = stack.enter_context(ThreadPoolExecutor(4))
        self.hub: MockHub

    def at(self, *services: ServiceSettings, **limits: float) -> Self:
        """Starts the hub."""
        rows = services or (ServiceSettings(SERVICE, KEY),)
        self.hub = MockHub(rows, tls=False, limits=limits, matching_statuses=self._matching_statuses)
        self._stack.enter_context(self.hub)
        return self

    def provider(self, **more: Any) -> RecordProvider:
        provider = RecordProvider(self.hub.provider, self.hub.ca_file).login(SERVICE, KEY, **more)
        self._stack.callback(provider.close)  # a client that waits for it gets its answer now
        return provider

    def generate(self, prompt: str = "hi", *, service: str = SERVICE, meddling: Meddling | None = None) -> str:
        settings: dict[str, Any] = self._settings(meddling)
        if self._loop is None:
            with Client(service, **settings) as client:
                return client.generate(prompt).text

        async def main() -> str:
            async with AsyncClient(service, **settings) as client:
                return (await client.generate(prompt)).text

        return self._loop.run(main())

    def piece(self, prompt: str = "hi", key: str | None = None, meddling: Meddling | None = None) -> str:
        """The first piece of a stream, which is then left."""
        settings: dict[str, Any] = self._settings(meddling)
        if self._loop is None:
            with Client(SERVICE, **settings) as client:
                return next(client.stream(prompt, gettokens=1, key=key))

        async def main() -> str:
            async with AsyncClient(SERVICE, **settings) as client:
                return await anext(client.stream(prompt, gettokens=1, key=key))

        return self._loop.run(main())

    def meanwhile(self, provider: RecordProvider) -> Future[str]:
        """Asks in the background; returns when the provider has the request, and holds it."""
        asked = self._pool.submit(self.generate)
        provider.frame()
        return asked

    def queue_one(self) -> None:
        """Asks in the background; returns when the request waits behind another one."""
        self._pool.submit(self.generate)
        with Client(SERVICE, url=self.hub.url) as client:
            lengths = (client.models()[0].queuelen for _ in range(10_000))
            assert any(lengths), "the request never waited"

    def _settings(self, meddling: Meddling | None) -> dict[str, Any]:
        return {
            "url": self.hub.url,
            "access_key": "",
            "retry": Retry(tries=1),
            "timeouts": Timeouts(total_s=DEADLINE_S),
            "transport": Meddler(meddling) if meddling else None,
            "on_retry": raise_error,
        }


def raise_error(event: RetryEvent) -> None:
    """Gives up at once: "not ready" costs no try, so the client would poll on."""
    raise event.error


class Failing(Behaviour):
    """A hub with a fault of its own."""

    def count(self, service: Service, now: float, *, is_new: bool) -> NoReturn:  # noqa: ARG002 - it only fails
        raise RuntimeError("the disk is full")


def internal_error(scene: Scene) -> None:
    scene.at().hub._keeper.state.behaviour.__class__ = Failing
    scene.generate()


def invalid_json(scene: Scene) -> None:
    scene.at().generate(meddling=lambda request: json.dumps(request).encode()[:-1])


def missing_message(scene: Scene) -> None:
    scene.at().generate(meddling=lambda request: {"prompt": request["message"]})


def invalid_field(scene: Scene) -> None:
    scene.at().generate(meddling=lambda request: {**request, "temperature": -1})


def unknown_command(scene: Scene) -> None:
    scene.at().generate(meddling=lambda _: {"command": "dance"})


def unknown_service(scene: Scene) -> None:
    scene.at().generate(service="Nobody")


def provider_offline(scene: Scene) -> None:
    scene.at(ServiceSettings(SERVICE, KEY, offline=True)).generate()


def queue_full(scene: Scene) -> None:
    scene.at(queue_requests=1)
    scene.meanwhile(scene.provider())
    scene.queue_one()
    scene.generate()


def quota_exceeded(scene: Scene) -> None:
    scene.at(ServiceSettings(SERVICE, KEY, quota=1, quota_window_s=3600)).generate()
    scene.generate()


def unauthorized(scene: Scene) -> None:
    scene.at(ServiceSettings(SERVICE, KEY, access_keys=("acc3ss-k3y",))).generate()


def request_too_large(scene: Scene) -> None:
    scene.at(http_body_bytes=1000).generate("x" * 1000)


def provider_timeout(scene: Scene) -> None:
    scene.at(provider_answer_s=0.05).meanwhile(scene.provider()).result(DEADLINE_S)


def provider_error(scene: Scene) -> None:
    provider = scene.at().provider()
    asked = scene.meanwhile(provider)
    provider.close()
    asked.result(DEADLINE_S)


def stream_conflict(scene: Scene) -> None:
    scene.at().piece("one", key="the same key")
    scene.piece("two", key="the same key")


def stream_limit(scene: Scene) -> None:
    scene.at(open_streams=1).piece()
    scene.piece()


def shutting_down(scene: Scene) -> None:
    asked = scene.at().meanwhile(scene.provider())
    scene.hub.stop()
    asked.result(DEADLINE_S)


def not_ready(scene: Scene) -> None:
    scene.at(long_poll_s=0.05).provider()
    scene.piece()


def stream_expired(scene: Scene) -> None:
    scene.at().piece(meddling=lambda request: {**request, "seq": 5})


PROVOCATIONS: dict[int, Callable[[Scene], None]] = {
    1: internal_error,
    2: invalid_json,
    3: missing_message,
    4: invalid_field,
    5: unknown_command,
    6: unknown_service,
    7: provider_offline,
    8: queue_full,
    9: quota_exceeded,
    10: unauthorized,
    11: request_too_large,
    12: provider_timeout,
    13: provider_error,
    14: stream_conflict,
    15: stream_limit,
    16: shutting_down,
    17: not_ready,
    18: stream_expired,
}
"""How each code is brought about, under the name that the registry gives it."""
FIELDS = {4: "temperature"}
"""The field that an answer names, where it names one."""


@pytest.fixture(params=["Client", "AsyncClient", "matching statuses"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(
            stack, awaits=request.param == "AsyncClient", matching_statuses=request.param == "matching statuses"
        )


def test_every_code_of_the_registry_is_provoked_and_has_a_class() -> None:
    assert {code: provoke.__name__ for code, provoke in PROVOCATIONS.items()} == {
        code: row["name"] for code, row in ROWS.items()
    }
    assert PROVOCATIONS.keys() == HUB_ERRORS.keys()
    assert len(set(HUB_ERRORS.values())) == len(ROWS)


@pytest.mark.parametrize("code", sorted(PROVOCATIONS), ids=lambda code: PROVOCATIONS[code].__name__)
def test_an_error_of_the_hub_arrives_as_its_own_class(scene: Scene, code: int) -> None:
    row = ROWS[code]
    with pytest.raises(HubError) as caught:
        PROVOCATIONS[code](scene)
    error = caught.value
    assert type(error) is HUB_ERRORS[code]
    assert (error.code, error.name, error.members["error"]) == (code, row["name"], row["name"])
    assert error.retryable is (row["retry"] != "no")
    assert (error.retry_after is not None) == (row["retry"] == "after")
    assert error.retry_after is None or 0 < error.retry_after <= 3600
    assert error.field == FIELDS.get(code)
    assert error.sentence in str(error)
    assert row["fix"] in error.sentence
    assert error.doc_url.endswith(f"/errors/{row['name']}/")
