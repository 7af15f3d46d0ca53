"""Accredible's lists and searches of credentials, and the seeded account (accredible.md 3.8, 3.9, 11)."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest
import requests

from connectctl_sandbox import Sandbox


@pytest.fixture
def people(box, group):
    """Four credentials made on four days: two expire, one is unpublished, and one was changed last."""
    state = box.accredible
    made = {}
    for number, (name, details) in enumerate(
        {
            "ada": {"license_id": "cc-1", "recipient_id": "u-1", "meta_data": {"key": "1", "lms": "a"}},
            "bo": {"expired_on": "2027-01-01", "custom_attributes": {"Site": "Leeds"}},
            "cy": {"expired_on": "2026-06-01", "recipient_meta_data": {"unit": "x"}},
            "di": {"approve": False, "meta_data": {"key": "2", "lms": "a"}},
        }.items()
    ):
        at = 1_768_000_000.0 + number * 86_400  # 2026-01-09 on
        made[name] = state.issue(group.id, f"{name}@example.org", name.title(), created_at=at, **details)
    made["ada"] = state.change(made["ada"].id, grade="9")
    return made


@pytest.fixture
def search(accredible):
    """POSTs a v2 search; returns the whole answer."""

    def post(query, sort=None, **page):
        body = {"query": query} | ({"sort": sort} if sort else {}) | ({"page": page} if page else {})
        return accredible.post("/v2/credentials/search", json=body)

    return post


# Version 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("email=ada@example.org", ["Ada"]),
        ("email=ADA@example.org", []),
        ("recipient_id=u-1", ["Ada"]),
        ("license_id=cc-1", ["Ada"]),
        ("start_date=2026-01-10&end_date=2026-01-11", ["Bo", "Cy"]),
        ("start_updated_date=2026-03-02", ["Ada"]),
        ("end_updated_date=2026-01-10", ["Bo"]),
        ("email=bo@example.org&license_id=cc-1", []),
    ],
)
def test_the_old_list_compares_exactly_and_by_days(accredible, people, group, query, names):
    answer = accredible.get(f"/v1/all_credentials?group_id={group.id}&{query}").json()
    assert [one["recipient"]["name"] for one in answer["credentials"]] == names
    assert answer["meta"]["total_count"] == len(names)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"recipient.email": "bo@example.org"}, ["Bo"]),
        ({"recipient": {"email": "bo@example.org", "name": "Bo"}}, ["Bo"]),
        ({"recipient.meta_data": {"unit": "x"}}, ["Cy"]),
        ({"meta_data": {"lms": "a"}}, ["Ada", "Di"]),
        ({"meta_data": {"lms": "a", "key": "2"}}, ["Di"]),
        ({"license_id": "cc-1"}, ["Ada"]),
        ({"page": 2, "page_size": 3}, ["Di"]),
    ],
)
def test_the_old_search_takes_dots_or_an_object(accredible, people, group, body, names):
    answer = accredible.post("/v1/credentials/search", json={"group_id": group.id} | body).json()
    assert [one["recipient"]["name"] for one in answer["credentials"]] == names


@pytest.mark.parametrize(
    "body",
    [
        {"email": "x"},
        {"group_id": "x"},
        {"recipient": "x"},
        {"recipient": {"age": "5"}},
        {"start_date": "May"},
        {"page": 0},
    ],
)
def test_a_malformed_old_search_is_a_bad_request(accredible, body):
    answer = accredible.post("/v1/credentials/search", json=body)
    assert (answer.status_code, isinstance(answer.json()["errors"], str)) == (400, True)


def test_addresses_are_kept_in_lower_case_however_they_were_written(box, accredible, group):
    made = box.accredible.issue(group.id, "Ed@Example.org")
    assert box.accredible.held_by(group.id, "ED@example.org") == [made]
    assert accredible.get("/v1/all_credentials?email=ed@example.org").json()["meta"]["total_count"] == 1


# Version 2


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Ada", "Bo", "Cy", "Di"]),
        ({"recipient_name": "Bo"}, ["Bo"]),
        ({"recipient_name[in]": ["Bo", "Di"]}, ["Bo", "Di"]),
        ({"recipient_email": "bo@example.org"}, ["Bo"]),
        ({"recipient_email": "BO@example.org"}, []),
        ({"recipient_id[eq]": "u-1"}, ["Ada"]),
        ({"license_id[in]": ["cc-1", "cc-9"]}, ["Ada"]),
        ({"approve": False}, ["Di"]),
        ({"meta_data": {"lms": "a"}}, ["Ada", "Di"]),
        ({"custom_attributes": {"Site": "Leeds"}}, ["Bo"]),
        ({"recipient_meta_data": {"unit": "x"}}, ["Cy"]),
        ({"updated_at[gte]": "2026-01-11"}, ["Ada", "Cy", "Di"]),
        ({"updated_at[gt]": "2026-01-11"}, ["Ada", "Di"]),
        ({"created_at[lte]": "2026-01-10"}, ["Ada", "Bo"]),
        ({"created_at[lt]": "2026-01-10"}, ["Ada"]),
        ({"issued_on[in]": ["2026-01-09", "2026-01-12"]}, ["Ada", "Di"]),
        ({"expired_on[gte]": "2026-01-01", "expired_on[lt]": "2027-01-01"}, ["Cy"]),
    ],
)
def test_the_search_knows_its_keys_and_operators(people, search, group, query, names):
    answer = search({"group.id": group.id} | query).json()
    assert [one["recipient_name"] for one in answer["credentials"]] == names
    assert answer["meta"]["count"] == len(names)


def test_a_row_is_flat_and_has_the_times(people, search):
    (row,) = search({"license_id": "cc-1"}).json()["credentials"]
    assert (row["id"], row["license_id"], row["group"]["name"]) == (people["ada"].id, "cc-1", "empty")
    assert (row["created_at"], row["updated_at"]) == ("2026-01-09T23:06:40.000Z", "2026-03-02T09:00:00.000Z")
    assert not {"url", "description", "complete", "evidence_items", "recipient"} & set(row)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": []},
        {"query": {}, "filter": {}},
        {"query": {"email": "x"}},
        {"query": {"updated_at[like]": "2026-01-01"}},
        {"query": {"uuid[gte]": "x"}},
        {"query": {"approve[in]": [True]}},
        {"query": {"approve": "true"}},
        {"query": {"updated_at[gte]": "2026-1-1"}},
        {"query": {"updated_at[gte]": "2026-01-01T00:00:00Z"}},
        {"query": {"group.id[in]": 5}},
        {"query": {"meta_data": "x"}},
        {"query": {"meta_data[eq]": {}}},
        {"query": {}, "sort": {"updated_at": "asc"}},
        {"query": {}, "sort": {"id": "up"}},
        {"query": {}, "sort": {"id": "asc", "issued_on": "asc"}},
        {"query": {}, "sort": "id"},
        {"query": {}, "page": {"from": 0, "cursor": "WzEsMV0=", "size": 5}},
        {"query": {}, "page": {"from": 9_990, "size": 20}},
        {"query": {}, "page": {"size": 0}},
        {"query": {}, "page": {"page": 1}},
        {"query": {}, "page": {"cursor": "not a cursor"}},
        {"query": {}, "page": {"cursor": None}},
    ],
)
def test_a_search_that_makes_no_sense(accredible, body):
    answer = accredible.post("/v2/credentials/search", json=body)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["status"]) == (400, "invalid_search_query")


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ({"id": "desc"}, "Di Cy Bo Ada"),
        ({"recipient_name": "desc"}, "Di Cy Bo Ada"),
        ({"issued_on": "asc"}, "Ada Bo Cy Di"),
        ({"expired_on": "asc"}, "Cy Bo Ada Di"),
        ({"expired_on": "desc"}, "Bo Cy Ada Di"),
        ({"group.name": "desc"}, "Ada Bo Cy Di"),
    ],
)
def test_offsets_and_cursors_walk_every_order(people, search, group, sort, names):
    query = {"group.id": group.id}
    by_offset = [
        row["recipient_name"]
        for start in range(0, 6, 2)
        for row in search(query, sort, **{"from": start, "size": 2}).json()["credentials"]
    ]
    by_cursor, page = [], {"size": 1}
    for _ in [*names.split(), "end"]:
        answer = search(query, sort, **page).json()
        by_cursor += [row["recipient_name"] for row in answer["credentials"]]
        if answer["meta"]["cursor"] is None:
            break
        page = {"size": 1, "cursor": answer["meta"]["cursor"]}
    assert " ".join(by_offset) == " ".join(by_cursor) == names
    assert answer["meta"] == {"count": 4, "from": 0, "size": 1, "cursor": None}


def test_a_cursor_goes_on_behind_what_was_deleted(box, people, search, group):
    query, sort = {"group.id": group.id}, {"id": "asc"}
    first = search(query, sort, size=2).json()
    box.accredible.delete(people["bo"].id)
    box.accredible.delete(people["ada"].id)
    later = search(query, sort, size=2, cursor=first["meta"]["cursor"]).json()
    assert [row["recipient_name"] for row in later["credentials"]] == ["Cy", "Di"]


@pytest.mark.parametrize("flag", ["until_empty", "null", "absent", "same"])
def test_the_last_page_ends_in_four_ways(box, people, search, group, flag):
    box.accredible.flags.last_cursor = flag
    query = {"group.id": group.id}
    cursor = search(query, size=3).json()["meta"]["cursor"]
    last = search(query, size=3, cursor=cursor).json()
    assert [row["recipient_name"] for row in last["credentials"]] == ["Di"]
    match flag:
        case "until_empty":
            assert last["meta"]["cursor"] not in (None, cursor)
            assert search(query, size=3, cursor=last["meta"]["cursor"]).json()["credentials"] == []
        case "null":
            assert last["meta"]["cursor"] is None
        case "absent":
            assert "cursor" not in last["meta"]
        case "same":
            assert last["meta"]["cursor"] == cursor


def test_a_page_holds_a_hundred_at_most(box, accredible, search, group):
    for number in range(120):
        box.accredible.issue(group.id, f"p{number}@example.org")
    answer = search({"group.id": group.id}, size=500).json()
    assert (len(answer["credentials"]), answer["meta"]["size"], answer["meta"]["count"]) == (100, 100, 120)
    old = accredible.get(f"/v1/all_credentials?group_id={group.id}&page_size=500").json()
    assert (len(old["credentials"]), old["meta"]["next_page"]) == (100, 2)


def test_the_index_lags_and_nothing_else_does(box, accredible, create, search, group):
    query = {"group.id": group.id}
    box.accredible.flags.search_lag = 10

    def counts():
        old = accredible.get(f"/v1/all_credentials?group_id={group.id}").json()["meta"]["total_count"]
        return old, search(query).json()["meta"]["count"]

    create()
    assert counts() == (1, 0)
    box.clock.advance(10)
    assert counts() == (1, 1)
    accredible.put("/v1/credentials/cc-88-481", json={"credential": {"grade": "9"}})
    assert search(query).json()["credentials"][0]["grade"] is None
    accredible.delete("/v1/credentials/cc-88-481")
    accredible.delete(f"/v1/issuer/groups/{group.id}")
    assert counts() == (0, 1)
    box.clock.advance(10)
    assert counts() == (0, 0)


def test_a_change_of_a_group_may_touch_its_credentials(box, accredible, people, search, group):
    change = {"group": {"course_name": "Renamed"}}
    query = {"group.id": group.id, "updated_at[gte]": "2026-03-02"}
    accredible.put(f"/v1/issuer/groups/{group.id}", json=change)
    assert search(query).json()["meta"]["count"] == 1
    box.accredible.flags.group_touches_credentials = True
    accredible.put(f"/v1/issuer/groups/{group.id}", json=change)
    assert search(query).json()["meta"]["count"] == 4


# The seeded account


def test_the_small_account_has_every_case(box):
    state = box.accredible
    first = next(iter(state.groups.values()))
    held = state.in_group(first.id)
    learners = {user.email for user in box.docebo.users.values()}
    assert [one.complete for one in held].count(False) == 1
    assert sum(1 for one in held if state.expired(one)) == 1
    assert sum(1 for one in held if not one.approve) == 1
    assert sum(1 for one in held if one.recipient_email not in learners) == 1
    people = Counter((one.group_id, one.recipient_email) for one in state.credentials.values())
    assert [state.groups[group].allow_duplicate_credentials for (group, _), count in people.items() if count > 1] == [
        True
    ]
    groups = list(state.groups.values())
    assert sum(1 for one in groups if one.design_id is None) == sum(1 for one in groups if one.auto_expiry) == 1
    assert {one.department_id for one in groups} == {1, 2}
    assert (len(state.groups), len(state.credentials), state.mails) == (9, 19, [])


def test_the_account_is_the_same_for_the_same_seed_and_leaves_the_other_worlds_alone():
    one, same, other = Sandbox(seed=3), Sandbox(seed=3), Sandbox(seed=4)
    assert one.accredible.credentials == same.accredible.credentials
    assert one.accredible.key == same.accredible.key
    assert one.accredible.credentials != other.accredible.credentials
    names = {group.id: group.name for group in one.accredible.groups.values()}
    assert set(one.intended_groups) == set(one.intended)
    assert set(one.intended_groups.values()) <= set(names.values())


def test_the_configuration_has_the_connection_when_asked(box):
    assert "accredible" not in tomllib.loads(box.config_toml(accredible=False))["connections"]
    own = tomllib.loads(box.config_toml(accredible=True))["connections"]["accredible"]
    headers = {"Authorization": f"Token token={own['api_key']}"}
    assert requests.get(f"{own['base_url']}/v1/issuer/details", headers=headers, timeout=10).status_code == 200
    assert box.state()["accredible"]["groups"][0] == {
        "id": "4101",
        "name": "data-protection-practitioner",
        "credentials": 5,
    }
