"""One provider's connection, seen by the hub: login, then one request at a time.

A link runs the spec's `provider_link` table. It never decides what an answer means for a client: it hands answers to
the job that waits for them, and tells its service when it is ready for the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.crossing import Crossing
from mockserver.state.delivery import Body, Take, befall
from mockserver.state.framing import LOGIN_ACCEPTED, PING, AnswerReader, FramingBroken, object_is_closed, read_answer
from mockserver.state.json_text import BadJson, read_object
from mockserver.state.plan import PROVIDER_LEGS, Leg, NoFaults
from neuroengine._generated.machines import PROVIDER_LINK, PROVIDER_LINK_INITIAL, ProviderLinkEvent, ProviderLinkState
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from mockserver.state.jobs import Job
    from mockserver.state.plan import StandingFaults
    from mockserver.state.services import Service
    from mockserver.state.timers import Timer, Timers

    class Wire(Protocol):
        """What a link needs of a connection. Neither call may call the link back before it returns."""

        def write(self, data: bytes) -> None:
            """Sends bytes in one write."""

        def close(self) -> None:
            """Ends the connection once everything is sent."""

        def reset(self) -> None:
            """Throws the connection away once everything is sent."""


class Link:
    """A provider's connection from its first byte to its last.

    `find` looks a service up by name; `wire` sends and closes; `faults` befall what it carries; `number` counts the
    hub's links.
    """

    def __init__(
        self,
        find: Callable[[str], Service | None],
        wire: Wire,
        limits: Mapping[str, float],
        timers: Timers,
        now: float,
        faults: StandingFaults | None = None,
        *,
        number: int = 1,
    ) -> None:
        self.number = number
        self._find = find
        self._wire = wire
        self._limits = limits
        self._timers = timers
        self._login = bytearray()
        self._answers = AnswerReader(int(limits["provider_payload_bytes"]))
        self._faults: StandingFaults = NoFaults() if faults is None else faults
        self._job: Job | None = None
        self._crossing: Crossing | None = None
        self._ping_is_due = False
        self._was_asked = False
        self._timer: Timer | None = timers.at(now + limits["login_s"], self.close)
        self._stuck: Timer | None = None
        self.service: Service | None = None
        self.streaming = False
        self.state = PROVIDER_LINK_INITIAL

    # -- what happens on the wire

    def receive(self, data: bytes, now: float) -> None:
        """Takes bytes from the provider, however TCP cut them."""
        if self._crossing is None:
            self._read(data, now)
        else:
            self._crossing.feed(data, now)

    def _read(self, data: bytes, now: float) -> None:
        if self.state is ProviderLinkState.CONNECTED:
            self._read_login(data, now)
        elif self.state is ProviderLinkState.READY:
            if data.isspace() and not self._was_asked:
                # White space behind the login, which TCP cut off it.
                return
            # Nobody asked for these bytes: they could become another client's answer.
            self._break(failure(ErrorCode.PROVIDER_ERROR, "The provider sent what nobody asked for."), now)
        elif self.state in {ProviderLinkState.ANSWERING, ProviderLinkState.DISCARDING}:
            self._read_answer(data, now)

    def close(self, now: float) -> None:
        """Ends the link, whoever wants it: the provider, the hub, or a passed time limit."""
        self._end(
            ProviderLinkEvent.CLOSE, failure(ErrorCode.PROVIDER_ERROR, "The provider dropped the connection."), now
        )

    # -- what the service wants

    @property
    def is_ready(self) -> bool:
        """Whether a request may be sent now."""
        return self.state is ProviderLinkState.READY

    def send(self, job: Job, now: float) -> None:
        """Sends a job's request; a ping that is due goes out before it, because a busy provider reads none."""
        if self._ping_is_due:
            self._ping(now)
        self._fire(ProviderLinkEvent.REQUEST)
        self._was_asked = True
        self._job = job
        job.forwarded.link, job.forwarded.sent_at = self.number, now
        self._write(job)
        self._stuck = self._timers.at(now + self._limits["provider_answer_s"], self._provider_is_late)

    def abandon(self, now: float) -> None:
        """Gives up the outstanding request: its late answer will be thrown away before the next one is sent."""
        self._fire(ProviderLinkEvent.ABANDON)
        self._job = None
        self._restart_stuck_timer(now)

    def _write(self, job: Job) -> None:
        """Sends a job's frame, by way of what befalls it."""
        faults = job.faults
        if self._faults and self.service is not None:
            faults += self._faults.draw(self.service.settings.name, *PROVIDER_LEGS, piece=job.piece)
        if not faults:
            self._crossing = None
            self._wire.write(job.frame)
            return
        job.forwarded.faults = tuple(fault.name for fault in faults)
        happened = self._faults.happened
        there = befall([Body(job.frame)], [fault for fault in faults if fault.leg is Leg.HUB_TO_PROVIDER], happened)
        back = befall([Take()], [fault for fault in faults if fault.leg is Leg.PROVIDER_TO_HUB], happened)
        self._crossing = Crossing(there, back, self._wire, self._timers, self._read, self.close)

    # -- login

    def _read_login(self, data: bytes, now: float) -> None:
        self._login += data
        if len(self._login) > self._limits["login_bytes"]:
            self._refuse("the login is too large", now)
        elif not self._login.isspace() and not self._login.lstrip().startswith(b"{"):
            self._refuse("the login is not a JSON object", now)
        elif object_is_closed(self._login):
            text = bytes(self._login)
            self._login.clear()  # it holds a key
            try:
                login = read_object(text, unique_keys=False)
            except BadJson as error:
                self._refuse(f"the login cannot be read: {error}", now)
                return
            self._judge_login(login, now)

    def _judge_login(self, login: dict[str, Any], now: float) -> None:
        service = self._service_for(login)
        if service is None:
            self._refuse("the service or its key is wrong", now)
            return
        self._fire(ProviderLinkEvent.LOGIN)
        self._fire(ProviderLinkEvent.ACCEPT)
        self.service = service
        self.streaming = login.get("streaming") is True
        self._accept()
        self._restart_ping_timer(now)
        service.attach(self, now)

    def _service_for(self, login: dict[str, Any]) -> Service | None:
        """The service that a login is right for."""
        user, key = login.get("user"), login.get("key")
        service = self._find(user) if isinstance(user, str) else None
        return service if service is not None and isinstance(key, str) and service.accepts_key(key) else None

    def _accept(self) -> None:
        # `OK` goes out alone: a deployed provider that reads more with it loses what follows (NE-LOGIN-004).
        self._wire.write(LOGIN_ACCEPTED)

    def _refuse(self, why: str, now: float) -> None:
        self._wire.write(f"ERROR: {why}\n".encode())
        self.close(now)

    # -- answers

    def _read_answer(self, data: bytes, now: float) -> None:
        try:
            payload = self._answers.feed(data)
        except FramingBroken as error:
            self._break(failure(ErrorCode.PROVIDER_ERROR, f"The provider broke the framing: {error}."), now)
            return
        if payload is None:
            return
        job, self._job = self._job, None
        self._cancel_stuck_timer()
        if self._answers.holds_more:
            self._end(ProviderLinkEvent.VIOLATION, None, now)
        else:
            self._fire(ProviderLinkEvent.ANSWER)
        if job is not None:
            job.forwarded.payload, job.forwarded.answered_at = payload, now
            job.finish(self._read_payload(payload), now)
        if self.is_ready and self._ping_is_due:
            self._ping(now)
        if self.service is not None:
            self.service.pump(now)

    def _read_payload(self, payload: bytes) -> Answer:
        return read_answer(payload)

    def _provider_is_late(self, now: float) -> None:
        """The answer timeout passed. A first time costs the request; a second time, discarding, costs the link."""
        if self.state is ProviderLinkState.DISCARDING:
            self.close(now)
            return
        job = self._job
        self.abandon(now)
        if job is not None:
            job.finish(failure(ErrorCode.PROVIDER_TIMEOUT, "The provider did not answer in time."), now)

    def _break(self, answer: Answer, now: float) -> None:
        self._end(ProviderLinkEvent.VIOLATION, answer, now)

    # -- the rest

    def _ping(self, now: float) -> None:
        """Keeps the provider alive when it can read, and otherwise remembers that it must."""
        if self.state in {ProviderLinkState.ANSWERING, ProviderLinkState.DISCARDING}:
            self._ping_is_due = True
            return
        self._fire(ProviderLinkEvent.PING)
        self._ping_is_due = False
        self._wire.write(PING)
        self._restart_ping_timer(now)

    def _restart_ping_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.at(now + self._limits["ping_s"], self._ping)

    def _restart_stuck_timer(self, now: float) -> None:
        self._cancel_stuck_timer()
        self._stuck = self._timers.at(now + self._limits["provider_answer_s"], self._provider_is_late)

    def _cancel_stuck_timer(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _fire(self, event: ProviderLinkEvent) -> None:
        self.state = PROVIDER_LINK[self.state, event]

    def _end(self, event: ProviderLinkEvent, answer: Answer | None, now: float) -> None:
        """Closes once: the outstanding job gets `answer`, the service learns that the provider has gone."""
        if self.state is ProviderLinkState.CLOSED:
            return
        self._fire(event)
        if self._timer is not None:
            self._timer.cancel()
        self._cancel_stuck_timer()
        if self._crossing is not None:
            self._crossing.stop()
        self._wire.close()
        job, self._job = self._job, None
        if job is not None and answer is not None:
            job.finish(answer, now)
        if self.service is not None:
            self.service.detach(self, now)
