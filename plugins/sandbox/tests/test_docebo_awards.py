"""Writing awards to the simulated Docebo, and what it refuses (docebo.md 7.4, 7.5)."""

from __future__ import annotations

import pytest

AWARDS = "/certification/v1/awards"
LINK = "https://www.credly.com/badges/0000"


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


@pytest.fixture
def award():
    """A body that is accepted."""
    return {
        "certification_id": 7,
        "user_id": 4702,
        "issued_at": "2026-03-01 12:00:00",
        "expiring_at": "2027-03-01 12:00:00",
        "awarded_from": {
            "type": "external_certification",
            "source": "Credly",
            "external_id": "b-1",
            "external_url": LINK,
        },
    }


def test_rows_are_nested_or_flat(awarded, docebo):
    awarded.award(4710, "FORKLIFT", always_valid=True, origin_type="external_certification", source="Credly", link=LINK)
    (nested,) = items(docebo.get(f"{AWARDS}?user_id[]=4703"))
    assert nested == {
        "id": 908,
        "certification": {"id": 9, "code": "PRIVACY", "name": "Privacy Officer"},
        "awarded_from": {"type": "course", "id": 81},
        "user_id": 4703,
        "issued_at": "2026-02-10 10:00:00",
        "expiring_at": None,
        "renewable_from": None,
        "renewal_started": False,
        "created_at": "2026-03-02 09:00:00",
        "updated_at": "2026-02-10 10:00:00",
    }
    awarded.flags.award_rows, awarded.flags.zero_dates = "flat", True
    flat, external = (items(docebo.get(f"{AWARDS}?user_id[]={user}"))[0] for user in (4703, 4710))
    assert (flat["certification_id"], flat["certification_code"], flat["awarded_from_id"]) == (9, "PRIVACY", 81)
    assert flat["expiring_at"] == "0000-00-00 00:00:00"
    assert not {"certification", "awarded_from", "source"} & set(flat)
    assert (external["awarded_from_type"], external["source"]) == ("external_certification", "Credly")
    assert external["external_url"] == LINK


def test_an_award_is_made_changed_and_revoked(awarded, docebo, award):
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    record = awarded.awards[new]
    assert (record.source, record.link, record.external_id) == ("Credly", LINK, "b-1")
    assert (record.expires_at, record.issued_at) == ("2027-03-01 12:00:00", "2026-03-01 12:00:00")
    awarded.clock.advance(60)
    answer = docebo.put(f"{AWARDS}/{new}", json=award | {"expiring_at": None})
    assert answer.json()["data"] == {"id": new}
    assert (awarded.awards[new].expires_at, awarded.awards[new].updated_at) == (None, "2026-03-02 09:01:00")
    assert docebo.delete(f"{AWARDS}/{new}").json()["data"] == {"success": True}
    assert new not in awarded.awards
    assert new not in [item["id"] for item in items(docebo.get(f"{AWARDS}/users/4702"))]
    for answer in (docebo.delete(f"{AWARDS}/{new}"), docebo.put(f"{AWARDS}/{new}", json=award)):
        assert (answer.status_code, answer.json()["message"]) == (404, ["Award not found"])
    told = [(event.event, event.payload["award_id"]) for event in awarded.events]
    assert told == [(f"certification.{what}", new) for what in ("awarded", "updated", "revoked")]


def test_a_change_may_leave_out_who_and_what(awarded, docebo, award):
    del award["user_id"], award["certification_id"]
    assert docebo.put(f"{AWARDS}/906", json=award).status_code == 200
    assert docebo.put(f"{AWARDS}/906", json=award | {"user_id": 4703}).status_code == 400
    assert docebo.put(f"{AWARDS}/906", json=award | {"certification_id": 9}).status_code == 400


def test_no_end_is_always_valid_whatever_the_certification_says(awarded, docebo, award):
    new = docebo.post(AWARDS, json=award | {"expiring_at": None}).json()["data"]["id"]
    assert awarded.awards[new].expires_at is None


def test_the_same_award_twice_is_two_awards(awarded, docebo, award):
    """Renewals are awards of their own, so that a careless repetition is seen."""
    first, second = (docebo.post(AWARDS, json=award).json()["data"]["id"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"certification_id": None}, "certification_id must be a whole number"),
        ({"certification_id": "7"}, "certification_id must be a whole number"),
        ({"certification_id": 99}, "Certification 99 does not exist"),
        ({"user_id": True}, "user_id must be a whole number"),
        ({"user_id": 99}, "User 99 does not exist"),
        ({"issued_at": "2026-03-01"}, "issued_at must be YYYY-MM-DD HH:MM:SS"),
        ({"issued_at": "2026-03-01T12:00:00Z"}, "issued_at must be YYYY-MM-DD HH:MM:SS"),
        ({"issued_at": None}, "issued_at must be YYYY-MM-DD HH:MM:SS"),
        ({"expiring_at": "never"}, "expiring_at must be YYYY-MM-DD HH:MM:SS"),
        ({"expiring_at": "2026-03-01 12:00:00"}, "expiring_at must be after issued_at"),
        ({"colour": "red"}, "Unknown attribute: colour"),
        ({"awarded_from": "Credly"}, "awarded_from must be an object"),
        (
            {"awarded_from": {"type": "gift"}},
            "awarded_from.type must be one of course, learning_plan, external_training",
        ),
        ({"awarded_from": {"type": "course"}}, "awarded_from.id is required"),
        ({"awarded_from": {"type": "course", "id": "81"}}, "awarded_from.id must be a whole number"),
        ({"awarded_from": {"type": "course", "id": 999}}, "awarded_from: there is no course 999"),
        ({"awarded_from": {"type": "course", "id": 81, "source": "x"}}, "Unknown attribute: awarded_from.source"),
        (
            {"awarded_from": {"type": "external_certification", "source": "Credly"}},
            "awarded_from.external_url is required",
        ),
        (
            {"awarded_from": {"type": "external_certification", "source": " ", "external_url": LINK}},
            "awarded_from.source must not be empty",
        ),
        (
            {"awarded_from": {"type": "external_certification", "source": "Credly", "external_url": "credly"}},
            "awarded_from.external_url must be a web address",
        ),
        (
            {"awarded_from": {"type": "external_certification", "source": "Credly", "external_link": LINK}},
            "Unknown attribute: awarded_from.external_link",
        ),
        (
            {"awarded_from": {"type": "external_certification", "source": "C", "external_url": LINK, "external_id": 5}},
            "awarded_from.external_id must be a string",
        ),
    ],
)
def test_a_wrong_body_is_refused_in_docebos_words_and_changes_nothing(awarded, docebo, award, change, message):
    for answer in (docebo.post(AWARDS, json=award | change), docebo.put(f"{AWARDS}/906", json=award | change)):
        assert answer.status_code == 400
        body = answer.json()
        assert (body["name"], body["status"], body["code"]) == ("Bad Request", 400, 1002)
        assert message in body["message"][0]
    assert (len(awarded.awards), list(awarded.events)) == (3, [])


@pytest.mark.parametrize("name", ["certification_id", "user_id", "issued_at", "expiring_at", "awarded_from"])
def test_every_attribute_of_a_new_award_is_required(awarded, docebo, award, name):
    del award[name]
    answer = docebo.post(AWARDS, json=award)
    assert (answer.status_code, answer.json()["message"]) == (400, [f"{name} is required"])


@pytest.mark.parametrize(("kind", "id"), [("course", 81), ("learning_plan", 12), ("external_training", 555)])
def test_an_award_may_come_from_a_thing_of_the_platform(awarded, docebo, award, kind, id):
    award["awarded_from"] = {"type": kind, "id": id}
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    (item,) = [one for one in items(docebo.get(f"{AWARDS}/users/4702")) if one["id"] == new]
    assert item["awarded_from"] == {"type": kind, "id": id}


def test_external_certifications_have_to_be_switched_on(awarded, docebo, award):
    awarded.flags.external_certifications_active = False
    answer = docebo.post(AWARDS, json=award)
    assert answer.status_code == 400
    assert answer.json()["message"] == ["External certifications are not active on this platform"]
    award["awarded_from"] = {"type": "course", "id": 81}
    assert docebo.post(AWARDS, json=award).status_code == 200
    assert list(awarded.events) == []


def test_the_link_has_another_key_on_another_platform(awarded, docebo, award):
    awarded.flags.external_link_key = "external_link"
    award["awarded_from"]["external_link"] = award["awarded_from"].pop("external_url")
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    (item,) = [one for one in items(docebo.get(f"{AWARDS}/users/4702")) if one["id"] == new]
    assert item["awarded_from"]["external_link"] == LINK


def test_a_refusal_can_hide_in_a_200(awarded, docebo, award):
    awarded.flags.soft_failures = True
    answer = docebo.post(AWARDS, json=award | {"user_id": 99})
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "success": False,
        "message": [{"id": "user_id", "message": "User 99 does not exist"}],
    }
    assert docebo.put(f"{AWARDS}/999", json=award).status_code == 404
    assert docebo.delete(f"{AWARDS}/999").status_code == 404
    assert len(awarded.awards) == 3


def test_a_write_needs_a_json_object_with_its_content_type(awarded, docebo, award):
    assert docebo.post(AWARDS, data="{}").status_code == 415
    assert docebo.post(AWARDS, json=[award]).status_code == 400
    assert docebo.delete(f"{AWARDS}/906", json={"a": 1}).status_code == 400
    assert docebo.post(AWARDS, json=award, headers={"Accept": "text/html"}).status_code == 406
    assert docebo.post(AWARDS, json=award, headers={"Authorization": "Bearer x"}).status_code == 401
    assert len(awarded.awards) == 3


def test_rights_are_refused_openly_or_with_the_sign_in_page(awarded, docebo, award):
    awarded.flags.denied = "^/certification/"
    for answer in (docebo.get(AWARDS), docebo.post(AWARDS, json=award), docebo.delete(f"{AWARDS}/906")):
        assert (answer.status_code, answer.json()["name"]) == (403, "Forbidden")
    assert docebo.get("/learn/v1/certification").status_code == 200
    awarded.flags.denied_as_html = True
    answer = docebo.post(AWARDS, json=award)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")
    assert len(awarded.awards) == 3
