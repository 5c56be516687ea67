"""Whole replies: a rule's, the simulated model's or a provider's, each let out when its last token is due."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mockserver.state.answers import Answer, success
from mockserver.state.plan import PROVIDER_LEGS
from mockserver.tokens import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.model import SimulatedModel
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.circumstances import Circumstances
    from mockserver.state.exchanges import Asked, Exchange
    from mockserver.state.pacing import Rhythm
    from mockserver.state.timers import Timers

    Deliver = Callable[[Answer, float], None]


class WholeReplies:
    """Answers the requests of a hub that want the whole reply."""

    def __init__(
        self, behaviour: Behaviour, circumstances: Circumstances, model: SimulatedModel, timers: Timers
    ) -> None:
        self._behaviour = behaviour
        self._circumstances = circumstances
        self._model = model
        self._timers = timers

    def reply(self, exchange: Exchange, asked: Asked, deliver: Deliver, now: float) -> None:
        """Has the reply delivered, now or as soon as it is there and due.

        Raises:
            Refused: the request cannot be taken, or a quota is used up.
        """
        service, generation = asked.service, asked.generation
        rhythm = self._circumstances.rhythm(exchange.plan, service, generation, now)
        let_out = partial(self._let_out, exchange, rhythm, deliver)
        scripted = exchange.verdict.reply
        if scripted is not None:
            self._behaviour.count(service, now, is_new=True)
            let_out(scripted.whole(generation), now)
            return
        provider = self._circumstances.provider(service, generation, exchange.plan, now)
        if provider is None:
            self._behaviour.count(service, now, is_new=True)
            tokens = list(self._model.tokens(generation.message, generation.sampling))
            let_out(success("".join(tokens)), now, len(tokens))
            return
        frame = provider.frame(generation.members)
        provider.check_room(now)
        self._behaviour.count(service, now, is_new=True)
        job = provider.submit(frame, let_out, now, faults=exchange.plan.on(*PROVIDER_LEGS))
        exchange.leave = job.cancel
        exchange.forwarded = job.forwarded

    def _let_out(
        self,
        exchange: Exchange,
        rhythm: Rhythm | None,
        deliver: Deliver,
        answer: Answer,
        now: float,
        tokens: int | None = None,
    ) -> None:
        """Delivers a reply when the last of its tokens is due; the hub counts them where nobody has."""
        if rhythm is None or answer.code or not isinstance(answer.content, dict):
            deliver(answer, now)
            return
        count = len(cut(answer.content["reply"])) if tokens is None else tokens
        if not count or (due := rhythm.due(count - 1)) <= now:
            deliver(answer, now)
            return
        timer = self._timers.at(due, partial(deliver, answer))
        exchange.leave = lambda _: timer.cancel()
