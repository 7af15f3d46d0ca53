"""The plan of one part of the import (CR-43 to CR-51). Pure."""

from __future__ import annotations

from connectctl.badging import awarding, training
from connectctl.badging.inward_view import AwardView, TrainingView, View
from connectctl.model import Plan


def plan(view: View) -> Plan:
    """Changes, skips and what stays open; the same view always gives the same plan."""
    if isinstance(view, TrainingView):
        return training.plan(view)
    if isinstance(view, AwardView):
        return awarding.plan(view)
    return Plan(problems=view.problems, unbounded=view.unbounded, cursor=view.cursor, open=view.open)
