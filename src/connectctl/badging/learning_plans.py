"""The names and codes of the learning plans that Docebo has, remembered: a list is read only for what is not known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectctl.docebo import plans
from connectctl.model import Problem, RunContext


def plan_names(ctx: RunContext, wanted: Collection[str], problems: list[Problem], *, whole: bool) -> dict[str, str]:
    """The names of the wanted plans by id, those that Docebo does not have left out (CR-30).

    `whole`: the list is read again, whatever is remembered.
    """
    docebo = ctx.client("docebo")
    known = ctx.cached(f"plan-names/{docebo.account}")
    if wanted and (whole or any(plan not in known for plan in wanted)):
        bad: list[str] = []
        found = {plan.id: plan.name for plan in plans.walk(docebo, on_bad=bad.append)}
        problems += [Problem("plan", description) for description in bad]
        for gone in set(known) - set(found) if not bad else ():
            del known[gone]
        for plan, name in found.items():
            if known.get(plan) != name:
                known[plan] = name
    return {plan: known[plan] for plan in wanted if plan in known}


def by_number(
    ctx: RunContext, mappings: Sequence[Mapping[str, Any]], column: str, problems: list[Problem], *, whole: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows with the numbers of their plans, also where a cell has a plan's code; a warning for each code (AC-71).

    A code that no plan has, or several have, stays as it is: it names nothing.
    """
    rows = [dict(row) for row in mappings]
    codes = {cell for row in rows if (cell := str(row[column] or "").strip()) and not cell.isdecimal()}
    if not codes:
        return rows, []
    docebo = ctx.client("docebo")
    known = ctx.cached(f"plan-codes/{docebo.account}")
    if whole or any(code not in known for code in codes):
        bad: list[str] = []
        found: dict[str, list[str]] = {}
        for plan in plans.walk(docebo, on_bad=bad.append):
            found.setdefault(plan.code.strip(), []).append(plan.id)
        problems += [Problem("plan", description) for description in bad]
        for code in codes:
            if len(found.get(code, ())) == 1:
                known[code] = found[code][0]
            elif code in known and not bad:
                del known[code]
    for row in rows:
        row[column] = known.get(str(row[column] or "").strip(), row[column])
    return rows, [
        f"{column} {code} is a code; it is taken for the learning plan {known[code]}, whose number belongs there"
        for code in sorted(codes)
        if code in known
    ]
