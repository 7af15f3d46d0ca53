"""Docebo's courses (docebo.md 4.1, 4.2, 4.5): listed with their change marker, read with their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectctl.docebo.client import Docebo, OnBad, Source, says_missing
from connectctl.docebo.parse import as_id, field_values, ident, kind, moment, text
from connectctl.errors import DataError, NotFound, Rejected


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course in the list; `marker` changes when the course does, None where the list does not show it.

    `changed_at` is the same as a moment, in the platform's own time.
    """

    id: str
    name: str
    marker: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CourseDetail:
    """A course with the values of its additional fields by field id, and the learning plans that contain it."""

    id: str
    name: str
    fields: Mapping[str, str | None] = field(default_factory=dict)
    plans: tuple[str, ...] = ()


def walk(docebo: Docebo, updated_from: datetime | None = None, *, on_bad: OnBad | None = None) -> Iterator[CourseRow]:
    """All courses, or those changed since; each once.

    The older list is read because only its rows carry `date_last_updated`; where it is gone, the newer one, whose rows
    have no marker and cannot be limited to the changed ones.
    """

    def older(row: Mapping[str, Any]) -> CourseRow | None:
        shown = text(row, "date_last_updated")
        changed = moment(shown, docebo.zone)
        if updated_from is not None and changed is not None and changed < updated_from:
            return None
        return CourseRow(_id(row), text(row, "name", "title") or "", shown if changed else None, changed)

    def newer(row: Mapping[str, Any]) -> CourseRow:
        return CourseRow(_id(row), text(row, "title", "name") or "")

    params = {} if updated_from is None else {"updated_from": docebo.stamp(updated_from)}
    seen: set[str] = set()
    for row in docebo.walk(Source("courses_legacy", older, params), Source("courses", newer, {}), on_bad=on_bad):
        if row.id not in seen:
            seen.add(row.id)
            yield row


def detail(docebo: Docebo, course: str) -> CourseDetail:
    """One course. Raises NotFound, DataError for fields that cannot be read.

    The older endpoint first: only there have the field values and plans been seen in production (docebo.md 4.2).
    """
    try:
        return _detail(docebo.one("course_legacy", course), course)
    except (NotFound, Rejected) as error:
        if not says_missing(error):
            raise
        missing = error
    try:
        return _detail(docebo.one("course", course), course)
    except (NotFound, Rejected) as error:
        if not says_missing(error):
            raise
    raise NotFound(
        missing.message,
        hint=missing.hint,
        connection=missing.connection,
        method=missing.method,
        path=missing.path,
        status=missing.status,
        detail=missing.detail,
    )


def _detail(row: Mapping[str, Any], course: str) -> CourseDetail:
    try:
        found = _id(row)
        if found != course:
            raise DataError(f"the answer is about course {found}")
        values = field_values(row.get("additional_fields"))
        return CourseDetail(found, text(row, "name", "title") or "", values, _plans(row.get("learningplans")))
    except DataError as error:
        raise DataError(f"Docebo course {course}: {error.message}") from None


def _plans(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise DataError(f"learningplans is {kind(value)}, not a list")
    found = []
    for item in value:
        plan = ident(item, "id", "learning_plan_id", "id_path") if isinstance(item, dict) else as_id(item)
        if plan is None:
            raise DataError("learningplans has an entry without an id")
        found.append(plan)
    return tuple(dict.fromkeys(found))


def _id(row: Mapping[str, Any]) -> str:
    return ident(row, "id_course", "id", "course_id")
