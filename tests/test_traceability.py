"""Requirements and checks know each other: the catalogue names every check, and every check a requirement."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from conformance import catalogue
from conformance.requirement import binding, case, judges
from conformance.run import collect_bindings

if TYPE_CHECKING:
    from conformance.requirement import Binding

LEAST_ROWS = 60


@pytest.fixture(scope="module")
def bindings() -> list[Binding]:
    return collect_bindings()


def test_the_catalogue_names_exactly_the_checks_that_judge_a_row(bindings: list[Binding]) -> None:
    judged: dict[str, set[str]] = defaultdict(set)
    for found in bindings:
        judged[found.requirement.id].add(found.check)
    assert judged == {row.id: set(row.checks) for row in catalogue().values() if row.checks}


def test_a_row_lists_its_checks_in_order() -> None:
    assert [row.id for row in catalogue().values() if list(row.checks) != sorted(row.checks)] == []


def test_every_check_judges_a_rule_of_the_hub(bindings: list[Binding]) -> None:
    assert {found.requirement.role for found in bindings} == {"hub"}
    assert len({found.requirement.id for found in bindings if found.requirement.profile == "core"}) >= LEAST_ROWS


def test_no_rule_of_the_hub_waits_for_its_check() -> None:
    """Each is judged, or says why it cannot be judged from outside."""
    hub = [row for row in catalogue().values() if row.role == "hub"]
    assert [row.id for row in hub if bool(row.checks) == bool(row.untestable)] == []


def test_a_check_of_an_unknown_requirement_is_refused_when_it_is_imported() -> None:
    with pytest.raises(LookupError, match="NE-HTTP-999"):
        judges("NE-HTTP-999")
    with pytest.raises(LookupError, match="NE-HTTP-999"):
        case("NE-HTTP-999", 1)


def test_a_check_of_two_requirements_at_a_time_is_refused(request: pytest.FixtureRequest) -> None:
    request.node.add_marker(pytest.mark.judges("NE-HTTP-001", False))  # noqa: FBT003 - as `judges` marks a check
    assert (found := binding(request.node)) is not None
    assert found.requirement.id == "NE-HTTP-001"
    request.node.add_marker(pytest.mark.judges("NE-HTTP-002", False))  # noqa: FBT003 - as `judges` marks a check
    with pytest.raises(LookupError, match="judges 2 requirements"):
        binding(request.node)
