"""What a rule may want of one value: to equal another, to match, to be one of some, to be there or not.

Laws:

- Numbers are equal as JSON has them: 1 equals 1.0, and `true` equals neither.
- A regular expression is searched for, not anchored; it matches text only.
- Nothing but `ABSENT` is content with a value that is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable


class _Nothing:
    """The value of a member that is not there."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()
"""Stands for the value of a member that is not there."""


@runtime_checkable
class Expected(Protocol):
    """A wish about one value."""

    def holds(self, value: Any) -> bool:
        """Whether the value is as wished; `NOTHING` where there is none."""

    @property
    def wish(self) -> str:
        """The wish in words that follow "wants"."""


Wish: TypeAlias = Expected | re.Pattern[str] | Callable[[Any], bool] | Any
"""What a caller may give for a value: a wish, a regular expression, a predicate, or the value itself."""


def expected(wish: Wish) -> Expected:
    """The wish that a caller means."""
    if isinstance(wish, Expected):
        return wish
    if isinstance(wish, re.Pattern):
        return Matches(wish)
    if callable(wish):
        return Satisfies(wish)
    return Equals(wish)


@dataclass(frozen=True, slots=True)
class Equals:
    """The value itself."""

    value: Any

    def holds(self, value: Any) -> bool:
        """Whether it is the same JSON value."""
        return same(self.value, value)

    @property
    def wish(self) -> str:
        """The value."""
        return shown(self.value)


@dataclass(frozen=True, slots=True)
class Matches:
    """Text in which a regular expression is found."""

    pattern: re.Pattern[str]

    def __init__(self, pattern: str | re.Pattern[str]) -> None:
        object.__setattr__(self, "pattern", re.compile(pattern))

    def holds(self, value: Any) -> bool:
        """Whether the expression is found."""
        return isinstance(value, str) and self.pattern.search(value) is not None

    @property
    def wish(self) -> str:
        """The expression."""
        return f"text matching /{self.pattern.pattern}/"


@dataclass(frozen=True, slots=True)
class Contains:
    """Text that holds another text."""

    text: str

    def holds(self, value: Any) -> bool:
        """Whether the text is in it."""
        return isinstance(value, str) and self.text in value

    @property
    def wish(self) -> str:
        """The text."""
        return f"text containing {shown(self.text)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of some values."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ValueError("OneOf needs at least one value")
        object.__setattr__(self, "values", values)

    def holds(self, value: Any) -> bool:
        """Whether it is one of them."""
        return any(same(one, value) for one in self.values)

    @property
    def wish(self) -> str:
        """The values."""
        return f"one of {', '.join(shown(value) for value in self.values)}"


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `least` to `most`, both included; a bound that is None does not bind."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: Any) -> bool:
        """Whether it is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def wish(self) -> str:
        """The bounds."""
        bounds = [f"{word} {bound:g}" for word, bound in (("from", self.least), ("to", self.most)) if bound is not None]
        return " ".join(["a number", *bounds])


@dataclass(frozen=True, slots=True)
class Present:
    """Any value, as long as there is one."""

    def holds(self, value: Any) -> bool:
        """Whether there is a value."""
        return value is not NOTHING

    @property
    def wish(self) -> str:
        """That it is there."""
        return "to be sent"


@dataclass(frozen=True, slots=True)
class Absent:
    """No value at all."""

    def holds(self, value: Any) -> bool:
        """Whether there is none."""
        return value is NOTHING

    @property
    def wish(self) -> str:
        """That it is not there."""
        return "not to be sent"


PRESENT: Final = Present()
"""The client sent the member, whatever its value."""

ABSENT: Final = Absent()
"""The client did not send the member."""


@dataclass(frozen=True, slots=True)
class Satisfies:
    """A value for which a function returns true."""

    predicate: Callable[[Any], bool]

    def holds(self, value: Any) -> bool:
        """What the function says."""
        return value is not NOTHING and bool(self.predicate(value))

    @property
    def wish(self) -> str:
        """The function's name."""
        return f"a value that {getattr(self.predicate, '__name__', 'its predicate')} accepts"


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal."""
    if type(one) is str:  # as most are
        return bool(one == other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


_LONGEST_SHOWN: Final = 120


def shown(value: Any, longest: int = _LONGEST_SHOWN) -> str:
    """A value as short JSON, for sentences."""
    if value is NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return printable(text if len(text) <= longest else text[:longest] + "…")


def printable(text: str) -> str:
    """A text that UTF-8 can carry: lone surrogates, which JSON can hold, are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
