"""Pass two of a run: applies what was planned and commits what became of it, part by part (GN-38)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import TypeVar

from connectctl.errors import (
    AlreadyHeld,
    AuthFailed,
    ConfirmationNeeded,
    ConnectctlError,
    DataError,
    Interrupted,
    NotAllowed,
    RemoteDown,
    RemoteRefused,
    RemoteUnsure,
)
from connectctl.flows import notices
from connectctl.flows.applier import Applier, Job, Tally
from connectctl.flows.context import Context
from connectctl.flows.cursors import Cursors
from connectctl.flows.entries import REVOKING, change_from_json
from connectctl.flows.options import RunOptions
from connectctl.flows.planner import Planner, Row
from connectctl.flows.runs import Item, RunRecords
from connectctl.flows.settle import Unsettled, settle
from connectctl.flows.tables import write_rows
from connectctl.model import Change, Cursor, Look, Outcome, RowWrite

T = TypeVar("T")

SLICE = 1000  # changes, or things seen, that are in memory at once
QUIET_PARTS = 200  # committed at once: one fsync instead of one each

Apply = Callable[[list[Change], Context], list[Outcome | ConnectctlError]]


class Execution:
    """Carries out the plan of one run."""

    def __init__(self, ctx: Context, records: RunRecords, planner: Planner, options: RunOptions) -> None:
        self.ctx, self.records, self.planner, self.options = ctx, records, planner, options
        self.cursors = Cursors(ctx.runtime.store, ctx.spec.name)
        self.max_revocations: int | None = None  # None: somebody has said yes to what the plan takes away

    def run(self, unsettled: list[Unsettled]) -> None:
        """Applies and commits all parts in order, then what a dead run left `unsettled`. Raises what ends the run."""
        self.ctx.clock.applying = True
        progress = self.options.progress
        progress.start("applying", self.planner.totals.changes)
        spec = self.ctx.spec
        parallel = spec.parallel and spec.applies_to
        connection = self.ctx.runtime.settings.connection(spec.applies_to) if parallel else None
        applier = Applier(
            self.ctx,
            self.records,
            self._apply,
            self._commit,
            threads=connection.threads if connection else 1,
            batch=spec.batch,
            advance=progress.advance,
            probe=lambda: self._settle_lost(applier.tally),
            guard=self._guard,
        )
        try:
            for part in self._loud_parts():
                self.ctx.clock.check()
                self._commit_rows(part)
                for some in _slices(self._items(part, "change", "planned"), spec.batch):
                    applier.run_jobs(Job(item.id, item.key, change_from_json(item.data)) for item in some)
                self._commit_cursor(part)
            applier.tally.unsettled += unsettled
            self._settle_lost(applier.tally)
            self.ctx.clock.check()
            self._judge(applier)
        finally:
            applier.close()
            self.ctx.clock.applying = False

    def _loud_parts(self) -> Iterator[str]:
        """The parts with changes, in order; those without are committed on the way, many at once."""
        for loud, group in groupby(self.planner.parts, self.planner.parts.__getitem__):
            if loud:
                yield from group
                continue
            while several := list(islice(group, QUIET_PARTS)):
                with self.ctx.runtime.store.transaction():
                    for part in several:
                        self._commit_rows(part)
                        self._commit_cursor(part)

    def _guard(self, changes: Iterable[Change]) -> None:
        """Raises ConfirmationNeeded when other runs have taken so much away meanwhile that this goes too far (GN-34).

        Asked within the claim's transaction, so that two runs at once cannot both be the last that may.
        """
        most = self.max_revocations
        if most is None or not any(change.action in REVOKING for change in changes):
            return
        if self.ctx.ledger.revocations() > most:
            raise ConfirmationNeeded(
                f"Together with other runs this would take away more than max_revocations = {most} in an hour",
                hint=f"connectctl run show {self.ctx.run} shows the plan; the same command with --yes carries it out",
            )

    def _items(self, part: str, kind: str, *states: str) -> Iterator[Item]:
        return self.records.items(self.ctx.run, part=part, kinds=(kind,), states=states)

    def _commit_cursor(self, part: str) -> None:
        """How far the part is read, and what is still open of it: both of all its blocks together."""
        run = self.ctx.run
        with self.ctx.runtime.store.transaction():
            cursors = deque(self._items(part, "cursor"), maxlen=1)  # each block may say how far it is: the last counts
            if cursors and part not in self.planner.torn:
                for some in _slices(self._items(part, "change", "planned", "released", "failed", "unsure")):
                    self.records.add(run, part, map(_left_open, some))
                cursor = Cursor(cursors[0].key, cursors[0].data["position"])
                self.cursors.put(part, cursor, run, self.ctx.clock.now())
            self.records.drop(run, part, ("cursor", "open"))

    def _apply(self, changes: list[Change], ctx: Context) -> list[Outcome | ConnectctlError]:
        if self.ctx.spec.apply is None:
            return [Outcome("failed", error=f"the flow {self.ctx.spec.name} declares no apply") for _ in changes]
        apply: Apply = self.ctx.runtime.plugins.resolve(self.ctx.spec.apply)
        return apply(changes, ctx)

    def look(self, change: Change) -> Look:
        """What the remote shows of a change whose answer was lost."""
        if self.ctx.spec.look is None:
            return Look()
        look: Callable[[Change, Context], Look] = self.ctx.runtime.plugins.resolve(self.ctx.spec.look)
        return look(change, self.ctx)

    def _commit_rows(self, part: str) -> None:
        """What the part saw at the remote, then its table rows and mails in one transaction."""
        store = self.ctx.runtime.store
        for some in _slices(self._items(part, "seen")):
            with store.transaction():
                for item in some:
                    outcome = Outcome(item.data["status"], item.data["remote_id"])
                    change = change_from_json(item.data["change"])
                    self.ctx.ledger.record(self.ctx.run, self.ctx.spec.name, item.key, change, outcome)
        with store.transaction():
            for item in self._items(part, "write", "planned"):
                write = RowWrite(item.action, item.data["table"], tuple(item.data["key"]), item.data["row"])
                write_rows(self.ctx, [write])
                self.records.set_item(item.id, "done", None, None)
                self.options.progress.advance(1)
            for item in self._items(part, "notice", "planned"):
                self.planner.note(notices.queue_planned(store, item.data, self.ctx.clock.now()))
                self.records.set_item(item.id, "done", None, None)

    def _commit(self, item: int, key: str, outcome: Outcome) -> None:
        """One outcome: ledger, item and rows together, in the caller's transaction or one of its own."""
        with self.ctx.runtime.store.transaction():
            if not self.ctx.ledger.settle(self.ctx.run, key, outcome):  # another run has taken it over
                self.records.set_item(item, "skipped", None, "already_assigned")
                return
            write_rows(self.ctx, outcome.writes)
            self.records.set_item(item, outcome.status, outcome.remote_id, outcome.error)

    def _settle_lost(self, tally: Tally) -> bool:
        """Looks for lost answers and settles them; returns whether the remote took anything."""
        lost, tally.unsettled = tally.unsettled, []
        works = False
        if not lost:
            return works
        self.options.progress.start("looking for lost answers", len(lost))
        # Patience is for what a person asked for by `run retry`, and that was settled before the plan (recovery.py).
        for entry, outcome in settle(lost, self.look, self.ctx.clock, absent="resend", resend=self._resend):
            self._commit(entry.item, entry.key, outcome)
            tally.done += outcome.status in ("done", "adopted")
            tally.failed += outcome.status in ("failed", "foreign")
            works = works or outcome.status in ("done", "adopted", "foreign", "failed")
            self.options.progress.advance(1)
        return works

    def _resend(self, entry: Unsettled) -> Outcome:
        """Sends again what is certainly not there, written down as sent before it leaves."""
        if entry.key not in self.ctx.ledger.mark_sent(self.ctx.run, [entry.key]):
            return Outcome("unsure", error="another run has taken it over")
        try:
            (outcome,) = self._apply([entry.change], self.ctx)
            if isinstance(outcome, ConnectctlError):
                raise outcome
            return outcome
        except (AlreadyHeld, RemoteUnsure) as error:
            self.ctx.ledger.settle(self.ctx.run, entry.key, Outcome("unsure", error=error.message))
            raise
        except (RemoteDown, AuthFailed, NotAllowed, Interrupted) as error:
            return Outcome("released", error=error.message)
        except (RemoteRefused, DataError) as error:
            return Outcome("failed", error=error.message)
        except Exception as error:
            self.ctx.ledger.settle(
                self.ctx.run, entry.key, Outcome("unsure", error=f"{self.ctx.spec.name} raised {error!r}")
            )
            raise RemoteUnsure(f"{self.ctx.spec.name} raised {error!r}") from error

    def _judge(self, applier: Applier) -> None:
        """A remote that refused or failed everything is the run's error, not that of its items."""
        tally = applier.tally
        remote = self.ctx.spec.applies_to.capitalize() or "The remote"
        if tally.done or tally.failed:
            return  # it did answer: what went wrong belongs to the items
        if tally.down_all or tally.server:
            hint = "the same command again, later: it goes on from there"
            raise RemoteDown(f"{remote} did not take any of the changes", hint=hint)
        if tally.refused:
            raise NotAllowed(f"{remote} did not allow any of the changes")


def _slices(items: Iterator[T], batch: int = 1) -> Iterator[list[T]]:
    """Some of them at a time; whole batches, so that no call is sent half full."""
    size = max(batch, SLICE - SLICE % batch)
    while some := list(islice(items, size)):
        yield some


def _left_open(item: Item) -> Row:
    """A change that was not carried out: the next run looks at it again (GN-37)."""
    data = {"user": item.data["user"], "version": item.data["version"]}
    return ("open", "", str(item.data["holding"]), "planned", data)
