"""Extended: resumable polls. A poll names the piece it wants, so that a lost answer loses nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.exchange import is_integer
from conformance.judge import SHORT
from conformance.requirement import case, judges
from conformance.suite.control import plainly_whole
from conformance.suite.test_streams import LONG, must_follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.stream import Stream

CONFLICT: Final = 14
EXPIRED: Final = 18
SIZE: Final = 6


def member(exchange: Exchange, name: str) -> Any:
    """A member of the answer object, or None."""
    return exchange.content.get(name) if isinstance(exchange.content, dict) else None


def shown(exchange: Exchange) -> str:
    """An answer with its index and flag."""
    return (
        f"{exchange.describe()}, seq {json.dumps(member(exchange, 'seq'))}, done {json.dumps(member(exchange, 'done'))}"
    )


def indexed(judge: Judge, *, times: int = 1) -> tuple[Stream, list[Exchange]]:
    """A stream that was polled by index to its end, each poll so many times, and its answers."""
    stream = judge.stream(LONG)
    answers: list[Exchange] = []
    for seq in range(judge.subject.most_polls):
        exchange = stream.poll(gettokens=SIZE, seq=seq)
        answers.append(exchange)
        if exchange.is_success:
            answers += [stream.poll_once(gettokens=SIZE + 3, seq=seq) for _ in range(times - 1)]
        if stream.has_ended or not exchange.is_success:
            break
    stream.is_whole()
    return stream, answers


def begun(judge: Judge, pieces: int) -> Stream:
    """A stream with so many pieces delivered by index, and more to come."""
    stream = judge.stream(LONG)
    for seq in range(pieces):
        exchange = stream.poll(gettokens=1, seq=seq)
        if not exchange.is_success or stream.has_ended:
            not_judged(f"the stream has no {pieces} pieces ({exchange.describe()})")
    return stream


def echoes(exchange: Exchange) -> bool:
    asked = json.loads(exchange.request.body)["seq"]
    return is_integer(member(exchange, "seq")) and bool(member(exchange, "seq") == asked)


def has_flag(exchange: Exchange) -> bool:
    return isinstance(member(exchange, "done"), bool)


def flag_is_right(exchange: Exchange) -> bool:
    return (member(exchange, "done") is True) == (not exchange.reply)


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        case("NE-RESUME-001", echoes, "the poll's seq in the answer"),
        case("NE-RESUME-002", has_flag, "a boolean done in the answer"),
        case("NE-RESUME-003", flag_is_right, "done true in the empty end and nowhere else"),
    ],
)
def test_every_indexed_answer_says_where_it_is(judge: Judge, holds: Callable[[Exchange], bool], expected: str) -> None:
    stream, answers = indexed(judge, times=2)
    judge.require(stream.has_ended, "a stream that is polled to its end", shown(answers[-1]), *answers)
    for exchange in answers:
        if exchange.is_success:
            judge.require(holds(exchange), expected, shown(exchange), exchange)


@pytest.mark.parametrize("times", [case("NE-RESUME-004", 1), case("NE-RESUME-006", 2)])
def test_the_indexed_pieces_are_the_reply(judge: Judge, times: int) -> None:
    with judge.known_text(LONG) as text, plainly_whole(judge, LONG, text, sizes=[SIZE]):
        stream, answers = indexed(judge, times=times)
        must_follow(judge, stream, text)
        judge.require(stream.has_ended, "a stream that is polled to its end", shown(answers[-1]), *answers)


@pytest.mark.parametrize("size", [case("NE-RESUME-005", SIZE), case("NE-RESUME-007", 1)])
def test_a_piece_is_repeated_exactly(judge: Judge, size: int) -> None:
    stream = judge.stream(LONG)
    for seq in range(3):
        first = stream.poll(gettokens=SIZE, seq=seq)
        if not first.is_success or stream.has_ended:
            not_judged(f"the stream has no piece {seq} ({first.describe()})")
        again = stream.poll_once(gettokens=size, seq=seq)
        same = again.is_success and again.reply == first.reply
        judge.require(same, f"the piece {first.reply!r} again", shown(again), *stream.polls)


@pytest.mark.parametrize("offset", [case("NE-RESUME-008", -2), case("NE-RESUME-008", 2)])
def test_another_index_is_refused(judge: Judge, offset: int) -> None:
    stream = begun(judge, 3)
    exchange = stream.poll_once(gettokens=1, seq=2 + offset)
    seen = list(stream.polls)
    if not stream.poll(gettokens=1, seq=3).reply:
        not_judged("the stream had no text left")
    judge.require(exchange.code == CONFLICT, f"errorcode {CONFLICT}", shown(exchange), *seen)


@judges("NE-RESUME-009")
def test_a_stream_goes_on_after_a_refusal(judge: Judge) -> None:
    with judge.known_text(LONG) as text, plainly_whole(judge, LONG, text, sizes=[1]):
        stream = begun(judge, 2)
        refused = [
            stream.poll_once(gettokens=1, seq=9),
            stream.poll_once(gettokens=1, seq=2, message="Something else altogether"),
        ]
        if not all(exchange.is_error for exchange in refused):
            not_judged("the hub refuses neither a wrong index nor another message")
        exchange = stream.poll(gettokens=1, seq=2)
        judge.require(exchange.is_success, "the next piece", shown(exchange), *stream.polls)
        must_follow(judge, stream, text)
        judge.require(bool(exchange.reply), f"the piece that follows in {text!r}", shown(exchange), *stream.polls)


@judges("NE-RESUME-010")
def test_an_error_does_not_echo(judge: Judge) -> None:
    stream = begun(judge, 2)
    exchange = stream.poll_once(gettokens=1, seq=9)
    if not exchange.is_error:
        not_judged(f"the hub refuses no index ({exchange.describe()})")
    bare = isinstance(exchange.content, dict) and not {"seq", "done"} & exchange.content.keys()
    judge.require(bare, "neither seq nor done in an error", shown(exchange), *stream.polls)


@judges("NE-RESUME-012")
def test_the_end_has_the_index_after_the_last_piece(judge: Judge) -> None:
    stream, answers = indexed(judge)
    last = answers[-1]
    holds = stream.has_ended and member(last, "seq") == len(stream.pieces)
    judge.require(holds, f"the end with seq {len(stream.pieces)}", shown(last), *answers)


@judges("NE-RESUME-013")
def test_the_end_is_repeated_at_and_beyond_its_index(judge: Judge) -> None:
    stream, answers = indexed(judge)
    if not stream.has_ended:
        not_judged(f"the stream does not end ({answers[-1].describe()})")
    for seq in (len(stream.pieces), len(stream.pieces) + 1, len(stream.pieces) + 50):
        exchange = stream.poll_once(gettokens=SIZE, seq=seq)
        again = exchange.is_success and exchange.reply == "" and member(exchange, "done") is True
        judge.require(again, "the end again, with done true", shown(exchange), *stream.polls)


@judges("NE-RESUME-014")
def test_an_index_on_an_unknown_key_is_expired(judge: Judge) -> None:
    twin = judge.stream(LONG).poll(gettokens=1, seq=0)
    if not twin.is_success:
        not_judged(f"the valid twin did not succeed ({twin.describe()})")
    stream = judge.stream(LONG)
    exchange = stream.poll_once(gettokens=1, seq=1)
    judge.require(exchange.code == EXPIRED, f"errorcode {EXPIRED}", shown(exchange), exchange)


@judges("NE-RESUME-015")
def test_polls_without_an_index_count(judge: Judge) -> None:
    with judge.known_text(LONG) as text, plainly_whole(judge, LONG, text, sizes=[1]):
        stream = judge.stream(LONG)
        for _ in range(2):
            if not stream.poll(gettokens=1).is_success or stream.has_ended:
                not_judged("the stream has no third piece")
        again = stream.poll_once(gettokens=1, seq=1)
        same = again.is_success and again.reply == stream.pieces[1]
        judge.require(same, f"the second piece {stream.pieces[1]!r} again", shown(again), *stream.polls)
        exchange = stream.poll(gettokens=1, seq=2)
        judge.require(exchange.is_success and bool(exchange.reply), "the third piece", shown(exchange), *stream.polls)
        must_follow(judge, stream, text)


@judges("NE-RESUME-016")
def test_an_index_without_a_key_is_ignored(judge: Judge) -> None:
    judge.has_twin(SHORT)
    exchange = judge.accepts(SHORT | {"seq": 3})
    judge.require(exchange.reply != "", "the whole reply", shown(exchange), exchange)
