"""Completions of many courses at once; the filters are not trusted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.docebo import enrollments
from connectctl.docebo.enrollments import Completion
from connectctl.errors import NotFound
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

NEW, OLD = "/course/v1/courses/enrollments", "/learn/v1/enrollments"
DONE = datetime(2025, 2, 10, 17, 31, 5, tzinfo=UTC)
ROW = {
    "user_id": 4711,
    "username": "ada",
    "course_id": 88,
    "enrollment_status": "completed",
    "enrollment_created_at": "0000-00-00 00:00:00",
    "enrollment_date_last_updated": "2025-02-11 08:00:00",
    "enrollment_completion_date": "2025-02-10 17:31:05",
}


def test_a_completion(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, json=listing([ROW], cursor="c"))
    assert list(enrollments.completed(docebo(), ["88"])) == [Completion("88", "4711", "ada", DONE)]
    (request,) = api.seen("GET", NEW)
    assert request.params["course_id[]"] == ["88"]
    assert request.params["enrollment_status[]"] == ["completed"]
    assert request.param("get_cursor") == "1"
    assert request.param("updated_from") is None


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("completed", True),
        ("Completed", True),
        (2, True),
        ("2", True),
        ("in_progress", False),
        ("enrolled", False),
        (1, False),
        (True, False),
        (None, False),
        ([], False),
        ("", False),
    ],
)
def test_what_counts_as_completed(api: FakeAPI, docebo: MakeDocebo, status: Any, counts: bool) -> None:
    api.on("GET", NEW, json=listing([ROW | {"enrollment_status": status}]))
    assert len(list(enrollments.completed(docebo(), ["88"]))) == counts


@pytest.mark.parametrize(
    ("updated", "done", "kept"),
    [
        ("2025-02-11 08:00:00", "2025-02-10 17:31:05", True),
        ("2025-01-11 08:00:00", "2025-01-10 17:31:05", False),
        ("2025-02-11 08:00:00", "2024-02-10 17:31:05", True),
        (None, "2025-02-10 17:31:05", True),
        (None, "2025-01-10 17:31:05", True),
        (None, None, True),
    ],
)
def test_what_has_changed_since_is_decided_here_again(
    api: FakeAPI, docebo: MakeDocebo, updated: str | None, done: str | None, kept: bool
) -> None:
    row = ROW | {"enrollment_date_last_updated": updated, "enrollment_completion_date": done}
    api.on("GET", NEW, json=listing([row]))
    since = datetime(2025, 2, 1, tzinfo=UTC)
    assert len(list(enrollments.completed(docebo(), ["88"], updated_from=since))) == kept
    assert api.seen("GET", NEW)[0].param("updated_from") == "2025-02-01 00:00:00"


def test_a_course_nobody_asked_for_is_left_out(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, json=listing([ROW, ROW | {"course_id": "99"}]))
    assert [one.course_id for one in enrollments.completed(docebo(), ["88"])] == ["88"]


def test_fifty_courses_a_call(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, json=lambda request: listing([ROW | {"course_id": request.params["course_id[]"][0]}]))
    ids = [str(number) for number in range(1, 121)]
    assert [one.course_id for one in enrollments.completed(docebo(), [*ids, "1"])] == ["1", "51", "101"]
    assert [len(request.params["course_id[]"]) for request in api.seen("GET", NEW)] == [50, 50, 20]


def test_no_courses_no_call(api: FakeAPI, docebo: MakeDocebo) -> None:
    assert list(enrollments.completed(docebo(), [])) == []
    assert api.requests == []


def test_the_older_endpoint_where_the_newer_is_gone(api: FakeAPI, docebo: MakeDocebo) -> None:
    old = {
        "id": 88,
        "user_id": "4711",
        "type": "elearning",
        "status": "completed",
        "course_complete_date": "2025-02-10 17:31:05",
    }
    api.on("GET", NEW, status=404)
    api.on("GET", OLD, json=listing([old, old | {"type": "learning_plan"}, old | {"id": 9}, old | {"status": 1}]))
    assert list(enrollments.completed(docebo(), ["88"])) == [Completion("88", "4711", None, DONE)]
    (request,) = api.seen("GET", OLD)
    assert (request.params["id_course[]"], request.params["status[]"]) == (["88"], ["completed"])


def test_neither_endpoint(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, status=404)
    api.on("GET", OLD, status=404)
    with pytest.raises(NotFound):
        list(enrollments.completed(docebo(), ["88"]))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"user_id": None}, "user_id is missing"),
        ({"course_id": {}}, "course_id is not an id"),
        ({"enrollment_completion_date": "soon"}, "not a date: soon"),
        ({"username": []}, "username is a list"),
    ],
)
def test_a_bad_row_is_reported(api: FakeAPI, docebo: MakeDocebo, changes: dict[str, Any], what: str) -> None:
    api.on("GET", NEW, json=listing([ROW | changes, ROW]))
    bad: list[str] = []
    assert len(list(enrollments.completed(docebo(), ["88"], on_bad=bad.append))) == 1
    assert len(bad) == 1
    assert what in bad[0]
