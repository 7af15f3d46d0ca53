"""A clock that moves only when somebody waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """`wait` moves time forward and returns `stopped`; `waits` lists what was asked for."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.waits: list[float] = []
        self.stopped = False

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def wait(self, seconds: float) -> bool:
        with self._lock:
            if not self.stopped:
                self.waits.append(seconds)
                self._now += timedelta(seconds=max(seconds, 0.0))
            return self.stopped

    def move(self, seconds: float) -> None:
        """Sets the clock forward, or back."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
