"""Streams: what pieces a hub gives, and that together they are the reply, each character once.

Completeness and order are judged where the text is known, from a model that repeats itself; what must hold for any
text is judged anyway.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.judge import Judge
    from conformance.stream import Stream

LONG: Final = {"message": "Describe a harbour at dawn, in some detail.", "temperature": 0, "seed": 7, "max_new_len": 64}
"""A request with a reply of many words, the same each time where a model can do that."""
OTHER: Final = LONG | {"message": "Explain how bread is baked, step by step."}
MANY_WORDS: Final = 24
FEWEST_PIECES: Final = 6
TELLING: Final = 4
"""A text of so many characters is not the next of two texts by chance."""
RACERS: Final = 3


def must_follow(judge: Judge, stream: Stream, text: str) -> None:
    """Requires that the pieces so far are the beginning of the text, and the whole of it once the stream has ended."""
    stream.is_whole()
    if not text.startswith(stream.text):
        judge.breaks(f"pieces that begin the reply {text!r}", f"{stream.pieces}", *stream.polls)
    if stream.has_ended:
        judge.require(stream.text == text, f"the whole reply {text!r}", f"{stream.pieces}", *stream.polls)


def read_known(judge: Judge, stream: Stream, text: str, sizes: list[int]) -> None:
    """Polls to the end, each piece compared with the text as it comes."""
    for poll in range(len(text) + 2):
        exchange = stream.poll(gettokens=sizes[min(poll, len(sizes) - 1)])
        must_follow(judge, stream, text)
        if not exchange.is_success:
            judge.breaks(f"the piece after {stream.text!r}", exchange.describe(), *stream.polls)
        if stream.has_ended:
            return
    judge.breaks(f"the end after {stream.text!r}", f"no end in {len(stream.polls)} polls", *stream.polls)


@judges("NE-STREAM-001")
def test_the_pieces_are_the_reply(judge: Judge) -> None:
    with judge.known_text(LONG) as text:

        def check(sizes: list[int]) -> None:
            read_known(judge, judge.stream(LONG), text, sizes)

        judge.explore(st.lists(st.integers(1, 30), min_size=1, max_size=6), check, examples=15)


@judges("NE-STREAM-002", smoke=True)
def test_a_stream_reaches_its_end(judge: Judge) -> None:
    stream = judge.stream(SHORT)
    last = stream.read([1000])
    expected = "an empty reply with errorcode 0 after the last token"
    actual = f"no end in {len(stream.polls)} polls, the last one: {last.describe()}"
    judge.require(stream.has_ended, expected, actual, *stream.polls)


@judges("NE-STREAM-004")
def test_a_long_reply_comes_in_many_pieces(judge: Judge) -> None:
    stream = judge.stream(LONG)
    last = stream.read([1])
    words = len(stream.text.split())
    if words < MANY_WORDS:
        not_judged(f"the reply has {words} words, fewer than {MANY_WORDS} ({last.describe()})")
    pieces = len(stream.pieces)
    judge.require(
        pieces >= FEWEST_PIECES, f"{FEWEST_PIECES} pieces or more", f"{words} words in {pieces}", *stream.polls
    )


def pieces_fit(judge: Judge, sizes: list[int | None], default: int = 0) -> None:
    """Requires that no piece has more words than its own poll asked for tokens."""
    stream = judge.stream(LONG)
    for size in sizes:
        exchange = stream.poll(gettokens=size)
        if stream.has_ended or not exchange.is_success:
            break
        words, most = len(stream.pieces[-1].split()), size or default
        judge.require(words <= most, f"at most {most} words", f"{words} words: {exchange.describe()}", *stream.polls)
    if not stream.pieces:
        not_judged("the stream has no text")


@judges("NE-STREAM-005")
@pytest.mark.parametrize("size", [1, 3, 20])
def test_a_piece_has_at_most_gettokens_words(judge: Judge, size: int) -> None:
    pieces_fit(judge, [size] * judge.examples(12))


@judges("NE-STREAM-006")
def test_a_piece_has_at_most_20_words_by_default(judge: Judge) -> None:
    pieces_fit(judge, [None] * 4, default=20)


@judges("NE-STREAM-007")
def test_each_poll_has_its_own_gettokens(judge: Judge) -> None:
    judge.explore(st.permutations([1, 2, 5, 12]), lambda sizes: pieces_fit(judge, list(sizes)), examples=12)


@judges("NE-STREAM-010")
def test_a_poll_without_message_is_refused_and_the_stream_goes_on(judge: Judge) -> None:
    # A hub that takes a missing message for an empty one is seen on a stream whose message is empty.
    for request, is_needed in ((LONG, True), (LONG | {"message": ""}, False)):
        stream = judge.stream(request)
        has_more = stream.poll(gettokens=2).is_success and not stream.has_ended
        if is_needed and not has_more:
            not_judged("the stream has no second piece")
        if has_more:
            exchange = stream.poll_once(message=None)
            judge.require(exchange.is_error, "an error, any errorcode but 0", exchange.describe(), *stream.polls)
            after = stream.poll(gettokens=2)
            judge.require(after.is_success, "the next piece for the next full poll", after.describe(), *stream.polls)


@judges("NE-STREAM-011")
@pytest.mark.parametrize(
    "faulty",
    [{}, {"message": None}, {"message": OTHER["message"]}, {"gettokens": "none"}, {"gettokens": -1}],
    ids=["none", "no-message", "another-message", "gettokens-as-text", "gettokens-below-0"],
)
def test_errors_carry_no_tokens(judge: Judge, faulty: dict[str, Any]) -> None:
    with judge.known_text(LONG) as text:
        stream = judge.stream(LONG)
        while not stream.has_ended:
            exchange = stream.poll(gettokens=6)
            must_follow(judge, stream, text)
            if not exchange.is_success:
                not_judged(f"the stream did not go on ({exchange.describe()})")
            if faulty and not stream.has_ended and stream.poll_once(**faulty).is_success:
                judge.sees(*stream.polls)  # this hub refuses no such poll
                return


@judges("NE-STREAM-023")
def test_racing_polls_share_the_tokens(judge: Judge) -> None:
    with judge.known_text(LONG) as text:
        stream = judge.stream(LONG)
        while not stream.has_ended:
            before = stream.text
            request = judge.request(stream.fields(gettokens=3), keys=(stream.key,))
            answers = judge.post_together([request] * RACERS)
            stream.polls += answers
            if any(exchange.trouble for exchange in answers):
                not_judged("a racing poll got no answer, and a piece was perhaps lost with it")
            replies = [exchange.reply for exchange in answers if exchange.is_success]
            if not replies:
                not_judged(f"no racing poll succeeded ({answers[-1].describe()})")
            after = next((made for made in continued(before, replies) if text.startswith(made)), None)
            expected = f"pieces that go on after {before!r} in the reply {text!r}, each once"
            judge.require(after is not None, expected, f"{replies}", *stream.polls)
            stream.pieces = [after or ""]
            stream.has_ended = "" in replies
        judge.require(stream.text == text, f"the whole reply {text!r}", f"{stream.text!r}", *stream.polls)


def continued(before: str, replies: list[str]) -> Iterator[str]:
    """What the replies of one race may make of the text before, in every order.

    Behind the end a reply may belong to a new generation, which NE-STREAM-017 judges; so after an end any of them may
    be left out, the fewest first.
    """
    fewest = 0 if "" in replies else len(replies)
    for size in range(len(replies), fewest - 1, -1):
        for order in permutations(replies, size):
            yield before + "".join(order)


@judges("NE-STREAM-025")
def test_streams_of_one_message_do_not_share_their_tokens(judge: Judge) -> None:
    with judge.known_text(LONG):
        one, two = judge.stream(LONG), judge.stream(LONG)
        for stream, other in in_turns(one, two):
            agree = stream.text.startswith(other.text) or other.text.startswith(stream.text)
            expected, actual = "the same text under both keys", f"{one.text!r} and {two.text!r}"
            judge.require(agree, expected, actual, *other.polls, *stream.polls)
        if not one.text:
            not_judged("neither stream has text")


@judges("NE-STREAM-025")
def test_streams_under_two_keys_do_not_mix(judge: Judge) -> None:
    with judge.known_text(LONG) as text:
        other_text = judge.succeeds(OTHER).reply
        if other_text == text:
            not_judged("the model answers both messages alike, so texts tell nothing")
        one, two = judge.stream(LONG), judge.stream(OTHER)
        for stream, other in in_turns(one, two):
            own, theirs = (text, other_text) if stream is one else (other_text, text)
            piece = stream.polls[-1].reply
            mixed = not own.startswith(stream.text) and len(piece) >= TELLING and piece in theirs
            actual = f"a piece of the other stream: {piece!r}"
            judge.require(not mixed, f"pieces of {own!r} under its key", actual, *other.polls, *stream.polls)


def in_turns(one: Stream, two: Stream) -> Iterator[tuple[Stream, Stream]]:
    """Polls two streams in turns to their ends; yields the one that was polled, and the other."""
    while not (one.has_ended and two.has_ended):
        for stream, other in ((one, two), (two, one)):
            if not stream.has_ended:
                exchange = stream.poll(gettokens=4)
                stream.is_whole()
                if not exchange.is_success:
                    not_judged(f"a stream did not go on ({exchange.describe()})")
                yield stream, other
        if max(len(one.polls), len(two.polls)) > one.most_polls:
            not_judged("a stream does not end")


@judges("NE-STREAM-026")
def test_the_same_key_at_two_services_is_two_streams(judge: Judge) -> None:
    second = judge.settings.second_service
    if not second:
        not_judged("needs a second service: name it with --second-service NAME")
    path = judge.subject.path_of(second)
    with judge.known_text(LONG) as text:
        other_text = judge.succeeds(OTHER, path=path).reply
        if other_text != judge.succeeds(OTHER, path=path).reply:
            not_judged("the second service's model does not repeat itself")
        key = judge.new_key()
        one, two = judge.stream(LONG, key), judge.stream(OTHER, key, path)
        for stream, own in ((one, text), (two, other_text)) * 2:
            poll_own(judge, stream, own, (*one.polls, *two.polls))


def poll_own(judge: Judge, stream: Stream, text: str, before: tuple[Any, ...]) -> None:
    """Requires that the next piece belongs to the stream's own text."""
    exchange = stream.poll(gettokens=4)
    stream.is_whole()
    holds = exchange.is_success and text.startswith(stream.text) and (stream.has_ended or bool(stream.text))
    judge.require(holds, f"the next piece of {text!r}", exchange.describe(), *before, *stream.polls[-1:])


@judges("NE-ANS-006")
def test_requests_at_the_same_time_get_their_own_replies(judge: Judge) -> None:
    requests = [LONG | {"message": f"Tell me a story about the number {number}."} for number in range(RACERS + 1)]
    with judge.known_text(requests[0]) as text:
        texts = [text, *(judge.succeeds(fields).reply for fields in requests[1:])]
        if len(set(texts)) < len(texts):
            not_judged("the model answers several messages alike, so texts tell nothing")
        for exchange, own in zip(judge.post_together([judge.request(f) for f in requests]), texts, strict=True):
            foreign = exchange.is_success and exchange.reply != own and exchange.reply in texts
            judge.require(not foreign, f"the reply {own!r}", exchange.describe(), exchange)
