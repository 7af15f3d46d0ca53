"""What everybody who shares a connection knows of its pace: arithmetic over one small record, no clock and no file.

Times are seconds since 1970 (UTC) as the machine's clock tells them, so that the record outlives a process and a
restart. That clock can be set: `settle` moves all times along with it.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, fields
from operator import attrgetter

SHARE = 0.98  # of the configured rate: measured as free of refusals at a cost of 2 % time
SLOWEST = 1 / 16  # of the configured rate, after repeated 429
FASTEST = 4.0  # of a learned rate, until it is forgotten
CREEP = 0.02  # per good answer: back to full speed some 25 good answers after a single 429
LEARNED_CREEP = 0.1  # the same for a learned rate: nobody asked for it
FORGIVEN = 600.0  # seconds after the last 429: no published limit is counted over more than five minutes
SLOWER_FOR = 60.0  # seconds in which the slowest configured rate of all processes holds after its last request
SPAN = 10.0  # seconds over which the rate of requests is measured
LEAST_LEARNED = 5.0  # requests a second: what came before a 429 may be too little to learn from
SLOWEST_LEARNED = 1.0  # requests a second
CLOCK_SET = 1.0  # seconds; less is a clock that is being slewed
MINUTES = 61  # the running one and the sixty before it hold every window of 60 minutes


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in `seconds`: no such span of time, wherever it begins, holds more."""

    count: int
    seconds: float

    @property
    def burst(self) -> int:
        """How many may go at once after a rest; paid back by a lower rate during the next `seconds`."""
        return max(self.reserve, min(8, self.count // 10))

    @property
    def reserve(self) -> int:
        """How many may go at once in between: what SHARE leaves free."""
        return max(1, min(8, math.ceil(self.count * (1 - SHARE) - 1e-9)))

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


@dataclass(slots=True)
class Bucket:
    """The shared record. Its methods change it; the caller sees to it that one does so at a time."""

    seen: float = 0.0  # the latest moment that anybody read from the clock
    offset: float = 0.0  # of that clock to the steady clock that cannot be set
    steady: int = 0  # which steady clock; 0: none is known
    free: float = 0.0  # when the next request may go; what lies further back is saved up
    rich: float = 0.0  # when more than `Rate.reserve` was saved up last
    pause: float = 0.0  # nobody sends before
    warned: float = 0.0
    factor: float = 1.0
    learned: float = 0.0  # requests a second, after a 429 where no rate is configured; 0: none
    slow_count: int = 0  # the slowest configured rate of the processes at work
    slow_seconds: float = 0.0
    slow_until: float = 0.0
    generation: int = 0  # counts warnings; a turn given out before one is void
    tally_start: float = 0.0
    tally: int = 0
    tally_before: int = 0
    hour_start: float = 0.0  # of the running minute
    hour: bytes = bytes(4 * MINUTES)  # requests by minute, the running one first

    @property
    def slowed(self) -> bool:
        """Whether a 429 or 503 still has an effect on the rate."""
        return self.factor != 1.0 or self.learned > 0.0

    def settle(self, now: float, steady: int = 0, steady_now: float = 0.0) -> None:
        """Takes note of the time. When the clock was set since the last look, every time moves with it.

        Backwards is seen at once, for time does not run back. Forwards is told from time that passed by the steady
        clock `steady_now`, as long as the last to look had the same one (`steady`); otherwise it passes as time.
        """
        offset = now - steady_now
        known = steady != 0 and steady == self.steady
        moved = offset - self.offset if known and abs(offset - self.offset) > CLOCK_SET else min(0.0, now - self.seen)
        if moved:
            for name in _TIMES:
                setattr(self, name, getattr(self, name) + moved)
        if moved or not known:
            self.steady, self.offset = steady, offset
        self.seen = now
        if self.slowed and now - self.warned > FORGIVEN:
            self.factor, self.learned = 1.0, 0.0

    def take(self, now: float, own: Rate | None) -> float:
        """The moment of the next turn, which is taken by this. `own`: the rate that is configured for the asker."""
        start = max(now, self.pause)
        rate = self._slower(own, now)
        turn, interval, saved = start, 0.0, 1
        if rate is not None:
            interval, saved = self._pace(rate, start)
        if self.learned:
            least = 1 / max(self.learned * self.factor, SLOWEST_LEARNED)
            interval, saved = (least, 1) if least > interval else (interval, saved)
        if interval:
            turn = max(start, self.free)
            self.free = max(self.free, start - (saved - 1) * interval) + interval
        if own is not None and rate == own:
            self.slow_count, self.slow_seconds = own.count, own.seconds
            self.slow_until = turn + max(SLOWER_FOR, 2 * interval)
        self._count(now)
        return turn

    def warn(self, now: float, ticket: int, pause: float, own: Rate | None) -> None:
        """A request of generation `ticket` met 429 or 503: nobody sends for `pause` seconds, then at half the rate.

        Without any rate, half of the rate measured lately becomes one for a while. Requests that were under way
        together count as one warning.
        """
        self.pause = max(self.pause, now + pause)
        if ticket != self.generation:
            return
        self.generation = (self.generation + 1) % 2**32
        self.warned = now
        if self._slower(own, now) is None and not self.learned:
            self.learned = max(self._measured(now), LEAST_LEARNED)
        self.factor = max(self.factor / 2, SLOWEST)
        self.free = self.pause  # turns given out are void

    def creep(self, good: int) -> None:
        """So many requests went through: the rate creeps back."""
        if self.slowed and good:
            highest, step = (FASTEST, LEARNED_CREEP) if self.learned else (1.0, CREEP)
            self.factor = min(highest, self.factor + step * good)
            if self.factor == highest:
                self.factor, self.learned = 1.0, 0.0

    def charge(self, now: float, budget: int) -> float:
        """Counts one request against the hourly budget; seconds to wait when there is none left, and nothing counted.

        No window of 60 minutes ever holds more than the budget: a minute counts until it is wholly out of sight.
        """
        counts = list(_HOUR.unpack(self.hour))
        passed = min(MINUTES, max(0, int((now - self.hour_start) // 60)))
        if passed == MINUTES:
            counts, self.hour_start = [0] * MINUTES, now
        elif passed:
            counts[:] = [0] * passed + counts[:-passed]
            self.hour_start += 60.0 * passed
        free = sum(counts) < budget
        counts[0] += free
        self.hour = _HOUR.pack(*counts)
        if free:
            return 0.0
        minutes = next(n for n in range(1, MINUTES + 1) if sum(counts[: MINUTES - n]) < budget)
        return self.hour_start + 60.0 * minutes - now

    def _pace(self, rate: Rate, start: float) -> tuple[float, int]:
        """Seconds between requests, and how many may be saved up.

        A burst on top of the full rate would break the limit of a window that begins with it. So a burst is paid back:
        as long as it may still lie in a window that ends now, the rate is lower by as much.
        """
        if self.factor < 1.0:  # what was refused would come back as a burst
            return rate.seconds / (rate.count * SHARE * self.factor), 1
        fast = rate.seconds / (rate.count * SHARE)
        if rate.burst == rate.reserve:
            return fast, rate.reserve
        slow = rate.seconds / ((rate.count - rate.burst) * SHARE)
        paying = max(start, self.free) < self.rich + rate.seconds
        if start - self.free > ((rate.reserve - 1) * slow if paying else (rate.burst - 1) * fast):
            self.rich, paying = start, True
        return (slow, rate.burst) if paying else (fast, rate.reserve)

    def _slower(self, own: Rate | None, now: float) -> Rate | None:
        """The slower one of the own rate and that of others who are at work."""
        if now >= self.slow_until or not self.slow_count:
            return own
        shared = Rate(self.slow_count, self.slow_seconds)
        return shared if own is None or shared.per_second < own.per_second else own

    def _count(self, now: float) -> None:
        passed = now - self.tally_start
        if passed >= 2 * SPAN:
            self.tally_start, self.tally_before, self.tally = now, 0, 0
        elif passed >= SPAN:
            self.tally_start, self.tally_before, self.tally = self.tally_start + SPAN, self.tally, 0
        self.tally += 1

    def _measured(self, now: float) -> float:
        """Requests a second over the last ten, or since they began."""
        passed = now - self.tally_start
        if passed >= SPAN or self.tally_before:
            return (self.tally_before * max(0.0, 1 - passed / SPAN) + self.tally) / SPAN
        return self.tally / max(passed, 1.0)

    def to_bytes(self) -> bytes:
        """The record in SIZE bytes, with its checksum."""
        body = _RECORD.pack(MAGIC, *_VALUES(self))
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> Bucket | None:
        """The record; None for what is not one, whole and of this version."""
        body = data[:-4]
        if len(data) != SIZE or zlib.crc32(body).to_bytes(4, "little") != data[-4:]:
            return None
        magic, *values = _RECORD.unpack(body)
        return cls(*values) if magic == MAGIC else None


MAGIC = b"ccrate1\n"
_TIMES = ("free", "rich", "pause", "warned", "slow_until", "tally_start", "hour_start")
_VALUES = attrgetter(*(field.name for field in fields(Bucket)))
_HOUR = struct.Struct(f"<{MINUTES}I")
_RECORD = struct.Struct(f"<8s2dQ6dI2dId2Id{_HOUR.size}s")
SIZE = _RECORD.size + 4
