"""The hub without its sockets: posts and provider bytes in, answers and frames out.

It reads no clock, no random source and no socket: whoever runs it says what time it is, in seconds of any steady
clock, and calls `timers.run(now)` when `timers.next()` is due. Every post is answered exactly once, perhaps before
`post` returns.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mockserver.model import SimulatedModel
from mockserver.state.answers import shutting_down
from mockserver.state.behaviour import Behaviour
from mockserver.state.circumstances import Circumstances
from mockserver.state.cors import answer_headers
from mockserver.state.delivery import delivery
from mockserver.state.exchanges import Exchange
from mockserver.state.limits import checked_limits
from mockserver.state.messages import Messages
from mockserver.state.open_streams import OpenStreams
from mockserver.state.player import Player
from mockserver.state.reception import Reception
from mockserver.state.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.journal import Journal
    from mockserver.rules import RuleBook
    from mockserver.state.answers import Answer
    from mockserver.state.delivery import Step, Steps
    from mockserver.state.lane import Lane
    from mockserver.state.links import Link, Wire
    from mockserver.state.plan import Pace, StandingFaults
    from mockserver.state.service_settings import ServiceSettings
    from mockserver.state.services import Service

__all__ = ["Exchange", "HubState"]


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
        model = SimulatedModel()
        self._circumstances = Circumstances(pace, faults, model, self.limits, self.timers)
        self._services = {row.name: self._new_service(row, now) for row in services}
        self._streams = OpenStreams(self.behaviour, self._circumstances, self.limits, self.timers)
        self.messages = Messages(self.behaviour, matching_statuses=matching_statuses, cors=cors)
        self._reception = Reception(
            self._services,
            self.behaviour,
            self.limits,
            self.timers,
            self._circumstances,
            self._streams,
            model,
            self._deliver,
        )
        self._waiting: dict[Exchange, None] = {}
        self._arriving: set[Lane] = set()
        self._playing: set[Exchange] = set()
        self._links: set[Link] = set()
        self._connections = 0
        self._posts = 0

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
        self.messages.cors, self.messages.matching_statuses, self._circumstances.pace = cors, matching_statuses, pace
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
        if self.messages.cors:
            exchange.headers = answer_headers(origin)
        self._reception.receive(exchange, body, content_type, access_key, self.rules, now)
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
        self._reception.is_stopping = True
        answer = shutting_down()
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

    def delivery(self, exchange: Exchange) -> Steps:
        """An answered exchange as steps on the wire, after everything that befalls them."""
        return delivery(self.messages.of(exchange), exchange.plan, self.faults.happened)

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
                exchange.status = self.messages.status(answer)
            exchange.deliver(answer, now)
            if self.journal is not None:
                self.journal.settled(exchange)
