"""Hubs that are wrong on purpose, and whose requirement waits for its check: each is seen to break it from outside.

An observation holds for the right hub and fails for every hub that is wrong in its requirement. What never comes
from a wrong hub is waited for shortly: where a slow machine makes that too short, the hub only seems wrong, as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import watch_answers
import watch_losses
import watch_streams
from hub_watch import World

from conformance import catalogue
from mockserver.wrong import WRONG_HUBS

if TYPE_CHECKING:
    from hub_watch import Observation

    from mockserver.wrong.wrong_hub import WrongHub

PATIENCE_S, SHORT_PATIENCE_S = 20.0, 1.5
OBSERVATIONS: dict[str, Observation] = {
    requirement: observation
    for module in (watch_answers, watch_losses, watch_streams)
    for requirement, observation in module.SEEN.items()
}
OBSERVED = {name: wrong for name, wrong in WRONG_HUBS.items() if wrong.breaks in OBSERVATIONS}
LEAST_WRONG_HUBS = 80
NEVER_BROKEN = {
    "NE-REQ-001",  # a hub that refuses the plain message looks like one without the service: nothing else is judged
}


@pytest.mark.parametrize("requirement", OBSERVATIONS)
def test_what_is_seen_of_the_right_hub_conforms(requirement: str) -> None:
    holds, limits = OBSERVATIONS[requirement]
    with World(limits, None, PATIENCE_S) as world:
        assert holds(world)


@pytest.mark.parametrize("wrong", OBSERVED.values(), ids=OBSERVED)
def test_what_is_seen_of_a_wrong_hub_does_not(wrong: WrongHub) -> None:
    holds, limits = OBSERVATIONS[wrong.breaks]
    with World(limits, wrong.name, SHORT_PATIENCE_S) as world:
        try:
            conforms = holds(world)
        except TimeoutError:
            conforms = False
        assert not conforms


def test_every_wrong_hub_is_found_by_a_check_or_seen_by_an_observation() -> None:
    rows = catalogue()
    found = {name for name, wrong in WRONG_HUBS.items() if rows[wrong.breaks].checks}
    assert found | OBSERVED.keys() == WRONG_HUBS.keys()
    assert len(WRONG_HUBS) >= LEAST_WRONG_HUBS


def test_every_rule_that_can_be_judged_and_must_hold_is_broken_by_a_wrong_hub() -> None:
    broken = {wrong.breaks for wrong in WRONG_HUBS.values()}
    rows = [row for row in catalogue().values() if row.role == "hub" and row.level == "MUST" and not row.untestable]
    assert {row.id for row in rows} - broken == NEVER_BROKEN


def test_every_observation_is_of_a_requirement_that_a_wrong_hub_breaks() -> None:
    assert OBSERVATIONS.keys() <= {wrong.breaks for wrong in WRONG_HUBS.values()}
    assert OBSERVATIONS.keys() <= {row.id for row in catalogue().values() if row.role == "hub"}
