"""A reply that is still being made, cut into the pieces that a stream's polls ask for (NE-PROV-020).

Laws:

- Pure: text in, pieces out; no clock, no thread.
- What comes out, joined, is what went in: nothing is stripped, nothing doubled.
- A piece never ends inside a character, and is empty only at the end of the reply.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final
from unicodedata import category

TOKEN_CHARACTERS: Final = 16
"""The most characters of a token; a model's own token that is longer counts as several."""

_WORD: Final = re.compile(r"\s*\S+|\s+")
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")


class Pieces:
    """The text of one reply, from the model's first word to its end.

    A text that is fed counts as one token, or as several where it is longer than a word.
    """

    __slots__ = ("_half", "_tokens", "is_whole", "size")

    def __init__(self) -> None:
        self.is_whole = False
        self.size = 0
        """How many characters wait to be taken."""
        self._tokens: deque[str] = deque()
        self._half = ""

    def feed(self, text: str) -> None:
        """Takes the next text of the reply, as long or short as the model gives it."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._add(text.removesuffix(self._half) if self._half else text)

    def finish(self) -> None:
        """Notes that the reply is whole."""
        self._add(self._half)
        self._half = ""
        self.is_whole = True

    @property
    def is_ready(self) -> bool:
        """Whether `take` has something to give: text, or the end."""
        return bool(self._tokens) or self.is_whole

    def take(self, most: int) -> str:
        """The next piece, of at most `most` tokens; empty at the end, and while nothing is ready.

        Tokens that form one character together count as one.
        """
        piece = ""
        taken = 0
        while self._tokens and (taken < most or _joins(piece[-1], self._tokens[0][0])):
            taken += not piece or not _joins(piece[-1], self._tokens[0][0])
            piece += self._tokens.popleft()
        self.size -= len(piece)
        return piece

    def _add(self, text: str) -> None:
        self._tokens.extend(_cut(text))
        self.size += len(text)


def _cut(text: str) -> list[str]:
    """The tokens of a text: words with the white space in front of them, long ones in parts."""
    tokens: list[str] = []
    for word in _WORD.findall(text):
        start = 0
        while len(word) - start > TOKEN_CHARACTERS:
            end = start + TOKEN_CHARACTERS
            while end < len(word) and _joins(word[end - 1], word[end]):
                end += 1
            tokens.append(word[start:end])
            start = end
        if start < len(word):
            tokens.append(word[start:])
    return tokens


def _joins(before: str, after: str) -> bool:
    """Whether the two belong to what a reader sees as one character; a flag is kept whole where it stands alone."""
    if after.isascii():
        return before == "\r" and after == "\n"
    return (
        category(after).startswith("M")
        or after in _JOINERS
        or before in _JOINERS
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )
