"""What a kind of fault is: a name, a sentence, the legs it acts on and its settings, all read from plain functions.

A function that is marked with `wire_fault`, `refusal` or `pace_fault` is a fault on the legs that the mark names. Its
name is the fault's, the first line of its docstring the sentence, its keyword-only parameters are the settings. It is
pure: what it draws at random it draws from the generator that it is given as `draw`, if it takes one. One
name may mean another function on another leg; the first one is meant where no leg is said.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from mockserver.state.plan import PROVIDER_LEGS, Fault, Leg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.delivery import Steps
    from mockserver.state.plan import Pace

Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A time on the hub's clock."""

Size: TypeAlias = Annotated[int, Field(ge=1)]
"""A number of bytes."""

Place: TypeAlias = Annotated[int, Field(ge=0)]
"""A place in a text, as the number of bytes before it."""

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""


@dataclass(frozen=True, slots=True)
class WireFault(Fault):
    """A fault that alters the steps of its leg."""

    on_wire: ClassVar[bool] = True
    function: Callable[..., Steps] = field(kw_only=True, repr=False)

    def alter(self, steps: Steps) -> Steps:
        """What the fault's function makes of the steps."""
        if "draw" in inspect.signature(self.function).parameters:
            return self.function(steps, Random(self.seed), **self.settings)
        return self.function(steps, **self.settings)


@dataclass(frozen=True, slots=True)
class Refusal(Fault):
    """A fault that answers a request instead of the hub."""

    function: Callable[..., Answer] = field(kw_only=True, repr=False)

    def refuse(self) -> Answer | None:
        """The answer that the fault's function makes."""
        return self.function(**self.settings)


@dataclass(frozen=True, slots=True)
class PaceFault(Fault):
    """A fault that changes how fast a text is let out."""

    function: Callable[..., Pace] = field(kw_only=True, repr=False)

    def pace(self, pace: Pace) -> Pace:
        """What the fault's function makes of the pace."""
        return self.function(pace, **self.settings)


@dataclass(frozen=True)
class Act:
    """What a fault does on its legs. `generates_only` leaves requests out that ask for no text."""

    function: Callable[..., Any]
    fault: type[WireFault | Refusal | PaceFault]
    legs: tuple[Leg, ...]
    generates_only: bool = False

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings by name, each with its default."""
        parameters = inspect.signature(self.function).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings, with those that are given and the others at their defaults.

        Raises:
            ValueError: a setting is unknown, or its value is out of range.
        """
        try:
            return dict(self._model.model_validate(settings))
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            name = ".".join(str(place) for place in found["loc"])
            known = ", ".join(f"{each} ({default!r})" for each, default in self.settings.items()) or "none"
            if found["type"] == "extra_forbidden":
                why = f"has no setting {name!r}; its settings are: {known}"
            else:
                rule = found["msg"].replace("Input should", "it should").removeprefix("Value error, ")
                why = f"has a wrong setting {name!r}: {rule}; it was {found['input']!r}"
            raise ValueError(f"the fault {self.function.__name__!r} {why}") from None

    @cached_property
    def _model(self) -> type[BaseModel]:
        parameters = inspect.signature(self.function).parameters
        fields: dict[str, Any] = {name: (parameters[name].annotation, at) for name, at in self.settings.items()}
        return create_model(self.function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def wire_fault(*legs: Leg) -> Callable[[Callable[..., Steps]], Act]:
    """Marks a function from steps, and a random generator if it takes one, to steps."""
    return lambda function: Act(function, WireFault, legs)


def refusal(*, generates_only: bool) -> Callable[[Callable[..., Answer]], Act]:
    """Marks a function that makes an answer."""
    return lambda function: Act(function, Refusal, (Leg.HUB_TO_CLIENT,), generates_only)


def pace_fault(function: Callable[..., Pace]) -> Act:
    """Marks a function from a pace to a pace."""
    return Act(function, PaceFault, (Leg.GENERATION,))


@dataclass(frozen=True)
class FaultKind:
    """A fault by its name: `summary` says in a sentence what it does, `acts` what it does on each of its legs."""

    name: str
    acts: Mapping[Leg, Act]

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Where it can act; the first is meant where none is said."""
        return tuple(self.acts)

    @property
    def summary(self) -> str:
        """What it does where no leg is said, in a sentence."""
        return self.summary_on(self.legs[0])

    def summary_on(self, leg: Leg) -> str:
        """What it does on a leg, in a sentence."""
        return (self.acts[leg].function.__doc__ or "").partition("\n")[0]

    def on(self, leg: str | None) -> tuple[Leg, Act]:
        """The leg of that name and what the fault does there.

        Raises:
            ValueError: it does nothing there.
        """
        if leg is None:
            leg = self.legs[0]
        if leg not in self.acts:
            raise ValueError(f"the fault {self.name!r} cannot befall the leg {leg!r}; it can {', '.join(self.legs)}")
        return Leg(leg), self.acts[Leg(leg)]

    def fault(
        self, /, leg: str | None = None, *, seed: int = 0, piece: int | None = None, **settings: Any
    ) -> WireFault | Refusal | PaceFault:
        """One such fault.

        Raises:
            ValueError: the leg, the piece or a setting is none that the fault has.
        """
        where, act = self.on(leg)
        if piece is not None and (piece < 1 or where not in PROVIDER_LEGS):
            raise ValueError(f"`piece` counts from 1, on {' and '.join(PROVIDER_LEGS)} only; it was {piece} on {where}")
        return act.fault(self.name, act.checked(settings), where, seed, piece, function=act.function)
