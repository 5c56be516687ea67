"""Streams under two keys: each key brings the text of its own stream, however much the keys are alike.

What proves that text went to the wrong key: a piece that no slip in its own text makes, or one text that was shared out
between two keys, so that each lacks just what the other one got. A stream that merely is not whole proves nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.evidence import not_judged
from conformance.oracle import is_anothers
from conformance.requirement import judges
from conformance.stream import TRIES, Stream
from conformance.suite.control import not_whole, plainly_whole
from conformance.suite.test_streams import LONG, OTHER
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.exchange import Exchange
    from conformance.judge import Judge

SIZE: Final = 4
FEW_WORDS: Final = LONG | {"max_new_len": 24}
"""A reply of some pieces, for streams that are read many times."""
LONGEST_KEY: Final = next(int(limit["value"]) for limit in spec.limits() if limit["name"] == "stream_key_chars")


class Alike(NamedTuple):
    """Two keys that have so many random characters in common, and end otherwise."""

    common: int
    one: str
    two: str
    differ_in: str


KEYS_ALIKE: Final = [
    Alike(16, "a", "b", "the last of 17 characters"),
    Alike(32, "a", "A", "upper and lower case"),
    Alike(32, "a", "b", "the last of 33 characters"),
    Alike(32, "", "a", "one character more"),
    Alike(32, "a", "a ", "a blank at the end"),
    Alike(32, "e", "\u00e9", "an accent"),
    Alike(32, "\u00e9", "e\u0301", "how an accent is written"),
    Alike(64, "a", "b", "the last of 65 characters"),
    Alike(128, "a", "b", "the last of 129 characters"),
    Alike(LONGEST_KEY - 1, "a", "b", "the last character of the longest"),
]
"""Keys that are one to a hub which cuts them, or compares them without case, blanks or accents: the usual first.

The last pair is as long as a key may be; a hub that takes none so long need not.
"""


@judges("NE-STREAM-025")
def test_streams_of_one_message_do_not_share_their_tokens(judge: Judge) -> None:
    with judge.known_text(LONG) as text:
        are_apart(judge, text, judge.stream(LONG), judge.stream(LONG))


@judges("NE-STREAM-025")
def test_keys_that_are_nearly_alike_are_two_keys(judge: Judge) -> None:
    with judge.known_text(FEW_WORDS) as text:
        for keys in judge.each(KEYS_ALIKE[: judge.examples(len(KEYS_ALIKE))]):
            common = judge.new_key(keys.common)
            one, two = (Stream(judge, FEW_WORDS, common + end, random=common) for end in (keys.one, keys.two))
            are_apart(judge, text, one, two, f"two keys that differ in {keys.differ_in}")


def are_apart(judge: Judge, text: str, one: Stream, two: Stream, keys: str = "two keys") -> None:
    """Requires that `keys` do not share one text out between them, unless the hub takes no such key at all."""
    if not (begins(one) and begins(two)):
        return
    polls, given = [*one.polls, *two.polls], one.text + two.text
    for stream, new in in_turns(one, two):
        polls += new
        given += new[-1].reply
        if stream.has_ended:
            break
    is_shared = given == text and bool(one.text and two.text)
    actual = f"one text shared out between {keys}: {one.pieces} and {two.pieces}"
    judge.require(not is_shared, f"the text {text!r} under each key", actual, *polls)
    for _ in in_turns(one, two):
        pass
    if not one.text == two.text == text:
        not_whole()
    if len(one.pieces) < 2 or len(two.pieces) < 2:
        not_judged("the reply comes in one piece, so that two keys cannot share it")


def begins(stream: Stream) -> bool:
    """Polls for the first piece; whether it came, or the end."""
    return any(stream.try_once(gettokens=SIZE).is_success for _ in range(TRIES))


@judges("NE-STREAM-025")
def test_streams_under_two_keys_do_not_mix(judge: Judge) -> None:
    with judge.known_text(LONG) as text, judge.known_text(OTHER) as other_text:
        if other_text == text:
            not_judged("the model answers both messages alike, so texts tell nothing")
        one, two = judge.stream(LONG), judge.stream(OTHER)
        polls: list[Exchange] = []
        for stream, new in in_turns(one, two):
            polls += new
            own, theirs = (text, other_text) if stream is one else (other_text, text)
            piece = new[-1].reply
            actual = f"a piece of the other stream: {piece!r}"
            judge.require(not is_anothers(piece, own, [theirs]), f"pieces of {own!r} under its key", actual, *polls)
        if (one.text, two.text) != (text, other_text):
            not_whole()


def in_turns(one: Stream, two: Stream) -> Iterator[tuple[Stream, list[Exchange]]]:
    """Polls two streams in turns to their ends; yields the one that was polled, with its newest polls."""
    while not (one.has_ended and two.has_ended):
        for stream in (one, two):
            if not stream.has_ended:
                before = len(stream.polls)
                exchange = stream.poll(gettokens=SIZE)
                stream.is_whole()
                if not exchange.is_success:
                    not_judged(f"a stream did not go on ({exchange.describe()})")
                yield stream, stream.polls[before:]
        if max(len(one.polls), len(two.polls)) > one.most_polls:
            not_judged("a stream does not end")


@judges("NE-STREAM-026")
def test_the_same_key_at_two_services_is_two_streams(judge: Judge) -> None:
    second = judge.settings.second_service
    if not second:
        not_judged("needs a second service: name it with --second-service NAME")
    path = judge.subject.path_of(second)
    with judge.known_text(LONG) as text, judge.known_text(OTHER, path) as other_text:
        key = judge.new_key()
        one, two = judge.stream(LONG, key), judge.stream(OTHER, key, path)
        with plainly_whole(judge, LONG, text, [SIZE]), plainly_whole(judge, OTHER, other_text, [SIZE], path):
            for stream, own in ((one, text), (two, other_text)) * 2:
                poll_own(judge, stream, own, (*one.polls, *two.polls))


def poll_own(judge: Judge, stream: Stream, text: str, before: tuple[Any, ...]) -> None:
    """Requires that the next piece belongs to the stream's own text."""
    exchange = stream.poll(gettokens=SIZE)
    stream.is_whole()
    holds = exchange.is_success and text.startswith(stream.text) and (stream.has_ended or bool(stream.text))
    judge.require(holds, f"the next piece of {text!r}", exchange.describe(), *before, *stream.polls[-1:])
