"""External training of the simulated Docebo, what it grants, and the events of the whole platform (docebo.md 8, 9)."""

from __future__ import annotations

import pytest

LIST = "/learn/v1/external_training"
LINK = "https://www.credly.com/badges/0000"


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


def ids(answer):
    return [item["training_id"] for item in items(answer)]


@pytest.fixture
def quiet(box):
    """A platform with three external trainings of two users, and without earlier events."""
    box.docebo.trainings.clear()
    box.docebo.awards.clear()
    for user_id, name in ((4702, "Sailing"), (4703, "Diving"), (4702, "Rowing")):
        box.docebo.add_training(user_id, name, institute="Club")
    box.docebo.events.clear()
    return box.docebo


@pytest.fixture
def training():
    """A body that is accepted, with everything in it."""
    return {
        "user_id": 4702,
        "course_name": "AWS Associate",
        "course_code": "AWS-SAA",
        "training_institute": "Credly",
        "from_date": "2025-01-01",
        "to_date": "2025-01-15",
        "score": 100,
        "ceus": 0,
        "status": "approved",
        "additional_fields": {"3": LINK},
    }


def test_a_training_is_made_read_changed_and_deleted(quiet, docebo, training):
    new = docebo.post(LIST, json=training).json()["data"]["training_id"]
    item = docebo.get(f"{LIST}/{new}").json()["data"]
    assert len(item.pop("uuid")) == 36
    assert item == {
        "training_id": new,
        "user_id": 4702,
        "course_name": "AWS Associate",
        "course_code": "AWS-SAA",
        "course_type": "elearning",
        "training_institute": "Credly",
        "training_institute_code": "",
        "from_date": "2025-01-01",
        "to_date": "2025-01-15",
        "score": 100,
        "ceus": 0,
        "status": "approved",
        "certificate": None,
        "additional_fields": [
            {"id": 3, "title": "Link to the credential", "type": "textfield", "value": LINK},
            {"id": 4, "title": "Credential id", "type": "textfield", "value": ""},
        ],
    }
    change = {"course_name": "AWS", "from_date": "2025-01-01", "to_date": "2025-02-01", "additional_fields": {"4": "b"}}
    assert docebo.put(f"{LIST}/{new}", json=change).json()["data"] == {"training_id": new}
    record = quiet.trainings[new]
    assert (record.course_name, record.course_code, record.to_date) == ("AWS", "AWS-SAA", "2025-02-01")
    assert record.values == {3: LINK, 4: "b"}
    assert docebo.put(f"{LIST}/{new}", json=change | {"user_id": 4703}).status_code == 400
    assert docebo.delete(f"{LIST}/{new}").json()["data"] == {"success": True}
    for answer in (
        docebo.get(f"{LIST}/{new}"),
        docebo.put(f"{LIST}/{new}", json=change),
        docebo.delete(f"{LIST}/{new}"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (404, ["External training not found"])
    assert [event.event.partition(".")[2] for event in quiet.events] == ["created", "approved", "updated", "deleted"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [556, 557, 558]),
        ("user_id[]=4702", [556, 558]),
        ("user_id[0]=4703&user_id[1]=4702", [556, 557, 558]),
        ("user_id[]=4710", []),
        ("page_size=2&page=2", [558]),
        ("page_size=1&user_id[]=4702&page=2", [558]),
    ],
)
def test_the_list_is_filtered_by_user_and_comes_in_pages(quiet, docebo, query, found):
    assert ids(docebo.get(f"{LIST}?{query}")) == found


def test_a_total_is_counted_when_asked_and_a_cursor_keeps_the_result(quiet, docebo):
    first = docebo.get(f"{LIST}?page_size=2&get_cursor=1").json()["data"]
    assert (first["has_more_data"], "total_count" in first) == (True, False)
    assert docebo.get(f"{LIST}?get_total_count=1").json()["data"]["total_count"] == 3
    quiet.delete_training(556)
    assert ids(docebo.get(f"{LIST}?page_size=2&page=2&cursor={first['cursor']}")) == [558]
    assert ids(docebo.get(f"{LIST}?page_size=2&page=2")) == []


def test_an_unknown_user_filter_returns_everything(quiet, docebo):
    quiet.flags.ignore_user_filter = True
    assert ids(docebo.get(f"{LIST}?user_id[]=4703")) == [556, 557, 558]


def test_keys_may_have_their_other_names(quiet, docebo):
    quiet.flags.training_keys = "alias"
    quiet.update_training(556, values={3: LINK}, credits=2)
    item = items(docebo.get(f"{LIST}?user_id[]=4702"))[0]
    assert {name: item[name] for name in ("external_training_id", "id_user", "title", "provider", "credits")} == {
        "external_training_id": 556,
        "id_user": 4702,
        "title": "Sailing",
        "provider": "Club",
        "credits": 2,
    }
    assert item["additional_fields"] == {"3": LINK}
    assert not {"training_id", "course_name", "ceus"} & set(item)


def test_the_additional_fields_are_listed(quiet, docebo):
    quiet.add_training_field("Remarks", "textarea")
    listed = items(docebo.get(f"{LIST}/fields"))
    assert [(one["id"], one["type"]) for one in listed] == [(3, "textfield"), (4, "textfield"), (5, "textarea")]
    assert len(items(docebo.get(f"{LIST}/fields?page_size=2&page=2"))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_id": "4702"}, "user_id must be a whole number"),
        ({"user_id": 99}, "User 99 does not exist"),
        ({"course_name": " "}, "course_name must not be empty"),
        ({"course_name": 7}, "course_name must be a string"),
        ({"course_code": None}, "course_code must be a string"),
        ({"training_institute": 5}, "training_institute must be a string"),
        ({"from_date": "2025-01-01 10:00:00"}, "from_date must be YYYY-MM-DD"),
        ({"to_date": "2025-1-5"}, "to_date must be YYYY-MM-DD"),
        ({"to_date": "2024-12-31"}, "to_date must not be before from_date"),
        ({"score": "100"}, "score must be a number from 0 on"),
        ({"ceus": -1}, "ceus must be a number from 0 on"),
        ({"status": "done"}, "status must be one of approved, pending, rejected"),
        ({"additional_fields": [{"id": 3, "value": "x"}]}, "additional_fields must be an object of texts by field id"),
        ({"additional_fields": {"3": 7}}, "additional_fields must be an object of texts by field id"),
        ({"additional_fields": {"9": "x"}}, "additional_fields has no field 9"),
        ({"additional_fields": {"link": "x"}}, "additional_fields has no field link"),
        ({"title": "x"}, "Unknown attribute: title"),
        ({"link": LINK}, "Unknown attribute: link"),
    ],
)
def test_a_wrong_body_is_refused_and_changes_nothing(quiet, docebo, training, change, message):
    for answer in (docebo.post(LIST, json=training | change), docebo.put(f"{LIST}/556", json=training | change)):
        assert (answer.status_code, answer.json()["message"]) == (400, [message])
    assert (len(quiet.trainings), list(quiet.events)) == (3, [])


@pytest.mark.parametrize("name", ["user_id", "course_name", "from_date", "to_date"])
def test_what_a_new_training_needs(quiet, docebo, training, name):
    del training[name]
    answer = docebo.post(LIST, json=training)
    assert (answer.status_code, answer.json()["message"]) == (400, [f"{name} is required"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{LIST}?user_id=4702", 400),
        ("GET", f"{LIST}?user_id[]=ada", 400),
        ("GET", f"{LIST}?updated_from=2026-01-01", 400),
        ("GET", f"{LIST}/fields?user_id[]=1", 400),
        ("POST", f"{LIST}/fields", 405),
        ("GET", f"{LIST}/ada", 404),
        ("GET", "/learn/v1/externaltraining", 404),
    ],
)
def test_what_is_unknown_is_refused(quiet, docebo, method, path, status):
    assert docebo.send(method, path).status_code == status


def test_writes_need_json_a_token_and_rights(quiet, docebo, training):
    assert docebo.post(LIST, data="{}").status_code == 415
    assert docebo.post(LIST, json=training, headers={"Authorization": ""}).status_code == 401
    quiet.flags.denied = "external_training"
    assert docebo.delete(f"{LIST}/556").status_code == 403
    quiet.flags.denied_as_html = True
    answer = docebo.get(LIST)
    assert (answer.status_code, "Sign in" in answer.text) == (200, True)
    assert len(quiet.trainings) == 3


def test_a_refusal_can_hide_in_a_200(quiet, docebo, training):
    quiet.flags.soft_failures = True
    data = docebo.post(LIST, json=training | {"score": "high"}).json()["data"]
    assert (data["success"], data["message"][0]["id"]) == (False, "score")
    assert "training_id" not in data


@pytest.mark.parametrize("linked", ["AWS Associate", "AWS-SAA"])
def test_docebo_awards_by_itself_what_a_training_is_linked_to(quiet, docebo, training, linked):
    quiet.add_certification("AWS", "Cloud Architect", duration=1, granted_by_training=(linked,))
    pending = docebo.post(LIST, json=training | {"status": "pending"}).json()["data"]["training_id"]
    quiet.add_training(4702, "Something else")
    assert list(quiet.awards_of([4702])) == []
    docebo.put(f"{LIST}/{pending}", json=training)
    docebo.put(f"{LIST}/{pending}", json=training | {"score": 50})
    (award,) = items(docebo.get("/certification/v1/awards/users/4702"))
    assert award["awarded_from"] == {"type": "external_training", "id": pending}
    assert (award["issued_at"], award["expiring_at"]) == ("2025-01-15 00:00:00", "2026-01-15 00:00:00")
    docebo.delete(f"{LIST}/{pending}")
    assert len(items(docebo.get("/certification/v1/awards/users/4702"))) == 1
    assert [event.event for event in quiet.events if event.event.startswith("cert")] == ["certification.awarded"]


def test_what_is_not_there_cannot_be_worked_on(quiet):
    for work in (
        lambda: quiet.add_training(1, "x"),
        lambda: quiet.update_training(1),
        lambda: quiet.delete_training(1),
        lambda: quiet.change_email(1, "x@example.org"),
        lambda: quiet.reset_completion(4702, 999),
    ):
        with pytest.raises(LookupError):
            work()


# Events


def names(quiet):
    told = [event.event for event in quiet.events]
    quiet.events.clear()
    return told


def test_every_change_is_told_by_its_name(quiet, docebo):
    quiet.enrollments.clear()
    quiet.plan_enrollments.clear()
    quiet.enroll(4702, 88, "enrolled")
    quiet.enroll(4702, 88, "in_progress")
    quiet.enroll(4702, 88)
    quiet.reset_completion(4702, 88)
    kinds = [f"course.enrollment.{what}" for what in ("created", "updated", "completed", "updated")]
    assert names(quiet) == kinds  # a completion is told once, never as `updated` as well
    quiet.enroll(4703, 88)
    assert names(quiet) == ["course.enrollment.created", "course.enrollment.completed"]
    quiet.enroll_in_plan(4702, 12, "in_progress")
    quiet.enroll_in_plan(4702, 12)
    assert names(quiet) == ["learningplan.enrollment.created", "learningplan.enrollment.completed"]
    quiet.add_user()
    quiet.change_email(4702, "ada@new.example")
    quiet.add_course("More")
    quiet.add_plan("Path", [81])
    assert names(quiet) == ["user.created", "user.updated", "course.created", "learningplan.created"]
    field = quiet.add_field("Tags", type="textfield")
    body = {"additional_fields": [{"id": field.field_id, "value": "x"}]}
    assert docebo.put("/course/v1/courses/81", json=body).status_code == 200
    assert names(quiet) == ["course.updated"]


def test_the_payload_of_a_completion_has_the_seen_keys(quiet):
    quiet.enroll(4702, 88, completed_at="2026-02-10 17:31:05", created_at="2026-02-01 09:00:00")
    event = quiet.events[-1]
    assert event.payload == {
        "fired_at": "2026-03-02 09:00:00",
        "user_id": 4702,
        "username": "ada.byron",
        "course_id": 88,
        "course_name": "Welcome to Acme",
        "level": "learner",
        "status": "completed",
        "enrollment_date": "2026-02-01 09:00:00",
        "completion_date": "2026-02-10 17:31:05",
        "enrollment_date_begin_validity": None,
        "enrollment_date_end_validity": None,
        "subscribed_by_id": 13001,
    }
    quiet.enroll(4702, 88)
    numbers = [one.number for one in quiet.events]
    assert numbers == [event.number, event.number + 1]
