"""Hubs that are wrong in how they let providers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mockserver.state.behaviour import Behaviour
from mockserver.state.framing import LOGIN_ACCEPTED
from mockserver.state.links import Link
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, keeping, of_links, of_services

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.links import Wire

_LOGIN_MEMBERS = {"user", "key", "streaming"}
_SHORT_S = 1.0
_SOON_S = 0.05


class WelcomedByName(Link):
    """A link that greets a provider in another word than `OK`."""

    def _accept(self) -> None:
        self._wire.write(b"WELCOME")


class AcceptedInTwoWrites(Link):
    """A link that writes `OK` letter by letter."""

    def _accept(self) -> None:
        for place in range(len(LOGIN_ACCEPTED)):
            self._wire.write(LOGIN_ACCEPTED[place : place + 1])


class AcceptedWithFrame(Link):
    """A link that holds `OK` back until something else is to be written, and writes both at once."""

    def __init__(self, find: Callable[[str], Service | None], wire: Wire, *more: Any, **named: Any) -> None:
        super().__init__(find, _Joining(wire), *more, **named)

    def _judge_login(self, login: dict[str, Any], now: float) -> None:
        super()._judge_login(login, now)
        if isinstance(self._wire, _Joining):
            self._wire.flush()


class _Joining:
    """A wire that joins what is written until it is flushed."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._held = b""
        self._joins = True

    def write(self, data: bytes) -> None:
        """Holds the bytes back, or sends them."""
        if self._joins:
            self._held += data
        else:
            self._wire.write(data)

    def flush(self) -> None:
        """Sends what was held back in one write, and holds nothing more."""
        held, self._held, self._joins = self._held, b"", False
        if held:
            self._wire.write(held)

    def reset(self) -> None:
        """Throws the connection away."""
        self._wire.reset()

    def close(self) -> None:
        """Ends the connection once everything is sent."""
        self.flush()
        self._wire.close()


class KeyUnchecked(Service):
    """A service that lets any provider in."""

    def accepts_key(self, key: str) -> bool:
        """Any key will do."""
        return True


class KeyByItsBegin(Service):
    """A service that looks at the begin of a key alone."""

    def accepts_key(self, key: str) -> bool:
        """Any key that the right one begins will do."""
        return any(super(KeyByItsBegin, self).accepts_key(key[:size]) for size in range(1, len(key) + 1))


class KeyNotMissed(Link):
    """A link that asks nobody for a key who has none."""

    def _service_for(self, login: dict[str, Any]) -> Service | None:
        return super()._service_for(login) if "key" in login else self._find(str(login.get("user")))


class LoginTimerRestarts(Link):
    """A link that gives a provider the whole time again with every byte of its login."""

    def _read_login(self, data: bytes, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.at(now + self._limits["login_s"], self.close)
        super()._read_login(data, now)


class LoginInOneRead(Link):
    """A link that takes the first bytes for the whole login."""

    def _read_login(self, data: bytes, now: float) -> None:
        if data.rstrip().endswith(b"}"):
            super()._read_login(data, now)
        else:
            self._refuse("the login is not a JSON object", now)


class RefusedInSilence(Link):
    """A link that says nothing to a wrong login, and stays open."""

    def _refuse(self, why: str, now: float) -> None:
        """Leaves the provider waiting for ever."""
        if self._timer is not None:
            self._timer.cancel()


class LoginMembersRefused(Link):
    """A link that refuses a login with members that it does not know."""

    def _service_for(self, login: dict[str, Any]) -> Service | None:
        return super()._service_for(login) if login.keys() <= _LOGIN_MEMBERS else None


class OneLoginAtATime(Behaviour):
    """Reads a login only when nobody who came before is still to log in."""

    def __init__(self) -> None:
        class OfThisLine(InLine):
            """A link of this hub."""

            line: ClassVar[list[InLine]] = []

        self.link_type = OfThisLine


class InLine(Link):
    """A link that waits for its turn to log in; `line` holds all that do, the one whose turn it is first."""

    line: ClassVar[list[InLine]]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._early = b""
        self.line.append(self)

    def receive(self, data: bytes, now: float) -> None:
        """Reads, or keeps what came too early."""
        if self in self.line[1:]:
            self._early += data
            return
        super().receive(data, now)
        if self.service is not None:
            self._step_aside(now)

    def close(self, now: float) -> None:
        """Makes room for the next one."""
        super().close(now)
        self._step_aside(now)

    def take_turn(self, now: float) -> None:
        """Reads what came too early."""
        early, self._early = self._early, b""
        if early:
            self.receive(early, now)

    def _step_aside(self, now: float) -> None:
        if self not in self.line:
            return
        was_first = self.line[0] is self
        self.line.remove(self)
        if was_first and self.line:
            self.line[0].take_turn(now)


class RefusedForEver(Service):
    """A service that lets nobody in once it has seen three wrong keys."""

    _wrong = 0

    def accepts_key(self, key: str) -> bool:
        """Counts the wrong ones."""
        is_right = super().accepts_key(key)
        self._wrong += not is_right
        return is_right and self._wrong < 3


class EarlyReturnRefused(Service):
    """A service that refuses a provider which comes back at once."""

    _is_shut = False

    def detach(self, link: Link, now: float) -> None:
        """Shuts the door for a second."""
        super().detach(link, now)
        self._is_shut = True
        self._timers.at(now + _SHORT_S, self._open)

    def _open(self, now: float) -> None:
        self._is_shut = False

    def accepts_key(self, key: str) -> bool:
        """Only while the door is open."""
        return super().accepts_key(key) and not self._is_shut


class CloseSeenLate(Service):
    """A service that notices a close some time later, and then lets go of whatever link it has."""

    def detach(self, link: Link, now: float) -> None:
        """Puts it off."""
        self._timers.at(now + _SOON_S, self._let_go)

    def _let_go(self, now: float) -> None:
        if self._link is not None:
            super().detach(self._link, now)


class PlainProviderPort(Behaviour):
    """Speaks no TLS with providers."""

    provider_tls = False


class CertificateOfAnother(Behaviour):
    """Shows providers the certificate of another host."""

    provider_hosts = ("hub.example",)


class CloseNotifyDemanded(Behaviour):
    """Keeps the link to a provider whose connection ended without TLS close-notify."""

    def link_ends(self, *, in_order: bool) -> bool:
        """Only in order."""
        return in_order


WRONG_HUBS = (
    WrongHub("plain_provider_port", "NE-LOGIN-001", "speaks no TLS with providers", PlainProviderPort),
    WrongHub("certificate_of_another", "NE-LOGIN-002", "shows another host's certificate", CertificateOfAnother),
    WrongHub("close_notify_demanded", "NE-LOGIN-014", "keeps a link that ended without notice", CloseNotifyDemanded),
    WrongHub("welcomed_by_name", "NE-LOGIN-003", "answers a right login with WELCOME", of_links(WelcomedByName)),
    WrongHub("accepted_in_two_writes", "NE-LOGIN-004", "writes O and K apart", of_links(AcceptedInTwoWrites)),
    WrongHub("accepted_with_frame", "NE-LOGIN-004", "writes OK and a request at once", of_links(AcceptedWithFrame)),
    WrongHub("service_key_unchecked", "NE-LOGIN-005", "lets a provider in with any key", of_services(KeyUnchecked)),
    WrongHub("key_by_its_begin", "NE-LOGIN-005", "looks at the begin of a key alone", of_services(KeyByItsBegin)),
    WrongHub("key_not_missed", "NE-LOGIN-005", "lets a provider in without a key", of_links(KeyNotMissed)),
    WrongHub("login_in_one_read", "NE-LOGIN-006", "reads a login in one piece only", of_links(LoginInOneRead)),
    WrongHub("login_never_late", "NE-LOGIN-007", "waits for a login for ever", keeping(login_s=1e6)),
    WrongHub("login_timer_restarts", "NE-LOGIN-007", "waits anew after each byte", of_links(LoginTimerRestarts)),
    WrongHub("login_of_any_size", "NE-LOGIN-008", "reads a login of any size", keeping(login_bytes=1e6)),
    WrongHub("refused_in_silence", "NE-LOGIN-009", "says nothing to a wrong login", of_links(RefusedInSilence)),
    WrongHub("login_members_refused", "NE-LOGIN-010", "refuses members of a login", of_links(LoginMembersRefused)),
    WrongHub("one_login_at_a_time", "NE-LOGIN-011", "lets a silent connection hold up the others", OneLoginAtATime),
    WrongHub("refused_for_ever", "NE-LOGIN-012", "lets nobody in after three wrong keys", of_services(RefusedForEver)),
    WrongHub(
        "early_return_refused",
        "NE-LOGIN-013",
        "refuses a provider that comes back at once",
        of_services(EarlyReturnRefused),
    ),
    WrongHub("close_seen_late", "NE-LOGIN-013", "lets go of a provider that is back", of_services(CloseSeenLate)),
)
