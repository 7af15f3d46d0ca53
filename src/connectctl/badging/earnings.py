"""What in Docebo earns which template: courses by their dropdown value, plans and certifications by the mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from connectctl.badging.columns import Columns, MappingColumns
from connectctl.docebo.fields import FieldDef

Kind = Literal["course", "plan", "certification"]
BY_MAPPING, BY_FIELD = "the mapping table", "the learning plan's dropdown"


@dataclass(frozen=True, slots=True)
class Earning:
    """A course, learning plan or certification with the template it earns, or the reason of GN-17 why it earns none.

    A plan or certification that is mapped to several templates comes once for each; the id of a certification is its
    code. `element` is what decided: the course's dropdown element, or the template that the mapping names.
    """

    kind: Kind
    id: str
    name: str
    template: str | None
    template_name: str = ""
    reason: str = ""
    detail: str = ""
    element: str = ""
    by: str = ""  # what says so, where there is more than one way (AC-70)

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
    return _selected("course", field, mode, selected, rows, columns)


def plan_field_earnings(
    field: FieldDef, mode: str, selected: Sequence[Selected], rows: Sequence[Mapping[str, Any]], columns: Columns
) -> list[Earning]:
    """What the learning plans with a value in their dropdown earn, as `course_earnings` (AC-70). Pure."""
    chosen = [plan for plan in selected if (plan.value or "").strip()]
    earned = _selected("plan", field, mode, chosen, rows, columns)
    return [replace(one, element=one.template or "", by=BY_FIELD) for one in earned]


def union(mapped: Sequence[Earning], selected: Sequence[Earning]) -> list[Earning]:
    """What the mapping table and the dropdown say of the learning plans, each template once per plan (AC-70). Pure.

    Where only one of the two gives a plan a template, that one counts.
    """
    found = {(one.id, one.element): replace(one, by=BY_MAPPING) for one in mapped}
    chosen = {one.id for one in selected}
    for one in selected:
        other = found.get((one.id, one.element))
        both = other is not None and other.template is not None and one.template is not None
        if other is None or other.template is None or both:
            found[one.id, one.element] = replace(one, by=f"{BY_MAPPING} and {BY_FIELD}" if both else BY_FIELD)
    return [one for one in found.values() if one.reason != "mapping_missing" or one.id not in chosen]


def _selected(
    kind: Kind,
    field: FieldDef,
    mode: str,
    selected: Sequence[Selected],
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
) -> list[Earning]:
    ids = {option.id for option in field.options}
    labels = element_ids(field)
    by_element = {str(row[columns.element]): row for row in rows if row.get(columns.element) not in (None, "")}
    result = []
    for course in selected:
        value = (course.value or "").strip()
        if not value:
            result.append(Earning(kind, course.id, course.name, None, reason="no_value_selected"))
            continue
        element = ((value if value in ids else None) if mode == "id" else labels.get(value)) or ""
        row = by_element.get(element)
        if row is None:
            detail = f"the element {value!r} belongs to no row"
            result.append(Earning(kind, course.id, course.name, None, reason="template_unknown", detail=detail))
        else:
            result.append(_of_row(Earning(kind, course.id, course.name, None, element=element), row, columns))
    return result


def plan_earnings(
    mappings: Sequence[Mapping[str, Any]],
    mapping: MappingColumns,
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    names: Mapping[str, str],
    named: Sequence[str] = (),
) -> list[Earning]:
    """Each mapped learning plan with each template its rows name, or why it earns none (CR-16, CR-31, CR-35). Pure.

    Rows of one plan and template are OR-ed: one that is active is enough. `names` are the plans that Docebo has, by id;
    of those `named`, one that no row maps is said to be so.
    """
    return _mapped("plan", mapping.plan, mappings, mapping, rows, columns, names, named)


def certification_earnings(
    mappings: Sequence[Mapping[str, Any]],
    mapping: MappingColumns,
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    names: Mapping[str, str],
    named: Sequence[str] = (),
) -> list[Earning]:
    """Each mapped certification with each template its rows name, as `plan_earnings` (CR-16, CR-29, CR-36). Pure.

    `names` are the certifications that Docebo has, by code.
    """
    return _mapped("certification", mapping.certification, mappings, mapping, rows, columns, names, named)


_WORDS = {"plan": "learning plan", "certification": "certification with the code"}


def _mapped(
    kind: Kind,
    column: str,
    mappings: Sequence[Mapping[str, Any]],
    mapping: MappingColumns,
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    names: Mapping[str, str],
    named: Sequence[str],
) -> list[Earning]:
    by_id = {str(row[columns.id]): row for row in rows}
    active: dict[tuple[str, str], bool] = {}
    for row in mappings:
        id, template = str(row[column] or "").strip(), str(row[mapping.id] or "").strip()
        if id:
            active[id, template] = active.get((id, template), False) or row[mapping.active] is True
    missing = sorted(set(named) - {id for id, _ in active})
    result = [
        _without(Earning(kind, id, names.get(id, id), None), "mapping_missing", "no row names it") for id in missing
    ]
    for (id, template), on in sorted(active.items()):
        bare = Earning(kind, id, names.get(id, id), None, element=template)
        if not on:
            result.append(_without(bare, "mapping_inactive", f"its row for {template}"))
        elif id not in names:
            result.append(_without(bare, f"connectctl:{kind}_unknown", f"Docebo has no {_WORDS[kind]} {id}"))
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
