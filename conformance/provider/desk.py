"""Who answers for the provider's service now: the house, or the check that holds the link.

Laws: between checks the service is answered, as long as the hub lets the suite log in; a link goes from check to check
while it is at rest, and is closed when it is not; what a check opened is closed behind it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.provider.house import House
from conformance.provider.link import Link
from conformance.provider.records import Records

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from conformance.settings import Settings
    from conformance.timeline import Timeline

TRIES: Final = 3


class Desk:
    """The suite's place at the hub's provider port."""

    def __init__(self, settings: Settings, context: ssl.SSLContext, timeline: Timeline) -> None:
        self._settings = settings
        self._context = context
        self._timeline = timeline
        self._house: House | None = None
        self._opened: list[Link] = []
        self.refusal = ""
        """Why the suite is not logged in; empty when it is."""

    @property
    def login(self) -> dict[str, str]:
        """The login of the provider's service."""
        return {"user": self._settings.provided, "key": self._settings.service_key}

    def open(self) -> None:
        """Logs in, so that the service is answered; `refusal` says why not where that fails."""
        for _ in range(TRIES):
            try:
                link = self._connect()
            except OSError as error:
                self.refusal = f"no provider link could be made to {self._settings.provider}: {error}"
                continue
            greeting = link.log_in(self.login)
            if link.is_in:
                self.refusal = ""
                link.hide()
                self._house = House(link)
                return
            link.close()
            came = "nothing" if greeting is None else repr(greeting[:80].decode("ascii", "backslashreplace"))
            self.refusal = f"the login to {self._settings.provided!r} was answered with {came}, not with OK alone"

    def close(self) -> None:
        """Leaves the hub."""
        if self._house is not None:
            self._house.leave().close()
            self._house = None

    @contextmanager
    def held(self) -> Iterator[Link]:
        """The link that the service is answered on, in the hands of a check: whatever is asked, it has to answer."""
        if self._house is None or self._house.link.is_closed:
            self.close()
            self.open()
        if self._house is None:
            not_judged(self.refusal)
        link = self._house.leave()
        self._house = None
        link.show(self.login)
        try:
            yield link
        finally:
            link.hide()
            if link.is_at_rest and not self._opened:
                self._house = House(link)
            else:
                link.close()
                self._resume()

    @contextmanager
    def vacant(self) -> Iterator[None]:
        """Nobody is logged in to the service, unless the check logs in by `connect`."""
        if self.refusal:
            not_judged(self.refusal)
        self.close()
        try:
            yield
        finally:
            self._resume()

    def connect(self, *, is_hasty: bool = True) -> Link:
        """A new connection, not logged in; closed when the check gives the desk back.

        Raises:
            OSError: there is no connection, or no TLS.
        """
        link = self._connect(is_hasty=is_hasty)
        self._opened.append(link)
        return link

    def _resume(self) -> None:
        while self._opened:
            self._opened.pop().close()
        self.open()

    def _connect(self, *, is_hasty: bool = True) -> Link:
        address, seconds = self._settings.provider_address, self._settings.timeout
        records = Records(address, self._context, seconds, is_hasty=is_hasty)
        return Link(records, self._timeline, seconds)
