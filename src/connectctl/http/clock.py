"""The machine's clock, for callers that bring none."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time; a wait lasts as long as asked and is never cut short."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        time.sleep(max(seconds, 0.0))
        return False
