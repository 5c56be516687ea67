"""The hub without its sockets: posts and provider bytes in, answers and frames out.

It reads no clock, no random source and no socket: whoever runs it says what time it is, in seconds of any steady
clock, and calls `timers.run(now)` when `timers.next()` is due. Every post is answered exactly once, perhaps before
`post` returns.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.model import SimulatedModel
from mockserver.state.admission import Admission
from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.circumstances import Circumstances
from mockserver.state.cors import answer_headers, preflight_headers
from mockserver.state.delivery import JSON_TYPE, Message, delivery
from mockserver.state.exchanges import Asked, Call, Exchange
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson
from mockserver.state.limits import checked_limits
from mockserver.state.open_streams import OpenStreams
from mockserver.state.plan import NO_PLAN
from mockserver.state.player import Player
from mockserver.state.streams import Poll
from mockserver.state.timers import Timers
from mockserver.state.whole_replies import WholeReplies
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.journal import Journal
    from mockserver.rules import RuleBook
    from mockserver.state.delivery import Headers, Step, Steps
    from mockserver.state.lane import Lane
    from mockserver.state.links import Link, Wire
    from mockserver.state.plan import Pace, StandingFaults
    from mockserver.state.services import Service, ServiceSettings

__all__ = ["Exchange", "HubState"]

logger = logging.getLogger("mockserver")


class HubState:
    """All that a hub knows.

    `matching_statuses` answers errors with the HTTP status that the registry names instead of 200. `pace` is how fast
    text is let out where neither the service nor the plan says otherwise. `faults` befall exchanges. `rules` are asked
    once a POST, and every exchange is kept in the `journal`, where there is one.
    """

    def __init__(
        self,
        services: Iterable[ServiceSettings],
        *,
        limits: Mapping[str, float] | None = None,
        behaviour: Behaviour | None = None,
        matching_statuses: bool = False,
        pace: Pace | None = None,
        faults: StandingFaults | None = None,
        rules: RuleBook | None = None,
        journal: Journal | None = None,
        cors: bool = False,
        now: float = 0.0,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.limits = self.behaviour.kept_limits(checked_limits(limits or {}))
        self.timers = Timers()
        self.rules = rules
        self.journal = journal
        self.cors = cors
        self._matching_statuses = matching_statuses
        self._model = SimulatedModel()
        self._circumstances = Circumstances(pace, faults, self._model, self.limits, self.timers)
        self._services = {row.name: self._new_service(row, now) for row in services}
        self._streams = OpenStreams(self.behaviour, self._circumstances, self.limits, self.timers)
        self._admission = Admission(self._services, self.behaviour, self.limits, self._streams)
        self._whole = WholeReplies(self.behaviour, self._circumstances, self._model, self.timers)
        self._waiting: dict[Exchange, None] = {}
        self._arriving: set[Lane] = set()
        self._playing: set[Exchange] = set()
        self._links: set[Link] = set()
        self._connections = 0
        self._posts = 0
        self._is_stopping = False

    def change(
        self,
        services: Iterable[ServiceSettings],
        now: float,
        *,
        limits: Mapping[str, float],
        matching_statuses: bool,
        pace: Pace | None,
        cors: bool,
    ) -> None:
        """Takes other settings while it runs: what has begun goes on, what comes finds the new ones.

        A service that stays keeps its provider, its queue and its counters; see `Service.change` and `Service.retire`.
        """
        self.limits.update(self.behaviour.kept_limits(checked_limits(limits)))
        self.cors, self._matching_statuses, self._circumstances.pace = cors, matching_statuses, pace
        self.change_services(services, now)

    def change_services(self, services: Iterable[ServiceSettings], now: float) -> None:
        """Has these services from now on, and no others; see `change`."""
        before = dict(self._services)
        self._services.clear()  # whoever looks services up looks in here
        for row in services:
            service = before.pop(row.name, None) or self._new_service(row, now)
            self._services[row.name] = service
            if not service.is_like(row):
                service.change(row, now)
                self._circumstances.forget(row.name, now)
        for name, service in before.items():
            service.retire(now)
            self._circumstances.forget(name, now)

    # -- clients

    def post(
        self,
        path: str,
        body: bytes | None,
        now: float,
        *,
        content_type: str = "",
        access_key: str | None = None,
        origin: bytes = b"",
    ) -> Exchange:
        """Takes a client's request: one answer, whatever it holds. A body over the limit may be given as None."""
        exchange = self.begin(path, len(body or b""), now)
        if self.cors:
            exchange.headers = answer_headers(origin)
        self._attempt(exchange, partial(self._receive, exchange, body, content_type, access_key), now)
        if exchange.answer is None:
            self._waiting[exchange] = None
        return exchange

    def begin(self, path: str, size: int, now: float) -> Exchange:
        """A new exchange, which the journal holds from now on; whoever begins it has to answer it."""
        self._posts += 1
        exchange = Exchange(self._posts, path, now, size=size)
        if self.journal is not None:
            self.journal.begin(exchange)
        return exchange

    def _attempt(self, exchange: Exchange, handle: Callable[[float], None], now: float) -> None:
        """Handles an exchange, or the part of it that had to wait; what goes wrong is its answer."""
        try:
            handle(now)
        except Refused as refused:
            self._deliver(exchange, refused.answer, now)
        except Exception:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.exception("the hub failed while it handled a request")
            self._deliver(exchange, failure(ErrorCode.INTERNAL_ERROR, "The hub failed."), now)

    def _receive(
        self, exchange: Exchange, body: bytes | None, content_type: str, access_key: str | None, now: float
    ) -> None:
        try:
            exchange.request = self._read(body, content_type)
        finally:
            exchange.service = self.behaviour.service_name(exchange.path, self._services)
            exchange.plan = self._circumstances.plan(exchange.service, exchange.request)
        asked = self._admission.check(exchange, access_key)
        if isinstance(asked, Asked) and exchange.begins and self.faults:
            exchange.plan |= self._circumstances.generation_plan(exchange.service)
        if self.rules:
            self._ask(self.rules, exchange, is_valid=not isinstance(asked, Answer))
        if not exchange.plan.delay_s:
            self._handle(exchange, asked, now)
            return
        # A client that leaves before the delay has passed has asked for nothing.
        handle = partial(self._attempt, exchange, partial(self._handle, exchange, asked))
        timer = self.timers.at(now + exchange.plan.delay_s, handle)
        exchange.leave = lambda _: timer.cancel()

    def _read(self, body: bytes | None, content_type: str) -> dict[str, Any]:
        if self._is_stopping:
            raise Refused(failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping."))
        if body is None or len(body) > self.limits["http_body_bytes"]:
            why = f"The body is over {self.limits['http_body_bytes']:g} bytes."
            raise Refused(failure(ErrorCode.REQUEST_TOO_LARGE, why))
        try:
            return self.behaviour.read_body(body, content_type)
        except BadJson as error:
            raise Refused(failure(ErrorCode.INVALID_JSON, f"The body cannot be read: {error}.")) from None

    def status(self, answer: Answer) -> int:
        """The HTTP status that an answer goes out with."""
        return self.behaviour.status(answer, answer.matching_status if self._matching_statuses else 200)

    @staticmethod
    def _ask(rules: RuleBook, exchange: Exchange, *, is_valid: bool) -> None:
        """Lets the rules say what is answered and what befalls the exchange."""
        call = Call(exchange.service, exchange.request, exchange.poll, exchange.begins, is_valid)
        exchange.verdict = rules.match(call)
        if exchange.verdict.plan is not NO_PLAN:
            exchange.plan |= exchange.verdict.plan

    def _handle(self, exchange: Exchange, asked: Asked | Answer | None, now: float) -> None:
        """Answers a request, now or as soon as there is an answer.

        Raises:
            Refused: it is answered with an error.
        """
        self._circumstances.check(exchange.plan)
        if exchange.verdict.refusal is not None:
            raise Refused(exchange.verdict.refusal)
        if asked is None:
            self._deliver(exchange, self._command(exchange.request["command"]), now)
        elif isinstance(asked, Answer):
            raise Refused(asked)
        elif asked.generation.key:
            self._poll(exchange, asked, now)
        else:
            self._whole.reply(exchange, asked, partial(self._deliver, exchange), now)

    def _command(self, command: object) -> Answer:
        if command == "getmodels":
            return Answer(self.behaviour.models(list(self._services.values())))
        return failure(ErrorCode.UNKNOWN_COMMAND, "The hub knows the command getmodels only.")

    def _poll(self, exchange: Exchange, asked: Asked, now: float) -> None:
        stream = self._streams.stream_for(asked, exchange.plan, exchange.verdict, now)
        poll = Poll(asked.generation, partial(self._deliver, exchange))
        exchange.leave = partial(stream.leave, poll)
        exchange.stream_rule = stream.rule
        stream.poll(poll, asked.generation.message, now)

    # -- providers

    def connect(self, wire: Wire, now: float) -> Link:
        """Takes a provider's new connection."""
        self._connections += 1
        link = self.behaviour.link_type(
            self._services.get, wire, self.limits, self.timers, now, self.faults, number=self._connections
        )
        self._links.add(link)
        return link

    def _new_service(self, settings: ServiceSettings, now: float) -> Service:
        return self.behaviour.service_type(settings, self.limits, self.timers, now)

    def disconnect(self, link: Link, now: float) -> None:
        """A provider's connection is over."""
        self._links.discard(link)
        link.close(now)

    # -- the end

    def stop(self, now: float) -> None:
        """Answers everything that waits with code 16 and closes every link."""
        self._is_stopping = True
        answer = failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping.")
        self._streams.stop(answer, now)
        for exchange in list(self._waiting):
            exchange.leave(now)
            self._deliver(exchange, answer, now)
        for lane in list(self._arriving):
            lane.cut(now)
        for exchange in list(self._playing):
            if exchange.player is not None:
                exchange.player.cut()
        for link in list(self._links):
            self.disconnect(link, now)

    # -- doors

    def arriving(self, path: str, out: Callable[[Step, float], object]) -> Lane | None:
        """The lane that a request has to pass before it is posted, or none where nothing befalls it on its way.

        `out` is given the request's bytes, and `End` behind the last of them, or the step that ends the connection.
        The door has to say in the end that the request has `arrived`.
        """
        if not self.faults:
            return None
        lane = self._circumstances.arriving(self.behaviour.service_name(path, self._services), out)
        if lane is not None:
            self._arriving.add(lane)
        return lane

    def arrived(self, lane: Lane) -> None:
        """The request on a lane is there, or its client has left."""
        self._arriving.discard(lane)
        lane.stop()

    def message(self, exchange: Exchange) -> Message:
        """What an answered exchange is answered with."""
        if exchange.answer is None or exchange.status is None:
            raise RuntimeError("an exchange has no message before its answer")
        message = _message(exchange.status, self.behaviour.render(exchange.answer), *exchange.headers)
        return message._replace(headers=self.behaviour.headers(message.headers))

    def no_post(self, method: str, headers: Mapping[bytes, bytes]) -> Message:
        """What a request by another method than POST is answered with; `headers` have lower-case names."""
        more: Headers = ()
        if self.cors:
            origin = headers.get(b"origin", b"")
            wanted = headers.get(b"access-control-request-method", b"")
            if method == "OPTIONS" and wanted:
                allowed = preflight_headers(origin, wanted, headers.get(b"access-control-request-headers", b""))
                if allowed is not None:
                    return Message(204, allowed, b"")
            more = answer_headers(origin)
        answer = failure(ErrorCode.INVALID_JSON, "The hub takes POST requests only.")
        return _message(405, self.behaviour.render(answer), (b"allow", b"POST"), *more)

    def stopping(self) -> Message:
        """What a request that is not yet whole is answered with when the hub stops."""
        return self.refusal(failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping."))

    def refusal(self, answer: Answer) -> Message:
        """What a request is answered with that is no exchange of the hub's."""
        return _message(self.status(answer), self.behaviour.render(answer))

    def delivery(self, exchange: Exchange) -> Steps:
        """An answered exchange as steps on the wire, after everything that befalls them."""
        return delivery(self.message(exchange), exchange.plan, self.faults.happened)

    def play(self, exchange: Exchange, put: Callable[[Step], object], now: float) -> None:
        """Plays an exchange for a door, until the door says that the client has left or has everything.

        `put` is given the steps, each in its time, by whoever holds the state: blanks while there is no answer, then
        the answer's steps but waits. The door has to `leave` the exchange in the end.
        """
        exchange.player = Player(
            exchange, put, self.timers, self.limits["keep_warm_s"], partial(self.delivery, exchange)
        )
        self._playing.add(exchange)
        exchange.player.start(now, is_answered=exchange.answer is not None)

    @property
    def services(self) -> Mapping[str, Service]:
        """The services by their names."""
        return self._services

    @property
    def waiting(self) -> int:
        """How many requests wait for anything: to be read, to be answered, or for the rest of their answer."""
        return len(self._arriving) + len(self._playing | self._waiting.keys())

    @property
    def faults(self) -> StandingFaults:
        """The standing faults."""
        return self._circumstances.faults

    def leave(self, exchange: Exchange, now: float) -> None:
        """A client has gone, or has everything.

        Before its answer, what it would have got is kept for the next poll, or not generated.
        """
        self._playing.discard(exchange)
        player, exchange.player, exchange.answered = exchange.player, None, None
        if player is not None:
            player.stop()  # the journal keeps the exchange, but not what the door had to do with it
        if exchange in self._waiting:
            del self._waiting[exchange]
            exchange.left_at = now
            exchange.leave(now)
            if self.journal is not None:
                self.journal.settled(exchange)

    def _deliver(self, exchange: Exchange, answer: Answer, now: float) -> None:
        if exchange.answer is None:
            self._waiting.pop(exchange, None)
            exchange.forwarded = answer.forwarded or exchange.forwarded
            answer = self.behaviour.answer(exchange.request, answer)
            if exchange.status is None:  # a blank may have gone out before
                exchange.status = self.status(answer)
            exchange.deliver(answer, now)
            if self.journal is not None:
                self.journal.settled(exchange)


def _message(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Message:
    return Message(status, (JSON_TYPE, (b"content-length", b"%d" % len(body)), *more), body)
