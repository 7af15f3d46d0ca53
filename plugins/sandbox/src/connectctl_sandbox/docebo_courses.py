"""Courses, in the words of both generations of the API, and the values of their fields (docebo.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .docebo import Docebo
from .docebo_lists import PAGING, listing, single, sorted_by, sorting
from .docebo_records import Course, Field, Plan
from .web import Call, Refused, Response, Route, choice, moment, text

TYPES = ("elearning", "classroom", "webinar")
OLD_SORT_KEYS = {"id_course": "course_id", "name": "name", "code": "code", "date_last_updated": "updated_at"}
NEW_SORT_KEYS = {"id": "course_id", "title": "name", "code": "code", "type": "course_type"}


def _matching(docebo: Docebo, params: Mapping[str, Any]) -> list[Course]:
    wanted = params.get("search_text", "").lower()
    return [
        course
        for course in docebo.courses.values()
        if (wanted in course.name.lower() or wanted in course.code.lower())
        and course.updated_at >= params.get("updated_from", "")
        and course.updated_at <= params.get("updated_to", "9")
        and params.get("category") in (None, course.category)
        and (not params.get("type[]") or course.course_type in params["type[]"])
    ]


def list_old(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/courses`: `id_course`, `name`, `course_type`; 20 a page unless asked otherwise."""
    attribute, direction = call.params.get("sort_by", "id_course"), call.params.get("sort_by_direction", "asc")
    return listing(
        docebo,
        call,
        lambda: sorted_by(
            _matching(docebo, call.params), lambda one: getattr(one, OLD_SORT_KEYS[attribute]), direction
        ),
        _old_item,
        always_total=False,
        sort=(attribute, direction),
    )


def _old_item(course: Course) -> dict[str, Any]:
    return {
        "id_course": course.course_id,
        "uidCourse": course.uid,
        "name": course.name,
        "code": course.code,
        "description": course.description,
        "course_type": course.course_type,
        "date_last_updated": course.updated_at,
        "slug_name": _slug(course),
        "language": "english",
        "language_label": "English",
        "duration": 0,
        "credits": "0.00",
        "price": "0",
        "start_date": None,
        "end_date": None,
        "category": {"id": 1, "name": course.category},
        "img_url": "",
        "enrollment_policy": 1,
        "is_affiliate": False,
    }


def one_old(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/courses/{id}`: `id`, `type`, the plans that contain it, the values of its fields."""
    course = _course(docebo, call.ids[0])
    return single(
        {
            "id": course.course_id,
            "name": course.name,
            "code": course.code,
            "uidCourse": course.uid,
            "description": course.description,
            "type": course.course_type,
            "status": "non_subscribed",  # the caller's enrollment, not the course (docebo.md 4.2)
            "is_published": course.published,
            "lang_code": "english",
            "credits": "0.00",
            "certificate_url": None,
            "slug_name": _slug(course),
            "learningplans": [
                {"id": plan.plan_id} for plan in docebo.plans.values() if course.course_id in plan.course_ids
            ],
            "category": {"id": 1, "name": course.category},
            "additional_fields": [
                {
                    "id": str(field.field_id),
                    "title": field.name,
                    "type": field.type,
                    "visible_to_user": "1" if field.visible_to_user else "0",
                    "settings": None,
                    "mandatory": field.mandatory,
                    "value": shown_value(docebo, course, field),
                }
                for field in docebo.fields.values()
            ],
            "enrolled": sum(1 for _, course_id in docebo.enrollments if course_id == course.course_id),
            "sessions": [],
        }
    )


def list_new(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses`: `id` and `title`."""
    attribute, direction = call.params.get("sort_attr", "id"), call.params.get("sort_dir", "asc")
    return listing(
        docebo,
        call,
        lambda: sorted_by(
            _matching(docebo, call.params), lambda one: getattr(one, NEW_SORT_KEYS[attribute]), direction
        ),
        _new_item,
        sort=(attribute, direction),
    )


def _new_item(course: Course) -> dict[str, Any]:
    created = datetime.strptime(course.created_at, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return {
        "id": course.course_id,
        "uid": course.uid,
        "code": course.code,
        "title": course.name,
        "type": course.course_type,
        "language_label": "English",
        "average_completion_time": 0,
        "category_name": course.category,
        "date_creation": int(created.timestamp()),  # newer objects use epoch seconds (docebo.md 12.3)
    }


def one_new(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses/{id}`: the list's keys and the values of its fields, by numeric field id."""
    course = _course(docebo, call.ids[0])
    fields = [
        {
            "id": field.field_id,
            "title": field.name,
            "type": field.type,
            "value": shown_value(docebo, course, field),
        }
        for field in docebo.fields.values()
    ]
    return single(_new_item(course) | {"description": course.description, "additional_fields": fields})


def write_values(docebo: Docebo, call: Call) -> Response:
    """`PUT /course/v1/courses/{id}`: the values of its fields; an option id for a dropdown (docebo.md 4.5)."""
    course = _course(docebo, call.ids[0])
    unknown = sorted(set(call.body) - {"additional_fields"})
    if unknown or "additional_fields" not in call.body:
        raise Refused(400, f"Unknown attribute: {unknown[0]}" if unknown else "additional_fields is required")
    changed = {
        field_id: checked_value(docebo.fields, field_id, value)
        for field_id, value in pairs(call.body["additional_fields"], docebo.flags.additional_fields_style)
    }
    docebo.update_course(course.course_id, values=course.values | changed)
    return single({"id": course.course_id})


def pairs(given: Any, style: str) -> list[tuple[int, Any]]:
    """Field ids and values, in the style that the platform takes."""
    if style == "map":
        if not isinstance(given, dict) or not all(key.isdigit() for key in given):
            raise Refused(400, "additional_fields must be an object of values by field id")
        return [(int(key), value) for key, value in given.items()]
    if not isinstance(given, list):
        raise Refused(400, "additional_fields must be a list")
    found = []
    for item in given:
        if not isinstance(item, dict) or set(item) != {"id", "value"} or not str(item["id"]).isdigit():
            raise Refused(400, "additional_fields holds objects with id and value")
        found.append((int(item["id"]), item["value"]))
    return found


def checked_value(fields: dict[int, Field], field_id: int, value: Any) -> int | str | None:
    """A value as it is kept; refused when the field does not know it."""
    field = fields.get(field_id)
    if field is None:
        raise Refused(400, f"Additional field {field_id} does not exist")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Refused(400, f"Additional field {field_id}: the value must be a string")
    if field.type != "dropdown":
        return str(value)
    if str(value) not in {str(option.option_id) for option in field.options}:
        raise Refused(400, f"Additional field {field_id}: {value} is not one of its options")
    return int(value)


def shown_value(docebo: Docebo, of: Course | Plan, field: Field) -> str | None:
    """A value as a string, null when empty: an option's id or its label, as the platform has it (docebo.md 4.2)."""
    value = of.values.get(field.field_id)
    if value is None or field.type != "dropdown":
        return None if value is None else str(value)
    if docebo.flags.field_value == "label":
        return next(option.label for option in field.options if option.option_id == value)
    return str(value)


def _course(docebo: Docebo, course_id: str) -> Course:
    course = docebo.courses.get(int(course_id))
    if course is None:
        raise Refused(404, "Course not found")
    return course


def _slug(course: Course) -> str:
    return "-".join(course.name.lower().split())


ROUTES: tuple[Route[Docebo], ...] = (
    Route(
        "GET",
        r"/learn/v1/courses",
        list_old,
        query=PAGING
        | {
            "search_text": text,
            "sort_by": choice(*OLD_SORT_KEYS),
            "sort_by_direction": choice("asc", "desc"),
            "updated_from": moment,
            "updated_to": moment,
            "category": text,
        },
    ),
    Route("GET", r"/learn/v1/courses/(\d+)", one_old),
    Route(
        "GET",
        r"/course/v1/courses",
        list_new,
        query=PAGING | sorting(*NEW_SORT_KEYS) | {"search_text": text, "type[]": choice(*TYPES)},
    ),
    Route("GET", r"/course/v1/courses/(\d+)", one_new),
    Route("PUT", r"/course/v1/courses/(\d+)", write_values, body="json"),
)
