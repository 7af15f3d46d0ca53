"""Creating Accredible's credentials: what is asked, filled in, published and refused (accredible.md 3.1, 3.2, 6)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


def test_a_new_credential_is_published_and_echoes_the_callers_id(box, accredible, create, group):
    credits = box.accredible.credits
    answer = create(custom_attributes={"Site": "Leeds", "Unheard of": 5})
    made = answer.json()["credential"]
    assert (answer.status_code, made["approve"], made["complete"], made["private"]) == (200, True, True, False)
    assert (made["id"], type(made["accredible_internal_id"])) == ("cc-88-481", int)
    assert (made["issued_on"], made["expired_on"], made["group_id"]) == ("2026-03-01", None, group.id)
    assert (made["name"], made["description"]) == ("Empty course", "Nobody has it yet.")
    assert made["recipient"] == {
        "name": "Jo Doe",
        "email": "jo@example.org",
        "phone_number": None,
        "id": "lms-481",
        "meta_data": None,
    }
    assert (made["custom_attributes"], made["meta_data"]) == (
        {"Site": "Leeds", "Unheard of": 5},
        {"cc_key": "cc-88-481"},
    )
    assert made["url"].endswith(made["uuid"])
    assert (box.accredible.credits, box.accredible.mails) == (
        credits - 1,
        [("jo@example.org", made["accredible_internal_id"])],
    )
    for name in ("cc-88-481", made["accredible_internal_id"]):
        assert accredible.get(f"/v1/credentials/{name}").json()["credential"] == made


def test_what_is_left_out_has_its_default(box, create):
    made = create(id=None, meta_data=None, issued_on=None, recipient={"name": "Jo", "email": "JO@Example.org"})
    one = made.json()["credential"]
    assert (one["id"], one["issued_on"]) == (str(one["accredible_internal_id"]), "2026-03-02")
    assert (one["recipient"]["email"], one["recipient"]["id"]) == ("jo@example.org", one["uuid"])
    assert (one["meta_data"], one["custom_attributes"], one["grade"]) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "property"),
    [
        ({"recipient": {"name": "Jo"}}, "recipient.email"),
        ({"recipient": {"name": " ", "email": "jo@example.org"}}, "recipient.name"),
        ({"recipient": {"name": "Jo", "email": "nobody"}}, "recipient.email"),
        ({"recipient": {"name": "Jo", "email": "jo@example.org", "age": 5}}, "recipient.age"),
        ({"recipient": {"name": "Jo", "email": "jo@example.org", "id": 5}}, "recipient.id"),
        ({"recipient": "jo@example.org"}, "recipient"),
        ({"group_id": "first"}, "group_id"),
        ({"issued_on": "2026-3-1"}, "issued_on"),
        ({"issued_on": "2026-03-01 12:00:00 +0000"}, "issued_on"),
        ({"expired_on": False}, "expired_on"),
        ({"approve": "true"}, "approve"),
        ({"id": 88}, "id"),
        ({"id": " "}, "id"),
        ({"meta_data": {"key": 5}}, "meta_data"),
        ({"custom_attributes": {"Site": ["Leeds"]}}, "custom_attributes"),
        ({"custom_attributes": []}, "custom_attributes"),
        ({"evidence_items": [{"category": "url"}]}, "description"),
        ({"evidence_items": [{"description": "d", "category": "poem"}]}, "category"),
        ({"expires_at": "2027-01-01"}, "expires_at"),
    ],
)
def test_a_malformed_credential_is_refused_by_property(box, create, group, changes, property):
    answer = create(**changes)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [property]
    assert box.accredible.in_group(group.id) == []


@pytest.mark.parametrize(
    ("changes", "words"), [({"recipient": None}, "Recipient"), ({"group_id": 99}, "does not exist")]
)
def test_no_recipient_and_no_group_are_told_in_one_text(create, changes, words):
    answer = create(**changes)
    assert (answer.status_code, words in answer.json()["errors"]) == (422, True)


def test_unknown_attributes_may_be_ignored(box, create):
    box.accredible.flags.unknown_attribute = "ignore"
    assert create(colour="red", recipient={"name": "Jo", "email": "jo@example.org", "age": 5}).status_code == 200


def test_a_group_without_texts_needs_them_on_the_credential(box, create):
    bare = box.accredible.add_group("bare")
    refused = create(group_id=bare.id)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"name", "description"})
    assert create(group_id=bare.id, name="Own", description="Words").json()["credential"]["name"] == "Own"


@pytest.mark.parametrize(
    ("sent", "read"),
    [("2026-02-28", "2026-02-28"), ("28/02/2026", "2026-02-28")],
)
def test_days_are_read_in_two_forms(create, sent, read):
    assert create(issued_on=sent).json()["credential"]["issued_on"] == read


def test_timestamps_are_read_when_the_flag_says_so(box, create):
    box.accredible.flags.timestamps = True
    assert create(issued_on="2026-03-01 12:00:00 +0000").json()["credential"]["issued_on"] == "2026-03-01"


@pytest.mark.parametrize(
    ("years", "changes", "expires"),
    [
        (None, {}, None),
        (0, {}, None),
        (-1, {}, None),
        (1, {}, "2027-03-01"),
        (1, {"issued_on": "2028-02-29"}, "2029-02-28"),
        (4, {"issued_on": "2028-02-29"}, "2032-02-29"),
        (2, {"issued_on": None}, "2028-03-02"),
        (1, {"expired_on": "2030-01-01"}, "2030-01-01"),
    ],
)
def test_the_group_fills_the_expiry(box, create, group, years, changes, expires):
    box.accredible.update_group(group.id, auto_expiry=years)
    assert create(**changes).json()["credential"]["expired_on"] == expires


@pytest.mark.parametrize(
    ("own", "of_group", "of_department", "private"),
    [
        (None, None, False, False),
        (None, None, True, True),
        (None, False, True, False),
        (None, True, False, True),
        (False, True, True, False),
    ],
)
def test_privacy_comes_from_the_credential_the_group_or_the_department(
    box, create, group, own, of_group, of_department, private
):
    department = box.accredible.add_department("D", private_credentials=of_department)
    box.accredible.update_group(group.id, generate_private_credential=of_group, department_id=department.id)
    assert create(private=own).json()["credential"]["private"] == private


# Publication


@pytest.mark.parametrize("reason", ["credits", "design", "sandbox", "option", "asked"])
def test_success_is_not_publication(box, create, group, put, reason):
    state, changes = box.accredible, {}
    match reason:
        case "credits":
            state.credits = 0
        case "design":
            state.update_group(group.id, certificate_design_id=None)
        case "sandbox":
            state.flags.sandbox_mode = True
        case "option":
            state.flags.publish_from_api = False
        case "asked":
            changes = {"approve": False}
    answer = create(**changes)
    assert (answer.status_code, answer.json()["credential"]["approve"]) == (200, False)
    assert state.mails == []
    published = put("cc-88-481", approve=True).json()["credential"]["approve"]
    assert published == (reason == "asked")


def test_publishing_costs_once_and_can_be_taken_back(box, create, put):
    create(approve=False)
    credits = box.accredible.credits
    for wanted, left in ((True, 1), (True, 1), (False, 1), (True, 2)):
        assert put("cc-88-481", approve=wanted).json()["credential"]["approve"] == wanted
        assert box.accredible.credits == credits - left


# Duplicates and own ids


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": "other"}, 422),
        ({"id": None, "recipient": {"name": "Another Name", "email": "JO@EXAMPLE.ORG"}}, 422),
        ({"id": "other", "recipient": {"name": "Jo Doe", "email": "new@example.org", "id": "lms-481"}}, 200),
        ({"recipient": {"name": "Jo Doe", "email": "new@example.org"}}, 422),
    ],
)
def test_a_duplicate_is_the_same_address_in_a_group_and_an_own_id_is_used_once(box, create, changes, status):
    assert create().status_code == 200
    answer = create(**changes)
    assert answer.status_code == status
    if status == 422:
        assert "already been taken" in json.dumps(answer.json()["errors"])


def test_a_duplicate_is_told_as_object_or_text(box, create):
    create()
    assert list(create(id="b").json()["errors"]) == ["recipient.email"]
    box.accredible.flags.duplicate_error = "text"
    assert "already been taken" in create(id="b").json()["errors"]


def test_other_groups_and_groups_that_allow_it_take_a_second(box, create, group):
    create()
    other = next(iter(box.accredible.groups))
    assert create(id="b", group_id=other).status_code == 200
    box.accredible.update_group(group.id, allow_duplicate_credentials=True)
    assert create(id="c").status_code == 200
    assert len(box.accredible.held_by(group.id, "jo@example.org")) == 2


@pytest.mark.parametrize(
    ("details", "flag"),
    [({"approve": False}, "unpublished_blocks"), ({"expired_on": "2026-03-01"}, "expired_blocks")],
)
def test_whether_old_and_hidden_ones_block_is_a_flag(box, create, group, details, flag):
    box.accredible.issue(group.id, "jo@example.org", **details)
    assert create().status_code == 422
    setattr(box.accredible.flags, flag, False)
    assert create().status_code == 200


def test_own_ids_need_not_be_unique(box, accredible, create):
    box.accredible.flags.unique_license_ids = False
    first = create().json()["credential"]
    assert create(recipient={"name": "Al", "email": "al@example.org"}).status_code == 200
    found = accredible.get("/v1/credentials/cc-88-481").json()["credential"]
    assert found["accredible_internal_id"] == first["accredible_internal_id"]
    assert len(accredible.get("/v1/all_credentials?license_id=cc-88-481").json()["credentials"]) == 2


def test_of_many_requests_at_once_one_wins(box, credential, group):
    def post(number):
        headers = {"Authorization": f"Bearer {box.accredible.key}"}
        sent = {"credential": credential | {"id": f"cc-{number}"}}
        return requests.post(f"{box.accredible_url}/v1/credentials", json=sent, headers=headers, timeout=10).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(24))) == [200] + [422] * 23
    assert len(box.accredible.in_group(group.id)) == 1
