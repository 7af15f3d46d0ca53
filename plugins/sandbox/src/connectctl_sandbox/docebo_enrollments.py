"""Enrollments in courses: the newer lists and the older one that covers plans as well (docebo.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .docebo import Docebo
from .docebo_lists import PAGING, listing
from .docebo_records import NO_DATE, STATUSES, Enrollment, PlanEnrollment
from .web import Call, Check, Refused, Response, Route, choice, moment, number, text

FILTERS: dict[str, Check] = {
    "user_id[]": number,
    "enrollment_status[]": choice(*STATUSES),
    "enrollment_level[]": choice("student", "tutor", "instructor"),
    "extra_fields[]": choice("enrollment_time_spent"),
    "updated_from": moment,
    "updated_to": moment,
    "completion_date_from": moment,
}
"""The date filters are the sheet's assumption (docebo.md 5.1)."""


def list_new(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses/enrollments`, over many courses at once."""
    courses = set(call.params.get("course_id[]", ()))
    return _new_listing(docebo, call, lambda row: not courses or row.course_id in courses)


def list_of_course(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses/{id}/enrollments`; 404 for an unknown course."""
    course_id = int(call.ids[0])
    if course_id not in docebo.courses:
        raise Refused(404, "Course not found")
    return _new_listing(docebo, call, lambda row: row.course_id == course_id)


def _new_listing(docebo: Docebo, call: Call, belongs: Any) -> Response:
    params = call.params
    extra = set(params.get("extra_fields[]", ()))

    def rows() -> list[Enrollment]:
        users, statuses = set(params.get("user_id[]", ())), set(params.get("enrollment_status[]", ()))
        levels = set(params.get("enrollment_level[]", ()))
        return [
            row
            for row in docebo.enrollments.values()
            if belongs(row)
            and (not users or row.user_id in users)
            and (not statuses or row.status in statuses)
            and (not levels or row.level in levels)
            and in_window(docebo, params, row.updated_at, row.completed_at)
        ]

    return listing(docebo, call, rows, lambda row: _new_item(docebo, row, extra))


def in_window(docebo: Docebo, params: Mapping[str, Any], updated_at: str, completed_at: str | None) -> bool:
    """Whether a row passes the assumed date filters, which may have no effect on a real platform."""
    if docebo.flags.ignore_date_filters:
        return True
    since = params.get("completion_date_from")
    return (
        updated_at >= params.get("updated_from", "")
        and updated_at <= params.get("updated_to", "9")
        and (since is None or (completed_at is not None and completed_at >= since))
    )


def shown_date(docebo: Docebo, value: str | None) -> str | None:
    """A date, or what stands for none (docebo.md 12.3)."""
    return NO_DATE if value is None and docebo.flags.zero_dates else value


def _new_item(docebo: Docebo, row: Enrollment, extra: set[str]) -> dict[str, Any]:
    """Numeric ids, unlike the users list (docebo.md 5.1)."""
    user, course = docebo.users[row.user_id], docebo.courses[row.course_id]
    item: dict[str, Any] = {
        "user_id": row.user_id,
        "username": user.username,
        "course_id": row.course_id,
        "course_uid": course.uid,
        "course_code": course.code,
        "course_name": course.name,
        "course_type": course.course_type,
        "enrollment_level": row.level,
        "enrollment_status": row.status,
        "enrollment_created_at": NO_DATE if docebo.flags.zero_dates else row.created_at,
        "enrollment_created_by": 13001,
        "enrollment_date_last_updated": row.updated_at,
        "enrollment_completion_date": shown_date(docebo, row.completed_at),
        "enrollment_validity_begin_datetime": shown_date(docebo, None),
        "enrollment_validity_end_datetime": shown_date(docebo, None),
        "enrollment_score": None if row.score is None else f"{row.score:.2f}",
        "assignment_type": None,
    }
    if "enrollment_time_spent" in extra:
        item["enrollment_time_spent"] = row.seconds_spent
    return item


def list_old(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/enrollments`: courses and plans in one list; `id` is the course's or the plan's id (5.2)."""
    return listing(
        docebo,
        call,
        lambda: [row for row in _old_rows(docebo) if _old_hit(docebo, call.params, row)],
        lambda row: _old_item(docebo, row),
        always_total=False,
    )


def _old_rows(docebo: Docebo) -> list[Enrollment | PlanEnrollment]:
    return [*docebo.enrollments.values(), *docebo.plan_enrollments.values()]


def _old_hit(docebo: Docebo, params: Mapping[str, Any], row: Enrollment | PlanEnrollment) -> bool:
    item = _old_item(docebo, row)
    plan = item["type"] == "learning_plan"
    # A filter on courses leaves plans out and the other way round; both together mean either.
    by_course = [params[name] for name in ("id_course[]", "code_course[]") if name in params]
    by_plan = [params[name] for name in ("id_learning_plan[]", "code_learning_plan[]") if name in params]
    if by_course or by_plan:
        wanted = by_plan if plan else by_course
        if not wanted or not all(item["id"] in values or item["code"] in values for values in wanted):
            return False
    for name, value in params.items():
        if name.startswith("field_") and (plan or not _has_value(docebo, item["id"], name, value)):
            return False
    return (
        item["user_id"] in params.get("id_user[]", (item["user_id"],))
        and item["status"] in params.get("status[]", (item["status"],))
        and item["type"] in params.get("type[]", (item["type"],))
        and params.get("search", "").lower() in item["name"].lower()
        and row.updated_at >= params.get("updated_from", "")
        and row.updated_at <= params.get("updated_to", "9")
    )


def _has_value(docebo: Docebo, course_id: int, name: str, value: str) -> bool:
    field_id = int(name.removeprefix("field_"))
    if field_id not in docebo.fields:
        raise Refused(400, f"Additional field {field_id} does not exist")
    return str(docebo.courses[course_id].values.get(field_id)) == value


def _old_item(docebo: Docebo, row: Enrollment | PlanEnrollment) -> dict[str, Any]:
    if isinstance(row, Enrollment):
        course = docebo.courses[row.course_id]
        about: dict[str, Any] = {"id": row.course_id, "type": course.course_type, "name": course.name}
        about |= {"code": course.code, "score": row.score, "total_time": row.seconds_spent, "courses_count": 0}
    else:
        plan = docebo.plans[row.plan_id]
        about = {"id": row.plan_id, "type": "learning_plan", "name": plan.title}
        about |= {"code": plan.code, "score": None, "total_time": 0, "courses_count": len(plan.course_ids)}
    return about | {
        "user_id": row.user_id,
        "status": "not_started" if row.status == "enrolled" else row.status,
        "level": "learner",
        "enroll_begin_date": shown_date(docebo, None),
        "enroll_end_date": shown_date(docebo, None),
        "course_complete_date": shown_date(docebo, row.completed_at),
        "date_last_updated": row.updated_at,
        "duration": 0,
        "slug_name": "-".join(about["name"].lower().split()),
        "url": "",
        "image_url": "",
        "can_enter": {"can": True, "reason": None},
        "is_new": "0",
        "rating": 0,
    }


ROUTES: tuple[Route[Docebo], ...] = (
    Route("GET", r"/course/v1/courses/enrollments", list_new, query=PAGING | FILTERS | {"course_id[]": number}),
    Route("GET", r"/course/v1/courses/(\d+)/enrollments", list_of_course, query=PAGING | FILTERS),
    Route(
        "GET",
        r"/learn/v1/enrollments",
        list_old,
        query=PAGING
        | {
            "id_user[]": number,
            "id_course[]": number,
            "code_course[]": text,
            "id_learning_plan[]": number,
            "code_learning_plan[]": text,
            "status[]": choice("not_started", "in_progress", "completed"),
            "type[]": choice("elearning", "classroom", "webinar", "learning_plan"),
            "updated_from": moment,
            "updated_to": moment,
            "search": text,
            "field_*": text,
        },
    ),
)
