"""The Accredible client against the sandbox: every method, and every answer that is not what the API promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.api import (
    AuthFailed,
    BadAnswer,
    RemoteDown,
)
from connectctl_accredible import client as accredible_client
from connectctl_accredible.client import Accredible
from connectctl_sandbox import Fault, Sandbox

from .orders import MARK, order


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
    assert {one.state for one in found} == {"accepted", "draft"}  # one of the seeded ones is not published


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
