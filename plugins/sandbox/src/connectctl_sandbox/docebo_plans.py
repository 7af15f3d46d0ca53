"""Learning plans and the enrollments in them (docebo.md 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .docebo import Docebo
from .docebo_courses import checked_value, pairs, shown_value
from .docebo_enrollments import in_window, shown_date
from .docebo_lists import PAGING, listing, single, sorted_by, sorting
from .docebo_records import NO_DATE, Plan, PlanEnrollment
from .web import Call, Refused, Response, Route, choice, moment, number, text

SORT_KEYS = {"title": "title", "code": "code", "created_on": "created_at", "updated_on": "updated_at"}
EXTRA = (
    "enrollment_status",
    "enrollment_completion_date",
    "enrollment_completion_percentage",
    "enrollment_time_spent",
)


def list_plans(docebo: Docebo, call: Call) -> Response:
    """`GET /learningplan/v1/learningplans`."""
    wanted = call.params.get("search_text", "").lower()
    attribute, direction = call.params.get("sort_attr", "title"), call.params.get("sort_dir", "asc")

    def rows() -> list[Plan]:
        found = [one for one in docebo.plans.values() if wanted in one.title.lower() or wanted in one.code.lower()]
        return sorted_by(found, lambda plan: getattr(plan, SORT_KEYS[attribute]), direction)

    return listing(docebo, call, rows, lambda plan: _item(docebo, plan), sort=(attribute, direction))


def one_plan(docebo: Docebo, call: Call) -> Response:
    """`GET /learningplan/v1/learningplans/{id}`: the list's keys and the values of its fields (docebo.md 4.7)."""
    plan = _plan(docebo, call.ids[0])
    fields = [
        {
            "id": field.field_id,
            "title": field.name,
            "type": field.type,
            "value": shown_value(docebo, plan, field),
        }
        for field in docebo.plan_fields.values()
    ]
    return single(_item(docebo, plan) | {"additional_fields": fields})


def write_values(docebo: Docebo, call: Call) -> Response:
    """`PUT /learningplan/v1/learningplans/{id}`: the values of its fields, as a course's (docebo.md 4.5, 4.7)."""
    plan = _plan(docebo, call.ids[0])
    unknown = sorted(set(call.body) - {"additional_fields"})
    if unknown or "additional_fields" not in call.body:
        raise Refused(400, f"Unknown attribute: {unknown[0]}" if unknown else "additional_fields is required")
    changed = {
        field_id: checked_value(docebo.plan_fields, field_id, value)
        for field_id, value in pairs(call.body["additional_fields"], docebo.flags.additional_fields_style)
    }
    docebo.plans[plan.plan_id] = replace(plan, values=plan.values | changed, updated_at=docebo.now())
    return single({"id": plan.plan_id})


def _plan(docebo: Docebo, plan_id: str) -> Plan:
    plan = docebo.plans.get(int(plan_id))
    if plan is None:
        raise Refused(404, "Learning plan not found")
    return plan


def _item(docebo: Docebo, plan: Plan) -> dict[str, Any]:
    return {
        "learning_plan_id": plan.plan_id,
        "uuid": plan.uuid,
        "code": plan.code,
        "title": plan.title,
        "thumbnail_url": None,
        "price": None,
        "credits": None,
        "is_published": True,
        "is_publishable": True,
        "assigned_courses_count": len(plan.course_ids),
        "assigned_enrollments_count": sum(1 for _, plan_id in docebo.plan_enrollments if plan_id == plan.plan_id),
        "assigned_catalogs_count": 0,
        "assigned_channels_count": 0,
        "created_on": _epoch(plan.created_at),
        "created_by": 13001,
        "updated_on": _epoch(plan.updated_at),
        "updated_by": 13001,
    }


def _epoch(moment_text: str) -> int:
    """Newer objects use epoch seconds: `created_on: 1627384473` (docebo.md 12.3)."""
    return int(datetime.strptime(moment_text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())


def list_enrollments(docebo: Docebo, call: Call) -> Response:
    """`GET /learningplan/v1/learningplans/enrollments`: status and dates only when asked by `extra_fields` (6.3)."""
    params = call.params
    extra = set(params.get("extra_fields[]", ()))

    def rows() -> list[PlanEnrollment]:
        plans, users = set(params.get("learning_plan_id[]", ())), set(params.get("user_id[]", ()))
        return [
            row
            for row in docebo.plan_enrollments.values()
            if (not plans or row.plan_id in plans)
            and (not users or row.user_id in users)
            and in_window(docebo, params, row.updated_at, row.completed_at)
        ]

    return listing(docebo, call, rows, lambda row: _enrollment(docebo, row, extra))


def _enrollment(docebo: Docebo, row: PlanEnrollment, extra: set[str]) -> dict[str, Any]:
    plan, user = docebo.plans[row.plan_id], docebo.users[row.user_id]
    asked: dict[str, Any] = {
        "enrollment_status": "not_started" if row.status == "enrolled" else row.status,
        "enrollment_completion_date": shown_date(docebo, row.completed_at),
        "enrollment_completion_percentage": row.percentage,
        "enrollment_time_spent": 0,
    }
    item = {
        "learning_plan_id": row.plan_id,
        "learning_plan_code": plan.code,
        "learning_plan_name": plan.title,
        "user_id": row.user_id,
        "username": user.username,
        "enrollment_created_at": NO_DATE if docebo.flags.zero_dates else row.created_at,
        "enrollment_created_by": 13001,
        "enrollment_date_last_updated": row.updated_at,
        "enrollment_validity_begin_datetime": shown_date(docebo, None),
        "enrollment_validity_end_datetime": shown_date(docebo, None),
        "assignment_type": None,
    }
    if docebo.flags.plan_changes_hidden:
        del item["enrollment_date_last_updated"]
    return item | {name: asked[name] for name in EXTRA if name in extra}


ROUTES: tuple[Route[Docebo], ...] = (
    Route(
        "GET",
        r"/learningplan/v1/learningplans",
        list_plans,
        query=PAGING | sorting(*SORT_KEYS) | {"search_text": text},
    ),
    Route("GET", r"/learningplan/v1/learningplans/(\d+)", one_plan),
    Route("PUT", r"/learningplan/v1/learningplans/(\d+)", write_values, body="json"),
    Route(
        "GET",
        r"/learningplan/v1/learningplans/enrollments",
        list_enrollments,
        query=PAGING
        | {
            "learning_plan_id[]": number,
            "user_id[]": number,
            "extra_fields[]": choice(*EXTRA),
            "updated_from": moment,
        },
    ),
)
