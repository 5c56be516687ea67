"""Hubs that are wrong on purpose: each is found by the check of the requirement that it breaks, and by name.

They were written from the requirements, and the checks without a look at them. A wrong hub that no check finds
is a hole in the suite: there is no list of exceptions here. Those whose requirement still waits for its check are
proven wrong in `test_wrong_hubs.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import Settings, catalogue, run
from mockserver.wrong import WRONG_HUBS
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from mockserver.wrong.wrong_hub import WrongHub

JUDGED = {name: wrong for name, wrong in WRONG_HUBS.items() if catalogue()[wrong.breaks].checks}


@pytest.mark.parametrize("wrong", JUDGED.values(), ids=JUDGED)
def test_a_wrong_hub_is_found_by_the_requirement_that_it_breaks(wrong: WrongHub) -> None:
    row = catalogue()[wrong.breaks]
    with embedded_hub(wrong.name) as told:
        report = run(Settings(profile="extended", select=(wrong.breaks,), seed=1, timeout=3.0, **told))
    (judged,) = report["requirements"]
    assert judged["verdict"] == ("fail" if row.level == "MUST" else "warn"), judged["reason"]
    assert {breach["check"] for breach in judged["breaches"] if not breach["flaky"]} <= set(row.checks)
    assert any(not breach["flaky"] for breach in judged["breaches"])
    assert judged["errors"] == []
    lost = 3 if report["stopped"] else 0  # one of them answers nobody any more once it has been asked for its fault
    assert report["exit_code"] == (1 if row.level == "MUST" else lost)
