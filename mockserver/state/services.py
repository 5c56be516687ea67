"""One service of the hub: who may answer for it, who does, and the requests that wait for it."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import failure
from mockserver.state.framing import FrameTooLarge, request_frame
from mockserver.state.generations import Refused
from mockserver.state.jobs import Job
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.links import Link
    from mockserver.state.plan import Fault
    from mockserver.state.service_settings import ServiceSettings
    from mockserver.state.timers import Timer, Timers


class Service:
    """A service while the hub runs."""

    def __init__(self, settings: ServiceSettings, limits: Mapping[str, float], timers: Timers, now: float) -> None:
        self.settings = _without_keys(settings)
        self._limits = limits
        self._timers = timers
        self._key_hash = _hashed(settings.key)
        self._access_hashes = [_hashed(key) for key in settings.access_keys]
        self._queue: deque[Job] = deque()
        self._current: Job | None = None
        self._link: Link | None = None
        self.logins = 0
        """How many providers have logged in: a stream that one has begun no other one can go on with."""
        self._away_since: float | None = -math.inf if settings.offline else None
        self._away_timer: Timer | None = None
        self._quota_used = 0
        self._quota_until = now
        self.answers_itself = not settings.offline
        self.numreq = 0

    def is_like(self, settings: ServiceSettings) -> bool:
        """Whether these settings are those that it has, keys too."""
        access_hashes = [_hashed(key) for key in settings.access_keys]
        own = (self.settings, self._key_hash, self._access_hashes)
        return own == (_without_keys(settings), _hashed(settings.key), access_hashes)

    def change(self, settings: ServiceSettings, now: float) -> None:
        """Takes other settings. A provider whose key has changed is sent away; what waits, waits on."""
        before, self.settings = self.settings, _without_keys(settings)
        key_before, self._key_hash = self._key_hash, _hashed(settings.key)
        self._access_hashes = [_hashed(key) for key in settings.access_keys]
        if self._key_hash != key_before and self._link is not None:
            self._link.close(now)
        if settings.offline != before.offline and self._link is None:
            self.answers_itself = not settings.offline
            self._away_since = -math.inf if settings.offline else None

    def retire(self, now: float) -> None:
        """The hub has this service no more: its provider is sent away, and what waits is answered with code 7."""
        if self._link is not None:
            self._link.close(now)
        self._stop_away_timer()
        self._give_up_waiting(now)

    # -- keys and quotas

    def accepts_key(self, key: str) -> bool:
        """Whether a provider with this service key may log in; takes the same time for any wrong key."""
        return hmac.compare_digest(self._key_hash, _hashed(key))

    def admits(self, access_key: str | None) -> bool:
        """Whether a client with this access key may use the service; any may where there are none."""
        if not self._access_hashes:
            return True
        shown = _hashed(access_key or "")
        # Every known key is compared, so that the time tells nothing about which one matched.
        return sum(hmac.compare_digest(known, shown) for known in self._access_hashes) > 0

    @property
    def access_keys(self) -> int:
        """How many access keys there are."""
        return len(self._access_hashes)

    def count_generation(self, now: float) -> None:
        """Counts an accepted generation.

        Raises:
            Refused: the quota is used up (code 9, with `retry_after`).
        """
        quota = self.settings.quota
        if quota is not None:
            if now >= self._quota_until:
                self._quota_used, self._quota_until = 0, now + self.settings.quota_window_s
            if self._quota_used >= quota:
                why = f"The service allows {quota} generations in {self.settings.quota_window_s:g} seconds."
                wait = max(0.0, self._quota_until - now)
                raise Refused(failure(ErrorCode.QUOTA_EXCEEDED, why, retry_after=wait))
            self._quota_used += 1
        self.numreq += 1

    def entry(self) -> dict[str, Any]:
        """The service's row in the model list; it holds no key."""
        settings = self.settings
        return {
            "name": settings.name,
            "connected": self._link is not None or self.answers_itself,
            "numreq": self.numreq,
            "queuelen": len(self._queue),
            "comment": settings.comment,
            "operator": settings.operator,
            "preprompt": settings.preprompt,
            "endprompt": settings.endprompt,
        }

    # -- the provider

    def attach(self, link: Link, now: float) -> None:
        """A provider logged in: it replaces the one before, and answers from now on instead of the simulated model."""
        before, self._link = self._link, link
        self.answers_itself = False
        self._away_since = None
        self._stop_away_timer()
        self.logins += 1
        self._refuse_polls(now)
        if before is not None:
            before.close(now)
        self.pump(now)

    def detach(self, link: Link, now: float) -> None:
        """A provider has gone; what waits does so for `queue_s` seconds."""
        if link is not self._link:
            return
        self._link = None
        self._current = None
        self._away_since = now
        if self._queue:
            self._start_away_timer()

    @property
    def streams_itself(self) -> bool:
        """Whether the provider wants every poll of a stream forwarded."""
        return self._link is not None and self._link.streaming

    def check_streams(self, begun_at: int | None) -> None:
        """Whether a poll may be forwarded, or wait for a streaming provider to come back.

        Args:
            begun_at: how many `logins` there were when the provider that began the stream answered; None before that.

        Raises:
            Refused: a plain provider took its place, which would answer every poll with a whole reply, or another
                streaming one, which would begin the stream anew (code 13).
        """
        if self._link is not None and not self._link.streaming:
            raise Refused(self._plain())
        if begun_at is not None and begun_at != self.logins:
            raise Refused(self._another())

    def _refuse_polls(self, now: float) -> None:
        """A provider logged in: polls that wait for another one are lost."""
        streams = self.streams_itself
        waiting, self._queue = self._queue, deque()
        for job in waiting:
            if not job.is_poll or (streams and job.piece == 1):
                self._queue.append(job)
            else:
                job.finish(self._another() if streams else self._plain(), now)

    # -- the queue

    def check_room(self, now: float) -> None:
        """Whether one more request may be sent or wait.

        Raises:
            Refused: the provider has been away too long (code 7), or the queue is full (code 8).
        """
        if self._away_since is not None and now - self._away_since >= self._limits["queue_s"]:
            raise Refused(self._offline())
        if len(self._queue) >= self._limits["queue_requests"]:
            why = f"Already {len(self._queue)} requests wait for this service."
            raise Refused(failure(ErrorCode.QUEUE_FULL, why))

    def frame(self, members: dict[str, Any]) -> bytes:
        """The frame that carries these members to the provider.

        Raises:
            Refused: the request does not fit (code 11).
        """
        try:
            return request_frame(members, int(self._limits["provider_frame_bytes"]))
        except FrameTooLarge as error:
            raise Refused(failure(ErrorCode.REQUEST_TOO_LARGE, f"The request is too large: {error}.")) from None

    def submit(
        self,
        frame: bytes,
        done: Callable[[Answer, float], None],
        now: float,
        *,
        is_poll: bool = False,
        faults: tuple[Fault, ...] = (),
        piece: int = 1,
    ) -> Job:
        """Queues a request for the provider; `done(answer, now)` is called once, after this has returned."""
        job = Job(self, frame, done, is_poll=is_poll, faults=faults, piece=piece)
        self._queue.append(job)
        if self._away_since is not None:
            self._start_away_timer()
        self.pump(now)
        return job

    def pump(self, now: float) -> None:
        """Sends the next request when the provider is free."""
        if self._link is not None and self._link.is_ready:
            self._current = self._queue.popleft() if self._queue else None
            if self._current is not None:
                self._link.send(self._current, now)

    def withdraw(self, job: Job, now: float) -> None:
        """Takes an unfinished job out of the queue, or off the provider."""
        if job is self._current:
            self._current = None
            if self._link is not None:
                self._link.abandon(now)
        elif job in self._queue:  # else a wrong hub has sent it beside the current one
            self._queue.remove(job)

    def _start_away_timer(self) -> None:
        if self._away_timer is None and self._away_since is not None:
            self._away_timer = self._timers.at(self._away_since + self._limits["queue_s"], self._give_up_waiting)

    def _stop_away_timer(self) -> None:
        if self._away_timer is not None:
            self._away_timer.cancel()
            self._away_timer = None

    def _give_up_waiting(self, now: float) -> None:
        """The provider did not come back in time: everything that waits is answered with code 7."""
        self._away_timer = None
        waiting, self._queue = self._queue, deque()
        for job in waiting:
            job.finish(self._offline(), now)

    @staticmethod
    def _plain() -> Answer:
        return failure(ErrorCode.PROVIDER_ERROR, "The provider does not stream any more.")

    @staticmethod
    def _another() -> Answer:
        return failure(ErrorCode.PROVIDER_ERROR, "The provider that began the stream has gone.")

    def _offline(self) -> Answer:
        return failure(ErrorCode.PROVIDER_OFFLINE, f'The service "{self.settings.name}" has no provider right now.')


def _without_keys(settings: ServiceSettings) -> ServiceSettings:
    """Settings as the hub keeps them: of keys it keeps hashes alone."""
    return replace(settings, key="", access_keys=())


def _hashed(key: str) -> bytes:
    """A key as the hub keeps it. Keys are random, so one round of sha256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
