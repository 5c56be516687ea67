"""The last exchanges of one hub."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from mockserver.journal.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.answers import Answer

DEFAULT_ENTRIES: Final = 1000
"""How many exchanges a journal holds by default. It is the mock hub's own setting, no limit of the protocol."""


class Journal:
    """A bounded list of a hub's exchanges, oldest first."""

    def __init__(self, entries: int = DEFAULT_ENTRIES) -> None:
        self._entries: deque[Entry] = deque(maxlen=entries)
        self._begun = 0

    def begin(self, path: str, now: float) -> Entry:
        """Lays down that a request came."""
        self._begun += 1
        entry = Entry(self._begun, path, now)
        self._entries.append(entry)
        return entry

    def answered(self, entry: Entry, answer: Answer, now: float) -> None:
        """Lays down an answer."""
        entry.gets(answer, now)

    def left(self, entry: Entry, now: float) -> None:
        """Lays down that a client left before its answer."""
        entry.left_at = now

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.copy())
