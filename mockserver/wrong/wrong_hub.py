"""What a hub that is wrong on purpose is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver.state.behaviour import Behaviour


class WrongHub(NamedTuple):
    """One way to be wrong: its name, the id of the requirement that it breaks, what it does, and the behaviour."""

    name: str
    breaks: str
    summary: str
    behaviour: type[Behaviour]
