"""One service of the hub: who may answer for it, who does, and the requests that wait for it."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from mockserver.state.answers import Answer, Forwarded, failure
from mockserver.state.framing import FrameTooLarge, request_frame
from mockserver.state.generations import Refused
from neuroengine._generated.models import ServiceName
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.links import Link
    from mockserver.state.plan import Fault, Pace
    from mockserver.state.timers import Timer, Timers


DEFAULT_KEY = "DEMOKEY"
"""The service key of a service that nobody gave one. It is no secret."""

_SERVICE_NAME: TypeAdapter[str] = TypeAdapter(ServiceName)


def is_service_name(name: object) -> bool:
    """Whether a path can hold it (NE-HTTP-006)."""
    try:
        _SERVICE_NAME.validate_python(name)
    except ValidationError:
        return False
    return True


@dataclass(frozen=True)
class ServiceSettings:
    """What an operator says about a service.

    `key` is the provider's secret. `access_keys`, when there are any, are what a client must show one of. `quota` is
    the most generations in `quota_window_s` seconds; none means no quota. `offline` starts without the simulated
    model. `pace` is how fast its text is let out; none takes the hub's.

    Raises:
        ValueError: the name is none that a path can hold (NE-HTTP-006), or a key or the quota makes no sense.
    """

    name: str
    key: str
    comment: str = ""
    operator: str = ""
    preprompt: str = ""
    endprompt: str = ""
    access_keys: tuple[str, ...] = ()
    quota: int | None = None
    quota_window_s: float = 60.0
    offline: bool = False
    pace: Pace | None = None

    def __post_init__(self) -> None:
        """Checks the name, the keys and the quota."""
        if not is_service_name(self.name):
            rule = "1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit"
            raise ValueError(f"the service name {self.name!r} is wrong: it must be {rule}")
        if not isinstance(self.key, str):
            raise self._wrong("key", "text")
        if isinstance(self.access_keys, str) or not all(isinstance(key, str) and key for key in self.access_keys):
            raise self._wrong("access_keys", "several texts that are not empty, as in (KEY,)")
        object.__setattr__(self, "access_keys", tuple(self.access_keys))
        if self.quota is not None and (type(self.quota) is not int or self.quota < 0):
            raise self._wrong("quota", f"a whole number, 0 or more; it was {self.quota!r}")
        if not 0 < self.quota_window_s < math.inf:
            raise self._wrong("quota_window_s", f"a finite number of seconds above 0; it was {self.quota_window_s!r}")

    def _wrong(self, setting: str, rule: str) -> ValueError:
        return ValueError(f"the {setting} of the service {self.name!r} must be {rule}")

    def __repr__(self) -> str:
        """The name alone: a key must not reach a log."""
        return f"ServiceSettings(name={self.name!r})"


class Job:
    """One request for a provider, from the queue to its answer. `done` is called once.

    `is_poll` tells that it is a stream's poll, which only a streaming provider understands. `faults` befall it on the
    provider's legs; `piece` is which piece of a stream it asks for, from 1.
    """

    __slots__ = ("_done", "_service", "faults", "forwarded", "frame", "is_poll", "piece")

    def __init__(
        self,
        service: Service,
        frame: bytes,
        done: Callable[[Answer, float], None],
        *,
        is_poll: bool = False,
        faults: tuple[Fault, ...] = (),
        piece: int = 1,
    ) -> None:
        self._service = service
        self._done: Callable[[Answer, float], None] | None = done
        self.frame = frame
        self.forwarded = Forwarded(frame)
        self.is_poll = is_poll
        self.faults = faults
        self.piece = piece

    def finish(self, answer: Answer, now: float) -> None:
        """Hands the answer on, unless nobody waits for it any more."""
        done, self._done = self._done, None
        if done is not None:
            done(answer._replace(forwarded=self.forwarded), now)

    def cancel(self, now: float) -> None:
        """Takes an unfinished request back: out of the queue, or its late answer is thrown away."""
        if self._done is not None:
            self._done = None
            self._service.withdraw(self, now)


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
