"""Replacing, revoking, deleting and the events of it all (credly.md 5.7 to 5.9, 7)."""

from __future__ import annotations

import contextlib

import pytest
import requests

from connectctl_sandbox import Fault

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


def test_an_earner_hides_a_badge(box, credly, badge_id):
    box.credly.set_public(badge_id, False)
    (row,) = credly.get("/badges?filter=issuer_earner_id::lms-481|public::false").json()["data"]
    assert (row["id"], row["public"]) == (badge_id, False)
    assert credly.get("/badges?filter=issuer_earner_id::lms-481|public::true").json()["data"] == []
    assert credly.get("/events").json()["data"][0]["event_type"] == "badge.privacy.changed"


def test_an_accepted_badge_stays_with_the_account_whose_addresses_change(box, credly, body, badge_id):
    account = box.credly.add_account("jo@example.org", "home@example.org")
    box.credly.accept(badge_id)
    box.credly.change_account(account, "new@example.org", "home@example.org")

    def found(filters):
        return [row["id"] for row in credly.get("/badges", params={"filter": filters}).json()["data"]]

    for key in ("recipient_email::jo@example.org", "recipient_email_all::new@example.org", f"user_id::{account}"):
        assert found(key) == [badge_id]
    assert found("recipient_email_all::jo@example.org") == [badge_id]
    assert found("recipient_email::new@example.org") == []
    (row,) = credly.get("/badges?filter=issuer_earner_id::lms-481").json()["data"]
    assert (row["recipient_email"], row["user"]["email"]) == ("jo@example.org", "new@example.org")
    # The same Credly user is a duplicate under each address; the one that was given up is nobody's now.
    again = body | {"issuer_earner_id": "other"}
    for email in ("new@example.org", "home@example.org", "jo@example.org"):
        assert credly.post("/badges", json=again | {"recipient_email": email}).status_code == 422
    with pytest.raises(ValueError, match="another account"):
        box.credly.add_account("HOME@example.org")
    with pytest.raises(ValueError, match="needs an address"):
        box.credly.change_account(account)


@pytest.mark.parametrize(
    ("subject", "listed", "by_id"), [("always", True, True), ("by_id", False, True), ("never", False, False)]
)
def test_events_may_come_without_their_subject(box, credly, badge_id, subject, listed, by_id):
    box.credly.flags.event_subject = subject
    event = credly.get("/events").json()["data"][0]
    assert set(event) - {"badge"} == {"id", "event_type", "organization_id", "occurred_at"}
    assert ("badge" in event) == listed
    assert ("badge" in credly.get(f"/events/{event['id']}").json()["data"]) == by_id


def test_an_event_shows_what_was_or_what_is(box, credly, badge_id, free_template_id):
    box.credly.accept(badge_id)
    box.credly.archive(free_template_id)

    def subjects(count):
        rows = credly.get("/events").json()["data"][:count]
        return [row.get("badge", row.get("badge_template", {})) for row in rows]

    assert [one["state"] for one in subjects(3)] == ["archived", "accepted", "pending"]
    box.credly.flags.event_state = "current"
    assert [one["state"] for one in subjects(3)] == ["archived", "accepted", "accepted"]
    credly.delete(f"/badges/{badge_id}")
    box.credly.delete_template(free_template_id)
    template, deleted, changed, accepted, created = subjects(5)
    assert template == changed == {"id": free_template_id}
    assert deleted == accepted == created == {"id": badge_id}
    box.credly.flags.event_state = "snapshot"
    assert [one.get("state") for one in subjects(2)] == ["archived", "accepted"]


def test_unknown_events_are_404(credly):
    assert credly.get("/events/none").status_code == 404


def test_only_a_token_with_the_right_writes_or_deletes(box, credly_session, credly, badge_id, body):
    reader = credly_session(box.credly.add_token("reader", write=False, delete=False).token)
    writer = credly_session(box.credly.add_token("writer", delete=False).token)
    assert reader.put(f"/badges/{badge_id}/revoke", json={"reason": "x"}).status_code == 403
    assert reader.post(f"/badges/{badge_id}/replace", json=body).status_code == 403
    assert reader.post("/badges/batch", json={"badges": [body]}).status_code == 403
    assert writer.delete(f"/badges/{badge_id}").status_code == 403
    assert box.credly.badges[badge_id].state == "pending"


CHANGES = {
    "replace": ("POST", "/replace", {"badge_template_id": None, "issued_at": ISSUED_AT}),
    "revoke": ("PUT", "/revoke", {"reason": "x"}),
    "delete": ("DELETE", "", None),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("lose_request", False),
        ("http_429", False),
        ("http_500_before", False),
        ("http_503", False),
        ("lose_answer", True),
        ("http_500_after", True),
        ("cut_answer", True),
    ],
)
def test_faults_strike_changes_before_or_after_they_are_made(
    box, credly, badge_id, free_template_id, change, kind, made
):
    method, path, sent = CHANGES[change]
    if change == "replace":
        sent = sent | {"badge_template_id": free_template_id}
    events = len(box.credly.events)
    box.faults.add(Fault(kind=kind, remote="credly", method=method, path=rf"/badges/{badge_id}{path}$", times=1))
    with contextlib.suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        credly.send(method, f"/badges/{badge_id}{path}", json=sent)
    assert box.faults.active() == []
    badge = box.credly.badges.get(badge_id)
    assert (badge is None or not badge.live) == made
    assert (len(box.credly.events) > events) == made
