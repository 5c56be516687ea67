"""The provider's side of the link: which events the hub's bytes are, and what may be sent when."""

from __future__ import annotations

import json
import os
from collections import deque
from typing import Any

import pytest
from framing_script import SCRIPTS, SPACES, Script, single_bytes
from hypothesis import given, settings

from neuroengine._generated.machines import PROVIDER_LINK, ProviderLinkEvent, ProviderLinkState
from neuroengine.protocol.frames import payload_of
from neuroengine.protocol.link import (
    PING_SILENCE_S,
    REFUSAL_BYTES,
    WAITING_REQUESTS,
    Accepted,
    Closed,
    Event,
    Ping,
    ProviderLink,
    Refused,
    Request,
    UnreadableRequest,
    Violation,
)
from neuroengine.protocol.machine import IllegalEvent

CASES = int(os.environ.get("NE_EXAMPLES", "2000"))
"""How many cases of the framing hypothesis tries; the variable asks for more."""


def link(state: ProviderLinkState = ProviderLinkState.READY) -> ProviderLink:
    """A link in a state before any frame."""
    fresh = ProviderLink("MYGPT", "DEMOKEY")
    if state is not ProviderLinkState.CONNECTED:
        fresh.login()
    if state is ProviderLinkState.READY:
        assert events(fresh, b"OK") == [Accepted()]
    assert fresh.state is state
    return fresh


def events(provider: ProviderLink, *chunks: bytes) -> list[Event]:
    """What happens when the chunks arrive and nothing is answered."""
    seen = []
    for chunk in chunks:
        provider.receive(chunk)
        while (event := provider.next_event()) is not None:
            seen.append(event)
    return seen


def frame(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()


def sent(script: Script) -> tuple[bytes, Event]:
    """A frame and what it means."""
    kind = script.number(8)
    if kind < 3:
        return frame({"ping": kind}), Ping()
    if kind == 7:
        return script.one_of((b"{oops}", b'{"a": NaN}')), UnreadableRequest("")
    members = {"message": script.text()} if kind < 6 else script.object()
    return frame(members), Request(members)


def shown(event: Event) -> Event:
    """The event without its reason, which is for people."""
    return UnreadableRequest("") if isinstance(event, UnreadableRequest) else event


@settings(max_examples=CASES)
@given(SCRIPTS)
def test_every_request_is_given_out_once_in_order_however_the_answers_and_the_bytes_fall(script: bytes) -> None:
    reading = Script(script)
    frames = [sent(reading) for _ in range(reading.number(9))]
    patience = reading.number(256)
    chunks = deque(reading.cut(reading.one_of(SPACES).join(written for written, _ in frames)))
    provider = link()
    seen: list[Event] = []
    outstanding = False
    while chunks or outstanding:
        patience = patience >> 1 | (patience & 1) << 7  # its bits say whether the answer or the next bytes come first
        if outstanding and (not chunks or patience & 1):
            assert provider.answer(payload_of({"reply": "hi"})) == b'0000000F{"reply": "hi"}'
            outstanding = False
        elif chunks and (chunk := chunks.popleft()):
            provider.receive(chunk)
        while (event := provider.next_event()) is not None:
            seen.append(shown(event))
            if not isinstance(event, Ping):
                assert not outstanding, "a second request was given out before the first was answered"
                outstanding = True
        assert (provider.state is ProviderLinkState.ANSWERING) == outstanding
    assert [event for event in seen if event == Ping()] == [event for _, event in frames if event == Ping()]
    assert [event for event in seen if event != Ping()] == [event for _, event in frames if event != Ping()]
    assert provider.state is ProviderLinkState.READY


def test_the_login_is_the_published_object() -> None:
    provider = link(ProviderLinkState.CONNECTED)
    assert json.loads(provider.login()) == {"user": "MYGPT", "key": "DEMOKEY"}
    assert provider.state is ProviderLinkState.LOGGING_IN


def test_a_streaming_provider_says_so_in_its_login() -> None:
    login = ProviderLink("MYGPT", "DEMOKEY", streaming=True).login()
    assert json.loads(login) == {"user": "MYGPT", "key": "DEMOKEY", "streaming": True}


def test_a_login_is_sent_once() -> None:
    with pytest.raises(IllegalEvent):
        link(ProviderLinkState.LOGGING_IN).login()


def test_no_key_shows_in_the_link() -> None:
    assert "DEMOKEY" not in repr(link())


@pytest.mark.parametrize("reply", [b"OK", b"OK\n", b"\r\n OK", b" \t OK\r\n"])
def test_ok_with_white_space_is_the_accepted_login(reply: bytes) -> None:
    assert events(link(ProviderLinkState.LOGGING_IN), reply) == [Accepted()]
    assert events(link(ProviderLinkState.LOGGING_IN), *single_bytes(reply)) == [Accepted()]


def test_frames_may_follow_the_ok_in_the_same_bytes() -> None:
    provider = link(ProviderLinkState.LOGGING_IN)
    assert events(provider, b'OK {"ping": 1}{"message": "hi"}') == [Accepted(), Ping(), Request({"message": "hi"})]
    assert provider.state is ProviderLinkState.ANSWERING


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"", ""),
        (b"O", "O"),
        (b" \n ", ""),
        (b"ok", "ok"),
        (b"Invalid key.\r\n", "Invalid key."),
        (b"\x1b[31mno\x07\r\nentry\x00", "[31mno entry"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        ("a\u202ebc\u2028d\x9be".encode(), "a bc d e"),
    ],
)
def test_anything_else_is_a_refusal_in_the_words_of_the_hub(reply: bytes, text: str) -> None:
    for chunks in ([reply] if reply else [], single_bytes(reply)):
        provider = link(ProviderLinkState.LOGGING_IN)
        assert events(provider, *chunks) == []
        assert events(provider, b"") == [Refused(text)]
        assert provider.state is ProviderLinkState.CLOSED


@pytest.mark.parametrize(("reply", "text"), [(b"no " * 400, "no " * 400), (b" " * 600 + b"OK", "")])
def test_a_refusal_without_end_is_cut_short(reply: bytes, text: str) -> None:
    expected = [Refused(text[:REFUSAL_BYTES].strip())]
    assert events(link(ProviderLinkState.LOGGING_IN), reply) == expected
    assert events(link(ProviderLinkState.LOGGING_IN), *single_bytes(reply)) == expected


@pytest.mark.parametrize(
    ("so_far", "is_refusing"),
    [(b"", False), (b" \n", False), (b" O", False), (b"E", True), (b" Ok", True), (b"OX", True)],
)
def test_a_refusal_is_known_before_its_last_word(so_far: bytes, is_refusing: bool) -> None:
    provider = link(ProviderLinkState.LOGGING_IN)
    provider.receive(so_far or b" ")
    assert provider.refusing is is_refusing


def test_nothing_is_refusing_once_the_login_is_over() -> None:
    provider = link(ProviderLinkState.LOGGING_IN)
    assert events(provider, b"no", b"") == [Refused("no")]
    assert not provider.refusing
    assert not link().refusing


def test_a_hub_that_speaks_first_breaks_the_framing() -> None:
    assert events(link(ProviderLinkState.CONNECTED), b"220 ready") == [Violation("the hub spoke before the login")]
    assert events(link(ProviderLinkState.CONNECTED), b"") == [Closed(mid_frame=False)]


def test_pings_are_seen_while_a_request_is_being_answered() -> None:
    provider = link()
    assert events(provider, b'{"message": "hi"}') == [Request({"message": "hi"})]
    assert events(provider, b'{"ping": 1}', b'{"pi', b'ng": 2}') == [Ping(), Ping()]
    assert provider.state is ProviderLinkState.ANSWERING


def test_a_request_that_comes_too_early_waits_and_pings_overtake_it() -> None:
    provider = link()
    assert events(provider, b'{"message": "one"}{"message": "two"}{"ping": 1}') == [Request({"message": "one"}), Ping()]
    assert provider.answer(payload_of({"reply": "1"})) == b'0000000E{"reply": "1"}'
    assert provider.next_event() == Request({"message": "two"})
    assert provider.answer(payload_of({"reply": "2"})) == b'0000000E{"reply": "2"}'
    assert provider.next_event() is None
    assert provider.state is ProviderLinkState.READY


def test_a_flood_of_requests_ends_the_link() -> None:
    provider = link()
    assert len(events(provider, b"{}" * (WAITING_REQUESTS + 1))) == 1
    (end,) = events(provider, b"{}{}")
    assert isinstance(end, Violation)
    assert str(WAITING_REQUESTS) in end.reason


def test_an_answer_needs_an_outstanding_request() -> None:
    provider = link()
    with pytest.raises(IllegalEvent):
        provider.answer(payload_of({"reply": "hi"}))
    events(provider, b"{}")
    provider.answer(payload_of({"reply": "hi"}))
    with pytest.raises(IllegalEvent):
        provider.answer(payload_of({"reply": "hi"}))


def test_frames_before_a_fault_still_count() -> None:
    request, end = events(link(), b'{"message": "hi"} ]')
    assert request == Request({"message": "hi"})
    assert isinstance(end, Violation)


@pytest.mark.parametrize(("last", "mid_frame"), [(b'{"ping": 1} ', False), (b'{"ping', True)])
def test_a_close_says_whether_it_came_inside_a_frame(last: bytes, mid_frame: bool) -> None:
    assert events(link(), last, b"")[-1] == Closed(mid_frame=mid_frame)


def test_a_link_that_is_over_gives_no_more_events_and_takes_no_answer() -> None:
    provider = link()
    events(provider, b'{"message": "hi"}', b"")
    assert provider.state is ProviderLinkState.CLOSED
    assert events(provider, b'{"ping": 1}', b"") == []
    with pytest.raises(IllegalEvent):
        provider.answer(payload_of({"reply": "hi"}))


def test_a_hub_that_pings_as_it_should_is_never_silent_for_too_long() -> None:
    assert 60 < PING_SILENCE_S <= 120


def test_the_provider_reaches_every_state_of_the_link_but_the_hub_s_own() -> None:
    reached = {link(state).state for state in (ProviderLinkState.CONNECTED, ProviderLinkState.LOGGING_IN)}
    provider = link()
    reached.add(provider.state)
    events(provider, b"{}")
    reached.add(provider.state)
    events(provider, b"")
    reached.add(provider.state)
    only_the_hub_gives_up = {to for (_, event), to in PROVIDER_LINK.items() if event is ProviderLinkEvent.ABANDON}
    assert reached == set(ProviderLinkState) - only_the_hub_gives_up
