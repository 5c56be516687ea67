"""What comes over a provider's link, as a string of bytes tells it: so hypothesis tries ten thousand cases in seconds.

A strategy for each value would draw fifty choices a case; this draws one, and smaller bytes still are a simpler case.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPTS: Final = st.binary(min_size=64, max_size=64)

TEXTS: Final = ("", "a", "{", "}", '"', "\\", "[", "]", ",:", "\n", "\0", "\u2028", "é", "中", "😀", "a" * 50)
VALUES: Final[tuple[Any, ...]] = (None, True, 40, -0.5, [], {}, [{"}": ["{", {}]}], {"a": {"b": [[]]}})
SPACES: Final = (b"", b" ", b"\r\n", b" \t\n ")


class Script:
    """Reads a script; behind its end everything is the simplest."""

    def __init__(self, script: bytes) -> None:
        self._bytes = iter(script)

    def number(self, below: int) -> int:
        """A number from 0 on."""
        return next(self._bytes, 0) % below

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(len(choices))]

    def text(self) -> str:
        return "".join(self.one_of(TEXTS) for _ in range(self.number(6)))

    def object(self) -> dict[str, Any]:
        """A JSON object, but none that is a ping."""
        return {self.text(): self.one_of(VALUES) if self.number(2) else self.text() for _ in range(self.number(3))}

    def cut(self, whole: bytes) -> list[bytes]:
        """The chunks in which the bytes arrive."""
        cuts = {(256 * self.number(256) + self.number(256)) % (len(whole) + 1) for _ in range(self.number(12))}
        return [whole[start:end] for start, end in pairwise(sorted({0, *cuts, len(whole)}))]


def single_bytes(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]
