"""What earns nothing, and what is mapped to nothing, out of what was read: courses, plans, certifications. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.earnings import Selected, course_earnings
from connectctl.docebo.certifications import Certification
from connectctl.docebo.fields import FieldDef
from connectctl.docebo.plans import PlanRow
from connectctl.plugins.specs import ProviderSpec

Kind = Literal["course", "plan", "certification", "mapping"]
KINDS: tuple[Kind, ...] = get_args(Kind)

BY_HAND = "in the course, in Docebo: Admin menu, Course management"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that earns nothing, or one row that leads nowhere, and what to do about it.

    `id` is Docebo's, of a mapping the row as `lookup` takes it; both are blank where a whole kind could not be read.
    """

    kind: Kind
    id: str
    name: str
    provider: str
    finding: str
    fix: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One provider's tables and what Docebo has. None: not read, so that nothing is said of it.

    `mappings` are rows with their number. `mode` says whether courses show element ids or labels; None: it is not
    clear, and of the courses with a value nothing is said. `partial` are the kinds with rows that cannot be read: what
    is not found there may exist.
    """

    spec: ProviderSpec
    templates: Sequence[Mapping[str, Any]] = ()
    mappings: Sequence[tuple[int, Mapping[str, Any]]] = ()
    field: FieldDef | None = None
    mode: str | None = None
    courses: Sequence[Selected] | None = None
    plans: Sequence[PlanRow] | None = None
    certifications: Sequence[Certification] | None = None
    partial: frozenset[Kind] = frozenset()


def gaps(view: Coverage, kinds: Collection[Kind] = KINDS) -> list[Gap]:
    """The gaps of one provider by kind, in the order of ids. Pure."""
    found: list[Gap] = []
    if "course" in kinds:
        found += _by_id(_courses(view))
    if "plan" in kinds:
        found += _by_id(_plans(view))
    if "certification" in kinds:
        found += _by_id(_certifications(view))
    if "mapping" in kinds:
        found += _mappings(view)
    return found


def _courses(view: Coverage) -> list[Gap]:
    """Courses without a value in the dropdown, or whose value earns nothing (CR-27)."""
    if view.courses is None or view.field is None:
        return []
    spec, name = view.spec, view.field.name
    judged = [course for course in view.courses if view.mode or not (course.value or "").strip()]
    result = []
    for one in course_earnings(view.field, view.mode or "id", judged, view.templates, Columns.of(spec)):
        if one.reason == "no_value_selected":
            words, fix = f"nothing is selected in {name!r}", f"select a {spec.noun} {BY_HAND}"
        elif one.reason == "template_inactive":
            words, fix = f"its {spec.noun} {one.detail!r} is not active", f"select another {spec.noun} {BY_HAND}"
        elif one.reason:
            words, fix = f"{one.detail} of {spec.template_table.title}", command(spec.name, "sync-field")
        else:
            continue
        result.append(Gap("course", one.id, one.name, spec.name, words, fix))
    return result


def _plans(view: Coverage) -> list[Gap]:
    columns = MappingColumns.of(view.spec)
    rows = rows_by(view, columns.plan)
    return [
        gap
        for plan in view.plans or ()
        if (gap := _unmapped(view, "plan", plan.id, plan.name, rows.get(plan.id, []), plan.id, "-"))
    ]


def _certifications(view: Coverage) -> list[Gap]:
    columns = MappingColumns.of(view.spec)
    rows = rows_by(view, columns.certification)
    owners = _owners(view.certifications or ())
    result = []
    for one in view.certifications or ():
        others = [other for other in owners.get(one.code, ()) if other != one.id]
        gap: Gap | None
        if not one.code:
            words = "it has no code, so that no row can name it"
            gap = Gap("certification", one.id, one.name, view.spec.name, words, "give it a code in Docebo")
        elif others:
            words = f"its code {one.code!r} is also that of {', '.join(others)}"
            gap = Gap("certification", one.id, one.name, view.spec.name, words, "give it another code in Docebo")
        else:
            gap = _unmapped(view, "certification", one.id, one.name, rows.get(one.code, []), "-", one.code)
        if gap is not None:
            result.append(gap)
    return result


def _unmapped(
    view: Coverage, kind: Kind, id: str, name: str, rows: Sequence[tuple[int, bool]], plan: str, code: str
) -> Gap | None:
    """The gap of a plan or certification, unless a row in use names it; `plan` and `code` are the key of a new row."""
    table, active = view.spec.mapping_table, MappingColumns.of(view.spec).active
    if any(on for _, on in rows):
        return None
    if rows:
        fix = command("lookup", "set", table.name, f"#{rows[0][0]}", f"{active}=true")
        return Gap(kind, id, name, view.spec.name, "its row is switched off", fix)
    fix = command("lookup", "set", table.name, view.spec.noun.upper(), plan, code, f"{active}=true")
    return Gap(kind, id, name, view.spec.name, f"no row of {table.title} names it", fix)


def _mappings(view: Coverage) -> list[Gap]:
    """Rows in use whose template, plan or certification is not there."""
    spec, columns = view.spec, MappingColumns.of(view.spec)
    ours = Columns.of(spec)
    templates = {_text(row, ours.id): row.get(ours.active) is True for row in view.templates}
    known_plans = _all_of(view, "plan", [plan.id for plan in view.plans or ()], view.plans is None)
    codes = [one.code for one in view.certifications or ()]
    known_codes = _all_of(view, "certification", codes, view.certifications is None)
    result = []
    for number, row in view.mappings:
        if row.get(columns.active) is not True:
            continue
        template, plan, code = (_text(row, name) for name in (columns.id, columns.plan, columns.certification))
        said = []
        if template not in templates:
            said.append(f"{spec.template_table.title} has no {spec.noun} {template!r}")
        elif not templates[template]:
            said.append(f"the {spec.noun} {template!r} is not active")
        if plan and known_plans is not None and plan not in known_plans:
            said.append(f"Docebo has no learning plan {plan!r}")
        if code and known_codes is not None and code not in known_codes:
            said.append(f"Docebo has no certification with the code {code!r}")
        fix = command("lookup", "set", spec.mapping_table.name, f"#{number}", f"{columns.active}=false")
        result += [Gap("mapping", f"#{number}", _text(row, columns.name), spec.name, words, fix) for words in said]
    return result


def _all_of(view: Coverage, kind: Kind, ids: Sequence[str], unread: bool) -> frozenset[str] | None:
    """All there are of a kind; None when that is not known."""
    return None if unread or kind in view.partial else frozenset(ids)


def rows_by(view: Coverage, column: str) -> dict[str, list[tuple[int, bool]]]:
    """The numbers of the rows by what they name, and whether each is in use."""
    active = MappingColumns.of(view.spec).active
    found: dict[str, list[tuple[int, bool]]] = {}
    for number, row in view.mappings:
        if text := _text(row, column):
            found.setdefault(text, []).append((number, row.get(active) is True))
    return found


def _owners(listed: Sequence[Certification]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in listed:
        found.setdefault(one.code, []).append(one.id)
    return found


def _by_id(found: list[Gap]) -> list[Gap]:
    return sorted(found, key=lambda gap: (len(gap.id) if gap.id.isdecimal() else 99, gap.id))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def command(*words: str) -> str:
    """The command line, ready for a shell."""
    return shlex.join(["connectctl", *words])
