"""How a hub keeps an idle provider's link alive: pings, when they come, and that nobody has to answer them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.judge import Judge
    from conformance.provider.link import Link

PING_S: Final = 50.0
"""The most time between two pings (NE-FRAME-006)."""
SLACK_S: Final = 2.0
"""What a slow machine may take on top of any time."""
BEHIND_S: Final = 0.2
"""How far behind its clock a hub may be."""
PINGS: Final = 4
"""So many pings without an answer are enough to see that none is wanted."""
TRIES: Final = 5
READ: Final = {"reply": "Read."}


def fresh(judge: Judge, *, is_hasty: bool = True) -> Link:
    """A link that is logged in, and on which nothing has come yet."""
    link = judge.desk.connect(is_hasty=is_hasty)
    link.log_in(judge.desk.login)
    if not link.is_in:
        not_judged("the right login was not accepted")
    return link


def ping_interval(judge: Judge, times: float) -> tuple[float, float]:
    """The hub's own interval between pings, and how long to wait for one at most."""
    told = judge.limit("ping_s", waits=times)
    return told, min(3 * told + SLACK_S, PING_S + SLACK_S)


def shortest_hold(judge: Judge) -> float:
    """How long to keep a request until a ping is surely due; 0 where that is not known, or takes too long."""
    limits = judge.settings.limits
    hold = 1.5 * limits.get("ping_s", PING_S) + BEHIND_S
    return hold if hold < min(limits.get("provider_answer_s", 0.0), judge.settings.max_wait) else 0.0


@judges("NE-FRAME-002")
def test_a_frame_that_nobody_asked_for_is_a_ping(judge: Judge) -> None:
    _, most = ping_interval(judge, 1)
    with judge.desk.vacant():
        frame = fresh(judge).next_frame(most)
        if frame is None:
            not_judged(f"nothing came within {most:g} s")
        if "message" in frame.content:
            not_judged("somebody else asked the service for something")
        judge.require(frame.is_ping, "an object with a member ping", repr(frame.data[:80]))


@judges("NE-FRAME-006")
def test_pings_come_in_time_whatever_else_comes(judge: Judge) -> None:
    told, most = ping_interval(judge, 2)
    expected = f"a ping every {told:g} s"
    with judge.desk.vacant():
        link = fresh(judge)
        idle = link.next_frame(most)
        is_open(link)
        judge.require(idle is not None, expected, f"none within {most:g} s")
        for _ in range(TRIES):
            quiet = quiet_before_ping(judge, link, told / 8, most)
            actual = f"none within {most:g} s, in which requests came and were answered"
            judge.require(quiet is not None, expected, actual)
            if quiet is not None and quiet < told / 2:
                return
        not_judged("this machine is too slow to send requests one soon after another")


def quiet_before_ping(judge: Judge, link: Link, pause: float, most: float) -> float | None:
    """Asks a link all the time until a ping comes: for how long it was asked nothing before, at most.

    A ping that comes after a whole interval of quiet shows nothing. The quiet counts from the moment at which the
    client sent the last request, because this process may see its frame late, just before the ping. None when no ping
    comes.
    """
    until = time.monotonic() + most
    seen, asked = len(link.received), -math.inf
    while time.monotonic() < until:
        sent = time.monotonic()
        own = judge.through(link, SHORT, READ).frame
        judge.subject.pause(pause)
        is_open(link)
        for frame in link.received[seen:]:
            seen += 1
            if frame.is_ping:
                return frame.at - asked
            if frame is own:
                asked = sent
    return None


def pings_of(link: Link) -> int:
    """How many pings have come."""
    return sum(frame.is_ping for frame in link.received)


def is_open(link: Link) -> None:
    """Ends the check where the hub has closed the link: whether it pings is then not seen."""
    if link.is_over:
        not_judged(link.why_nothing)


@judges("NE-FRAME-007")
def test_pings_need_no_answer(judge: Judge) -> None:
    _, most = ping_interval(judge, PINGS)
    with judge.desk.vacant():
        link = fresh(judge)
        for _ in range(PINGS):
            if link.next_frame(most) is None:
                break
        closed = f"a close after {pings_of(link)} pings"
        judge.require(not link.is_closed, "a link that stays although pings are not answered", closed)
        if pings_of(link) < PINGS:
            not_judged(f"only {pings_of(link)} pings came")
        call = judge.begin(SHORT)
        frame = judge.arrives(link, call)
        if frame is not None:
            link.answer(READ)
        answer = call.answer()
        judge.require(frame is not None, "the next request on the same link", answer.describe(), answer)


@judges("NE-FRAME-008")
def test_a_ping_that_fell_due_comes_before_the_next_request(judge: Judge) -> None:
    hold = judge.limit("ping_s", waits=1.5) * 1.5 + BEHIND_S
    if hold > judge.limit("provider_answer_s", waits=0):
        not_judged("the hub gives its provider up before a ping is due")
    with judge.provider() as link:
        judge.begin(SHORT | {"message": "The first."})
        link.request()
        pings = pings_of(link)
        waiting = judge.begin(SHORT | {"message": "The second."})
        judge.subject.pause(hold)
        if waiting.is_answered:
            not_judged("the hub lets no request wait for a busy provider")
        if pings_of(link) > pings:
            not_judged("the hub pings while a request is outstanding")
        link.answer(READ)
        frame = link.next_frame()
        if frame is None:
            not_judged(link.why_nothing)
        judge.require(frame.is_ping, "the ping that fell due, before the next request", repr(frame.data[:80]))
        link.request()
        link.answer(READ)
