"""Questions that `lookup check` asks of Docebo: do the things exist that the tables name? Whole pages, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectctl.docebo import plans
from connectctl.docebo.certifications import walk
from connectctl.model import CheckContext
from connectctl.plugins.specs import Finding, TableSpec
from connectctl.store.findings import key_of

LEARNING_PLAN = "docebo-learning-plan"
CERTIFICATION = "docebo-certification"

Cell = tuple[TableSpec, str, Any]  # table, column, row


def learning_plans(ctx: CheckContext) -> list[Finding]:
    """Cells of rows in use that name no learning plan; a plan's code is taken for what it is and led to its id."""
    cells = list(_cells(ctx, LEARNING_PLAN))
    if not cells:
        return []
    listed = list(plans.walk(ctx.client("docebo")))
    ids = {plan.id for plan in listed}
    codes = {plan.code: plan.id for plan in listed if plan.code}
    findings, keys = [], _keys(ctx, cells)
    for cell in cells:
        text = str(cell[2][cell[1]]).strip()
        if text not in ids:
            meant = codes.get(text)
            words = f"it is the code of the plan {meant}" if meant else ""
            findings.append(_missing(cell, keys, f"Docebo has no learning plan {text!r}", meant, words))
    return findings


def certifications(ctx: CheckContext) -> list[Finding]:
    """Cells of rows in use that name no certification by its code, or more than one.

    A code with other capitals, and the id of a certification, are led to the code that is meant.
    """
    cells = list(_cells(ctx, CERTIFICATION))
    if not cells:
        return []
    bad: list[str] = []
    by_code: dict[str, list[str]] = {}
    meant: dict[str, set[str]] = {}  # what could be written for a code -> the codes
    for one in walk(ctx.client("docebo"), on_bad=bad.append):
        if one.code:
            by_code.setdefault(one.code, []).append(one.id)
            for other in (one.code.casefold(), one.id):
                meant.setdefault(other, set()).add(one.code)
    findings, keys = [], _keys(ctx, cells)
    for cell in cells:
        spec, name, row = cell
        text = str(row[name]).strip()
        ids = by_code.get(text, [])
        if not ids:
            near = meant.get(text.casefold(), set())
            code = next(iter(near)) if len(near) == 1 else None
            words = f"{code!r} may be meant" if code else ""
            message = f"Docebo has no certification with the code {text!r}"
            message += " among those that can be read" if bad else ""
            findings.append(_missing(cell, keys, message, code, words))
        elif len(ids) > 1:
            message = f"Docebo has {len(ids)} certifications with the code {text!r} (ids {', '.join(sorted(ids))}): "
            message += "give all but one another code there"
            show = ("lookup", "show", spec.name)
            findings.append(Finding("error", message, show, spec.name, row.doc_id, key_of(spec, row), name))
    return findings


def _cells(ctx: CheckContext, remote: str) -> Iterator[Cell]:
    """Table, column and row of every cell in use that names a thing of this kind."""
    for spec in ctx.tables:
        names = [column.name for column in spec.columns if column.remote == remote]
        for row in ctx.table(spec.name) if names else ():
            if not spec.active or row.get(spec.active) is True:
                yield from ((spec, name, row) for name in names if str(row.get(name) or "").strip())


def _keys(ctx: CheckContext, cells: Sequence[Cell]) -> dict[str, set[tuple[str, ...]]]:
    return {
        name: {key_of(spec, row) for row in ctx.table(name)} for name, spec in {c[0].name: c[0] for c in cells}.items()
    }


def _missing(
    cell: Cell, keys: Mapping[str, set[tuple[str, ...]]], message: str, meant: str | None, words: str
) -> Finding:
    """The finding for a cell that leads nowhere; `meant` is what may belong there, `keys` are the rows there are."""
    spec, column, row = cell
    taken = meant is not None and key_of(spec, {**row, column: meant}) in keys[spec.name]
    if meant is not None:
        message += f"; {words}" + (", which has a row" if taken else "")
    fix = _fix(spec, row.doc_id, column, meant, taken=taken)
    return Finding("error", message, fix, spec.name, row.doc_id, key_of(spec, row), column)


def _fix(spec: TableSpec, number: int, column: str, meant: str | None, *, taken: bool) -> tuple[str, ...]:
    row = ("lookup", "set", spec.name, f"#{number}")
    if not spec.editable:
        return ("lookup", "show", spec.name)
    if meant is not None and not taken:
        return (*row, f"{column}={meant}")
    if meant is None and spec.active:
        return (*row, f"{spec.active}=false")
    return ("lookup", "unset", spec.name, f"#{number}")
