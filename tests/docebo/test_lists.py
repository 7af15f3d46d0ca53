"""Reading lists: cursors, sizes, bad rows, endless pages (docebo.md 2.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.docebo import enrollments, plans, users
from connectctl.errors import BadAnswer, NotFound, Rejected
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

USERS = "/manage/v1/user"


def user(number: int, **more: Any) -> dict[str, Any]:
    return {"user_id": str(number), "username": f"u{number}", "email": f"u{number}@example.org", "status": "1", **more}


def test_the_cursor_of_the_first_page_goes_with_all_others(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json=listing([user(1)], 1, 3, cursor="c1"), params={"page": "1"})
    api.on("GET", USERS, json=listing([user(2)], 2, 3), params={"page": "2"})
    api.on("GET", USERS, json=listing([user(3)], 3, 3), params={"page": "3"})
    assert [one.id for one in users.walk(docebo())] == ["1", "2", "3"]
    seen = [
        (r.param("page"), r.param("page_size"), r.param("get_cursor"), r.param("cursor"))
        for r in api.seen("GET", USERS)
    ]
    assert seen == [("1", "200", "1", None), ("2", "200", None, "c1"), ("3", "200", None, "c1")]


def test_has_more_data_on_the_last_page_is_not_believed(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json=listing([user(1)], 1, 1, has_more_data=True))
    assert len(list(users.walk(docebo()))) == 1
    assert len(api.seen("GET", USERS)) == 1


def test_endless_pages_are_stopped(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json={"data": {"items": [user(1)], "has_more_data": True}})
    with pytest.raises(BadAnswer, match="endless paging for GET /manage/v1/user"):
        list(users.walk(docebo()))
    assert len(api.seen("GET", USERS)) == 2


@pytest.mark.parametrize("answer", [{"data": "none"}, {"data": {"items": {"0": {}}}}, "x", {"data": {"items": "none"}}])
def test_a_malformed_page_ends_the_listing(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("GET", USERS, json=listing([user(1)], 1, 2), params={"page": "1"})
    api.on("GET", USERS, json=answer, params={"page": "2"})
    with pytest.raises(BadAnswer, match="Docebo answered GET /manage/v1/user"):
        list(users.walk(docebo()))


def test_a_malformed_row_is_reported_and_the_others_go_on(
    api: FakeAPI, docebo: MakeDocebo, caplog: pytest.LogCaptureFixture
) -> None:
    rows: list[Any] = [user(1), "x", {"email": "a@b"}, user(2, status=[]), user(3, expiration_date="soon"), user(4)]
    api.on("GET", USERS, json=listing(rows))
    bad: list[str] = []
    one = docebo()
    assert [item.id for item in users.walk(one, on_bad=bad.append)] == ["1", "4"]
    assert [item.partition("row ")[2] for item in bad] == [
        "2: it is a text, not an object",
        "3: user_id is missing",
        "4: status is not 0 or 1",
        "5: not a date: soon",
    ]
    assert all(item.startswith("Docebo GET /manage/v1/user, page 1, row") for item in bad)
    list(users.walk(one))
    assert caplog.text.count("Docebo GET /manage/v1/user, page 1, row") == 4


@pytest.mark.parametrize(
    ("status", "words"), [(400, "page_size is too large"), (400, "Invalid parameter: page size"), (413, "too large")]
)
def test_a_page_that_is_too_large_is_halved(api: FakeAPI, docebo: MakeDocebo, status: int, words: str) -> None:
    api.on("GET", USERS, status=status, json={"message": [words]}, params={"page_size": "200"})
    api.on("GET", USERS, status=status, json={"message": [words]}, params={"page_size": "100"})
    api.on("GET", USERS, json=listing([user(1)]), params={"page_size": "50"})
    one = docebo()
    assert len(list(users.walk(one))) == 1
    assert len(list(users.walk(one))) == 1
    assert [request.param("page_size") for request in api.seen("GET", USERS)] == ["200", "100", "50", "50"]


def test_a_later_page_that_is_too_large_goes_on_at_the_same_row(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json=listing([user(1)], 1, 3, cursor="c"), params={"page_size": "200", "page": "1"})
    api.on("GET", USERS, json=listing([user(2)], 2, 3, cursor="c"), params={"page_size": "200", "page": "2"})
    api.on("GET", USERS, status=413, params={"page_size": "200", "page": "3"})
    api.on("GET", USERS, json=listing([user(3)], 5, 5, cursor="d"), params={"page_size": "100", "page": "5"})
    assert [one.id for one in users.walk(docebo())] == ["1", "2", "3"]


@pytest.mark.parametrize(("status", "words"), [(400, "search is too short"), (413, "page_size")])
def test_other_refusals_are_not_about_the_size_and_halving_ends(
    api: FakeAPI, docebo: MakeDocebo, status: int, words: str
) -> None:
    api.on("GET", USERS, status=status, json={"message": words})
    with pytest.raises(Rejected):
        list(users.walk(docebo()))
    sizes = [request.param("page_size") for request in api.seen("GET", USERS)]
    assert sizes == (["200", "200"] if status == 400 else ["200", "100", "50", "25"])  # once more without the cursor


def test_a_list_that_is_not_there(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, status=404, json={"message": "Page not found"})
    with pytest.raises(NotFound, match="refused GET /manage/v1/user: 404: Page not found"):
        list(users.walk(docebo()))


def test_learning_plans(api: FakeAPI, docebo: MakeDocebo) -> None:
    path = "/learningplan/v1/learningplans"
    rows = [{"learning_plan_id": 12, "code": "ONB", "title": "Onboarding"}, {"id": "13", "name": "Two"}]
    api.on("GET", path, json={"data": {"learning_plans": rows}})
    api.on("GET", f"{path}/12", json={"data": {"title": "Onboarding", "code": "ONB", "additional_fields": {"5": 31}}})
    row = {"learning_plan_id": 12, "user_id": 4711, "enrollment_status": "completed"}
    done = {**row, "enrollment_completion_date": "2025-03-02 10:00:00"}
    api.on(
        "GET",
        f"{path}/enrollments",
        json=listing([done, row | {"enrollment_status": "in_progress"}, done | {"learning_plan_id": 9}]),
    )
    one = docebo()
    assert list(plans.walk(one)) == [plans.PlanRow("12", "ONB", "Onboarding"), plans.PlanRow("13", "", "Two")]
    assert plans.detail(one, "12") == plans.PlanDetail("12", "ONB", "Onboarding", {"5": "31"})
    (found,) = plans.completed(one, ["12"])
    assert (found.plan_id, found.user_id) == ("12", "4711")
    asked = api.seen("GET", f"{path}/enrollments")[0].params["extra_fields[]"]
    assert asked == ["enrollment_status", "enrollment_completion_date"]


EXTRAS = {"get_cursor": "1", "updated_from": "2026-01-01 00:00:00"}


@pytest.mark.parametrize("refused", [("get_cursor",), ("updated_from",), ("get_cursor", "updated_from")])
def test_a_list_that_refuses_what_is_not_documented_is_read_without_it(
    api: FakeAPI, docebo: MakeDocebo, refused: tuple[str, ...]
) -> None:
    path = "/course/v1/courses/enrollments"
    row = {"user_id": 1, "course_id": 88, "enrollment_status": 2, "enrollment_completion_date": "2026-02-10 17:31:05"}
    for name in refused:
        wrong = {"message": [f"unknown parameter {name}"]}
        api.on("GET", path, status=400, json=wrong, params={name: EXTRAS[name]})
    api.on("GET", path, json=listing([row]))
    client = docebo()
    for _ in range(2):
        found = enrollments.completed(client, ["88"], datetime(2026, 1, 1, tzinfo=UTC))
        assert [one.user_id for one in found] == ["1"]
    asked = [set(EXTRAS) & set(request.params) for request in api.seen("GET", path)]
    assert not asked[-1] & set(refused)
    assert len(asked) <= 4  # what was refused is remembered


@pytest.mark.parametrize(
    "shape", [lambda items: items, lambda items: {"data": items}, lambda items: {"data": {"items": items}}]
)
def test_a_full_page_that_says_nothing_of_others_is_not_the_whole_list(
    api: FakeAPI, docebo: MakeDocebo, shape: Any
) -> None:
    api.on("GET", USERS, json=shape([user(n) for n in range(200)]), params={"page": "1"})
    api.on("GET", USERS, json=shape([user(n) for n in range(200, 230)]), params={"page": "2"})
    assert len(list(users.walk(docebo()))) == 230
