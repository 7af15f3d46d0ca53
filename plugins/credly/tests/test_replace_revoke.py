"""Badges that take another one's place, and badges that are revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.api import NotFound, Rejected, RemoteUnsure
from connectctl.testing.fake_api import FakeAPI
from connectctl_credly import records
from connectctl_credly.client import Credly
from connectctl_sandbox import Fault, Sandbox

from .test_client import ISSUED, request

Connect = Callable[..., Credly]
PATH = "/organizations/org/badges"
BADGE = {"id": "b2", "state": "accepted", "badge_template": {"id": "t1", "name": "Safety"}, "replaces_badge_id": "b1"}


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def fake(api: FakeAPI, connect: Connect) -> Credly:
    return connect(base_url=api.url, organization_id="org", token="t" * 20)


@pytest.mark.req("CR-39", "CR-59", "CR-60")
@pytest.mark.parametrize(
    ("expires_at", "sent"),
    [(datetime(2028, 1, 1, tzinfo=UTC), "2028-01-01 00:00:00 +0000"), (False, False), (None, None)],
)
def test_a_replacement_carries_everything_again(
    client: Credly, box: Sandbox, template_id: str, expires_at: Any, sent: Any
) -> None:
    old = client.issue(request(template_id, expires_at=datetime(2027, 1, 1, tzinfo=UTC)))
    wanted = request(template_id, expires_at=expires_at, mark="connectctl-abcdefabcdefabcdef00")
    made = client.replace(old.id, wanted)
    assert (made.replaces, made.replaced_by, made.earner_id) == (old.id, None, "4711")
    assert (made.issued_at, made.expires_at, made.marks) == (ISSUED, expires_at or None, (wanted.mark,))
    body = box.log.entries[-1].body
    assert {"evidence", "issuer_earner_id", "issued_to_first_name", "issued_at", "recipient_email"} <= set(body)
    assert body.get("expires_at") == sent
    (page,) = client.held(template_id)
    before = next(badge for badge in page.credentials if badge.id == old.id)
    assert (before.replaced, before.replaced_by) == (True, made.id)


@pytest.mark.req("CR-39")
def test_an_accepted_badge_keeps_its_address(client: Credly, box: Sandbox, template_id: str) -> None:
    old = client.issue(request(template_id))
    box.credly.accept(old.id)
    with pytest.raises(Rejected):
        client.replace(old.id, request(template_id, email="new@example.org"))
    made = client.replace(old.id, request(template_id, email=""))
    assert (made.emails, made.state) == ({"ada@example.org"}, "accepted")


@pytest.mark.req("CR-39")
def test_what_is_replaced_or_revoked_already_is_not_replaced(client: Credly, template_id: str) -> None:
    old = client.issue(request(template_id))
    new = client.replace(old.id, request(template_id))
    with pytest.raises(Rejected):
        client.replace(old.id, request(template_id))
    client.revoke(new.id, "the certification was revoked")
    with pytest.raises(Rejected):
        client.replace(new.id, request(template_id))
    with pytest.raises(NotFound):
        client.replace("nothing", request(template_id))


@pytest.mark.req("CR-39", "GN-21")
@pytest.mark.parametrize(
    "kind",
    [
        "lose_request",
        "lose_answer",
        "cut_answer",
        "http_500_after",
        "http_503",
        "html_200",
        "truncated_json",
        "wrong_types",
    ],
)
def test_a_replacement_whose_answer_is_lost_is_never_repeated(
    client: Credly, box: Sandbox, template_id: str, kind: str
) -> None:
    old = client.issue(request(template_id))
    box.faults.add(Fault(kind, "credly", "POST"))
    with pytest.raises(RemoteUnsure):
        client.replace(old.id, request(template_id))
    assert box.log.count(method="POST") == 2


@pytest.mark.req("CR-39")
@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}},
        {"data": None},
        {"data": BADGE | {"id": None}},
        {"data": BADGE | {"replaces_badge_id": None}},
        {"data": BADGE | {"replaces_badge_id": "b0"}},
        {"data": BADGE | {"id": "b1"}},
    ],
)
def test_an_answer_that_names_no_successor_may_have_worked(api: FakeAPI, fake: Credly, answer: Any) -> None:
    api.on("POST", f"{PATH}/b1/replace", status=201, json=answer)
    with pytest.raises(RemoteUnsure, match="may have replaced"):
        fake.replace("b1", request("t1"))


@pytest.mark.req("CR-39")
@pytest.mark.parametrize("status", [200, 201])
def test_both_statuses_are_success(api: FakeAPI, fake: Credly, status: int) -> None:
    api.on("POST", f"{PATH}/b1/replace", status=status, json={"data": BADGE})
    assert fake.replace("b1", request("t1")).id == "b2"


@pytest.mark.req("CR-38")
def test_a_badge_is_revoked_with_a_reason(client: Credly, box: Sandbox, template_id: str) -> None:
    badge = client.issue(request(template_id))
    client.revoke(badge.id, "the certification was revoked")
    assert box.credly.badges[badge.id].state == "revoked"
    assert box.credly.badges[badge.id].revocation_reason == "the certification was revoked"


@pytest.mark.req("CR-38")
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_is_revoked_already_is_no_error(client: Credly, box: Sandbox, template_id: str, idempotent: bool) -> None:
    box.credly.flags.revoke_idempotent = idempotent
    badge = client.issue(request(template_id))
    client.revoke(badge.id, "once")
    client.revoke(badge.id, "twice")
    assert box.credly.badges[badge.id].revocation_reason == "once"


@pytest.mark.req("CR-38")
def test_any_other_refusal_of_a_revocation_stands(client: Credly, template_id: str) -> None:
    old = client.issue(request(template_id))
    client.replace(old.id, request(template_id))
    with pytest.raises(Rejected, match="replaced"):
        client.revoke(old.id, "the certification was revoked")
    with pytest.raises(NotFound):
        client.revoke("nothing", "the certification was revoked")


@pytest.mark.req("CR-38")
@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}},
        {"data": BADGE | {"state": "accepted"}},
        {"data": BADGE | {"id": "b9", "state": "revoked"}},
        [],
        None,
    ],
)
def test_an_answer_that_shows_no_revoked_badge_may_have_worked(api: FakeAPI, fake: Credly, answer: Any) -> None:
    api.on("PUT", f"{PATH}/b2/revoke", json=answer)
    with pytest.raises(RemoteUnsure, match="may have revoked"):
        fake.revoke("b2", "the certification was revoked")


def test_a_revocation_whose_answer_is_lost_is_not_sent_again_and_may_be_asked_for_again(
    client: Credly, box: Sandbox, template_id: str
) -> None:
    badge = client.issue(request(template_id))
    box.faults.add(Fault("lose_answer", "credly", "PUT", times=1))
    with pytest.raises(RemoteUnsure):
        client.revoke(badge.id, "the certification was revoked")
    assert box.log.count(path="/revoke$") == 1
    client.revoke(badge.id, "the certification was revoked")
    assert box.credly.badges[badge.id].state == "revoked"


@pytest.mark.parametrize(
    ("shown", "link"),
    [
        ({"badge_url": "https://x.example/b", "accept_badge_url": "https://x.example/a"}, "https://x.example/b"),
        ({"accept_badge_url": "https://x.example/a"}, "https://x.example/a"),
        ({"badge_url": None, "accept_badge_url": None}, ""),
        ({}, ""),
    ],
)
def test_what_a_badge_shows_of_itself(shown: dict[str, Any], link: str) -> None:
    times = {"issued_at": "2026-03-01T12:00:00.000Z", "updated_at": "2026-03-02T12:00:00.000Z"}
    found = records.credential(BADGE | {"replacement_badge_id": "b3"} | times | shown)
    assert (found.link, found.name, found.replaces, found.replaced_by) == (link, "Safety", "b1", "b3")
    assert (found.issued_at, found.updated_at) == (
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 2, 12, tzinfo=UTC),
    )


@pytest.mark.req("CR-75", "CR-82", "CR-83")
def test_the_profile_decides_how_far_the_rules_reach(connect: Connect) -> None:
    usual = connect().options
    assert (usual.master_covers_everything, usual.rejected_is_revoked, usual.only_accepted) == (False, False, False)
    other = connect(master_covers="everything", rejected_counts_as_revoked="true", import_when="accepted").options
    assert (other.master_covers_everything, other.rejected_is_revoked, other.only_accepted) == (True, True, True)
