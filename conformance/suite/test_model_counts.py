"""What the model list says of the service that the suite answers for: its requests, its queue, its provider."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.exchange import Exchange, is_integer
from conformance.judge import GETMODELS, SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.judge import Judge
    from conformance.provider.link import Link

SOON_S: Final = 1.0
"""A list may be a little behind: so long it is asked again before it is believed."""
BETWEEN_S: Final = 0.05
AWAY_S: Final = 2.0
"""How soon a list tells that a provider has gone."""
SLACK_S: Final = 1.0
REPLY: Final = {"reply": "One two three four five six.", "errorcode": 0}


def member(judge: Judge, name: str) -> tuple[Any, Exchange]:
    """A member of the service's entry in a fresh list, and the exchange that brought it."""
    exchange = judge.post(GETMODELS)
    entries = exchange.content if isinstance(exchange.content, list) else []
    own = [entry for entry in entries if isinstance(entry, dict) and entry.get("name") == judge.settings.provided]
    if not own:
        not_judged(f"the model list has no entry for {judge.settings.provided!r}")
    return own[0].get(name), exchange


def becomes(judge: Judge, name: str, wanted: Any, within: float = SOON_S) -> None:
    """Requires that the member has the value, soon."""
    until = time.monotonic() + within
    while True:
        value, exchange = member(judge, name)
        if value == wanted or time.monotonic() > until:
            break
        judge.subject.pause(BETWEEN_S)
    judge.require(value == wanted, f'"{name}": {json.dumps(wanted)}', f'"{name}": {json.dumps(value)}', exchange)


def counted(judge: Judge) -> int:
    """How many generations the list counts by now."""
    value, _ = member(judge, "numreq")
    if not is_integer(value):
        not_judged(f"numreq is no integer ({json.dumps(value)})")
    return int(value)


def raises(judge: Judge, link: Link, ask: Callable[[], None], generations: int) -> None:
    """Requires that what is asked raises the count by so many, on a link that nobody else uses."""
    before, asked_before = counted(judge), len(requests(link))
    ask()
    if len(requests(link)) - asked_before > generations:
        not_judged("the service is asked by others, or its provider was asked twice")
    becomes(judge, "numreq", before + generations)


def requests(link: Link) -> list[Any]:
    """The requests that a link has brought."""
    return [frame for frame in link.received if not frame.is_ping]


def is_counting(judge: Judge, link: Link) -> None:
    """Ends the check where a plain generation is not counted either."""
    before = counted(judge)
    if not judge.through(link, SHORT, REPLY).exchange.is_success:
        not_judged("a plain request to the provider's service did not succeed")
    until = time.monotonic() + SOON_S
    while counted(judge) != before + 1:
        if time.monotonic() > until:
            not_judged("a plain generation does not raise numreq by one")
        judge.subject.pause(BETWEEN_S)


@judges("NE-MODELS-014")
def test_each_generation_is_counted(judge: Judge) -> None:
    def ask() -> None:
        for _ in range(3):
            if not judge.through(link, SHORT, REPLY).exchange.is_success:
                not_judged("a plain request to the provider's service did not succeed")

    with judge.provider() as link:
        raises(judge, link, ask, 3)


@judges("NE-MODELS-015")
def test_a_generation_that_fails_at_its_provider_is_counted(judge: Judge) -> None:
    def ask() -> None:
        exchange = judge.through(link, SHORT, b"no JSON").exchange
        if not exchange.is_error:
            not_judged(f"the provider's garbage is no error for the client ({exchange.describe()})")

    with judge.provider() as link:
        is_counting(judge, link)
        raises(judge, link, ask, 1)


@judges("NE-MODELS-016")
def test_a_stream_is_counted_once(judge: Judge) -> None:
    def ask() -> None:
        stream = judge.stream(SHORT, path=judge.provided)
        stream.read([1])
        if len(stream.pieces) < 2:
            not_judged("the stream has no second piece")

    with judge.provider() as link:
        is_counting(judge, link)
    with judge.answering(lambda _: REPLY) as link:
        raises(judge, link, ask, 1)


@judges("NE-MODELS-017")
@pytest.mark.parametrize("content", [{}, b"{", b"[]", {"command": "none"}, SHORT | {"top_k": "many"}, GETMODELS])
def test_what_is_refused_is_not_counted(judge: Judge, content: Any) -> None:
    def ask() -> None:
        exchange = judge.post(content, path=judge.provided)
        if content != GETMODELS and not exchange.is_error:
            not_judged(f"the hub does not refuse it ({exchange.describe()})")

    with judge.provider() as link:
        is_counting(judge, link)
    with judge.answering(lambda _: REPLY) as link:
        raises(judge, link, ask, 0)


@judges("NE-MODELS-018")
def test_the_queue_is_counted_without_the_request_that_is_answered(judge: Judge) -> None:
    with judge.provider() as link:
        calls = [judge.begin(SHORT)]
        link.request()
        becomes(judge, "queuelen", 0)
        for waiting in (1, 2):
            calls.append(judge.begin(SHORT))
            becomes(judge, "queuelen", waiting)
        for call in calls:
            link.answer(REPLY)
            call.answer()
            if call is not calls[-1]:
                link.request()


@judges("NE-MODELS-020")
@pytest.mark.parametrize("is_in_order", [True, False], ids=["closed", "cut"])
def test_a_provider_that_left_is_shown_as_gone(judge: Judge, is_in_order: bool) -> None:
    with judge.provider() as link:
        becomes_connected(judge)
        link.close() if is_in_order else link.abort()
        until = time.monotonic() + AWAY_S + SLACK_S
        while (shown := member(judge, "connected"))[0] is not False and time.monotonic() < until:
            judge.subject.pause(BETWEEN_S)
        if shown[0] is not False:
            by_itself = judge.begin(SHORT)
            if by_itself.is_over_within(AWAY_S) and by_itself.answer().is_success:
                not_judged("the service is answered although its provider has left")
        expected = f'"connected": false within {AWAY_S:g} s'
        judge.require(shown[0] is False, expected, f'"connected": {json.dumps(shown[0])}', shown[1])


def becomes_connected(judge: Judge) -> None:
    """Ends the check where the list does not show that a provider is there."""
    shown, _ = member(judge, "connected")
    if shown is not True:
        not_judged(f'the list does not show that a provider is there: "connected": {json.dumps(shown)}')
