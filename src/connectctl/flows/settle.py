"""Changes whose answer was lost: look at the remote, adopt what is there, never repeat blindly (architecture 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from connectctl.errors import AlreadyHeld, ConnectctlError, RemoteUnsure
from connectctl.flows.clock import RunClock
from connectctl.model import Change, Look, Outcome

# A remote's search shows a write after at most its `lag`; looks come at these shares of it (5, 15 and 60 s of 60).
LOOKS = (1 / 12, 1 / 4, 1.0)
RESENDS = 3  # of one request in one run
STUCK = 5  # so many requests sent again in vain, one after the other, and no more are sent again


@dataclass(slots=True)
class Unsettled:
    """A request that may have taken effect. `duplicate`: the remote said that the holding is taken already."""

    item: int
    key: str
    change: Change
    sent_at: datetime  # when it may have left at the latest
    why: str
    duplicate: bool = False
    attempts: int = 1
    resent: int = 0
    recovered: bool = False  # of an earlier run: sent again only by a plan that still wants it
    due: datetime | None = None
    lag: float = field(default=0.0)


Resend = Callable[[Unsettled], Outcome]
OnAbsent = Literal["resend", "release"]


def settle(
    unsettled: list[Unsettled],
    look: Callable[[Change], Look],
    clock: RunClock,
    *,
    absent: OnAbsent,
    wait: bool = True,
    patient: bool = False,
    resend: Resend | None = None,
) -> Iterator[tuple[Unsettled, Outcome]]:
    """Yields each request with what became of it.

    Found: adopted or foreign. Absent and the remote refuses duplicates itself: `resend` sends again, `release` gives
    the claim back so that a fresh plan decides. Absent and a repeat could double it: looked for until the remote's
    lag has passed; then it goes the same way where the look `proves` it, and stays `unsure` where it does not, or,
    when a person asked (`patient`), is certain enough to be released.
    Without `wait` there is one look at each.
    """
    waiting = list(unsettled)
    again = _Again(absent, resend)
    while waiting:
        if clock.stop.is_set():
            yield from ((entry, Outcome("unsure", error=entry.why)) for entry in waiting)
            return
        now = clock.now()
        due = [entry for entry in waiting if entry.due is None or entry.due <= now]
        if not due:
            clock.wait((min(entry.due for entry in waiting if entry.due) - now).total_seconds())
            continue
        for entry in due:
            outcome = _one(entry, look, clock, again, wait=wait, patient=patient)
            if outcome is not None:
                waiting.remove(entry)
                yield entry, outcome


def _one(
    entry: Unsettled,
    look: Callable[[Change], Look],
    clock: RunClock,
    again: _Again,
    *,
    wait: bool,
    patient: bool,
) -> Outcome | None:
    """One look; None when it has to be looked at again later."""
    looked_at = clock.now()
    try:
        seen = look(entry.change)
    except Exception as error:  # noqa: BLE001 - a plugin's border: a look that fails proves nothing
        said = error.message if isinstance(error, ConnectctlError) else f"{type(error).__name__}: {error}"
        return Outcome("unsure", error=f"{entry.why}; the look failed: {said}")
    if seen.found is not None:
        return seen.found
    entry.lag = seen.lag
    conclusive = (looked_at - entry.sent_at).total_seconds() >= seen.lag
    if (seen.repeatable or (seen.proves and conclusive)) and not entry.duplicate:
        return again.send(entry, clock)
    if wait and not conclusive:
        entry.due = _next(entry, looked_at)
        return None
    if entry.duplicate:
        # Refused as a duplicate, and nothing to be seen under this learner's id or address: another address of the
        # same person holds it. If an earlier request of ours may have left, it is ours and not visible yet.
        if 1 < entry.attempts <= RESENDS:
            return Outcome("unsure", error="the provider says it is held, but its list does not show it yet")
        return Outcome("foreign", error="the provider says it is held, under another address of the same person")
    if patient and conclusive:
        return Outcome("released", error="looked for after the provider's search lag: not there")
    return Outcome("unsure", error=entry.why)


@dataclass(slots=True)
class _Again:
    """Sends again what is certainly not there and what the remote would refuse twice; gives up on one that is down."""

    absent: OnAbsent
    resend: Resend | None
    in_vain: int = 0

    def send(self, entry: Unsettled, clock: RunClock) -> Outcome | None:
        """The outcome of sending again, or None when the entry has to be looked at once more."""
        if self.absent != "resend" or self.resend is None or entry.recovered:
            return Outcome("released", error="not at the provider")
        if entry.resent >= RESENDS or self.in_vain >= STUCK:
            return Outcome("unsure", error=entry.why)
        entry.resent += 1
        entry.attempts += 1
        entry.sent_at = clock.now()
        entry.due = None
        try:
            outcome = self.resend(entry)
        except AlreadyHeld:
            self.in_vain = 0
            entry.sent_at = clock.now()
            entry.duplicate = True  # it is there after all; the next looks will find whose it is
            entry.due = _next(entry, entry.sent_at)
        except RemoteUnsure as error:
            self.in_vain += 1
            entry.why = error.message
            entry.sent_at = clock.now()
            entry.due = entry.sent_at + timedelta(seconds=0.2 * entry.resent)
        else:
            self.in_vain = self.in_vain + 1 if outcome.status == "released" else 0
            return outcome
        return None


def _next(entry: Unsettled, after: datetime) -> datetime:
    """When to look again: the first of the planned looks that is still ahead."""
    moments = [entry.sent_at + timedelta(seconds=entry.lag * share) for share in LOOKS]
    return next((moment for moment in moments if moment > after), after + timedelta(seconds=1))
