"""The hub's own unit of text: what `gettokens` counts when the hub cuts a reply into pieces itself.

A token is a word of at most 16 characters with the white space in front of it. Laws:

- `"".join(cut(text)) == text`, for every string; no token is empty.
- A token never ends inside what a reader sees as one character: before a combining mark, a variation selector or an
  emoji modifier, inside a joined sequence, a flag, a surrogate pair or a CR LF (NE-STREAM-008). A single character that
  is longer than 16 code points stays whole.
- White space belongs to the word after it; only at the end of the text, or beyond 16 characters, does it stand alone.
"""

import re
from typing import Final
from unicodedata import category, combining

WORD_CHARACTERS: Final = 16
"""The most characters of a word, and of the white space in front of it, that one token holds."""

_WORD: Final = re.compile(r"\s*+\S++|\s++")
_SPACES: Final = re.compile(rf"(?>\r\n|\s){{1,{WORD_CHARACTERS}}}")

# Beside the combining marks: joiners, vowels and finals of conjoining Hangul, Thai and Lao AM, halfwidth sound marks,
# emoji modifiers, tags.
_JOINS_PREVIOUS: Final = re.compile(
    "[\u200c\u200d\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
# The zero width joiner, and the signs that are written around what follows them.
_JOINS_NEXT: Final = re.compile(
    "[\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3\U0001193f"
    "\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_HANGUL_INITIAL: Final = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_HANGUL: Final = re.compile("[\u1100-\u115f\ua960-\ua97c\uac00-\ud7a3]")
_VIRAMA_CLASS: Final = 9


def cut(text: str) -> list[str]:
    """The tokens of `text`, in linear time; none for an empty text."""
    tokens: list[str] = []
    for word in _WORD.findall(text):
        if len(word) <= WORD_CHARACTERS:
            tokens.append(word)
        else:
            tokens += _cut_long(word)
    return tokens


def _cut_long(word: str) -> list[str]:
    letters = word.lstrip()
    spaces: list[str] = _SPACES.findall(word[: len(word) - len(letters)])
    parts = _cut_letters(letters)
    if spaces and parts:
        parts[0] = spaces.pop() + parts[0]
    return spaces + parts


def _cut_letters(letters: str) -> list[str]:
    parts = []
    start = 0
    while start < len(letters):
        end = limit = start + WORD_CHARACTERS
        while end > start and _inside_character(letters, start, end):
            end -= 1
        if end == start:
            end = limit
            while _inside_character(letters, start, end):
                end += 1
        parts.append(letters[start:end])
        start = end
    return parts


def _inside_character(text: str, start: int, place: int) -> bool:
    """Would a cut before `text[place]` part what belongs together? `start` is the last place that is known not to."""
    if place >= len(text):
        return False
    before, after = text[place - 1], text[place]
    if after.isascii():
        return _JOINS_NEXT.match(before) is not None
    return bool(
        category(after).startswith("M")
        or _JOINS_PREVIOUS.match(after)
        or _JOINS_NEXT.match(before)
        or combining(before) == _VIRAMA_CLASS
        or (_HANGUL_INITIAL.match(before) and _HANGUL.match(after))
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
        or (_is_flag_letter(after) and _flag_letters_before(text, start, place) % 2)
    )


def _is_flag_letter(character: str) -> bool:
    """A regional indicator: two of them make a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, start: int, place: int) -> int:
    first = place
    while first > start and _is_flag_letter(text[first - 1]):
        first -= 1
    return place - first
