"""Sends requests to the hub and brings back what came, whatever it was.

Laws: every exchange has a deadline for the whole of it, so neither a hang nor a trickle stops a run; a connection that
turns out to be closed is no trouble before a fresh one was tried; five exchanges in trouble in a row end the run; a hub
that is spared is asked again no sooner than it wishes. A connection to the provider port is as dear as a request:
whoever makes one says so to `spend`.
"""

from __future__ import annotations

import dataclasses
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from conformance.call import Call
from conformance.evidence import not_judged, target_lost
from conformance.exchange import Exchange
from conformance.wire import Address, Connection, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.exchange import Request
    from conformance.settings import Settings

TROUBLES_IN_A_ROW: Final = 5
OUT_OF_BOUNDS: Final = "the run has come to its bounds"
"""How the reason begins why a check was not judged any more."""
PORTS: Final = {"http": 80, "https": 443}


class Target:
    """The hub, as something to post to. It keeps its connections, one for each exchange that runs at the same time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._address = _address(settings)
        self._idle: list[Connection] = []
        self._keeps_connections = True
        self._ends = time.monotonic() + settings.max_time
        self._case_ends = self._ends
        self._next = 0.0
        self._troubles = 0
        self.sent = 0
        self.rate = settings.rate
        """Requests a second, 0 for as fast as the hub answers."""

    def begin_case(self) -> float:
        """A check begins: the seconds that it may take, as many as the run has left at most."""
        now = time.monotonic()
        self._case_ends = now + self._settings.case_time
        return min(self._case_ends, self._ends) - now

    def account(self, requests: int = 1) -> None:
        """Spends requests of the check that runs now.

        Raises:
            pytest.skip.Exception: its time is over, or the run's, or the run's budget is used up.
        """
        if time.monotonic() > min(self._case_ends, self._ends):
            not_judged(self.over)
        self.spend(requests)

    def spend(self, requests: int = 1) -> None:
        """Counts requests before they are sent, and waits until the run's rate allows them.

        Raises:
            pytest.skip.Exception: the run's budget is used up, or its time is over.
        """
        budget = self._settings.max_requests
        if budget and self.sent + requests > budget:
            not_judged(f"{OUT_OF_BOUNDS}: its budget of {budget} requests is used up")
        now = time.monotonic()
        if now > self._ends:
            not_judged(self._run_is_over)
        if self.rate:
            self.pause(self._next - now)
            self._next = max(now, self._next) + requests / self.rate
        self.sent += requests

    @property
    def over(self) -> str:
        """Why a check is not judged whose time is over: its own, or the run's."""
        if self._ends <= self._case_ends:
            return self._run_is_over
        return f"the check was not through within {self._settings.case_time:g} s (--case-time)"

    @property
    def _run_is_over(self) -> str:
        return f"{OUT_OF_BOUNDS}: its time of {self._settings.max_time:g} s is over (--max-time)"

    def send(self, request: Request) -> Exchange:
        """One exchange."""
        return self.send_together([request])[0]

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Exchanges that run at the same time, each on a connection of its own; in the order of the requests."""
        self.account(len(requests))
        if len(requests) == 1:
            exchanges = [self._exchange(requests[0], self._settings.timeout, self._post)]
        else:
            with ThreadPoolExecutor(len(requests)) as threads:
                exchanges = list(
                    threads.map(lambda each: self._exchange(each, self._settings.timeout, self._post), requests)
                )
        for exchange in exchanges:
            self._notice(exchange)
        return exchanges

    def begin(self, request: Request, done: Callable[[Exchange], None], seconds: float | None = None) -> Call:
        """Sends a request that is answered later, on a connection of its own; `seconds` is its deadline.

        `done` is told of the exchange once it is over.
        """
        self.account()
        most = seconds or self._settings.timeout

        def exchange(request: Request, take: Callable[[Connection], None]) -> Exchange:
            over = self._exchange(request, most, partial(self._post_alone, take))
            done(over)
            return over

        return Call(request, exchange, most)

    def slow_down(self, rate: float) -> None:
        """Sends no more than so many requests a second from now on."""
        self.rate = min(rate, self.rate or rate)

    def pause(self, seconds: float) -> None:
        """Waits, for a time that the spec or the run's rate names."""
        if seconds > 0:
            time.sleep(seconds)

    def close(self) -> None:
        """Closes every connection."""
        while self._idle:
            self._idle.pop().close()

    def _notice(self, exchange: Exchange) -> None:
        if self.rate:
            wish = min(exchange.retry_after, self._settings.max_wait)
            self._next = max(self._next, time.monotonic() + wish)
        self._troubles = self._troubles + 1 if exchange.trouble else 0
        if self._troubles >= TROUBLES_IN_A_ROW:
            why = f"the last time because {exchange.detail}"
            target_lost(f"the hub did not answer {self._troubles} times in a row, {why}")

    def _exchange(self, request: Request, seconds: float, post: Callable[[Request, float], Received]) -> Exchange:
        """One exchange, over in so many seconds, by an answer or by trouble."""
        began = time.monotonic()
        over = self._over(request, seconds, post)
        return dataclasses.replace(over, seconds=time.monotonic() - began)

    def _over(self, request: Request, seconds: float, post: Callable[[Request, float], Received]) -> Exchange:
        try:
            return Exchange(request, *post(request, time.monotonic() + seconds))
        except _Unreachable as error:
            return Exchange(request, trouble="unreachable", detail=f"no connection was possible ({error})")
        except TimeoutError:
            return Exchange(request, trouble="deadline", detail=f"no complete answer came within {seconds:g} s")
        except (OSError, HTTPException) as error:
            detail = f"the connection ended without an answer ({_words(error)})"
            return Exchange(request, trouble="dropped", detail=detail)

    def _post_alone(self, take: Callable[[Connection], None], request: Request, deadline: float) -> Received:
        """Posts on a fresh connection that is used for nothing else, and handed out while it is in use."""
        connection = self._connect(deadline)
        take(connection)
        try:
            return connection.post(request, deadline)
        finally:
            connection.close()

    def _post(self, request: Request, deadline: float) -> Received:
        """Posts on a connection that is kept, or a fresh one."""
        connection = self._connection(deadline)
        was_kept = not connection.is_fresh
        try:
            return self._post_on(connection, request, deadline)
        except (ConnectionError, ssl.SSLError, HTTPException):
            if not was_kept:
                raise
        # The hub closed what it seemed to keep open: from now on nothing is kept. A poll is not sent again, because
        # its piece may have been in the lost answer.
        self._keeps_connections = False
        if request.keys:
            raise ConnectionError("the hub closed a connection that it seemed to keep")
        return self._post_on(self._connection(deadline), request, deadline)

    def _post_on(self, connection: Connection, request: Request, deadline: float) -> Received:
        try:
            return connection.post(request, deadline)
        finally:
            if connection.is_over or not self._keeps_connections:
                connection.close()
            else:
                self._idle.append(connection)

    def _connection(self, deadline: float) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if self._keeps_connections and not connection.looks_closed:
                return connection
            connection.close()
        return self._connect(deadline)

    def _connect(self, deadline: float) -> Connection:
        try:
            return Connection(self._address, deadline)
        except OSError as error:
            raise _Unreachable(_words(error)) from error


class _Unreachable(Exception):
    """Raised when no connection was possible."""


def _address(settings: Settings) -> Address:
    """Where the hub is.

    Raises:
        OSError: the file of authorities cannot be read, or holds none.
    """
    parts = urlsplit(settings.url)
    port = parts.port or PORTS[parts.scheme]
    return Address(parts.hostname or "", port, parts.netloc, tls_context(settings))


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """How certificates are verified; none for plain HTTP.

    Raises:
        OSError: the file of authorities cannot be read, or holds none.
    """
    return authorities(settings) if settings.url.startswith("https:") else None


def authorities(settings: Settings) -> ssl.SSLContext:
    """How certificates are verified, on both legs.

    Raises:
        OSError: the file of authorities cannot be read, or holds none.
    """
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
