"""How fast a remote may be asked: a token bucket that all threads share and that gives way when the remote says so."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from dataclasses import dataclass

from connectctl.errors import Interrupted, SettingInvalid
from connectctl.model import Clock

log = logging.getLogger("connectctl.http")

_RATE = re.compile(r"([1-9]\d{0,6}) ?/ ?([1-9]\d{0,4})? ?(s|secs?|seconds?|m|mins?|minutes?|h|hours?)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}

SHARE = 0.98  # of the configured rate: measured as free of refusals at a cost of 2 % time
SLOWEST = 1 / 16  # of the configured rate, after repeated 429
CREEP = 0.02  # per good answer: back to full speed some 25 good answers after a single 429
TICK = 0.001  # shorter waits are not worth a sleep (and a clock may not resolve them)


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in `seconds`."""

    count: int
    seconds: float

    @property
    def burst(self) -> int:
        """How many may go at once; small, so that a burst plus a full period stays below a limit slightly above."""
        return max(1, min(8, self.count // 10))


def parse_rate(text: str) -> Rate | None:
    """`90/min`, `5/s`, `195/30s`; None for `none`. Raises SettingInvalid for anything else."""
    word = text.strip().lower()
    if word == "none":
        return None
    match = _RATE.fullmatch(word)
    if match is None:
        raise SettingInvalid(f"The rate {text[:40]!r} is not of the form 90/min, 5/s, 195/30s or none.")
    return Rate(int(match[1]), float(int(match[2] or 1) * _SECONDS[match[3][0]]))


class RateLimiter:
    """Lets requests pass at the rate; `throttled` stops everybody and halves it, `succeeded` creeps back."""

    def __init__(self, rate: str | Rate | None, clock: Clock, *, per_hour: int | None = None, name: str = "") -> None:
        self.rate = parse_rate(rate) if isinstance(rate, str) else rate
        self._clock = clock
        self._name = name
        self._lock = threading.Lock()
        self._factor = 1.0
        self._generation = 0
        self._next = 0.0  # when the bucket is full again (the theoretical arrival time of GCRA)
        self._pause = 0.0
        self._seen = 0.0
        self._hour: deque[float] | None = deque(maxlen=per_hour) if per_hour else None

    @property
    def factor(self) -> float:
        """The share of the configured rate that is used now."""
        with self._lock:
            return self._factor

    def acquire(self) -> int:
        """Waits for a turn; returns a ticket for `throttled`. Raises Interrupted when the run is stopped meanwhile."""
        while True:
            with self._lock:
                now = self._now()
                wait = self._reserve(now)
                ticket = self._generation
            if wait < TICK:
                return ticket
            if wait > 10:
                log.info("%s: waiting %.0f s for the rate limit", self._name, wait)
            if self._clock.wait(wait):
                raise Interrupted("Stopped while waiting for the rate limit; the request was not sent.")
            with self._lock:
                if self._pause - self._now() < TICK and self._generation == ticket:
                    return ticket
            # Somebody was throttled while we slept: our turn is void, everybody queues again.

    def throttled(self, ticket: int, pause: float) -> None:
        """A request of this ticket met 429 or 503: nobody sends for `pause` seconds, then at half the rate.

        Several requests that were under way together count as one warning.
        """
        with self._lock:
            now = self._now()
            self._pause = max(self._pause, now + pause)
            if ticket == self._generation:
                self._generation += 1
                self._factor = max(self._factor / 2, SLOWEST)
                self._next = 0.0  # turns given out are void, see acquire

    def succeeded(self) -> None:
        """A request went through: the rate creeps back."""
        if self._factor < 1.0:
            with self._lock:
                self._factor = min(1.0, self._factor + CREEP)

    def _now(self) -> float:
        now = self._clock.now().timestamp()
        if now < self._seen:  # the clock was set back: turns given out move with it, or we would wait for the past
            back = self._seen - now
            self._next -= back
            self._pause -= back
            if self._hour:
                self._hour = deque((at - back for at in self._hour), maxlen=self._hour.maxlen)
        self._seen = now
        return now

    def _reserve(self, now: float) -> float:
        """Seconds until this request's turn, which is taken by it."""
        start = max(now, self._pause)
        turn = start
        if self.rate is not None:
            interval = self.rate.seconds / (self.rate.count * SHARE * self._factor)
            # After a pause the bucket is not full: what was refused would come back as a burst.
            tolerance = (self.rate.burst - 1) * interval if self._factor == 1.0 else 0.0
            turn = max(start, self._next - tolerance)
            self._next = max(self._next, turn) + interval
        if self._hour is not None:
            if self._hour.maxlen is not None and len(self._hour) == self._hour.maxlen:
                turn = max(turn, self._hour[0] + 3600.0)
            self._hour.append(turn)
        return turn - now


class Health:
    """Counts failures in a row over all threads; a remote that is down is not asked five times per request."""

    LIMIT = 20

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1

    def good(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0

    @property
    def down(self) -> bool:
        """After 20 failures in a row each request gets one try, until one succeeds."""
        return self._failures >= self.LIMIT
