"""What the courses, learning plans and certifications of a run earn: by dropdown value, and by the mapping table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectctl.badging import field as dropdown
from connectctl.badging.awards import Known, known_codes
from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.courses import decide_values, known_details, list_courses, read_current, read_selected
from connectctl.badging.earnings import Earning, Selected, certification_earnings, course_earnings, plan_earnings, union
from connectctl.badging.gathered import Shared
from connectctl.badging.learning_plans import by_number, plan_names
from connectctl.badging.plan_selections import PlanSelections
from connectctl.badging.steps import note
from connectctl.docebo.courses import CourseRow
from connectctl.docebo.fields import FieldDef
from connectctl.errors import AuthFailed, ConfigError, RemoteRefused
from connectctl.model import Problem, RunContext

Rows = Sequence[Mapping[str, Any]]


class Selections:
    """The courses' values in the dropdown, and what they earn by that."""

    def __init__(self, shared: Shared, ctx: RunContext, definition: FieldDef, rows: Rows) -> None:
        self.shared, self.ctx, self.definition, self.rows = shared, ctx, definition, rows
        self.courses: list[CourseRow] = []
        self.mode = ""

    @classmethod
    def of(cls, shared: Shared, ctx: RunContext, rows: Rows) -> Selections:
        """Those of the dropdown that the settings name; ConfigError when Docebo has none yet."""
        spec = shared.spec
        name, definition = dropdown.find_field(spec, ctx, remember=not shared.window.whole)
        note(spec, ctx, "find-field", "assign-course", found=definition is not None)
        if definition is None:
            raise ConfigError(f"Docebo has no course field {name!r} yet", hint=f"connectctl {spec.name} sync-field")
        return cls(shared, ctx, definition, rows)

    def first(self) -> tuple[list[Earning], set[str]]:
        """What the courses earn, and which of them were read for it now."""
        looked, problems = self.shared.window, self.shared.problems
        self.courses = list_courses(self.ctx, looked.courses, problems, whole=looked.whole)
        # A course that is named is read anew: whoever names it may know of a change that its date does not show.
        fresh = looked.fresh or bool(looked.courses)
        selected, read_now = read_current(self.ctx, self.courses, self.definition, problems, fresh=fresh)
        self.mode = self._decide(selected)
        columns = Columns.of(self.shared.spec)
        earned = course_earnings(self.definition, self.mode, selected, self.rows, columns)
        return self.shared.wanted(earned), read_now

    def _decide(self, selected: Sequence[Selected]) -> str:
        """Whether the values are ids or labels."""
        sync = f"connectctl {self.shared.spec.name} sync-field"
        return decide_values(self.definition, selected, self.ctx.client("docebo").field_value, sync)

    def again(self, courses: list[Earning], due: set[str]) -> list[Earning]:
        """The same with the courses in `due` read once more."""
        rows = [row for row in self.courses if row.id in due]
        selected, _ = read_selected(self.ctx, rows, self.definition.id, self.shared.problems, fresh=True)
        self._decide(selected)
        columns = Columns.of(self.shared.spec)
        found = self.shared.wanted(course_earnings(self.definition, self.mode, selected, self.rows, columns))
        renewed = {course.id: course for course in found}
        return [renewed.get(course.id, course) for course in courses if course.id in renewed or course.id not in due]


def mapped_plans(
    shared: Shared, ctx: RunContext, rows: Rows
) -> tuple[list[Earning], Callable[[set[str]], list[Earning]]]:
    """What the learning plans earn; with courses named only the plans that contain one of them (CR-28, AC-70).

    And what they earn with the dropdown values of some of them read once more.
    """
    spec, mapping, looked = shared.spec, MappingColumns.of(shared.spec), shared.window
    mappings, warnings = by_number(ctx, _mappings(shared, ctx), mapping.plan, shared.problems, whole=looked.whole)
    shared.warnings += warnings
    wanted = {str(row[mapping.plan]).strip() for row in mappings if str(row[mapping.plan] or "").strip()}
    among = set(looked.plans)
    if looked.courses:
        details = [known_details(ctx).get(course) or {} for course in looked.courses]
        containing = {plan for detail in details for plan in detail.get("plans", ())}
        note(spec, ctx, "list-plans", "assign-plans", courses=len(details), plans=len(containing))
        among |= containing
    if looked.courses or looked.plans:
        mappings = [row for row in mappings if str(row[mapping.plan] or "").strip() in among]
        wanted &= among
    names = plan_names(ctx, wanted, shared.problems, whole=looked.whole)
    mapped = plan_earnings(mappings, mapping, rows, Columns.of(spec), names, looked.plans)
    narrow = bool(looked.courses or looked.plans)
    selections = PlanSelections(spec, ctx, rows, shared.problems, among if narrow else None)
    selected, shared.plans_read = selections.first(fresh=looked.fresh or narrow)
    earned = union(mapped, selected) if selections.some else mapped
    templates = sum(e.template is not None for e in earned)
    note(spec, ctx, "filter-plans", "assign-plans", plans=len(wanted), templates=templates)

    def again(due: set[str]) -> list[Earning]:
        return shared.wanted(union(mapped, selections.again(due)) if selections.some else mapped)

    return shared.wanted(earned), again


def mapped_certifications(shared: Shared, ctx: RunContext, rows: Rows) -> tuple[list[Earning], dict[str, Known]]:
    """What the mapped certifications earn, and what Docebo calls them; with some named only those (CR-29)."""
    spec, mapping, looked = shared.spec, MappingColumns.of(shared.spec), shared.window
    mappings = _mappings(shared, ctx)
    codes = {code for row in mappings if (code := str(row[mapping.certification] or "").strip())}
    if looked.certifications:
        codes &= set(looked.certifications)
        mappings = [row for row in mappings if str(row[mapping.certification] or "").strip() in codes]
    try:
        # What is remembered of them may be out of date, and nothing is taken away by that (GN-34).
        known = known_codes(ctx, codes, shared.problems, whole=looked.whole or looked.revoked)
    except AuthFailed:
        raise
    except RemoteRefused as error:  # courses and plans go on (GN-19)
        shared.awards.complete = False
        shared.problems.append(Problem("certifications", error.message))
        return [], {}
    names = {code: found.name or code for code, found in known.items()}
    earned = certification_earnings(mappings, mapping, rows, Columns.of(spec), names, looked.certifications)
    twins = {code: found.ids for code, found in known.items() if len(found.ids) > 1}
    return shared.wanted([_certain(earning, twins.get(earning.id, ())) for earning in earned]), known


def _certain(earning: Earning, twins: Sequence[str]) -> Earning:
    """The same, or nothing where several certifications share the code: which is meant nobody can tell."""
    if not twins or earning.template is None:
        return earning
    detail = f"the certifications {', '.join(twins)} share the code {earning.id}"
    ambiguous = "connectctl:certification_ambiguous"
    return replace(earning, name=earning.id, template=None, template_name="", reason=ambiguous, detail=detail)


def barred(earned: Sequence[Earning]) -> list[Earning]:
    """The same when the master setting lets nothing of them go to the provider (CR-75, CR-76)."""
    return [replace(e, template=None, template_name="", reason="master_direction", detail="") for e in earned]


def barred_certifications(shared: Shared, ctx: RunContext) -> list[Earning]:
    """The mapped certifications, of which none goes to the provider; nothing is read for them."""
    column = MappingColumns.of(shared.spec).certification
    codes = {code for row in _mappings(shared, ctx) if (code := str(row[column] or "").strip())}
    only = set(shared.window.certifications)
    return barred([Earning("certification", code, code, None) for code in sorted(codes & only if only else codes)])


def _mappings(shared: Shared, ctx: RunContext) -> list[dict[str, Any]]:
    return [dict(row) for row in ctx.table(shared.spec.mapping_table.name).all()]
