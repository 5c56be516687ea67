"""Providers on real sockets: they answer, they survive their callbacks and the hub, and they come back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from toy_hub import KEY, SERVICE, HubLink, ToyHub

from neuroengine.errors import ConfigurationError, ConnectionFailed, LinkLost, LoginRefused, TLSFailed
from neuroengine.protocol.retry import Retry
from neuroengine.provider import AsyncProvider, Provider
from neuroengine.transport import link as link_module

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from neuroengine.protocol.jobs import Request
    from neuroengine.transport.threads import BackgroundLoop

AT_ONCE = Retry(tries=1000, first_wait_s=0.0, longest_wait_s=0.0)
ERROR_ANSWER = {"reply": "The provider failed to answer this request.", "errorcode": 13}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ToyHub]:
    with ToyHub(tmp_path) as running:
        yield running


@contextlib.contextmanager
def serving(loop: BackgroundLoop, hub: ToyHub, answer: Callable[[Request], Any], **options: Any) -> Iterator[HubLink]:
    """An asynchronous provider at work; gives the hub's end of its first connection."""
    provider = AsyncProvider(
        SERVICE, KEY, answer, address=hub.address, ca_file=hub.ca_file, reconnect=AT_ONCE, **options
    )
    served = loop.start(provider.serve_forever())
    try:
        yield hub.link().accept()
    finally:
        loop.run(provider.close())
        assert served.result(DEADLINE_S) is None


def echo(request: Request) -> str:
    return f"You said {request['message']}"


async def echo_later(request: Request) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"reply": echo(request), "model": "echo"}


def test_a_function_answers_with_the_text_of_the_reply(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo) as link:
        assert link.ask("hi") == {"reply": "You said hi"}
        assert link.ask("é😀") == {"reply": "You said é😀"}


def test_a_coroutine_function_answers_with_a_whole_answer(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo_later) as link:
        assert link.ask("hi") == {"reply": "You said hi", "model": "echo"}


def test_an_object_may_be_called_as_a_coroutine_function(loop: BackgroundLoop, hub: ToyHub) -> None:
    class Model:
        async def __call__(self, request: Request) -> dict[str, Any]:
            return await echo_later(request)

    with serving(loop, hub, Model()) as link:
        assert link.ask("hi") == {"reply": "You said hi", "model": "echo"}


def test_the_callback_gets_every_member_of_the_request(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, lambda request: {"reply": "", "request": dict(request)}) as link:
        answer = link.say(b'{"message": "hi", "raw": "True", "stop": ["}"]} ').answer()
    assert answer["request"] == {"message": "hi", "raw": "True", "stop": ["}"]}


def test_an_answer_is_one_tls_record(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo) as link:
        link.say(b'{"message": "hi"}')
        assert link.record() == b'00000018{"reply": "You said hi"}'


def test_a_ping_is_never_answered(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo) as link:
        link.say(b'{"ping": 1}').say(b'{"ping": 2, "message": "no"}')
        assert link.ask("hi") == {"reply": "You said hi"}


def test_frames_arrive_in_any_cut_and_any_run(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo) as link:
        for byte in '{"message": "é}"}'.encode():
            link.say(bytes([byte]))
        assert link.answer() == {"reply": "You said é}"}
        link.say(b'{"ping": 1}{"message": "one"} {"message": "two"}{"ping": 2}')
        assert link.answer() == {"reply": "You said one"}
        assert link.answer() == {"reply": "You said two"}
        for size in (4096, 8192, 12_288, 16_384, 49_151):
            assert link.say(b'{"message":"' + b"a" * (size - 14) + b'"}').answer() == {
                "reply": f"You said {'a' * (size - 14)}"
            }


def test_frames_may_follow_the_ok_at_once(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file)
    served = loop.start(provider.serve_forever())
    link = hub.link()
    link.login()
    assert link.say(b'OK{"ping": 1}{"message": "hi"}').answer() == {"reply": "You said hi"}
    loop.run(provider.close())
    served.result(DEADLINE_S)


def test_pings_are_read_while_the_callback_is_busy(loop: BackgroundLoop, hub: ToyHub) -> None:
    release = threading.Event()

    def busy(request: Request) -> str:
        assert release.wait(DEADLINE_S)
        return echo(request)

    with serving(loop, hub, busy) as link:
        link.say(b'{"message": "hi"}')
        ping = b'{"ping": "' + b"a" * 40_000 + b'"}'
        for _ in range(500):  # 20 MB: more than any socket holds for a provider that does not read
            link.say(ping)
        release.set()
        assert link.answer() == {"reply": "You said hi"}


def test_a_close_is_noticed_while_the_callback_is_busy(loop: BackgroundLoop, hub: ToyHub) -> None:
    release = threading.Event()
    calls: list[str] = []

    def busy(request: Request) -> str:
        calls.append(request["message"])
        assert release.wait(DEADLINE_S)
        return echo(request)

    with serving(loop, hub, busy) as link:
        link.say(b'{"message": "one"}')
        link.close()
        again = hub.link().accept()  # the callback still runs
        again.say(b'{"message": "two"}')
        release.set()
        assert again.answer() == {"reply": "You said two"}  # and its late result reaches nobody
    assert calls in (["one", "two"], ["two"])


def test_a_request_whose_link_was_lost_while_it_waited_for_the_callback_is_never_begun(
    loop: BackgroundLoop, hub: ToyHub
) -> None:
    begun, release = threading.Event(), threading.Event()
    calls: list[str] = []

    def busy(request: Request) -> str:
        calls.append(request["message"])
        begun.set()
        assert release.wait(DEADLINE_S)
        return echo(request)

    with serving(loop, hub, busy) as link:
        link.say(b'{"message": "one"}')
        assert begun.wait(DEADLINE_S)
        link.close()
        second = hub.link().accept().say(b'{"message": "two"}')
        second.close()
        third = hub.link().accept().say(b'{"message": "three"}')
        release.set()
        assert third.answer() == {"reply": "You said three"}
    assert calls == ["one", "three"]


def test_closing_waits_until_a_coroutine_has_tidied_up(loop: BackgroundLoop, hub: ToyHub) -> None:
    begun = threading.Event()
    tidied: list[bool] = []

    async def slow(request: Request) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2 * link_module.CLOSE_S)
            tidied.append(True)
        return echo(request)

    provider = AsyncProvider(SERVICE, KEY, slow, address=hub.address, ca_file=hub.ca_file)
    loop.start(provider.serve_forever())
    hub.link().accept().say(b'{"message": "hi"}')
    assert begun.wait(DEADLINE_S)
    loop.run(provider.close())
    assert tidied == [True]


def test_a_callback_that_raises_costs_one_error_answer_and_is_logged(
    loop: BackgroundLoop, hub: ToyHub, caplog: pytest.LogCaptureFixture
) -> None:
    def fragile(request: Request) -> str:
        if request["message"] == "bad":
            raise ZeroDivisionError("the model broke")
        return echo(request)

    with serving(loop, hub, fragile) as link:
        assert link.ask("bad") == ERROR_ANSWER
        assert link.ask("good") == {"reply": "You said good"}
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.name.startswith("neuroengine")
    assert record.exc_info is not None
    assert "the model broke" in caplog.text
    assert KEY not in caplog.text


def raising(error: BaseException) -> Callable[[Request], str]:
    def answer(request: Request) -> str:
        if request.message == "raise":
            raise error
        return echo(request)

    return answer


def raising_later(error: BaseException) -> Callable[[Request], Awaitable[str]]:
    async def answer(request: Request) -> str:
        return raising(error)(request)

    return answer


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("form", [raising, raising_later])
def test_a_callback_that_exits_or_was_cancelled_costs_one_error_answer_too(
    loop: BackgroundLoop, hub: ToyHub, form: Callable[[BaseException], Any], error: BaseException
) -> None:
    with serving(loop, hub, form(error)) as link:
        assert link.ask("raise") == ERROR_ANSWER
        assert link.ask("hi") == {"reply": "You said hi"}


def test_a_stop_iteration_is_an_error_like_any_other(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, lambda request: next(iter([])) if request else "") as link:
        assert link.ask("bad") == ERROR_ANSWER
        assert link.ask("bad") == ERROR_ANSWER


@pytest.mark.parametrize(
    "nonsense", [None, 42, b"hi", ["hi"], {"text": "hi"}, {"reply": 1}, {"reply": "", "x": {1}}], ids=repr
)
def test_a_callback_that_returns_nonsense_costs_one_error_answer(
    loop: BackgroundLoop, hub: ToyHub, caplog: pytest.LogCaptureFixture, nonsense: object
) -> None:
    with serving(loop, hub, lambda request: nonsense if request["message"] == "bad" else echo(request)) as link:
        assert link.ask("bad") == ERROR_ANSWER
        assert link.ask("good") == {"reply": "You said good"}
    assert "is no answer" in caplog.text


def test_a_request_that_cannot_be_read_costs_one_error_answer(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo) as link:
        answer = link.say(b'{"message": "hi", "temperature": NaN}').answer()
        assert answer["errorcode"] == 13
        assert link.ask("good") == {"reply": "You said good"}


@pytest.mark.parametrize("farewell", [b"", b'{"mess', b"HTTP/1.1 400 Bad Request\r\n\r\n", b"}"])
def test_a_provider_comes_back_whatever_ended_its_link(loop: BackgroundLoop, hub: ToyHub, farewell: bytes) -> None:
    with serving(loop, hub, echo) as link:
        assert link.ask("one") == {"reply": "You said one"}
        link.say(farewell) if farewell else None
        if farewell[:1] in {b"H", b"}"}:
            assert link.is_closed()
        else:
            link.close()
        assert hub.link().accept().ask("two") == {"reply": "You said two"}


def test_a_provider_comes_back_after_a_reset_and_its_answer_to_nobody_does_no_harm(
    loop: BackgroundLoop, hub: ToyHub
) -> None:
    with serving(loop, hub, echo) as link:
        assert link.ask("one") == {"reply": "You said one"}
        link.say(b'{"message": "lost"}')
        link.reset()
        assert hub.link().accept().ask("two") == {"reply": "You said two"}


def test_a_provider_gives_up_a_link_that_fell_silent(
    loop: BackgroundLoop, hub: ToyHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(link_module, "PING_SILENCE_S", 0.1)
    with serving(loop, hub, echo) as link:
        assert link.is_closed()
        hub.link().accept()
    assert "sent nothing" in caplog.text


def test_a_hub_may_be_silent_while_it_waits_for_an_answer(
    loop: BackgroundLoop, hub: ToyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "PING_SILENCE_S", 0.2)
    release = threading.Event()

    def slow(request: Request) -> str:
        assert release.wait(DEADLINE_S)
        return echo(request)

    with serving(loop, hub, slow) as link:
        link.say(b'{"message": "hi"}')
        assert hub.stays_alone(0.5)
        release.set()
        assert link.answer() == {"reply": "You said hi"}
        assert link.is_closed()  # and then it is silence again
        hub.link().accept()


def test_a_refused_login_is_an_error_in_the_words_of_the_hub(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, "wrong", echo, address=hub.address, ca_file=hub.ca_file, reconnect=AT_ONCE)
    served = loop.start(provider.serve_forever())
    hub.link().refuse(b"No service for key \x1b[1mwrong\r\n")
    with pytest.raises(LoginRefused) as refused:
        served.result(DEADLINE_S)
    assert refused.value.service == SERVICE
    assert refused.value.text == "No service for key [1m[hidden]"
    assert "wrong" not in str(refused.value)
    assert hub.stays_alone(0.05)


def test_a_refusal_need_not_end_to_be_understood(
    loop: BackgroundLoop, hub: ToyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "REFUSAL_WORDS_S", 0.1)
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file)
    connected = loop.start(provider.connect())
    link = hub.link()
    link.login()
    link.say(b"Inv").say(b"alid key")
    with pytest.raises(LoginRefused, match="Inv"):
        connected.result(DEADLINE_S)
    assert link.is_closed()


def test_a_login_that_is_never_answered_times_out(
    loop: BackgroundLoop, hub: ToyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LOGIN_S", 0.1)
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file)
    with pytest.raises(ConnectionFailed, match=r"did not answer the login within 0\.1 s"):
        loop.run(provider.connect())


def test_a_persistent_provider_comes_back_after_a_refusal(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, echo, persistent=True) as link:
        link.close()
        hub.link().refuse()
        hub.link().refuse(b"")
        assert hub.link().accept().ask("hi") == {"reply": "You said hi"}


def test_a_hub_that_closes_on_a_login_says_nothing_against_a_key_that_it_took_before(
    loop: BackgroundLoop, hub: ToyHub
) -> None:
    with serving(loop, hub, echo) as link:
        link.close()
        hub.link().refuse(b"")
        assert hub.link().accept().ask("hi") == {"reply": "You said hi"}


def test_the_last_failure_is_raised_when_no_tries_are_left(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file, reconnect=Retry(tries=1))
    served = loop.start(provider.serve_forever())
    hub.link().accept().close()
    with pytest.raises(LinkLost, match="closed the link"):
        served.result(DEADLINE_S)


def test_an_unknown_authority_never_sees_the_key(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address)
    with pytest.raises(TLSFailed, match="SSL_CERT_FILE"):
        loop.run(provider.connect())
    assert hub.stays_alone(0.05)


def test_a_certificate_for_another_name_is_not_trusted(loop: BackgroundLoop, tmp_path: Path) -> None:
    with ToyHub(tmp_path, certificate_name="example.org") as hub:
        provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file)
        with pytest.raises(TLSFailed):
            loop.run(provider.connect())
        assert hub.stays_alone(0.05)


def test_verification_can_be_switched_off(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, verify=False)
    connected = loop.start(provider.connect())
    link = hub.link().accept()
    connected.result(DEADLINE_S)
    loop.run(provider.close())
    assert link.is_closed()


def test_two_providers_serve_two_services_in_one_loop(loop: BackgroundLoop, hub: ToyHub) -> None:
    with serving(loop, hub, lambda _: "one") as first, serving(loop, hub, lambda _: "two") as second:
        assert first.ask("hi") == {"reply": "one"}
        assert second.ask("hi") == {"reply": "two"}


def test_a_provider_serves_once_at_a_time(loop: BackgroundLoop, hub: ToyHub) -> None:
    async def twice() -> None:
        async with AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file) as provider:
            first = asyncio.create_task(provider.serve_forever())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="serves already"):
                await provider.serve_forever()
            await provider.close()
            await first

    both = loop.start(twice())
    assert hub.link().accept().is_closed()
    both.result(DEADLINE_S)


def test_a_cancelled_provider_leaves_the_hub(loop: BackgroundLoop, hub: ToyHub) -> None:
    provider = AsyncProvider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file)
    served = loop.start(provider.serve_forever())
    link = hub.link().accept()
    assert link.ask("hi") == {"reply": "You said hi"}
    served.cancel()
    assert link.is_closed()


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_provider_for_programs_that_wait_answers_in_the_thread_that_serves(hub: ToyHub) -> None:
    answered_in: list[threading.Thread] = []

    def answer(request: Request) -> str:
        answered_in.append(threading.current_thread())
        return echo(request)

    provider = Provider(SERVICE, KEY, answer, address=hub.address, ca_file=hub.ca_file)
    thread = in_thread(provider.serve_forever)
    link = hub.link().accept()
    assert link.ask("hi") == {"reply": "You said hi"}
    assert answered_in == [thread]
    provider.close()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert link.is_closed()


def test_a_provider_can_be_closed_by_its_callback_and_serve_again(hub: ToyHub) -> None:
    def leave(request: Request) -> str:
        provider.close()
        return echo(request)

    provider = Provider(SERVICE, KEY, leave, address=hub.address, ca_file=hub.ca_file)
    for _ in range(2):
        thread = in_thread(provider.serve_forever)
        link = hub.link().accept().say(b'{"message": "leave"}')
        assert link.is_closed()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_a_provider_for_programs_that_wait_connects_as_a_context(hub: ToyHub) -> None:
    links: list[HubLink] = []
    accepting = in_thread(lambda: links.append(hub.link().accept()))
    with Provider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file) as provider:
        assert provider.services == (SERVICE,)
        accepting.join(DEADLINE_S)
    assert links[0].is_closed()


def test_a_provider_for_programs_that_wait_raises_what_ended_it(hub: ToyHub) -> None:
    refusing = in_thread(lambda: hub.link().refuse())
    with pytest.raises(LoginRefused, match="Invalid key"):
        Provider(SERVICE, KEY, echo, address=hub.address, ca_file=hub.ca_file).serve_forever()
    refusing.join(DEADLINE_S)


def test_a_provider_needs_an_address() -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        AsyncProvider(SERVICE, KEY, echo, address="localhost")


def test_no_key_shows_in_a_provider() -> None:
    assert KEY not in repr(AsyncProvider(SERVICE, KEY, echo, address="localhost:1"))
    assert KEY not in repr(Provider(SERVICE, KEY, echo, address="localhost:1"))
