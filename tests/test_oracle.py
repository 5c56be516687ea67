"""The oracle of streams: what it takes for delivered, and what it blames, without a hub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracle import Delivery, Law, is_anothers

TEXT = "one two three four five"
OTHER = "six seven eight nine ten"


def told(delivery: Delivery, *replies: str) -> list[Law | None]:
    """The law that each reply breaks."""
    return [finding.law if (finding := delivery.gave(reply)) else None for reply in replies]


@given(st.lists(st.integers(1, 8), max_size=20))
def test_a_text_in_any_cut_and_then_the_end_is_no_finding(sizes: list[int]) -> None:
    delivery, rest = Delivery(TEXT, [OTHER]), TEXT
    for size in [*sizes, len(TEXT)]:
        if rest:
            assert told(delivery, rest[:size]) == [None]
            rest = rest[size:]
    assert told(delivery, "", "", "") == [None] * 3
    assert delivery.is_over
    assert "".join(delivery.pieces) == TEXT


@pytest.mark.parametrize(
    ("replies", "law"),
    [
        (["one ", "one "], Law.TEXT),
        (["one ", "three "], Law.TEXT),
        (["two "], Law.TEXT),
        (["one ", ""], Law.TEXT),
        ([""], Law.TEXT),
        ([TEXT, "."], Law.END),
        ([TEXT, "", "one "], Law.OVER),
        (["one ", "seven eight"], Law.OWN),
    ],
    ids=["twice", "left-out", "swapped", "end-too-soon", "end-at-once", "more", "behind-the-end", "another-stream"],
)
def test_the_last_reply_breaks_a_law(replies: list[str], law: Law) -> None:
    *before, found = told(Delivery(TEXT, [OTHER]), *replies)
    assert before == [None] * len(before)
    assert found is law


def test_a_short_piece_of_another_text_is_not_taken_for_anothers() -> None:
    assert told(Delivery(TEXT, [OTHER]), "s") == [Law.TEXT]


def test_what_also_stands_in_the_own_text_is_not_anothers() -> None:
    assert told(Delivery(TEXT, [f"{OTHER} three four"]), "one ", "three ") == [None, Law.TEXT]


@pytest.mark.parametrize(
    "piece",
    ["one three ", "two two three ", "one one one three ", "five one ", "four two"],
    ids=["lost", "said-again", "said-thrice", "wrong-order", "stripped"],
)
def test_what_one_slip_in_the_own_text_makes_is_not_anothers(piece: str) -> None:
    assert not is_anothers(piece, TEXT + " ", [f"zero {piece} zero"])


def test_what_no_slip_makes_is_anothers() -> None:
    assert is_anothers("six seven ", TEXT, [OTHER])
    assert is_anothers("two four one ", TEXT, ["five two four one three"])


def test_racing_polls_may_get_their_pieces_in_any_order() -> None:
    delivery = Delivery(TEXT)
    assert delivery.gave_together(["three ", "one ", "two "]) is None
    assert delivery.gave_together(["", "four five", ""]) is None
    assert delivery.is_over


@pytest.mark.parametrize(
    "replies", [["one ", "one "], ["one ", "three "], ["one ", ""]], ids=["twice", "left-out", "end-too-soon"]
)
def test_racing_polls_share_each_character_once(replies: list[str]) -> None:
    finding = Delivery(TEXT).gave_together(replies)
    assert finding is not None
    assert finding.law is Law.TEXT


def test_a_racing_poll_behind_the_end_may_have_begun_a_new_generation() -> None:
    delivery = Delivery(TEXT)
    told(delivery, TEXT)
    assert delivery.gave_together(["", "one "]) is None
    finding = delivery.gave_together(["", "one "])
    assert finding is not None
    assert finding.law is Law.OVER


def test_a_piece_that_is_asked_for_again_is_the_same() -> None:
    delivery = Delivery(TEXT)
    told(delivery, "one ", "two ")
    assert delivery.repeated("two ") is None
    finding = delivery.repeated("one ")
    assert finding is not None
    assert (finding.law, finding.expected, finding.actual) == (Law.SAME, "'two ' again", "'one '")
    told(delivery, "three four five", "")
    assert delivery.repeated("") is None
    assert delivery.repeated("three four five") is not None


def test_an_error_is_a_finding_only_where_the_end_alone_may_come() -> None:
    delivery = Delivery(TEXT)
    assert delivery.failed("errorcode 12") is None
    told(delivery, TEXT)
    finding = delivery.failed("errorcode 12")
    assert finding is not None
    assert finding.law is Law.END
    told(delivery, "")
    finding = delivery.failed("errorcode 12")
    assert finding is not None
    assert finding.law is Law.OVER


def test_behind_a_lost_answer_the_text_may_go_on_anywhere_but_never_back() -> None:
    delivery = Delivery(TEXT)
    told(delivery, "one ")
    delivery.lost()
    assert told(delivery, "four ", "five", "") == [None, None, None]
    again = Delivery(TEXT)
    told(again, "one two ")
    again.lost()
    assert told(again, "two ") == [Law.TEXT]


def test_a_lost_answer_may_have_been_the_end() -> None:
    delivery = Delivery(TEXT)
    delivery.lost()
    assert told(delivery, "") == [None]


def test_of_an_unknown_text_only_what_holds_for_any_is_judged() -> None:
    delivery = Delivery(None, [OTHER])
    assert told(delivery, "anything ", "six seven", "at all") == [None] * 3
    assert delivery.repeated("at all") is None
    assert delivery.repeated("anything ") is not None
    assert delivery.gave_together(["more", "and more"]) is None
    assert not delivery.is_all_given
    assert told(delivery, "", "once more") == [None, Law.OVER]


def test_a_finding_says_what_should_have_followed() -> None:
    delivery = Delivery(TEXT)
    told(delivery, "one two ")
    finding = delivery.gave("four ")
    assert finding is not None
    assert finding.expected == "a piece that goes on with 'three four five'"
    assert finding.actual == "'four '"
