"""The Credly client against the sandbox: every method, and every answer that is not what the API promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.api import (
    AlreadyHeld,
    AuthFailed,
    BadAnswer,
    IssueRequest,
    NotAllowed,
    NotFound,
    Rejected,
    RemoteDown,
    RemoteUnsure,
)
from connectctl_credly import client as credly_client
from connectctl_credly.client import Credly
from connectctl_sandbox import Fault, Sandbox

ISSUED = datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)


def request(template_id: str, **changes: Any) -> IssueRequest:
    fields: dict[str, Any] = {
        "template_id": template_id,
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Byron",
        "earner_id": "4711",
        "issued_at": ISSUED,
        "expires_at": None,
        "evidence_title": "connectctl flow",
        "evidence_text": "Assign: course Security (88)",
        "mark": "connectctl-0123456789abcdef0123",
    }
    return IssueRequest(**(fields | changes))


def test_the_cheapest_call_says_who_we_are(client: Credly, box: Sandbox) -> None:
    assert credly_client.test(client) == "Acme"
    assert (client.calls, len(box.log.entries)) == (1, 1)


def test_an_account_is_its_organization(client: Credly, connect: Callable[..., Credly], box: Sandbox) -> None:
    assert box.credly.organization_id in client.account
    assert connect(organization_id="another").account != client.account
    assert connect(token="a-second-token-of-ours").account == client.account


@pytest.mark.req("CR-23")
def test_templates_come_complete_and_oldest_first(client: Credly, box: Sandbox) -> None:
    for number in range(120):
        state = "archived" if number % 2 else "active"
        box.credly.add_template(f"More {number}", state=state, created_at=box.clock.now() + number)
    found = client.templates()
    assert [one.id for one in found] == list(box.credly.templates)
    assert {one.id: one.state for one in found} == {one.id: one.state for one in box.credly.templates.values()}
    assert sum(one.allows_duplicates for one in found) == 1
    assert box.log.count(path="badge_templates$") == 3


def test_one_template_is_asked_for_once_a_run(client: Credly, box: Sandbox, template_id: str) -> None:
    assert client.template(template_id) == client.template(template_id)
    assert client.template("gone") is client.template("gone") is None
    assert len(box.log.entries) == 2


@pytest.mark.req("CR-34")
def test_held_is_every_badge_of_the_template_and_no_other(client: Credly, box: Sandbox, template_id: str) -> None:
    other = list(box.credly.templates)[2]
    ids = [box.credly.issue(f"p{number}@example.org", template_id).id for number in range(101)]
    box.credly.issue("p1@example.org", other)
    box.credly.revoke(ids[0], "by hand")
    pages = list(client.held(template_id))
    assert [page.pages for page in pages] == [3, 3, 3]
    found = [badge for page in pages for badge in page.credentials]
    assert [badge.id for badge in found] == ids
    assert (found[0].state, found[1].state) == ("revoked", "pending")


@pytest.mark.req("CR-34")
def test_a_learner_is_found_by_id_and_by_any_address_of_the_account(
    client: Credly, box: Sandbox, template_id: str
) -> None:
    assert client.find(template_id, "4711", "ada@example.org") == []
    by_mail = box.credly.issue("Ada@Example.org", template_id)
    box.credly.issue("adamant@example.org", template_id)
    assert [one.id for one in client.find(template_id, "4711", "ada@example.org")] == [by_mail.id]
    by_id = box.credly.issue("old@example.org", template_id, issuer_earner_id="4711")
    assert [one.id for one in client.find(template_id, "4711", "ada@example.org")] == [by_id.id]
    box.credly.revoke(by_id.id, "by hand")
    assert [one.id for one in client.find(template_id, "4711", "ada@example.org")] == [by_id.id, by_mail.id]


@pytest.mark.parametrize("email", ["a,b@example.org", "a|state::x@example.org", ""])
def test_an_address_that_no_filter_can_hold_is_not_asked_for(
    client: Credly, box: Sandbox, template_id: str, email: str
) -> None:
    box.credly.issue("b@example.org", template_id)
    assert client.find(template_id, "4711", email) == []
    assert len(box.log.entries) == 1


@pytest.mark.req("CR-37", "CR-13", "CR-79", "CR-62")
def test_a_badge_is_issued_with_everything_on_it(client: Credly, box: Sandbox, template_id: str) -> None:
    made = client.issue(request(template_id))
    badge = box.credly.badges[made.id]
    assert (made.template_id, made.earner_id, made.state) == (template_id, "4711", "pending")
    assert made.marks == ("connectctl-0123456789abcdef0123",)
    assert (badge.first_name, badge.last_name, badge.issued_at) == ("Ada", "Byron", ISSUED.timestamp())
    assert badge.expires_at is None
    assert badge.evidence[0].name == "connectctl flow"
    (entry,) = box.log.entries
    assert entry.body["duplicate_behavior"] == "deny"
    assert "expires_at" not in entry.body


@pytest.mark.req("CR-62", "CR-78", "CR-60")
@pytest.mark.parametrize(
    ("expires_at", "sent"),
    [(False, False), (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01 00:00:00 +0000")],
)
def test_an_expiry_is_a_moment_or_never(
    client: Credly, box: Sandbox, template_id: str, expires_at: Any, sent: Any
) -> None:
    made = client.issue(request(template_id, expires_at=expires_at))
    assert box.log.entries[0].body["expires_at"] == sent
    assert made.expires_at == (expires_at or None)


@pytest.mark.req("CR-37")
def test_credlys_duplicate_answer_means_held(client: Credly, template_id: str) -> None:
    client.issue(request(template_id))
    with pytest.raises(AlreadyHeld):
        client.issue(request(template_id))
    with pytest.raises(AlreadyHeld):  # the same learner under another address
        client.issue(request(template_id, email="other@example.org"))


@pytest.mark.req("CR-37")
def test_any_other_refusal_is_for_good(client: Credly, box: Sandbox, template_id: str) -> None:
    box.credly.archive(template_id)
    with pytest.raises(Rejected) as caught:
        client.issue(request(template_id))
    assert not isinstance(caught.value, AlreadyHeld)
    assert caught.value.status == 422
    assert box.log.count(method="POST") == 1


@pytest.mark.req("CR-02")
def test_who_may_not_is_told_so(connect: Callable[..., Credly], box: Sandbox, template_id: str) -> None:
    with pytest.raises(AuthFailed):
        connect(token="nobody").templates()
    with pytest.raises(NotFound):
        connect(organization_id="elsewhere").templates()
    reader = connect(token=box.credly.add_token("reader", write=False).token)
    assert reader.templates()
    with pytest.raises(NotAllowed):
        reader.issue(request(template_id))
    box.credly.expire_token()
    with pytest.raises(AuthFailed):
        connect().templates()


READS: dict[str, Callable[[Credly, str], Any]] = {
    "organization": lambda c, _t: c.organization(),
    "templates": lambda c, _t: c.templates(),
    "template": lambda c, t: c.template(t),
    "held": lambda c, t: list(c.held(t)),
    "find": lambda c, t: c.find(t, "4711", "ada@example.org"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("kind", ["html_200", "truncated_json", "wrong_types"])
def test_a_reading_that_cannot_be_believed(
    client: Credly, box: Sandbox, template_id: str, read: Callable[[Credly, str], Any], kind: str
) -> None:
    box.credly.issue("ada@example.org", template_id, issuer_earner_id="4711")
    box.faults.add(Fault(kind, "credly"))
    if kind == "wrong_types" and read is READS["organization"]:
        assert read(client, template_id)  # an object without a name: the id will do
        return
    with pytest.raises(BadAnswer) as caught:
        read(client, template_id)
    assert caught.value.message.startswith("Credly")
    assert box.credly.token not in caught.value.message


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize(
    "kind", ["http_500_before", "http_503", "http_429", "lose_request", "lose_answer", "cut_answer"]
)
def test_a_reading_is_tried_again_and_then_given_up(
    client: Credly, box: Sandbox, template_id: str, read: Callable[[Credly, str], Any], kind: str
) -> None:
    box.faults.add(Fault(kind, "credly", times=2))
    read(client, template_id)
    box.faults.clear()
    box.faults.add(Fault(kind, "credly"))
    with pytest.raises(RemoteDown):
        _fresh(client, read, template_id)


def _fresh(client: Credly, read: Callable[[Credly, str], Any], template_id: str) -> Any:
    return client.template("another") if read is READS["template"] else read(client, template_id)


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("read", ["templates", "held"])
def test_pages_without_an_end_are_no_listing(client: Credly, box: Sandbox, template_id: str, read: str) -> None:
    box.credly.issue("ada@example.org", template_id)
    box.faults.add(Fault("endless_pages", "credly"))
    with pytest.raises(BadAnswer, match="endless paging"):
        READS[read](client, template_id)
    assert len(box.log.entries) == 2


@pytest.mark.req("CR-37", "GN-21")
@pytest.mark.parametrize(
    "kind",
    [
        *("lose_request", "lose_answer", "cut_answer", "http_500_before", "http_500_after", "http_503"),
        *("html_200", "truncated_json", "wrong_types"),
    ],
)
def test_an_issue_whose_answer_is_lost_or_unreadable_is_never_repeated(
    client: Credly, box: Sandbox, template_id: str, kind: str
) -> None:
    box.faults.add(Fault(kind, "credly", "POST"))
    with pytest.raises(RemoteUnsure):
        client.issue(request(template_id))
    assert box.log.count(method="POST") == 1


@pytest.mark.req("GN-20")
def test_a_throttled_issue_is_sent_again_because_nothing_happened(
    client: Credly, box: Sandbox, template_id: str, clock: Any
) -> None:
    box.faults.add(Fault("http_429", "credly", "POST", times=1, retry_after=7))
    began = clock.now()
    client.issue(request(template_id))
    assert (box.log.count(method="POST"), len(box.credly.live_badges(template_id))) == (2, 1)
    assert clock.now() - began >= timedelta(seconds=7)
