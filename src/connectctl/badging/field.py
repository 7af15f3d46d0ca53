"""Template table into the Docebo dropdown (CR-18, CR-24, GN-33): read, a pure plan, apply in one request, look.

There is one dropdown for courses, and with some providers another one for learning plans (AC-65).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectctl.badging.columns import Columns
from connectctl.badging.courses import list_courses, read_selected
from connectctl.badging.dropdown import find_field as find_field
from connectctl.badging.dropdown import has_plan_field
from connectctl.badging.plan_fields import plan_selections
from connectctl.badging.steps import note
from connectctl.docebo import fields
from connectctl.docebo.fields import WORDS, FieldDef, Of
from connectctl.errors import ConfigError, RemoteError, RemoteUnsure, UsageError
from connectctl.model import Change, Look, Outcome, Part, Plan, Problem, RowWrite, RunContext, Skip
from connectctl.plugins.specs import ProviderSpec

TARGETS: tuple[Of, ...] = ("course", "plan")


@dataclass(frozen=True, slots=True)
class FieldView:
    """The dropdown as Docebo has it (None: not there yet), the template rows, and the elements known as ours."""

    table: str
    elements_table: str
    columns: Columns
    account: str
    name: str
    field: FieldDef | None
    rows: Sequence[Mapping[str, Any]]
    ours: Mapping[str, str]  # element id -> template id
    selected_by: Mapping[str, Sequence[str]]  # element id or label -> names of the courses that have it selected
    maximum: int
    of: Of = "course"  # whose dropdown it is


def read(spec: ProviderSpec, ctx: RunContext, _part: Part) -> FieldView:
    """The dropdown, the template table, and which courses are known to have an element selected."""
    of = _target(spec, ctx)
    if of == "plan" and not has_plan_field(spec, ctx):
        return _view(spec, ctx, "", None, of)
    name, field = find_field(spec, ctx, of=of)
    note(spec, ctx, "find-field", "sync-field", found=field is not None)
    view = _view(spec, ctx, name, field, of)
    if field is not None and any(change.action == "remove_option" for change in plan(view).changes):
        view = replace(view, selected_by=_selections(ctx, field.id, of))
    return view


def read_alone(spec: ProviderSpec, ctx: RunContext, _part: Part) -> FieldView:
    """The dropdown, without a thought for its elements (CR-18)."""
    of = _target(spec, ctx)
    if of == "plan" and not has_plan_field(spec, ctx):
        return _view(spec, ctx, "", None, of)
    name, field = find_field(spec, ctx, of=of)
    if field is not None:
        ctx.step(spec.titles["find-field"], output={f"{of}_field_id": field.id})
    return _view(spec, ctx, name, field, of)


def _target(spec: ProviderSpec, ctx: RunContext) -> Of:
    """Whose dropdown the run is about: the parameter `target`; the courses' where it is not given."""
    target = str(ctx.params.get("target") or "course")
    for of in TARGETS if "plan_field" in spec.keys else TARGETS[:1]:
        if target == of:
            return of
    raise UsageError(f"target is course or plan, not {target!r}", hint=f"connectctl flow show {ctx.flow}")


def plan_field(view: FieldView) -> Plan:
    """The field, when Docebo does not have it. Pure."""
    if not view.name:
        return _nothing()
    if view.field is not None:
        return Plan(skipped=(Skip(view.name, "unchanged", f"it is field {view.field.id}"),))
    return Plan((_change(view, "create_field", "", reason=f"Docebo has no {WORDS[view.of]} field {view.name!r}"),))


def _nothing() -> Plan:
    return Plan(skipped=(Skip("learning plans", "connectctl:no_plan_field", "the setting that names it is blank"),))


def _view(spec: ProviderSpec, ctx: RunContext, name: str, field: FieldDef | None, of: Of) -> FieldView:
    docebo = ctx.client("docebo")
    table, columns = _elements(spec, of), Columns.of(spec, of)
    elements = ctx.table(table).all()
    view = FieldView(
        spec.template_table.name,
        table,
        columns,
        docebo.account,
        name,
        field,
        [{columns.element: None, **row} for row in ctx.table(spec.template_table.name).all()],
        {str(row["Dropdown Element ID"]): str(row["Badge Template ID"]) for row in elements},
        {},
        docebo.max_dropdown_elements,
        of,
    )
    ctx.shared = {"spec": spec, "places": {(of, name): {"field": field.id if field else None}}}
    return view


def _elements(spec: ProviderSpec, of: Of) -> str:
    """The table that says which elements of the dropdown are ours."""
    return (spec.plan_element_table if of == "plan" else spec.element_table).name


def _selections(ctx: RunContext, field_id: str, of: Of) -> dict[str, list[str]]:
    """The names of the courses or plans by what they have selected; read only when something is to go (GN-33)."""
    selected: dict[str, list[str]] = {}
    unread: list[Problem] = []  # a course that cannot be read loses nothing by it here; batch-sync reports it
    if of == "plan":
        found = plan_selections(ctx, field_id, unread)
    else:
        found = read_selected(ctx, list_courses(ctx, (), unread), field_id, unread)[0]
    for course in found:
        if course.value:
            selected.setdefault(course.value.strip(), []).append(course.name or course.id)
    return selected


def plan(view: FieldView) -> Plan:
    """The field to create, and elements to add, rename and remove. Pure.

    An element with the right label is the right element, whatever its id. Elements that are not ours are reported,
    never touched. Raises ConfigError when more elements would be needed than a dropdown can hold (docebo.md 4.4).
    """
    if not view.name:
        return _nothing()
    columns = view.columns
    options = {option.id: option.label for option in view.field.options} if view.field else {}
    # An element that a row points to is that row's, whatever its label says until it is renamed or removed: courses
    # that selected it mean that row's template.
    owned = {str(row[columns.element]) for row in view.rows}
    by_label = {label.strip(): option_id for option_id, label in options.items() if option_id not in owned}
    changes: list[Change] = []
    writes: list[RowWrite] = []
    skipped: list[Skip] = []
    wanted: set[str] = set()
    if view.field is None and any(row[columns.active] is True for row in view.rows):
        changes.append(_change(view, "create_field", "", reason=f"Docebo has no {WORDS[view.of]} field {view.name!r}"))
    for row in sorted(view.rows, key=lambda r: str(r[columns.name])):
        template, name = str(row[columns.id]), str(row[columns.name]).strip()
        element = None if row[columns.element] in (None, "") else str(row[columns.element])
        if row[columns.active] is not True:
            if element is not None and element not in options:
                writes.append(_element(view, template, None, "its element is gone from the dropdown"))
            continue
        held = element if element in options else by_label.get(name)
        if held is None or held in wanted:
            changes.append(_change(view, "add_option", template, label=name, reason="active template, no element"))
            continue
        wanted.add(held)
        if options[held].strip() != name:
            reason = f"renamed from {options[held]}"
            changes.append(_change(view, "rename_option", template, element=held, label=name, reason=reason))
        elif element != held or view.ours.get(held) != template:
            writes += _bind(view, template, held, name, "the element is there already")
        else:
            skipped.append(Skip(template, "unchanged", template=template))
    removed = _removals(view, options, wanted)
    changes += removed
    unknown = [label for option_id, label in options.items() if option_id not in wanted and option_id not in view.ours]
    warnings = [f"The dropdown {view.name!r} has an element that no template owns: {label}" for label in unknown]
    total = len(options) - len(removed) + sum(change.action == "add_option" for change in changes)
    if total > view.maximum:
        raise ConfigError(
            f"The dropdown {view.name!r} would need {total} elements, Docebo holds {view.maximum}",
            hint=f"connectctl lookup show {view.table} --where IsActive=true",
        )
    return Plan(
        tuple(changes),
        tuple(writes),
        tuple(skipped),
        warnings=tuple(warnings),
        removals=len(removed),
        removal_base=sum(option_id in view.ours for option_id in options),
    )


def _removals(view: FieldView, options: Mapping[str, str], wanted: set[str]) -> list[Change]:
    """Elements of ours that no active row wants, each naming the courses that lose their selection (GN-33)."""
    ours = dict(view.ours)
    for row in view.rows:
        element = row[view.columns.element]
        if element not in (None, ""):
            ours.setdefault(str(element), str(row[view.columns.id]))
    changes = []
    for element in sorted(set(ours) & set(options) - wanted):
        label = options[element]
        courses = {*view.selected_by.get(element, ()), *view.selected_by.get(label.strip(), ())}
        reason = "its template is not active any more"
        if courses:
            reason += f"; these {WORDS[view.of]}s lose their selection: " + ", ".join(sorted(courses))
        changes.append(_change(view, "remove_option", ours[element], element=element, label=label, reason=reason))
    return changes


def _change(view: FieldView, action: str, template: str, *, reason: str, element: str = "", label: str = "") -> Change:
    kind = "field" if view.of == "course" else f"{view.of}-field"
    holding = "|".join(("docebo", view.account, kind, view.name, template, element if not template else ""))
    data = {"element": element, "label": label, "field": view.name}
    if view.of != "course":
        data["of"] = view.of
    return Change(action, holding, data, reason, origin=element, template=template or None, source=view.name)


def _element(view: FieldView, template: str, element: int | None, reason: str) -> RowWrite:
    return RowWrite("update_row", view.table, (template,), {view.columns.element: element}, reason)


def _bind(view: FieldView, template: str, element: str, label: str, reason: str) -> list[RowWrite]:
    """The rows that say which element belongs to a template."""
    return bind_rows(view.table, view.elements_table, view.columns, template, element, label, reason)


def bind_rows(
    table: str, elements: str, columns: Columns, template: str, element: str, label: str, reason: str = ""
) -> list[RowWrite]:
    """Writes the element id into the template's row and into the table of our elements."""
    number = int(element) if element.isdigit() else element
    mine = {"Dropdown Element ID": element, "Badge Template ID": template, "Label": label}
    return [
        RowWrite("update_row", table, (template,), {columns.element: number}, reason),
        RowWrite("add_row", elements, (element,), mine, reason),
    ]


def apply(changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Creates the field if need be, changes all elements in one request, reads the field again and compares."""
    outcomes: dict[int, Outcome] = {}
    for of, name in dict.fromkeys(_dropdown(change) for change in changes):
        theirs = [change for change in changes if _dropdown(change) == (of, name)]
        outcomes |= {id(change): outcome for change, outcome in zip(theirs, _apply(theirs, ctx), strict=True)}
    return [outcomes[id(change)] for change in changes]


def _dropdown(change: Change) -> tuple[Of, str]:
    """Whose dropdown a change is about, and its name."""
    return change.data.get("of", "course"), str(change.data["field"])


def _place(ctx: RunContext, change: Change) -> dict[str, Any]:
    """What this run knows of the dropdown of a change: the id of its `field`, and what was `seen` of it last.

    A request of an earlier run may have been about another one.
    """
    of, name = _dropdown(change)
    places: dict[tuple[str, str], dict[str, Any]] = ctx.shared["places"]
    if places.setdefault((of, name), {}).get("field") is None:
        found = fields.find(ctx.client("docebo"), name, of)
        places[of, name]["field"] = found.id if found else None
    return places[of, name]


def _apply(changes: Sequence[Change], ctx: RunContext) -> list[Outcome]:
    docebo, (of, name) = ctx.client("docebo"), _dropdown(changes[0])
    if any(change.action == "create_field" for change in changes):
        ctx.shared["places"][of, name] = {"field": fields.create(docebo, name, of)}
        spec = ctx.shared["spec"]
        if ctx.flow == f"{spec.name}.find-field":
            output = {f"{of}_field_id": ctx.shared["places"][of, name]["field"]}
            ctx.step(spec.titles["find-field"], output=output)
    place = _place(ctx, changes[0])
    field_id = place["field"]
    place.pop("seen", None)
    options = [change for change in changes if change.action != "create_field"]
    refusals: Sequence[str] = ()
    if options:
        refusals = fields.change_options(
            docebo,
            field_id,
            new=[c.data["label"] for c in options if c.action == "add_option"],
            renamed=[(c.data["element"], c.data["label"]) for c in options if c.action == "rename_option"],
            deleted=[c.data["element"] for c in options if c.action == "remove_option"],
            of=of,
        )
    try:
        now = fields.get(docebo, field_id, of)
    except RemoteError as error:  # the elements were changed; only the look at them failed
        raise RemoteUnsure(f"Docebo changed the field, and did not show it: {error.message}") from error
    return [_confirmed(change, now, ctx) or _lost(change, refusals) for change in changes]


def _lost(change: Change, refusals: Sequence[str]) -> Outcome:
    if refusals:
        return Outcome("failed", error="Docebo: " + "; ".join(refusals))
    return Outcome(
        "unsure", error=f"Docebo accepted {change.action} {change.data['label']!r}, but the field does not show it"
    )


def _confirmed(change: Change, field: FieldDef, ctx: RunContext) -> Outcome | None:
    """The outcome when the field shows the change, with the rows that follow from it; else None."""
    if change.action == "create_field":
        return Outcome("done", field.id)
    spec, (of, _) = ctx.shared["spec"], _dropdown(change)
    columns, elements = Columns.of(spec, of), _elements(spec, of)
    labels = {option.id: option.label.strip() for option in field.options}
    template, label = str(change.template), str(change.data["label"])
    if change.action == "remove_option":
        if change.data["element"] in labels:
            return None
        gone = [RowWrite("delete_row", elements, (change.data["element"],))]
        table = ctx.table(spec.template_table.name)
        if any(str(row[columns.id]) == template for row in table.all()):
            gone.append(RowWrite("update_row", spec.template_table.name, (template,), {columns.element: None}))
        return Outcome("done", change.data["element"], writes=tuple(gone))
    element = change.data["element"] or next((key for key, text in labels.items() if text == label), "")
    if labels.get(element) != label:
        return None
    rows = bind_rows(spec.template_table.name, elements, columns, template, element, label)
    return Outcome("done", element, writes=tuple(rows))


def look(change: Change, ctx: RunContext) -> Look:
    """Whether Docebo shows the change; its fields are not a search index, so what is not there did not happen."""
    place, (of, _) = _place(ctx, change), _dropdown(change)
    if place["field"] and "seen" not in place:  # one reading answers for all, until the next write
        place["seen"] = fields.get(ctx.client("docebo"), place["field"], of)
    seen = place.get("seen")
    outcome = _confirmed(change, seen, ctx) if seen else None
    # An element cannot be sent before there is a field to hold it.
    return Look(outcome, repeatable=outcome is None and (seen is not None or change.action == "create_field"))
