"""Which exchanges somebody asks the journal for: by the request, as rules do, and by what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mockserver.journal.entry import Entry
from mockserver.rules.criteria import Criteria, Mismatch, criteria
from mockserver.rules.expected import Equals, Expected, expected
from mockserver.state.exchanges import Call
from neuroengine._generated.registry import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mockserver.rules.expected import Wish
    from mockserver.state.exchanges import Exchange

OUTCOMES: Final = ("code", "reply", "rule", "begins", "left", "status")
"""What may be wanted of an entry besides its request; each is a property of it."""

_CODES: Final = {entry.name: code for code, entry in ERRORS.items()}


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody wants of an exchange: of its request, of what came of it, and whatever a function looks at."""

    request: Criteria
    outcomes: tuple[tuple[str, Expected], ...] = ()
    fault: str | None = None
    where: Callable[[Entry], bool] | None = None

    def holds(self, exchange: Exchange) -> bool:
        """Whether an exchange is as wanted."""
        return next(self.mismatches(exchange), None) is None

    def mismatches(self, exchange: Exchange) -> Iterator[Mismatch]:
        """All that is not as wanted."""
        yield from self.request.mismatches(Call(exchange.service, exchange.request, exchange.poll))
        entry = Entry(exchange)
        for name, wish in self.outcomes:
            value = getattr(entry, name)
            if not wish.holds(value):
                yield Mismatch(name, wish, value)
        if self.fault is not None and self.fault not in entry.faults:
            yield Mismatch("fault", Equals(self.fault), ", ".join(entry.faults) or None)
        if self.where is not None and not self.where(entry):
            yield Mismatch("where", expected(self.where), str(entry))

    def __str__(self) -> str:
        wishes = [str(self.request)] if len(self.request) else []
        wishes += [f"{name} = {wish.wish}" for name, wish in self.outcomes]
        wishes += [f"fault = {self.fault}"] if self.fault is not None else []
        wishes += [f"where = {expected(self.where).wish}"] if self.where is not None else []
        return ", ".join(wishes) or "any request"


def query(
    message: Wish = None,
    *,
    service: Wish = None,
    stream: bool | None = None,
    poll: Wish = None,
    fault: str | None = None,
    where: Callable[[Entry], bool] | None = None,
    fields: Mapping[str, Wish] | None = None,
    **more: Wish,
) -> Query:
    """A query as callers write it; see `Journal` for the arguments.

    Raises:
        ValueError: `code` is a name that no error has.
    """
    outcomes = {name: more.pop(name) for name in OUTCOMES if name in more}
    if isinstance(outcomes.get("code"), str):
        outcomes["code"] = _code(outcomes["code"])
    return Query(
        criteria(message, service=service, stream=stream, poll=poll, fields={**(fields or {}), **more}),
        tuple((name, expected(wish)) for name, wish in outcomes.items()),
        fault,
        where,
    )


def _code(name: Any) -> int:
    if name not in _CODES:
        raise ValueError(f"there is no error {name!r}; the errors are {', '.join(_CODES)}")
    return _CODES[name]
