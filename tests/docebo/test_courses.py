"""Courses: both generations of the list and the detail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.docebo import courses
from connectctl.docebo.courses import CourseDetail, CourseRow
from connectctl.errors import DataError, NotAllowed, NotFound
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

OLD, NEW = "/learn/v1/courses", "/course/v1/courses"


def test_the_older_list_has_the_marker(api: FakeAPI, docebo: MakeDocebo) -> None:
    rows = [
        {"id_course": 88, "name": "Security", "date_last_updated": "2025-02-10 17:31:05"},
        {"id_course": 89, "name": "Two", "date_last_updated": "0000-00-00 00:00:00"},
        {"id_course": 88, "name": "Security", "date_last_updated": "2025-02-10 17:31:05"},
    ]
    api.on("GET", OLD, json=listing(rows))
    found = list(courses.walk(docebo()))
    changed_at = datetime(2025, 2, 10, 17, 31, 5, tzinfo=UTC)
    assert found == [CourseRow("88", "Security", "2025-02-10 17:31:05", changed_at), CourseRow("89", "Two", None)]
    assert api.seen("GET", OLD)[0].param("updated_from") is None


def test_only_changed_courses_are_asked_for_and_kept(api: FakeAPI, docebo: MakeDocebo) -> None:
    rows = [
        {"id_course": 1, "date_last_updated": "2025-01-01 00:00:00"},
        {"id_course": 2, "date_last_updated": "2025-06-01 00:00:00"},
        {"id_course": 3},
    ]
    api.on("GET", OLD, json=listing(rows))
    since = datetime(2025, 2, 1, 11, tzinfo=UTC)
    assert [row.id for row in courses.walk(docebo(timezone="Europe/Rome"), since)] == ["2", "3"]
    assert api.seen("GET", OLD)[0].param("updated_from") == "2025-02-01 12:00:00"


def test_the_newer_list_where_the_older_is_gone(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", OLD, status=404)
    api.on("GET", NEW, json=listing([{"id": 88, "title": "Security"}]))
    assert list(courses.walk(docebo())) == [CourseRow("88", "Security", None)]


def test_neither_list(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", OLD, status=404)
    api.on("GET", NEW, status=404)
    with pytest.raises(NotFound, match=OLD):
        list(courses.walk(docebo()))


def test_a_404_on_a_later_page_is_no_reason_to_start_over(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", OLD, json=listing([{"id_course": 1}], 1, 2), params={"page": "1"})
    api.on("GET", OLD, status=404, params={"page": "2"})
    with pytest.raises(NotFound):
        list(courses.walk(docebo()))


OLD_DETAIL = {
    "id": 88,
    "name": "Security",
    "type": "elearning",
    "additional_fields": [
        {"id": "5", "title": "Credly badge", "type": "dropdown", "value": "31"},
        {"id": "6", "title": "Note", "type": "textfield", "value": None},
    ],
    "learningplans": [{"id": 12}, {"id": "13"}, {"id": 12}],
}


def test_a_detail(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", f"{OLD}/88", json={"data": OLD_DETAIL})
    expected = CourseDetail("88", "Security", {"5": "31", "6": None}, ("12", "13"))
    assert courses.detail(docebo(), "88") == expected


def test_the_newer_detail_where_the_older_is_gone(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", f"{OLD}/88", status=404)
    api.on("GET", f"{NEW}/88", json={"data": {"id": 88, "title": "Security", "additional_fields": {"5": 31}}})
    assert courses.detail(docebo(), "88") == CourseDetail("88", "Security", {"5": "31"}, ())


@pytest.mark.parametrize("status", [404, 400])
def test_a_course_that_is_nowhere(api: FakeAPI, docebo: MakeDocebo, status: int) -> None:
    for path in (OLD, NEW):
        api.on("GET", f"{path}/88", status=status, json={"message": "Course not found"})
    with pytest.raises(NotFound, match=f"{OLD}/88"):
        courses.detail(docebo(), "88")


def test_a_course_we_may_not_see_is_not_looked_for_elsewhere(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", f"{OLD}/88", status=403)
    with pytest.raises(NotAllowed):
        courses.detail(docebo(), "88")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"additional_fields": "none"}, "additional_fields is a text"),
        ({"additional_fields": [{"value": "31"}]}, "id is missing"),
        ({"learningplans": {"id": 1}}, "learningplans is an object"),
        ({"learningplans": [{}]}, "id is missing"),
        ({"id": 89}, "the answer is about course 89"),
        ({"id": []}, "is not an id"),
        ({"name": {}, "title": []}, "name is an object"),
    ],
)
def test_a_malformed_detail_is_an_error_of_that_course(
    api: FakeAPI, docebo: MakeDocebo, changes: dict[str, Any], what: str
) -> None:
    api.on("GET", f"{OLD}/88", json={"data": OLD_DETAIL | changes})
    with pytest.raises(DataError, match=f"Docebo course 88: .*{what}"):
        courses.detail(docebo(), "88")
