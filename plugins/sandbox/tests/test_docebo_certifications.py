"""Certifications and awards of the simulated Docebo (docebo.md 7)."""

from __future__ import annotations

import pytest

from connectctl_sandbox.docebo_achievements import expiry

LIST = "/learn/v1/certification"
AWARDS = "/certification/v1/awards"
LINK = "https://www.credly.com/badges/0000"


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


def ids(answer):
    return [item["id"] for item in items(answer)]


@pytest.fixture
def quiet(box):
    """A platform with two certifications and three awards, and without earlier events."""
    box.docebo.awards.clear()
    box.docebo.award(4702, "FIRST-AID", "2026-01-15 10:00:00", origin_id=83, updated_at="2026-01-15 10:00:00")
    box.docebo.award(4702, "PRIVACY", "2026-01-20 10:00:00", origin_id=81, updated_at="2026-01-20 10:00:00")
    box.docebo.award(4703, "PRIVACY", "2026-02-10 10:00:00", origin_id=81, updated_at="2026-02-10 10:00:00")
    box.docebo.events.clear()
    return box.docebo


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


def test_certifications_are_listed_in_the_keys_that_clients_saw(docebo):
    listed = items(docebo.get(LIST))
    assert listed[0] == {
        "id_cert": 7,
        "title": "First Aider",
        "code": "FIRST-AID",
        "description": "",
        "duration": "3",
        "duration_unit": "year",
        "allow_same_item": "0",
    }
    assert [item["code"] for item in listed] == ["FIRST-AID", "FORKLIFT", "PRIVACY"]
    assert docebo.get("/learn/v1/certifications").status_code == 404


def test_certifications_and_awards_come_in_pages(quiet, docebo):
    data = docebo.get(f"{LIST}?page_size=2").json()["data"]
    assert (data["count"], data["has_more_data"], data["total_page_count"]) == (2, True, 2)
    assert "total_count" not in data
    assert docebo.get(f"{LIST}?page_size=2&page=2&get_total_count=1").json()["data"]["total_count"] == 3
    first = docebo.get(f"{AWARDS}?page_size=2&get_cursor=1").json()["data"]
    assert (first["has_more_data"], first["total_count"]) == (True, 3)
    quiet.revoke_award(first["items"][0]["id"])
    rest = docebo.get(f"{AWARDS}?page_size=2&page=2&cursor={first['cursor']}").json()["data"]
    assert [item["user_id"] for item in rest["items"]] == [4703]
    assert len(items(docebo.get(f"{AWARDS}/users/4702?page_size=1"))) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [906, 907, 908]),
        ("certification_id[]=9", [907, 908]),
        ("certification_id[0]=9&certification_id[1]=7&user_id[]=4702", [906, 907]),
        ("user_id[]=4703&user_id[]=4702", [906, 907, 908]),
        ("user_id[]=4999", []),
        ("updated_from=2026-01-20 10:00:00", [907, 908]),
        ("updated_from=2026-01-20 10:00:01&user_id[]=4702", []),
    ],
)
def test_awards_are_filtered(quiet, docebo, query, found):
    assert ids(docebo.get(f"{AWARDS}?{query}")) == found


def test_the_awards_of_one_user(quiet, docebo):
    assert ids(docebo.get(f"{AWARDS}/users/4702")) == [906, 907]
    assert ids(docebo.get(f"{AWARDS}/users/4710")) == []
    assert docebo.get(f"{AWARDS}/users/9999").status_code == 404


def test_rows_are_nested_or_flat(quiet, docebo, award):
    quiet.award(4710, "FORKLIFT", always_valid=True, origin_type="external_certification", source="Credly", link=LINK)
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
    quiet.flags.award_rows, quiet.flags.zero_dates = "flat", True
    flat, external = (items(docebo.get(f"{AWARDS}?user_id[]={user}"))[0] for user in (4703, 4710))
    assert (flat["certification_id"], flat["certification_code"], flat["awarded_from_id"]) == (9, "PRIVACY", 81)
    assert flat["expiring_at"] == "0000-00-00 00:00:00"
    assert not {"certification", "awarded_from", "source"} & set(flat)
    assert (external["awarded_from_type"], external["source"]) == ("external_certification", "Credly")
    assert external["external_url"] == LINK


@pytest.mark.parametrize(
    ("flag", "gone"), [("award_origin_hidden", {"source", "external_id"}), ("award_changes_hidden", {"updated_at"})]
)
def test_what_nobody_has_seen_may_not_be_shown(quiet, docebo, flag, gone):
    quiet.flags.award_rows = "flat"
    quiet.award(4710, "FORKLIFT", origin_type="external_certification", source="Credly", link=LINK, external_id="b")
    path = f"{AWARDS}?user_id[]=4710"
    assert gone <= set(items(docebo.get(path))[0])
    setattr(quiet.flags, flag, True)
    assert not gone & set(items(docebo.get(path))[0])


def test_an_unknown_filter_returns_everything_and_date_filters_may_have_no_effect(quiet, docebo):
    quiet.flags.ignore_user_filter = quiet.flags.ignore_date_filters = True
    assert ids(docebo.get(f"{AWARDS}?user_id[]=4703&updated_from=2026-03-01")) == [906, 907, 908]
    assert ids(docebo.get(f"{AWARDS}?user_id[]=4703&certification_id[]=7")) == [906]
    assert ids(docebo.get(f"{AWARDS}/users/4703")) == [908]


def test_an_award_is_made_changed_and_revoked(quiet, docebo, award):
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    record = quiet.awards[new]
    assert (record.source, record.link, record.external_id) == ("Credly", LINK, "b-1")
    assert (record.expires_at, record.issued_at) == ("2027-03-01 12:00:00", "2026-03-01 12:00:00")
    quiet.clock.advance(60)
    answer = docebo.put(f"{AWARDS}/{new}", json=award | {"expiring_at": None})
    assert answer.json()["data"] == {"id": new}
    assert (quiet.awards[new].expires_at, quiet.awards[new].updated_at) == (None, "2026-03-02 09:01:00")
    assert docebo.delete(f"{AWARDS}/{new}").json()["data"] == {"success": True}
    assert new not in quiet.awards
    assert new not in ids(docebo.get(f"{AWARDS}/users/4702"))
    for answer in (docebo.delete(f"{AWARDS}/{new}"), docebo.put(f"{AWARDS}/{new}", json=award)):
        assert (answer.status_code, answer.json()["message"]) == (404, ["Award not found"])
    told = [(event.event, event.payload["award_id"]) for event in quiet.events]
    assert told == [(f"certification.{what}", new) for what in ("awarded", "updated", "revoked")]


def test_a_change_may_leave_out_who_and_what(quiet, docebo, award):
    del award["user_id"], award["certification_id"]
    assert docebo.put(f"{AWARDS}/906", json=award).status_code == 200
    assert docebo.put(f"{AWARDS}/906", json=award | {"user_id": 4703}).status_code == 400
    assert docebo.put(f"{AWARDS}/906", json=award | {"certification_id": 9}).status_code == 400


def test_the_same_award_twice_is_two_awards(quiet, docebo, award):
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
def test_a_wrong_body_is_refused_in_docebos_words_and_changes_nothing(quiet, docebo, award, change, message):
    for answer in (docebo.post(AWARDS, json=award | change), docebo.put(f"{AWARDS}/906", json=award | change)):
        assert answer.status_code == 400
        body = answer.json()
        assert (body["name"], body["status"], body["code"]) == ("Bad Request", 400, 1002)
        assert message in body["message"][0]
    assert (len(quiet.awards), list(quiet.events)) == (3, [])


@pytest.mark.parametrize("name", ["certification_id", "user_id", "issued_at", "expiring_at", "awarded_from"])
def test_every_attribute_of_a_new_award_is_required(quiet, docebo, award, name):
    del award[name]
    answer = docebo.post(AWARDS, json=award)
    assert (answer.status_code, answer.json()["message"]) == (400, [f"{name} is required"])


@pytest.mark.parametrize(("kind", "id"), [("course", 81), ("learning_plan", 12), ("external_training", 555)])
def test_an_award_may_come_from_a_thing_of_the_platform(quiet, docebo, award, kind, id):
    award["awarded_from"] = {"type": kind, "id": id}
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    (item,) = [one for one in items(docebo.get(f"{AWARDS}/users/4702")) if one["id"] == new]
    assert item["awarded_from"] == {"type": kind, "id": id}


def test_external_certifications_have_to_be_switched_on(quiet, docebo, award):
    quiet.flags.external_certifications_active = False
    answer = docebo.post(AWARDS, json=award)
    assert answer.status_code == 400
    assert answer.json()["message"] == ["External certifications are not active on this platform"]
    award["awarded_from"] = {"type": "course", "id": 81}
    assert docebo.post(AWARDS, json=award).status_code == 200
    assert list(quiet.events) == []


def test_the_link_has_another_key_on_another_platform(quiet, docebo, award):
    quiet.flags.external_link_key = "external_link"
    award["awarded_from"]["external_link"] = award["awarded_from"].pop("external_url")
    new = docebo.post(AWARDS, json=award).json()["data"]["id"]
    (item,) = [one for one in items(docebo.get(f"{AWARDS}/users/4702")) if one["id"] == new]
    assert item["awarded_from"]["external_link"] == LINK


def test_a_refusal_can_hide_in_a_200(quiet, docebo, award):
    quiet.flags.soft_failures = True
    answer = docebo.post(AWARDS, json=award | {"user_id": 99})
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "success": False,
        "message": [{"id": "user_id", "message": "User 99 does not exist"}],
    }
    assert docebo.delete(f"{AWARDS}/999").status_code == 404
    assert len(quiet.awards) == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{AWARDS}?user_ids[]=1", 400),
        ("GET", f"{AWARDS}?certification_id=7", 400),
        ("GET", f"{AWARDS}?certification_id[]=FIRST-AID", 400),
        ("GET", f"{AWARDS}?updated_from=yesterday", 400),
        ("GET", f"{AWARDS}/users/4702?certification_id[]=7", 400),
        ("GET", f"{LIST}?search_text=aid", 400),
        ("GET", f"{LIST}?page=0", 400),
        ("GET", f"{AWARDS}/906", 405),
        ("PATCH", f"{AWARDS}/906", 405),
        ("GET", f"{AWARDS}/users/ada", 404),
    ],
)
def test_what_is_unknown_is_refused(quiet, docebo, method, path, status):
    answer = docebo.send(method, path)
    assert answer.status_code == status
    assert isinstance(answer.json()["message"], list)


def test_a_write_needs_a_json_object_with_its_content_type(quiet, docebo, award):
    assert docebo.post(AWARDS, data="{}").status_code == 415
    assert docebo.post(AWARDS, json=[award]).status_code == 400
    assert docebo.delete(f"{AWARDS}/906", json={"a": 1}).status_code == 400
    assert docebo.post(AWARDS, json=award, headers={"Accept": "text/html"}).status_code == 406
    assert docebo.post(AWARDS, json=award, headers={"Authorization": "Bearer x"}).status_code == 401
    assert len(quiet.awards) == 3


def test_rights_are_refused_openly_or_with_the_sign_in_page(quiet, docebo, award):
    quiet.flags.denied = "^/certification/"
    for answer in (docebo.get(AWARDS), docebo.post(AWARDS, json=award), docebo.delete(f"{AWARDS}/906")):
        assert (answer.status_code, answer.json()["name"]) == (403, "Forbidden")
    assert docebo.get(LIST).status_code == 200
    quiet.flags.denied_as_html = True
    answer = docebo.post(AWARDS, json=award)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")
    assert len(quiet.awards) == 3


@pytest.mark.parametrize(
    ("issued", "duration", "unit", "ends"),
    [
        ("2026-02-10 17:31:06", 0, "year", None),
        ("2026-02-10 17:31:06", 10, "day", "2026-02-20 17:31:06"),
        ("2026-02-10 17:31:06", 2, "week", "2026-02-24 17:31:06"),
        ("2026-01-31 00:00:00", 1, "month", "2026-02-28 00:00:00"),
        ("2026-11-30 00:00:00", 3, "month", "2027-02-28 00:00:00"),
        ("2028-02-29 08:00:00", 1, "year", "2029-02-28 08:00:00"),
        ("2026-12-31 08:00:00", 12, "month", "2027-12-31 08:00:00"),
    ],
)
def test_an_award_ends_after_the_certifications_duration(issued, duration, unit, ends):
    assert expiry(issued, duration, unit) == ends


def test_expired_and_renewed_awards_stay_listed(quiet, docebo):
    old = quiet.award(4710, "FORKLIFT", "2020-01-01 00:00:00")
    assert old.expires_at == "2023-01-01 00:00:00"
    new = quiet.renew_award(old.award_id)
    listed = items(docebo.get(f"{AWARDS}/users/4710"))
    assert [item["id"] for item in listed] == [old.award_id, new.award_id]
    assert [item["expiring_at"] for item in listed] == ["2023-01-01 00:00:00", "2029-03-02 09:00:00"]


def test_what_is_not_there_cannot_be_worked_on(quiet):
    for work in (
        lambda: quiet.award(1, "PRIVACY"),
        lambda: quiet.award(4702, "NONE"),
        lambda: quiet.renew_award(1),
        lambda: quiet.update_award(1),
        lambda: quiet.revoke_award(1),
    ):
        with pytest.raises(LookupError):
            work()
