"""A limit on the requests of an account, as the remotes count them: by fixed periods, or as a leaky bucket."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, fields
from typing import Any

from .faults import REMOTES


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`count` requests in `seconds` for the account of a remote, whoever sends them.

    `kind` "periods": counted from one full multiple of `seconds` to the next, refused requests among them
    (accredible.md 8: 2,000 per 5 minutes, counted in 30 s periods). "bucket": each request adds one to a bucket that
    leaks `count` in `seconds` and holds `burst`; a refused one adds nothing (docebo.md 2.7). `retry_after`: whether
    a 429 says when to come back, in whole seconds; nobody but Slack documents that it does.
    """

    remote: str
    count: int
    seconds: float
    kind: str = "periods"
    burst: int = 1
    retry_after: bool = True

    def __post_init__(self) -> None:
        if self.remote not in REMOTES:
            raise ValueError(f"unknown remote {self.remote!r}; known are {', '.join(REMOTES)}")
        if self.kind not in ("periods", "bucket"):
            raise ValueError(f"unknown kind {self.kind!r}; known are periods, bucket")
        for name in ("count", "burst"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is a whole number from 1 on")
        number = isinstance(self.seconds, int | float) and not isinstance(self.seconds, bool)
        if not number or not 0 < self.seconds < math.inf:
            raise ValueError("seconds is a number above 0")
        if not isinstance(self.retry_after, bool):
            raise ValueError("retry_after is true or false")


def limit_from(data: dict[str, Any]) -> RateLimit:
    """A limit from plain data (the control address); ValueError names what is wrong with it."""
    unknown = set(data) - {field.name for field in fields(RateLimit)}
    if unknown:
        raise ValueError(f"unknown settings of a limit: {', '.join(sorted(unknown))}")
    missing = {"remote", "count", "seconds"} - set(data)
    if missing:
        raise ValueError(f"a limit needs {', '.join(sorted(missing))}")
    return RateLimit(**data)


class _Counter:
    """A limit with what was used of it."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.period = -1
        self.used = 0
        self.level = 0.0
        self.at = 0.0

    def wait(self, now: float) -> float | None:
        """Counts one request; None when it may pass, else seconds until one may."""
        limit = self.limit
        if limit.kind == "periods":
            period = math.floor(now / limit.seconds)
            if period != self.period:
                self.period, self.used = period, 0
            self.used += 1
            return None if self.used <= limit.count else (period + 1) * limit.seconds - now
        leak = limit.count / limit.seconds
        self.level, self.at = max(0.0, self.level - (now - self.at) * leak), now
        if self.level + 1 <= limit.burst + 1e-9:
            self.level += 1
            return None
        return (self.level + 1 - limit.burst) / leak


class RateLimits:
    """The limits in force, at most one for each remote."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, _Counter] = {}

    def set(self, limit: RateLimit) -> None:
        """Puts a limit in force in place of the remote's former one; it has counted nothing yet."""
        with self._lock:
            self._counters[limit.remote] = _Counter(limit)

    def clear(self) -> None:
        """Takes all limits away."""
        with self._lock:
            self._counters.clear()

    def active(self) -> list[RateLimit]:
        """The limits in force, by remote."""
        with self._lock:
            return [self._counters[remote].limit for remote in sorted(self._counters)]

    def refusal(self, remote: str, now: float) -> dict[str, str] | None:
        """The headers of the 429 for one more request, which is counted; None when it may pass."""
        with self._lock:
            counter = self._counters.get(remote)
            wait = counter.wait(now) if counter else None
            if counter is None or wait is None:
                return None
            return {"Retry-After": str(max(1, math.ceil(wait)))} if counter.limit.retry_after else {}
