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
        self._waiting: dict[Exchange, None] = {}
        self._links: set[Link] = set()
        self._connections = 0
        self._posts = 0
        self._is_stopping = False

    # -- clients

    def post(
        self, path: str, body: bytes, now: float, *, content_type: str = "", access_key: str | None = None
    ) -> Exchange:
        """Takes a client's request. Whatever it holds, the exchange gets one answer."""
        self._posts += 1
        exchange = Exchange(self._posts, path, now)
        if self.journal is not None:
            self.journal.begin(exchange)
        try:
            exchange.request = self._read(body, content_type)
            self._dispatch(exchange, access_key, now)
        except Refused as refused:
            self._deliver(exchange, refused.answer, now)
        except Exception:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.exception("the hub failed while it handled a request")
            self._deliver(exchange, failure(ErrorCode.INTERNAL_ERROR, "The hub failed."), now)
        if exchange.answer is None:
            self._waiting[exchange] = None
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

    def _dispatch(self, exchange: Exchange, access_key: str | None, now: float) -> None:
        exchange.service = self.behaviour.service_name(exchange.path, self._services)
        asked = self._check(exchange, access_key)
        if self.rules is not None:
            self._ask(self.rules, exchange, is_valid=not isinstance(asked, Answer))
        self._handle(exchange, asked, now)

    def _check(self, exchange: Exchange, access_key: str | None) -> Asked | Answer | None:
        """What is to be generated, or the answer to a request that deserves no generation; None for a command."""
        name, request = exchange.service, exchange.request
        if "command" in request:
            return None
        exchange.poll = 1 if request.get("key") else 0
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
        exchange.poll, exchange.begins = self._streams.next_poll(stream_name, generation.message)
        return Asked(service, generation, stream_name)

    @staticmethod
    def _ask(rules: RuleBook, exchange: Exchange, *, is_valid: bool) -> None:
        """Lets the rules say what is answered and what befalls the exchange."""
        call = Call(exchange.service, exchange.request, exchange.poll, exchange.begins, is_valid)
        exchange.verdict = rules.match(call)
        exchange.plan |= exchange.verdict.plan

    def _handle(self, exchange: Exchange, asked: Asked | Answer | None, now: float) -> None:
        """Answers a request, now or as soon as there is an answer.

        Raises:
            Refused: it is answered with an error.
        """
        if exchange.verdict.refusal is not None:
            raise Refused(exchange.verdict.refusal)
        if asked is None:
            self._deliver(exchange, self._command(exchange.request["command"]), now)
        elif isinstance(asked, Answer):
            raise Refused(asked)
        elif asked.generation.key:
            self._poll(exchange, asked, now)
        else:
            self._whole_reply(exchange, asked, now)

    def _command(self, command: object) -> Answer:
        if command == "getmodels":
            return Answer(self.behaviour.models(list(self._services.values())))
        return failure(ErrorCode.UNKNOWN_COMMAND, "The hub knows the command getmodels only.")

    def _whole_reply(self, exchange: Exchange, asked: Asked, now: float) -> None:
        service, generation = asked.service, asked.generation
        scripted = exchange.verdict.reply
        if scripted is not None or service.needs_no_provider(generation):
            self.behaviour.count(service, now, is_new=True)
            answer = scripted.whole(generation) if scripted else success("".join(self._generate(generation)))
            self._deliver(exchange, answer, now)
            return
        frame = service.frame(generation.members)
        service.check_room(now)
        self.behaviour.count(service, now, is_new=True)
        job = service.submit(frame, partial(self._deliver, exchange), now)
        exchange.leave = job.cancel
        exchange.forwarded = job.forwarded

    def _poll(self, exchange: Exchange, asked: Asked, now: float) -> None:
        stream = self._streams.stream_for(asked, exchange.verdict, now)
        poll = Poll(asked.generation, partial(self._deliver, exchange))
        exchange.leave = partial(stream.leave, poll)
        exchange.stream_rule = stream.rule
        stream.poll(poll, asked.generation.message, now)

    def _generate(self, generation: Generation) -> Iterator[str]:
        return iter(self._model.tokens(generation.message, generation.sampling))

    # -- providers

    def connect(self, wire: Wire, now: float) -> Link:
        """Takes a provider's new connection."""
        self._connections += 1
        link = Link(self._services.get, wire, self.limits, self.timers, now, number=self._connections)
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
        for exchange in list(self._waiting):
            exchange.leave(now)
            self._deliver(exchange, answer, now)
        for link in list(self._links):
            self.disconnect(link, now)

    def leave(self, exchange: Exchange, now: float) -> None:
        """A client has gone before its answer: what it would have got is kept for the next poll, or not generated."""
        if exchange in self._waiting:
            del self._waiting[exchange]
            exchange.left_at = now
            exchange.leave(now)
            if self.journal is not None:
                self.journal.settled()

    def _deliver(self, exchange: Exchange, answer: Answer, now: float) -> None:
        if exchange.answer is None:
            self._waiting.pop(exchange, None)
            exchange.forwarded = answer.forwarded or exchange.forwarded
            exchange.deliver(self.behaviour.answer(exchange.request, answer), now)
            if self.journal is not None:
                self.journal.settled()
