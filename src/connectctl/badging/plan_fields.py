"""The dropdown value of every learning plan, remembered until the plan changes (AC-18, AC-70)."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectctl.badging.earnings import Selected
from connectctl.docebo import plans
from connectctl.docebo.fields import FieldDef
from connectctl.docebo.plans import PlanDetail, PlanRow
from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound
from connectctl.model import Problem, RunContext


def list_plans(ctx: RunContext, problems: list[Problem]) -> list[PlanRow]:
    """All learning plans; what is remembered of plans that are gone is forgotten."""
    bad: list[str] = []
    rows = list(plans.walk(ctx.client("docebo"), on_bad=bad.append))
    problems += [Problem("plan", description) for description in bad]
    known = _known(ctx)
    for gone in set(known) - {row.id for row in rows} if not bad else ():
        del known[gone]
    return rows


def read_plan_values(
    ctx: RunContext, rows: Sequence[PlanRow], field_id: str, problems: list[Problem], *, fresh: bool = False
) -> tuple[list[Selected], set[str]]:
    """Each plan's selection, and the ids of the plans whose detail was read for it.

    A detail is read when the plan is new or changed, or when `fresh` says so. A plan that cannot be read is a problem
    of its own, and nothing is remembered of it; the others go on (GN-19).
    """
    known = _known(ctx)
    stale = [
        row for row in rows if fresh or row.marker is None or (known.get(row.id) or {}).get("marker") != row.marker
    ]
    for row, result in zip(stale, _details(ctx, stale), strict=True):
        if isinstance(result, Problem):
            problems.append(result)
            known.pop(row.id, None)
        else:
            known[row.id] = {"marker": row.marker, "name": result.name or row.name, "fields": dict(result.fields)}
    selected = [
        Selected(row.id, str(detail["name"]), detail["fields"].get(field_id))
        for row in rows
        if (detail := known.get(row.id)) is not None
    ]
    return selected, {row.id for row in stale}


def read_plans(
    ctx: RunContext, rows: Sequence[PlanRow], field: FieldDef, problems: list[Problem], *, fresh: bool = False
) -> tuple[list[Selected], set[str]]:
    """As `read_plan_values`; what is remembered of an element that is gone or renamed is read again."""
    selected, read_now = read_plan_values(ctx, rows, field.id, problems, fresh=fresh)
    known = {option.id for option in field.options} | {option.label.strip() for option in field.options}
    stale = {plan.id for plan in selected if plan.value and plan.value.strip() not in known} - read_now
    if not stale:
        return selected, read_now
    again, _ = read_plan_values(ctx, [row for row in rows if row.id in stale], field.id, problems, fresh=True)
    return [plan for plan in selected if plan.id not in stale] + again, read_now | stale


def plan_selections(ctx: RunContext, field_id: str, problems: list[Problem]) -> list[Selected]:
    """What every learning plan has selected."""
    return read_plan_values(ctx, list_plans(ctx, problems), field_id, problems)[0]


def _known(ctx: RunContext) -> MutableMapping[str, Any]:
    """The details read so far of this platform's learning plans, by id."""
    return ctx.cached(f"plan-details/{ctx.client('docebo').account}")


def _details(ctx: RunContext, rows: Sequence[PlanRow]) -> list[PlanDetail | Problem]:
    docebo = ctx.client("docebo")

    def one(row: PlanRow) -> PlanDetail | Problem:
        try:
            return plans.detail(docebo, row.id)
        except (NotFound, NotAllowed, BadAnswer, DataError) as error:
            return Problem(f"plan:{row.id}", error.message, f"plan:{row.id}")

    if not rows:
        return []
    with ThreadPoolExecutor(docebo.threads, thread_name_prefix="plan") as pool:
        return list(pool.map(one, rows))
