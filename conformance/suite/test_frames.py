"""How a hub writes to a provider: frames and pings, record by record, and one request at a time.

Deployed providers read a TLS record at a time, so how a hub cuts what it writes is as much the protocol as what it
writes.
"""

from __future__ import annotations

import json
import socket
import time
from itertools import pairwise
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.frames import RECORD_BYTES
from conformance.requirement import judges
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.judge import Judge
    from conformance.provider.frames import Frame
    from conformance.provider.link import Link

PAGE_BYTES: Final = 4_096
"""Deployed providers read so many bytes at a time (NE-FRAME-010)."""
PING_S: Final = 50.0
"""The most time between two pings (NE-FRAME-006)."""
FRAME_BYTES: Final = next(int(limit["value"]) for limit in spec.limits() if limit["name"] == "provider_frame_bytes")
TOO_LARGE: Final = 11
SLACK_S: Final = 2.0
"""What a slow machine may take on top of any time."""
GLANCE_S: Final = 0.2
"""How long to look for what must not come."""
PINGS: Final = 4
"""So many pings without an answer are enough to see that none is wanted."""
TRIES: Final = 5
SAMPLES: Final = 24
"""So many answers are measured; the first few are acknowledged at once by any system."""
QUICK_S: Final = 0.015
"""An answer that takes no longer is not held up."""
DELAYED_S: Final = 0.03
"""An answer that mostly takes longer is held up by a delayed acknowledgement, of 40 ms or more."""
READ: Final = {"reply": "Read."}


def fresh(judge: Judge, *, is_hasty: bool = True) -> Link:
    """A link that is logged in, and on which nothing has come yet."""
    link = judge.desk.connect(is_hasty=is_hasty)
    link.log_in(judge.desk.login)
    if not link.is_in:
        not_judged("the right login was not accepted")
    return link


def frame_limit(judge: Judge) -> int:
    """The longest frame that the hub may send."""
    return min(int(judge.settings.limits.get("provider_frame_bytes", FRAME_BYTES)), FRAME_BYTES)


def ping_interval(judge: Judge, times: float) -> tuple[float, float]:
    """The hub's own interval between pings, and how long to wait for one at most."""
    told = judge.limit("ping_s", waits=times)
    return told, min(3 * told + SLACK_S, PING_S + SLACK_S)


def ask(judge: Judge, link: Link, message: str) -> Frame | None:
    """A request with this message as the provider is sent it, answered; None where the hub answers by itself."""
    body = json.dumps(SHORT | {"message": message}, ensure_ascii=False).encode()
    call = judge.begin(body)
    frame = judge.arrives(link, call)
    if frame is not None:
        link.answer(READ)
        call.answer()
        if len(frame.data) % RECORD_BYTES == 0:
            judge.subject.pause(GLANCE_S)  # white space behind it comes in a record of its own
    return frame


def of_lengths(judge: Judge, link: Link, lengths: Iterable[int], begin: str = "x") -> Iterator[Frame]:
    """Frames that would have these lengths without padding, of messages that begin so; those that the hub hands on."""
    bare = ask(judge, link, begin)
    if bare is None:
        not_judged("the hub answered a short request without its provider")
    least = len(bare.data.rstrip())
    for length in lengths:
        judge.subject.timeline.begin_example()
        frame = ask(judge, link, begin + "x" * (length - least))
        if frame is not None:
            yield frame


def shown(frame: Frame) -> str:
    """How a frame came."""
    return f"{len(frame.data)} bytes in records of {', '.join(map(str, frame.records))} bytes"


# -- what frames are


@judges("NE-FRAME-001")
def test_nothing_but_objects_is_sent(judge: Judge) -> None:
    messages = ("Good morning.", "", '{}}{"ping": 1}\\"', "Grüße aus 東京 👩‍👩‍👧", "wave " * 4_000)
    with judge.provider() as link:
        for message in messages:
            call = judge.begin(SHORT | {"message": message})
            frame = None
            while frame is None and not (call.is_answered or link.is_over):
                frame = link.next_request(GLANCE_S / 10)
            if link.is_over:
                break
            if frame is not None:
                link.answer(READ)
                call.answer()
        came = records_of(judge, link)
        if not came:
            not_judged(link.why_nothing)
        blanks = [record for before, record in pairwise([b"", *came]) if is_blank(before, record)]
        other = next(filter(None, [link.pending.strip(), *blanks]), b"")
        expected = "JSON objects alone, with white space behind one in the same write at most"
        judge.require(not other, expected, repr(other[:80]))


def is_blank(before: bytes, record: bytes) -> bool:
    """Whether a record is white space alone, and not the rest of what filled the one before."""
    return not record.strip() and len(before) < RECORD_BYTES


def records_of(judge: Judge, link: Link) -> list[bytes]:
    """What came on a link in this check, record by record."""
    steps = judge.subject.timeline.steps
    return [step.data for step in steps if (step.leg, step.who, step.what) == ("provider", link.number, "receive")]


@judges("NE-FRAME-003")
def test_each_frame_has_records_of_its_own(judge: Judge) -> None:
    """A ping that is due and a request that waits are what a hub would write together."""
    hold = shortest_hold(judge)
    with judge.provider() as link:
        before = len(link.received)
        messages = ["one", "two", "three", "long " * 5_000][: 1 if judge.settings.rate else None]
        calls = [judge.begin(SHORT | {"message": message}) for message in messages]
        link.request()
        judge.subject.pause(hold)
        for _ in calls[1:]:
            link.answer(READ)
            if link.next_request(SLACK_S) is None:
                break
        else:
            link.answer(READ)
        for frame in link.received[before:]:
            is_whole = len(frame.data) > RECORD_BYTES or len(frame.records) == 1
            how = shown(frame) if frame.is_alone else f"{shown(frame)}, together with another frame"
            judge.require(frame.is_alone and is_whole, "each frame alone in one write", how)


def shortest_hold(judge: Judge) -> float:
    """How long to keep a request until a ping is surely due; 0 where that is not known, or takes too long."""
    limits = judge.settings.limits
    hold = 1.5 * limits.get("ping_s", PING_S) + GLANCE_S
    return hold if hold < min(limits.get("provider_answer_s", 0.0), judge.settings.max_wait) else 0.0


@judges("NE-FRAME-005")
def test_long_frames_fill_their_records(judge: Judge) -> None:
    with judge.provider() as link:
        for size in (40_000, 20_000):  # the second for a hub that takes less
            frame = ask(judge, link, "x" * size)
            if frame is not None:
                break
        else:
            not_judged("the hub hands on no request of 20,000 bytes")
        if not frame.is_alone:
            not_judged("the frame shares its records with others")
        holds = set(frame.records[:-1]) == {RECORD_BYTES}
        judge.require(holds, f"records of {RECORD_BYTES} bytes, but for the last", shown(frame))


# -- one at a time


@judges("NE-FRAME-004")
def test_one_request_is_outstanding(judge: Judge) -> None:
    with judge.provider() as link:
        calls = [judge.begin(SHORT | {"message": f"Number {number}."}) for number in range(5)]
        link.request()
        glance = GLANCE_S
        if all(call.is_over_within(glance) for call in calls[1:]):
            not_judged("the hub lets no request wait for a busy provider")
        for _ in calls:
            must_be_silent(judge, link, glance)
            glance = GLANCE_S / 10  # they all wait by now
            link.answer(READ)
            if link.next_request(GLANCE_S) is None:
                break
        judge.finish()


@judges("NE-FRAME-004")
def test_a_request_stays_outstanding_when_its_client_has_gone(judge: Judge) -> None:
    with judge.provider() as link:
        gone = judge.begin(SHORT | {"message": "Never mind."})
        link.request()
        gone.leave()
        judge.begin(SHORT | {"message": "Hello?"})
        must_be_silent(judge, link, GLANCE_S)


def must_be_silent(judge: Judge, link: Link, seconds: float) -> None:
    """Requires that the hub sends no request while another one is unanswered; it may close the link."""
    early = link.next_request(seconds)
    actual = "" if early is None else f"another one: {early.data[:80]!r}"
    judge.require(early is None, "no request before the one before is answered", actual)


# -- pings


@judges("NE-FRAME-002")
def test_a_frame_that_nobody_asked_for_is_a_ping(judge: Judge) -> None:
    _, most = ping_interval(judge, 1)
    with judge.desk.vacant():
        frame = fresh(judge).next_frame(most)
        if frame is None:
            not_judged(f"nothing came within {most:g} s")
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
            ping = ping_between_requests(judge, link, told / 8, most)
            actual = f"none within {most:g} s, in which requests came and were answered"
            judge.require(ping is not None, expected, actual)
            if ping is not None and not was_quiet(link, ping, 0.9 * told):
                return
        not_judged("this machine is too slow to send requests one soon after another")


def ping_between_requests(judge: Judge, link: Link, pause: float, most: float) -> Frame | None:
    """The next ping on a link that is asked something all the time; None when none comes."""
    until = time.monotonic() + most
    before = len(link.received)
    while time.monotonic() < until:
        judge.through(link, SHORT, READ)
        judge.subject.pause(pause)
        is_open(link)
        for frame in link.received[before:]:
            if frame.is_ping:
                return frame
    return None


def was_quiet(link: Link, ping: Frame, seconds: float) -> bool:
    """Whether the link was asked nothing for so long before a ping: it shows nothing then."""
    asked = [frame.at for frame in link.received if not frame.is_ping and frame.at <= ping.at]
    return ping.at - max(asked, default=0.0) >= seconds


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
        link.answer(READ)
        answer = call.answer()
        judge.require(frame is not None, "the next request on the same link", answer.describe(), answer)


@judges("NE-FRAME-008")
def test_a_ping_that_fell_due_comes_before_the_next_request(judge: Judge) -> None:
    hold = judge.limit("ping_s", waits=1.5) * 1.5 + GLANCE_S
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


# -- how long they are


@judges("NE-FRAME-009")
def test_no_frame_is_longer_than_the_limit(judge: Judge) -> None:
    limit = frame_limit(judge)

    def check(frame: Frame) -> None:
        judge.require(len(frame.data) <= limit, f"at most {limit} bytes", f"a frame of {len(frame.data)} bytes")

    with judge.provider() as link:

        def check_message(message: str) -> None:
            frame = ask(judge, link, message)
            if frame is not None:
                check(frame)

        for frame in of_lengths(judge, link, [limit - less for less in (700, 90, 2, 1, 0, -1, -90)]):
            check(frame)
        judge.explore(long_texts(limit), check_message, examples=20)


def long_texts(most: int) -> st.SearchStrategy[str]:
    """Texts of a character that a frame may have to escape, of sizes that fit into the body of a request."""
    characters = st.sampled_from('xé東\U0001f600\x01"\\/\u2028')

    def repeated(character: str) -> st.SearchStrategy[str]:
        size = len(json.dumps(character, ensure_ascii=False).encode()) - 2
        return st.integers(most // 24, most // size).map(lambda times: character * times)

    return characters.flatmap(repeated)


@judges("NE-FRAME-010")
def test_no_frame_fills_its_last_page(judge: Judge) -> None:
    limit = frame_limit(judge)
    pages = range(PAGE_BYTES, limit + 1, PAGE_BYTES)
    around = [page + offset for page in pages for offset in (0, -1, 1)][: judge.examples(3 * len(pages))]
    with judge.provider() as link:
        for begin, lengths in (("x", around), ('é東\U0001f600\n"\\', pages[: judge.examples(len(pages))])):
            for frame in of_lengths(judge, link, lengths, begin):
                size = len(frame.data)
                judge.require(size % PAGE_BYTES != 0, f"no multiple of {PAGE_BYTES} bytes", f"a frame of {size} bytes")


@judges("NE-FRAME-011")
def test_a_request_that_makes_too_long_a_frame_is_refused(judge: Judge) -> None:
    limit = frame_limit(judge)
    messages = ("x" * (limit + 1), '"' * (limit // 2 + 1), "\x01" * (limit // 6 + 1), "é" * (limit // 6 + 1))
    with judge.provider() as link:
        judge.through(link, SHORT, READ)
        for message in messages:
            judge.subject.timeline.begin_example()
            call = judge.begin(json.dumps(SHORT | {"message": message}, ensure_ascii=False).encode())
            frame = judge.arrives(link, call)
            if frame is not None:
                link.answer(READ)
            answer = call.answer()
            if frame is not None and len(frame.data) <= limit:
                continue  # written without escapes it fits
            actual = answer.describe() if frame is None else f"a frame of {len(frame.data)} bytes"
            judge.require(frame is None and answer.code == TOO_LARGE, f"errorcode {TOO_LARGE}", actual, answer)


# -- acknowledgements


@judges("NE-FRAME-012")
def test_bytes_are_acknowledged_at_once(judge: Judge) -> None:
    """A program that waits for acknowledgements sends an answer in two writes as fast as in one.

    What is compared are quartiles, so that a slow moment of the machine decides nothing; where the two ways lie not
    clearly apart or clearly together, nothing is judged.
    """
    way = way_s(judge)
    if way > QUICK_S / 3:
        not_judged(f"the way to the hub takes {way * 1000:.0f} ms, so delays cannot be told from it")
    with judge.desk.vacant():
        link = fresh(judge, is_hasty=False)
        taken: dict[bool, list[float]] = {True: [], False: []}
        for number in range(2 * judge.examples(SAMPLES)):
            in_two = number % 2 == 1
            taken[in_two].append(answering_s(judge, link, in_two=in_two))
        if len(taken[True]) < SAMPLES:
            not_judged("too few requests may be sent to measure it")
        one, two = quantiles(taken[False]), quantiles(taken[True])
        actual = f"{two[1] * 1000:.0f} ms in two writes, {one[1] * 1000:.0f} ms in one"
        if one[2] > QUICK_S or QUICK_S < two[0] < DELAYED_S or two[0] <= QUICK_S < two[2]:
            not_judged(f"the measurement is unclear: {actual}")
        judge.require(two[0] <= QUICK_S, "an answer as soon in two writes as in one", actual)


def answering_s(judge: Judge, link: Link, *, in_two: bool) -> float:
    """The seconds from a provider's answer to the client's, for an answer in one write or in two."""
    call = judge.begin(SHORT)
    link.request()
    payload = json.dumps(READ).encode()
    digits = b"%08X" % len(payload)
    began = time.monotonic()
    link.answered += 1
    link.send(digits + payload, [len(digits)] if in_two else [])
    if not call.answer().is_success:
        not_judged("a request was not answered")
    return time.monotonic() - began


def way_s(judge: Judge) -> float:
    """The seconds that a round trip to the hub takes, at best."""
    best = judge.settings.timeout
    for _ in range(3):
        began = time.monotonic()
        try:
            socket.create_connection(judge.settings.provider_address, judge.settings.timeout).close()
        except OSError as error:
            not_judged(f"no connection to the provider port ({error})")
        best = min(best, time.monotonic() - began)
    return best
