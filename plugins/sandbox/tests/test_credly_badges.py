"""Replacing, revoking, deleting and the events of it all (credly.md 5.7 to 5.9, 7)."""

from __future__ import annotations

import pytest

ISSUED_AT = "2026-03-02 08:00:00 +0000"


@pytest.fixture
def badge_id(credly, body):
    sent = body | {
        "country_name": "Italy",
        "evidence": [{"type": "UrlEvidence", "name": "Course", "value": "https://lms.example/88"}],
    }
    return credly.post("/badges", json=sent).json()["data"]["id"]


@pytest.fixture
def replace(credly, free_template_id):
    required = {"badge_template_id": free_template_id, "issued_at": ISSUED_AT}
    return lambda badge_id, **changes: credly.post(f"/badges/{badge_id}/replace", json=required | changes)


@pytest.fixture
def revoke(credly):
    return lambda badge_id, **body: credly.put(f"/badges/{badge_id}/revoke", json=body)


def test_a_replacement_is_a_new_badge_linked_both_ways(box, replace, badge_id):
    answer = replace(badge_id, issuer_earner_id="lms-481", notification_message="renewed", expires_at="2027-01-01")
    new = answer.json()["data"]
    assert answer.status_code == 201
    assert new["id"] != badge_id
    assert (new["replaces_badge_id"], box.credly.badges[badge_id].replacement_badge_id) == (badge_id, new["id"])
    assert (new["issued_at"], new["issuer_earner_id"]) == ("2026-03-02T08:00:00.000Z", "lms-481")
    assert (new["recipient_email"], new["issued_to"]) == ("jo@example.org", "Jo Doe")
    assert [badge.id for badge in box.credly.live_badges() if badge.issuer_earner_id == "lms-481"] == [new["id"]]


def test_what_is_left_out_is_erased(replace, badge_id):
    new = replace(badge_id).json()["data"]
    assert (new["issuer_earner_id"], new["country"], new["evidence"]) == (None, None, [])


def test_an_accepted_badge_stays_accepted_and_has_both_addresses(box, replace, badge_id):
    box.credly.accept(badge_id)
    new = replace(badge_id).json()["data"]
    assert new["state"] == "accepted"
    assert {"badge_url", "accept_badge_url"} <= set(new)


def test_the_address_changes_only_while_pending(box, replace, badge_id):
    moved = replace(badge_id, recipient_email="new@example.org").json()["data"]
    assert moved["recipient_email"] == "new@example.org"
    box.credly.accept(moved["id"])
    refused = replace(moved["id"], recipient_email="third@example.org")
    assert refused.status_code == 422
    assert refused.json()["data"]["errors"][0]["attribute"] == "recipient_email"
    assert replace(moved["id"], recipient_email="new@example.org").status_code == 201


def test_a_replacement_may_move_to_another_template(box, replace, badge_id):
    other = list(box.credly.templates)[3]
    assert replace(badge_id, badge_template_id=other).json()["data"]["badge_template"]["id"] == other


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": None},
        {"badge_template_id": ""},
        {"badge_template_id": "nope"},
        {"duplicate_behavior": "deny"},
        {"colour": "red"},
        {"expires_at": 5},
    ],
)
def test_a_malformed_replacement_is_refused(box, replace, badge_id, changes):
    assert replace(badge_id, **changes).status_code == 422
    assert box.credly.badges[badge_id].replacement_badge_id is None


def test_some_badges_cannot_be_replaced(box, replace, revoke, badge_id, free_template_id):
    assert replace("none").status_code == 404
    assert replace(badge_id).status_code == 201
    assert replace(badge_id).status_code == 422
    revoked = box.credly.issue("x@example.org", free_template_id, state="revoked")
    assert replace(revoked.id).status_code == 422
    fresh = box.credly.issue("y@example.org", free_template_id)
    box.credly.archive(free_template_id)
    assert replace(fresh.id).status_code == 422


def test_a_revoked_badge_has_a_reason_and_no_addresses(box, revoke, badge_id):
    box.credly.accept(badge_id)
    answer = revoke(badge_id, reason="left the company", suppress_revoke_notification_email=True)
    badge = answer.json()["data"]
    assert answer.status_code == 200
    assert (badge["state"], badge["revocation_reason"]) == ("revoked", "left the company")
    assert not {"badge_url", "accept_badge_url"} & set(badge)
    assert badge_id not in {one.id for one in box.credly.live_badges()}


@pytest.mark.parametrize(
    "sent",
    [{}, {"reason": ""}, {"reason": None}, {"reason": 5}, {"revocation_reason": "x"}, {"reason": "x", "extra": 1}],
)
def test_a_revoke_needs_a_reason_and_nothing_unknown(box, revoke, badge_id, sent):
    assert revoke(badge_id, **sent).status_code == 422
    assert box.credly.badges[badge_id].state == "pending"


def test_revoking_twice_or_what_was_replaced(box, replace, revoke, badge_id):
    new = replace(badge_id).json()["data"]["id"]
    assert revoke(badge_id, reason="x").status_code == 422
    assert revoke(new, reason="x").status_code == 200
    assert revoke(new, reason="x").status_code == 422
    box.credly.flags.revoke_idempotent = True
    assert revoke(new, reason="y").json()["data"]["revocation_reason"] == "x"
    assert revoke("none", reason="x").status_code == 404


def test_a_deleted_badge_is_gone_and_may_be_issued_again(box, credly, badge_id, body):
    answer = credly.delete(f"/badges/{badge_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer.headers
    assert credly.delete(f"/badges/{badge_id}").status_code == 404
    assert credly.post("/badges", json=body).status_code == 201
    assert credly.get("/badges?filter=issuer_earner_id::lms-481").json()["metadata"]["total_count"] == 1


def test_every_change_writes_its_event(box, credly, replace, revoke, badge_id):
    box.credly.accept(badge_id)
    new = replace(badge_id).json()["data"]["id"]
    revoke(new, reason="x")
    credly.delete(f"/badges/{new}")
    listed = credly.get("/events").json()["data"]
    seen = [(event["event_type"], event["badge"]["id"], event["badge"]["state"]) for event in listed[:6]]
    assert seen == [
        ("badge.deleted", new, "revoked"),
        ("badge.state.changed", new, "revoked"),
        ("badge.state.changed", badge_id, "accepted"),
        ("badge.created", new, "accepted"),
        ("badge.state.changed", badge_id, "accepted"),
        ("badge.created", badge_id, "pending"),
    ]
    assert listed[0]["organization_id"] == box.credly.organization_id
    assert credly.get(f"/events/{listed[0]['id']}").json()["data"] == listed[0]


def test_events_come_in_pages_and_either_order(box, credly, free_template_id):
    for number in range(60):
        box.clock.advance(1)
        box.credly.issue(f"e{number}@example.org", free_template_id)
    newest = credly.get("/events").json()
    assert newest["metadata"]["total_pages"] == 2
    times = [event["occurred_at"] for event in newest["data"]]
    assert times == sorted(times, reverse=True)
    box.credly.flags.events_order = "asc"
    oldest = credly.get("/events?page=1").json()["data"]
    assert oldest[0]["event_type"] == "badge_template.created"
    assert "badge_template" in oldest[0]


def test_an_earner_rejects(box, credly, badge_id):
    box.credly.reject(badge_id)
    (row,) = credly.get("/badges?filter=state::rejected").json()["data"]
    assert (row["id"], row["user"]) == (badge_id, {})
    with pytest.raises(ValueError, match="state"):
        box.credly.issue("x@example.org", box.credly.badges[badge_id].template_id, state="lost")
