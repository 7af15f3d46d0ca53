"""The real clock: UTC now, and waits that end when the run is asked to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from connectctl.errors import Interrupted
from connectctl.http.clock import machine_steady


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC with `Z` and milliseconds: sorts as text in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RunClock:
    """`wait` returns True as soon as `stop` is set; safe for any number of threads."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.applying = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        return self.stop.wait(max(0.0, seconds))

    def steady(self) -> tuple[int, float]:
        return machine_steady()

    def check(self) -> None:
        """Raises Interrupted when the run was asked to stop."""
        if self.stop.is_set():
            raise Interrupted("The run was stopped; what was applied is recorded")


@contextmanager
def stoppable(clock: RunClock) -> Iterator[None]:
    """Ctrl-C and SIGTERM: while reading, KeyboardInterrupt ends the run at once; while `applying`, it ends after the
    calls in flight.

    A second signal ends the process at once; the ledger's `sent` entries then tell the next run where to look.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if clock.stop.is_set():
            os._exit(Interrupted.exit_code)  # asked twice: the ledger knows what may have left
        clock.stop.set()
        if not clock.applying:
            raise KeyboardInterrupt  # not Interrupted: it may hit where a plugin's errors are caught

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
