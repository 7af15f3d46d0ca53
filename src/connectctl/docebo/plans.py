"""Learning plans (docebo.md 6): listed, read, and who has completed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.docebo.client import Docebo, OnBad, Source
from connectctl.docebo.enrollments import IDS_PER_CALL, OnSeen, is_completed, unchanged
from connectctl.docebo.parse import field_values, ident, moment, text

if TYPE_CHECKING:
    from connectctl.http.session import Params

# Without these the answer has neither status nor completion date (docebo.md 6.3).
EXTRA_FIELDS = ("enrollment_status", "enrollment_completion_date")


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A learning plan in the list."""

    id: str
    code: str
    name: str
    marker: str | None = None  # another one after every change; None: Docebo does not show it


@dataclass(frozen=True, slots=True)
class PlanDetail:
    """A learning plan with the values of its additional fields by field id."""

    id: str
    code: str
    name: str
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanCompletion:
    """One user's completion of one learning plan."""

    plan_id: str
    user_id: str
    username: str | None
    completed_at: datetime | None


def walk(docebo: Docebo, *, on_bad: OnBad | None = None) -> Iterator[PlanRow]:
    """All learning plans, each once."""
    seen: set[str] = set()
    source = Source("learning_plans", _row, {}, ("learning_plans", "learningplans"))
    for row in docebo.walk(source, on_bad=on_bad):
        if row.id not in seen:
            seen.add(row.id)
            yield row


def detail(docebo: Docebo, plan: str) -> PlanDetail:
    """One learning plan. Raises NotFound, DataError."""
    found = docebo.one("learning_plan", plan)
    row = _row({"learning_plan_id": plan, **found})
    return PlanDetail(row.id, row.code, row.name, field_values(found.get("additional_fields")))


def completed(
    docebo: Docebo,
    plan_ids: Sequence[str],
    updated_from: datetime | None = None,
    *,
    users: Sequence[str] = (),
    earliest: datetime | None = None,
    on_bad: OnBad | None = None,
    on_seen: OnSeen | None = None,
) -> Iterator[PlanCompletion]:
    """The completions of the plans, or those changed since, of all users or of those named, filtered here as well, but
    for the users (docebo.md 6.3); `earliest` as for the courses' completions.

    `on_seen` gets the moment at which each row last changed, in the platform's own time.
    """
    wanted = list(dict.fromkeys(plan_ids))
    since = None if updated_from is None else docebo.stamp(updated_from)
    for start in range(0, len(wanted), IDS_PER_CALL):
        chunk = wanted[start : start + IDS_PER_CALL]
        plans = frozenset(chunk)

        def read(row: Mapping[str, Any], plans: frozenset[str] = plans) -> PlanCompletion | None:
            plan = ident(row, "learning_plan_id", "id_path")
            changed = moment(row.get("enrollment_date_last_updated"), docebo.zone)
            if on_seen and changed:
                on_seen(changed)
            if plan not in plans or not is_completed(row.get("enrollment_status")):
                return None
            done = moment(row.get("enrollment_completion_date"), docebo.zone)
            if unchanged(updated_from, earliest, done, changed):
                return None
            return PlanCompletion(plan, ident(row, "user_id", "id_user"), text(row, "username"), done)

        params: Params = {"learning_plan_id[]": chunk, "user_id[]": users, "extra_fields[]": EXTRA_FIELDS}
        assumed: Params = {"updated_from": since} if since else {}
        yield from docebo.walk(Source("lp_enrollments", read, params, assumed=assumed), on_bad=on_bad)


def _row(row: Mapping[str, Any]) -> PlanRow:
    return PlanRow(
        ident(row, "learning_plan_id", "id", "id_path"),
        text(row, "code") or "",
        text(row, "title", "name") or "",
        text(row, "updated_on", "date_last_updated"),
    )
