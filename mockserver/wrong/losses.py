"""Hubs that are wrong when a provider is replaced, drops, stays away or stays silent."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.jobs import Job
from mockserver.state.links import Link
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, keeping, of_links, of_services
from neuroengine._generated.machines import ProviderLinkEvent
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable


class SecondLoginRefused(Service):
    """A service that takes no second provider."""

    def accepts_key(self, key: str) -> bool:
        """Only while there is none."""
        return super().accepts_key(key) and self._link is None


class SecondLoginIdle(Service):
    """A service that goes on with its first provider."""

    def attach(self, link: Link, now: float) -> None:
        """Takes the first one."""
        if self._link is None:
            super().attach(link, now)


class HandedOverTwice(Service):
    """A service that hands the outstanding request to the new provider, and once more."""

    def attach(self, link: Link, now: float) -> None:
        """Queues it twice before the old link ends."""
        current = self._current if self._link is not None else None
        if current is not None:
            self._queue.extendleft(Job(self, current.frame, lambda *_: None, is_poll=False) for _ in range(2))
        super().attach(link, now)


class WrongLoginEnds(Behaviour):
    """Ends a provider's link when somebody else logs in wrongly."""

    class service_type(Service):  # noqa: N801 - in the place of the attribute
        """A service that can be cut off its provider."""

        def hang_up(self, now: float) -> None:
            """Ends the link."""
            if self._link is not None:
                self._link.close(now)

    class link_type(Link):  # noqa: N801 - in the place of the attribute
        """A link that cuts others off."""

        def _judge_login(self, login: dict[str, Any], now: float) -> None:
            service = self._find(str(login.get("user")))
            if self._service_for(login) is None and isinstance(service, WrongLoginEnds.service_type):
                service.hang_up(now)
            super()._judge_login(login, now)


class DropUnanswered(Link):
    """A link that leaves the client without an answer when the provider drops."""

    def close(self, now: float) -> None:
        """Ends, and says nothing."""
        self._end(ProviderLinkEvent.CLOSE, None, now)


class DropAnsweredLate(Link):
    """A link that answers the client of a provider that dropped when its time would have been over."""

    def close(self, now: float) -> None:
        """Ends, and answers later."""
        job, self._job = self._job, None
        super().close(now)
        if job is not None:
            answer = failure(ErrorCode.PROVIDER_ERROR, "The provider dropped the connection.")
            self._timers.at(now + self._limits["provider_answer_s"], partial(job.finish, answer))


class ReplacedUnanswered(Service):
    """A service that forgets what a replaced provider had in hand."""

    def attach(self, link: Link, now: float) -> None:
        """Takes the new one alone."""
        if self._current is not None and self._link is not None:
            self._link._job = None  # noqa: SLF001 - it is wrong on purpose
        super().attach(link, now)


class Unforgiving(Behaviour):
    """Lets no provider in again that has broken the framing."""

    class service_type(Service):  # noqa: N801 - in the place of the attribute
        """A service that can be barred."""

        is_barred = False

        def accepts_key(self, key: str) -> bool:
            """Never again."""
            return super().accepts_key(key) and not self.is_barred

    class link_type(Link):  # noqa: N801 - in the place of the attribute
        """A link that bars its service."""

        def _break(self, answer: Answer, now: float) -> None:
            if isinstance(self.service, Unforgiving.service_type):
                self.service.is_barred = True
            super()._break(answer, now)


class QueueDropped(Service):
    """A service that gives up everything that waits when its provider drops."""

    def detach(self, link: Link, now: float) -> None:
        """Empties the queue."""
        super().detach(link, now)
        if self._link is None:
            self._give_up_waiting(now)


class WaitingPollsRefused(Service):
    """A service that gives up every poll that waits when a streaming provider comes back, the first of a stream too."""

    def _refuse_polls(self, now: float) -> None:
        """Whatever piece they ask for."""
        for job in [job for job in self._queue if job.is_poll]:
            self._queue.remove(job)
            job.finish(self._another(), now)


class QueueAsleep(Service):
    """A service whose queue stands still when its provider comes back."""

    def attach(self, link: Link, now: float) -> None:
        """Hands out what is new alone."""
        waiting, self._queue = self._queue, deque()
        super().attach(link, now)
        self._queue = waiting


class WaitsForEver(Service):
    """A service whose requests wait for an absent provider without an end."""

    def _start_away_timer(self) -> None:
        """Never gives up."""


class AbsenceForgotten(Service):
    """A service that lets every request wait anew, however long its provider has been away."""

    def check_room(self, now: float) -> None:
        """Counts the absence from now."""
        if self._away_since is not None:
            self._away_since = now
        super().check_room(now)


class BusyIsAway(Service):
    """A service whose requests wait for a busy provider no longer than for an absent one."""

    def submit(self, frame: bytes, done: Callable[[Answer, float], None], now: float, **more: Any) -> Job:
        """Gives the request up when it has waited too long."""
        job = super().submit(frame, done, now, **more)

        def give_up(at: float) -> None:
            if job in self._queue:
                self._queue.remove(job)
                job.finish(failure(ErrorCode.PROVIDER_OFFLINE, "The provider has no time."), at)

        self._timers.at(now + self._limits["queue_s"], give_up)
        return job


WRONG_HUBS = (
    WrongHub("second_login_refused", "NE-LOSS-001", "refuses a second login", of_services(SecondLoginRefused)),
    WrongHub("second_login_idle", "NE-LOSS-001", "goes on with the first provider", of_services(SecondLoginIdle)),
    WrongHub("handed_over_twice", "NE-LOSS-002", "hands a request over twice", of_services(HandedOverTwice)),
    WrongHub("replaced_unanswered", "NE-LOSS-002", "forgets a replaced request", of_services(ReplacedUnanswered)),
    WrongHub("wrong_login_ends", "NE-LOSS-003", "ends a link on another's wrong login", WrongLoginEnds),
    WrongHub("drop_unanswered", "NE-LOSS-004", "answers nobody when a provider drops", of_links(DropUnanswered)),
    WrongHub("drop_answered_late", "NE-LOSS-004", "answers late when a provider drops", of_links(DropAnsweredLate)),
    WrongHub("unforgiving", "NE-LOSS-005", "bars a provider that sent garbage", Unforgiving),
    WrongHub("queue_dropped", "NE-LOSS-006", "drops what waits with the provider", of_services(QueueDropped)),
    WrongHub(
        "waiting_polls_refused",
        "NE-LOSS-006",
        "gives up first polls that wait for a streaming provider",
        of_services(WaitingPollsRefused),
    ),
    WrongHub("queue_asleep", "NE-LOSS-006", "hands what waits to nobody who comes back", of_services(QueueAsleep)),
    WrongHub("waits_for_ever", "NE-LOSS-007", "lets requests wait for ever", of_services(WaitsForEver)),
    WrongHub("absence_forgotten", "NE-LOSS-008", "waits anew for every request", of_services(AbsenceForgotten)),
    WrongHub("busy_is_away", "NE-LOSS-009", "gives up behind a busy provider", of_services(BusyIsAway)),
    WrongHub("silence_for_ever", "NE-LOSS-010", "waits for an answer for ever", keeping(provider_answer_s=1e6)),
)
