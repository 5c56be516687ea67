"""How the suite tells a ping that comes by its own timer from one that requests have put off, on a slow machine too."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from conformance.asker import Passage
from conformance.provider.frames import Frame
from conformance.suite.test_pings import quiet_before_ping

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.link import Link

INTERVAL_S = 10.0


def frame(at: float, **content: Any) -> Frame:
    return Frame(at, b"{}", (2,), is_alone=True, content=content)


class Stage:
    """A judge and a link in one: each request brings the next frames of the play, each seen so late after it."""

    is_over = False

    def __init__(self, *play: list[tuple[str, float]]) -> None:
        self.received: list[Frame] = []
        self.subject = self
        self._play = iter(play)

    def through(self, *_: object) -> Passage:
        """A request: what the link sees because of it, or beside it."""
        sent = time.monotonic()
        frames = [frame(sent + late, **{kind: "x"}) for kind, late in next(self._play)]
        self.received += frames
        own = next(each for each in frames if not each.is_ping)
        return Passage(own, cast("Exchange", None))

    def pause(self, seconds: float) -> None:
        """Takes no time."""


def quiet(*play: list[tuple[str, float]]) -> float | None:
    stage = Stage(*play)
    return quiet_before_ping(cast("Judge", stage), cast("Link", stage), 0.0, 60.0)


@pytest.mark.parametrize("seen", [0.0, INTERVAL_S / 2, INTERVAL_S])
def test_a_ping_that_was_put_off_shows_its_quiet_however_late_the_request_was_seen(seen: float) -> None:
    found = quiet([("message", 0.0)], [("message", seen), ("ping", INTERVAL_S)])
    assert found == pytest.approx(INTERVAL_S, abs=1.0)


def test_a_ping_right_behind_a_request_is_not_put_off_by_it() -> None:
    found = quiet([("message", 0.0)], [("message", 0.0), ("ping", INTERVAL_S / 10)])
    assert found == pytest.approx(INTERVAL_S / 10, abs=0.5)


def test_a_ping_before_any_request_shows_nothing() -> None:
    assert quiet([("ping", 0.0), ("message", 0.0)]) == math.inf


def test_a_ping_before_the_next_request_counts_from_the_one_before() -> None:
    found = quiet([("message", 0.0)], [("ping", INTERVAL_S), ("message", INTERVAL_S)])
    assert found == pytest.approx(INTERVAL_S, abs=1.0)
