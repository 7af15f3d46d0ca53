"""Which courses earn which template: the dropdown value of every course, cached until the course changes (CR-27)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from connectctl.badging.templates import Columns
from connectctl.docebo import courses
from connectctl.docebo.courses import CourseRow
from connectctl.docebo.fields import FieldDef
from connectctl.errors import BadAnswer, ConfigError, DataError, NotAllowed, NotFound, UsageError
from connectctl.model import Problem, RunContext


@dataclass(frozen=True, slots=True)
class Earning:
    """A course with the template it earns, or the reason of GN-17 why it earns none."""

    id: str
    name: str
    template: str | None
    template_name: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """A course's value in the dropdown, as Docebo shows it; None when nothing is selected."""

    id: str
    name: str
    value: str | None


def list_courses(ctx: RunContext, only: Sequence[str], problems: list[Problem]) -> list[CourseRow]:
    """All courses, or those named; UsageError for a named one that Docebo does not have."""

    def on_bad(description: str) -> None:
        problems.append(Problem("course", description))

    rows = list(courses.walk(ctx.client("docebo"), on_bad=on_bad))
    if not only:
        return rows
    known = {row.id for row in rows}
    for course in only:
        if course not in known:
            raise UsageError(f"Docebo has no course {course}", hint=f"connectctl flow run {ctx.flow} --dry-run")
    return [row for row in rows if row.id in only]


def known_details(ctx: RunContext) -> MutableMapping[str, Any]:
    """The details read so far of this platform's courses, by course id."""
    return ctx.cached(f"course-details/{ctx.client('docebo').account}")


def read_selected(
    ctx: RunContext, rows: Sequence[CourseRow], field_id: str, problems: list[Problem], *, fresh: bool = False
) -> tuple[list[Selected], set[str]]:
    """Each course's selection, and the ids of the courses whose detail was read for it.

    A detail is read when the course is new or changed, or when `fresh` says so. A course that cannot be read is a
    problem of its own; the others go on (GN-19).
    """
    docebo = ctx.client("docebo")
    cache = known_details(ctx)
    details: dict[str, Any] = {row.id: cache.get(row.id) for row in rows}
    stale = [row for row in rows if fresh or row.marker is None or (details[row.id] or {}).get("marker") != row.marker]
    for row, result in zip(stale, _details(docebo, [row.id for row in stale]), strict=True):
        if isinstance(result, Problem):
            problems.append(result)
            details[row.id] = None
        else:
            detail = {"marker": row.marker, "id": row.id, "name": result.name, "fields": dict(result.fields)}
            cache[row.id] = details[row.id] = detail
    selected = [
        Selected(row.id, str(detail["name"] or row.name), (detail["fields"] or {}).get(field_id))
        for row in rows
        if (detail := details[row.id]) is not None
    ]
    return selected, {row.id for row in stale}


def read_current(
    ctx: RunContext, rows: Sequence[CourseRow], field: FieldDef, problems: list[Problem], *, fresh: bool = False
) -> tuple[list[Selected], set[str]]:
    """As `read_selected`; what is remembered of an element that is gone or renamed is read again.

    Removing an element resets the courses that had it, and their change marker need not move (docebo.md 4.4).
    """
    selected, read_now = read_selected(ctx, rows, field.id, problems, fresh=fresh)
    known = {option.id for option in field.options} | {option.label.strip() for option in field.options}
    stale = {course.id for course in selected if course.value and course.value.strip() not in known} - read_now
    again, _ = read_selected(ctx, [row for row in rows if row.id in stale], field.id, problems, fresh=True)
    renewed = {course.id: course for course in again}
    selected = [renewed.get(course.id, course) for course in selected if course.id in renewed or course.id not in stale]
    return selected, read_now | stale


def _details(docebo: Any, ids: Sequence[str]) -> list[courses.CourseDetail | Problem]:
    def one(course: str) -> courses.CourseDetail | Problem:
        try:
            return courses.detail(docebo, course)
        except (NotFound, NotAllowed, BadAnswer, DataError) as error:
            return Problem(f"course:{course}", error.message, f"course:{course}")

    if not ids:
        return []
    with ThreadPoolExecutor(docebo.threads, thread_name_prefix="course") as pool:
        return list(pool.map(one, ids))


def decide_values(field: FieldDef, selected: Sequence[Selected], configured: str) -> str:
    """Whether the API shows element ids or labels, decided once from the field's own options.

    Raises ConfigError for a value that fits both or neither (CR-27): nothing is issued on a guess.
    """
    if configured in ("id", "label"):
        return configured  # a person has decided; a value that does not fit is skipped as template_unknown
    ids = {option.id for option in field.options}
    labels = _labels(field)
    found = set()
    for course in selected:
        value = (course.value or "").strip()
        if not value:
            continue
        as_id, as_label = value in ids, value in labels
        if as_id and as_label and labels[value] == value:
            continue  # an element whose label is its own id means the same either way
        if as_id == as_label:
            what = "both an element id and a label" if as_id else "neither an element id nor a label"
            raise ConfigError(
                f"Course {course.id} ({course.name}) has the value {value!r} in {field.name!r}, which is {what}",
                hint='set field_value = "id" or "label" in [connections.docebo] of config.toml, or run '
                "connectctl credly sync-field",
            )
        found.add("id" if as_id else "label")
    if len(found) > 1:
        raise ConfigError(
            f"Some courses show element ids in {field.name!r}, others labels: it is not clear which is meant",
            hint='set field_value = "id" or "label" in [connections.docebo] of config.toml',
        )
    return found.pop() if found else "id"


def earnings(
    field: FieldDef, mode: str, selected: Sequence[Selected], rows: Sequence[Mapping[str, Any]], columns: Columns
) -> list[Earning]:
    """Each course's template by Dropdown Element ID, or why there is none (CR-27). Pure."""
    ids = {option.id for option in field.options}
    labels = _labels(field)
    by_element = {str(row[columns.element]): row for row in rows if row[columns.element] not in (None, "")}
    result = []
    for course in selected:
        value = (course.value or "").strip()
        if not value:
            result.append(Earning(course.id, course.name, None, reason="no_value_selected"))
            continue
        element = (value if value in ids else None) if mode == "id" else labels.get(value)
        row = by_element.get(element or "")
        if row is None:
            detail = f"the element {value!r} belongs to no row"
            result.append(Earning(course.id, course.name, None, reason="template_unknown", detail=detail))
        elif row[columns.active] is not True:
            detail = str(row[columns.name])
            result.append(Earning(course.id, course.name, None, reason="template_inactive", detail=detail))
        else:
            result.append(Earning(course.id, course.name, str(row[columns.id]), str(row[columns.name])))
    return result


def _labels(field: FieldDef) -> dict[str, str]:
    """Element ids by label, in every language the labels are written in (docebo.md 4.2)."""
    return {label.strip(): option.id for option in field.options for label in (*option.labels, option.label)}
