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
from mockserver.state.exchanges import Asked, Call, Exchange
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson
from mockserver.state.links import Link
from mockserver.state.open_streams import OpenStreams
from mockserver.state.services import Service, ServiceSettings
from mockserver.state.streams import Poll
from mockserver.state.timers import Timers
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mockserver.journal import Journal
    from mockserver.rules import RuleBook
    from mockserver.state.generations import Generation
    from mockserver.state.links import Wire

__all__ = ["Exchange", "HubState", "checked_limits"]

logger = logging.getLogger("mockserver")


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

    `matching_statuses` answers errors with the HTTP status that the registry names instead of 200. `rules` are asked
    once a POST, and every exchange is laid down in the `journal`, where there is one.
    """

    def __init__(
        self,
        services: Iterable[ServiceSettings],
        *,
        limits: Mapping[str, float] | None = None,
        behaviour: Behaviour | None = None,
        matching_statuses: bool = False,
        rules: RuleBook | None = None,
        journal: Journal | None = None,
        now: float = 0.0,
    ) -> None:
        self.limits = checked_limits(limits or {})
        self.timers = Timers()
        self.behaviour = behaviour or Behaviour()
        self.rules = rules
        self.journal = journal
        self._matching_statuses = matching_statuses
        self._model = SimulatedModel()
        self._services = {row.name: Service(row, self.limits, self.timers, now) for row in services}
        self._streams = OpenStreams(self.behaviour, self.limits, self.timers, self._generate)
        self._waiting: dict[Exchange, dict[str, Any]] = {}
        self._links: set[Link] = set()
        self._is_stopping = False

    # -- clients

    def post(
        self, path: str, body: bytes, now: float, *, content_type: str = "", access_key: str | None = None
    ) -> Exchange:
        """Takes a client's request. Whatever it holds, the exchange gets one answer."""
        exchange = Exchange(self.journal.begin(path, now) if self.journal is not None else None)
        request: dict[str, Any] = {}
        try:
            request = self._read(body, content_type)
            self._dispatch(exchange, path, request, access_key, now)
        except Refused as refused:
            self._deliver(exchange, request, refused.answer, now)
        except Exception:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.exception("the hub failed while it handled a request")
            self._deliver(exchange, request, failure(ErrorCode.INTERNAL_ERROR, "The hub failed."), now)
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
        name = self.behaviour.service_name(path, self._services)
        if exchange.entry is not None:
            exchange.entry.asks(name, request)
        asked = self._check(name, request, access_key)
        self._ask_rules(exchange, name, request, asked)
        self._handle(exchange, request, asked, now)

    def _check(self, name: str, request: dict[str, Any], access_key: str | None) -> Asked | Answer | None:
        """What is to be generated, or the answer to a request that deserves no generation; None for a command."""
        if "command" in request:
            return None
        service = self._services.get(name)
        if service is None:
            return failure(ErrorCode.UNKNOWN_SERVICE, f"There is no service {name[:80]!r} here.")
        if not service.admits(access_key):
            return failure(ErrorCode.UNAUTHORIZED, "The service needs an access key.")
        try:
            generation = self.behaviour.read_generation(request, self.limits)
        except Refused as refused:
            return refused.answer
        if not generation.key:
            return Asked(service, generation)
        stream_name = self.behaviour.stream_name(service, generation)
        return Asked(service, generation, stream_name, *self._streams.next_poll(stream_name, generation.message))

    def _ask_rules(self, exchange: Exchange, name: str, request: dict[str, Any], asked: Asked | Answer | None) -> None:
        """Lets the rules say what is answered to a request and what befalls it."""
        if self.rules is None:
            return
        if isinstance(asked, Asked):
            exchange.verdict = self.rules.match(Call(name, request, asked.poll, asked.begins))
        else:
            poll = 1 if request.get("key") else 0
            exchange.verdict = self.rules.match(Call(name, request, poll, is_valid=asked is None))
        exchange.plan |= exchange.verdict.plan
        if exchange.entry is not None:
            exchange.entry.judged(exchange.verdict)

    def _handle(self, exchange: Exchange, request: dict[str, Any], asked: Asked | Answer | None, now: float) -> None:
        """Answers a request, now or as soon as there is an answer.

        Raises:
            Refused: it is answered with an error.
        """
        if exchange.verdict.refusal is not None:
            raise Refused(exchange.verdict.refusal)
        if asked is None:
            self._deliver(exchange, request, self._command(request["command"]), now)
        elif isinstance(asked, Answer):
            raise Refused(asked)
        elif asked.generation.key:
            self._poll(exchange, asked, request, now)
        else:
            self._whole_reply(exchange, asked, request, now)

    def _command(self, command: object) -> Answer:
        if command == "getmodels":
            return Answer(self.behaviour.models(list(self._services.values())))
        return failure(ErrorCode.UNKNOWN_COMMAND, "The hub knows the command getmodels only.")

    def _whole_reply(self, exchange: Exchange, asked: Asked, request: dict[str, Any], now: float) -> None:
        service, generation = asked.service, asked.generation
        scripted = exchange.verdict.reply
        if scripted is not None or service.needs_no_provider(generation):
            self.behaviour.count(service, now, is_new=True)
            answer = (
                scripted.whole(generation) if scripted is not None else success("".join(self._generate(generation)))
            )
            self._deliver(exchange, request, answer, now)
            return
        frame = service.frame(generation.members)
        service.check_room(now)
        self.behaviour.count(service, now, is_new=True)
        job = service.submit(frame, lambda answer, at: self._deliver(exchange, request, answer, at), now)
        exchange.leave = job.cancel

    def _poll(self, exchange: Exchange, asked: Asked, request: dict[str, Any], now: float) -> None:
        stream = self._streams.stream_for(asked, exchange.verdict, now)
        poll = Poll(asked.generation, lambda answer, at: self._deliver(exchange, request, answer, at))
        exchange.leave = partial(stream.leave, poll)
        stream.poll(poll, asked.generation.message, now)

    def _generate(self, generation: Generation) -> Iterator[str]:
        return iter(self._model.tokens(generation.message, generation.sampling))

    # -- providers

    def connect(self, wire: Wire, now: float) -> Link:
        """Takes a provider's new connection."""
        link = Link(self._services.get, wire, self.limits, self.timers, now)
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
        self._streams.stop(answer, now)
        for exchange, request in list(self._waiting.items()):
            exchange.leave(now)
            self._deliver(exchange, request, answer, now)
        for link in list(self._links):
            self.disconnect(link, now)

    def leave(self, exchange: Exchange, now: float) -> None:
        """A client has gone before its answer: what it would have got is kept for the next poll, or not generated."""
        if self._waiting.pop(exchange, None) is not None:
            if self.journal is not None and exchange.entry is not None:
                self.journal.left(exchange.entry, now)
            exchange.leave(now)

    def _deliver(self, exchange: Exchange, request: dict[str, Any], answer: Answer, now: float) -> None:
        if exchange.answer is None:
            self._waiting.pop(exchange, None)
            answer = self.behaviour.answer(request, answer)
            if self.journal is not None and exchange.entry is not None:
                self.journal.answered(exchange.entry, answer, now)
            exchange.deliver(answer)
