"""Accredible's credentials: create, bulk, change, delete, evidence (accredible.md 3.1 to 3.7, 4, 6)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


@pytest.fixture
def put(accredible):
    return lambda credential_id, **changes: accredible.put(
        f"/v1/credentials/{credential_id}", json={"credential": changes}
    )


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


# Bulk


@pytest.fixture
def bulk(accredible, credential):
    """POSTs one ordinary credential for each set of changes."""

    def post(*changes, version=2):
        items = [{name: value for name, value in (credential | one).items() if value is not None} for one in changes]
        return accredible.post(f"/v{version}/credentials/bulk_create", json={"credentials": items})

    return post


def person(number):
    return {"id": f"cc-{number}", "recipient": {"name": f"P {number}", "email": f"p{number}@example.org"}}


def test_a_bulk_call_answers_item_by_item(box, bulk, group):
    answer = bulk(person(1), person(2))
    assert (answer.status_code, [list(one) for one in answer.json()["results"]]) == (200, [["credential"]] * 2)
    mixed = bulk(person(3), person(1), person(4) | {"issued_on": "01/03/2026"}, person(5) | {"approve": False})
    assert mixed.status_code == 207
    results = mixed.json()["results"]
    assert [list(one) for one in results] == [["credential"], ["errors"], ["errors"], ["credential"]]
    assert (results[1]["errors"]["code"], results[1]["errors"]["details"][0]["property"]) == (
        "credential_invalid",
        "recipient.email",
    )
    assert "already been taken" in results[1]["errors"]["details"][0]["message"]
    assert results[2]["errors"]["details"][0]["property"] == "issued_on"
    refused = bulk(person(1), person(2), {"group_id": 99})
    assert (refused.status_code, len(refused.json()["results"])) == (422, 3)
    assert len(box.accredible.in_group(group.id)) == 4


def test_a_bulk_call_wants_each_address_once(box, bulk, group):
    again = person(1) | {"id": "cc-again"}
    assert bulk(person(1), again).status_code == 207
    assert len(box.accredible.in_group(group.id)) == 1


def test_the_other_form_of_an_items_error(box, bulk):
    box.accredible.flags.v2_errors = "intro"
    (result,) = bulk({"recipient": {"name": "Jo"}}).json()["results"]
    assert result["error"]["details"] == [{"property": "recipient_email", "reason": "can't be blank"}]


@pytest.mark.parametrize(("reason", "code"), [("credits", "insufficient_credits"), ("design", None)])
def test_made_but_not_published_is_a_mixed_answer(box, bulk, group, reason, code):
    if reason == "credits":
        box.accredible.credits = 1
    else:
        box.accredible.update_group(group.id, certificate_design_id=None)
    answer = bulk(person(1), person(2))
    last = answer.json()["results"][-1]
    assert (answer.status_code, last["credential"]["approve"]) == (207, False)
    assert last.get("errors", {}).get("code") == code
    assert len(box.accredible.in_group(group.id)) == 2


@pytest.mark.parametrize(("version", "most"), [(1, 100), (2, 30)])
def test_a_bulk_call_has_its_bound(box, bulk, group, version, most):
    assert bulk(*(person(number) for number in range(most + 1)), version=version).status_code == 422
    assert box.accredible.in_group(group.id) == []
    assert bulk(*(person(number) for number in range(most)), version=version).status_code == 200


@pytest.mark.parametrize("body", [{}, {"credentials": []}, {"credentials": {}}, {"credentials": [5]}])
@pytest.mark.parametrize("version", [1, 2])
def test_what_is_no_bulk_is_refused(accredible, version, body):
    assert accredible.post(f"/v{version}/credentials/bulk_create", json=body).status_code == 422


def test_the_first_bulk_says_200_whatever_happened(box, bulk):
    answer = bulk(person(1), person(1), version=1)
    assert (answer.status_code, len(answer.json()["credentials"]), len(answer.json()["errors"])) == (200, 1, 1)
    box.accredible.flags.v1_bulk_bare = True
    (row,) = bulk(person(2), version=1).json()
    assert row["credential"]["id"] == "cc-2"


# Changes


def test_only_what_is_sent_changes_and_null_clears(box, create, put):
    made = create(expired_on="2027-01-01", custom_attributes={"Site": "Leeds"}, grade="83").json()["credential"]
    box.clock.advance(60)
    changed = put("cc-88-481", expired_on="2028-01-01", recipient={"email": "New@example.org"}).json()["credential"]
    assert changed["expired_on"] == "2028-01-01"
    assert changed["recipient"] == made["recipient"] | {"email": "new@example.org"}
    assert {name for name in made if made[name] != changed[name]} == {"expired_on", "recipient"}
    cleared = put("cc-88-481", expired_on=None, custom_attributes=None, grade=None).json()["credential"]
    assert (cleared["expired_on"], cleared["custom_attributes"], cleared["grade"]) == (None, None, None)
    one = box.accredible.find("cc-88-481")
    assert one.updated_at == one.created_at + 60


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_on": None},
        {"recipient": {"email": None}},
        {"recipient": {"name": None}},
        {"recipient": {"email": "nobody"}},
        {"expired_on": "soon"},
        {"group_id": 99},
        {"colour": "red"},
        {"id": 5},
    ],
)
def test_a_malformed_change_is_refused(box, create, put, changes):
    create()
    before = box.accredible.find("cc-88-481")
    assert put("cc-88-481", **changes).status_code == 422
    assert box.accredible.find("cc-88-481") is before


def test_changes_cannot_make_duplicates(box, create, put, group):
    create()
    box.accredible.issue(group.id, "al@example.org", license_id="taken")
    assert put("cc-88-481", recipient={"email": "al@example.org"}).status_code == 422
    assert put("cc-88-481", id="taken").status_code == 422
    assert put("cc-88-481", id="cc-88-481", recipient={"email": "jo@example.org"}).status_code == 200
    other = box.accredible.add_group("other", course_name="Other")
    box.accredible.issue(other.id, "jo@example.org")
    assert put("cc-88-481", group_id=other.id).status_code == 422


def test_a_move_takes_the_texts_of_the_new_group(box, create, put, group):
    create(name="Own name")
    other = box.accredible.add_group("other", course_name="Other")
    moved = put("cc-88-481", group_id=other.id).json()["credential"]
    assert (moved["name"], moved["group_name"]) == ("Other", "other")
    assert (box.accredible.in_group(group.id), len(box.accredible.in_group(other.id))) == ([], 1)


def test_maps_are_replaced_or_merged(box, create, put):
    create(custom_attributes={"Site": "Leeds"})
    changed = put("cc-88-481", meta_data={"a": "1"}).json()["credential"]
    assert (changed["meta_data"], changed["custom_attributes"]) == ({"a": "1"}, {"Site": "Leeds"})
    box.accredible.flags.maps_on_put = "merge"
    assert put("cc-88-481", meta_data={"b": "2"}).json()["credential"]["meta_data"] == {"a": "1", "b": "2"}


def test_patch_does_the_same_and_unknown_ids_are_404(accredible, create):
    create()
    body = {"credential": {"expired_on": "2026-03-01"}}
    assert accredible.patch("/v1/credentials/cc-88-481", json=body).json()["credential"]["expired_on"] == "2026-03-01"
    for method in ("GET", "PUT", "DELETE"):
        sent = body if method == "PUT" else None
        assert accredible.send(method, "/v1/credentials/none", json=sent).status_code == 404
    assert accredible.put("/v1/credentials/cc-88-481", json={"expired_on": "2026-03-01"}).status_code == 400


def test_what_is_deleted_is_gone_and_may_be_made_again(box, accredible, create):
    made = create().json()["credential"]
    answer = accredible.delete("/v1/credentials/cc-88-481")
    assert (answer.status_code, answer.json()["credential"]) == (200, made)
    assert accredible.get("/v1/credentials/cc-88-481").status_code == 404
    assert create().status_code == 200


def test_ids_change_their_type_and_nulls_may_be_absent(box, accredible, create):
    create(id=None)
    number = max(box.accredible.credentials)

    def ids():
        single = accredible.get(f"/v1/credentials/{number}").json()["credential"]["id"]
        return single, accredible.get("/v1/all_credentials?email=jo@example.org").json()["credentials"][0]["id"]

    assert ids() == (str(number), number)
    box.accredible.flags.id_types_flipped = True
    assert ids() == (number, str(number))
    box.accredible.flags.absent_nulls = True
    one = accredible.get(f"/v1/credentials/{number}").json()["credential"]
    assert "expired_on" not in one
    assert "phone_number" not in one["recipient"]


# Evidence and references


@pytest.mark.parametrize(
    ("kind", "root", "first", "change", "bad"),
    [
        (
            "evidence_items",
            "evidence_item",
            {"description": "Score", "category": "grade", "string_object": "83"},
            {"string_object": "91"},
            {"category": "poem"},
        ),
        (
            "references",
            "reference",
            {"description": "Good", "relationship": "taught", "referee": {"name": "Al"}},
            {"relationship": "mentored"},
            {"relationship": "adored"},
        ),
    ],
)
def test_attachments_are_created_read_changed_and_deleted(accredible, create, kind, root, first, change, bad):
    create()
    path = f"/v1/credentials/cc-88-481/{kind}"
    made = accredible.post(path, json={root: first}).json()[root]
    assert made["description"] == first["description"]
    one = f"{path}/{made['id']}"
    assert accredible.get(one).json()[root] == made
    changed = accredible.put(one, json={root: change}).json()[root]
    assert (changed["id"], changed["description"], changed != made) == (made["id"], made["description"], True)
    assert accredible.put(one, json={root: bad}).status_code == 422
    assert accredible.post(path, json={root: {"position": 1}}).status_code == 422
    assert accredible.get("/v1/credentials/cc-88-481").json()["credential"][kind] == [changed]
    assert accredible.delete(one).json()[root] == changed
    assert accredible.get(one).status_code == 404
    assert accredible.post(f"/v1/credentials/none/{kind}", json={root: first}).status_code == 404


def test_evidence_is_read_under_other_names(create):
    sent = [
        {"description": "Course", "category": "url", "url": "https://lms.example/88"},
        {"description": "Score", "category": "grade", "string_object": "83"},
        {"description": "Marks", "category": "transcript", "string_object": '[{"category": "A", "percent": "9"}]'},
    ]
    url, grade, marks = create(evidence_items=sent).json()["credential"]["evidence_items"]
    assert (url["type"], url["link_url"], url["string_object"]) == ("url", "https://lms.example/88", None)
    assert (grade["string_object"], marks["string_object"][0]["percent"]) == ({"grade": 83}, "9")
    broken = [{"description": "Marks", "category": "transcript", "string_object": "[oops"}]
    assert create(id="b", evidence_items=broken).status_code == 422


def test_an_avatar_that_cannot_be_fetched_is_a_server_error(box, create, group):
    referee = {"name": "Al", "avatar": "https://nowhere.invalid/al.png"}
    answer = create(references=[{"description": "Good", "relationship": "taught", "referee": referee}])
    assert (answer.status_code, box.accredible.in_group(group.id)) == (500, [])
