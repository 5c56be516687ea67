"""The model's tokenizer: every text comes back as it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.model.tokenizer import END, TOKEN_CHARACTERS, Tokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
TRAINED = Tokenizer("The keeper's lamp turns 12 times, and the lamp is lit.")


@given(ANY_TEXT)
def test_every_text_comes_back_exactly(text: str) -> None:
    assert TRAINED.decode(TRAINED.encode(text)) == text


@given(ANY_TEXT)
@example("lamp \ud800")
def test_every_text_comes_back_from_its_own_vocabulary(text: str) -> None:
    own = Tokenizer(text)
    ids = own.encode(text)
    assert own.decode(ids) == text
    assert all(number > END for number in ids), "a text that made the vocabulary needs no bytes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ud800",
        "x\udfff",
        "\ud83d\ude00 in two halves",
        "\U0001f600",
        "a\u0301",
        "\r\n \t\n",
        "\x00",
        "lamp  lamp",
    ],
    ids=ascii,
)
def test_awkward_texts_come_back_exactly(text: str) -> None:
    assert TRAINED.decode(TRAINED.encode(text)) == text


@given(st.text(st.sampled_from("abcdéÿ 0123'st,.\n"), max_size=80))
def test_no_token_is_empty_or_longer_than_its_limit(text: str) -> None:
    own = Tokenizer(text)
    texts = [own.text(number) for number in range(END + 1, len(own))]
    assert all(1 <= len(token) <= TOKEN_CHARACTERS for token in texts)


def test_a_word_goes_with_the_space_before_it() -> None:
    ids = TRAINED.encode(" lamp turns")
    assert [TRAINED.text(number) for number in ids] == [" lamp", " turns"]


def test_a_short_form_a_number_and_a_sign_are_tokens() -> None:
    ids = TRAINED.encode("The keeper's lamp turns 12 times,")
    assert [TRAINED.text(number) for number in ids] == ["The", " keeper", "'s", " lamp", " turns", " 12", " times", ","]


def test_a_word_over_16_characters_is_cut() -> None:
    own = Tokenizer("internationalization")
    assert [own.text(number) for number in own.encode("internationalization")] == ["internationaliza", "tion"]


def test_what_the_vocabulary_does_not_hold_becomes_bytes() -> None:
    assert TRAINED.encode("é€") == list("é€".encode())


def test_the_vocabulary_is_the_bytes_the_end_and_the_tokens_in_order_of_appearance() -> None:
    own = Tokenizer("a b a c a")
    assert len(own) == 256 + 1 + 4
    assert [own.text(number) for number in range(END, len(own))] == ["", "a", " b", " a", " c"]


def test_the_end_of_a_paragraph_has_no_text() -> None:
    assert TRAINED.decode([END, *TRAINED.encode(" lamp"), END]) == " lamp"


def test_half_a_character_cannot_be_decoded() -> None:
    with pytest.raises(UnicodeDecodeError):
        TRAINED.decode(TRAINED.encode("€")[:2])
