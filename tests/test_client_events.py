"""What a client tells of its work: hooks and the log, neither of which ever holds a prompt or a key."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import Any

import httpx
import pytest
from fake_hub import URL, FakeHub, answered

from neuroengine import AsyncClient, ConnectionFailed, RequestEvent, ResponseEvent, RetryEvent, log
from neuroengine.errors import InternalError

SECRET = "ACCESS-SECRET"
PROMPT = "a private question"


class Told:
    """Keeps what the hooks were told, in its order."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @property
    def hooks(self) -> dict[str, Any]:
        return dict.fromkeys(("on_request", "on_response", "on_retry"), self.events.append)


def broken_once() -> FakeHub:
    return FakeHub(httpx.ReadError("reset"), answered("", 1), answered())


def check_story(events: list[Any]) -> None:
    """One request lost, one answered with an error, one answered: the same for both clients."""
    kinds = [RequestEvent, ResponseEvent, RetryEvent] * 2 + [RequestEvent, ResponseEvent]
    assert [type(event) for event in events] == kinds
    sent = [event for event in events if isinstance(event, RequestEvent)]
    assert {event.url for event in sent} == {f"{URL}/S"}
    assert {event.body_bytes for event in sent} == {sent[0].body_bytes}
    lost, refused, final = (event for event in events if isinstance(event, ResponseEvent))
    assert isinstance(lost.error, ConnectionFailed)
    assert (lost.status, lost.body_bytes) == (None, 0)
    assert (refused.error, refused.status) == (None, 200)
    assert (final.error, final.status, final.body_bytes) == (None, 200, len('{"reply":"Hello!","errorcode":0}'))
    assert all(event.seconds >= 0 for event in (lost, refused, final))
    first, second = (event for event in events if isinstance(event, RetryEvent))
    assert (first.wait_s, second.wait_s) == (0.5, 1.0)
    assert isinstance(first.error, ConnectionFailed)
    assert isinstance(second.error, InternalError)


def test_hooks_are_told_of_every_request_its_answer_and_every_wait() -> None:
    hub, told = broken_once(), Told()
    assert hub.client(**told.hooks).generate(PROMPT).text == "Hello!"
    check_story(told.events)


def test_the_hooks_of_the_async_client_are_told_the_same() -> None:
    hub, told = broken_once(), Told()

    async def main() -> None:
        async with AsyncClient(
            "S", url=URL, transport=hub.transport, sleep=lambda _: asyncio.sleep(0), chance=lambda: 0.0, **told.hooks
        ) as client:
            await client.generate(PROMPT)

    asyncio.run(main())
    check_story(told.events)


def test_hooks_are_told_of_each_poll_of_a_stream() -> None:
    told = Told()
    hub = FakeHub(answered("one"), answered(" two"), answered(""))
    with hub.client(**told.hooks).stream(PROMPT) as pieces:
        assert list(pieces) == ["one", " two"]
    assert [type(event) for event in told.events] == [RequestEvent, ResponseEvent] * 3


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
def test_what_a_hook_raises_reaches_the_caller(name: str) -> None:
    def raising(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_once().client("S", **{name: raising}).generate(PROMPT)


def test_nothing_that_is_told_holds_a_prompt_a_reply_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = Told()
    hub = FakeHub(httpx.ReadError("reset"), answered(f"refused {SECRET}", 1), answered("a private reply"))
    hub.client(access_key=SECRET, new_key=lambda: "STREAM-SECRET", **told.hooks).generate(PROMPT)
    hub.answers = [answered("a private reply"), answered("")]
    client = hub.client(access_key=SECRET, new_key=lambda: "STREAM-SECRET", **told.hooks)
    list(client.stream(PROMPT))
    told_words = repr(told.events) + caplog.text
    for private in (PROMPT, "a private reply", SECRET, "STREAM-SECRET"):
        assert private not in told_words
    assert "next try in" in caplog.text
    assert f"POST {URL}/S" in caplog.text


def in_fresh_interpreter(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, env=environment
    )


LOSING = """
import httpx
from neuroengine import Client, NeuroengineError
def lost(request): raise httpx.ConnectError("refused")
try:
    Client("S", url="http://hub.test", transport=httpx.MockTransport(lost), sleep=lambda _: None).generate("x")
except NeuroengineError as error:
    print(type(error).__name__)
"""


def test_the_log_is_quiet_by_default() -> None:
    done = in_fresh_interpreter(LOSING)
    assert done.stdout == "ConnectionFailed\n"
    assert done.stderr == ""


def test_a_variable_shows_the_log() -> None:
    done = in_fresh_interpreter(LOSING, NEUROENGINE_LOG="debug")
    assert "DEBUG neuroengine: POST http://hub.test/S" in done.stderr
    assert "INFO neuroengine: next try in" in done.stderr
    assert "DEBUG" not in in_fresh_interpreter(LOSING, NEUROENGINE_LOG="INFO").stderr


def test_a_wrong_level_is_said_and_ends_nothing() -> None:
    done = in_fresh_interpreter(LOSING, NEUROENGINE_LOG="loud")
    assert done.stdout == "ConnectionFailed\n"
    assert "'loud'" in done.stderr


def test_a_program_can_show_the_log_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        log.show_log("loud")
    before = list(log.LOG.handlers)
    try:
        log.show_log("Info")
        assert broken_once().client().generate(PROMPT).text == "Hello!"
    finally:
        log.LOG.handlers[:] = before
        log.LOG.setLevel(logging.NOTSET)
    shown = capsys.readouterr().err
    assert shown.count("INFO neuroengine: next try in") == 2
    assert "DEBUG" not in shown
