"""The machine's clock, for callers that bring none."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path


class SystemClock:
    """Wall time; a wait lasts as long as asked and is never cut short."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        time.sleep(max(seconds, 0.0))
        return False

    def steady(self) -> tuple[int, float]:
        return machine_steady()


def machine_steady() -> tuple[int, float]:
    """Which clock of this machine cannot be set, as a number, and its seconds; they run on while it sleeps.

    Processes that read the same number read the same clock. It differs after a restart.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return _which_clock(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return _which_clock(), time.monotonic()


@cache
def _which_clock() -> int:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        boot += os.readlink("/proc/self/ns/time").encode()  # containers may have a zero of their own
    except OSError:
        boot = os.urandom(16)  # comparable within this process only
    return int.from_bytes(hashlib.sha256(boot).digest()[:8], "little")
