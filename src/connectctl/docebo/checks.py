"""Questions that `lookup check` asks of Docebo: do the things exist that the tables name? Whole pages, read once."""

from __future__ import annotations

from connectctl.docebo import plans
from connectctl.model import CheckContext
from connectctl.plugins.specs import Finding, TableSpec
from connectctl.store.findings import key_of

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
    keys = {spec.name: {key_of(spec, row) for row in ctx.table(spec.name)} for spec, _ in named}
    findings = []
    for spec, name, row in cells:
        text = str(row[name]).strip()
        if text not in ids:
            meant = codes.get(text)
            taken = key_of(spec, {**row, name: meant}) in keys[spec.name]
            fix, words = _fix(spec, row.doc_id, name, meant, taken=taken)
            message = f"Docebo has no learning plan {text!r}{words}"
            findings.append(Finding("error", message, fix, spec.name, row.doc_id, key_of(spec, row), name))
    return findings


def _fix(spec: TableSpec, number: int, column: str, meant: str | None, *, taken: bool) -> tuple[tuple[str, ...], str]:
    row = ("lookup", "set", spec.name, f"#{number}")
    if not spec.editable:
        return ("lookup", "show", spec.name), ""
    if meant is not None and not taken:
        return (*row, f"{column}={meant}"), f"; it is the code of the plan {meant}"
    if meant is not None:
        return ("lookup", "unset", spec.name, f"#{number}"), f"; it is the code of the plan {meant}, which has a row"
    if spec.active:
        return (*row, f"{spec.active}=false"), ""
    return ("lookup", "unset", spec.name, f"#{number}"), ""
