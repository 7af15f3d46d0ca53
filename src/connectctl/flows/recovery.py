"""What an earlier run left: looks at everything it may have sent, before anything else is planned (GN-21)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import chain

from connectctl.flows.context import Context
from connectctl.flows.entries import change_to_json
from connectctl.flows.options import RunOptions
from connectctl.flows.runs import RunRecords
from connectctl.flows.settle import Unsettled, settle
from connectctl.model import Change, Look, Outcome


def recover(ctx: Context, records: RunRecords, look: Callable[[Change], Look], options: RunOptions) -> list[Unsettled]:
    """Settles the pending entries of dead runs, of this flow and of those it recovers; returns what stays unsure.

    Nothing sent: given back, the fresh plan decides. Decided from a state that this run reads anew: closed. Sent:
    looked for, and adopted, or given back when it is certainly not there. Each settled one becomes an item.
    """
    unsure: list[Unsettled] = []
    pending: list[Unsettled] = []
    for entry in ctx.ledger.pending(ctx.flow, ctx.spec.recovers, ctx.spec.actions):
        if not ctx.ledger.take_over(ctx.run, entry.key, flow=ctx.flow):
            continue
        if entry.version is None:
            ctx.ledger.settle(ctx.run, entry.key, Outcome("failed", error=f"superseded by run {ctx.run}"))
        elif entry.state == "intended":
            ctx.ledger.settle(ctx.run, entry.key, Outcome("released", error="nothing was sent"))
        else:
            # `unsure` says when the answer was lost; a `sent` one may have left until its process died, just now.
            known = entry.sent_at if entry.state == "unsure" else None
            left_by = datetime.fromisoformat(known) if known else ctx.now
            why = entry.error or "the answer was lost"
            pending.append(Unsettled(0, entry.key, entry.change, left_by, why, attempts=entry.attempts, recovered=True))
    if not pending:
        return unsure
    options.progress.start("looking for lost answers", len(pending))
    asked = [entry for entry in pending if entry.change.holding in ctx.retrying]
    others = [entry for entry in pending if entry.change.holding not in ctx.retrying]
    for lost, outcome in chain(
        settle(others, look, ctx.clock, absent="release", wait=False),
        settle(asked, look, ctx.clock, absent="release", patient=True),
    ):
        ctx.clock.check()
        with ctx.runtime.store.transaction():
            ctx.ledger.settle(ctx.run, lost.key, outcome)
            if outcome.status != "released":
                lost.item = _item(ctx, records, lost, outcome)
        if outcome.status == "unsure":
            unsure.append(lost)
        options.progress.advance(1)
    return unsure


def _item(ctx: Context, records: RunRecords, lost: Unsettled, outcome: Outcome) -> int:
    """Reports a change of an earlier run among this run's items; returns the item's id."""
    records.add(ctx.run, "", [("change", lost.change.action, lost.key, "planned", change_to_json(lost.change))])
    item = next(
        item.id
        for item in records.items(ctx.run, part="", kinds=("change",), states=("planned",))
        if item.key == lost.key
    )
    records.set_item(item, outcome.status, outcome.remote_id, outcome.error)
    return item
