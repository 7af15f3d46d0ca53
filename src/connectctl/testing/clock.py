"""A clock that moves only when somebody waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """`wait` moves time forward and returns `stopped`; `waits` lists what was asked for.

    `machine`: clocks with the same number belong to processes of one machine; 0 for a machine whose clock may be set
    without anybody noticing.
    """

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC), machine: int = 1) -> None:
        self._now = start
        self._passed = 0.0
        self._machine = machine
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
                self._passed += max(seconds, 0.0)
            return self.stopped

    def steady(self) -> tuple[int, float]:
        with self._lock:
            return self._machine, self._passed

    def move(self, seconds: float) -> None:
        """Sets the clock forward, or back; no time passes by that."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
