"""The control address, which works from another process."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def control(box):
    return lambda method, path, **options: requests.request(method, box.control_url + path, timeout=10, **options)


def test_faults_come_and_go(box, control, credly):
    answer = control("POST", "/fault", json={"kind": "http_503", "remote": "credly", "times": 1})
    assert [fault["kind"] for fault in answer.json()["faults"]] == ["http_503"]
    assert control("GET", "/state").json()["faults"] == answer.json()["faults"]
    assert credly.get("").status_code == 503
    control("POST", "/fault", json={"kind": "http_503"})
    assert control("DELETE", "/fault").json() == {"faults": []}
    assert credly.get("").status_code == 200


def test_log_clock_and_state(box, control, credly):
    credly.get("/badges?page=1")
    (entry,) = control("GET", "/log").json()["entries"]
    assert (entry["path"].endswith("/badges"), entry["status"], entry["at"][:10]) == (True, 200, "2026-03-02")
    assert control("POST", "/clock", json={"advance": 60}).json() == {"now": "2026-03-02T09:01:00.000Z"}
    assert control("GET", "/state").json()["requests"] == {"credly": 1}


def test_selections(box, control):
    waiting = control("POST", "/select", json={})
    assert (waiting.status_code, "no dropdown element" in waiting.json()["error"]) == (409, True)
    box.docebo.add_field("Credly badge", sorted(set(box.intended.values())))
    assert len(control("POST", "/select", json={}).json()["selected"]) == 7
    assert control("POST", "/select", json={"88": "Team Leadership"}).json()["selected"].keys() == {"88"}


def test_selections_in_every_dropdown_that_is_filled(box, control):
    groups = box.docebo.add_field("Accredible credential", sorted(set(box.intended_groups.values())))
    assert len(control("POST", "/select", json={}).json()["selected"]) == 7
    badges = box.docebo.add_field("Credly badge", sorted(set(box.intended.values())))
    control("POST", "/select", json={})
    for course_id in box.intended:
        chosen = box.docebo.courses[course_id].values
        assert chosen[groups.field_id] is not None
        assert chosen[badges.field_id] is not None


def test_an_administrators_work_in_docebo(box, control):
    def do(operation, **values):
        answer = control("POST", "/docebo", json={"do": operation, **values})
        assert answer.status_code == 200, answer.text
        assert answer.json()["done"] == operation
        return answer.json()["record"]

    do("add_certification", code="NEW", title="New One", duration=6, duration_unit="month")
    first = do("award", user_id=4702, code="NEW", issued_at="2026-01-01 00:00:00")
    assert first["expires_at"] == "2026-07-01 00:00:00"
    second = do("renew_award", award_id=first["award_id"], expires_at="2030-01-01 00:00:00")
    do("revoke_award", award_id=first["award_id"])
    assert do("award", user_id=4702, code="NEW", always_valid=True)["expires_at"] is None
    training = do("add_training", user_id=4702, course_name="Abroad", from_date="2026-01-01", to_date="2026-01-02")
    do("delete_training", training_id=training["training_id"])
    assert do("change_email", user_id=4702, email="new@acme.example")["email"] == "new@acme.example"
    box.docebo.enroll(4702, 88)
    assert do("reset_completion", user_id=4702, course_id=88)["completed_at"] is None
    held = control("GET", "/docebo").json()
    assert [row["code"] for row in held["certifications"]] == ["FIRST-AID", "FORKLIFT", "PRIVACY", "NEW"]
    assert [row["award_id"] for row in held["awards"]][-2] == second["award_id"]
    assert [row["course_name"] for row in held["trainings"]] == ["First aid refresher"]
    assert [row["number"] for row in held["events"]] == list(range(1, len(held["events"]) + 1))


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "do is one of"),
        ({"do": "expire_tokens"}, 400, "do is one of"),
        ({"do": "award", "user_id": 4702}, 400, "code is required"),
        ({"do": "award", "user_id": "4702", "code": "PRIVACY"}, 400, "user_id must be a whole number"),
        ({"do": "award", "user_id": 4702, "code": "PRIVACY", "always_valid": 1}, 400, "must be true or false"),
        ({"do": "award", "user_id": 4702, "code": "PRIVACY", "issued_at": "2026"}, 400, "issued_at must be YYYY"),
        ({"do": "award", "user_id": 4702, "code": "PRIVACY", "colour": "red"}, 400, "Unknown attribute: colour"),
        ({"do": "award", "user_id": 4702, "code": "NONE"}, 409, "no certification has the code NONE"),
        ({"do": "revoke_award", "award_id": 1}, 409, "no award 1"),
        ({"do": "delete_training", "training_id": 1}, 409, "no external training 1"),
        ({"do": "change_email", "user_id": 1, "email": "x@example.org"}, 409, "no user 1"),
        ({"do": "reset_completion", "user_id": 1, "course_id": 1}, 409, "user 1 is not enrolled in course 1"),
    ],
)
def test_what_an_administrator_cannot_do(box, control, body, status, error):
    answer = control("POST", "/docebo", json=body)
    assert (answer.status_code, error in answer.json()["error"]) == (status, True), answer.text
    assert not box.docebo.events


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "/fault", {"json": {"kind": "gremlins"}}, 400),
        ("POST", "/fault", {"json": {"remote": "credly"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "colour": "red"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "probability": "often"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "times": "2"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "after": -1}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "delay": "long"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "method": 5}}, 400),
        ("POST", "/fault", {"data": {"kind": "slow"}}, 415),
        ("POST", "/clock", {"json": {"advance": "soon"}}, 400),
        ("POST", "/clock", {"json": {"advance": -1}}, 400),
        ("POST", "/clock", {"json": {"advance": True}}, 400),
        ("POST", "/select", {"json": {"one": "Label"}}, 400),
        ("GET", "/fault", {}, 405),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/state?x=1", {}, 400),
    ],
)
def test_what_it_does_not_understand(control, method, path, options, status):
    answer = control(method, path, **options)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_accredible_is_reached_too(box, control, accredible):
    assert control("POST", "/fault", json={"kind": "http_503", "remote": "accredible", "times": 1}).status_code == 200
    assert [accredible.get("/v1/issuer/details").status_code for _ in range(2)] == [503, 200]
    assert control("GET", "/state").json()["accredible"]["credentials"] == len(box.accredible.credentials)
    for _ in range(2):
        assert control("POST", "/expire", json={"remote": "accredible"}).json() == {"expired": "accredible"}
        assert accredible.get("/v1/issuer/details").status_code == 401
    limit = {"remote": "accredible", "count": 1, "seconds": 60}
    assert control("POST", "/limit", json=limit).status_code == 200
    assert [accredible.get("/v1/issuer/details").status_code for _ in range(2)] == [401, 429]
    assert control("POST", "/expire", json={"remote": "slack"}).status_code == 400
