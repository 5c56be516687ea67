"""A request on its way: the check goes on meanwhile, and takes the answer later, or leaves without it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from conformance.evidence import not_judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.exchange import Exchange, Request
    from conformance.wire import Connection


class Call:
    """One request that was sent in a thread of its own, on a connection of its own.

    `exchange` makes the exchange on a connection that it hands over as soon as there is one.
    """

    def __init__(
        self, request: Request, exchange: Callable[[Request, Callable[[Connection], None]], Exchange], seconds: float
    ) -> None:
        self.request = request
        self._seconds = seconds
        self._exchange = exchange
        self._connection: Connection | None = None
        self._has_left = False
        self.on_leave: Callable[[], None] | None = None
        self._answer: Exchange | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="conformance call", daemon=True)
        self._thread.start()

    @property
    def is_answered(self) -> bool:
        """Whether the exchange is over, by an answer or by trouble."""
        return self._answer is not None

    def answer(self, within: float | None = None) -> Exchange:
        """The exchange, once it is over; `within` bounds the wait in seconds, the request's own deadline otherwise."""
        self._thread.join(self._seconds + 1 if within is None else within)
        if self._answer is None:
            not_judged(f"a request was not over within {within or self._seconds:g} s")
        return self._answer

    def is_over_within(self, seconds: float) -> bool:
        """Waits for the exchange to be over; whether it was."""
        self._thread.join(seconds)
        return self.is_answered

    def leave(self) -> None:
        """Closes the client's connection now, whatever was to come."""
        if self.on_leave is not None and not self.is_answered:
            self.on_leave()
        with self._lock:
            self._has_left = True
            if self._connection is not None:
                self._connection.cut()
        self._thread.join(self._seconds)

    def _run(self) -> None:
        self._answer = self._exchange(self.request, self._take)

    def _take(self, connection: Connection) -> None:
        with self._lock:
            self._connection = connection
            if self._has_left:
                connection.cut()
