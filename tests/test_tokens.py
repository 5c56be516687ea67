"""The hub's unit of text: words that come back exactly and never part a character."""

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.tokens import WORD_CHARACTERS, cut

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
SIGNS = "aé漢\u0301\u20dd\ufe0f\u200d👩🏽🇩🇪\r\n \ud83d\ude00\u0915\u094d\u1100\u1161\u11a8\uac00\u0e33"
AWKWARD = st.text(st.sampled_from(SIGNS), max_size=120)


def places(text: str) -> list[int]:
    """Where `text` is cut."""
    ends, end = [], 0
    for token in cut(text)[:-1]:
        end += len(token)
        ends.append(end)
    return ends


@given(ANY_TEXT | AWKWARD)
def test_the_tokens_joined_are_the_text(text: str) -> None:
    tokens = cut(text)
    assert "".join(tokens) == text
    assert all(tokens)


@given(st.text(st.sampled_from("abc,.é \t\n"), max_size=200))
def test_no_word_and_no_white_space_is_longer_than_16_characters(text: str) -> None:
    for token in cut(text):
        letters = token.lstrip()
        assert len(letters) <= WORD_CHARACTERS
        assert len(token) - len(letters) <= WORD_CHARACTERS


@given(AWKWARD)
def test_no_cut_parts_a_character(text: str) -> None:
    for place in places(text):
        before, after = text[place - 1], text[place]
        flag_letters = re.search("[🇦-🇿]*$", text[:place])
        assert not category(after).startswith("M")
        assert after not in "\u200d🏽\u0e33"
        assert before != "\u200d" or after.isspace()
        assert (before, after) not in {("\r", "\n"), ("\ud83d", "\ude00")}
        assert not (after in "🇩🇪" and flag_letters and len(flag_letters[0]) % 2)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("word", ["word"]),
        ("two words", ["two", " words"]),
        ("a,  b.\n\nc ", ["a,", "  b.", "\n\nc", " "]),
        (" \t\n", [" \t\n"]),
        (" start", [" start"]),
        ("a" * 16, ["a" * 16]),
        ("a" * 17, ["a" * 16, "a"]),
        ("  " + "a" * 40 + " b", ["  " + "a" * 16, "a" * 16, "a" * 8, " b"]),
        (" " * 16 + "a", [" " * 16 + "a"]),
        (" " * 17 + "a", [" " * 16, " a"]),
        (" " * 33, [" " * 16, " " * 16, " "]),
        ("\r\n" * 17 + "a", ["\r\n" * 16, "\r\na"]),
        ("\n" + "\r\n" * 16, ["\n" + "\r\n" * 15, "\r\n"]),
        ("漢" * 20, ["漢" * 16, "漢" * 4]),
    ],
)
def test_words_take_the_white_space_before_them(text: str, tokens: list[str]) -> None:
    assert cut(text) == tokens


@pytest.mark.parametrize(
    "character",
    [
        "e\u0301",
        "n\u0303\u0323",
        "❤\ufe0f",
        "👍🏽",
        "👩\u200d👩\u200d👧",
        "🏴\U000e0067\U000e0062\U000e007f",
        "🇩🇪",
        "\ud83d\ude00",
        "\u0915\u094d\u0937",
        "\u1100\u1161\u11a8",
        "\u1100\uac01",
        "\u0e19\u0e33",
        "\u0600\u0661",
        "1\ufe0f\u20e3",
    ],
    ids=lambda character: "-".join(f"{ord(point):x}" for point in character),
)
def test_a_character_of_many_code_points_is_never_cut(character: str) -> None:
    for before in range(WORD_CHARACTERS + 1):
        text = "x" * before + character * 20 + "x" * 20
        allowed = {before + len(character) * number for number in range(21)}
        allowed |= {*range(before), *range(max(allowed), len(text))}
        assert set(places(text)) <= allowed
        assert "".join(cut(text)) == text


def test_flags_are_cut_between_two_of_them_only() -> None:
    assert cut("x" + "🇩🇪" * 9) == ["x" + "🇩🇪" * 7, "🇩🇪" * 2]


def test_a_character_longer_than_16_code_points_stays_whole() -> None:
    long = "e" + "\u0301" * 40
    assert cut("ab" + long + "cd") == ["ab", long, "cd"]
    assert cut("\u0301" * 40) == ["\u0301" * 40]


def test_tokens_of_one_character_count_as_one() -> None:
    assert cut("👩\u200d👩\u200d👧 👍🏽 e\u0301") == ["👩\u200d👩\u200d👧", " 👍🏽", " e\u0301"]


@pytest.mark.parametrize("unit", ["lorem ipsum ", "a", "\u0301", "🇩🇪\u200d", " ", "\r\n"], ids=ascii)
def test_a_text_of_four_mebibytes_is_cut_in_linear_time(unit: str) -> None:
    """A quadratic cut would meet the suite's time limit."""
    text = unit * (4 * 2**20 // len(unit.encode()))
    assert "".join(cut(text)) == text
