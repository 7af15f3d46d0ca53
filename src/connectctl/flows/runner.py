"""Runs a flow: recover, read and plan every part, check the limits, apply and commit part by part (GN-38)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from connectctl.errors import (
    AlreadyHeld,
    AuthFailed,
    BadAnswer,
    ConfirmationNeeded,
    ConnectctlError,
    DataError,
    Interrupted,
    NotAllowed,
    RemoteDown,
    RemoteRefused,
    RemoteUnsure,
    RunLocked,
    StoreCorrupt,
)
from connectctl.flows import notices, planfile
from connectctl.flows.applier import Applier, Job, Tally
from connectctl.flows.clock import RunClock, stoppable
from connectctl.flows.context import Context, Runtime
from connectctl.flows.cursors import Cursors
from connectctl.flows.ledger import Ledger, change_from_json
from connectctl.flows.limits import Limits, objection
from connectctl.flows.locks import Locks
from connectctl.flows.options import RunOptions, RunResult
from connectctl.flows.planner import Planner
from connectctl.flows.proof import seal
from connectctl.flows.recovery import recover
from connectctl.flows.report import run_object, summarise
from connectctl.flows.runs import RunRecords, new_run_id
from connectctl.flows.selection import Selection
from connectctl.flows.settle import Unsettled, settle
from connectctl.flows.tables import write_rows
from connectctl.model import Change, Cursor, Look, OpenItem, Outcome, RowWrite
from connectctl.plugins.specs import FlowSpec
from connectctl.store.retention import tidy

QUIET_PARTS = 200  # committed at once: one fsync instead of one each

Apply = Callable[[list[Change], Context], list[Outcome]]


def execute(
    runtime: Runtime, spec: FlowSpec, params: Mapping[str, Any], options: RunOptions, clock: RunClock | None = None
) -> RunResult:
    """Runs one flow once and records it. What the run met is in the result, not raised.

    Safe to repeat at any time, also after kill -9: what was done is known to the ledger and not sent again.
    """
    locks, clock = Locks.of(runtime.store, runtime.data_dir), clock or RunClock()
    try:
        result = _Run(runtime, spec, params, options, clock, locks).carry_out()
    finally:
        locks.free()
    if result.error is None and not options.dry_run:
        tidy(runtime.store, runtime.settings.keep_runs, clock.now())
    return result


class _Run:
    """One run, from its record's first line to its last."""

    def __init__(
        self,
        runtime: Runtime,
        spec: FlowSpec,
        params: Mapping[str, Any],
        options: RunOptions,
        clock: RunClock,
        locks: Locks,
    ) -> None:
        self.runtime, self.spec, self.options, self.clock, self.locks = runtime, spec, options, clock, locks
        self.id = new_run_id(clock.now())
        self.records = RunRecords(runtime.store)
        self.ledger = Ledger(runtime.store, locks.alive, clock.now)
        self.selection = Selection.of(options.plan, options.retry, self.records)
        self.ctx = Context(
            runtime,
            spec,
            self.id,
            clock.now(),
            params,
            clock,
            self.ledger,
            retrying=self.selection.holdings,
            remembering=self.selection.everything,
        )
        self.cursors = Cursors(runtime.store, spec.name)
        self.planner = Planner(self.ctx, self.records, self.selection, options)
        self.unsettled: list[Unsettled] = []

    def carry_out(self) -> RunResult:
        """Opens the record, runs, closes the record."""
        self.locks.take_run(self.id)  # before the record is there: a run without a lock counts as dead
        self.records.start(
            self.id,
            self.spec.name,
            self.spec.title,
            self.options.trigger,
            dry_run=self.options.dry_run,
            params=self.ctx.params,
            at=self.clock.now(),
        )
        error: ConnectctlError | None = None
        status = "aborted"
        with stoppable(self.clock):
            try:
                self._run()
                status = "succeeded"
            except (RunLocked, ConfirmationNeeded) as refused:
                status, error = "refused", refused
            except DataError as malformed:  # not of one part: without it there is nothing to plan from
                error = BadAnswer(malformed.message, hint="connectctl connection test")
            except ConnectctlError as ended:
                error = ended
            except KeyboardInterrupt:
                error = Interrupted("The run was stopped; what was applied is recorded")
            finally:
                self.clock.applying = True  # a signal that comes now waits until the record is closed
                self.options.progress.finish()
                self.ctx.close()
                report = self._close(status, error)
                if not (self.options.dry_run or isinstance(error, Interrupted)):
                    self._send_mails(report)
        return RunResult(report, error, tuple(self.planner.notices) if self.options.dry_run else ())

    def _run(self) -> None:
        if self.options.plan_out:
            planfile.check_place(self.options.plan_out)
        for dead in self.records.abandoned(self.spec.name, self.id, self.locks.alive):
            summary = summarise(self.records, dead)
            skipped = summary.pop("taken")
            error = "The process ended before the run did"
            with self.runtime.store.transaction():
                self.records.finish(dead, "aborted", self.clock.now(), summary | {"skipped": skipped}, error)
                self._note(self._queue_failure(self._report(dead), None))
        if not self.options.dry_run:
            self.locks.take_flow(self.spec.name, self.id)
            self.ledger.forgive(self.selection.forgiven)
            self.unsettled = recover(self.ctx, self.records, self._look, self.options)
        self.planner.plan_all()
        if self.options.plan_out:
            self.planner.write_plan(self.options.plan_out)
        if not self.options.dry_run:
            self._confirm()
            self._apply_all()
        if self.planner.unread and not self.planner.answered and not self.planner.totals.changes:
            raise self.planner.unread[0]  # nothing but refusals: the remote's, not that of single items

    def _confirm(self) -> None:
        """Raises ConfirmationNeeded for a plan that is larger than may be carried out unasked."""
        settings, options, totals = self.runtime.settings, self.options, self.planner.totals
        limits = Limits(
            settings.max_changes if options.max_changes is None else options.max_changes,
            settings.max_removals,
            explicit=options.max_changes is not None,
            yes=options.yes,
        )
        reason = objection(totals, limits)
        if reason is None:
            return
        by_number = totals.unbounded or totals.emptied  # a yes does not answer these
        if not by_number and options.confirm is not None and options.confirm(reason):
            return
        answer = f"--max-changes {totals.changes}" + (" --yes" if totals.removals else "")
        hint = f"connectctl run show {self.id} shows the plan; the same command with {answer} carries it out"
        raise ConfirmationNeeded(reason, hint=hint)

    # -- pass two: apply and commit ---------------------------------------------------------------------------------

    def _apply_all(self) -> None:
        self.clock.applying = True
        progress = self.options.progress
        progress.start("applying", self.planner.totals.changes)
        spec = self.spec
        threads = self.runtime.settings.connection(spec.applies_to).threads if spec.parallel and spec.applies_to else 1
        applier = Applier(
            self.ctx,
            self.records,
            self._apply,
            self._commit,
            threads=threads,
            batch=spec.batch,
            advance=progress.advance,
            probe=lambda: self._settle_lost(applier.tally),
        )
        try:
            for part in self._loud_parts():
                self.clock.check()
                self._commit_rows(part)
                items = self.records.items(self.id, part=part, kinds=("change",), state="planned")
                jobs = [Job(item.id, item.key, change_from_json(item.data)) for item in items]
                if jobs:
                    applier.run_part(jobs)
                self._commit_cursor(part)
            applier.tally.unsettled += self.unsettled
            self._settle_lost(applier.tally)
            self.clock.check()
            self._judge(applier)
        finally:
            applier.close()
            self.clock.applying = False

    def _loud_parts(self) -> Iterator[str]:
        """The parts with changes, in order; those without are committed on the way, many at once."""
        for quiet, group in groupby(self.planner.parts, self.planner.quiet.__contains__):
            if not quiet:
                yield from group
                continue
            while several := list(islice(group, QUIET_PARTS)):
                with self.runtime.store.transaction():
                    for part in several:
                        self._commit_rows(part)
                        self._commit_cursor(part)

    def _commit_cursor(self, part: str) -> None:
        """How far the part is read, and what is still open of it."""
        with self.runtime.store.transaction():
            for item in self.records.items(self.id, part=part, kinds=("cursor",)):
                still = [OpenItem(i.key, i.data) for i in self.records.items(self.id, part=part, kinds=("open",))]
                for left in self.records.items(self.id, part=part, kinds=("change",)):
                    if left.state in ("planned", "released", "failed", "unsure"):
                        data = {"user": left.data["user"], "version": left.data["version"]}
                        still.append(OpenItem(str(left.data["holding"]), data))
                self.cursors.put(part, Cursor(item.key, item.data["position"]), still, self.clock.now())
            self.records.drop(self.id, part, ("cursor", "open"))

    def _apply(self, changes: list[Change], ctx: Context) -> list[Outcome]:
        if self.spec.apply is None:
            return [Outcome("failed", error=f"the flow {self.spec.name} declares no apply") for _ in changes]
        apply: Apply = self.runtime.plugins.resolve(self.spec.apply)
        return apply(changes, ctx)

    def _look(self, change: Change) -> Look:
        if self.spec.look is None:
            return Look()
        look: Callable[[Change, Context], Look] = self.runtime.plugins.resolve(self.spec.look)
        return look(change, self.ctx)

    def _commit_rows(self, part: str) -> None:
        """The part's table rows and what it saw at the remote, in one transaction."""
        with self.runtime.store.transaction():
            for item in self.records.items(self.id, part=part, kinds=("seen",)):
                outcome = Outcome(item.data["status"], item.data["remote_id"])
                self.ledger.record(self.id, self.spec.name, item.key, change_from_json(item.data["change"]), outcome)
            for item in self.records.items(self.id, part=part, kinds=("write",), state="planned"):
                write = RowWrite(item.action, item.data["table"], tuple(item.data["key"]), item.data["row"])
                write_rows(self.ctx, [write])
                self.records.set_item(item.id, "done", None, None)
                self.options.progress.advance(1)
            for item in self.records.items(self.id, part=part, kinds=("notice",), state="planned"):
                self._note(notices.queue_planned(self.runtime.store, item.data, self.clock.now()))
                self.records.set_item(item.id, "done", None, None)

    def _commit(self, item: int, key: str, outcome: Outcome) -> None:
        """One outcome: ledger, item and rows together, in the caller's transaction or one of its own."""
        with self.runtime.store.transaction():
            if not self.ledger.settle(self.id, key, outcome):  # another run has taken it over
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
        for entry, outcome in settle(lost, self._look, self.clock, absent="resend", resend=self._resend):
            self._commit(entry.item, entry.key, outcome)
            tally.done += outcome.status in ("done", "adopted")
            tally.failed += outcome.status in ("failed", "foreign")
            works = works or outcome.status in ("done", "adopted", "foreign", "failed")
            self.options.progress.advance(1)
        return works

    def _resend(self, entry: Unsettled) -> Outcome:
        """Sends again what is certainly not there, written down as sent before it leaves."""
        if entry.key not in self.ledger.mark_sent(self.id, [entry.key]):
            return Outcome("unsure", error="another run has taken it over")
        try:
            return self._apply([entry.change], self.ctx)[0]
        except (AlreadyHeld, RemoteUnsure) as error:
            self.ledger.settle(self.id, entry.key, Outcome("unsure", error=error.message))
            raise
        except (RemoteDown, AuthFailed, NotAllowed, Interrupted) as error:
            return Outcome("released", error=error.message)
        except (RemoteRefused, DataError) as error:
            return Outcome("failed", error=error.message)
        except Exception as error:
            self.ledger.settle(self.id, entry.key, Outcome("unsure", error=f"{self.spec.name} raised {error!r}"))
            raise RemoteUnsure(f"{self.spec.name} raised {error!r}") from error

    def _judge(self, applier: Applier) -> None:
        """A remote that refused or failed everything is the run's error, not that of its items."""
        tally = applier.tally
        remote = self.spec.applies_to.capitalize() or "The remote"
        if tally.done or tally.failed:
            return  # it did answer: what went wrong belongs to the items
        if tally.down_all or tally.server:
            hint = "the same command again, later: it goes on from there"
            raise RemoteDown(f"{remote} did not take any of the changes", hint=hint)
        if tally.refused:
            raise NotAllowed(f"{remote} did not allow any of the changes")

    # -- closing ----------------------------------------------------------------------------------------------------

    def _close(self, status: str, error: ConnectctlError | None) -> dict[str, Any]:
        """Counts, digest and status into the record, in one transaction."""
        with self.runtime.store.transaction():
            summary = summarise(self.records, self.id)
            skipped = self.planner.skipped
            skipped.update(summary.pop("taken"))
            before = skipped["connectctl:failed_before"]
            if before:
                self.planner.warnings.append(
                    f"{before} refused by an earlier run and left alone; connectctl ledger list --state failed names "
                    "them with their run, connectctl run retry RUN tries them again"
                )
            if status == "succeeded" and (summary["failed"] or summary["unsure"]):
                status = "failed"
            summary |= {
                "skipped": {reason: count for reason, count in sorted(skipped.items()) if count},
                "api_calls": self.ctx.api_calls(),
                "predicted_calls": self.planner.predicted,
                "warnings": self.planner.warnings,
                "steps": self.ctx.steps,
            }
            if not self.options.dry_run:
                if not isinstance(error, RunLocked):
                    self.ctx.keep_cached()
                seal(self.runtime.store, self.id, self.clock.now())
            self.records.finish(self.id, status, self.clock.now(), summary, error.message if error else None)
            if status != "succeeded" and self._note(self._queue_failure(self._report(self.id), error)):
                self.records.warn(self.id, self.planner.warnings[-1:])
        return self._report(self.id)

    def _report(self, run: str) -> dict[str, Any]:
        record = self.records.get(run)
        if record is None:
            raise StoreCorrupt(f"The record of run {run} was written and is gone", hint="connectctl run list")
        return run_object(self.records, record, skips=self.options.skips)

    # -- mails (GN-18) ----------------------------------------------------------------------------------------------

    def _queue_failure(self, report: dict[str, Any], error: ConnectctlError | None) -> str | None:
        """With the record, so that neither is there without the other."""
        if isinstance(error, ConfirmationNeeded) and self.options.confirm is not None:
            return None  # a person was asked, and knows
        record = self.records.get(report["run"])
        params = record["params"] if record is not None else {}
        return notices.queue_failure(
            self.runtime.store, self.spec, report, self.clock.now(), params=params, error=error
        )

    def _note(self, warning: str | None) -> bool:
        """Adds a warning to the run's, once; whether it was new."""
        new = warning is not None and warning not in self.planner.warnings
        self.planner.warnings += [warning] if new and warning is not None else []
        return new

    def _send_mails(self, report: dict[str, Any]) -> None:
        """After the commit: whatever becomes of the mails, the run's outcome stands."""
        warnings = notices.send(self.runtime, self.spec, self.clock, self.id, self.locks.alive)
        if warnings:
            self.records.warn(self.id, warnings)
            report["warnings"] += warnings
