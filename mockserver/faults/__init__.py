"""What can befall an exchange on its way, on either leg and in either direction, each fault by its name.

`FAULTS` holds them all. `Faults` are a hub's standing ones, at random with a seed or by number; `fault` makes one for a
rule's plan.

The faults themselves are imported when one is asked for: most hubs have none, and their settings bring pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.faults.standing import Faults, StandingFault

if TYPE_CHECKING:
    from mockserver.faults.registry import FAULTS, fault

__all__ = ["FAULTS", "Faults", "StandingFault", "fault"]


def __getattr__(name: str) -> Any:
    if name not in {"FAULTS", "fault"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mockserver.faults import registry

    return getattr(registry, name)
