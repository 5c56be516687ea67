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
from mockserver.state.answers import Answer, failure, success
from mockserver.state.behaviour import Behaviour
from mockserver.state.circumstances import Circumstances
from mockserver.state.delivery import JSON_TYPE, delivery
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson
from mockserver.state.links import Link
from mockserver.state.plan import NO_PLAN, PROVIDER_LEGS, Plan
from mockserver.state.player import Player
from mockserver.state.services import Service, ServiceSettings
from mockserver.state.sources import WholeReplySource
from mockserver.state.streams import Poll, Stream
from mockserver.state.timers import Timers
from mockserver.tokens import cut
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.state.delivery import Step, Steps
    from mockserver.state.generations import Generation
    from mockserver.state.lane import Lane
    from mockserver.state.links import Wire
    from mockserver.state.pacing import Rhythm
    from mockserver.state.plan import Pace, StandingFaults

logger = logging.getLogger("mockserver")


class Exchange:
    """One post and its answer. `answered`, when it is set, is called once with the answer as soon as there is one.

    `plan` is what is to happen to the exchange besides its answer; `player` plays it, where a door wants that.
    """

    __slots__ = ("answer", "answered", "leave", "plan", "player", "request")

    def __init__(self) -> None:
        self.plan: Plan = NO_PLAN
        self.player: Player | None = None
        self.request: dict[str, Any] = {}
        self.answer: Answer | None = None
        self.answered: Callable[[], object] | None = None
        self.leave: Callable[[float], None] = lambda _: None

    def deliver(self, answer: Answer) -> None:
        """Gives the exchange its answer."""
        self.answer = answer
        if self.answered is not None:
            self.answered()


def checked_limits(changes: Mapping[str, float]) -> dict[str, float]:
    """The hub's limits with some of them changed.

    Raises:
        ValueError: a name is no hub limit, or a value is not a finite number above 0.
    """
    limits: dict[str, float] = dict(HUB_LIMITS)
    for name, value in changes.items():
        if name not in limits:
            raise ValueError(f"there is no limit {name!r}; the limits are {', '.join(sorted(limits))}")
        if not 0 < value < float("inf"):
            raise ValueError(f"the limit {name!r} must be a finite number above 0; it was {value}")
        limits[name] = value
    return limits


class HubState:
    """All that a hub knows.

    `matching_statuses` answers errors with the HTTP status that the registry names instead of 200. `pace` is how fast
    text is let out where neither the service nor the plan says otherwise. `faults` befall exchanges.
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
        now: float = 0.0,
    ) -> None:
        self.limits = checked_limits(limits or {})
        self.timers = Timers()
        self.behaviour = behaviour or Behaviour()
        self._matching_statuses = matching_statuses
        self._model = SimulatedModel()
        self._circumstances = Circumstances(pace, faults, self._model, self.limits, self.timers)
        self._services = {row.name: Service(row, self.limits, self.timers, now) for row in services}
        self._streams: dict[tuple[str, str], Stream] = {}
        self._open_streams = 0
        self._waiting: dict[Exchange, dict[str, Any]] = {}
        self._arriving: set[Lane] = set()
        self._playing: set[Exchange] = set()
        self._links: set[Link] = set()
        self._is_stopping = False

    # -- clients

    def post(
        self, path: str, body: bytes, now: float, *, content_type: str = "", access_key: str | None = None
    ) -> Exchange:
        """Takes a client's request. Whatever it holds, the exchange gets one answer."""
        exchange = Exchange()
        self._attempt(exchange, partial(self._receive, exchange, path, body, content_type, access_key), now)
        if exchange.answer is None:
            self._waiting[exchange] = exchange.request
        return exchange

    def _attempt(self, exchange: Exchange, handle: Callable[[float], None], now: float) -> None:
        """Handles an exchange, or the part of it that had to wait; what goes wrong is its answer."""
        try:
            handle(now)
        except Refused as refused:
            self._deliver(exchange, exchange.request, refused.answer)
        except Exception:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.exception("the hub failed while it handled a request")
            self._deliver(exchange, exchange.request, failure(ErrorCode.INTERNAL_ERROR, "The hub failed."))

    def _receive(
        self, exchange: Exchange, path: str, body: bytes, content_type: str, access_key: str | None, now: float
    ) -> None:
        try:
            exchange.request = self._read(body, content_type)
        finally:
            name = self.behaviour.service_name(path, self._services)
            exchange.plan = self._circumstances.plan(name, exchange.request)
        self._dispatch(exchange, path, exchange.request, access_key, now)

    def _read(self, body: bytes, content_type: str) -> dict[str, Any]:
        if self._is_stopping:
            raise Refused(failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping."))
        if len(body) > self.limits["http_body_bytes"]:
            raise Refused(self.too_large())
        try:
            return self.behaviour.read_body(body, content_type)
        except BadJson as error:
            raise Refused(failure(ErrorCode.INVALID_JSON, f"The body cannot be read: {error}.")) from None

    def status(self, answer: Answer) -> int:
        """The HTTP status that an answer goes out with."""
        return answer.matching_status if self._matching_statuses else 200

    def too_large(self) -> Answer:
        """The answer to a body over the limit, for doors that stop reading it."""
        why = f"The body is over {self.limits['http_body_bytes']:g} bytes."
        return failure(ErrorCode.REQUEST_TOO_LARGE, why)

    def _dispatch(
        self, exchange: Exchange, path: str, request: dict[str, Any], access_key: str | None, now: float
    ) -> None:
        if "command" in request:
            self._circumstances.check(exchange.plan)
            self._deliver(exchange, request, self._command(request["command"]))
            return
        name = self.behaviour.service_name(path, self._services)
        service = self._services.get(name)
        if service is None:
            raise Refused(failure(ErrorCode.UNKNOWN_SERVICE, f"There is no service {name[:80]!r} here."))
        if not service.admits(access_key):
            raise Refused(failure(ErrorCode.UNAUTHORIZED, "The service needs an access key."))
        generation = self.behaviour.read_generation(request, self.limits)
        generate = partial(self._generate, exchange, service, generation, request)
        if not exchange.plan.delay_s:
            generate(now)
            return
        # A client that leaves before the delay has passed has asked for nothing.
        timer = self.timers.at(now + exchange.plan.delay_s, partial(self._attempt, exchange, generate))
        exchange.leave = lambda _: timer.cancel()

    def _generate(
        self, exchange: Exchange, service: Service, generation: Generation, request: dict[str, Any], now: float
    ) -> None:
        self._circumstances.check(exchange.plan)
        if generation.key:
            self._poll(exchange, service, generation, request, now)
        else:
            self._whole_reply(exchange, service, generation, request, now)

    def _command(self, command: object) -> Answer:
        if command == "getmodels":
            return Answer(self.behaviour.models(list(self._services.values())))
        return failure(ErrorCode.UNKNOWN_COMMAND, "The hub knows the command getmodels only.")

    def _whole_reply(
        self, exchange: Exchange, service: Service, generation: Generation, request: dict[str, Any], now: float
    ) -> None:
        rhythm = self._circumstances.rhythm(exchange.plan, service, generation, now)
        provider = self._circumstances.provider(service, generation, exchange.plan, now)
        if provider is None:
            self.behaviour.count(service, now, is_new=True)
            tokens = list(self._model.tokens(generation.message, generation.sampling))
            self._let_out(exchange, request, success("".join(tokens)), rhythm, now, len(tokens))
            return
        frame = provider.frame(generation.members)
        provider.check_room(now)
        self.behaviour.count(service, now, is_new=True)
        faults = exchange.plan.on(*PROVIDER_LEGS)
        job = provider.submit(
            frame, lambda answer, at: self._let_out(exchange, request, answer, rhythm, at), now, faults=faults
        )
        exchange.leave = job.cancel

    def _let_out(
        self,
        exchange: Exchange,
        request: dict[str, Any],
        answer: Answer,
        rhythm: Rhythm | None,
        now: float,
        tokens: int | None = None,
    ) -> None:
        """Delivers a whole reply when the last of its tokens is due; the hub counts them where nobody has."""
        if rhythm is None or answer.code or not isinstance(answer.content, dict):
            self._deliver(exchange, request, answer)
            return
        count = len(cut(answer.content["reply"])) if tokens is None else tokens
        if not count or (due := rhythm.due(count - 1)) <= now:
            self._deliver(exchange, request, answer)
            return
        timer = self.timers.at(due, lambda _: self._deliver(exchange, request, answer))
        exchange.leave = lambda _: timer.cancel()

    # -- streams

    def _poll(
        self, exchange: Exchange, service: Service, generation: Generation, request: dict[str, Any], now: float
    ) -> None:
        name = self.behaviour.stream_name(service, generation)
        stream = self._streams.get(name)
        if stream is not None and not stream.gives_way_to(generation.message):
            self.behaviour.count(service, now, is_new=False)
        else:
            provider = self._circumstances.provider(service, generation, exchange.plan, now)
            self._check_new_stream(provider, generation, now)
            self.behaviour.count(service, now, is_new=True)
            if stream is not None:
                stream.restart(now)
            rhythm = self._circumstances.rhythm(exchange.plan, service, generation, now)
            stream = self._open(name, service, provider, generation, rhythm, exchange.plan, now)
        poll = Poll(generation, lambda answer: self._deliver(exchange, request, answer))
        exchange.leave = partial(stream.leave, poll)
        stream.poll(poll, generation.message, now)

    def _check_new_stream(self, provider: Service | None, generation: Generation, now: float) -> None:
        if generation.seq:
            why = "The hub knows no stream with this key, and `seq` is above 0."
            raise Refused(failure(ErrorCode.STREAM_EXPIRED, why))
        if self._open_streams >= self.limits["open_streams"]:
            raise Refused(failure(ErrorCode.STREAM_LIMIT, f"The hub holds {self._open_streams} open streams."))
        if provider is not None:
            provider.check_room(now)
            provider.frame(
                generation.poll_members(generation.gettokens) if provider.streams_itself else generation.members
            )

    def _open(
        self,
        name: tuple[str, str],
        service: Service,
        provider: Service | None,
        generation: Generation,
        rhythm: Rhythm | None,
        plan: Plan,
        now: float,
    ) -> Stream:
        stream = Stream(
            generation.message, self.limits, self.timers, now, self._finished, lambda: self._close(name, stream)
        )
        self._streams[name] = stream
        self._open_streams += 1
        source = self._circumstances.source(provider, service, generation, plan, stream.serve)
        stream.source = self.behaviour.source(self._circumstances.paced(source, rhythm, stream.serve))
        if isinstance(source, WholeReplySource) and provider is not None:
            source.start(provider, provider.frame(generation.members), now)
        return stream

    def _finished(self) -> None:
        self._open_streams -= 1

    def _close(self, name: tuple[str, str], stream: Stream) -> None:
        if self._streams.get(name) is stream:
            del self._streams[name]

    # -- providers

    def connect(self, wire: Wire, now: float) -> Link:
        """Takes a provider's new connection."""
        link = Link(self._services.get, wire, self.limits, self.timers, now, self.faults)
        self._links.add(link)
        return link

    def disconnect(self, link: Link, now: float) -> None:
        """A provider's connection is over."""
        self._links.discard(link)
        link.close(now)

    # -- the end

    def stop(self, now: float) -> None:
        """Answers everything that waits with code 16 and closes every link."""
        self._is_stopping = True
        answer = failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping.")
        for stream in list(self._streams.values()):
            stream.stop(answer, now)
        self._streams.clear()
        for exchange, request in list(self._waiting.items()):
            exchange.leave(now)
            self._deliver(exchange, request, answer)
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
        lane = self._circumstances.arriving(self.behaviour.service_name(path, self._services), out)
        if lane is not None:
            self._arriving.add(lane)
        return lane

    def arrived(self, lane: Lane) -> None:
        """The request on a lane is there, or its client has left."""
        self._arriving.discard(lane)
        lane.stop()

    def delivery(self, exchange: Exchange) -> Steps:
        """An answered exchange as steps on the wire, after everything that befalls them."""
        answer = exchange.answer
        if answer is None:
            raise RuntimeError("an exchange has no steps before its answer")
        body = self.behaviour.render(answer)
        headers = (JSON_TYPE, (b"content-length", b"%d" % len(body)))
        return delivery(self.status(answer), headers, body, exchange.plan, self.faults.happened)

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
        if exchange.player is not None:
            exchange.player.stop()
        if self._waiting.pop(exchange, None) is not None:
            exchange.leave(now)

    def _deliver(self, exchange: Exchange, request: dict[str, Any], answer: Answer) -> None:
        if exchange.answer is None:
            self._waiting.pop(exchange, None)
            exchange.deliver(self.behaviour.answer(request, answer))
