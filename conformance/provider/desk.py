"""Who answers for the provider's service now: the house, or the check that holds the link.

Laws: between checks the service is answered, as long as the hub lets the suite log in; a link goes from check to check
while it is at rest, and is closed when it is not; what a check opened is closed behind it; a connection is counted, and
waits for its turn, as a request is.
"""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from conformance.evidence import NotJudged, Violation, not_judged
from conformance.provider.house import House, answered_by
from conformance.provider.link import Link
from conformance.provider.records import Records

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from conformance.provider.house import Answering
    from conformance.settings import Settings
    from conformance.target import Target
    from conformance.timeline import Timeline

PAUSES_S: Final = (0.0, 0.0, 0.3, 1.2)
"""How long to wait before each try to log in: a hub may need a moment to see that a provider has gone."""
ADVICE: Final = "; look at --provider, the provider's service, and the key in $NE_SERVICE_KEY"


class Desk:
    """The suite's place at the hub's provider port."""

    def __init__(self, settings: Settings, target: Target, context: ssl.SSLContext, timeline: Timeline) -> None:
        self._settings = settings
        self._target = target
        self._context = context
        self._timeline = timeline
        self._house: House | None = None
        self._opened: list[Link] = []
        self._paid = 0
        self._refusal = ""
        self.was_in = False
        """Whether its login was accepted at any time: the key is right then."""

    @property
    def login(self) -> dict[str, str]:
        """The login of the provider's service."""
        return {"user": self._settings.provided, "key": self._settings.service_key}

    @property
    def refusal(self) -> str:
        """Why the suite is not logged in, and what to look at where it never was; empty when it is."""
        return self.locked_out or self._refusal

    @property
    def locked_out(self) -> str:
        """Why no login was ever accepted, and what to look at; empty when one was, or none was tried."""
        return "" if self.was_in or not self._refusal else f"{self._refusal}{ADVICE}"

    def open(self) -> None:
        """Logs in, so that the service is answered; `refusal` says why not where that fails.

        A hub that keeps silent is not asked twice: it would take the whole patience again.
        """
        for pause in PAUSES_S[: 1 if self._refusal else None]:
            time.sleep(pause)
            try:
                self._target.spend()
            except NotJudged as spent:
                self._refusal = str(spent)  # the run is over: nobody asks the service any more
                return
            try:
                link = self._connect(is_shown=False)
            except OSError as error:
                self._refusal = f"no provider link could be made to {self._settings.provider}: {error}"
                if isinstance(error, TimeoutError):
                    return
                continue
            greeting = link.log_in(self.login)
            if link.is_in:
                self._refusal, self.was_in = "", True
                self._house = House(link)
                return
            is_silent = greeting is None and not link.is_closed
            link.close()
            came = "nothing" if greeting is None else repr(greeting[:80].decode("ascii", "backslashreplace"))
            self._refusal = f"the login to {self._settings.provided!r} was answered with {came}, not with OK"
            if is_silent:
                return

    def close(self) -> None:
        """Leaves the hub."""
        while self._opened:
            self._opened.pop().close()
        self._close_house()

    @contextmanager
    def held(self) -> Iterator[Link]:
        """The link that the service is answered on, in the hands of a check: whatever is asked, it has to answer."""
        self._open_house()
        if self._house is None:
            not_judged(self.refusal)
        link = self._house.leave()
        self._house = None
        link.show(self.login)
        try:
            yield link
        except Violation:
            link.close()  # a hub that broke a rule on it may still wait for something
            raise
        finally:
            link.hide()
            if link.is_at_rest and not self._opened:
                self._house = House(link)
            else:
                link.close()
                self._reopen()

    @contextmanager
    def answered(self, answer: Answering) -> Iterator[Link]:
        """The link that the service is answered on, every request on it by `answer`."""
        with self.held() as link, answered_by(link, answer):
            yield link

    @property
    def answers(self) -> int:
        """How many requests the house has answered on the link that it has now."""
        return 0 if self._house is None else self._house.link.answered

    @contextmanager
    def vacant(self, *, needs_key: bool = True) -> Iterator[None]:
        """Nobody is logged in to the service, unless the check logs in by `connect`.

        Ends the check where no login was ever accepted, unless it needs no right key.
        """
        if needs_key and not self.was_in:
            not_judged(self.refusal)
        self._close_house()
        try:
            yield
        finally:
            self._reopen()

    @contextmanager
    def visited(self) -> Iterator[None]:
        """The check opens connections of its own by `connect`, while the service is answered as ever."""
        try:
            yield
        finally:
            self._reopen()

    def connect(self, *, is_hasty: bool = True, context: ssl.SSLContext | None = None) -> Link:
        """A new connection, not logged in; closed when the check gives the desk back.

        `is_hasty` sends every write at once; `context` verifies the certificate otherwise than the run does.

        Raises:
            OSError: there is no connection, or no TLS.
        """
        self._pay()
        try:
            link = self._connect(is_hasty=is_hasty, context=context)
        except OSError as error:
            self._timeline.note("provider", self._timeline.number("provider"), "connect", str(error).encode())
            raise
        self._opened.append(link)
        return link

    def knock(self) -> socket.socket:
        """A TCP connection to the provider port that does not begin TLS. Whoever takes it closes it.

        Raises:
            OSError: there is none.
        """
        self._pay()
        return socket.create_connection(self._settings.provider_address, self._settings.timeout)

    def pay_for(self, connections: int) -> None:
        """Waits for the turn of so many connections now, because a check makes them all at the same time."""
        self._target.account(connections)
        self._paid = connections

    def _pay(self) -> None:
        """Waits for the turn of a connection, unless it was paid for."""
        if self._paid:
            self._paid -= 1
        else:
            self._target.account()

    def _reopen(self) -> None:
        """Closes what a check opened, and sees to it that the service is answered."""
        self._paid = 0
        while self._opened:
            self._opened.pop().close()
        self._open_house()

    def _open_house(self) -> None:
        """Logs in where nobody is; who was refused from the beginning need not try again."""
        is_hopeless = bool(self.locked_out)
        if not is_hopeless and (self._house is None or self._house.link.is_over):
            self._close_house()
            self.open()

    def _close_house(self) -> None:
        if self._house is not None:
            self._house.leave().close()
            self._house = None

    def _connect(self, *, is_hasty: bool = True, context: ssl.SSLContext | None = None, is_shown: bool = True) -> Link:
        address, seconds = self._settings.provider_address, self._settings.timeout
        records = Records(address, context or self._context, seconds, is_hasty=is_hasty)
        return Link(records, self._timeline, seconds, is_shown=is_shown)
