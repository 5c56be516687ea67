"""Steps on a lane: each in its time, and the bytes that arrive there, however they are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockserver.faults import fault
from mockserver.state.delivery import Again, Body, Close, End, Head, Hold, Reset, Step, Steps, Take, Wait, befall
from mockserver.state.lane import Lane
from mockserver.state.timers import Timers

TEXT = b"0123456789"


class Trial:
    """A lane whose outcome is noted."""

    def __init__(self, *steps: Step) -> None:
        self.timers = Timers()
        self.came: list[tuple[float, Step]] = []
        self.lane = Lane(steps, self.timers, lambda step, now: self.came.append((now, step)))
        self.lane.start(0)

    def feed(self, *chunks: bytes) -> Trial:
        for number, chunk in enumerate(chunks, 1):
            self.lane.feed(chunk, 0, is_whole=number == len(chunks))
        return self

    def until(self, now: float) -> Trial:
        while (when := self.timers.next()) is not None and when <= now:
            self.timers.run(when)
        return self

    @property
    def steps(self) -> list[Step]:
        return [step for _, step in self.came]

    @property
    def data(self) -> bytes:
        return b"".join(step.data for step in self.steps if isinstance(step, Body))


def test_steps_come_in_their_time_and_waits_do_not() -> None:
    trial = Trial(Head(200, ()), Wait(2), Body(b"a"), Wait(3), Body(b"b"), End()).until(10)
    assert trial.came == [(0, Head(200, ())), (2, Body(b"a")), (5, Body(b"b")), (5, End())]


def test_a_late_timer_makes_no_later_step_late() -> None:
    trial = Trial(Wait(1), Body(b"a"), Wait(1), Body(b"b"))
    trial.timers.run(1.9)
    assert trial.timers.next() == 2


def test_bytes_of_the_same_moment_are_one_body() -> None:
    assert Trial(Take(), Again(), Body(b"!")).feed(TEXT).steps == [Body(TEXT + TEXT + b"!")]


def test_what_is_fed_behind_the_steps_passes() -> None:
    trial = Trial(Take(3), Wait(1)).feed(TEXT[:5], TEXT[5:])
    assert trial.steps == [Body(b"012")]
    assert trial.until(1).steps == [Body(b"012"), Body(b"3456789")]


def test_nothing_passes_behind_an_end_of_the_connection() -> None:
    for ending in (Close(), Reset(), Hold()):
        assert Trial(Take(3), ending, Body(b"never")).feed(TEXT, TEXT).steps == [Body(b"012"), ending]


def test_a_lane_that_is_stopped_plays_no_more() -> None:
    trial = Trial(Body(b"a"), Wait(1), Body(b"b"))
    trial.lane.stop()
    assert trial.feed(TEXT).until(10).steps == [Body(b"a")]


def test_bytes_are_taken_in_drops() -> None:
    trial = Trial(Take(size=4, every_s=2), End()).feed(TEXT[:7], TEXT[7:]).until(100)
    assert trial.came == [(0, Body(b"0123")), (2, Body(b"4567")), (4, Body(b"89")), (4, End())]


def test_an_empty_body_is_whole_at_once() -> None:
    assert Trial(Take(), End()).feed(b"").steps == [End()]
    assert Trial(Take(5), Hold()).feed(b"").steps == [Hold()]


COUNT = st.integers(0, 12)
STEP = st.one_of(
    st.builds(Take, COUNT, st.integers(1, 12), st.sampled_from([0.0, 1.0]), st.booleans()),
    st.just(Take()),
    st.builds(Body, st.binary(max_size=3)),
    st.builds(Wait, st.sampled_from([0.0, 2.0])),
    st.just(Close()),
)


@given(steps=st.lists(STEP, max_size=5), cuts=st.lists(st.integers(0, 10), max_size=4))
def test_however_the_bytes_are_cut_the_same_come_of_them(steps: Steps, cuts: list[int]) -> None:
    at_once = Trial(*steps).feed(TEXT).until(1000)
    places = [0, *sorted(cuts), len(TEXT)]
    chunks = [TEXT[start:end] for start, end in pairwise(places)]
    in_pieces = Trial(*steps).feed(*chunks).until(1000)
    assert in_pieces.data == at_once.data
    assert (Close() in in_pieces.steps) == (Close() in at_once.steps)


# -- faults on top of each other


def answered(*faults: tuple[str, dict[str, Any]]) -> Steps:
    steps: Steps = [Head(200, ((b"content-length", b"10"),)), Body(TEXT), End()]
    return befall(steps, [fault(name, **settings) for name, settings in faults], lambda _: None)


def test_a_drop_that_is_late_comes_when_the_first_byte_would_have() -> None:
    assert answered(("latency", {"seconds": 3}), ("drop", {})) == [Wait(3), Close()]
    assert answered(("drop", {}), ("latency", {"seconds": 3})) == [Wait(3), Close()]


def test_a_reset_in_a_drip_comes_after_as_many_bytes() -> None:
    steps = answered(("slow_drip", {"size_bytes": 4, "every_s": 1}), ("reset", {"after_bytes": 6}))
    assert steps == [
        Head(200, ((b"content-length", b"10"),)), Body(b"0123"), Wait(1), Body(b"45"), Reset()
    ]  # fmt: skip


def test_a_fault_behind_a_drop_changes_nothing_more() -> None:
    for later in ("drop_midway", "stall", "truncated_body", "extra_bytes", "flood", "slow_drip", "garbage_body"):
        assert answered(("drop", {}), (later, {}))[0] == Close(), later


def test_a_fault_that_changes_nothing_is_not_counted() -> None:
    counted: list[str] = []
    steps: Steps = [Body(TEXT)]
    assert befall(steps, [fault("queue_full")], lambda one: counted.append(one.name)) is steps
    assert counted == []
