"""Binds a check to the requirement that it judges.

A check is a test function of `conformance/suite`. It judges one requirement, or one with each row of its table. An id
that the catalogue does not hold fails when the check is imported; that the catalogue names the check in return is
tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import pytest

from conformance.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark import MarkDecorator, ParameterSet

    from conformance.catalogue import Requirement

MARK: Final = "judges"

_Check = TypeVar("_Check", bound="Callable[..., None]")


class Binding(NamedTuple):
    """What one run of a check judges."""

    requirement: Requirement
    check: str
    case: str
    in_smoke: bool

    @property
    def name(self) -> str:
        """The check, with its case in brackets where it has one."""
        return f"{self.check}[{self.case}]" if self.case else self.check


def judges(requirement_id: str, *, smoke: bool = False) -> Callable[[_Check], _Check]:
    """Binds a check to one requirement; `smoke` takes it into the shortest profile.

    Raises:
        LookupError: there is no such requirement.
    """
    mark = _mark(requirement_id, smoke)

    def bind(check: _Check) -> _Check:
        bound: _Check = mark(check)
        return bound

    return bind


def case(requirement_id: str, *values: Any, smoke: bool = False) -> ParameterSet:
    """One row of a check's table: the requirement that the check judges with these values.

    Raises:
        LookupError: there is no such requirement.
    """
    return pytest.param(*values, marks=_mark(requirement_id, smoke), id=requirement_id)


def binding(item: pytest.Item) -> Binding | None:
    """What a collected test judges; none for one that is no check of the suite.

    Raises:
        LookupError: it is bound to more than one requirement.
    """
    marks = list(item.iter_markers(MARK))
    if not marks:
        return None
    if len(marks) > 1:
        raise LookupError(f"{item.nodeid} judges {len(marks)} requirements at a time; a failure would not say which")
    name, _, rest = item.name.partition("[")
    module = item.path.stem
    return Binding(catalogue()[marks[0].args[0]], f"{module}::{name}", rest.removesuffix("]"), marks[0].args[1])


def _mark(requirement_id: str, smoke: bool) -> MarkDecorator:
    if requirement_id not in catalogue():
        raise LookupError(f"the catalogue has no requirement {requirement_id!r}")
    return pytest.mark.judges(requirement_id, smoke)
