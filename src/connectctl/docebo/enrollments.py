"""Who has completed which course (docebo.md 5), many courses in one listing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.docebo.client import ZONE_DOUBT, Docebo, FilterIgnored, OnBad, Source
from connectctl.docebo.parse import ident, moment, text
from connectctl.errors import NotFound, Rejected

if TYPE_CHECKING:
    from connectctl.http.session import Params

IDS_PER_CALL = 50  # keeps the address short enough for every proxy

OnSeen = Callable[[datetime], None]


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
    users: Sequence[str] = (),
    earliest: datetime | None = None,
    on_bad: OnBad | None = None,
    on_seen: OnSeen | None = None,
) -> Iterator[Completion]:
    """The completions of the courses, or those changed since, of all users or of those named.

    Docebo's filters are asked for and then done again here (that of users by the caller), because they are assumed, and
    a filter that is not known is ignored without a word. A row that does not show when it changed is left out when it
    was completed before `earliest`, never because its completion is older than that.

    `on_seen` gets the moment at which each row last changed, in the platform's own time.
    """
    wanted = list(dict.fromkeys(course_ids))
    since = None if updated_from is None else docebo.stamp(updated_from)
    for start in range(0, len(wanted), IDS_PER_CALL):
        chunk = wanted[start : start + IDS_PER_CALL]
        newer: Params = {"course_id[]": chunk, "user_id[]": users, "enrollment_status[]": ["completed"]}
        older: Params = {"id_course[]": chunk, "id_user[]": users, "status[]": ["completed"]}
        changed: Params = {"updated_from": since} if since else {}
        reader = _Reader(docebo, frozenset(chunk), updated_from, on_seen, earliest)
        yield from docebo.walk(
            Source("course_enrollments", reader.newer, newer, assumed=changed),
            Source("enrollments_legacy", reader.older, older, assumed=changed),
            on_bad=on_bad,
        )


def changed(
    docebo: Docebo,
    course_ids: Collection[str],
    updated_from: datetime,
    *,
    legacy: bool = False,
    earliest: datetime | None = None,
    on_bad: OnBad | None = None,
    on_seen: OnSeen | None = None,
) -> Iterator[Completion]:
    """The courses' completions that changed since, in one listing over all courses where they are many.

    `legacy` asks the older list, whose `updated_from` is proven (docebo.md 5.2). Raises FilterIgnored where the list
    does not know the parameter, possibly after some rows; then only `completed` helps, which names the courses.
    """
    since = docebo.stamp(updated_from)
    wanted = frozenset(course_ids)
    reader = _Reader(docebo, wanted, updated_from, on_seen, earliest, strict=True)
    ids = sorted(wanted) if len(wanted) <= IDS_PER_CALL else None
    if legacy:
        params: Params = {"id_course[]": ids, "status[]": ["completed"], "updated_from": since}
        source = Source("enrollments_legacy", reader.older, params)
    else:
        params = {"course_id[]": ids, "enrollment_status[]": ["completed"], "updated_from": since}
        source = Source("course_enrollments", reader.newer, params)
    try:
        yield from docebo.walk(source, on_bad=on_bad)
    except (NotFound, Rejected) as error:
        if not isinstance(error, NotFound) and error.status not in (400, 422):
            raise
        raise FilterIgnored from error


def chunks(ids: Sequence[str]) -> list[list[str]]:
    """The ids, each once and in their order, in parts that fit into one request."""
    wanted = list(dict.fromkeys(ids))
    return [wanted[start : start + IDS_PER_CALL] for start in range(0, len(wanted), IDS_PER_CALL)]


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
    on_seen: OnSeen | None = None
    earliest: datetime | None = None
    strict: bool = False

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
        changed = moment(updated, self.docebo.zone)
        if self.strict and self.updated_from and changed and changed < self.updated_from - ZONE_DOUBT:
            raise FilterIgnored
        if self.on_seen and changed:
            self.on_seen(changed)
        if course not in self.courses or not is_completed(status):
            return None
        user = ident(row, "user_id", "id_user")
        completed_at = moment(done, self.docebo.zone)
        if unchanged(self.updated_from, self.earliest, completed_at, changed):
            return None
        return Completion(course, user, text(row, "username"), completed_at, str(status).strip().lower())


def unchanged(
    since: datetime | None, earliest: datetime | None, completed_at: datetime | None, changed_at: datetime | None
) -> bool:
    """Whether a row is older than what was asked for.

    An old completion may have been entered just now: without a date of the change only `earliest` leaves it out.
    """
    if changed_at is None:
        return earliest is not None and completed_at is not None and completed_at < earliest
    return since is not None and max(changed_at, completed_at or changed_at) < since
