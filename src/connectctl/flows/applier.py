"""Applies a slice of a part: claim, mark sent, send on a pool of threads, commit what came back, in group commits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from connectctl.errors import (
    AlreadyHeld,
    AuthFailed,
    ConnectctlError,
    Interrupted,
    NotAllowed,
    RemoteDown,
    RemoteUnsure,
)
from connectctl.flows.settle import Unsettled
from connectctl.model import Change, Outcome

if TYPE_CHECKING:
    from connectctl.flows.context import Context
    from connectctl.flows.runs import RunRecords

STALL = 20  # so many lost answers in a row: what became of them is looked up before anything more is sent
BREAKER = 5  # so many answers "down" in a row end the run: trying on would only add load


@dataclass(frozen=True, slots=True)
class Job:
    """One planned change with the row of `run_items` that reports it."""

    item: int
    key: str
    change: Change


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back for one job: an outcome, or the error that stands in its place."""

    job: Job
    sent_at: datetime
    attempt: int
    outcome: Outcome | None
    error: Exception | None
    call: str = ""  # the key of the first job that was sent with it


@dataclass(slots=True)
class Tally:
    """How the run is going; `fatal` ends it after the calls in flight."""

    done: int = 0
    failed: int = 0
    refused: int = 0  # in words of rights: NotAllowed
    down: int = 0  # in a row
    down_all: int = 0
    lost: int = 0  # in a row: answers lost
    server: int = 0  # of those, answered with a server error
    call: str = ""  # that the last answer belongs to
    fatal: ConnectctlError | None = None
    unsettled: list[Unsettled] = field(default_factory=list)


class Applier:
    """One per run. All writes to the store happen on the caller's thread; the pool only talks to the remote."""

    def __init__(
        self,
        ctx: Context,
        records: RunRecords,
        apply: Callable[[list[Change], Context], list[Outcome | ConnectctlError]],
        commit: Callable[[int, str, Outcome], None],
        *,
        threads: int,
        batch: int,
        advance: Callable[[int], None],
        probe: Callable[[], bool],
        guard: Callable[[Iterable[Change]], None],
    ) -> None:
        self._ctx = ctx
        self._records = records
        self._apply = apply
        self._commit = commit
        self._batch = max(1, batch)
        self._window = self._batch * (4 * threads if threads > 1 else 1)
        self._refill = max(1, self._batch * threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="apply")
        self._advance = advance
        self._probe = probe
        self._guard = guard
        self.tally = Tally()

    def close(self) -> None:
        """Waits for the calls in flight."""
        self._pool.shutdown(wait=True)

    def run_jobs(self, jobs: Iterable[Job]) -> None:
        """Applies jobs, all in memory at once; returns when every one is committed, released or listed as unsettled.

        A stop or a fatal error releases what was not sent. One failed job never stops the others (GN-19).
        """
        store, ledger, run = self._ctx.runtime.store, self._ctx.ledger, self._ctx.run
        jobs = list(jobs)
        with store.transaction():
            claimed = ledger.claim(run, self._ctx.flow, [(job.key, job.change) for job in jobs])
            self._guard(job.change for job in jobs if job.key in claimed)  # what it refuses is not claimed
        for job in jobs:
            if job.key not in claimed:
                # Another run got the holding between our plan and our claim, or the remote refused just this before.
                entry = ledger.get(job.key)
                refused = entry is not None and entry.state == "failed"
                why = "connectctl:failed_before" if refused else "already_assigned"
                self._records.set_item(job.item, "skipped", None, why)
        queue = deque(job for job in jobs if job.key in claimed)
        inflight: dict[Future[list[Sent]], int] = {}
        arrived: list[Sent] = []
        while queue or inflight or arrived:
            stopping = self._ctx.clock.stop.is_set() or self.tally.fatal is not None
            window: list[Job] = []
            flying = sum(inflight.values())
            with store.transaction():
                for sent in arrived:
                    self._settle(sent)
                if stopping or self.tally.fatal is not None:
                    while queue:
                        ledger.settle(run, queue.popleft().key, Outcome("released", error="the run was stopped"))
                elif self.tally.lost < STALL:
                    room = self._window - flying
                    window = [queue.popleft() for _ in range(min(room, len(queue)))]
                    attempts = ledger.mark_sent(run, [job.key for job in window])
            arrived = []
            if self.tally.lost >= STALL and not inflight and queue:
                self.tally.lost = 0
                if not self._probe():
                    self.tally.fatal = RemoteDown(
                        f"{self._ctx.flow}: {STALL} requests in a row went unanswered, and none of them took effect"
                    )
            for start in range(0, len(window), self._batch):
                group = []
                for job in window[start : start + self._batch]:
                    if job.key in attempts:
                        group.append(job)
                    else:
                        self._records.set_item(job.item, "skipped", None, "already_assigned")  # taken over meanwhile
                if group:
                    inflight[self._pool.submit(self._send, group, attempts)] = len(group)
            # Waiting for several answers makes one commit of them; the last ones are not kept waiting.
            while inflight and (not arrived or (queue and len(arrived) < self._refill)):
                finished, _ = wait(inflight, return_when=FIRST_COMPLETED)
                for future in finished:
                    inflight.pop(future)
                    arrived.extend(future.result())
                if self._ctx.clock.stop.is_set():
                    break
        if self.tally.fatal is not None:
            raise self.tally.fatal
        if self._ctx.clock.stop.is_set():
            raise Interrupted("The run was stopped; what was applied is recorded")

    def _send(self, group: list[Job], attempts: dict[str, int]) -> list[Sent]:
        try:
            outcomes = self._apply([job.change for job in group], self._ctx)
            if len(outcomes) != len(group):
                raise RemoteUnsure(f"{self._ctx.flow} gave {len(outcomes)} outcomes for {len(group)} changes")
        except Exception as error:  # noqa: BLE001 - a change's border: held to the change, the others go on
            # Now, not before the call: it may have waited for its turn, and a look counts its patience from here.
            now = self._ctx.clock.now()
            return [Sent(job, now, attempts[job.key], None, error, group[0].key) for job in group]
        now = self._ctx.clock.now()
        sent = []
        for job, came in zip(group, outcomes, strict=True):
            outcome, wrong = (None, came) if isinstance(came, ConnectctlError) else (came, None)
            sent.append(Sent(job, now, attempts[job.key], outcome, wrong, group[0].key))
        return sent

    def _settle(self, sent: Sent) -> None:
        """Commits one answer, inside the caller's transaction."""
        tally, error = self.tally, sent.error
        outcome = sent.outcome
        if outcome is not None and outcome.status == "unsure":
            error = RemoteUnsure(outcome.error or "the answer was lost")
        if error is None and outcome is not None:
            tally.done += outcome.status in ("done", "adopted")
            tally.failed += outcome.status in ("failed", "foreign")
        elif isinstance(error, (RemoteDown, Interrupted)):  # nothing was changed by this request
            outcome = Outcome("released", error=error.message)
            tally.down_all += isinstance(error, RemoteDown)
        elif isinstance(error, AuthFailed):
            outcome = Outcome("released", error=error.message)
            tally.fatal = tally.fatal or error
        elif isinstance(error, NotAllowed):  # nothing happened, and it is not the item's fault
            outcome = Outcome("released", error=error.message)
            tally.refused += 1
        elif isinstance(error, ConnectctlError) and not isinstance(error, (RemoteUnsure, AlreadyHeld)):
            outcome = Outcome("failed", error=error.message)
            tally.failed += 1
        else:
            # The request may have left (a bug in a plugin counts as such): look before anything else.
            why = error.message if isinstance(error, ConnectctlError) else f"{self._ctx.flow} raised {error!r}"
            outcome = Outcome("unsure", error=why)
            tally.unsettled.append(
                Unsettled(
                    sent.job.item,
                    sent.job.key,
                    sent.job.change,
                    sent.sent_at,
                    why,
                    duplicate=isinstance(error, AlreadyHeld),
                    attempts=sent.attempt,
                )
            )
        lost = isinstance(error, RemoteUnsure)
        one = sent.call != tally.call  # what went wrong with a call for many is counted once
        tally.call = sent.call
        tally.lost = tally.lost + one if lost else 0
        tally.server += isinstance(error, RemoteUnsure) and (error.status or 0) >= 500
        tally.down = tally.down + one if isinstance(error, RemoteDown) else 0
        if tally.down >= BREAKER and isinstance(error, RemoteDown):
            tally.fatal = tally.fatal or error
        self._commit(sent.job.item, sent.job.key, outcome)
        self._advance(1)
