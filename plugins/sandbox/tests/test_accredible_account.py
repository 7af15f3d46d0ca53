"""Accredible's keys, groups and what else belongs to the account (accredible.md 1, 2, 5)."""

from __future__ import annotations

import pytest
import requests

from connectctl_sandbox import Fault

NEW = {"name": "fire-safety", "course_name": "Fire Safety", "course_description": "Two hours."}


@pytest.fixture
def department_session(box, accredible_session):
    """A session of the second department, which has one group."""
    return accredible_session(box.accredible.add_key(2).key)


@pytest.mark.parametrize("form", ["Token token={}", 'Token token="{}"', "Token {}", "Bearer {}"])
def test_four_forms_of_the_key_work(box, form):
    headers = {"Authorization": form.format(box.accredible.key)}
    answer = requests.get(f"{box.accredible_url}/v1/issuer/details", headers=headers, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["issuer"]["certificate_left"] == box.accredible.credits


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Token "}])
def test_without_a_key_the_answer_is_plain_text(box, headers):
    answer = requests.get(f"{box.accredible_url}/v1/issuer/details", headers=headers, timeout=10)
    assert (answer.status_code, answer.text.strip()) == (401, "HTTP Token: Access denied.")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_an_unknown_key_is_told_in_json_or_in_text(box, accredible):
    box.accredible.revoke_key()
    answer = accredible.get("/v1/issuer/details")
    assert (answer.status_code, answer.json()["success"]) == (401, False)
    box.accredible.flags.unknown_key_as_text = True
    assert accredible.get("/v1/issuer/details").text.startswith("HTTP Token")


# Groups


def test_a_group_is_created_read_changed_and_deleted(accredible):
    wanted = NEW | {
        "auto_expiry": 2,
        "badge_design_id": 32,
        "collections": [{"id": 4}],
        "skill_category_id": 2,
        "meta_data": {"lms": "77"},
        "allow_duplicate_credentials": True,
    }
    answer = accredible.post("/v1/issuer/groups", json={"group": wanted})
    group = answer.json()["group"]
    assert (answer.status_code, group["department_id"], group["language"]) == (200, 1, "en")
    assert (group["design_name"], group["certificate_design_id"]) == ("Blue badge", None)
    assert "allow_duplicate_credentials" not in group
    assert (group["collections"][0]["id"], group["skill_category"]["id"]) == (4, 2)
    assert accredible.get(f"/v1/issuer/groups/{group['id']}").json()["group"] == group
    changed = accredible.put(f"/v1/issuer/groups/{group['id']}", json={"group": {"course_name": "Safety"}}).json()[
        "group"
    ]
    assert (changed["course_name"], changed["auto_expiry"], changed["meta_data"]) == ("Safety", 2, {"lms": "77"})
    assert accredible.delete(f"/v1/issuer/groups/{group['id']}").json()["group"]["id"] == group["id"]
    assert accredible.get(f"/v1/issuer/groups/{group['id']}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "property"),
    [
        ({"course_name": ""}, "course_name"),
        ({"name": None}, "name"),
        ({"name": "forklift-safety"}, "name"),
        ({"language": "klingon"}, "language"),
        ({"attach_pdf": "yes"}, "attach_pdf"),
        ({"auto_expiry": "soon"}, "auto_expiry"),
        ({"meta_data": {"a": 1}}, "meta_data"),
        ({"learning_outcomes": "Evacuate"}, "learning_outcomes"),
        ({"collections": [4]}, "collections"),
        ({"certificate_design_id": 99}, "certificate_design_id"),
        ({"archived": True}, "archived"),
    ],
)
def test_a_malformed_group_is_refused_by_property(box, accredible, changes, property):
    before = dict(box.accredible.groups)
    answer = accredible.post("/v1/issuer/groups", json={"group": NEW | changes})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [property]
    assert box.accredible.groups == before


@pytest.mark.parametrize("body", [{}, NEW, {"group": {}}, {"group": []}, {"group": NEW, "page": 1}])
def test_a_body_without_its_root_key_is_a_bad_request(accredible, body):
    answer = accredible.post("/v1/issuer/groups", json=body)
    assert (answer.status_code, "group" in answer.json()["errors"]) == (400, True)


def test_names_may_be_shared_when_the_account_lets_them(box, accredible):
    box.accredible.flags.unique_group_names = False
    assert accredible.post("/v1/issuer/groups", json={"group": NEW | {"name": "forklift-safety"}}).status_code == 200


def test_a_group_with_credentials_is_not_deleted(box, accredible):
    group = next(iter(box.accredible.groups))
    answer = accredible.delete(f"/v1/issuer/groups/{group}")
    assert (answer.status_code, isinstance(answer.json()["errors"], str)) == (422, True)
    assert group in box.accredible.groups


def test_duplicates_once_there_stay_allowed(box, accredible):
    held = next(one.id for one in box.accredible.groups.values() if one.allow_duplicate_credentials)
    change = {"group": {"allow_duplicate_credentials": False}}
    assert accredible.put(f"/v1/issuer/groups/{held}", json=change).status_code == 422
    box.accredible.delete(box.accredible.in_group(held)[-1].id)
    assert accredible.put(f"/v1/issuer/groups/{held}", json=change).status_code == 200


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"name": "SAFETY"}, ["forklift-safety"]),
        ({"course_name": "partner on"}, ["partner-onboarding"]),
        ({"ids": [4102, 4103]}, ["forklift-safety", "first-aid-responder"]),
        ({"ids": []}, []),
        ({"meta_data": {"lms": "1"}}, []),
        ({"name": "e", "ids": ["4106"]}, []),
        ({"start_updated_date": "2026-03-01"}, []),
        ({"end_updated_date": "2025-09-01", "name": "data"}, ["data-protection-practitioner"]),
    ],
)
def test_groups_are_searched(accredible, body, names):
    answer = accredible.post("/v1/issuer/groups/search", json=body).json()
    assert [one["name"] for one in answer["groups"]] == names
    assert answer["meta"]["total_count"] == len(names)


def test_pages_of_groups_by_query_or_body(box, accredible):
    box.accredible.flags.max_page = 4

    def names(response):
        return [one["name"] for one in response.json()["groups"]]

    first = accredible.post("/v1/issuer/groups/search", json={"page_size": 50})
    assert first.json()["meta"] == {
        "current_page": 1,
        "next_page": 2,
        "prev_page": None,
        "total_pages": 3,
        "total_count": 9,
    }
    by_body = accredible.post("/v1/issuer/groups/search", json={"page": 3, "page_size": 4})
    by_query = accredible.post("/v1/issuer/groups/search?page=3&page_size=4", json={})
    listed = accredible.get("/v1/issuer/all_groups?page=3&page_size=4")
    assert names(by_body) == names(by_query) == names(listed) == ["partner-onboarding"]
    assert by_body.json()["meta"]["next_page"] is None
    assert names(accredible.get("/v1/issuer/all_groups?name=forklift")) == ["forklift-safety"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/issuer/groups/search", {"page": 0}, 400),
        ("POST", "/v1/issuer/groups/search", {"page_size": "many"}, 400),
        ("POST", "/v1/issuer/groups/search", {"group": {}}, 400),
        ("POST", "/v1/issuer/groups/search", {"start_updated_date": "2026-3-1"}, 400),
        ("GET", "/v1/issuer/all_groups?per_page=5", None, 400),
        ("GET", "/v1/issuer/groups/none", None, 404),
        ("GET", "/v1/issuer/groups/1", None, 404),
        ("GET", "/v1/issuer/details?x=1", None, 400),
        ("GET", "/v1/issuer", None, 404),
        ("DELETE", "/v1/issuer/details", None, 405),
        ("POST", "/v3/credentials/search", {}, 404),
    ],
)
def test_what_it_does_not_understand(accredible, method, path, body, status):
    assert accredible.send(method, path, json=body).status_code == status


@pytest.mark.parametrize(("form", "key"), [("success", "data"), ("errors", "errors"), ("error", "error")])
def test_what_is_not_there_is_told_in_three_ways(box, accredible, form, key):
    box.accredible.flags.not_found = form
    assert accredible.get("/v1/credentials/none").json()[key] == "Credential not found"


# Departments


def test_a_departments_key_sees_its_own(box, accredible, department_session):
    groups = department_session.post("/v1/issuer/groups/search", json={}).json()["groups"]
    assert [one["name"] for one in groups] == ["partner-onboarding"]
    foreign = next(iter(box.accredible.groups))
    assert department_session.get(f"/v1/issuer/groups/{foreign}").status_code == 404
    credential = next(iter(box.accredible.credentials))
    assert accredible.get(f"/v1/credentials/{credential}").status_code == 200
    assert department_session.get(f"/v1/credentials/{credential}").status_code == 404
    assert department_session.get("/v1/all_credentials").json()["credentials"] == []
    assert department_session.post("/v2/credentials/search", json={"query": {}}).json()["meta"]["count"] == 0
    made = department_session.post("/v1/issuer/groups", json={"group": NEW}).json()["group"]
    assert made["department_id"] == 2
    refused = department_session.post("/v1/issuer/groups", json={"group": NEW | {"name": "x", "department_id": 1}})
    assert refused.status_code == 404


def test_departments_are_searched(box, accredible, department_session):
    def search(**body):
        return accredible.post("/v1/departments/search", json=body).json()["departments"]

    assert [one["name"] for one in search()] == ["Main", "Partners"]
    assert [one["id"] for one in search(meta_data={"region": "north"})] == [2]
    assert department_session.post("/v1/departments/search", json={}).json()["departments"] == []
    box.accredible.flags.single_department = True
    assert search()["name"] == "Main"


def test_attribute_keys_are_searched_and_created(accredible):
    def names(**body):
        rows = accredible.post("/v1/attribute_keys/search", json=body).json()["attribute_keys"]
        return [one["name"] for one in rows]

    assert names() == ["Site", "Completed on"]
    assert names(kind="date") == ["Completed on"]
    made = {"attribute_key": {"name": "Trainer", "kind": "text", "department_id": 2}}
    assert accredible.post("/v1/attribute_keys", json=made).json()["attribute_key"]["id"] == 3
    assert names(department_id=2) == ["Trainer"]
    missing = accredible.post("/v1/attribute_keys", json={"attribute_key": {"name": "Trainer"}})
    assert (missing.status_code, set(missing.json()["errors"])) == (422, {"kind", "department_id"})
    assert accredible.post("/v1/attribute_keys/search", json={"kind": "colour"}).status_code == 400


# Limits and faults


def test_two_thousand_in_five_minutes(box, accredible):
    box.accredible.flags.limits = True
    statuses = [accredible.get("/v1/issuer/details").status_code for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    refused = accredible.get("/v1/issuer/details")
    assert ("Retry-After" in refused.headers, refused.json()["errors"]) == (False, "Too many requests")
    box.accredible.flags.retry_after = True
    assert accredible.get("/v1/issuer/details").headers["Retry-After"] == "30"
    box.clock.advance(30)
    assert accredible.get("/v1/issuer/details").status_code == 200


def test_the_first_search_is_limited_more(box, accredible):
    box.accredible.flags.limits = True
    statuses = [accredible.post("/v1/credentials/search", json={}).status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert accredible.post("/v2/credentials/search", json={"query": {}}).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [
        ("lose_request", None, 0),
        ("lose_answer", None, 1),
        ("cut_answer", None, 1),
        ("http_429", 429, 0),
        ("http_500_before", 500, 0),
        ("http_500_after", 500, 1),
        ("http_503", 503, 0),
        ("html_200", 200, 0),
        ("truncated_json", 200, 1),
        ("wrong_types", 200, 1),
    ],
)
def test_faults_strike_before_or_after_the_change(box, create, group, kind, status, made):
    box.faults.add(Fault(kind=kind, remote="accredible", method="POST", path=r"/v1/credentials$", times=1))
    try:
        answer = create().status_code
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        answer = None
    assert (answer, len(box.accredible.in_group(group.id))) == (status, made)
    # The caller's own id keeps a second try from making a second one.
    assert create().status_code == (422 if made else 200)
    assert box.log.count(remote="accredible", fault=kind) == 1


def test_pages_without_end(box, accredible):
    box.faults.add(Fault(remote="accredible", kind="endless_pages"))
    pages = [accredible.post("/v1/issuer/groups/search", json={"page": number}).json() for number in (1, 7)]
    assert pages[0]["groups"] == pages[1]["groups"] != []
    assert [page["meta"]["next_page"] for page in pages] == [2, 8]
    assert accredible.get("/v1/all_credentials?page=3").json()["meta"]["next_page"] == 4

    def search(**page):
        return accredible.post("/v2/credentials/search", json={"query": {}, "page": {"size": 5} | page}).json()

    first = search()
    again = search(cursor=first["meta"]["cursor"])
    assert again["credentials"] == first["credentials"]
    assert again["meta"]["cursor"] == first["meta"]["cursor"]
    assert search(**{"from": 500})["meta"]["count"] == 510
