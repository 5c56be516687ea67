"""What may have been delivered of a stream: the model that the stream machine is held against.

It sends nothing and knows no hub: it is told what came, and says which law cannot have held. Laws: whatever some
delivery explains is no breach, so an answer that nobody saw leaves every place open where the text may go on; where
the text is unknown, only what must hold for any text is judged.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import permutations
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

TELLING: Final = 4
"""A piece of so many characters is not by chance in another text."""

_SAID_AGAIN: Final = re.compile(r"(\S+\s+)\1+")


class Law(Enum):
    """What a stream keeps to."""

    TEXT = "the pieces, in their order, are the text: each character once, none missing"
    END = "behind the last character comes the end"
    OVER = "behind the end comes the end alone"
    OWN = "no piece is of another stream's text"
    SAME = "a piece that is asked for again is the same"


class Finding(NamedTuple):
    """A law that cannot have held, for a person: what it asks for, and what came."""

    law: Law
    expected: str
    actual: str


class Delivery:
    """What may have been delivered of one stream.

    Args:
        text: the whole of it; None where nobody knows. others: the texts of the streams beside it.
    """

    def __init__(self, text: str | None, others: Collection[str] = ()) -> None:
        self.text = text
        self.pieces: list[str] = []
        self.is_over = False
        self._others = others
        self._places = frozenset({0})
        """The numbers of characters that may have been given out."""

    @property
    def is_all_given(self) -> bool:
        """Whether nothing but the end can follow."""
        return self.text is not None and self._places == {len(self.text)}

    def gave(self, reply: str) -> Finding | None:
        """A poll succeeded with the next piece, or with the end."""
        if self.is_over:
            return Finding(Law.OVER, "the end again", _shown(reply)) if reply else None
        if not reply:
            return self._ended()
        places = self._places_behind([reply], self._places)
        if not places:
            return self._misplaced(reply)
        self._places = places
        self.pieces.append(reply)
        return None

    def gave_together(self, replies: Sequence[str]) -> Finding | None:
        """Polls at the same time succeeded with these replies, in an order that nobody knows."""
        pieces = [reply for reply in replies if reply]
        is_ended = len(pieces) < len(replies)
        if self.is_over:
            return Finding(Law.OVER, "the end again, for each", f"{replies}") if pieces else None
        # Behind an end a piece may be of a new generation: whether there may be one is another law.
        fewest = 0 if is_ended else len(pieces)
        for size in range(len(pieces), fewest - 1, -1):
            places = frozenset(
                place for order in permutations(pieces, size) for place in self._places_behind(order, self._places)
            )
            if is_ended and self.text is not None:
                places &= {len(self.text)}
            if places:
                self._places, self.is_over = places, is_ended
                self.pieces += pieces
                return None
        return Finding(Law.TEXT, f"pieces that go on with {self._next()}, each once", f"{list(replies)}")

    def repeated(self, reply: str) -> Finding | None:
        """The last piece, or the end, was asked for again by its index."""
        last = "" if self.is_over else self.pieces[-1]
        return None if reply == last else Finding(Law.SAME, f"{_shown(last)} again", _shown(reply))

    def failed(self, what: str) -> Finding | None:
        """A poll got an error that did not go away; a finding where nothing but the end may come."""
        if self.is_over:
            return Finding(Law.OVER, "the end again", what)
        return Finding(Law.END, "the end", what) if self.is_all_given else None

    def lost(self) -> None:
        """An answer was on its way that nobody saw, with any piece, or with the end."""
        if self.text is not None:
            self._places = frozenset(range(min(self._places), len(self.text) + 1))

    def _ended(self) -> Finding | None:
        if self.text is not None and len(self.text) not in self._places:
            return Finding(Law.TEXT, f"{self._next()} before the end", "the end")
        self.is_over = True
        return None

    def _places_behind(self, pieces: Iterable[str], places: frozenset[int]) -> frozenset[int]:
        """Where the text may go on behind these pieces in this order."""
        if self.text is None:
            return places
        for piece in pieces:
            places = frozenset(place + len(piece) for place in places if self.text.startswith(piece, place))
        return places

    def _misplaced(self, reply: str) -> Finding:
        text = self.text or ""
        if is_anothers(reply, text, self._others):
            return Finding(Law.OWN, f"a piece of {_shown(text)}", f"{_shown(reply)}, which is another stream's")
        if self.is_all_given:
            return Finding(Law.END, "the end", _shown(reply))
        return Finding(Law.TEXT, f"a piece that goes on with {self._next()}", _shown(reply))

    def _next(self) -> str:
        text = self.text or ""
        return " or ".join(_shown(text[place:]) for place in sorted(self._places)[:2])


def is_anothers(piece: str, own: str, others: Iterable[str]) -> bool:
    """Whether a piece is of another text, and no slip in its own one makes it.

    Where words are lost, repeated or in a wrong order, the piece is still two runs of its own text, one behind the
    other, with perhaps a word said again and again.
    """
    if len(piece.strip()) < TELLING or not any(piece in other for other in others):
        return False
    return not any(_is_made_of(said, own) for said in {piece, _SAID_AGAIN.sub(r"\1", piece)})


def _is_made_of(piece: str, text: str) -> bool:
    """Whether a piece is two runs of the text, one of them perhaps empty."""
    return any(piece[:cut] in text and piece[cut:] in text for cut in range(len(piece) + 1))


def _shown(text: str) -> str:
    return repr(text) if text else "the end"
