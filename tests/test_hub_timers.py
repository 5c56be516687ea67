"""Deadlines without a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver.state.timers import Timers


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300), st.lists(st.integers(0, 60), max_size=5))
def test_timers_run_in_their_order_once_and_only_those_that_are_due_and_not_cancelled(
    rows: list[tuple[int, bool]], times: list[int]
) -> None:
    timers = Timers()
    ran: list[tuple[int, int]] = []
    for number, (when, cancelled) in enumerate(rows):
        timer = timers.at(when, lambda _, when=when, number=number: ran.append((when, number)))  # type: ignore[misc] # defaults
        if cancelled:
            timer.cancel()
    expected = sorted((when, number) for number, (when, cancelled) in enumerate(rows) if not cancelled)
    for now in sorted(times):
        timers.run(now)
        assert ran == [row for row in expected if row[0] <= now]
        left = [row[0] for row in expected if row[0] > now]
        assert timers.next() == (left[0] if left else None)


def test_a_callback_is_told_the_time_that_it_is_and_may_set_and_cancel_timers() -> None:
    timers = Timers()
    told: list[float] = []
    victim = timers.at(3, told.append)

    def first(now: float) -> None:
        told.append(now)
        victim.cancel()
        timers.at(4, told.append)
        timers.at(9, told.append)

    timers.at(2, first)
    timers.run(5)
    assert told == [5, 5]
    assert timers.next() == 9


def test_cancelling_a_timer_that_ran_changes_nothing() -> None:
    timers = Timers()
    told: list[float] = []
    timer = timers.at(1, told.append)
    timers.run(1)
    timer.cancel()
    timers.run(2)
    assert told == [1]
    assert timers.next() is None


def test_cancelled_timers_take_no_memory() -> None:
    timers = Timers()
    kept = timers.at(500, lambda _: None)
    for _ in range(10_000):
        timers.at(1000, lambda _: None).cancel()
    assert len(timers._heap) < 200
    assert timers.next() == 500
    kept.cancel()
    assert timers.next() is None
