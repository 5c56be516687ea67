"""A hub's state on the bench, with a pace and standing faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_bench import KEY, SERVICE, Bench

from mockserver import ServiceSettings
from mockserver.faults import Faults
from mockserver.state.hub import HubState

if TYPE_CHECKING:
    from mockserver import Pace
    from mockserver.rules import RuleBook


class BefallenBench(Bench):
    """A bench whose exchanges are befallen by faults, and whose text is let out at a pace."""

    def __init__(
        self, *services: ServiceSettings, pace: Pace | None = None, rules: RuleBook | None = None, **limits: float
    ) -> None:
        super().__init__()
        self.faults = Faults()
        rows = services or (ServiceSettings(SERVICE, KEY),)
        self.state = HubState(rows, limits=limits, pace=pace, faults=self.faults, rules=rules)

    def fault(self, name: str, **how: Any) -> None:
        """Lets a fault befall one exchange."""
        self.faults.add(name, **{"times": 1, **how})
