"""Every fault, seen from outside: by a client that reads bytes, and by a provider that reads TLS records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faults_at_clients
import faults_at_providers
import pytest
from stepped_hub import Stage

from mockserver.faults import FAULTS

if TYPE_CHECKING:
    from mockserver.state.plan import Leg

SCENARIOS = faults_at_clients.SCENARIOS | faults_at_providers.SCENARIOS


def test_every_fault_has_a_scenario_on_each_of_its_legs() -> None:
    assert set(SCENARIOS) == {(name, leg) for name, kind in FAULTS.items() for leg in kind.legs}


@pytest.mark.parametrize(("name", "leg"), SCENARIOS, ids=[f"{name} {leg}" for name, leg in SCENARIOS])
def test_a_fault_is_seen_from_outside(name: str, leg: Leg) -> None:
    with Stage() as stage:
        injected = stage.hub.faults
        SCENARIOS[name, leg](stage)
        assert injected.injected[name] > 0
        assert set(injected.injected) == {name}
