"""The circumstances of a hub's exchanges: the standing faults, the pace, and who stands in for a missing provider."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from mockserver.state.delivery import End, Take, befall
from mockserver.state.generations import Refused
from mockserver.state.lane import Lane
from mockserver.state.pacing import PacedSource, Rhythm
from mockserver.state.plan import NO_PLAN, PROVIDER_LEGS, Leg, NoFaults, Pace, Plan
from mockserver.state.sources import ForwardedSource, TokenSource, WholeReplySource
from mockserver.state.understudy import Understudy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.model import SimulatedModel
    from mockserver.state.delivery import Step
    from mockserver.state.generations import Generation
    from mockserver.state.plan import StandingFaults
    from mockserver.state.services import Service
    from mockserver.state.sources import Source
    from mockserver.state.timers import Timers


class Circumstances:
    """What the hub asks about each exchange beside its content.

    `pace` is how fast text is let out where neither the service nor the plan says otherwise; `faults` are the
    standing ones.
    """

    def __init__(
        self,
        pace: Pace | None,
        faults: StandingFaults | None,
        model: SimulatedModel,
        limits: Mapping[str, float],
        timers: Timers,
    ) -> None:
        self.faults: StandingFaults = NoFaults() if faults is None else faults
        self.pace = pace
        self._model = model
        self._limits = limits
        self._timers = timers
        self._numbers = count()
        self._understudies: dict[str, Understudy] = {}

    def forget(self, service: str, now: float) -> None:
        """Lets the model stand in anew for a service whose settings have changed."""
        understudy = self._understudies.pop(service, None)
        if understudy is not None:
            understudy.service.retire(now)

    def arriving(self, service: str, out: Callable[[Step, float], object]) -> Lane | None:
        """The lane that a request has to pass before it is read, or none where nothing befalls it.

        `out` is given the request's bytes, and `End` behind the last of them, or the step that ends the connection.
        """
        if not self.faults:
            return None
        drawn = self.faults.draw(service, Leg.CLIENT_TO_HUB)
        return Lane(befall([Take(), End()], drawn, self.faults.happened), self._timers, out) if drawn else None

    def plan(self, service: str, request: dict[str, Any]) -> Plan:
        """The standing plan for a request; `request` is empty where it cannot be read."""
        if not self.faults:
            return NO_PLAN
        generates = "message" in request and "command" not in request
        return Plan(faults=self.faults.draw(service, Leg.HUB_TO_CLIENT, generates=generates))

    def generation_plan(self, service: str) -> Plan:
        """What the standing plan adds where a generation begins."""
        return Plan(faults=self.faults.draw(service, Leg.GENERATION)) if self.faults else NO_PLAN

    def check(self, plan: Plan) -> None:
        """Whether the request may be handled at all.

        Raises:
            Refused: a fault answers it with an error.
        """
        for fault in plan.faults:
            answer = fault.refuse()
            if answer is not None:
                self.faults.happened(fault)
                raise Refused(answer)

    def rhythm(self, plan: Plan, service: Service, generation: Generation, now: float) -> Rhythm | None:
        """When each token of a generation that begins now may be let out; none for at once."""
        pace = plan.pace or service.settings.pace or self.pace
        for fault in plan.faults:
            slowed = fault.pace(pace or _AT_ONCE)
            if slowed is not (pace or _AT_ONCE):
                self.faults.happened(fault)
                pace = slowed
        return Rhythm(pace, generation.message, now) if pace is not None else None

    def source(
        self,
        provider: Service | None,
        service: Service,
        generation: Generation,
        plan: Plan,
        changed: Callable[[float], None],
    ) -> Source:
        """Where a stream's text comes from, by who is asked for it."""
        faults = plan.on(*PROVIDER_LEGS)
        if provider is None:
            return TokenSource(self._model.tokens(generation.message, generation.sampling))
        if not provider.streams_itself:
            return WholeReplySource(changed, faults)
        if provider is not service:
            # A model that stands in takes another stream under a key that was freed for the same one.
            generation = replace(generation, key=f"{next(self._numbers)}")
        return ForwardedSource(provider, generation, changed, faults)

    def paced(self, source: Source, rhythm: Rhythm | None, changed: Callable[[float], None]) -> Source:
        """The source, letting its text out by the rhythm."""
        return source if rhythm is None else PacedSource(source, rhythm, self._timers, changed)

    def provider(self, service: Service, generation: Generation, plan: Plan, now: float) -> Service | None:
        """The service whose provider is asked, or none where the hub answers by itself.

        It answers by the simulated model, or because no token is wanted; but where something is to befall the legs to
        a provider, the model stands in for one.
        """
        if not generation.sampling.max_new_len:
            return None
        if not service.answers_itself:
            return service
        name = service.settings.name
        if not plan.on(*PROVIDER_LEGS) and not self.faults.may_befall(name, *PROVIDER_LEGS):
            return None
        if name not in self._understudies:
            self._understudies[name] = Understudy(
                service.settings, self._model, self._limits, self._timers, self.faults, now
            )
        return self._understudies[name].service


_AT_ONCE = Pace()
