"""Hubs that are wrong on purpose: each breaks one requirement and is right in everything else.

They test suites and clients. Every fault names the requirement that it breaks, and was written from the requirement's
sentence, not from the check that judges it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mockserver.faults import answers, http, requests, streams
from mockserver.state.behaviour import Behaviour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.faults.fault import Fault

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.name: fault for module in (http, requests, answers, streams) for fault in module.FAULTS}
)
"""Every fault, by its name."""


def behaviour_named(name: str | None) -> Behaviour:
    """A new behaviour with the named fault, or a right hub's where no name is given.

    Raises:
        ValueError: there is no such fault.
    """
    if name is None:
        return Behaviour()
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; the faults are {', '.join(FAULTS)}")
    return FAULTS[name].behaviour()
