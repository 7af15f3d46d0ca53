"""The outward plan of any part: by completions, or by awards of a certification; and what a recipe may do of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from connectctl.badging import award_plan
from connectctl.badging import plan as completion_plan
from connectctl.badging.award_rules import AwardView
from connectctl.badging.plan import EarningView
from connectctl.model import Plan, Skip

OTHER_RECIPE = "connectctl:other_recipe"


def plan(view: EarningView | AwardView) -> Plan:
    """The plan of the part. Pure."""
    made = award_plan.plan(view) if isinstance(view, AwardView) else completion_plan.plan(view)
    if view.warnings:
        made = replace(made, warnings=(*made.warnings, *view.warnings))
    return made if view.actions is None else limited(made, view.actions)


def limited(plan: Plan, actions: Collection[str]) -> Plan:
    """The plan with those changes left out whose actions are not asked for."""
    others = [change for change in plan.changes if change.action not in actions]
    if not others:
        return plan
    skips = [Skip(c.holding, OTHER_RECIPE, f"would {c.action}", c.user, c.email, c.template, c.source) for c in others]
    kept = tuple(change for change in plan.changes if change.action in actions)
    return replace(plan, changes=kept, skipped=(*plan.skipped, *skips))
