"""What can befall an exchange on its way, on either leg and in either direction, each fault by its name.

`FAULTS` holds them all. `Faults` are a hub's standing ones, at random with a seed or by number; `fault` makes one for a
rule's plan.
"""

from mockserver.faults.registry import FAULTS, fault
from mockserver.faults.standing import Faults, StandingFault

__all__ = ["FAULTS", "Faults", "StandingFault", "fault"]
