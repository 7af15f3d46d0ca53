"""What in Docebo earns which template: courses by their dropdown value, learning plans by the mapping table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from connectctl.badging.columns import Columns, MappingColumns
from connectctl.docebo.fields import FieldDef

Kind = Literal["course", "plan"]


@dataclass(frozen=True, slots=True)
class Earning:
    """A course or a learning plan with the template it earns, or the reason of GN-17 why it earns none.

    A plan that is mapped to several templates comes once for each. `element` is what decided: the course's dropdown
    element, or the template that the plan is mapped to.
    """

    kind: Kind
    id: str
    name: str
    template: str | None
    template_name: str = ""
    reason: str = ""
    detail: str = ""
    element: str = ""

    @property
    def source(self) -> str:
        """Where a credential comes from, as runs and the ledger name it."""
        return f"{self.kind}:{self.id}"

    @property
    def part(self) -> str:
        """The part of a run that it is."""
        return self.source if self.kind == "course" else f"{self.source}|{self.element}"


@dataclass(frozen=True, slots=True)
class Selected:
    """A course's value in the dropdown, as Docebo shows it; None when nothing is selected."""

    id: str
    name: str
    value: str | None


def course_earnings(
    field: FieldDef, mode: str, selected: Sequence[Selected], rows: Sequence[Mapping[str, Any]], columns: Columns
) -> list[Earning]:
    """Each course's template by Dropdown Element ID, or why there is none (CR-27). Pure."""
    ids = {option.id for option in field.options}
    labels = element_ids(field)
    by_element = {str(row[columns.element]): row for row in rows if row[columns.element] not in (None, "")}
    result = []
    for course in selected:
        value = (course.value or "").strip()
        if not value:
            result.append(Earning("course", course.id, course.name, None, reason="no_value_selected"))
            continue
        element = ((value if value in ids else None) if mode == "id" else labels.get(value)) or ""
        row = by_element.get(element)
        if row is None:
            detail = f"the element {value!r} belongs to no row"
            result.append(Earning("course", course.id, course.name, None, reason="template_unknown", detail=detail))
        else:
            result.append(_of_row(Earning("course", course.id, course.name, None, element=element), row, columns))
    return result


def plan_earnings(
    mappings: Sequence[Mapping[str, Any]],
    mapping: MappingColumns,
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    names: Mapping[str, str],
) -> list[Earning]:
    """Each mapped learning plan with each template its rows name, or why it earns none (CR-16, CR-31, CR-35). Pure.

    Rows of one plan and template are OR-ed: one that is active is enough. `names` are the plans that Docebo has, by id.
    """
    by_id = {str(row[columns.id]): row for row in rows}
    active: dict[tuple[str, str], bool] = {}
    for row in mappings:
        plan, template = str(row[mapping.plan] or "").strip(), str(row[mapping.id] or "").strip()
        if plan:
            active[plan, template] = active.get((plan, template), False) or row[mapping.active] is True
    result = []
    for (plan, template), on in sorted(active.items()):
        bare = Earning("plan", plan, names.get(plan, plan), None, element=template)
        if not on:
            result.append(_without(bare, "mapping_inactive", f"its row for {template}"))
        elif plan not in names:
            result.append(_without(bare, "connectctl:plan_unknown", f"Docebo has no learning plan {plan}"))
        elif template not in by_id:
            result.append(_without(bare, "template_unknown", f"the table has no template {template}"))
        else:
            result.append(_of_row(bare, by_id[template], columns))
    return result


def element_ids(field: FieldDef) -> dict[str, str]:
    """Element ids by label, in every language the labels are written in (docebo.md 4.2)."""
    return {label.strip(): option.id for option in field.options for label in (*option.labels, option.label)}


def _of_row(earning: Earning, row: Mapping[str, Any], columns: Columns) -> Earning:
    """The earning with the template of a row, when the row is active."""
    name = str(row[columns.name])
    if row[columns.active] is not True:
        return _without(earning, "template_inactive", name)
    return replace(earning, template=str(row[columns.id]), template_name=name)


def _without(earning: Earning, reason: str, detail: str) -> Earning:
    return replace(earning, reason=reason, detail=detail)
