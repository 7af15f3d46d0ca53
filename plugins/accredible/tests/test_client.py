"""The Accredible client against the sandbox: every method, and every answer that is not what the API promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.api import (
    AlreadyHeld,
    AuthFailed,
    BadAnswer,
    NotFound,
    Rejected,
    RemoteDown,
    RemoteUnsure,
)
from connectctl_accredible import client as accredible_client
from connectctl_accredible.client import Accredible
from connectctl_sandbox import Fault, Sandbox

from .orders import MARK, order

NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.req("AC-04")
@pytest.mark.parametrize(
    ("credits", "said"),
    [
        (1_000_000, "Acme Academy"),
        (99, "Acme Academy; 99 credits are left to publish credentials"),
        (1, "Acme Academy; 1 credit is left to publish credentials"),
        (0, "Acme Academy; no credits are left to publish credentials"),
    ],
)
def test_the_cheapest_call_says_who_we_are(client: Accredible, box: Sandbox, credits: int, said: str) -> None:
    box.accredible.credits = credits
    assert accredible_client.test(client) == said
    assert (client.calls, box.log.count(path="/issuer/details$")) == (1, 1)


def test_an_account_is_its_number_in_its_region_and_asked_for_once(client: Accredible, box: Sandbox) -> None:
    assert (client.account, client.account) == ("accredible:production:55", "accredible:production:55")
    assert len(box.log.entries) == 1


def test_who_is_not_known_is_told_so(connect: Callable[..., Accredible], box: Sandbox, group: str) -> None:
    for text in (False, True):
        box.accredible.flags.unknown_key_as_text = text
        stranger = connect(api_key="nobody-knows-this")
        with pytest.raises(AuthFailed) as caught:
            stranger.templates()
        assert "nobody-knows-this" not in caught.value.message
        with pytest.raises(AuthFailed):
            stranger.issue(order(group))


# -- groups ---


@pytest.mark.req("AC-23", "GN-33")
def test_groups_come_complete_and_oldest_first(client: Accredible, box: Sandbox) -> None:
    for number in range(250):
        box.accredible.add_group(f"more-{number}", created_at=box.clock.now() + number)
    found = client.templates()
    assert [one.id for one in found] == [str(group) for group in box.accredible.groups]
    assert [one.name for one in found] == [group.name for group in box.accredible.groups.values()]
    assert {one.state for one in found} == {"active"}
    assert box.log.count(path="/groups/search$") == 3


def test_one_group_is_asked_for_once_a_run(client: Accredible, box: Sandbox, group: str) -> None:
    assert client.template(group) == client.template(group)
    for kind in ("success", "errors", "error"):
        box.accredible.flags.not_found = kind
        assert client.template(f"9999{len(kind)}") is None
    assert len(box.log.entries) == 4


# -- reading ---


@pytest.mark.req("AC-38", "AC-44")
@pytest.mark.parametrize("last", ["until_empty", "null", "absent", "same"])
def test_held_is_every_credential_of_the_group_and_no_other(
    client: Accredible, box: Sandbox, group: str, last: str
) -> None:
    box.accredible.flags.last_cursor = last
    other = box.accredible.add_group("other").id
    ids = [str(box.accredible.issue(int(group), f"p{number}@example.org").id) for number in range(200)]
    box.accredible.issue(other, "p1@example.org")
    pages = list(client.held(group))
    assert [page.pages for page in pages] == [2, 2]
    assert [one.id for page in pages for one in page.credentials] == ids
    assert box.log.count(path="/v2/credentials/search$") == 2


def test_a_page_smaller_than_asked_for_is_not_the_last(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.flags.max_page = 7
    for number in range(20):
        box.accredible.issue(int(group), f"p{number}@example.org")
    assert sum(len(page.credentials) for page in client.held(group)) == 20
    assert len(client.templates()) == len(box.accredible.groups)


def test_without_a_group_all_credentials_are_held(client: Accredible, box: Sandbox) -> None:
    found = [one for page in client.held(None) for one in page.credentials]
    assert {one.id for one in found} == {str(id) for id in box.accredible.credentials}
    assert {one.state for one in found} == {"accepted", "pending"}  # one of the seeded ones is not published


@pytest.mark.req("AC-38")
def test_a_learner_is_found_at_once_by_mark_by_id_and_by_address(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.flags.search_lag = 600
    assert client.find(group, "4711", "ada@example.org") == []
    by_mail = box.accredible.issue(int(group), "ada@example.org")
    box.accredible.issue(int(group), "adamant@example.org")
    assert [one.id for one in client.find(group, "4711", "Ada@Example.org")] == [str(by_mail.id)]
    by_id = box.accredible.issue(int(group), "old@example.org", recipient_id="4711")
    assert [one.id for one in client.find(group, "4711", "ada@example.org")] == [str(by_id.id)]
    by_mark = box.accredible.issue(int(group), "new@example.org", license_id=MARK)
    assert [one.id for one in client.find(group, "", "", MARK)] == [str(by_mark.id)]
    assert client.find(group, "4711", "ada@example.org", MARK)[0].id == str(by_mark.id)
    assert all(one.link for one in client.find(group, "4711", "ada@example.org"))
    assert next(iter(client.held(group))).credentials == []


def test_one_credential_is_read_by_either_id(client: Accredible, box: Sandbox, group: str) -> None:
    made = client.issue(order(group))
    assert client.credential(made.id) == client.credential(MARK) == made
    assert client.credential("not/there ?") is None
    for flipped in (True, False):
        box.accredible.flags.id_types_flipped = flipped
        box.accredible.flags.id_echo = not flipped
        box.accredible.flags.absent_nulls = flipped
        again = client.credential(made.id)
        assert again is not None
        assert (again.id, again.marks) == (made.id, made.marks)


# -- creating ---


@pytest.mark.req("AC-29", "AC-55", "AC-62")
def test_a_credential_is_created_with_everything_on_it(client: Accredible, box: Sandbox, group: str) -> None:
    made = client.issue(order(group))
    one = box.accredible.credentials[int(made.id)]
    assert (made.template_id, made.earner_id, made.state, made.marks) == (group, "4711", "accepted", (MARK,))
    assert (one.license_id, one.recipient_id, one.recipient_name) == (MARK, "4711", "Ada Byron")
    assert (one.issued_on, one.expired_on, one.approve) == ("2026-02-10", None, True)
    assert one.meta_data == {"connectctl": MARK, "connectctl_source": "Assign: course Security (88)"}
    assert made.link.endswith(one.uuid)
    assert box.log.count() == 1


@pytest.mark.req("AC-55", "AC-68")
@pytest.mark.parametrize(
    ("expires_at", "shown", "calls"), [(None, "2027-02-10", 1), (False, None, 2), (NEXT_YEAR, "2027-01-01", 1)]
)
def test_an_expiry_that_the_group_fills_in_is_removed_when_it_is_not_wanted(
    client: Accredible, box: Sandbox, group: str, expires_at: Any, shown: str | None, calls: int
) -> None:
    box.accredible.update_group(int(group), auto_expiry=1)
    made = client.issue(order(group, expires_at=expires_at))
    assert box.accredible.credentials[int(made.id)].expired_on == shown
    assert (made.expires_at and made.expires_at.date().isoformat()) == shown
    assert box.log.count() == calls


@pytest.mark.req("AC-55")
def test_an_expiry_that_cannot_be_removed_fails_the_item(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.update_group(int(group), auto_expiry=1)
    box.faults.add(Fault("http_500_before", "accredible", "PUT"))
    with pytest.raises(RemoteUnsure):
        client.issue(order(group, expires_at=False))


@pytest.mark.req("AC-29")
@pytest.mark.parametrize("form", ["object", "text"])
def test_accredibles_duplicate_answer_means_held(client: Accredible, box: Sandbox, group: str, form: str) -> None:
    box.accredible.flags.duplicate_error = form
    client.issue(order(group))
    for changes in ({}, {"mark": "connectctl-another"}, {"email": "other@example.org"}):
        with pytest.raises(AlreadyHeld):  # by address and own id, by address, by own id
            client.issue(order(group, **changes))
    assert len(box.accredible.in_group(int(group))) == 1


@pytest.mark.req("AC-58")
def test_a_group_that_allows_duplicates_takes_another_one(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.update_group(int(group), allow_duplicate_credentials=True)
    made = {client.issue(order(group, mark=f"connectctl-{number}", again=True)).id for number in range(2)}
    assert len(made) == 2


@pytest.mark.parametrize("changes", [{"email": "nobody"}, {"template_id": "99999"}, {"template_id": "x"}])
def test_any_other_refusal_is_for_good(client: Accredible, box: Sandbox, group: str, changes: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        client.issue(order(group, **changes))
    assert not isinstance(caught.value, AlreadyHeld)
    assert (caught.value.status, box.log.count(method="POST")) == (422, 1)


def _no_credits(box: Sandbox, group: str) -> None:
    box.accredible.credits = 0


def _no_design(box: Sandbox, group: str) -> None:
    box.accredible.update_group(int(group), certificate_design_id=None)


def _sandbox_mode(box: Sandbox, group: str) -> None:
    box.accredible.flags.sandbox_mode = True


def _switched_off(box: Sandbox, group: str) -> None:
    box.accredible.flags.publish_from_api = False


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (_no_credits, "no credits are left"),
        (_no_design, "no design"),
        (_sandbox_mode, "sandbox mode is on"),
        (_switched_off, "switched off"),
    ],
)
def test_what_was_not_published_fails_and_says_why(
    client: Accredible, box: Sandbox, group: str, cause: Callable[[Sandbox, str], None], words: str
) -> None:
    assert client.account  # the credits of that moment must not be remembered
    cause(box, group)
    for call in (lambda: client.issue(order(group)), lambda: client.publish(MARK)):
        with pytest.raises(Rejected, match=f"did not publish it: .*{words}"):
            call()
    (found,) = client.find(group, "4711", "")
    assert (found.state, box.accredible.mails) == ("pending", [])
    box.accredible.credits, box.accredible.flags = 5, replace(box.accredible.flags, sandbox_mode=False)
    box.accredible.flags.publish_from_api = True
    box.accredible.update_group(int(group), certificate_design_id=31)
    assert client.publish(found.id).state == "accepted"


def test_a_reason_that_cannot_be_read_is_no_other_failure(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.flags.sandbox_mode = True
    box.faults.add(Fault("http_503", "accredible", "GET"))
    with pytest.raises(Rejected, match="nobody says why"):
        client.issue(order(group))


# -- updating and ending ---


@pytest.mark.req("AC-57", "AC-55")
@pytest.mark.parametrize("maps", ["replace", "merge"])
def test_an_update_keeps_the_credential_and_changes_all_of_it(
    client: Accredible, box: Sandbox, group: str, maps: str
) -> None:
    box.accredible.flags.maps_on_put = maps
    made = client.issue(order(group, expires_at=NEXT_YEAR))
    theirs = {**(box.accredible.credentials[int(made.id)].meta_data or {}), "theirs": "stays"}
    box.accredible.change(int(made.id), meta_data=theirs)
    again = order(group, issued_at=datetime(2026, 3, 1, tzinfo=UTC), expires_at=False, mark="connectctl-new", email="")
    updated = client.replace(made.id, again)
    one = box.accredible.credentials[int(made.id)]
    assert (updated.id, updated.link, updated.expires_at) == (made.id, made.link, None)
    assert updated.marks == (MARK, "connectctl-new")
    assert (one.issued_on, one.expired_on, one.recipient_email) == ("2026-03-01", None, "ada@example.org")
    assert (one.meta_data or {})["theirs"] == "stays"
    assert client.replace(made.id, order(group, email="new@example.org")).emails == {"new@example.org"}
    assert len(box.accredible.in_group(int(group))) == 1


@pytest.mark.req("AC-60")
@pytest.mark.parametrize("maps", ["replace", "merge"])
def test_a_revoked_credential_expires_yesterday_and_may_come_back(
    client: Accredible, box: Sandbox, group: str, clock: Any, maps: str
) -> None:
    box.accredible.flags.maps_on_put = maps
    made = client.issue(order(group))
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    client.revoke(made.id, "the award was revoked")
    client.revoke(made.id, "again")
    one = box.accredible.credentials[int(made.id)]
    assert (one.expired_on, one.approve, box.accredible.expired(one)) == (yesterday, True, True)
    assert (one.meta_data or {})["connectctl_reason"] == "the award was revoked"
    assert box.log.count(method="PUT") == 1
    (found,) = client.find(group, "4711", "")
    assert (found.state, next(iter(client.held(group))).credentials[0].state) == ("revoked", "revoked")
    back = client.replace(made.id, order(group, mark="connectctl-back"))
    assert (back.state, back.expires_at, back.id) == ("accepted", None, made.id)


def test_what_has_expired_by_itself_is_not_ended_again(client: Accredible, box: Sandbox, group: str) -> None:
    one = box.accredible.issue(int(group), "ada@example.org", expired_on="2020-01-01")
    client.revoke(str(one.id), "over")
    assert box.log.count(method="PUT") == 0
    assert client.find(group, "", "ada@example.org")[0].state == "accepted"


def test_what_is_not_there_cannot_be_changed(client: Accredible, group: str) -> None:
    for call in (lambda: client.revoke("1", "x"), lambda: client.replace("1", order(group))):
        with pytest.raises(NotFound, match="has no credential 1"):
            call()


# -- what changed ---


@pytest.mark.req("AC-40", "AC-64")
def test_the_feed_is_what_was_published_or_changed_since(client: Accredible, box: Sandbox, group: str) -> None:
    now = datetime.fromtimestamp(box.clock.now(), UTC)
    times = {
        "old@example.org": now - timedelta(days=5),
        "earlier@example.org": now - timedelta(hours=2),
        "new@example.org": now,
    }
    for email, at in times.items():
        box.accredible.issue(int(group), email, created_at=at.timestamp())
    box.accredible.issue(int(group), "draft@example.org", approve=False)
    events = [event for event in client.feed(now - timedelta(hours=1)) if event.credential.template_id == group]
    assert [(event.kind, event.credential.emails) for event in events] == [("credential", {"new@example.org"})]
    (event,) = events
    assert (event.subject, event.id) == (event.credential.id, f"{event.subject}@{event.at.isoformat()}")
    assert client.event(event.id) is None
    again = [one.id for one in client.feed(now - timedelta(hours=1)) if one.credential.template_id == group]
    assert again == [event.id]
    box.clock.advance(60)
    box.accredible.change(int(event.subject), expired_on="2030-01-01")
    changed = [one for one in client.feed(now - timedelta(hours=1)) if one.subject == event.subject]
    assert [one.id == event.id for one in changed] == [False]


# -- what goes wrong on the way ---

READS: dict[str, Callable[[Accredible, str], Any]] = {
    "organization": lambda c, _g: c.organization(),
    "templates": lambda c, _g: c.templates(),
    "template": lambda c, g: c.template(g),
    "held": lambda c, g: list(c.held(g)),
    "find": lambda c, g: c.find(g, "4711", "ada@example.org"),
    "credential": lambda c, _g: c.credential("900001"),
    "feed": lambda c, _g: list(c.feed(datetime(2026, 1, 1, tzinfo=UTC))),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("kind", ["html_200", "truncated_json", "wrong_types"])
def test_a_reading_that_cannot_be_believed(
    client: Accredible, box: Sandbox, group: str, read: Callable[[Accredible, str], Any], kind: str
) -> None:
    box.faults.add(Fault(kind, "accredible"))
    with pytest.raises(BadAnswer) as caught:
        read(client, group)
    assert caught.value.message.startswith("Accredible")
    assert box.accredible.key not in caught.value.message


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize(
    "kind", ["http_500_before", "http_503", "http_429", "lose_request", "lose_answer", "cut_answer"]
)
def test_a_reading_is_tried_again_and_then_given_up(
    connect: Callable[..., Accredible], box: Sandbox, group: str, read: Callable[[Accredible, str], Any], kind: str
) -> None:
    box.faults.add(Fault(kind, "accredible", times=2))
    read(connect(), group)
    box.faults.clear()
    box.faults.add(Fault(kind, "accredible"))
    with pytest.raises(RemoteDown):
        read(connect(), group)


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("read", ["templates", "held", "find", "feed"])
def test_pages_without_an_end_are_no_listing(client: Accredible, box: Sandbox, group: str, read: str) -> None:
    box.accredible.issue(int(group), "ada@example.org", recipient_id="4711")
    box.faults.add(Fault("endless_pages", "accredible"))
    with pytest.raises(BadAnswer, match="endless paging"):
        READS[read](client, group)
    assert len(box.log.entries) == 2


WRITES: dict[str, Callable[[Accredible, str], Any]] = {
    "replace": lambda c, g: c.replace("900001", order(g)),
    "revoke": lambda c, _g: c.revoke("900001", "over"),
    "publish": lambda c, _g: c.publish("900001"),
}
LOST = ("lose_request", "lose_answer", "cut_answer", "http_500_before", "http_500_after", "http_503")


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("kind", [*LOST, "html_200", "truncated_json", "wrong_types"])
def test_a_creation_whose_answer_is_lost_or_unreadable_is_never_repeated(
    client: Accredible, box: Sandbox, group: str, kind: str
) -> None:
    box.faults.add(Fault(kind, "accredible", "POST"))
    with pytest.raises(RemoteUnsure):
        client.issue(order(group))
    assert box.log.count(method="POST") == 1


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("kind", LOST)
def test_a_change_is_tried_again_and_unsure_in_the_end(
    client: Accredible, box: Sandbox, group: str, write: Callable[[Accredible, str], Any], kind: str
) -> None:
    box.faults.add(Fault(kind, "accredible", "PUT"))
    with pytest.raises(RemoteUnsure):
        write(client, group)
    box.faults.clear()
    box.faults.add(Fault(kind, "accredible", "PUT", times=2))
    write(client, group)


@pytest.mark.req("GN-20")
def test_a_throttled_creation_is_sent_again_because_nothing_happened(
    client: Accredible, box: Sandbox, group: str, clock: Any
) -> None:
    box.faults.add(Fault("http_429", "accredible", "POST", times=1, retry_after=7))
    began = clock.now()
    client.issue(order(group))
    assert (box.log.count(method="POST"), len(box.accredible.in_group(int(group)))) == (2, 1)
    assert clock.now() - began >= timedelta(seconds=7)
