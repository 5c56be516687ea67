"""Hubs that are wrong on purpose: each is found by the check of the requirement that it breaks, and by name.

They were written from the requirements, and the checks without a look at them. A wrong hub that no check finds
is a hole in the suite: there is no list of exceptions here. Those whose requirement still waits for its check are
proven wrong in `test_wrong_hubs.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import Settings, catalogue, run
from mockserver import MockHub
from mockserver.wrong import WRONG_HUBS
from neuroengine import spec

if TYPE_CHECKING:
    from mockserver.wrong.wrong_hub import WrongHub

SERVICES = {"First": "KEY1", "Second": "KEY2"}
LIMITS = {"stream_idle_s": 2.0, "end_kept_s": 2.0}
TOLD = {row["name"]: float(row["value"]) for row in spec.limits() if row["scope"] == "hub"} | LIMITS


JUDGED = {name: wrong for name, wrong in WRONG_HUBS.items() if catalogue()[wrong.breaks].checks}


@pytest.mark.parametrize("wrong", JUDGED.values(), ids=JUDGED)
def test_a_wrong_hub_is_found_by_the_requirement_that_it_breaks(wrong: WrongHub) -> None:
    row = catalogue()[wrong.breaks]
    with MockHub(services=SERVICES, tls=False, limits=LIMITS, wrong=wrong.name) as hub:
        report = run(
            Settings(
                url=hub.url,
                service="First",
                second_service="Second",
                profile="extended",
                select=(wrong.breaks,),
                seed=1,
                timeout=2.0,
                limits=TOLD,
            )
        )
    (judged,) = report["requirements"]
    assert judged["verdict"] == ("fail" if row.level == "MUST" else "warn"), judged["reason"]
    assert {breach["check"] for breach in judged["breaches"] if not breach["flaky"]} <= set(row.checks)
    assert any(not breach["flaky"] for breach in judged["breaches"])
    assert judged["errors"] == []
    assert report["exit_code"] == (1 if row.level == "MUST" else 0)
