"""Whether and when a request is sent again: pure decisions, decided by what may have happened at the remote."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Failure = Literal["connect", "throttled", "unavailable", "server", "lost", "unreadable", "refused"]
"""connect: nothing was sent. throttled: 429, refused before processing. unavailable: 503. server: other 5xx, 408.
lost: sent, and the answer did not come whole. unreadable: 2xx whose body is broken JSON. refused: it said no."""

TRIES = 5
BASE = 0.5  # seconds
CAP = 30.0
BREATH = 2.0  # for everybody, after a refusal that is not retried and names no time
THROTTLE_BASE = 4.0  # a limit is counted per minute: half a second later it would still refuse
LONGEST_RETRY_AFTER = 120.0

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


def decide(
    method: str,
    attempt: int,
    failure: Failure,
    retry_after: float | None = None,
    jitter: float = 1.0,
    *,
    repeatable: bool | None = None,
) -> float | None:
    """Seconds to wait before the next try, or None when there must be none.

    `attempt` counts from 1, `jitter` is a random number in [0, 1]. `repeatable` says whether the same request may be
    carried out twice without harm; by default GET, PUT and DELETE may, POST and PATCH not. A connection that was never
    made and a 429 are safe to repeat for every method, because the remote did nothing.
    """
    if failure == "refused" or attempt >= TRIES:
        return None
    if repeatable is None:
        repeatable = method.upper() in REPEATABLE
    if failure not in ("connect", "throttled") and not repeatable:
        return None
    if failure in ("throttled", "unavailable") and retry_after is not None:
        return min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)
    if failure == "throttled":
        return min(math.ldexp(THROTTLE_BASE, attempt - 1), CAP) * (0.5 + 0.5 * jitter)
    return min(math.ldexp(BASE, attempt - 1), CAP) * jitter


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (a number or a date), at most 120; None when absent, past or nonsense."""
    text = (value or "").strip()
    if not text or len(text) > 64:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    if math.isnan(seconds) or seconds <= 0:
        return None
    return min(seconds, LONGEST_RETRY_AFTER)
