"""What a hub is made of: settings that make no sense are refused when it is made, in one sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from mockserver import MockHub, Pace, ServiceSettings
from mockserver.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable


MADE: Any = MockHub
"""A hub that is made of anything."""


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (lambda: MADE(["A"]), TypeError, "services must be a mapping from names to keys, or ServiceSettings"),
        (lambda: MADE("A"), TypeError, "services must be a mapping from names to keys"),
        (lambda: MADE([("A", "CANARY")]), TypeError, "; one was a tuple"),
        (lambda: MADE({"A": None}), ValueError, "the key of the service 'A' must be text"),
        (lambda: MADE([ServiceSettings("A", "1"), ServiceSettings("A", "2")]), ValueError, "two services 'A'"),
        (lambda: MADE(pace=3), TypeError, "a hub's pace must be a Pace, as in Pace(tokens_per_s=20); it was 3"),
        (lambda: MADE(rules=[{"then": "x"}]), TypeError, "a rule must be a Rule, as in Rule("),
        (lambda: MADE(http_port=65536).start(), ValueError, "a port must be a number from 0 to 65535; it was 65536"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(make: Callable[[], Any], error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=re.escape(why)) as refused:
        make()
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"services": ["A"]},
        {"pace": 3},
        {"rules": [1]},
        {"services": [ServiceSettings("A", "K")] * 2},
        {"services": {"Two": "KEY"}, "pace": 3},
    ],
)
@pytest.mark.parametrize("how", [MockHub.reset, MockHub.change])
def test_a_running_hub_refuses_it_too_and_stays_as_it_was(how: Callable[..., None], changes: Any) -> None:
    hub = MockHub({"One": "KEY"}, pace=Pace(), rules=[Rule("Hello").reply("Hi")])
    with pytest.raises((TypeError, ValueError)):
        how(hub, **changes)
    assert [service.name for service in hub.services] == ["One"]
    assert len(hub.rules) == 1


def test_a_hub_is_shown_with_its_place_and_its_services_and_no_key() -> None:
    hub = MockHub({"One": "CANARY", "Two": "CANARY"}, tls=False)
    assert repr(hub) == "<MockHub that does not run: One, Two>"
    with hub:
        assert repr(hub) == f"<MockHub at {hub.url}: One, Two>"
