"""Runs a flow: recover, read and plan every part, check the limits, apply and commit part by part (GN-38)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectctl.errors import (
    BadAnswer,
    ConfirmationNeeded,
    ConnectctlError,
    DataError,
    Interrupted,
    RunLocked,
    StoreCorrupt,
    UsageError,
)
from connectctl.flows import notices, planfile
from connectctl.flows.clock import RunClock, stoppable
from connectctl.flows.context import Context, Runtime
from connectctl.flows.execution import Execution
from connectctl.flows.ledger import Ledger
from connectctl.flows.limits import Limits, objection
from connectctl.flows.locks import Locks
from connectctl.flows.options import RunOptions, RunResult
from connectctl.flows.planner import Planner
from connectctl.flows.proof import seal
from connectctl.flows.recovery import recover
from connectctl.flows.report import run_object, shortened, summarise
from connectctl.flows.runs import RunRecords, new_run_id
from connectctl.flows.selection import Selection
from connectctl.flows.settle import Unsettled
from connectctl.flows.starting import is_whole
from connectctl.model import Call
from connectctl.plugins.specs import FlowSpec
from connectctl.store.retention import FINISHED, tidy


def execute(
    runtime: Runtime, spec: FlowSpec, params: Mapping[str, Any], options: RunOptions, clock: RunClock | None = None
) -> RunResult:
    """Runs one flow once and records it, then the flows it calls for. What the runs met is in the result, not raised.

    Safe to repeat at any time, also after kill -9: what was done is known to the ledger and not sent again.
    """
    locks, used = Locks.of(runtime.store, runtime.data_dir), clock or RunClock()
    run = _Run(runtime, spec, {**params, **spec.preset}, options, used, locks)
    try:
        result = run.carry_out()
    finally:
        locks.free()
    if result.error is not None:
        return result
    if not options.dry_run:
        tidy(runtime.store, runtime.settings.keep_runs, used.now())
    return _follow(runtime, result, run.planner.calls, options, clock) if run.planner.calls else result


def _check_params(spec: FlowSpec, params: Mapping[str, Any]) -> None:
    """Raises UsageError for a parameter that is missing, blank or no plain text.

    A blank one narrows nothing: a script's empty variable would run the flow for everybody.
    """
    missing = [name for name in spec.needs if params.get(name) in (None, "", [])]
    if missing:
        words = " ".join(f"--param {name}=…" for name in missing)
        raise UsageError(
            f"{spec.name} cannot run without {' and '.join(missing)}", hint=f"connectctl flow run {spec.name} {words}"
        )
    for name, value in params.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and not text.strip():
                raise UsageError(f"The parameter {name} is blank", hint=f"connectctl flow show {spec.name}")
            if isinstance(text, str) and any(unicodedata.category(sign) == "Cc" for sign in text):
                message = f"The parameter {name} holds a line break or another control character"
                raise UsageError(message, hint=f"connectctl flow show {spec.name}")


def _follow(
    runtime: Runtime, result: RunResult, calls: Sequence[Call], options: RunOptions, clock: RunClock | None
) -> RunResult:
    """Runs what a run has called for, in order (GN-05). One that fails does not stop the others, unlike a signal.

    The run itself has not succeeded then, whatever it did itself: its record names them (GN-19).
    """
    run = str(result.report["run"])
    mine = replace(options, trigger="flow", parent=run, plan=None, plan_out=None, retry=None)
    made: list[RunResult] = []
    for call in calls:
        made.append(execute(runtime, runtime.plugins.flow(call.flow), call.params, mine, clock))
        if isinstance(made[-1].error, Interrupted):
            break
    records, heads = RunRecords(runtime.store), [shortened(called.report) for called in made]
    bad = [f"{head['flow']} (run {head['run']}, {head['status']})" for head in heads if head["status"] != "succeeded"]
    with runtime.store.transaction():
        records.add_facts(run, {"calls": [head["run"] for head in heads]})
        if bad:
            records.fail(run, f"It called for {', '.join(bad)}")
    record = records.get(run)
    now = {name: record[name] for name in ("status", "error")} if record is not None else {}
    return replace(result, report=result.report | now | {"calls": heads}, calls=tuple(made))


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
        self.planner = Planner(self.ctx, self.records, self.selection, options)
        self.execution = Execution(self.ctx, self.records, self.planner, options)
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
            parent=self.options.parent,
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
        _check_params(self.spec, self.ctx.params)
        caller = self.records.get(self.options.parent) if self.options.parent else None
        if caller is not None and self.spec.title:
            flows = self.runtime.plugins.flows
            known = caller["flow"] in flows and self.spec.title in flows[caller["flow"]].calls
            self.ctx.step(self.spec.title, caller["title"] if known else "")
        for dead in self.records.abandoned(self.spec.name, self.id, self.locks.alive):
            summary = summarise(self.records, dead)
            skipped = summary.pop("taken")
            error = "The process ended before the run did"
            with self.runtime.store.transaction():
                self.records.finish(dead, "aborted", self.clock.now(), summary | {"skipped": skipped}, error)
                self.planner.note(self._queue_failure(self._report(dead), None))
        if not self.options.dry_run:
            self.locks.take_flow(self.spec.name, self.id)
            self.unsettled = recover(self.ctx, self.records, self.execution.look, self.options)
        self.planner.plan_all()
        if self.options.plan_out:
            self.planner.write_plan(self.options.plan_out)
        if not self.options.dry_run:
            self._confirm()
            self.ledger.forgive(self.selection.forgiven)  # not before: a retry that is refused changes nothing
            self.execution.run(self.unsettled)
        if self.planner.unread and not self.planner.answered and not self.planner.totals.changes:
            raise self.planner.unread[0]  # nothing but refusals: the remote's, not that of single items

    def _confirm(self) -> None:
        """Raises ConfirmationNeeded for a plan that is larger than may be carried out unasked."""
        settings, options = self.runtime.settings, self.options
        totals = replace(self.planner.totals, revoked=self.ledger.revocations())
        limits = Limits(
            settings.max_changes if options.max_changes is None else options.max_changes,
            settings.max_removals,
            settings.max_revocations,
            explicit=options.max_changes is not None,
            yes=options.yes,
        )
        reason = objection(totals, limits)
        if reason is None:
            self.execution.max_revocations = None if options.yes else settings.max_revocations
            return
        by_number = totals.unbounded or totals.emptied  # a yes does not answer these
        if not by_number and options.confirm is not None and options.confirm(reason):
            return
        words = [f"--max-changes {totals.changes}"] if by_number or totals.changes > limits.max_changes else []
        words += ["--yes"] if objection(totals, replace(limits, max_changes=totals.changes, explicit=True)) else []
        hint = f"connectctl run show {self.id} shows the plan; the same command with {' '.join(words)} carries it out"
        raise ConfirmationNeeded(reason, hint=hint)

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
                if status == "succeeded" and is_whole(self.ctx.params):
                    self.ctx.cached(FINISHED).setdefault(self.spec.name, self.id)
                if not isinstance(error, RunLocked):
                    self.ctx.keep_cached()
                seal(self.runtime.store, self.id, self.clock.now())
            self.records.finish(self.id, status, self.clock.now(), summary, error.message if error else None)
            if status != "succeeded" and self.planner.note(self._queue_failure(self._report(self.id), error)):
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

    def _send_mails(self, report: dict[str, Any]) -> None:
        """After the commit: whatever becomes of the mails, the run's outcome stands."""
        warnings = notices.send(self.runtime, self.spec, self.clock, self.id, self.locks.alive)
        if warnings:
            self.records.warn(self.id, warnings)
            report["warnings"] += warnings
