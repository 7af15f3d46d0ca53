"""The rate limiter under a clock that moves only when somebody waits."""

from __future__ import annotations

import threading

import pytest

from connectctl.errors import Interrupted, SettingInvalid
from connectctl.http.limits import Health, Rate, RateLimiter, parse_rate
from connectctl.testing.clock import FakeClock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90/min", Rate(90, 60)),
        ("5/s", Rate(5, 1)),
        ("195/30s", Rate(195, 30)),
        ("1000/h", Rate(1000, 3600)),
        (" 10 / 2min ", Rate(10, 120)),
        ("1/sec", Rate(1, 1)),
        ("none", None),
        ("None", None),
    ],
)
def test_rates_are_read(text: str, expected: Rate | None) -> None:
    assert parse_rate(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0/s", "5", "5/", "5/0s", "-5/s", "5/ms", "5/day", "1.5/s", "٥/s", "9" * 9 + "/s"]
)
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match="not of the form"):
        parse_rate(text)


def take(limiter: RateLimiter, clock: FakeClock, count: int) -> list[float]:
    start, times = clock.now(), []
    for _ in range(count):
        limiter.acquire()
        limiter.succeeded()
        times.append((clock.now() - start).total_seconds())
    return times


@pytest.mark.parametrize(("rate", "limit", "window"), [("90/min", 100, 60), ("195/30s", 200, 30), ("5/s", 6, 1)])
def test_no_window_holds_more_than_the_remote_allows(rate: str, limit: int, window: float) -> None:
    clock = FakeClock()
    times = take(RateLimiter(rate, clock), clock, 1000)
    most = max(sum(1 for other in times if time <= other < time + window) for time in times[:700])
    assert most <= limit


def test_the_rate_is_used_up_to_two_percent() -> None:
    clock = FakeClock()
    times = take(RateLimiter("90/min", clock), clock, 900)
    assert 600 * 0.98 <= times[-1] <= 600 * 1.05


def test_none_never_waits() -> None:
    clock = FakeClock()
    assert take(RateLimiter("none", clock), clock, 100)[-1] == 0.0


def test_a_429_stops_everybody_and_halves_the_rate_which_creeps_back() -> None:
    clock = FakeClock()
    limiter = RateLimiter("60/min", clock)
    take(limiter, clock, 10)
    before = clock.now()
    limiter.throttled(limiter.acquire(), 30.0)
    tickets = [limiter.acquire(), limiter.acquire()]
    waited = (clock.now() - before).total_seconds()
    assert waited >= 32.0  # the pause, and then one every two seconds
    assert limiter.factor == 0.5
    assert len(set(tickets)) == 1
    take(limiter, clock, 30)
    assert limiter.factor == 1.0


def test_requests_under_way_together_count_as_one_warning() -> None:
    limiter = RateLimiter("60/min", FakeClock())
    tickets = [limiter.acquire() for _ in range(5)]
    for ticket in tickets:
        limiter.throttled(ticket, 1.0)
    assert limiter.factor == 0.5


def test_without_a_rate_a_429_still_stops_everybody() -> None:
    clock = FakeClock()
    limiter = RateLimiter("none", clock)
    limiter.throttled(limiter.acquire(), 20.0)
    assert take(limiter, clock, 2)[0] == pytest.approx(20.0)


def test_the_rate_never_sinks_to_nothing() -> None:
    clock = FakeClock()
    limiter = RateLimiter("60/min", clock)
    for _ in range(20):
        limiter.throttled(limiter.acquire(), 1.0)
    assert limiter.factor == 1 / 16


def test_an_hourly_budget_is_kept_in_every_hour() -> None:
    clock = FakeClock()
    times = take(RateLimiter("none", clock, per_hour=50), clock, 120)
    assert times[49] == 0.0
    assert times[50] == pytest.approx(3660)  # counted by minutes, so up to one minute more
    assert times[100] == pytest.approx(7320)


def test_a_stop_ends_the_wait() -> None:
    clock = FakeClock()
    limiter = RateLimiter("1/min", clock)
    limiter.acquire()
    clock.stopped = True
    with pytest.raises(Interrupted):
        limiter.acquire()


def test_a_clock_set_back_does_not_stall() -> None:
    clock = FakeClock()
    limiter = RateLimiter("60/min", clock, per_hour=100)
    take(limiter, clock, 20)
    clock.move(-86400)
    assert take(limiter, clock, 5)[-1] < 10


def test_threads_share_one_rate() -> None:
    clock = FakeClock()
    limiter = RateLimiter("60/min", clock)
    start = clock.now()
    threads = [threading.Thread(target=lambda: [limiter.acquire() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # With a shared fake clock each waiter moves time for all, so only the lower bound means anything.
    assert (clock.now() - start).total_seconds() >= 100 / 0.98 - 10


def test_health_is_down_after_twenty_failures_until_one_success() -> None:
    health = Health()
    for _ in range(20):
        assert not health.down
        health.failed()
    assert health.down
    health.good()
    assert not health.down
