"""How soon a hub acknowledges a provider's bytes: deployed providers answer in two writes, and wait between them."""

from __future__ import annotations

import json
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import judges
from conformance.suite.test_pings import READ, fresh

if TYPE_CHECKING:
    from conformance.judge import Judge
    from conformance.provider.link import Link

TRIES: Final = 3
SAMPLES: Final = 24
TOGETHER_S: Final = 0.015
"""An answer that takes no longer than another is not held up."""
APART_S: Final = 0.025
"""An answer that takes so much longer than most others is held up by a delayed acknowledgement, of 40 ms or more."""


@judges("NE-FRAME-012")
def test_bytes_are_acknowledged_at_once(judge: Judge) -> None:
    """A program that waits for acknowledgements sends an answer in two writes as fast as in one.

    What is compared are quartiles of both ways in turn, so that slow moments of the machine decide nothing; where they
    lie neither together nor clearly apart, nothing is judged.
    """
    if judge.examples(SAMPLES) < SAMPLES:
        not_judged("too few requests may be sent to measure it")
    way = way_s(judge)
    if way > TOGETHER_S / 3:
        not_judged(f"the way to the hub takes {way * 1000:.0f} ms, so delays cannot be told from it")
    with judge.desk.vacant():
        link = fresh(judge, is_hasty=False)
        for _ in range(TRIES):
            one, two = measured(judge, link)
            actual = f"in two writes {two[1] * 1000:.0f} ms, in one {one[1] * 1000:.0f} ms"
            is_together, is_apart = two[0] - one[0] <= TOGETHER_S, two[0] - one[2] >= APART_S
            if is_together or is_apart:
                judge.require(is_together, "an answer as soon in two writes as in one", actual)
                return
        not_judged(f"the measurement is unclear: {actual}")


def measured(judge: Judge, link: Link) -> tuple[list[float], list[float]]:
    """Quartiles of the seconds that answers in one write take, and those in two.

    The first ones are left out: any system acknowledges the beginning of a conversation at once.
    """
    pairs = [(answering_s(judge, link, in_two=False), answering_s(judge, link, in_two=True)) for _ in range(SAMPLES)]
    one, two = zip(*pairs[SAMPLES // 3 :], strict=True)
    return quantiles(one), quantiles(two)


def answering_s(judge: Judge, link: Link, *, in_two: bool) -> float:
    """The seconds from a provider's answer to the client's, for an answer in one write or in two."""
    call = judge.begin(SHORT)
    link.request()
    payload = json.dumps(READ).encode()
    digits = b"%08X" % len(payload)
    began = time.monotonic()
    link.answered += 1
    link.send(digits + payload, [len(digits)] if in_two else [])
    if not call.answer().is_success:
        not_judged("a request was not answered")
    return time.monotonic() - began


def way_s(judge: Judge) -> float:
    """The seconds that a round trip to the hub takes, at best."""
    best = judge.settings.timeout
    for _ in range(3):
        began = time.monotonic()
        try:
            judge.desk.knock().close()
        except OSError as error:
            not_judged(f"no connection to the provider port ({error})")
        best = min(best, time.monotonic() - began)
    return best
