"""Creating, updating and ending credentials against the sandbox, and answers to them that get lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.api import AlreadyHeld, NotFound, Rejected, RemoteUnsure
from connectctl_accredible.client import Accredible
from connectctl_sandbox import Fault, Sandbox

from .orders import MARK, order

NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


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
    box.accredible.issue(int(group), "ada@example.org")
    with pytest.raises(AlreadyHeld):
        client.issue(order(group))
    assert len(box.accredible.in_group(int(group))) == 1


@pytest.mark.req("GN-21")
def test_asked_for_again_it_is_the_credential_that_is_there(client: Accredible, box: Sandbox, group: str) -> None:
    made = client.issue(order(group))
    assert client.issue(order(group)) == made
    assert [client.issue_many([order(group)]), len(box.accredible.mails)] == [[made], 1]
    with pytest.raises(AlreadyHeld):  # another completion of the same learner
        client.issue(order(group, mark="connectctl-another"))
    with pytest.raises(RemoteUnsure, match="another group or person"):  # our own id, and not what it stands for
        client.issue(order(group, email="other@example.org"))
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
    calls = (lambda: client.issue(order(group)), lambda: client.issue(order(group)), lambda: client.publish(MARK))
    for call in calls:
        with pytest.raises(Rejected, match=f"did not publish it: .*{words}"):
            call()
    (found,) = client.find(group, "4711", "")
    assert (found.state, box.accredible.mails) == ("draft", [])
    box.accredible.credits, box.accredible.flags = 5, replace(box.accredible.flags, sandbox_mode=False)
    box.accredible.flags.publish_from_api = True
    box.accredible.update_group(int(group), certificate_design_id=31)
    assert client.issue(order(group)).state == client.publish(found.id).state == "accepted"
    assert box.accredible.mails == [("ada@example.org", int(found.id))]


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


# -- what goes wrong on the way ---

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
