"""Logins of providers at the hub, and the second one that replaces the first."""

from __future__ import annotations

import json

import pytest
from hub_bench import KEY, SERVICE, Bench, code, payload, reply, waits
from hypothesis import given
from hypothesis import strategies as st

from mockserver import ServiceSettings

LOGIN = json.dumps({"user": SERVICE, "key": KEY}).encode()
OTHER = "Other-1"
ANSWER = payload({"reply": "late"})

# -- logins


def test_ok_goes_out_alone_and_the_first_frame_in_a_write_of_its_own() -> None:
    bench = Bench()
    first = bench.provider()
    first.drop()
    waiting = bench.ask("queued before the login")
    second = bench.provider()
    assert second.writes[0] == b"OK"
    assert second.messages == ["queued before the login"]
    assert len(second.writes) == 2
    second.answer({"reply": "hello"})
    assert reply(waiting) == "hello"


@pytest.mark.parametrize("cut", range(1, len(LOGIN)))
def test_a_login_is_read_however_it_is_cut_and_not_answered_before_it_is_whole(cut: int) -> None:
    stranger = Bench().stranger()
    stranger.send(LOGIN[:cut])
    assert not stranger.writes
    stranger.send(LOGIN[cut:])
    assert stranger.writes == [b"OK"]


@given(
    members=st.dictionaries(
        st.text(max_size=5),
        st.recursive(st.none() | st.text(alphabet='{}[]"\\ax€', max_size=6), lambda inner: st.lists(inner, max_size=3)),
        max_size=4,
    ),
    ascii_only=st.booleans(),
)
def test_a_login_with_any_unknown_members_is_read_byte_by_byte(members: dict[str, object], ascii_only: bool) -> None:
    login = json.dumps(members | {"user": SERVICE, "key": KEY, "streaming": False}, ensure_ascii=ascii_only).encode()
    stranger = Bench().stranger()
    for place in range(len(login)):
        assert not stranger.writes, login[:place]
        stranger.send(login[place : place + 1])
    assert stranger.writes == [b"OK"]


@pytest.mark.parametrize("space", [b"\n", b"\r\n", b" \t\r\n"])
def test_white_space_behind_a_login_belongs_to_it_however_it_is_cut(space: bytes) -> None:
    for cut in range(len(LOGIN), len(LOGIN + space)):
        bench = Bench()
        stranger = bench.stranger()
        stranger.send((LOGIN + space)[:cut], (LOGIN + space)[cut:])
        assert stranger.writes == [b"OK"]
        assert not stranger.is_closed, f"cut at {cut}"
        asked = bench.ask()
        stranger.answer({"reply": "served"})
        assert reply(asked) == "served"


def test_white_space_before_a_login_is_let_pass() -> None:
    stranger = Bench().stranger()
    stranger.send(b"\r\n ", b" ", LOGIN)
    assert stranger.writes == [b"OK"]


def test_white_space_behind_an_answer_is_for_nobody() -> None:
    bench = Bench()
    provider = bench.provider()
    bench.ask()
    provider.answer({"reply": "x"})
    provider.send(b"\n")
    assert provider.is_closed


@pytest.mark.parametrize(
    "login",
    [
        pytest.param(b'{"user": "MYGPT", "key": "wrong"}', id="wrong key"),
        pytest.param(b'{"user": "NOBODY", "key": "DEMOKEY"}', id="unknown service"),
        pytest.param(b'{"user": "MYGPT", "key": "DEMOKEY "}', id="key with a space"),
        pytest.param(b'{"user": ["MYGPT"], "key": "DEMOKEY"}', id="user is a list"),
        pytest.param(b'{"user": "MYGPT", "key": "\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"user": "MYGPT", "key": NaN}', id="NaN"),
        pytest.param(b"{" * 100 + b"}" * 100, id="nested"),
        pytest.param(b'{"user": "MYGPT", "key": "DEMOKEY"}x', id="more behind it"),
        pytest.param(LOGIN + LOGIN, id="twice"),
        pytest.param(b"\xef\xbb\xbf" + LOGIN, id="byte-order mark"),
        pytest.param(b"\x00", id="a zero byte"),
        pytest.param(b"x" * 5000, id="oversized garbage"),
        pytest.param(b'{"user": "' + b"x" * 5000, id="oversized"),
        pytest.param(b" " * 5000, id="oversized white space"),
    ],
)
def test_a_bad_login_is_refused_at_once_and_its_connection_closed(login: bytes) -> None:
    bench = Bench()
    stranger = bench.stranger()
    stranger.send(login)
    assert stranger.is_closed
    assert b"OK" not in b"".join(stranger.writes)
    assert not any(KEY.encode() in write for write in stranger.writes)
    assert bench.provider().is_logged_in


def test_the_login_limit_counts_every_byte_to_the_last() -> None:
    for size, accepted in ((100, True), (101, False)):
        stranger = Bench(login_bytes=100).stranger()
        stranger.send(LOGIN[:-1] + b" " * (size - len(LOGIN)) + b"}")
        assert stranger.is_logged_in is accepted
        assert stranger.is_closed is not accepted


@pytest.mark.parametrize("said", [b"", b" ", b'{"user": "MYGPT"'], ids=["nothing", "a blank", "half a login"])
def test_a_connection_that_has_not_logged_in_in_time_is_closed(said: bytes) -> None:
    bench = Bench(login_s=30)
    stranger = bench.stranger()
    bench.advance(29)
    if said:
        stranger.send(said)
    bench.advance(0.99)
    assert not stranger.is_closed
    bench.advance(0.01)
    assert stranger.is_closed
    assert not stranger.writes


def test_a_provider_that_logged_in_is_not_closed_by_the_login_limit() -> None:
    bench = Bench(login_s=30)
    provider = bench.provider()
    bench.advance(300)
    assert not provider.is_closed


def test_a_provider_refused_a_hundred_times_is_refused_again_and_then_served() -> None:
    bench = Bench()
    for _ in range(100):
        stranger = bench.stranger().login(key="wrong")
        assert stranger.is_closed
        stranger.drop()
        bench.advance(5)
    asked_provider = bench.provider()
    asked = bench.ask()
    asked_provider.answer({"reply": "yes"})
    assert reply(asked) == "yes"


def test_a_silent_connection_delays_nobodys_login() -> None:
    bench = Bench()
    silent = [bench.stranger() for _ in range(50)]
    assert bench.provider().is_logged_in
    assert not any(stranger.is_closed for stranger in silent)


def test_a_login_with_a_wrong_key_changes_nothing() -> None:
    bench = Bench()
    provider = bench.provider()
    outstanding, queued = bench.ask("one"), bench.ask("two")
    before = bench.entry()
    assert bench.stranger().login(key="wrong").is_closed
    assert bench.entry() == before
    assert not provider.is_closed
    assert waits(outstanding)
    provider.answer({"reply": "1"})
    provider.answer({"reply": "2"})
    assert (reply(outstanding), reply(queued)) == ("1", "2")


def test_a_key_opens_its_own_service_only() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, "OTHERKEY"))
    assert not bench.stranger().login(OTHER, KEY).is_logged_in
    assert bench.provider(OTHER, "OTHERKEY").is_logged_in
    assert bench.entry(SERVICE)["connected"]


# -- replacement


def test_a_second_login_replaces_the_first_and_the_outstanding_request_is_answered_once() -> None:
    bench = Bench()
    first = bench.provider()
    outstanding, queued = bench.ask("one"), bench.ask("two")
    first.send(ANSWER[:12])
    second = bench.provider()
    assert first.is_closed
    assert code(outstanding) == 13
    assert second.messages == ["two"]
    assert second.writes[0] == b"OK"
    first.link.receive(ANSWER[12:], bench.now)
    assert waits(queued)
    first.drop()
    assert waits(queued)
    assert bench.entry()["connected"]
    second.answer({"reply": "2"})
    assert reply(queued) == "2"


def test_an_old_links_end_does_not_disturb_the_new_one_whatever_the_order() -> None:
    bench = Bench(queue_s=30)
    first = bench.provider()
    second = bench.provider()
    first.drop()
    bench.advance(31)
    asked = bench.ask()
    second.answer({"reply": "served"})
    assert reply(asked) == "served"
    assert bench.entry()["connected"]


def test_a_login_right_after_a_close_is_the_same_provider() -> None:
    bench = Bench()
    first = bench.provider()
    outstanding = bench.ask("one")
    first.drop()
    assert code(outstanding) == 13
    bench.advance(0.01)
    second = bench.provider()
    asked = bench.ask("two")
    second.answer({"reply": "2"})
    assert reply(asked) == "2"
    assert second.messages == ["two"]


def test_a_provider_replaced_while_it_owes_a_late_answer_leaves_the_new_one_free() -> None:
    bench = Bench()
    bench.provider()
    bench.leave(bench.ask("given up"))
    queued = bench.ask("next")
    second = bench.provider()
    assert second.messages == ["next"]
    second.answer({"reply": "n"})
    assert reply(queued) == "n"


def test_logins_in_a_row_leave_only_the_last_link_open() -> None:
    bench = Bench()
    providers = [bench.provider() for _ in range(5)]
    assert [provider.is_closed for provider in providers] == [True] * 4 + [False]
