"""Hubs that are wrong on purpose: each breaks one requirement and is right in everything else.

They test suites and clients. Every one names the requirement that it breaks, and was written from the requirement's
sentence, not from the check that judges it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mockserver.state.behaviour import Behaviour
from mockserver.wrong import (
    answers,
    bodies,
    errors,
    forwarding,
    frames,
    http,
    logins,
    losses,
    models,
    provider_answers,
    provider_bytes,
    refusals,
    requests,
    resume,
    sampling,
    stream_keys,
    streams,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.wrong.wrong_hub import WrongHub

_MODULES = (
    http,
    bodies,
    requests,
    sampling,
    refusals,
    answers,
    errors,
    models,
    streams,
    stream_keys,
    resume,
    logins,
    frames,
    forwarding,
    provider_answers,
    provider_bytes,
    losses,
)

WRONG_HUBS: Final[Mapping[str, WrongHub]] = MappingProxyType(
    {hub.name: hub for module in _MODULES for hub in module.WRONG_HUBS}
)
"""Every wrong hub, by its name."""

_MOST_NEAR: Final = 5
_LEAST_LIKENESS: Final = 0.5


def behaviour_named(name: str | None) -> Behaviour:
    """A new behaviour of the named wrong hub, or a right hub's where no name is given.

    Raises:
        ValueError: there is no such hub.
    """
    if name is None:
        return Behaviour()
    if name not in WRONG_HUBS:
        from difflib import get_close_matches  # here, because only a sentence for a person needs it

        near = ", ".join(get_close_matches(name, WRONG_HUBS, n=_MOST_NEAR, cutoff=_LEAST_LIKENESS))
        nearest = f"nearest are {near}; " if near else ""
        why = f"there is no wrong hub {name!r}; {nearest}`neuroengine mock --list-wrong` names all {len(WRONG_HUBS)}"
        raise ValueError(why)
    return WRONG_HUBS[name].behaviour()
