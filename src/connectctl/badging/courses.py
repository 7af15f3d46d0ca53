"""The dropdown value of every course, remembered until the course changes (CR-27)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from connectctl.badging.earnings import Selected, element_ids
from connectctl.badging.window import LATE
from connectctl.docebo import courses
from connectctl.docebo.courses import CourseRow
from connectctl.docebo.fields import FieldDef
from connectctl.errors import BadAnswer, ConfigError, DataError, NotAllowed, NotFound, UsageError
from connectctl.model import Problem, RunContext

_LIST = "course-list"  # cache: how far the list of courses has been read, by platform


def list_courses(
    ctx: RunContext, only: Sequence[str], problems: list[Problem], *, whole: bool = True
) -> list[CourseRow]:
    """All courses, or those named; UsageError for a named one that Docebo does not have.

    Unless the whole list is wanted, only the courses that changed since the last one are asked for: the others are
    remembered with their details (GN-37).
    """
    rows: dict[str, CourseRow] = {}
    if not whole:
        rows = _changed_courses(ctx, problems)
    if not rows or not all(course in rows for course in only):
        rows = _all_courses(ctx, problems)
    if not only:
        return list(rows.values())
    for course in only:
        if course not in rows:
            raise UsageError(f"Docebo has no course {course}", hint=f"connectctl flow show {ctx.flow}")
    return [row for row in rows.values() if row.id in only]


def _all_courses(ctx: RunContext, problems: list[Problem]) -> dict[str, CourseRow]:
    """The whole list; what is remembered of courses that are gone is forgotten."""
    rows = _listed(ctx, None, {}, problems)
    cache = known_details(ctx)
    for gone in set(cache) - set(rows):
        del cache[gone]
    return rows


def _changed_courses(ctx: RunContext, problems: list[Problem]) -> dict[str, CourseRow]:
    """What is remembered, brought up to date; empty when nothing is, or not all of it."""
    remembered = ctx.cached(_LIST).get(ctx.client("docebo").account)
    known = {id: CourseRow(id, str(detail["name"]), detail["marker"]) for id, detail in known_details(ctx).items()}
    if remembered is None or len(known) != remembered["courses"]:
        return {}
    return _listed(ctx, datetime.fromisoformat(remembered["position"]), known, problems)


def _listed(
    ctx: RunContext, since: datetime | None, known: Mapping[str, CourseRow], problems: list[Problem]
) -> dict[str, CourseRow]:
    """The known courses and those listed, by id. How far the list is read by that is remembered: up to its newest
    row, unless a row was unreadable. The detail of a course that has changed is forgotten: should this run not read it
    (another course was named, or it ends early), the next one misses it, and asks for the whole list.
    """
    bad: list[str] = []
    docebo = ctx.client("docebo")
    start = None if since is None else since - LATE
    rows = {row.id: row for row in courses.walk(docebo, start, on_bad=bad.append)}
    problems += [Problem("course", description) for description in bad]
    newest = max((row.changed_at for row in rows.values() if row.changed_at), default=since)
    everything = {**known, **rows}
    details = known_details(ctx)
    for row in rows.values():
        if row.marker is None or (details.get(row.id) or {}).get("marker") != row.marker:
            details.pop(row.id, None)
    if newest is not None and not bad:
        place = {"position": min(newest, ctx.now).isoformat(), "courses": len(everything)}
        ctx.cached(_LIST)[docebo.account] = place
    return everything


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
            ctx.cached(_LIST).pop(docebo.account, None)  # the next run asks for the whole list, and so for this one
        else:
            detail = {
                "marker": row.marker,
                "id": row.id,
                "name": result.name or row.name,
                "fields": dict(result.fields),
                "plans": list(result.plans),
            }
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


def decide_values(
    field: FieldDef, selected: Sequence[Selected], configured: str, sync: str, word: str = "course"
) -> str:
    """Whether the API shows element ids or labels, decided once from the field's own options.

    `sync` is the command that brings the dropdown in line. Raises ConfigError for a value that fits both or neither
    (CR-27): nothing is issued on a guess.
    """
    if configured in ("id", "label"):
        return configured  # a person has decided; a value that does not fit is skipped as template_unknown
    ids = {option.id for option in field.options}
    labels = element_ids(field)
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
                f"{word.capitalize()} {course.id} ({course.name}) has the value {value!r} in {field.name!r}, "
                f"which is {what}",
                hint=f'set field_value = "id" or "label" in [connections.docebo] of config.toml, or run {sync}',
            )
        found.add("id" if as_id else "label")
    if len(found) > 1:
        raise ConfigError(
            f"Some {word}s show element ids in {field.name!r}, others labels: it is not clear which is meant",
            hint='set field_value = "id" or "label" in [connections.docebo] of config.toml',
        )
    return found.pop() if found else "id"
