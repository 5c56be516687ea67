"""What is to happen to one exchange besides its answer: a delay, a pace, faults.

A plan is data. The hub has a standing one, a rule may lay its own over it, and the state and the doors act on what
comes out. Times are seconds of the hub's clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.delivery import Steps


class Leg(StrEnum):
    """Where on its way something befalls an exchange."""

    CLIENT_TO_HUB = "client->hub"
    HUB_TO_CLIENT = "hub->client"
    HUB_TO_PROVIDER = "hub->provider"
    PROVIDER_TO_HUB = "provider->hub"
    GENERATION = "generation"
    """No wire, but the making of the text."""


PROVIDER_LEGS = (Leg.HUB_TO_PROVIDER, Leg.PROVIDER_TO_HUB)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast text is let out: no token before its time.

    Token number k, from 0, is due `first_token_s + k / tokens_per_s` seconds after the generation began; a pace that
    has a `jitter` moves each of them by at most half that share of the gap between two, as `seed` and the prompt draw.

    Raises:
        ValueError: a value is out of range.
    """

    first_token_s: float = 0.0
    tokens_per_s: float = math.inf
    jitter: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if not 0 <= self.first_token_s < math.inf:
            raise ValueError(f"`first_token_s` must be a finite number of seconds from 0; it was {self.first_token_s}")
        if not self.tokens_per_s > 0:
            raise ValueError(f"`tokens_per_s` must be above 0; it was {self.tokens_per_s}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"`jitter` must be between 0 and 1; it was {self.jitter}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one exchange on one leg. This one changes nothing; `mockserver.faults.fault` makes those that do.

    `settings` are all settings of the fault by their names; `seed` is what it draws from. `piece` is the piece of a
    stream that it befalls, from 1, on the provider's legs; none means the first request that goes there.
    """

    on_wire: ClassVar[bool] = False
    """Whether it alters steps."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    leg: Leg = Leg.HUB_TO_CLIENT
    seed: int = 0
    piece: int | None = None

    def alter(self, steps: Steps) -> Steps:
        """What becomes of the steps of the fault's leg; the same list where nothing does."""
        return steps

    def refuse(self) -> Answer | None:
        """What the request is answered with instead of being handled, if anything."""
        return None

    def pace(self, pace: Pace) -> Pace:
        """What becomes of the pace."""
        return pace


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to one exchange besides its answer.

    `delay_s` passes before the request is handled at all. Without a `pace` text is there at once. `faults` befall the
    exchange in their order.

    Raises:
        ValueError: the delay is out of range.
    """

    delay_s: float = 0.0
    pace: Pace | None = None
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        """Checks the delay."""
        if not 0 <= self.delay_s < math.inf:
            raise ValueError(f"`delay_s` must be a finite number of seconds from 0; it was {self.delay_s}")

    def __or__(self, over: Plan) -> Plan:
        """`over` laid over this plan: the delays add up, its pace rules where it has one, its faults come last."""
        return Plan(self.delay_s + over.delay_s, over.pace or self.pace, self.faults + over.faults)

    def on(self, *legs: Leg) -> tuple[Fault, ...]:
        """The faults on these legs."""
        return tuple(fault for fault in self.faults if fault.leg in legs)


NO_PLAN = Plan()
"""Nothing but the answer."""


class StandingFaults(Protocol):
    """What the state needs of the faults that befall exchanges at random, or by their number."""

    def __bool__(self) -> bool:
        """Whether there are any."""

    def may_befall(self, service: str, *legs: Leg) -> bool:
        """Whether one of them could befall an exchange of the service on one of these legs."""

    def draw(self, service: str, *legs: Leg, generates: bool = True, piece: int = 1) -> tuple[Fault, ...]:
        """Those that befall the next exchange on these legs. `generates` tells whether it asks for a text."""

    def happened(self, fault: Fault) -> None:
        """Counts a fault that has changed something, a standing one or a rule's."""


class NoFaults:
    """No standing faults."""

    def __bool__(self) -> bool:
        """There are none."""
        return False

    def may_befall(self, service: str, *legs: Leg) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def draw(self, service: str, *legs: Leg, generates: bool = True, piece: int = 1) -> tuple[Fault, ...]:  # noqa: ARG002
        """None."""
        return ()

    def happened(self, fault: Fault) -> None:
        """Nobody counts."""
