"""All faults by their names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mockserver.faults import answers, frames, providers, refusals, requests
from mockserver.faults.kinds import Act, FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.plan import Fault, Leg


def _kinds() -> dict[str, FaultKind]:
    acts: dict[str, dict[Leg, Act]] = {}
    for module in (answers, refusals, requests, frames, providers):
        for name, act in vars(module).items():
            if isinstance(act, Act):
                acts.setdefault(name, {}).update(dict.fromkeys(act.legs, act))
    return {name: FaultKind(name, MappingProxyType(of_name)) for name, of_name in acts.items()}


FAULTS: Final[Mapping[str, FaultKind]] = MappingProxyType(_kinds())
"""Every fault, by its name."""


def kind_named(name: str) -> FaultKind:
    """The fault of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    return FAULTS[name]


def fault(name: str, leg: str | None = None, *, piece: int | None = None, seed: int = 0, **settings: Any) -> Fault:
    """One fault for a plan.

    Args:
        name: its name in `FAULTS`.
        leg: where it acts, for faults that can on several legs.
        piece: on a provider's legs, which piece of a stream it befalls, from 1; none for the first.
        seed: what it draws from.
        **settings: its own settings.

    Raises:
        ValueError: the name, the leg or a setting is unknown, or a value is out of range.
    """
    return kind_named(name).fault(leg, seed=seed, piece=piece, **settings)
