"""The hub's limits: the registry's, with some of them changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuroengine._generated.registry import HUB_LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping


def checked_limits(changes: Mapping[str, float]) -> dict[str, float]:
    """The hub's limits with some of them changed.

    Raises:
        ValueError: a name is no hub limit, or a value is not a finite number above 0.
    """
    limits: dict[str, float] = dict(HUB_LIMITS)
    for name, value in changes.items():
        if name not in limits:
            raise ValueError(f"there is no limit {name!r}; the limits are {', '.join(sorted(limits))}")
        if not 0 < value < float("inf"):
            raise ValueError(f"the limit {name!r} must be a finite number above 0; it was {value}")
        limits[name] = value
    return limits
