"""When a call tries again, and when it stops: by a clock that the tests move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroengine.errors import (
    HUB_ERRORS,
    ConfigurationError,
    ConnectionFailed,
    HubError,
    NeuroengineError,
    ProtocolError,
    TimedOut,
)
from neuroengine.protocol.retry import Budget, Retry, Timeouts

LOST = ConnectionFailed("lost", request_sent=True)


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(
    retry: Retry | None = None, total_s: float = 600.0, *, chance: float = 0.0, counts_not_ready: bool = False
) -> tuple[Budget, Time]:
    time = Time()
    made = Budget(retry or Retry(), total_s, clock=time, chance=lambda: chance, counts_not_ready=counts_not_ready)
    return made, time


def refused(code: int, retry_after: float | None = None) -> HubError:
    return HUB_ERRORS[code]("No.", code=code, retry_after=retry_after)


def test_waits_double_up_to_the_longest() -> None:
    retry = Retry(tries=9)
    assert [retry.wait_s(failures, None, 0.0) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 8, 8, 8]


def test_the_last_try_is_the_last() -> None:
    assert Retry(tries=3).wait_s(2, None, 0.0) is not None
    assert Retry(tries=3).wait_s(3, None, 0.0) is None
    assert Retry(tries=1).wait_s(1, None, 0.0) is None


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_chance_takes_off_a_quarter_at_most_and_never_all(failures: int, chance: float) -> None:
    wait = Retry(tries=20_000).wait_s(failures, None, chance)
    full = min(8.0, 0.5 * 2.0 ** min(failures - 1, 32))
    assert wait is not None
    assert 0.75 * full <= wait <= full
    assert wait >= 0.1


def test_steady_waits_are_blurred_once_and_whole_from_then_on() -> None:
    retry = Retry(tries=9, first_wait_s=1.0, longest_wait_s=3.0, jitter=1.0, steady=True)
    assert [retry.wait_s(failures, None, 0.75) for failures in range(1, 5)] == [0.25, 2.0, 3.0, 3.0]


@given(wish=st.floats(0, 120), failures=st.integers(1, 4), chance=st.floats(0, 1))
def test_a_hub_that_asks_for_a_wait_gets_at_least_that(wish: float, failures: int, chance: float) -> None:
    wait = Retry(tries=5).wait_s(failures, wish, chance)
    assert wait is not None
    assert wait >= wish


def test_a_hub_that_asks_for_too_long_a_wait_is_not_asked_again() -> None:
    assert Retry().wait_s(1, 120.5, 0.0) is None


@pytest.mark.parametrize("code", sorted(HUB_ERRORS))
def test_a_code_is_retried_exactly_where_the_registry_says_so(code: int) -> None:
    made, _ = budget()
    made.next_try_s()
    assert (made.wait_s(refused(code)) is not None) is HUB_ERRORS[code].retryable


@pytest.mark.parametrize("error", [LOST, ProtocolError("nonsense", status=502)], ids=["lost", "nonsense"])
def test_losses_and_nonsense_of_a_gateway_are_retried(error: NeuroengineError) -> None:
    made, _ = budget(Retry(tries=3))
    assert [made.wait_s(error) for _ in range(3)] == [0.5, 1.0, None]


def test_progress_makes_the_next_failure_a_first_one() -> None:
    made, _ = budget(Retry(tries=2))
    assert made.wait_s(LOST) == 0.5
    made.progress()
    assert made.wait_s(LOST) == 0.5
    assert made.wait_s(LOST) is None


def test_the_time_runs_from_the_first_try_and_ends() -> None:
    made, time = budget(total_s=10.0)
    time.now += 100
    assert made.next_try_s() == 10.0
    time.now += 9
    assert made.next_try_s() == 1.0
    time.now += 1
    with pytest.raises(TimedOut, match="10 s") as caught:
        made.next_try_s()
    assert not caught.value.request_sent


def test_no_wait_reaches_past_the_end_of_the_call() -> None:
    made, time = budget(total_s=10.0)
    made.next_try_s()
    time.now += 9.5
    assert made.wait_s(LOST) is None


def test_not_ready_is_asked_again_at_once_when_the_hub_held_the_poll() -> None:
    made, time = budget()
    made.next_try_s()
    time.now += 15
    assert made.wait_s(refused(17)) == 0.0


def test_a_hub_that_is_not_ready_at_once_is_asked_ten_times_a_second_at_most() -> None:
    made, time = budget(total_s=0.999)
    for _ in range(10):
        made.next_try_s()
        time.now += made.wait_s(refused(17)) or 0.0
    assert time.now == pytest.approx(1001.0)
    with pytest.raises(TimedOut):
        made.next_try_s()


def test_not_ready_counts_as_a_failed_try_where_that_was_asked_for() -> None:
    made, _ = budget(Retry(tries=3), counts_not_ready=True)
    made.next_try_s()
    assert [made.wait_s(refused(17)) is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["connect_s", "answer_s", "total_s"])
def test_a_time_limit_is_above_zero_and_never_infinite(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Timeouts(**{name: seconds})


@pytest.mark.parametrize(
    ("name", "value"),
    [("tries", 0), ("tries", "5"), ("jitter", 1.5), ("first_wait_s", -1), ("longest_retry_after_s", float("inf"))],
)
def test_a_retry_setting_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Retry(**{name: value})  # type: ignore[arg-type]  # the point of the test


def test_each_piece_has_a_time_of_its_own_that_starts_with_its_first_try() -> None:
    now = 0.0
    budget = Budget(Retry(tries=5), 100.0, piece_s=10.0, clock=lambda: now, chance=lambda: 0.0)
    assert budget.next_try_s() == 10.0
    now = 4.0
    assert budget.next_try_s() == 6.0
    budget.progress()
    now = 50.0  # the caller took its time
    assert budget.next_try_s() == 10.0
    now = 95.0
    budget.progress()
    assert budget.next_try_s() == 5.0


def test_a_piece_that_does_not_come_in_its_time_is_given_up() -> None:
    now = 0.0
    budget = Budget(Retry(tries=5), 100.0, piece_s=10.0, clock=lambda: now, chance=lambda: 0.0)
    budget.next_try_s()
    now = 9.8
    assert budget.wait_s(ConnectionFailed("lost", request_sent=True)) is None
    now = 10.0
    with pytest.raises(TimedOut, match="no piece came within 10 s"):
        budget.next_try_s()
