"""How fast a remote may be asked: turns for all threads and processes, fewer of them when the remote says so."""

from __future__ import annotations

import logging
import re
import threading
from datetime import UTC, datetime

from connectctl.errors import Interrupted, SettingInvalid
from connectctl.http.bucket import Bucket, Rate
from connectctl.http.shared import LimitState, OwnState
from connectctl.model import Clock

log = logging.getLogger("connectctl.http")

_RATE = re.compile(r"([1-9]\d{0,6}) ?/ ?([1-9]\d{0,4})? ?(s|secs?|seconds?|m|mins?|minutes?|h|hours?)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}

TICK = 0.001  # shorter waits are not worth a sleep (and a clock may not resolve them)


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
    """Lets requests pass at the rate; `throttled` stops everybody and halves it, `succeeded` creeps back.

    Everybody is every thread and process with the same `state`. Whoever asks takes a turn at once and then waits for
    it, so turns come in the order of asking, and a process that dies meanwhile only leaves its own unused.
    """

    def __init__(
        self,
        rate: str | Rate | None,
        clock: Clock,
        *,
        per_hour: int | None = None,
        name: str = "",
        state: LimitState | None = None,
    ) -> None:
        self.rate = parse_rate(rate) if isinstance(rate, str) else rate
        self.per_hour = per_hour
        self._clock = clock
        # Not inherited: a clock that bends now() and wait() has to say itself how its time passes.
        self._steady = type(clock).__dict__.get("steady")
        self._name = name
        self._state: LimitState = state or OwnState()
        self._lock = threading.Lock()
        self._good = 0  # answers not yet told to the others
        self._generation = 0
        self._slowed = False
        self._opening = 0.0

    @property
    def factor(self) -> float:
        """The share of the configured rate that is used now."""
        return self._state.look().factor

    def acquire(self) -> int:
        """Waits for a turn; returns a ticket for `throttled`. Raises Interrupted when the run is stopped meanwhile."""
        while True:
            ticket, wait = self._state.change(self._take)
            if wait >= TICK:
                if wait > 10:
                    log.info("%s: waiting %.0f s for the rate limit", self._name, wait)
                self._wait(wait)
                now = self._state.look()
                if now.generation != ticket or now.pause - self._clock.now().timestamp() >= TICK:
                    continue  # somebody was throttled while we slept: our turn is void, everybody queues again
            if self.per_hour is None:
                return ticket
            wait = self._state.change(self._charge)
            if not wait:
                return ticket
            self._say_used_up(wait)
            self._wait(wait)

    def throttled(self, ticket: int, pause: float) -> None:
        """A request of this ticket met 429 or 503: nobody sends for `pause` seconds, then at half the rate.

        Several requests that were under way together count as one warning, of whatever process they are.
        """

        def warn(bucket: Bucket) -> None:
            bucket.warn(self._settle(bucket), ticket, pause, self.rate)

        self._state.change(warn)
        with self._lock:
            self._good = 0
            self._slowed = True

    def succeeded(self) -> None:
        """A request went through: the rate creeps back, for the others with our next turn."""
        if self._slowed:
            with self._lock:
                self._good += 1

    def close(self) -> None:
        """Closes the file of the state; the next turn opens it again."""
        self._state.close()

    def _take(self, bucket: Bucket) -> tuple[int, float]:
        now = self._settle(bucket)
        with self._lock:
            if bucket.generation == self._generation:  # else they are answers from before a warning
                bucket.creep(self._good)
            self._good = 0
            self._generation = bucket.generation
            self._slowed = bucket.slowed
        return bucket.generation, bucket.take(now, self.rate) - now

    def _charge(self, bucket: Bucket) -> float:
        return bucket.charge(self._settle(bucket), self.per_hour or 0)

    def _settle(self, bucket: Bucket) -> float:
        now = self._clock.now().timestamp()  # read here, where nobody else changes the record: it never runs back
        if self._steady is None:
            bucket.settle(now)
        else:
            bucket.settle(now, *self._steady(self._clock))
        return now

    def _wait(self, seconds: float) -> None:
        if self._clock.wait(seconds):
            raise Interrupted("Stopped while waiting for the rate limit; the request was not sent.")

    def _say_used_up(self, wait: float) -> None:
        """Once per process and pause, not once per thread."""
        opening = self._clock.now().timestamp() + wait
        with self._lock:
            said, self._opening = self._opening, opening
        if abs(opening - said) > 1:
            at = datetime.fromtimestamp(opening, UTC).strftime("%H:%M:%S")
            log.warning(
                "%s: the hourly budget (per_hour = %s) is used up; going on at %s UTC", self._name, self.per_hour, at
            )


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
