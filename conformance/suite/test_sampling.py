"""What the sampling fields do, seen by models that repeat themselves; and how long a reply may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import case, judges
from conformance.strategies import OPTIONAL_FIELDS, generate_request
from conformance.subject import PLAIN_MESSAGE
from conformance.suite.control import not_whole

if TYPE_CHECKING:
    from conformance.judge import Judge

LONG: Final = {"message": PLAIN_MESSAGE, "max_new_len": 32}
SEEDS: Final = (1, 2, 3, -7, 2**40)
DEFAULTS: Final = {
    name: generate_request()["properties"][name]["default"] for name in OPTIONAL_FIELDS if name != "gettokens"
}
"""The documented default of each field that shapes a reply."""


def same_reply(judge: Judge, text: str, fields: dict[str, Any]) -> None:
    """Requires the known text as the reply to these fields."""
    exchange = judge.succeeds(fields)
    judge.require(exchange.reply == text, f"the reply {text!r}", exchange.describe(), exchange)


@judges("NE-REQ-026")
@pytest.mark.parametrize("field", DEFAULTS)
def test_a_missing_field_has_its_documented_default(judge: Judge, field: str) -> None:
    full = {"message": PLAIN_MESSAGE} | DEFAULTS
    with judge.known_text(full) as text:
        same_reply(judge, text, {name: value for name, value in full.items() if name != field})


@judges("NE-REQ-027")
@pytest.mark.parametrize("min_p", [0, 1])
def test_min_p_at_its_ends_does_nothing(judge: Judge, min_p: int) -> None:
    with judge.known_text(LONG | {"seed": 5}) as text:
        same_reply(judge, text, LONG | {"seed": 5, "min_p": min_p})


@pytest.mark.parametrize(
    "fields",
    [
        case("NE-REQ-028", {"temperature": 0}),
        case("NE-REQ-029", {"top_k": 1}),
        case("NE-REQ-030", {"top_p": 0}),
    ],
)
def test_where_one_token_is_left_the_seed_has_no_influence(judge: Judge, fields: dict[str, Any]) -> None:
    first = LONG | fields | {"seed": SEEDS[0]}
    with judge.known_text(first) as text:
        exchange = judge.succeeds(first)
        judge.require(text != "", "a reply with text", exchange.describe(), exchange)
        for seed in SEEDS[1:]:
            same_reply(judge, text, LONG | fields | {"seed": seed})


@judges("NE-REQ-032")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_reply(judge: Judge, seed: int) -> None:
    repeats(judge, seed)


@judges("NE-REQ-033")
def test_seed_zero_is_a_seed_like_any_other(judge: Judge) -> None:
    repeats(judge, 0)


def repeats(judge: Judge, seed: int) -> None:
    """Requires that a seed repeats its reply, on a model that repeats itself for another seed."""
    with judge.known_text(LONG | {"temperature": 1, "seed": 11}):
        replies = [judge.succeeds(LONG | {"temperature": 1, "seed": seed}) for _ in range(3)]
        texts = {exchange.reply for exchange in replies}
        judge.require(len(texts) == 1, "the same reply three times", f"{len(texts)} replies", *replies)


@judges("NE-REQ-034")
@pytest.mark.parametrize("length", [1, 4, 16])
def test_a_reply_has_at_most_so_many_words(judge: Judge, length: int) -> None:
    exchange = judge.accepts(SHORT | {"max_new_len": length})
    words = len(exchange.reply.split())
    judge.require(words <= length, f"at most {length} words", f"{words} words: {exchange.describe()}", exchange)


@judges("NE-REQ-034")
@pytest.mark.parametrize("length", [4, 32])
def test_a_stream_has_at_most_so_many_words(judge: Judge, length: int) -> None:
    """It holds for any text, so that pieces which come twice are found where the model rolls dice, too."""
    fields = SHORT | {"max_new_len": length}
    judge.has_twin(fields)
    stream = judge.stream(fields)
    last = stream.read([1])
    words = len(stream.text.split())
    if words > length:
        text = judge.text_if_known(fields)
        if text is not None and not stream.text.startswith(text):
            not_whole()
    actual = f"{words} words in the pieces of a stream (are tokens repeated, or is it not cut?): {stream.text!r}"
    judge.require(words <= length, f"at most {length} words", actual, *stream.polls)
    if not stream.text:
        not_judged(f"the stream has no text ({last.describe()})")


@judges("NE-REQ-035")
def test_length_zero_gives_the_empty_reply(judge: Judge) -> None:
    judge.has_twin(SHORT)
    exchange = judge.accepts(SHORT | {"max_new_len": 0})
    judge.require(exchange.reply == "", "the empty reply", exchange.describe(), exchange)


@judges("NE-REQ-036")
def test_a_stream_of_length_zero_ends_at_once(judge: Judge) -> None:
    judge.has_twin(SHORT)
    exchange = judge.stream(SHORT | {"max_new_len": 0}).poll()
    judge.require(
        exchange.is_success and exchange.reply == "", "the end: an empty reply", exchange.describe(), exchange
    )
