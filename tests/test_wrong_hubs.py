"""Hubs that are wrong on purpose: there are enough, and between them they break every rule that can be judged.

That each is found by the check of the rule that it breaks is shown in `test_mutants.py`.
"""

from __future__ import annotations

from conformance import catalogue
from mockserver.wrong import WRONG_HUBS

LEAST_WRONG_HUBS = 280
BROKEN = {wrong.breaks for wrong in WRONG_HUBS.values()}


def test_there_are_many() -> None:
    assert len(WRONG_HUBS) >= LEAST_WRONG_HUBS


def test_each_breaks_a_rule_of_the_hub_that_has_a_check() -> None:
    assert {row.id for row in catalogue().values() if row.role == "hub" and row.checks} >= BROKEN


def test_every_rule_that_can_be_judged_is_broken_by_one() -> None:
    rows = [row for row in catalogue().values() if row.role == "hub" and not row.untestable]
    assert [row.id for row in rows if row.id not in BROKEN] == []
