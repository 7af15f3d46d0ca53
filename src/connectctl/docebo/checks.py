"""Questions that `lookup check` asks of Docebo: do the things exist that the tables name? Whole pages, read once."""

from __future__ import annotations

from connectctl.docebo import plans
from connectctl.model import CheckContext
from connectctl.plugins.specs import Finding, TableSpec

LEARNING_PLAN = "docebo-learning-plan"


def learning_plans(ctx: CheckContext) -> list[Finding]:
    """Cells of rows in use that name no learning plan; a plan's code is taken for what it is and led to its id."""
    named = [(spec, column.name) for spec in ctx.tables for column in spec.columns if column.remote == LEARNING_PLAN]
    cells = [
        (spec, name, row)
        for spec, name in named
        for row in ctx.table(spec.name)
        if row.get(name) and (not spec.active or row.get(spec.active) is True)
    ]
    if not cells:
        return []
    listed = list(plans.walk(ctx.client("docebo")))
    ids = {plan.id for plan in listed}
    codes = {plan.code: plan.id for plan in listed if plan.code}
    findings = []
    for spec, name, row in cells:
        text = str(row[name]).strip()
        if text not in ids:
            fix, words = _fix(spec, row.doc_id, name, codes.get(text))
            key = tuple(str(row.get(part) or "") for part in spec.key)
            message = f"Docebo has no learning plan {text!r}{words}"
            findings.append(Finding("error", message, fix, spec.name, row.doc_id, key, name))
    return findings


def _fix(spec: TableSpec, number: int, column: str, meant: str | None) -> tuple[tuple[str, ...], str]:
    row = ("lookup", "set", spec.name, f"#{number}")
    if not spec.editable:
        return ("lookup", "show", spec.name), ""
    if meant is not None:
        return (*row, f"{column}={meant}"), f"; it is the code of the plan {meant}"
    if spec.active:
        return (*row, f"{spec.active}=false"), ""
    return ("lookup", "unset", spec.name, f"#{number}"), ""
