"""Who stands at a hub's door: providers that never log in, and those who come back, refused before or dropped."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.link import Link
from conformance.requirement import judges
from conformance.suite.answering import soon
from conformance.suite.test_logins import EARLY_S, READ, SLACK_S, door, entry, knock, let_in, said, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.judge import Judge
    from conformance.suite.test_logins import Login

SEEN_S: Final = 2.5
"""How long to look for what shows that a hub has noticed a provider's drop."""
LATE_S: Final = 0.2
GLANCE_S: Final = 0.05
TRIES: Final = 3
RETURNS: Final = 8
RETURN_PAUSES_S: Final = (0.0, 0.1, 0.3, 0.6, 1.0)
ENDLESS_BYTES: Final = 2**20
"""No login is so large, whatever a hub's limit for it."""


# -- those who never log in


@judges("NE-LOGIN-007")
def test_who_does_not_log_in_in_time_is_sent_away(judge: Judge) -> None:
    limit = judge.limit("login_s")
    login = written(judge.desk.login)
    with judge.desk.visited():
        links = {"silent": door(judge), "half a login": door(judge), "byte after byte": door(judge)}
        links["half a login"].send(login[: len(login) // 2])
        most = 2 * limit + SLACK_S
        until, pause = time.monotonic() + most, max(limit / 8, min(most / len(login[:-1]), limit / 2))
        for byte in login[:-1]:
            links["byte after byte"].send(bytes([byte]))
            judge.subject.pause(pause)
            if all(link.is_closed for link in links.values()) or time.monotonic() > until:
                break
        for what, link in links.items():
            link.closes_within(max(until - time.monotonic(), 0))
            expected = f"a close of a connection with no login ({what}) within {limit:g} s"
            judge.require(link.is_closed, expected, "an open connection")


@judges("NE-LOGIN-008")
def test_a_login_over_the_limit_is_refused(judge: Judge) -> None:
    limit = int(judge.settings.limits.get("login_bytes", 0))
    with judge.desk.vacant():
        twin = knock(judge, padded(judge, 200))
        twin.close()
        if not twin.is_in:
            not_judged(f"a login with white space in it was not accepted ({said(twin)})")
        for size in (limit + 1, 4 * limit, ENDLESS_BYTES) if limit else (ENDLESS_BYTES,):
            link = knock(judge, padded(judge, size), within=SLACK_S)
            judge.require(not link.is_in, f"anything but OK for a login of {size} bytes", said(link))
            link.close()


def padded(judge: Judge, size: int) -> bytes:
    """The right login as so many bytes, with white space before its end."""
    login = written(judge.desk.login)
    return login[:-1] + b" " * (size - len(login)) + b"}"


@judges("NE-LOGIN-011")
def test_silent_connections_delay_nobody(judge: Judge) -> None:
    """A hub that lets others in only once the silent ones have gone lets them in too late."""
    with judge.desk.vacant():
        let_in(judge).close()
        for _ in range(3):  # a machine may be too slow once
            came, is_early = beside_silent_ones(judge)
            if is_early:
                break
        judge.require(is_early, "OK while other connections are silent", came)


def beside_silent_ones(judge: Judge) -> tuple[str, bool]:
    """What a login brings while others are silent, and whether it was accepted before one of them had to go."""
    half = written(judge.desk.login)[:20]
    with ExitStack() as stack:
        doors, knocks = judge.examples(4), judge.examples(3)
        judge.desk.pay_for(doors + knocks + 1)
        silent = [door(judge) for _ in range(doors)]
        for link in silent[1::2]:
            link.send(half)
        for _ in range(knocks):  # they do not even begin TLS
            stack.enter_context(closing(judge.desk.knock()))
        try:
            link = judge.desk.connect()
        except OSError as error:
            return f"no connection ({error})", False
        link.send(written(judge.desk.login))
        until = time.monotonic() + judge.settings.timeout
        while not link.is_in and not all(other.is_closed for other in silent) and time.monotonic() < until:
            link.greeted(GLANCE_S)
        # Whoever had to go before this login was accepted may be seen to go a little later.
        is_early = link.is_in and not any(other.closes_within(GLANCE_S) for other in silent)
        for each in (*silent, link):
            each.close()
        return said(link) + (" after one of them had to go" if link.is_in and not is_early else ""), is_early


# -- those who come back


@judges("NE-LOGIN-012")
def test_a_provider_that_was_refused_may_come_back(judge: Judge) -> None:
    wrong = judge.desk.login | {"key": judge.new_key()}
    with judge.desk.vacant():
        first = knock(judge, wrong, within=SLACK_S)
        is_answered = first.is_closed or bool(first.greeting)
        for number in range(judge.examples(RETURNS)):
            again = visit(judge, wrong, within=None if is_answered else GLANCE_S)
            if is_answered:
                holds = isinstance(again, Link) and (again.is_closed or bool(again.greeting))
                actual = said(again) if isinstance(again, Link) else again
                judge.require(holds, f"an answer or a close, as for the first of {number + 2} wrong logins", actual)
        for pause in RETURN_PAUSES_S:
            judge.subject.pause(pause)
            right = visit(judge, judge.desk.login)
            if isinstance(right, Link) and right.is_in:
                break
        is_in = isinstance(right, Link) and right.is_in
        actual = said(right) if isinstance(right, Link) else right
        judge.require(is_in, f"OK for the right login, after {RETURNS + 1} wrong ones", actual)


def visit(judge: Judge, login: Login, within: float | None = None) -> Link | str:
    """A connection on which a login was sent, or why there is none."""
    try:
        link = judge.desk.connect()
    except OSError as error:
        return f"no connection ({error})"
    link.log_in(login, within)
    return link


def must_serve(judge: Judge, link: Link, what: str) -> None:
    """Requires that a link is let in and sent the next request, and that its answer reaches the client."""
    judge.require(link.is_in, f"OK for {what}", said(link))
    call = judge.begin(SHORT)
    until = time.monotonic() + judge.settings.timeout
    is_asked = False
    while not (call.is_answered or link.is_over) and time.monotonic() < until:
        if link.next_request(GLANCE_S) is not None:  # perhaps one that a link before had in hand
            is_asked = True
            link.answer(READ)
    shown = [call.answer()] if call.is_answered else []
    actual = shown[0].describe() if shown else link.why_nothing
    judge.require(is_asked, f"the next request for {what}", actual, *shown)
    judge.require([answer.reply for answer in shown] == [READ["reply"]], f"the answer of {what}", actual, *shown)


@judges("NE-LOGIN-013")
def test_a_provider_may_come_back_at_once(judge: Judge) -> None:
    with judge.provider() as link:
        link.close()
        judge.subject.pause(EARLY_S)
        again = knock(judge, judge.desk.login)
        what = f"a provider that came back after {EARLY_S:g} s"
        must_serve(judge, again, what)
        judge.subject.pause(LATE_S)  # until a hub has surely seen the close before
        must_serve(judge, again, what)


@judges("NE-LOGIN-014")
def test_a_close_without_notice_is_a_close(judge: Judge) -> None:
    """What a hub shows of a proper close, by its model list and to the client, it has to show of this one.

    A slow moment may hide it, so this close is made more than once.
    """
    with judge.desk.vacant():
        most = min(SEEN_S, soon(judge, "provider_answer_s"))  # later than that the client is answered anyway
        missing = traces(judge, Link.close, {"connected", "answer"}, most)
        for _ in range(TRIES):
            missing -= traces(judge, Link.abort, missing, most)
            if not missing:
                break
        expected = "the same as after a proper close"
        signs = {"connected": "the model list still calls the provider connected", "answer": "its client waits on"}
        judge.require(not missing, expected, " and ".join(signs[sign] for sign in sorted(missing)))
        must_serve(judge, knock(judge, judge.desk.login), "a provider that came back")


def traces(judge: Judge, end: Callable[[Link], None], wanted: set[str], seconds: float) -> set[str]:
    """Which of the signs of a drop are seen in so many seconds when a link ends with a request in hand."""
    link = let_in(judge)
    call = judge.begin(SHORT)
    link.request()
    end(link)
    until = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < until:
        if call.is_over_within(EARLY_S):
            seen.add("answer")
        if entry(judge).get("connected") is False:
            seen.add("connected")
        if wanted <= seen:
            break
        judge.subject.pause(GLANCE_S)
    return seen & wanted
