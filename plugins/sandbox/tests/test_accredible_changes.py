"""Changing and deleting Accredible's credentials, and what hangs on them (accredible.md 3.6, 3.7, 4)."""

from __future__ import annotations

import pytest


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
