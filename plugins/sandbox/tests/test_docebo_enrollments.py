"""Enrollments of the simulated Docebo in all their lists (docebo.md 5, 6.3, 14)."""

from __future__ import annotations

import pytest

NEW = "/course/v1/courses/enrollments"
OLD = "/learn/v1/enrollments"
PLANS = "/learningplan/v1/learningplans/enrollments"


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


@pytest.fixture
def quiet(box):
    """A platform with three users in two courses and nothing else."""
    box.docebo.enrollments.clear()
    box.docebo.plan_enrollments.clear()
    box.docebo.enroll(
        4702, 81, completed_at="2026-01-05 10:00:00", updated_at="2026-01-05 10:00:00", score=92.0, seconds_spent=5400
    )
    box.docebo.enroll(4703, 81, "in_progress", updated_at="2026-01-06 10:00:00")
    box.docebo.enroll(4702, 82, "enrolled", updated_at="2026-02-01 10:00:00")
    box.docebo.enroll(4704, 82, completed_at="2026-02-02 10:00:00", updated_at="2026-02-02 10:00:00")
    return box.docebo


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", [(4702, 81), (4703, 81), (4702, 82), (4704, 82)]),
        ("course_id[]=81", [(4702, 81), (4703, 81)]),
        ("course_id[0]=81&course_id[1]=82&enrollment_status[]=completed", [(4702, 81), (4704, 82)]),
        ("user_id[]=4702&enrollment_status[]=enrolled&enrollment_status[]=completed", [(4702, 81), (4702, 82)]),
        ("updated_from=2026-02-01 10:00:00", [(4702, 82), (4704, 82)]),
        ("updated_from=2026-01-06&updated_to=2026-01-07", [(4703, 81)]),
        ("completion_date_from=2026-01-05 10:00:01", [(4704, 82)]),
        ("enrollment_level[]=tutor", []),
    ],
)
def test_the_newer_list_filters(quiet, docebo, query, pairs):
    found = items(docebo.get(f"{NEW}?{query}"))
    assert [(item["user_id"], item["course_id"]) for item in found] == pairs


def test_an_item_has_numeric_ids_and_the_sheets_keys(quiet, docebo):
    item = items(docebo.get(f"{NEW}?user_id[]=4702&course_id[]=81"))[0]
    assert item["enrollment_completion_date"] == item["enrollment_date_last_updated"] == "2026-01-05 10:00:00"
    assert (item["enrollment_score"], item["enrollment_level"]) == ("92.00", "student")
    assert (item["course_code"], item["username"]) == ("DP-101", "ada.byron")
    assert "enrollment_time_spent" not in item
    asked = items(docebo.get(f"{NEW}?user_id[]=4702&course_id[]=81&extra_fields[]=enrollment_time_spent"))[0]
    assert asked["enrollment_time_spent"] == 5400


def test_the_assumed_date_filters_may_have_no_effect(quiet, docebo):
    quiet.flags.ignore_date_filters = True
    assert len(items(docebo.get(f"{NEW}?updated_from=2026-02-01"))) == 4
    assert len(items(docebo.get(f"{NEW}?completion_date_from=2026-02-01"))) == 4


def test_the_list_of_one_course(quiet, docebo):
    assert [item["user_id"] for item in items(docebo.get("/course/v1/courses/82/enrollments"))] == [4702, 4704]
    assert docebo.get("/course/v1/courses/999/enrollments").status_code == 404
    assert docebo.get("/course/v1/courses/82/enrollments?course_id[]=81").status_code == 400


def test_a_walk_without_a_cursor_misses_a_row_and_one_with_it_does_not(quiet, docebo):
    plain = items(docebo.get(f"{NEW}?page_size=2&enrollment_status[]=completed&enrollment_status[]=in_progress"))
    path = f"{NEW}?page_size=2&enrollment_status[]=completed&enrollment_status[]=in_progress"
    first = docebo.get(f"{path}&get_cursor=1").json()["data"]
    assert first["items"] == plain
    del quiet.enrollments[4702, 81]
    assert items(docebo.get(f"{path}&page=2")) == []
    rest = docebo.get(f"{NEW}?page_size=2&page=2&cursor={first['cursor']}").json()["data"]
    assert [item["user_id"] for item in rest["items"]] == [4704]
    assert rest["has_more_data"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["81 completed", "81 in_progress", "82 not_started", "82 completed", "12 completed"]),
        ("status[]=completed", ["81 completed", "82 completed", "12 completed"]),
        ("status[]=not_started", ["82 not_started"]),
        ("type[]=learning_plan", ["12 completed"]),
        ("id_course[]=81", ["81 completed", "81 in_progress"]),
        ("code_course[]=FS-200&id_user[]=4704", ["82 completed"]),
        ("id_learning_plan[]=12", ["12 completed"]),
        ("id_course[]=82&code_learning_plan[]=LP-START", ["82 not_started", "82 completed", "12 completed"]),
        ("updated_from=2026-02-02 00:00:00", ["82 completed", "12 completed"]),
        ("search=forklift", ["82 not_started", "82 completed"]),
    ],
)
def test_the_older_list_holds_courses_and_plans(quiet, docebo, query, found):
    quiet.enroll_in_plan(4702, 12, completed_at="2026-02-03 08:00:00")
    assert [f"{item['id']} {item['status']}" for item in items(docebo.get(f"{OLD}?{query}"))] == found


def test_the_older_list_filters_by_a_courses_option(quiet, docebo):
    field = quiet.add_field("Credly badge", ["Gold", "Silver"])
    quiet.select_by_label({81: "Gold", 82: "Silver"})
    silver = next(key for key, label in quiet.labels(field.field_id).items() if label == "Silver")
    found = items(docebo.get(f"{OLD}?field_{field.field_id}={silver}"))
    assert {item["id"] for item in found} == {82}


def test_plan_enrollments_hide_status_and_date_unless_asked(quiet, docebo):
    quiet.enroll_in_plan(4702, 12, completed_at="2026-02-03 08:00:00")
    quiet.enroll_in_plan(4703, 13, "in_progress")
    bare = items(docebo.get(PLANS))
    assert [(item["learning_plan_id"], item["user_id"]) for item in bare] == [(12, 4702), (13, 4703)]
    assert not {"enrollment_status", "enrollment_completion_date"} & set(bare[0])
    query = "extra_fields[0]=enrollment_status&extra_fields[1]=enrollment_completion_date&learning_plan_id[]=12"
    (asked,) = items(docebo.get(f"{PLANS}?{query}"))
    assert (asked["enrollment_status"], asked["enrollment_completion_date"]) == ("completed", "2026-02-03 08:00:00")
    assert "enrollment_completion_percentage" not in asked


def test_completing_again_moves_the_date_and_keeps_the_beginning(box):
    before = box.docebo.enroll(4702, 88, completed_at="2026-01-01 08:00:00", created_at="2025-12-01 08:00:00")
    after = box.docebo.enroll(4702, 88)
    assert (after.created_at, after.completed_at) == (before.created_at, "2026-03-02 09:00:00")
    with pytest.raises(LookupError):
        box.docebo.enroll(1, 88)
