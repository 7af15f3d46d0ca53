"""The shared record's arithmetic: no window too full, no clock trusted, no warning counted twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectctl.http.bucket import FORGIVEN, SIZE, SLOWER_FOR, Bucket, Rate

START = 1_800_000_000.0
RATES = [
    Rate(90, 60),
    Rate(100, 60),
    Rate(195, 30),
    Rate(20, 1),
    Rate(5, 1),
    Rate(40, 10),
    Rate(1, 60),
    Rate(1000, 3600),
]


def fullest(turns: list[float], seconds: float) -> int:
    """The most turns that any span of `seconds` holds."""
    most, first = 0, 0
    for last, turn in enumerate(turns):
        while turn - turns[first] >= seconds - 1e-6:  # a double of this size has steps of a quarter microsecond
            first += 1
        most = max(most, last - first + 1)
    return most


gaps = st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 2))  # in units of the rate's seconds


@given(rate=st.sampled_from(RATES), asks=st.lists(st.tuples(gaps, st.integers(1, 40)), max_size=25))
def test_no_window_holds_more_than_the_rate_says(rate: Rate, asks: list[tuple[float, int]]) -> None:
    bucket, now, turns = Bucket(), START, []
    for gap, count in asks:
        now += gap * rate.seconds
        for _ in range(count):  # of whichever thread or process: the record does not know who asks
            bucket.settle(now)
            turns.append(bucket.take(now, rate))
            assert turns[-1] >= now
    assert turns == sorted(turns)  # in the order of asking: nobody is overtaken
    assert fullest(turns, rate.seconds) <= rate.count


@given(
    asks=st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 5), st.sampled_from(["take", "take", "good", "warn"])), max_size=60
    )
)
def test_whatever_happens_every_turn_comes_within_the_queue_ahead_of_it(
    asks: list[tuple[int, float, str]],
) -> None:
    rates = [Rate(90, 60), Rate(5, 1), None]
    bucket, now, taken, tickets = Bucket(), START, 0, [0]
    for who, gap, what in asks:
        now += gap
        bucket.settle(now)
        if what == "take":
            taken += 1
            wait = bucket.take(now, rates[who]) - now
            tickets.append(bucket.generation)
            assert 0 <= wait <= 30 + taken * 60 / (90 * 0.98 * (1 / 16))
        elif what == "good":
            bucket.creep(1)
        else:
            bucket.warn(now, tickets[-1], 30.0, rates[who])
        assert 0 < bucket.factor <= 4.0
        assert bucket.factor <= 1.0 or bucket.learned
        assert Bucket.from_bytes(bucket.to_bytes()) == bucket


@pytest.mark.parametrize("rate", RATES)
def test_in_the_long_run_the_rate_is_used_up(rate: Rate) -> None:
    bucket = Bucket()
    bucket.settle(START)
    calls = 20 * rate.count + 50
    last = max(bucket.take(START, rate) for _ in range(calls))
    assert 0.97 <= (last - START) / (calls / rate.per_second) <= 1.03


@pytest.mark.parametrize("rate", [Rate(90, 60), Rate(195, 30), Rate(1000, 3600)])
def test_a_short_run_after_a_rest_does_not_wait(rate: Rate) -> None:
    bucket = Bucket()
    for now in (START, START + 2 * rate.seconds):
        assert max(bucket.take(now, rate) for _ in range(8)) - now < 1e-3
        assert bucket.take(now, rate) > now + 0.1


@example(budget=1, asks=[0.0, 60.0])  # a refusal moves the minutes on, too
@given(
    budget=st.integers(1, 30),
    asks=st.lists(st.one_of(st.just(0.0), st.floats(0, 120), st.floats(0, 8000)), max_size=120),
)
def test_no_hour_holds_more_than_the_budget(budget: int, asks: list[float]) -> None:
    bucket, now, sent = Bucket(), START, []
    for gap in asks:
        now += gap
        wait = bucket.charge(now, budget)
        if wait:
            assert 0 < wait <= 3660
            now += wait + 1e-6  # a double of this size has steps of a quarter microsecond
            assert bucket.charge(now, budget) == 0.0  # the wait is long enough
        sent.append(now)
    assert fullest(sent, 3600.0) <= budget


def test_a_budget_is_free_again_after_an_hour_at_the_latest_a_minute_more() -> None:
    bucket = Bucket()
    assert [bucket.charge(START + 59.0, 2), bucket.charge(START + 59.0, 2)] == [0.0, 0.0]
    assert 3600 <= bucket.charge(START + 60.0, 2) <= 3660


# --- warnings


def test_a_slower_process_slows_the_others_while_it_is_at_work() -> None:
    fast, slow = Rate(10, 1), Rate(1, 1)
    bucket = Bucket()
    assert bucket.take(START, slow) == START
    turns = [bucket.take(START, fast) for _ in range(5)]
    assert turns[-1] - START == pytest.approx(5 / 0.98)
    later = START + SLOWER_FOR + 10
    turns = [bucket.take(later, fast) for _ in range(11)]
    assert turns[-1] - later < 1.2


def test_a_process_without_a_rate_keeps_that_of_the_others_while_they_are_at_work() -> None:
    bucket = Bucket()
    bucket.take(START, Rate(1, 1))
    assert bucket.take(START, None) - START == pytest.approx(1 / 0.98)
    assert bucket.take(START + SLOWER_FOR + 10, None) == START + SLOWER_FOR + 10


def test_warnings_of_several_processes_at_once_count_once() -> None:
    bucket = Bucket()
    for rate in (Rate(10, 1), Rate(10, 1), None):
        bucket.warn(START, 0, 5.0, rate)
    assert (bucket.factor, bucket.pause, bucket.generation) == (0.5, START + 5, 1)
    bucket.warn(START + 1, 0, 9.0, Rate(10, 1))  # of before, and it names a later moment
    assert (bucket.factor, bucket.pause) == (0.5, START + 10)


def test_a_pause_that_would_end_earlier_shortens_nothing() -> None:
    bucket = Bucket()
    bucket.warn(START, 0, 60.0, None)
    bucket.warn(START, 1, 1.0, None)
    assert bucket.pause == START + 60


def test_without_a_rate_half_of_the_measured_one_is_kept_until_enough_went_well() -> None:
    bucket = Bucket()
    for number in range(1000):  # 100 a second for ten seconds
        bucket.take(START + number / 100, None)
    now = START + 10
    bucket.warn(now, 0, 1.0, None)
    turns = [bucket.take(now, None) for _ in range(51)]
    assert turns[0] == now + 1
    assert turns[-1] - turns[0] == pytest.approx(1.0, rel=0.02)
    bucket.creep(20)
    assert bucket.factor == pytest.approx(2.5)
    bucket.creep(20)
    assert not bucket.slowed
    later = turns[-1] + 1
    assert [bucket.take(later, None) for _ in range(100)] == [later] * 100


def test_after_ten_minutes_a_warning_is_forgotten() -> None:
    bucket = Bucket()
    bucket.settle(START)
    bucket.warn(START, 0, 5.0, None)
    bucket.settle(START + FORGIVEN)
    assert bucket.slowed
    bucket.settle(START + FORGIVEN + 1)
    assert not bucket.slowed


# --- clocks


@given(
    rate=st.sampled_from(RATES),
    steps=st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.0, 3600.0, -3600.0, 86400.0])), max_size=30),
)
def test_a_clock_that_is_set_changes_nothing_where_a_steady_clock_is_known(
    rate: Rate, steps: list[tuple[float, float]]
) -> None:
    bucket, steady, set_by, turns = Bucket(), 0.0, 0.0, []
    for gap, jump in steps:
        steady += gap * rate.seconds
        set_by += jump
        now = START + steady + set_by
        for _ in range(rate.burst):
            bucket.settle(now, 7, steady)
            turns.append(bucket.take(now, rate) - set_by)  # in true time
    assert fullest(turns, rate.seconds) <= rate.count
    assert all(later - turn < rate.seconds * 40 for turn, later in pairwise(turns))


@pytest.mark.parametrize(("steady", "jump"), [(0, -3600.0), (7, -3600.0), (7, 3600.0)])
def test_a_pause_lasts_as_long_when_the_clock_is_set(steady: int, jump: float) -> None:
    bucket = Bucket()
    bucket.settle(START, steady, 100.0)
    bucket.warn(START, 0, 30.0, None)
    now = START + 10 + jump
    bucket.settle(now, steady, 110.0)
    left = bucket.pause - now
    assert left == pytest.approx(20.0 if steady else 30.0)  # without a steady clock nobody knows how long ago it was


def test_a_clock_set_forward_that_nobody_can_tell_is_time_that_passed() -> None:
    bucket = Bucket()
    bucket.settle(START, 7, 100.0)
    bucket.warn(START, 0, 30.0, None)
    bucket.settle(START + 3600, 8, 5.0)  # after a restart, or in another container
    assert bucket.pause < START + 3600


def test_an_hourly_budget_survives_a_clock_set_forward() -> None:
    bucket = Bucket()
    bucket.settle(START, 7, 100.0)
    assert bucket.charge(START, 1) == 0.0
    bucket.settle(START + 7200, 7, 160.0)
    assert bucket.charge(START + 7200, 1) > 3000


# --- bytes


@given(data=st.binary(max_size=SIZE + 8))
def test_any_bytes_are_a_record_or_none(data: bytes) -> None:
    assert Bucket.from_bytes(data) is None  # a checksum that fits by chance would be news


@given(place=st.integers(0, SIZE - 1), bit=st.integers(0, 7))
def test_one_flipped_bit_is_seen(place: int, bit: int) -> None:
    data = bytearray(replace(Bucket(), seen=START, tally=3).to_bytes())
    assert len(data) == SIZE
    data[place] ^= 1 << bit
    assert Bucket.from_bytes(bytes(data)) is None


def test_turns_given_out_before_a_warning_are_no_longer_in_the_way() -> None:
    bucket, rate = Bucket(), Rate(60, 60)
    for _ in range(50):
        bucket.take(START, rate)
    bucket.warn(START, 0, 5.0, rate)
    assert bucket.take(START, rate) == START + 5
