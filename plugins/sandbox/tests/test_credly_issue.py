"""Issuing badges: bodies, dates, evidence, duplicates (credly.md 5.1, 5.5, 5.10, 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

NO_WAY = object()


@pytest.fixture
def issue(credly, body):
    """POSTs the ordinary body with changes; NO_WAY leaves an attribute out."""

    def post(**changes):
        sent = {name: value for name, value in (body | changes).items() if value is not NO_WAY}
        return credly.post("/badges", json=sent)

    return post


def test_a_new_badge_is_pending_and_carries_its_template(issue, free_template_id):
    answer = issue(locale="fr", suppress_badge_notification_email=True, country_name="Italy", state_or_province="RM")
    badge = answer.json()["data"]
    assert (answer.status_code, answer.json()["metadata"]) == (201, {})
    assert (badge["state"], badge["user"], badge["issuer_earner_id"]) == ("pending", {}, "lms-481")
    assert (badge["issued_at"], badge["issued_at_date"]) == ("2026-03-01T12:00:00.000Z", "2026-03-01")
    assert (badge["created_at"], badge["expires_at"]) == ("2026-03-02T09:00:00.000Z", None)
    assert (badge["issued_to"], badge["locale"], badge["country"]) == ("Jo Doe", "fr", "Italy")
    assert badge["badge_template"]["id"] == free_template_id
    assert badge["badge_template"]["badges_count"] == 1
    assert badge["accept_badge_url"].endswith(f"{badge['id']}/accept")
    assert "badge_url" not in badge


@pytest.mark.parametrize(
    "attribute",
    ["recipient_email", "issued_to_first_name", "issued_to_last_name", "badge_template_id", "issued_at"],
)
@pytest.mark.parametrize("value", [NO_WAY, None, ""])
def test_a_required_attribute_is_missed(issue, attribute, value):
    answer = issue(**{attribute: value})
    assert answer.status_code == 422
    assert answer.json()["metadata"] is None
    (problem,) = answer.json()["data"]["errors"]
    assert problem["attribute"] == attribute
    assert problem["messages"] == ["can't be blank"]
    assert problem["attribute_label"] in answer.json()["data"]["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "x"},
        {"notification_message": "hi"},
        {"group_tags": ["a"]},
        {"recipient_email": "not an address"},
        {"recipient_email": 5},
        {"issuer_earner_id": 4711},
        {"issued_to_middle_name": ["Q"]},
        {"issued_at": "yesterday"},
        {"issued_at": 1772366400},
        {"expires_at": True},
        {"expires_at": 30},
        {"expires_at": "soon"},
        {"locale": "it"},
        {"suppress_badge_notification_email": "true"},
        {"duplicate_behavior": "ignore"},
        {"issuer_earner_group": "ops"},
        {"issuer_earner_group": {"tag": "ops"}},
        {"evidence": {}},
        {"evidence": ["x"]},
        {"evidence": [{"type": "TextEvidence", "title": "t", "description": "d"}]},
        {"evidence": [{"type": "UrlEvidence", "name": "n"}]},
        {"evidence": [{"type": "UrlEvidence", "name": "n", "value": "ftp://example.org"}]},
        {"evidence": [{"type": "UrlEvidence", "name": "n", "value": "https://example.org", "id": "x"}]},
        {"evidence": [{"type": "IdEvidence", "title": "t"}]},
        {"evidence": [{"type": "IdEvidence", "title": "t", "id": "1", "description": 5}]},
    ],
)
def test_an_unknown_or_malformed_attribute_is_refused(box, issue, changes):
    answer = issue(**changes)
    assert answer.status_code == 422
    assert [problem["attribute"] for problem in answer.json()["data"]["errors"]] == list(changes)
    assert len(box.credly.badges) == 1


def test_every_problem_is_told_at_once(issue):
    errors = issue(recipient_email=NO_WAY, locale="xx", colour="red").json()["data"]["errors"]
    assert {problem["attribute"] for problem in errors} == {"recipient_email", "locale", "colour"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-03-01 12:00:00 -0500", "2026-03-01T17:00:00.000Z"),
        ("2026-03-01T12:00:00+01:00", "2026-03-01T11:00:00.000Z"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00.000Z"),
        ("2026-03-01 01:05:00 PM", "2026-03-01T13:05:00.000Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
    ],
)
def test_dates_are_read_leniently_unless_strict(box, issue, text, read):
    assert issue(issued_at=text).json()["data"]["issued_at"] == read
    box.credly.flags.strict_dates = True
    documented = text.endswith("-0500")
    assert issue(issued_at=text, recipient_email="b@example.org", issuer_earner_id="b").status_code == (
        201 if documented else 422
    )


def test_expiry_is_the_templates_a_date_or_never(box, issue):
    with_default = next(one.id for one in box.credly.templates.values() if one.expires_after_days)

    def expires_at(who, **changes):
        answer = issue(recipient_email=f"{who}@example.org", issuer_earner_id=who, **changes)
        return answer.json()["data"]["expires_at"]

    assert expires_at("a", badge_template_id=with_default) == "2027-03-01T12:00:00.000Z"
    assert expires_at("b", badge_template_id=with_default, expires_at=None) == "2027-03-01T12:00:00.000Z"
    assert expires_at("c", badge_template_id=with_default, expires_at=False) is None
    assert expires_at("d", expires_at="2028-01-01") == "2028-01-01T00:00:00.000Z"
    assert expires_at("e", expires_at="2028-01-01 10:00:00 +0100") == "2028-01-01T09:00:00.000Z"


def test_evidence_comes_back_under_ids_of_its_own(issue):
    sent = [
        {"type": "UrlEvidence", "name": "Course", "value": "https://lms.example/88"},
        {"type": "IdEvidence", "title": "run", "description": "flow 7", "id": "cmp-1"},
    ]
    url, own = issue(evidence=sent).json()["data"]["evidence"]
    assert (url["name"], url["value"], url["description"]) == ("Course", "https://lms.example/88", None)
    assert (own["title"], own["description"]) == ("run", "flow 7")
    assert len({url["id"], own["id"], "cmp-1"}) == 3


@pytest.mark.parametrize(("state", "words"), [("archived", "archived"), ("draft", "draft")])
def test_only_active_templates_issue(box, issue, state, words):
    template = box.credly.add_template("Not active", state=state)
    answer = issue(badge_template_id=template.id)
    assert (answer.status_code, words in answer.json()["data"]["message"]) == (422, True)
    assert box.credly.live_badges(template.id) == []


def test_a_foreign_template_is_named_in_the_message(issue):
    answer = issue(badge_template_id="3f2c")
    assert answer.status_code == 422
    assert answer.json() == {"data": {"message": "Invalid or missing Badge Template ID: 3f2c"}, "metadata": None}


# Duplicates


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 422),
        ({"issuer_earner_id": "other"}, 422),
        ({"recipient_email": "JO@EXAMPLE.ORG", "issuer_earner_id": "other"}, 422),
        ({"recipient_email": "other@example.org"}, 422),
        ({"recipient_email": "second@example.org", "issuer_earner_id": NO_WAY}, 422),
        ({"recipient_email": "other@example.org", "issuer_earner_id": "other"}, 201),
        ({"duplicate_behavior": "deny"}, 422),
        ({"duplicate_behavior": "allow"}, 201),
    ],
)
def test_a_duplicate_is_the_same_address_account_or_earner_id(box, issue, changes, status):
    box.credly.add_account("jo@example.org", "second@example.org")
    assert issue().status_code == 201
    answer = issue(**changes)
    assert answer.status_code == status
    if status == 422:
        assert "already has this badge" in answer.json()["data"]["message"]


@pytest.mark.parametrize(
    ("state", "revoked_blocks", "status"),
    [
        ("pending", False, 422),
        ("accepted", False, 422),
        ("rejected", False, 422),
        ("revoked", False, 201),
        ("revoked", True, 422),
    ],
)
def test_which_states_stand_in_the_way(box, issue, free_template_id, state, revoked_blocks, status):
    box.credly.flags.revoked_blocks = revoked_blocks
    box.credly.issue("jo@example.org", free_template_id, state=state)
    assert issue().status_code == status


def test_a_replaced_badge_blocks_only_through_its_successor(box, credly, issue, free_template_id):
    first = issue().json()["data"]["id"]
    other = list(box.credly.templates)[3]
    moved = {"badge_template_id": other, "issued_at": "2026-03-01 12:00:00 +0000", "issuer_earner_id": "lms-481"}
    assert credly.post(f"/badges/{first}/replace", json=moved).status_code == 201
    assert issue().status_code == 201
    assert issue(badge_template_id=other).status_code == 422


def test_a_template_that_allows_duplicates_ignores_the_behavior(box, issue):
    template = next(one for one in box.credly.templates.values() if one.allow_duplicate_badges)
    for behavior in (NO_WAY, "deny", "replace", "allow"):
        assert issue(badge_template_id=template.id, duplicate_behavior=behavior).status_code == 201
    assert len(box.credly.live_badges(template.id)) == 4


def test_the_old_rule_looks_at_the_times(box, issue):
    box.credly.flags.old_duplicate_rule = True
    assert issue(expires_at="2027-01-01").status_code == 201
    assert issue().status_code == 422
    assert issue(issued_at="2026-03-01 13:00:00 +0000", expires_at="2027-01-01").status_code == 422
    assert issue(issued_at="2026-03-01 13:00:00 +0000").status_code == 201
    assert issue(recipient_email="other@example.org").status_code == 201


def test_replace_passes_over_an_identical_record(box, issue):
    first = issue(country_name="Italy").json()["data"]
    events = len(box.credly.events)
    again = issue(country_name="Italy", duplicate_behavior="replace", issued_at="2026-03-02 00:00:00 +0000")
    assert (again.status_code, again.json()["data"]) == (200, first)
    assert len(box.credly.events) == events


def test_replace_erases_what_is_left_out_and_keeps_the_time_of_issue(box, issue):
    evidence = [{"type": "IdEvidence", "title": "t", "id": "1"}]
    first = issue(country_name="Italy", evidence=evidence).json()["data"]
    answer = issue(issued_to_last_name="Married", duplicate_behavior="replace", issued_at="2026-03-02 00:00:00 +0000")
    second = answer.json()["data"]
    assert answer.status_code == 201
    assert (second["replaces_badge_id"], second["issued_at"]) == (first["id"], first["issued_at"])
    assert (second["issued_to_last_name"], second["country"], second["evidence"]) == ("Married", None, [])
    assert box.credly.badges[first["id"]].replacement_badge_id == second["id"]


@pytest.mark.parametrize(
    ("accepted", "changes", "status"),
    [
        (False, {"recipient_email": "new@example.org"}, 201),
        (True, {"recipient_email": "new@example.org"}, 422),
        (True, {"issuer_earner_id": "new"}, 201),
        (False, {"recipient_email": "second@example.org", "issuer_earner_id": "new"}, 422),
    ],
)
def test_replace_changes_the_address_only_while_pending(box, issue, accepted, changes, status):
    box.credly.add_account("jo@example.org", "second@example.org")
    first = issue().json()["data"]["id"]
    if accepted:
        box.credly.accept(first)
    answer = issue(duplicate_behavior="replace", **changes)
    assert answer.status_code == status
    assert len(box.credly.live_badges(box.credly.badges[first].template_id)) == 1


def test_an_arrangement_may_accept_at_once(box, issue):
    box.credly.flags.auto_accept = True
    assert issue().json()["data"]["state"] == "accepted"


def test_of_many_requests_at_once_one_wins(box, credly, body, free_template_id):
    def post(number):
        own = {"Accept": "application/json"}
        address, auth = f"{credly.base}/badges", (box.credly.token, "")
        return requests.post(address, json=body, headers=own, auth=auth, timeout=10).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(24))) == [201] + [422] * 23
    assert len(box.credly.live_badges(free_template_id)) == 1
