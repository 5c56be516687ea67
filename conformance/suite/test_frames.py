"""How a hub writes to a provider: frames, record by record, their lengths, and one request at a time.

Deployed providers read a TLS record at a time, so how a hub cuts what it writes is as much the protocol as what it
writes.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.frames import RECORD_BYTES
from conformance.requirement import judges
from conformance.suite.test_pings import READ, SLACK_S, shortest_hold
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.judge import Judge
    from conformance.provider.frames import Frame
    from conformance.provider.link import Link

PAGE_BYTES: Final = 4_096
"""Deployed providers read so many bytes at a time (NE-FRAME-010)."""
FRAME_BYTES: Final = next(int(limit["value"]) for limit in spec.limits() if limit["name"] == "provider_frame_bytes")
TOO_LARGE: Final = 11
GLANCE_S: Final = 0.2
"""How long to look for what must not come."""


def frame_limit(judge: Judge) -> int:
    """The longest frame that the hub may send."""
    return min(int(judge.settings.limits.get("provider_frame_bytes", FRAME_BYTES)), FRAME_BYTES)


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
        must_be_silent(judge, link, GLANCE_S)
        if all(call.is_answered for call in calls[1:]):
            not_judged("the hub lets no request wait for a busy provider")
        link.answer(READ)
        while link.next_request(GLANCE_S) is not None:
            must_be_silent(judge, link, GLANCE_S / 10)  # they all wait by now
            link.answer(READ)
            if all(call.is_over_within(GLANCE_S / 10) for call in calls):
                break


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
