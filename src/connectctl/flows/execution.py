"""Pass two of a run: applies what was planned and commits what became of it, part by part (GN-38)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, islice

from connectctl.errors import (
    AlreadyHeld,
    AuthFailed,
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
from connectctl.flows.entries import change_from_json
from connectctl.flows.options import RunOptions
from connectctl.flows.planner import Planner
from connectctl.flows.runs import RunRecords
from connectctl.flows.settle import Unsettled, settle
from connectctl.flows.tables import write_rows
from connectctl.model import Change, Cursor, Look, OpenItem, Outcome, RowWrite

QUIET_PARTS = 200  # committed at once: one fsync instead of one each

Apply = Callable[[list[Change], Context], list[Outcome]]


class Execution:
    """Carries out the plan of one run."""

    def __init__(self, ctx: Context, records: RunRecords, planner: Planner, options: RunOptions) -> None:
        self.ctx, self.records, self.planner, self.options = ctx, records, planner, options
        self.cursors = Cursors(ctx.runtime.store, ctx.spec.name)

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
        )
        try:
            for part in self._loud_parts():
                self.ctx.clock.check()
                self._commit_rows(part)
                items = self.records.items(self.ctx.run, part=part, kinds=("change",), state="planned")
                jobs = [Job(item.id, item.key, change_from_json(item.data)) for item in items]
                if jobs:
                    applier.run_part(jobs)
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
        for quiet, group in groupby(self.planner.parts, self.planner.quiet.__contains__):
            if not quiet:
                yield from group
                continue
            while several := list(islice(group, QUIET_PARTS)):
                with self.ctx.runtime.store.transaction():
                    for part in several:
                        self._commit_rows(part)
                        self._commit_cursor(part)

    def _commit_cursor(self, part: str) -> None:
        """How far the part is read, and what is still open of it."""
        with self.ctx.runtime.store.transaction():
            for item in self.records.items(self.ctx.run, part=part, kinds=("cursor",)):
                still = [OpenItem(i.key, i.data) for i in self.records.items(self.ctx.run, part=part, kinds=("open",))]
                for left in self.records.items(self.ctx.run, part=part, kinds=("change",)):
                    if left.state in ("planned", "released", "failed", "unsure"):
                        data = {"user": left.data["user"], "version": left.data["version"]}
                        still.append(OpenItem(str(left.data["holding"]), data))
                self.cursors.put(part, Cursor(item.key, item.data["position"]), still, self.ctx.clock.now())
            self.records.drop(self.ctx.run, part, ("cursor", "open"))

    def _apply(self, changes: list[Change], ctx: Context) -> list[Outcome]:
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
        """The part's table rows and what it saw at the remote, in one transaction."""
        with self.ctx.runtime.store.transaction():
            for item in self.records.items(self.ctx.run, part=part, kinds=("seen",)):
                outcome = Outcome(item.data["status"], item.data["remote_id"])
                self.ctx.ledger.record(
                    self.ctx.run, self.ctx.spec.name, item.key, change_from_json(item.data["change"]), outcome
                )
            for item in self.records.items(self.ctx.run, part=part, kinds=("write",), state="planned"):
                write = RowWrite(item.action, item.data["table"], tuple(item.data["key"]), item.data["row"])
                write_rows(self.ctx, [write])
                self.records.set_item(item.id, "done", None, None)
                self.options.progress.advance(1)
            for item in self.records.items(self.ctx.run, part=part, kinds=("notice",), state="planned"):
                self.planner.note(notices.queue_planned(self.ctx.runtime.store, item.data, self.ctx.clock.now()))
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
            return self._apply([entry.change], self.ctx)[0]
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
