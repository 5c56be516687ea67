"""Runs a state machine that the spec wrote as a table; the only code of the protocol that changes a state.

A machine knows nothing of roles or messages: it looks up (state, event), and an event that the table does not list is
an error of whoever caused it. No transition exists outside the tables of `spec/registry/machines.toml`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)


class IllegalEvent(RuntimeError):
    """Raised when an event may not happen in the present state."""


class Machine(Generic[State, Event]):
    """One run of a state machine.

    `table` maps (state, event) to the next state; `state` is the state that the run starts in.
    """

    __slots__ = ("_table", "state")

    def __init__(self, table: Mapping[tuple[State, Event], State], state: State) -> None:
        self._table = table
        self.state = state

    def allows(self, event: Event) -> bool:
        """Whether the event may happen now."""
        return (self.state, event) in self._table

    def fire(self, event: Event) -> State:
        """Lets the event happen and returns the new state.

        Raises:
            IllegalEvent: the table lists no such event for the present state.
        """
        try:
            self.state = self._table[self.state, event]
        except KeyError:
            raise IllegalEvent(f"the event {event.value!r} may not happen in the state {self.state.value!r}") from None
        return self.state
