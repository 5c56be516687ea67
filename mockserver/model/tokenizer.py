"""Text to token ids and back, without loss.

A token is a word with the space in front of it, a number, a sign, a space, or, for everything that the vocabulary does
not hold, one byte of its UTF-8 form. Laws:

- `decode(encode(text)) == text` for every string, lone surrogates included.
- No token is longer than `TOKEN_CHARACTERS`; a longer word is cut.
- Ids 0 to 255 are the bytes, 256 is the end of a paragraph, the rest follow the order of their first appearance.
- Letters are named one by one and not asked of the Unicode tables, which differ between versions of Python.
"""

import re
from typing import Final

TOKEN_CHARACTERS: Final = 16
END: Final = 256

_LETTER: Final = "A-Za-zÀ-ÖØ-öø-ÿ"
_PIECE: Final = re.compile(
    rf" [{_LETTER}]{{1,{TOKEN_CHARACTERS - 1}}}|[{_LETTER}]{{1,{TOKEN_CHARACTERS}}}"  # a word
    r"| ?[0-9]{1,4}"  # a number
    r"|'(?:s|t|d|m|ll|re|ve)"  # the end of a short form: keeper's
    rf"| ?[^ {_LETTER}0-9]"  # any other sign
    r"| "
)


class Tokenizer:
    """A reversible tokenizer whose vocabulary is the tokens of some text, the 256 bytes and the end of a paragraph."""

    def __init__(self, text: str) -> None:
        pieces = dict.fromkeys(_PIECE.findall(text))
        self._ids = {piece: number for number, piece in enumerate(pieces, start=END + 1)}
        self._texts: list[str] = ["", *pieces]
        self._bytes = [*(bytes([byte]) for byte in range(END)), *(_utf8(piece) for piece in self._texts)]

    def __len__(self) -> int:
        """The size of the vocabulary."""
        return len(self._bytes)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`; the end of a paragraph is never among them."""
        ids: list[int] = []
        for piece in _PIECE.findall(text):
            known = self._ids.get(piece)
            if known is None:
                ids.extend(_utf8(piece))
            else:
                ids.append(known)
        return ids

    def text(self, token: int) -> str:
        """The text of one token that is no byte; the end of a paragraph has none."""
        return self._texts[token - END]

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`.

        Raises:
            UnicodeDecodeError: the byte tokens among `ids` do not form whole characters, which `encode` never makes.

        """
        return b"".join([self._bytes[number] for number in ids]).decode("utf-8", "surrogatepass")


def _utf8(text: str) -> bytes:
    # Lone surrogates are legal in a Python string and come in through JSON escapes.
    return text.encode("utf-8", "surrogatepass")
