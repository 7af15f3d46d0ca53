"""The names of the learning plans that Docebo has, remembered: a list is read only for a plan that is not known yet."""

from __future__ import annotations

from collections.abc import Collection

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
