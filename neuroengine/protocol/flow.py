"""Conversations with a hub as generators that do no input and output.

A flow yields steps and is sent what came of them: for `Send` a `Received`, or the error that came instead; for `Wait`
nothing. It returns the result or raises the error of the call. Whoever drives it decides whether waiting blocks a
thread or a task.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from neuroengine.errors import ConnectionFailed, NeuroengineError
from neuroengine.protocol.answers import Received, Reply, read_model_list, read_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuroengine.protocol.retry import Budget

Result = TypeVar("Result")


class Send(NamedTuple):
    """Post the body to the path and wait for the whole answer, at most `timeout_s` seconds in all."""

    path: str
    body: bytes
    timeout_s: float


class Wait(NamedTuple):
    """Do nothing for so many seconds, because of the error."""

    seconds: float
    reason: NeuroengineError


Outcome: TypeAlias = Received | ConnectionFailed | None
"""What is sent back into a flow; None for a wait."""
Flow: TypeAlias = Generator[Send | Wait, Outcome, Result]
"""A conversation that ends in a result."""


def exchange(path: str, body: bytes, budget: Budget) -> Flow[Received]:
    """One try.

    Raises:
        ConnectionFailed: no whole answer came, or the budget's time is over.
    """
    outcome = yield Send(path, body, budget.next_try_s())
    if isinstance(outcome, ConnectionFailed):
        raise outcome
    if outcome is None:
        raise RuntimeError("a Send must be answered by what came of it")
    return outcome


def whole_reply(path: str, body: bytes, budget: Budget) -> Flow[Reply]:
    """Asks for a whole reply until one comes or the error is final."""
    return _retried(path, body, budget, read_reply)


def model_list(path: str, body: bytes, budget: Budget) -> Flow[list[dict[str, Any]]]:
    """Asks for the model list until it comes or the error is final."""
    return _retried(path, body, budget, read_model_list)


def _retried(path: str, body: bytes, budget: Budget, read: Callable[[Received], Result]) -> Flow[Result]:
    """Repeats one exchange while its failures may be retried."""
    while True:
        try:
            return read((yield from exchange(path, body, budget)))
        except NeuroengineError as error:
            seconds = budget.wait_s(error)
            if seconds is None:
                raise
            pause = Wait(seconds, error)
        yield pause
