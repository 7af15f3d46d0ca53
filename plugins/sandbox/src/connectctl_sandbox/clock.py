"""The time of the simulated world: it stands still until it is told to move."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
"""Where the clock of a sandbox starts unless told otherwise: a few weeks after the newest seeded completion."""


class Clock:
    """A clock in seconds since 1970 (UTC) that moves by `advance`, and by `per_request` seconds at each request.

    With `running=True` it also moves with the real time, for a sandbox that people use by hand.
    """

    def __init__(self, start: float = START, *, running: bool = False, per_request: float = 0.0) -> None:
        self.per_request = per_request
        self._lock = threading.Lock()
        self._now = start
        self._since = time.monotonic() if running else None

    def now(self) -> float:
        """Seconds since 1970 in the simulated world."""
        with self._lock:
            return self._now + (time.monotonic() - self._since if self._since is not None else 0.0)

    def advance(self, seconds: float) -> float:
        """Move forward by `seconds` and return the new time; a clock never goes back."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        with self._lock:
            self._now += seconds
        return self.now()

    def tick(self) -> None:
        """Count one request: moves the clock by `per_request` seconds."""
        if self.per_request:
            self.advance(self.per_request)


def mysql_time(seconds: float) -> str:
    """Docebo's way to write a time: `YYYY-MM-DD HH:MM:SS` in UTC, no zone (docebo.md 12.3)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(seconds: float) -> str:
    """Credly's way to write a time: ISO 8601 in UTC with milliseconds (credly.md 5.1)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds * 1000) % 1000:03d}Z"
