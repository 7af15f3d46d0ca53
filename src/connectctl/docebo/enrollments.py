"""Who has completed which course (docebo.md 5), many courses in one listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.docebo.client import Docebo, OnBad, Source
from connectctl.docebo.parse import ident, moment, text

if TYPE_CHECKING:
    from connectctl.http.session import Params

IDS_PER_CALL = 50  # keeps the address short enough for every proxy


@dataclass(frozen=True, slots=True)
class Completion:
    """One user's completion of one course; a second completion is one of its own by its moment (docebo.md 12.9)."""

    course_id: str
    user_id: str
    username: str | None
    completed_at: datetime | None
    status: str = "completed"


def completed(
    docebo: Docebo,
    course_ids: Sequence[str],
    updated_from: datetime | None = None,
    *,
    on_bad: OnBad | None = None,
) -> Iterator[Completion]:
    """The completions of the courses, or those changed since. Docebo's filters are asked for and then done again here,
    because they are assumed, and a filter that is not known is ignored without a word."""
    wanted = list(dict.fromkeys(course_ids))
    since = None if updated_from is None else docebo.stamp(updated_from)
    for start in range(0, len(wanted), IDS_PER_CALL):
        chunk = wanted[start : start + IDS_PER_CALL]
        newer: Params = {"course_id[]": chunk, "enrollment_status[]": ["completed"]}
        older: Params = {"id_course[]": chunk, "status[]": ["completed"]}
        changed: Params = {"updated_from": since} if since else {}
        reader = _Reader(docebo, frozenset(chunk), updated_from)
        yield from docebo.walk(
            Source("course_enrollments", reader.newer, newer, assumed=changed),
            Source("enrollments_legacy", reader.older, older, assumed=changed),
            on_bad=on_bad,
        )


def is_completed(status: Any) -> bool:
    """Completed is `completed`, 2 and "2", nothing else (docebo.md 5.5)."""
    if isinstance(status, str):
        return status.strip().lower() in ("completed", "2")
    return isinstance(status, int | float) and not isinstance(status, bool) and status == 2


@dataclass(frozen=True, slots=True)
class _Reader:
    """Rows of both generations, filtered."""

    docebo: Docebo
    courses: frozenset[str]
    updated_from: datetime | None

    def newer(self, row: Mapping[str, Any]) -> Completion | None:
        course = ident(row, "course_id", "id_course")
        status = row.get("enrollment_status", row.get("status"))
        return self._completion(
            row, course, status, row.get("enrollment_completion_date"), row.get("enrollment_date_last_updated")
        )

    def older(self, row: Mapping[str, Any]) -> Completion | None:
        if row.get("type") == "learning_plan":
            return None  # its `id` is a plan's (docebo.md 5.2)
        course = ident(row, "id", "id_course", "course_id")
        done = row.get("course_complete_date", row.get("date_complete"))
        return self._completion(row, course, row.get("status"), done, row.get("date_last_updated"))

    def _completion(
        self, row: Mapping[str, Any], course: str, status: Any, done: Any, updated: Any
    ) -> Completion | None:
        if course not in self.courses or not is_completed(status):
            return None
        user = ident(row, "user_id", "id_user")
        completed_at, changed = moment(done, self.docebo.zone), moment(updated, self.docebo.zone)
        if unchanged(self.updated_from, completed_at, changed):
            return None
        return Completion(course, user, text(row, "username"), completed_at, str(status).strip().lower())


def unchanged(since: datetime | None, *moments: datetime | None) -> bool:
    """Whether all known moments lie before `since`; without any it may have changed."""
    known = [item for item in moments if item is not None]
    return since is not None and bool(known) and max(known) < since
