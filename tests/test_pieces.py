"""A reply that is still being made: nothing is lost or doubled on its way into pieces, and no character is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroengine.protocol.pieces import TOKEN_CHARACTERS, Pieces

FLAG = "\U0001f1e9\U0001f1ea"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def fed(*texts: str) -> Pieces:
    pieces = Pieces()
    for text in texts:
        pieces.feed(text)
    return pieces


def taken(pieces: Pieces, most: int) -> list[str]:
    pieces.finish()
    return list(iter(lambda: pieces.take(most), ""))


@given(st.lists(st.text()), st.integers(1, 50))
def test_the_pieces_joined_are_the_text(texts: list[str], most: int) -> None:
    pieces = fed(*texts)
    assert "".join(taken(pieces, most)) == "".join(texts)
    assert pieces.size == 0


@given(st.lists(st.text()), st.lists(st.integers(1, 5)))
def test_taking_between_feeding_changes_nothing(texts: list[str], takes: list[int]) -> None:
    pieces = Pieces()
    came = ""
    for text, most in zip(texts, takes, strict=False):
        pieces.feed(text)
        came += pieces.take(most)
    for text in texts[len(takes) :]:
        pieces.feed(text)
    came += "".join(taken(pieces, 3))
    assert came == "".join(texts)


def test_a_text_is_there_as_soon_as_it_was_fed() -> None:
    pieces = fed("Shar")
    assert pieces.is_ready
    assert pieces.take(20) == "Shar"
    assert not pieces.is_ready


def test_nothing_is_ready_before_the_first_text_and_between_two() -> None:
    pieces = fed("")
    assert not pieces.is_ready
    assert pieces.take(1) == ""
    pieces.finish()
    assert pieces.is_ready
    assert pieces.take(1) == ""


def test_a_text_of_many_words_is_as_many_tokens() -> None:
    assert taken(fed("one two  three\n"), 1) == ["one", " two", "  three", "\n"]
    assert taken(fed("one two three four five"), 2) == ["one two", " three four", " five"]


def test_text_without_blanks_is_cut_too() -> None:
    assert max(len(piece) for piece in taken(fed("字" * 100), 1)) == TOKEN_CHARACTERS


def test_a_models_tokens_are_never_parted_further() -> None:
    assert taken(fed("un", "believ", "able"), 1) == ["un", "believ", "able"]


@pytest.mark.parametrize("character", ["e\u0301", FAMILY, "\U0001f44d\U0001f3fd", "\r\n", "\u0915\u094d\u0937\u093f"])
def test_no_cut_falls_inside_a_character(character: str) -> None:
    for before in range(TOKEN_CHARACTERS + 1):
        whole = "x" * before + character
        assert all(piece.find(character[1:]) != 0 for piece in taken(fed(whole + "yyy"), 1)), before


def test_a_flag_is_kept_whole() -> None:
    assert taken(fed("x" * 15 + FLAG), 1) == ["x" * 15 + FLAG]


def test_tokens_that_form_one_character_together_count_as_one() -> None:
    assert taken(fed("a", "e", "\u0301", "b"), 2) == ["ae\u0301", "b"]


def test_half_a_character_waits_for_its_other_half() -> None:
    pieces = fed("a\ud83d")
    assert pieces.take(5) == "a"
    assert not pieces.is_ready
    pieces.feed("\ude00")
    assert pieces.take(5) == "\ud83d\ude00"
    assert taken(fed("\ud83d"), 5) == ["\ud83d"]
