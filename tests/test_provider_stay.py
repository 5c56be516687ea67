"""A provider's stay at its hub: several services, the states that can be watched, and how it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from test_client_async import surface
from toy_hub import KEY, SERVICE, ToyHub

from mockserver import MockHub
from neuroengine import AsyncProvider, Client, Provider, ProviderState, Retry, StateChange
from neuroengine.errors import ConfigurationError, LinkLost, LoginRefused, ProviderOfflineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from neuroengine.protocol.jobs import Request
    from neuroengine.transport.threads import BackgroundLoop

AT_ONCE = Retry(tries=1000, first_wait_s=0.0, longest_wait_s=0.0)
NEVER = Retry(tries=1000, first_wait_s=1000.0, longest_wait_s=1000.0)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[ToyHub]:
    with ToyHub(tmp_path) as running:
        yield running


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({"One": "KEY1", "Two": "KEY2"}) as running:
        yield running


class Watched:
    """Keeps the states that a provider tells of."""

    def __init__(self) -> None:
        self._changes: queue.SimpleQueue[StateChange] = queue.SimpleQueue()

    def __call__(self, change: StateChange) -> None:
        self._changes.put(change)

    def next(self) -> StateChange:
        return self._changes.get(timeout=DEADLINE_S)

    def until(self, state: ProviderState) -> list[ProviderState]:
        """The states up to the wanted one."""
        states = [self.next().state]
        while states[-1] is not state:
            states.append(self.next().state)
        return states


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def client_of(hub: MockHub, service: str) -> Client:
    return Client(service, url=hub.url, ca_file=hub.ca_file, retry=Retry(tries=1))


def echo(request: Request) -> str:
    return f"You said {request.message}"


# -- services


def test_both_providers_have_the_same_names_and_arguments() -> None:
    awaiting, waiting = surface(AsyncProvider), surface(Provider)
    assert awaiting.keys() == waiting.keys()
    assert {name: str(signature) for name, signature in awaiting.items()} == {
        name: str(signature).replace("Provider", "AsyncProvider") if name == "__enter__" else str(signature)
        for name, signature in waiting.items()
    }
    assert list(inspect.signature(AsyncProvider).parameters) == list(inspect.signature(Provider).parameters)


def test_one_provider_answers_for_several_services(hub: MockHub) -> None:
    watched = Watched()
    provider = Provider(address=hub.provider, ca_file=hub.ca_file, on_state=watched)

    @provider.service("One", "KEY1")
    def one(request: Request) -> str:
        return f"one: {request.message}"

    @provider.service("Two", "KEY2", streaming=True)
    async def two(request: Request) -> str:
        return f"two: {request.message}"

    assert provider.services == ("One", "Two")
    assert one.__name__ == "one"
    serving = in_thread(provider.serve_forever)
    ready: set[str] = set()
    while len(ready) < 2:
        change = watched.next()
        ready |= {change.service} if change.state is ProviderState.READY else set()
    with client_of(hub, "One") as client:
        assert client.generate("hi").text == "one: hi"
        assert client.generate("hi", service="Two").text == "two: hi"
        with client.stream("hi", service="Two", gettokens=1) as pieces:
            assert list(pieces) == ["two:", " hi"]
    provider.stop()
    serving.join(DEADLINE_S)
    assert not serving.is_alive()


def test_services_answer_side_by_side(hub: MockHub) -> None:
    meeting = threading.Barrier(2)

    def answer(request: Request) -> str:
        meeting.wait(DEADLINE_S)
        return request.message

    provider = Provider(address=hub.provider, ca_file=hub.ca_file)
    provider.add("One", "KEY1", answer)
    provider.add("Two", "KEY2", answer)
    provider.connect()
    serving = in_thread(provider.serve_forever)
    texts: list[str] = []
    with client_of(hub, "One") as first, client_of(hub, "Two") as second:
        asking = in_thread(lambda: texts.append(first.generate("a").text))
        texts.append(second.generate("b").text)
        asking.join(DEADLINE_S)
    assert sorted(texts) == ["a", "b"]
    provider.close()
    serving.join(DEADLINE_S)


def test_a_wrong_key_of_one_service_ends_the_provider_with_the_reason(hub: MockHub, loop: BackgroundLoop) -> None:
    provider = AsyncProvider(address=hub.provider, ca_file=hub.ca_file)
    provider.add("One", "KEY1", echo)
    provider.add("Two", "wrong", echo)
    with pytest.raises(LoginRefused, match="'Two'"):
        loop.start(provider.serve_forever()).result(DEADLINE_S)
    with pytest.raises(LoginRefused, match="'Two'"):
        loop.run(provider.connect())


def test_what_a_provider_offers_is_checked() -> None:
    provider = Provider("One", "KEY1", echo, address="localhost:1")
    with pytest.raises(ConfigurationError, match="'One' was added before"):
        provider.add("One", "KEY1", echo)
    with pytest.raises(ConfigurationError, match=r"parallel must be .* 0"):
        provider.add("Two", "KEY2", echo, parallel=0)
    with pytest.raises(ConfigurationError, match="give all three"):
        Provider("One", "KEY1")
    with pytest.raises(ConfigurationError, match="no service"):
        Provider(address="localhost:1").serve_forever()
    assert "KEY1" not in repr(vars(provider))


# -- states


def test_every_step_of_a_stay_can_be_watched(toy: ToyHub, loop: BackgroundLoop) -> None:
    watched = Watched()
    provider = AsyncProvider(
        SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file, reconnect=AT_ONCE, on_state=watched
    )
    serving = loop.start(provider.serve_forever())
    link = toy.link().accept()
    assert watched.until(ProviderState.READY) == [ProviderState.CONNECTING, ProviderState.READY]
    assert link.ask("hi") == {"reply": "You said hi"}
    assert watched.until(ProviderState.READY) == [ProviderState.ANSWERING, ProviderState.READY]
    link.close()
    lost = watched.next()
    assert (lost.service, lost.state, lost.wait_s) == (SERVICE, ProviderState.WAITING, 0.0)
    assert isinstance(lost.reason, LinkLost)
    toy.link().refuse()
    refused = watched.until(ProviderState.LEFT)
    assert refused == [ProviderState.CONNECTING, ProviderState.LEFT]
    with pytest.raises(LoginRefused):
        serving.result(DEADLINE_S)


def test_a_watcher_that_raises_breaks_nothing_and_is_logged(
    toy: ToyHub, loop: BackgroundLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def raising(change: StateChange) -> None:
        raise ZeroDivisionError(change.state.value)

    provider = AsyncProvider(SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file, on_state=raising)
    serving = loop.start(provider.serve_forever())
    assert toy.link().accept().ask("hi") == {"reply": "You said hi"}
    loop.run(provider.close())
    serving.result(DEADLINE_S)
    assert "on_state raised" in caplog.text


def test_the_library_is_quiet_by_default() -> None:
    (handler,) = [kind for kind in logging.getLogger("neuroengine").handlers if isinstance(kind, logging.NullHandler)]
    assert handler.level == logging.NOTSET


# -- leaving


@contextlib.contextmanager
def stopping(
    loop: BackgroundLoop, toy: ToyHub, answer: Callable[..., Any], **options: Any
) -> Iterator[tuple[AsyncProvider, Future[None], Watched]]:
    """A provider at work; at the end it must have returned without an error."""
    watched = Watched()
    provider = AsyncProvider(
        SERVICE, KEY, answer, address=toy.address, ca_file=toy.ca_file, on_state=watched, **options
    )
    serving = loop.start(provider.serve_forever())
    yield provider, serving, watched
    assert serving.result(DEADLINE_S) is None


def test_who_stops_finishes_the_running_answer_and_leaves(toy: ToyHub, loop: BackgroundLoop) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(request: Request) -> str:
        begun.set()
        assert release.wait(DEADLINE_S)
        return echo(request)

    with stopping(loop, toy, slow) as (provider, serving, watched):
        link = toy.link().accept().say(b'{"message": "hi"}')
        assert begun.wait(DEADLINE_S)
        stopped = loop.start(provider.stop())
        watched.until(ProviderState.LEAVING)
        assert not serving.done()
        link.say(b'{"message": "too late"}')
        release.set()
        assert link.answer() == {"reply": "You said hi"}
        assert link.is_closed()
        stopped.result(DEADLINE_S)
        assert watched.until(ProviderState.LEFT) == [ProviderState.LEFT]


def test_who_stops_without_a_request_leaves_at_once(toy: ToyHub, loop: BackgroundLoop) -> None:
    with stopping(loop, toy, echo) as (provider, _, watched):
        link = toy.link().accept()
        watched.until(ProviderState.READY)
        loop.run(provider.stop())
        assert link.is_closed()


def test_who_stops_while_waiting_for_the_next_login_leaves_at_once(toy: ToyHub, loop: BackgroundLoop) -> None:
    with stopping(loop, toy, echo, reconnect=NEVER) as (provider, _, watched):
        toy.link().accept().close()
        watched.until(ProviderState.WAITING)
        loop.run(provider.stop())
        assert watched.until(ProviderState.LEFT) == [ProviderState.LEAVING, ProviderState.LEFT]


def test_who_stops_while_the_login_is_not_answered_leaves_at_once(toy: ToyHub, loop: BackgroundLoop) -> None:
    with stopping(loop, toy, echo) as (provider, _, _watched):
        link = toy.link()
        link.login()
        loop.run(provider.stop())
        assert link.is_closed()


def test_an_answer_that_never_comes_does_not_keep_a_provider(toy: ToyHub, loop: BackgroundLoop) -> None:
    release = threading.Event()
    begun = threading.Event()

    def stuck(request: Request) -> str:
        begun.set()
        release.wait(DEADLINE_S)
        return echo(request)

    with stopping(loop, toy, stuck) as (provider, _, _watched):
        link = toy.link().accept().say(b'{"message": "hi"}')
        assert begun.wait(DEADLINE_S)
        loop.run(provider.stop(within_s=0.05))
        assert link.is_closed()
        release.set()


@pytest.mark.parametrize("end", ["closed", "lost"])
def test_who_waits_for_a_stream_to_end_may_lose_the_link_meanwhile(
    toy: ToyHub, loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("neuroengine.answering.POLL_HOLD_S", 0.0)

    async def stuck(request: Request) -> str:
        await asyncio.Event().wait()
        return echo(request)

    with stopping(loop, toy, stuck, streaming=True) as (provider, _, watched):
        link = toy.link()
        link.login()
        assert link.say(b'OK{"message": "hi", "key": "k"}').answer()["errorcode"] == 17
        stopped = loop.start(provider.stop())
        watched.until(ProviderState.LEAVING)
        if end == "closed":
            loop.run(provider.close())
        else:
            link.close()
        assert stopped.result(DEADLINE_S) is None


def test_a_hub_that_leaves_first_does_not_keep_a_provider_that_stops(toy: ToyHub, loop: BackgroundLoop) -> None:
    release, begun = asyncio.Event(), threading.Event()

    async def slow(request: Request) -> str:
        begun.set()
        await release.wait()
        return echo(request)

    with stopping(loop, toy, slow) as (provider, _, watched):
        link = toy.link().accept().say(b'{"message": "hi"}')
        assert begun.wait(DEADLINE_S)
        stopped = loop.start(provider.stop())
        watched.until(ProviderState.LEAVING)
        link.close()
        stopped.result(DEADLINE_S)


def test_a_stream_that_was_begun_is_finished_before_a_provider_leaves(hub: MockHub) -> None:
    watched = Watched()
    provider = Provider(
        "One", "KEY1", lambda _: "a b c d", streaming=True, address=hub.provider, ca_file=hub.ca_file, on_state=watched
    )
    provider.connect()
    serving = in_thread(provider.serve_forever)
    with client_of(hub, "One") as client:
        with client.stream("hi", gettokens=2) as pieces:
            assert next(pieces) == "a b"
            provider.stop()
            watched.until(ProviderState.LEAVING)
            assert list(pieces) == [" c d"]
        serving.join(DEADLINE_S)
        assert not serving.is_alive()


def test_a_stream_whose_provider_leaves_at_once_ends_in_a_typed_error() -> None:
    with MockHub({"One": "KEY1"}, limits={"queue_s": 0.1}) as hub:
        provider = Provider(
            "One", "KEY1", lambda _: "a b c d", streaming=True, address=hub.provider, ca_file=hub.ca_file
        )
        provider.connect()
        serving = in_thread(provider.serve_forever)
        with client_of(hub, "One") as client, client.stream("hi", gettokens=2) as pieces:
            assert next(pieces) == "a b"
            provider.close()
            serving.join(DEADLINE_S)
            with pytest.raises(ProviderOfflineError):
                next(pieces)
            assert pieces.text == "a b"


def test_a_callback_may_stop_its_provider(toy: ToyHub) -> None:
    def last(request: Request) -> str:
        provider.stop()
        return echo(request)

    provider = Provider(SERVICE, KEY, last, address=toy.address, ca_file=toy.ca_file)
    serving = in_thread(provider.serve_forever)
    link = toy.link().accept()
    assert link.ask("bye") == {"reply": "You said bye"}
    assert link.is_closed()
    serving.join(DEADLINE_S)
    assert not serving.is_alive()


def test_stopping_a_provider_that_does_not_serve_does_nothing(loop: BackgroundLoop) -> None:
    provider = Provider(SERVICE, KEY, echo, address="localhost:1")
    provider.stop()
    provider.close()
    loop.run(AsyncProvider(SERVICE, KEY, echo, address="localhost:1").stop())


@pytest.mark.parametrize("end", ["stop", "close"])
def test_a_watcher_may_end_its_provider(toy: ToyHub, end: str) -> None:
    def watch(change: StateChange) -> None:
        if change.state is ProviderState.READY:
            getattr(provider, end)()

    provider = Provider(SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file, on_state=watch)
    serving = threading.Thread(target=provider.serve_forever, daemon=True)
    serving.start()
    assert toy.link().accept().is_closed()
    serving.join(DEADLINE_S)
    assert not serving.is_alive()


def test_who_is_stopped_before_serving_leaves_and_may_come_back(toy: ToyHub, loop: BackgroundLoop) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file)
    connecting = loop.start(provider.connect())
    link = toy.link().accept()
    connecting.result(DEADLINE_S)
    loop.run(provider.stop())
    assert link.is_closed()
    loop.start(provider.serve_forever()).result(DEADLINE_S)
    serving = loop.start(provider.serve_forever())
    assert toy.link().accept().ask("hi") == {"reply": "You said hi"}
    loop.run(provider.close())
    serving.result(DEADLINE_S)


def test_a_provider_that_waits_and_is_stopped_before_serving_returns_at_once(toy: ToyHub) -> None:
    provider = Provider(SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file)
    connecting = in_thread(provider.connect)
    link = toy.link().accept()
    connecting.join(DEADLINE_S)
    provider.stop()
    provider.serve_forever()
    assert link.is_closed()


def test_a_lost_link_takes_the_streams_with_it_that_wait_for_their_next_poll(toy: ToyHub, loop: BackgroundLoop) -> None:
    async def words(request: Request) -> AsyncIterator[str]:
        yield request.message
        if request.message == "first":
            await asyncio.Event().wait()

    at_once = Retry(tries=1000, first_wait_s=0.0, longest_wait_s=0.0)
    with stopping(loop, toy, words, streaming=True, reconnect=at_once) as (provider, _, _watched):
        for message in ("first", "second"):  # the first one would keep the second waiting: one is made at a time
            link = toy.link()
            link.login()
            link.say(b'OK{"message": "%s", "key": "%s"}' % (message.encode(), message.encode()))
            assert link.answer()["reply"] == message
            link.close()
        loop.run(provider.close())


def test_a_provider_that_waits_serves_once_at_a_time(toy: ToyHub) -> None:
    provider = Provider(SERVICE, KEY, echo, address=toy.address, ca_file=toy.ca_file)
    serving = in_thread(provider.serve_forever)
    link = toy.link().accept()
    another: list[BaseException] = []

    def serve_too() -> None:
        try:
            provider.serve_forever()
        except RuntimeError as error:
            another.append(error)

    second = threading.Thread(target=serve_too, daemon=True)
    second.start()
    second.join(DEADLINE_S)
    assert link.ask("hi") == {"reply": "You said hi"}
    provider.close()
    serving.join(DEADLINE_S)
    assert [str(error) for error in another] == ["this provider serves already"]
