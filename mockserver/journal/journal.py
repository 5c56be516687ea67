"""The last exchanges of one hub, to look at, to wait for and to assert on, from any thread.

The hub's thread appends one object an exchange and wakes nobody unless somebody waits. Readers take a copy of the
list, so they need no lock and never hold the hub up.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from mockserver.journal import har, reports
from mockserver.journal.entry import Entry
from mockserver.journal.query import Query, query
from neuroengine._generated.registry import HUB_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike

    from mockserver.rules.expected import Wish
    from mockserver.state.exchanges import Exchange

DEFAULT_ENTRIES: Final = 1000
"""How many exchanges a journal holds by default. It is the mock hub's own setting, no limit of the protocol."""

MOST_BYTES: Final = 64 << 20
"""How many bytes of requests and answers a journal holds, about: a few replies of 4 MiB must not fill the memory."""

DEFAULT_BASE_URL: Final = f"https://{HUB_HOST}"
"""What stands before the paths of an exported journal by default."""

DEFAULT_WAIT_S: Final = 5.0
"""How long `wait_for` waits by default, in seconds of the machine's clock."""


class Journal:
    """A bounded list of one hub's exchanges, oldest first. `len`, indices and iteration work as with a list.

    `find`, `wait_for` and the assertions take the same arguments, all of which must hold:

    - `message`, `service`, `stream`, `poll` and any field of the request, as in a `Rule`. Every poll of a stream is an
      exchange of its own; with `begins=True` only those count that begin a generation.
    - `code`: the `errorcode` of the answer, or the name that the registry gives it; `reply`: the answer's text;
      `status`: its HTTP status, where a door told it.
    - `rule`: the name of the rule whose answer it is; `fault`: a fault that was planned.
    - `left`: whether the client left before its answer.
    - `where`: a function of the `Entry`.

    Args:
        entries: how many exchanges it holds, as long as they are not over `MOST_BYTES` together; 0 keeps none.
        wall: tells the time of day, in seconds since the epoch; the first exchange ties the hub's clock to it.

    Raises:
        ValueError: `entries` is below 0.
    """

    def __init__(self, entries: int = DEFAULT_ENTRIES, *, wall: Callable[[], float] = time.time) -> None:
        if isinstance(entries, bool) or not isinstance(entries, int) or entries < 0:
            raise ValueError(f"journal_entries must be a whole number, 0 or more; it was {entries!r}")
        self._exchanges: deque[Exchange] = deque()
        self._most = entries
        self._bytes = 0
        self._forgotten = self._newest = 0
        self._wall = wall
        self._epoch: float | None = None
        self._waiters: list[threading.Event] = []

    # -- what the hub lays down

    def begin(self, exchange: Exchange) -> None:
        """A request is there."""
        if self._epoch is None:
            self._epoch = self._wall() - exchange.at
        exchanges = self._exchanges  # another thread may put an empty list in its place
        exchanges.append(exchange)
        self._newest = exchange.number
        self._bytes += exchange.size
        if len(exchanges) > self._most:
            self._forget_oldest(exchanges)

    def settled(self, exchange: Exchange) -> None:
        """An exchange was answered, or its client left."""
        exchanges = self._exchanges
        if exchange.number > self._forgotten:
            answered = _answer_bytes(exchange)
            exchange.size += answered
            self._bytes += answered
            while exchanges and self._bytes > MOST_BYTES:
                self._forget_oldest(exchanges)
        if self._waiters:
            for news in self._waiters.copy():
                news.set()

    def _forget_oldest(self, exchanges: deque[Exchange]) -> None:
        oldest = exchanges.popleft()
        self._forgotten = oldest.number
        self._bytes -= oldest.size

    # -- looking

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Entry]:
        return map(Entry, self._exchanges.copy())

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        """The entry at a place, or those of a slice."""
        exchanges = list(self._exchanges.copy())
        return [Entry(one) for one in exchanges[place]] if isinstance(place, slice) else Entry(exchanges[place])

    @property
    def last(self) -> Entry:
        """The newest entry.

        Raises:
            LookupError: there is none.
        """
        if not self._exchanges:
            raise LookupError("the journal is empty: no request came")
        return Entry(self._exchanges[-1])

    def find(self, message: Wish = None, **wanted: Any) -> list[Entry]:
        """The entries that are as wanted, oldest first."""
        return self._found(query(message, **wanted))

    def clear(self) -> None:
        """Forgets everything; the numbers go on."""
        self._exchanges, self._bytes, self._forgotten = deque(), 0, self._newest

    # -- waiting

    def wait_for(
        self, number: int = 1, message: Wish = None, *, timeout: float = DEFAULT_WAIT_S, **wanted: Any
    ) -> list[Entry]:
        """Waits until so many exchanges that are as wanted are over, answered or left, and returns them.

        Args:
            number: how many.
            message: the prompt, as everywhere.
            timeout: the most seconds to wait, on the machine's clock.
            **wanted: what else must hold.

        Raises:
            TimeoutError: they did not come; the text says what did.
        """
        wish = query(message, **wanted)
        deadline = time.monotonic() + timeout
        news = threading.Event()
        self._waiters.append(news)
        try:
            while True:
                news.clear()
                found = [entry for entry in self._found(wish) if entry.is_over]
                if len(found) >= number:
                    return found
                if not news.wait(max(0.0, deadline - time.monotonic())):
                    break
        finally:
            self._waiters.remove(news)
        wanted_number = f"wanted {number} that are over within {timeout:g} seconds"
        raise TimeoutError(reports.count_report(wanted_number, wish, self._exchanges.copy()))

    # -- assertions

    def assert_called(self, message: Wish = None, *, times: int | None = None, **wanted: Any) -> list[Entry]:
        """Asserts that there are exchanges as wanted: exactly `times`, or without it at least one. Returns them.

        Raises:
            AssertionError: there are not; the text shows what differs in the nearest ones.
        """
        wish = query(message, **wanted)
        found = self._found(wish)
        if len(found) == times or (times is None and found):
            return found
        expected = "wanted at least 1 exchange" if times is None else f"wanted exactly {times}"
        raise AssertionError(reports.count_report(expected, wish, self._exchanges.copy()))

    def assert_not_called(self, message: Wish = None, **wanted: Any) -> None:
        """Asserts that there is no exchange as wanted; without arguments, none at all.

        Raises:
            AssertionError: there is one.
        """
        self.assert_called(message, times=0, **wanted)

    def assert_order(self, wanted: Iterable[str | Mapping[str, Any]]) -> list[Entry]:
        """Asserts that exchanges came in this order, others between them or not. Returns them.

        Each of `wanted` is a message, or a mapping of the arguments of `find`.

        Raises:
            AssertionError: one of them did not come, or came before the one that stands before it.
        """
        wishes = [query(**one) if isinstance(one, Mapping) else query(one) for one in wanted]
        exchanges = list(self._exchanges.copy())
        taken: list[Exchange] = []
        rest = iter(exchanges)
        for wish in wishes:
            came = next((exchange for exchange in rest if wish.holds(exchange)), None)
            if came is None:
                raise AssertionError(reports.order_report(wishes, taken, exchanges))
            taken.append(came)
        return [Entry(exchange) for exchange in taken]

    # -- exporting

    def to_har(self, base_url: str = DEFAULT_BASE_URL) -> dict[str, Any]:
        """The journal as an HTTP archive (HAR 1.2), secrets redacted; `base_url` stands before the paths in it."""
        return har.archive(self, base_url, self._epoch or 0.0)

    def write_har(self, path: str | PathLike[str], base_url: str = DEFAULT_BASE_URL) -> None:
        """Writes the journal as an HTTP archive, which browsers and proxies can open."""
        Path(path).write_text(json.dumps(self.to_har(base_url), indent=2), encoding="ascii")

    def _found(self, wish: Query) -> list[Entry]:
        return [Entry(one) for one in self._exchanges.copy() if wish.holds(one)]


def _answer_bytes(exchange: Exchange) -> int:
    """About how much an answer holds; what a provider said is counted with the poll that began its stream."""
    content = exchange.answer.content if exchange.answer is not None else None
    reply = content.get("reply") if isinstance(content, dict) else None
    size = len(reply) if isinstance(reply, str) else 0  # a wrong hub's reply may be anything
    if exchange.begins and exchange.forwarded is not None:
        size += len(exchange.forwarded.frame) + len(exchange.forwarded.payload or b"")
    return size
