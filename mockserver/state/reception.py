"""What becomes of a post: it is read, admitted, shown to the rules, and answered, or sent where its answer is made."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.state.admission import Admission
from mockserver.state.answers import Answer, failure, shutting_down
from mockserver.state.exchanges import Asked, Call
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson
from mockserver.state.plan import NO_PLAN
from mockserver.state.streams import Poll
from mockserver.state.whole_replies import WholeReplies
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.model import SimulatedModel
    from mockserver.rules import RuleBook
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.circumstances import Circumstances
    from mockserver.state.exchanges import Exchange
    from mockserver.state.open_streams import OpenStreams
    from mockserver.state.services import Service
    from mockserver.state.timers import Timers

logger = logging.getLogger("mockserver")


class Reception:
    """Receives the posts of one hub. `deliver` is called once for each of them, now or later."""

    def __init__(
        self,
        services: Mapping[str, Service],
        behaviour: Behaviour,
        limits: Mapping[str, float],
        timers: Timers,
        circumstances: Circumstances,
        streams: OpenStreams,
        model: SimulatedModel,
        deliver: Callable[[Exchange, Answer, float], None],
    ) -> None:
        self.is_stopping = False
        """Whether everybody is sent away, because the hub stops."""
        self._services = services
        self._behaviour = behaviour
        self._limits = limits
        self._timers = timers
        self._circumstances = circumstances
        self._streams = streams
        self._deliver = deliver
        self._admission = Admission(services, behaviour, limits, streams)
        self._whole = WholeReplies(behaviour, circumstances, model, timers)

    def receive(
        self,
        exchange: Exchange,
        body: bytes | None,
        content_type: str,
        access_key: str | None,
        rules: RuleBook | None,
        now: float,
    ) -> None:
        """Takes a post; what goes wrong is its answer."""
        try:
            self._read(exchange, body, content_type)
            asked = self._admission.check(exchange, access_key)
            if self._circumstances.faults and isinstance(asked, Asked) and exchange.begins:
                exchange.plan |= self._circumstances.generation_plan(exchange.service)
            if rules:
                self._ask(rules, exchange, is_valid=not isinstance(asked, Answer))
            if exchange.plan.delay_s:
                timer = self._timers.at(now + exchange.plan.delay_s, partial(self._handle_late, exchange, asked))
                exchange.leave = lambda _: timer.cancel()  # who leaves before that time has asked for nothing
            else:
                self._handle(exchange, asked, now)
        except Exception as error:  # noqa: BLE001 - every post is answered
            self._refuse(exchange, error, now)

    def _refuse(self, exchange: Exchange, error: Exception, now: float) -> None:
        """What went wrong is the answer."""
        if isinstance(error, Refused):
            answer = error.answer
        else:
            # The one place where a fault of the hub's own becomes an answer (code 1); the log tells what it was.
            logger.error("the hub failed while it handled a request", exc_info=error)
            answer = failure(ErrorCode.INTERNAL_ERROR, "The hub failed.")
        self._deliver(exchange, answer, now)

    def _read(self, exchange: Exchange, body: bytes | None, content_type: str) -> None:
        """Reads what is asked, and plans what befalls the exchange, whether it could be read or not.

        Raises:
            Refused: it is answered with an error.
        """
        try:
            exchange.request = self._request(body, content_type)
        finally:
            exchange.service = self._behaviour.service_name(exchange.path, self._services)
            exchange.plan = self._circumstances.plan(exchange.service, exchange.request)

    def _request(self, body: bytes | None, content_type: str) -> dict[str, Any]:
        if self.is_stopping:
            raise Refused(shutting_down())
        if body is None or len(body) > self._limits["http_body_bytes"]:
            why = f"The body is over {self._limits['http_body_bytes']:g} bytes."
            raise Refused(failure(ErrorCode.REQUEST_TOO_LARGE, why))
        try:
            return self._behaviour.read_body(body, content_type)
        except BadJson as error:
            raise Refused(failure(ErrorCode.INVALID_JSON, f"The body cannot be read: {error}.")) from None

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

    def _handle_late(self, exchange: Exchange, asked: Asked | Answer | None, now: float) -> None:
        """Answers a request that had to wait; what goes wrong is its answer."""
        try:
            self._handle(exchange, asked, now)
        except Exception as error:  # noqa: BLE001 - every post is answered
            self._refuse(exchange, error, now)

    def _command(self, command: object) -> Answer:
        if command == "getmodels":
            return Answer(self._behaviour.models(list(self._services.values())))
        return failure(ErrorCode.UNKNOWN_COMMAND, "The hub knows the command getmodels only.")

    def _poll(self, exchange: Exchange, asked: Asked, now: float) -> None:
        stream = self._streams.stream_for(asked, exchange.plan, exchange.verdict, now)
        poll = Poll(asked.generation, partial(self._deliver, exchange))
        exchange.leave = partial(stream.leave, poll)
        exchange.stream_rule = stream.rule
        stream.poll(poll, asked.generation.message, now)
