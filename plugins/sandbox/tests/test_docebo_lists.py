"""Users, courses, paging and quirks of the simulated Docebo (docebo.md 2 to 4, 6, 12, 14)."""

from __future__ import annotations

import pytest


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


def ids(answer, key="user_id"):
    return [item[key] for item in items(answer)]


@pytest.mark.parametrize(
    ("query", "usernames"),
    [
        ("search_text=byron", ["ada.byron"]),
        ("search_text=ADA.byron%40acme.example&match_type=full", ["ada.byron"]),
        ("search_text=byro&match_type=full", []),
        ("search_text=elif.aydin%40acme.example", ["elif.aydin", "dalia.noor"]),
        ("search_text=ada+byron", []),
        ("search_text=sandbox.admin&exclude_power_users_and_super_admins=1", []),
        ("search_text=an&sort_attr=username&sort_dir=desc&page_size=2", ["wanda.zielinska", "sandbox.admin"]),
        ("search_text=ada.&exclude[]=4702", []),
        ("search_text=ada&pending=1", []),
    ],
)
def test_users_are_found_by_contained_or_full_text(docebo, query, usernames):
    assert ids(docebo.get(f"/manage/v1/user?{query}"), "username") == usernames


def test_a_plus_in_an_address_has_to_be_encoded(box, docebo):
    box.docebo.add_user(email="ada+x@acme.example")
    assert ids(docebo.get("/manage/v1/user?search_text=ada+x@acme.example")) == []
    assert len(ids(docebo.get("/manage/v1/user?search_text=ada%2Bx@acme.example"))) == 1


def test_user_ids_are_strings_and_the_deactivated_are_listed(box, docebo):
    listed = items(docebo.get("/manage/v1/user"))
    assert len(listed) == 31
    assert all(isinstance(item["user_id"], str) for item in listed)
    assert sorted(item["status"] for item in listed) == ["0"] + ["1"] * 30
    assert sum(1 for item in listed if item["email"] == "") == 2


def test_one_user_is_nested_in_user_data(docebo):
    data = docebo.get("/manage/v1/user/4702").json()["data"]
    assert data["user_data"]["email"] == "ada.byron@acme.example"
    assert data["user_data"]["valid"] == "1"
    assert data["additional_fields"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/manage/v1/user?pageSize=5",
        "/manage/v1/user?page=0",
        "/manage/v1/user?page=x",
        "/manage/v1/user?page_size=-1",
        "/manage/v1/user?page=1&page=2",
        "/manage/v1/user?match_type=fuzzy",
        "/manage/v1/user?sort_attr=shoe_size",
        "/manage/v1/user?sort_by=email",
        "/manage/v1/user?cursor=unknown",
        "/manage/v1/user?field_7=x",
        "/learn/v1/courses?sort_attr=name",
        "/learn/v1/courses?updated_from=yesterday",
        "/course/v1/courses?type=elearning",
        "/course/v1/courses/enrollments?user_ids[]=1",
        "/course/v1/courses/enrollments?course_id=81",
        "/course/v1/courses/enrollments?course_id[]=abc",
        "/course/v1/courses/enrollments?enrollment_status[]=subscribed",
        "/learn/v1/enrollments?status[]=enrolled",
        "/learn/v1/enrollments?field_99=3",
        "/learningplan/v1/learningplans/enrollments?extra_fields[]=shoe_size",
        "/oauth2/token?x=1",
    ],
)
def test_unknown_or_malformed_parameters_are_refused(docebo, path):
    answer = docebo.send("POST" if "oauth2" in path else "GET", path)
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], list)


def test_pages_count_from_one_and_large_sizes_are_cut(box, docebo):
    for number in range(210):
        box.docebo.add_user(last_name=f"Extra {number}")
    first = docebo.get("/manage/v1/user?page_size=99999&get_total_count=1").json()["data"]
    assert (first["current_page_size"], first["count"], first["total_page_count"]) == (200, 200, 2)
    assert (first["has_more_data"], first["total_count"]) == (True, 241)
    last = docebo.get("/manage/v1/user?page=2").json()["data"]
    assert (last["has_more_data"], last["count"]) == (False, 41)
    assert "total_count" not in last
    assert docebo.get("/manage/v1/user?page=3").json()["data"]["items"] == []


def test_a_cursor_keeps_the_result_while_data_changes(box, docebo):
    plain = docebo.get("/learn/v1/courses?page_size=4&sort_by=name").json()["data"]
    first = docebo.get("/learn/v1/courses?page_size=4&sort_by=name&get_cursor=1").json()["data"]
    assert plain["cursor"] is None
    box.docebo.add_course("AAA comes first")
    box.docebo.add_course("AAB comes next")
    box.docebo.update_course(81, name="Zzz moved to the end")
    second = docebo.get(f"/learn/v1/courses?page_size=4&page=2&cursor={first['cursor']}").json()["data"]
    names = [item["name"] for item in first["items"] + second["items"]]
    assert len(set(names)) == 8
    assert "AAA comes first" not in names
    assert "Data Protection Essentials" in names
    unfrozen = docebo.get("/learn/v1/courses?page_size=4&page=2&sort_by=name").json()["data"]["items"]
    assert {item["id_course"] for item in unfrozen} & {item["id_course"] for item in first["items"]}


def test_has_more_data_can_stay_true(box, docebo):
    box.docebo.flags.has_more_always_true_on_last_page = True
    data = docebo.get("/manage/v1/user?page=1").json()["data"]
    assert data["has_more_data"] is True
    assert data["total_page_count"] == data["current_page"] == 1


def test_the_two_generations_name_courses_differently(docebo):
    old = items(docebo.get("/learn/v1/courses"))[0]
    assert (old["id_course"], old["name"], old["course_type"]) == (81, "Data Protection Essentials", "elearning")
    new = items(docebo.get("/course/v1/courses"))[0]
    assert (new["id"], new["title"], new["type"]) == (81, "Data Protection Essentials", "elearning")
    assert "name" not in new
    old_detail = docebo.get("/learn/v1/courses/81").json()["data"]
    assert (old_detail["id"], old_detail["type"], old_detail["learningplans"]) == (81, "elearning", [{"id": 12}])
    assert old_detail["additional_fields"] == []
    assert docebo.get("/course/v1/courses/81").json()["data"]["id"] == 81
    for path in ("/learn/v1/courses/9999", "/course/v1/courses/9999"):
        assert docebo.get(path).status_code == 404


def test_courses_changed_since(box, docebo):
    since = box.docebo.now()
    box.clock.advance(5)
    box.docebo.update_course(83, description="new text")
    assert ids(docebo.get("/learn/v1/courses", params={"updated_from": since}), "id_course") == [83]
    assert len(ids(docebo.get("/learn/v1/courses?updated_from=2020-01-01"), "id_course")) == 8


def test_the_newer_course_list_filters_by_type(box, docebo):
    box.docebo.add_course("Workshop", course_type="classroom")
    answer = docebo.get("/course/v1/courses?type[]=classroom&type[1]=webinar&search_text=work")
    assert ids(answer, "title") == ["Workshop"]
    assert answer.json()["data"]["total_count"] == 1


def test_learning_plans_are_listed_and_read(docebo):
    assert ids(docebo.get("/learningplan/v1/learningplans?search_text=team"), "code") == ["LP-LEAD"]
    plans = items(docebo.get("/learningplan/v1/learningplans?sort_attr=code&sort_dir=desc"))
    assert [(plan["learning_plan_id"], plan["code"]) for plan in plans] == [(12, "LP-START"), (13, "LP-LEAD")]
    assert isinstance(plans[0]["created_on"], int)
    assert docebo.get("/learningplan/v1/learningplans/12").json()["data"]["title"] == "New Starter Path"
    assert docebo.get("/learningplan/v1/learningplans/99").status_code == 404


def test_zero_dates_stand_for_none(box, docebo):
    path = "/course/v1/courses/enrollments?enrollment_status[]=in_progress&page_size=1"
    assert items(docebo.get(path))[0]["enrollment_completion_date"] is None
    box.docebo.flags.zero_dates = True
    row = items(docebo.get(path))[0]
    assert row["enrollment_completion_date"] == row["enrollment_created_at"] == "0000-00-00 00:00:00"
