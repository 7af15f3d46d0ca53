"""Pass one of a run: reads and plans every part, and spools what is to be done (GN-38)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from connectctl.errors import BadAnswer, ConnectctlError, DataError, NotAllowed, NotFound
from connectctl.flows import planfile
from connectctl.flows.clock import rfc3339
from connectctl.flows.context import Context
from connectctl.flows.entries import HELD, REVOKING, change_from_json, change_to_json
from connectctl.flows.limits import Totals
from connectctl.flows.notices import notice_to_json
from connectctl.flows.options import RunOptions
from connectctl.flows.report import QUIET
from connectctl.flows.runs import RunRecords
from connectctl.flows.selection import Selection
from connectctl.model import Call, Change, Discrepancy, Notice, Part, Plan, Problem, RowWrite, Skip

Row = tuple[str, str, str, str, Mapping[str, Any]]  # kind, action, key, state, data


@dataclass(slots=True)
class Planner:
    """What the parts' plans come to. Only the counts and the taken holdings stay in memory."""

    ctx: Context
    records: RunRecords
    selection: Selection
    options: RunOptions
    skipped: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    parts: dict[str, bool] = field(default_factory=dict)  # in order, and whether anything changes at the remote
    torn: set[str] = field(default_factory=set)  # parts of which a block could not be read: their cursor stays
    unread: list[ConnectctlError] = field(default_factory=list)  # why parts could not be read
    predicted: dict[str, int] = field(default_factory=dict)  # requests of the whole run, by connection, without tokens
    notices: list[Notice] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answered: bool = False  # whether a part was read from a remote
    _requests: int = 0  # that the changes will take
    _taken: dict[str, str] = field(default_factory=dict)  # of the part being planned: holding, what it was planned for

    def plan_all(self) -> None:
        """Reads and plans; writes nothing but the run's own record. Raises what makes the whole run pointless."""
        spec, resolve = self.ctx.spec, self.ctx.runtime.plugins.resolve
        progress = self.options.progress
        if spec.prepare is not None:
            progress.start("reading", None)
            self.ctx.shared = resolve(spec.prepare)(self.ctx)
        read: Callable[[Context, Part], Any] = resolve(spec.read)
        plan: Callable[[Any], Plan] = resolve(spec.plan)
        progress.start("planning", None)
        parts: Iterable[Part] = resolve(spec.parts)(self.ctx) if spec.parts is not None else (Part("all"),)
        for part in parts:
            self.ctx.clock.check()
            calls = sum(self.ctx.api_calls().values())
            try:
                planned = plan(read(self.ctx, part))
                self.answered = self.answered or sum(self.ctx.api_calls().values()) > calls
            except (NotFound, NotAllowed, BadAnswer, DataError) as error:
                # One part that cannot be read does not stop the others (GN-19).
                if spec.parts is None:
                    raise
                self.unread.append(error)
                self.torn.add(part.id)
                planned = Plan(problems=(Problem(part.id, f"{part.title or part.id}: {error.message}", part.id),))
            self._spool(part, planned)
            progress.advance(1)
        gone = []
        for change, why in self.selection.missing(lambda holding: self._planned_for(holding) is not None):
            entry = self.ctx.ledger.get(change.key(self.ctx.run))
            if entry is not None and entry.state in HELD:
                continue  # carried out before, by us: applying a plan twice is no mistake
            gone.append(_refused(change, change.key(self.ctx.run), why))
        self.records.add(self.ctx.run, "", gone)
        self._predict()

    def note(self, warning: str | None) -> bool:
        """Adds a warning to the run's, once; whether it was new."""
        new = warning is not None and warning not in self.warnings
        self.warnings += [warning] if new and warning is not None else []
        return new

    def _predict(self) -> None:
        """The reads were made, and a run that applies makes the same; to them come the requests of the changes."""
        spec, tokens = self.ctx.spec, self.ctx.sign_ins()
        self.predicted = {kind: calls - tokens.get(kind, 0) for kind, calls in self.ctx.api_calls().items()}
        if spec.applies_to and self._requests:
            self.predicted[spec.applies_to] = self.predicted.get(spec.applies_to, 0) + self._requests

    def _requests_of(self, actions: Sequence[str]) -> int:
        """What the changes of one block will take: some by themselves, the others in batches."""
        spec = self.ctx.spec
        alone = [spec.alone[action] for action in actions if action in spec.alone]
        return sum(alone) + ceil((len(actions) - len(alone)) / spec.batch) * spec.requests

    def write_plan(self, path: Path) -> None:
        """Saves the planned changes for `apply`."""
        changes = (change_from_json(item.data) for item in self.records.items(self.ctx.run, kinds=("change",)))
        rows = [{**item.data, "action": item.action} for item in self.records.items(self.ctx.run, kinds=("write",))]
        planfile.write(path, self.ctx.flow, self.ctx.run, rfc3339(self.ctx.now), self.ctx.params, changes, rows)

    def _spool(self, part: Part, plan: Plan) -> None:
        """Keeps the plan of a part, or of one block of it, on disk. A holding planned before is taken (GN-21)."""
        skips = list(plan.skipped)
        rows: list[Row] = [
            ("problem", "read", problem.key, "failed", {"error": problem.error, "source": problem.source})
            for problem in plan.problems
        ]
        changes = [row for change in plan.changes if (row := self._change(change, skips)) is not None]
        rows += changes
        self._requests += self._requests_of([row[1] for row in changes if row[0] == "change"])
        writes = [write for write in plan.writes if self.selection.wants(write)]
        for write in writes:
            rows.append(("write", write.action, "|".join(write.key), "planned", _write_to_json(write)))
        for change, outcome in plan.seen:
            seen = {"change": change_to_json(change), "status": outcome.status, "remote_id": outcome.remote_id}
            rows.append(("seen", change.action, change.key(self.ctx.run), "planned", seen))
        if self.selection.everything and not self.options.dry_run:
            if plan.cursor is not None:
                rows.append(("cursor", "", plan.cursor.fingerprint, "planned", {"position": plan.cursor.position}))
            rows += [("open", "", item.key, "planned", item.data) for item in plan.open]
        if self.selection.everything:
            rows += [("finding", one.kind, one.key, "found", _finding_to_json(one)) for one in plan.findings]
        if self.selection.everything or changes or writes:  # a retry of something else has nothing to tell of
            self.notices += plan.notices
            self.calls += plan.calls
            rows += [("notice", "mail", one.subject, "planned", notice_to_json(one)) for one in plan.notices]
        for skip in skips:
            self.skipped[skip.reason] += 1
            self.selection.note(skip)
            if self.options.skips or skip.reason not in QUIET or skip.detail:
                rows.append(("skip", "skip", skip.key, skip.reason, _skip_to_json(skip)))
        self.records.add(self.ctx.run, part.id, rows)
        self._taken.clear()
        if rows:
            self.parts[part.id] = self.parts.get(part.id, False) or bool(changes)
        self.warnings += plan.warnings
        actions = [action for kind, action, *_ in changes if kind == "change"]
        self.totals = Totals(
            changes=self.totals.changes + len(actions) + len(writes),
            removals=self.totals.removals + plan.removals,
            removal_base=self.totals.removal_base + plan.removal_base,
            emptied=self.totals.emptied or plan.emptied,
            # A saved plan was reviewed, and what a retry asks for was allowed before: their bound is their own length.
            unbounded=self.totals.unbounded or (plan.unbounded and self.selection.everything),
            revocations=self.totals.revocations + sum(action in REVOKING for action in actions),
        )

    def _planned_for(self, holding: str) -> str | None:
        """What the holding is taken for, in the part being planned or in one before it; those are on disk."""
        return self._taken.get(holding) or self.records.planned_for(self.ctx.run, holding)

    def _change(self, change: Change, skips: list[Skip]) -> Row | None:
        """The row of a change to carry out, of one refused by a saved plan, or None."""
        verdict = self.selection.judge(change)
        key = verdict.change.key(self.ctx.run)
        if verdict.refusal:
            return _refused(verdict.change, key, verdict.refusal)
        if not verdict.wanted:
            return None
        first = self._planned_for(change.holding)
        if first is not None:
            skips.append(_already(change, f"planned for {first}"))
            return None
        self._taken[change.holding] = change.source or change.origin
        return ("change", change.action, key, "planned", change_to_json(verdict.change))


def _refused(change: Change, key: str, why: str) -> Row:
    return ("problem", change.action, key, "failed", change_to_json(change) | {"error": why})


def _already(change: Change, detail: str) -> Skip:
    return Skip(change.holding, "already_assigned", detail, change.user, change.email, change.template, change.source)


def _write_to_json(write: RowWrite) -> dict[str, Any]:
    return {"table": write.table, "key": list(write.key), "row": dict(write.row), "reason": write.reason}


def _finding_to_json(finding: Discrepancy) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Discrepancy.__slots__}


def _skip_to_json(skip: Skip) -> dict[str, Any]:
    return {name: getattr(skip, name) for name in Skip.__slots__}
