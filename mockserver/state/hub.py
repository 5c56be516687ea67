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
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson
from mockserver.state.sources import ForwardedSource, TokenSource, WholeReplySource
from mockserver.state.streams import Poll
from mockserver.state.timers import Timers
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.links import Link, Wire
    from mockserver.state.services import Service, ServiceSettings
    from mockserver.state.streams import Stream

logger = logging.getLogger("mockserver")


class Exchange:
    """One post and its answer. `answered`, when it is set, is called once with the answer as soon as there is one."""

    __slots__ = ("answer", "answered", "leave")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.answered: Callable[[], None] | None = None
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


def _needs_no_provider(service: Service, generation: Generation) -> bool:
    """Whether the hub answers by itself: by the simulated model, or because no token is wanted."""
    return service.answers_itself or not generation.sampling.max_new_len


class HubState:
    """All that a hub knows."""

    def __init__(
        self,
        services: Iterable[ServiceSettings],
        *,
        limits: Mapping[str, float] | None = None,
        behaviour: Behaviour | None = None,
        now: float = 0.0,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.limits = self.behaviour.kept_limits(checked_limits(limits or {}))
        self.timers = Timers()
        self._model = SimulatedModel()
        self._services = {row.name: self.behaviour.service_type(row, self.limits, self.timers, now) for row in services}
        self._streams: dict[tuple[str, str], Stream] = {}
        self._open_streams = 0
        self._waiting: dict[Exchange, dict[str, Any]] = {}
        self._links: set[Link] = set()
        self._is_stopping = False

    # -- clients

    def post(
        self, path: str, body: bytes, now: float, *, content_type: str = "", access_key: str | None = None
    ) -> Exchange:
        """Takes a client's request. Whatever it holds, the exchange gets one answer."""
        exchange = Exchange()
        request: dict[str, Any] = {}
        try:
            request = self._read(body, content_type)
            self._dispatch(exchange, path, request, access_key, now)
        except Refused as refused:
            self._deliver(exchange, request, refused.answer)
        except Exception:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.exception("the hub failed while it handled a request")
            self._deliver(exchange, request, failure(ErrorCode.INTERNAL_ERROR, "The hub failed."))
        if exchange.answer is None:
            self._waiting[exchange] = request
        return exchange

    def _read(self, body: bytes, content_type: str) -> dict[str, Any]:
        if self._is_stopping:
            raise Refused(failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping."))
        if len(body) > self.limits["http_body_bytes"]:
            raise Refused(self.too_large())
        try:
            return self.behaviour.read_body(body, content_type)
        except BadJson as error:
            raise Refused(failure(ErrorCode.INVALID_JSON, f"The body cannot be read: {error}.")) from None

    def too_large(self) -> Answer:
        """The answer to a body over the limit, for doors that stop reading it."""
        why = f"The body is over {self.limits['http_body_bytes']:g} bytes."
        return failure(ErrorCode.REQUEST_TOO_LARGE, why)

    def _dispatch(
        self, exchange: Exchange, path: str, request: dict[str, Any], access_key: str | None, now: float
    ) -> None:
        if "command" in request:
            self.behaviour.check_access(None, access_key, request)
            self._deliver(exchange, request, self._command(request["command"]))
            return
        name = self.behaviour.service_name(path, self._services)
        service = self._services.get(name)
        if service is None:
            raise Refused(failure(ErrorCode.UNKNOWN_SERVICE, f"There is no service {name[:80]!r} here."))
        self.behaviour.check_access(service, access_key, request)
        generation = self.behaviour.read_generation(request, self.limits)
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
        if _needs_no_provider(service, generation):
            self.behaviour.count(service, now, is_new=True)
            tokens = self._model.tokens(generation.message, generation.sampling)
            self._deliver(exchange, request, success("".join(tokens)))
            return
        frame = service.frame(generation.members)
        service.check_room(now)
        self.behaviour.count(service, now, is_new=True)
        job = service.submit(frame, lambda answer, _: self._deliver(exchange, request, answer), now)
        exchange.leave = job.cancel

    # -- streams

    def _poll(
        self, exchange: Exchange, service: Service, generation: Generation, request: dict[str, Any], now: float
    ) -> None:
        name = self.behaviour.stream_name(service, generation)
        stream = self._streams.get(name)
        if stream is not None and not stream.gives_way_to(generation.message):
            self.behaviour.count(service, now, is_new=False)
        else:
            self._check_new_stream(service, generation, now)
            self.behaviour.count(service, now, is_new=True)
            if stream is not None:
                stream.restart(now)
            stream = self._open(name, service, generation, now)
        poll = Poll(generation, lambda answer: self._deliver(exchange, request, answer))
        exchange.leave = partial(stream.leave, poll)
        stream.poll(poll, generation.message, now)

    def _check_new_stream(self, service: Service, generation: Generation, now: float) -> None:
        if generation.seq:
            why = "The hub knows no stream with this key, and `seq` is above 0."
            raise Refused(failure(ErrorCode.STREAM_EXPIRED, why))
        if self._open_streams >= self.limits["open_streams"]:
            raise Refused(failure(ErrorCode.STREAM_LIMIT, f"The hub holds {self._open_streams} open streams."))
        if not _needs_no_provider(service, generation):
            service.check_room(now)
            service.frame(
                generation.poll_members(generation.gettokens) if service.streams_itself else generation.members
            )

    def _open(self, name: tuple[str, str], service: Service, generation: Generation, now: float) -> Stream:
        stream = self.behaviour.stream_type(
            generation.message, self.limits, self.timers, now, self._finished, lambda: self._close(name, stream)
        )
        self._streams[name] = stream
        self._open_streams += 1
        if _needs_no_provider(service, generation):
            tokens = self._model.tokens(generation.message, generation.sampling)
            stream.source = self.behaviour.source(TokenSource(iter(tokens)))
        elif service.streams_itself:
            stream.source = self.behaviour.source(ForwardedSource(service, generation, stream.serve))
        else:
            source = WholeReplySource(stream.serve)
            stream.source = self.behaviour.source(source)
            source.start(service, service.frame(generation.members), now)
        return stream

    def _finished(self) -> None:
        self._open_streams -= 1

    def _close(self, name: tuple[str, str], stream: Stream) -> None:
        if self._streams.get(name) is stream:
            del self._streams[name]

    # -- providers

    def connect(self, wire: Wire, now: float) -> Link:
        """Takes a provider's new connection."""
        link = self.behaviour.link_type(self._services.get, wire, self.limits, self.timers, now)
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
        for link in list(self._links):
            self.disconnect(link, now)

    def leave(self, exchange: Exchange, now: float) -> None:
        """A client has gone before its answer: what it would have got is kept for the next poll, or not generated."""
        if self._waiting.pop(exchange, None) is not None:
            exchange.leave(now)

    def _deliver(self, exchange: Exchange, request: dict[str, Any], answer: Answer) -> None:
        if exchange.answer is None:
            self._waiting.pop(exchange, None)
            exchange.deliver(self.behaviour.answer(request, answer))
