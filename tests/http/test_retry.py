"""The retry decisions, as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.http.retry import TRIES, decide, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("failure", ["connect", "throttled", "unavailable", "server", "lost", "unreadable", "refused"])
def test_what_is_repeated(method: str, failure: str) -> None:
    safe = method in ("GET", "PUT", "DELETE")
    expected = failure != "refused" and (safe or failure in ("connect", "throttled"))
    assert (decide(method, 1, failure) is not None) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("failure", ["connect", "throttled", "lost"])
def test_there_are_five_tries(failure: str) -> None:
    waits = [decide("GET", attempt, failure) for attempt in range(1, 8)]  # type: ignore[arg-type]
    assert [wait is not None for wait in waits] == [True] * (TRIES - 1) + [False] * 3


def test_the_caller_can_vouch_or_warn() -> None:
    assert decide("POST", 1, "lost", repeatable=True) is not None
    assert decide("PUT", 1, "lost", repeatable=False) is None


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)])
def test_backoff_doubles_with_full_jitter(attempt: int, longest: float) -> None:
    assert decide("GET", attempt, "server", jitter=1.0) == longest
    assert decide("GET", attempt, "server", jitter=0.0) == 0.0


@pytest.mark.parametrize(("given_", "expected"), [(7.0, 7.0), (1e9, 120.0), (-3.0, 0.0)])
def test_retry_after_wins(given_: float, expected: float) -> None:
    assert decide("POST", 1, "throttled", given_, 0.3) == expected
    assert decide("GET", 1, "unavailable", given_, 0.3) == expected


@given(st.integers(1, 4), st.floats(0, 1))
def test_a_wait_is_never_long_nor_negative(attempt: int, jitter: float) -> None:
    for failure in ("throttled", "server"):
        wait = decide("GET", attempt, failure, None, jitter)  # type: ignore[arg-type]
        assert wait is not None
        assert 0 <= wait <= 30


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("5", 5.0),
        ("0.5", 0.5),
        ("0", None),
        ("-1", None),
        ("1000000000", 120.0),
        ("inf", 120.0),
        ("nan", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:30 GMT", None),
        ("Sun, 01 Mar 2126 12:00:30 GMT", 120.0),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("9" * 5000, None),
    ],
)
def test_retry_after_is_read_with_suspicion(header: str | None, expected: float | None) -> None:
    assert parse_retry_after(header, NOW) == expected


@given(st.text())
def test_no_retry_after_header_crashes(header: str) -> None:
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or 0 < seconds <= 120
