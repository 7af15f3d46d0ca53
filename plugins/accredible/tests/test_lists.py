"""Answers that are not what they seem, laid out by a fake platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.api import AlreadyHeld, BadAnswer, Rejected, RemoteUnsure
from connectctl.testing.fake_api import FakeAPI
from connectctl_accredible.client import Accredible

from .orders import MARK, found, order, shown

SEARCH, GROUPS = "/v2/credentials/search", "/v1/issuer/groups/search"
LIST, CREATE = "/v1/all_credentials", "/v1/credentials"
GROUP = {"id": 7, "name": "empty"}
SINCE = datetime(2026, 2, 10, 12, tzinfo=UTC)


def numbered(*rows: Any, **meta: Any) -> dict[str, Any]:
    return {"groups": list(rows), "credentials": list(rows), "meta": meta}


def pages(api: FakeAPI, path: str, answers: Mapping[Any, Any]) -> None:
    """Answers by the cursor, or the number of the page, that a POST asks for."""

    def answer(request: Any) -> Any:
        page = request.json["page"]
        return answers[page.get("cursor") if isinstance(page, dict) else page]

    api.on("POST", path, json=answer)


def ids(client: Accredible) -> list[str]:
    return [one.id for page in client.held("7") for one in page.credentials]


# -- numbered pages ---


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("total", [2, "2", 99])
def test_fewer_groups_than_stated_are_no_listing(api: FakeAPI, fake: Accredible, total: object) -> None:
    api.on("POST", GROUPS, json=numbered(GROUP, total_count=total, next_page=None))
    with pytest.raises(BadAnswer, match="not complete"):
        fake.templates()


@pytest.mark.parametrize("meta", [{}, {"total_count": None}, {"total_count": "many"}, {"total_count": True}])
def test_a_listing_without_a_total_is_taken_to_its_end(api: FakeAPI, fake: Accredible, meta: dict[str, Any]) -> None:
    pages(api, GROUPS, {1: numbered(GROUP, next_page=2, **meta), 2: numbered(GROUP | {"id": 8}, next_page=None)})
    assert [one.id for one in fake.templates()] == ["7", "8"]


def test_pages_are_counted_where_no_next_one_is_named(api: FakeAPI, fake: Accredible) -> None:
    pages(api, GROUPS, {1: numbered(GROUP, total_pages=2), 2: numbered(GROUP | {"id": "8"}, total_pages=2)})
    assert [one.id for one in fake.templates()] == ["7", "8"]


def test_an_empty_page_in_the_middle_is_no_end_of_the_list(api: FakeAPI, fake: Accredible) -> None:
    pages(api, GROUPS, {1: numbered(GROUP, next_page=2), 2: numbered(next_page=3)})
    with pytest.raises(BadAnswer, match="not complete"):
        fake.templates()


def test_no_groups_are_a_complete_listing(api: FakeAPI, fake: Accredible) -> None:
    api.on("POST", GROUPS, json=numbered(total_count=0, total_pages=1, next_page=None))
    assert fake.templates() == []


@pytest.mark.parametrize("answer", [[], {}, {"groups": None}, {"groups": {"id": 7}}, {"groups": "none"}, 7, "no", None])
def test_an_answer_without_a_list_is_named(api: FakeAPI, fake: Accredible, answer: object) -> None:
    api.on("POST", GROUPS, json=answer)
    with pytest.raises(BadAnswer):
        fake.templates()


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("row", [None, 5, {}, {"id": 8}, {"id": True, "name": "b"}, {"id": 8, "name": 9}])
def test_one_group_that_cannot_be_read_makes_the_listing_worthless(api: FakeAPI, fake: Accredible, row: object) -> None:
    api.on("POST", GROUPS, json=numbered(GROUP, row, total_count=2, next_page=None))
    with pytest.raises(BadAnswer, match="Accredible: "):
        fake.templates()


def test_another_group_than_the_one_asked_for_is_named(api: FakeAPI, fake: Accredible) -> None:
    api.on("GET", "/v1/issuer/groups/8", json={"group": GROUP})
    with pytest.raises(BadAnswer, match="another one, 7"):
        fake.template("8")


# -- cursors ---


@pytest.mark.parametrize("last", [{}, {"cursor": None}, {"cursor": ""}, {"cursor": 5}, {"cursor": "a"}])
def test_a_cursor_ends_in_many_ways(api: FakeAPI, fake: Accredible, last: dict[str, Any]) -> None:
    first = numbered(found(1), count=2, size=1, cursor="a")
    pages(api, SEARCH, {None: first, "a": numbered(found(2), count=2, size=1, **last)})
    assert ids(fake) == ["1", "2"]


@pytest.mark.req("GN-33")
@pytest.mark.parametrize(
    "second",
    [
        numbered(count=3, size=1, cursor="b"),
        numbered(found(2), count=3, size=1),
        numbered(found(2), count=3, size=1, cursor="a"),
    ],
)
def test_an_end_before_all_were_seen_is_no_end(api: FakeAPI, fake: Accredible, second: dict[str, Any]) -> None:
    pages(api, SEARCH, {None: numbered(found(1), count=3, size=1, cursor="a"), "a": second})
    with pytest.raises(BadAnswer, match="not complete"):
        ids(fake)


def test_cursors_that_lead_in_a_ring_are_no_listing(api: FakeAPI, fake: Accredible) -> None:
    ring = {None: "a", "a": "b", "b": "a"}
    answers = {at: numbered(found(place), count=9, cursor=to) for place, (at, to) in enumerate(ring.items())}
    pages(api, SEARCH, answers)
    with pytest.raises(BadAnswer, match="cursor came again"):
        ids(fake)


def test_without_a_count_a_full_page_is_not_the_last(api: FakeAPI, fake: Accredible) -> None:
    full = numbered(*(found(number) for number in range(100)), cursor="a")
    pages(api, SEARCH, {None: full, "a": numbered(found(100), cursor="b")})
    assert len(ids(fake)) == 101


@pytest.mark.req("GN-19")
@pytest.mark.parametrize("row", [None, 5, {}, found(2, approve=None), found(2, group=None), found(2, issued_on="x")])
def test_one_credential_that_cannot_be_read_is_named_beside_the_others(
    api: FakeAPI, fake: Accredible, row: object
) -> None:
    api.on("POST", SEARCH, json=numbered(found(1), row, found(3), count=3, cursor=None))
    (page,) = fake.held("7")
    assert [one.id for one in page.credentials] == ["1", "3"]
    assert len(page.bad) == 1


def test_a_query_that_is_ignored_and_returns_everything_fools_nobody(api: FakeAPI, fake: Accredible) -> None:
    api.on("POST", SEARCH, json=numbered(found(1), found(2, group={"id": 8}), count=2, cursor=None))
    assert ids(fake) == ["1"]
    rows = (shown(1), shown(2, recipient={"email": "b@example.org", "id": "9"}), shown(3, group_id=8))
    api.on("GET", LIST, json=numbered(*rows, next_page=None))
    assert [one.id for one in fake.find("7", "4711", "ada@example.org")] == ["1"]


# -- look-ups ---


@pytest.mark.parametrize("missing", ["group_id", "url", "approve"])
def test_a_row_of_the_old_list_without_what_decides_is_read_alone(api: FakeAPI, fake: Accredible, missing: str) -> None:
    row = shown(5)
    del row[missing]
    api.on("GET", LIST, json=numbered(row, next_page=None))
    api.on("GET", f"{CREATE}/5", json={"credential": shown(5)})
    (one,) = fake.find("7", "4711", "ada@example.org")
    assert (one.id, one.link, one.state) == ("5", "https://www.credential.example/u1", "accepted")


def test_a_credential_without_a_link_has_the_one_of_its_number(api: FakeAPI, fake: Accredible) -> None:
    api.on("GET", f"{CREATE}/5", json={"credential": shown(5, id=5, url=None)})
    one = fake.credential("5")
    assert one is not None
    assert one.link == "https://www.credential.net/5"


def test_our_own_id_of_another_group_is_not_the_learners(api: FakeAPI, fake: Accredible) -> None:
    api.on("GET", f"{CREATE}/{MARK}", json={"credential": shown(5)})
    api.on("GET", LIST, json=numbered(next_page=None))
    assert fake.find("8", "4711", "ada@example.org", MARK) == []


# -- creating and changing ---


@pytest.mark.req("GN-21")
@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], None, 7, {"credential": None}, {"credential": {}}, {"credential": {"id": 1}}),
        {"credential": shown(group_id=8)},
        {"credential": shown(recipient={"email": "other@example.org"})},
    ],
)
def test_a_200_that_does_not_show_our_credential_may_have_worked(
    api: FakeAPI, fake: Accredible, answer: object
) -> None:
    api.on("POST", CREATE, json=answer)
    with pytest.raises(RemoteUnsure, match="may have"):
        fake.issue(order("7"))


@pytest.mark.parametrize(
    "answer", [{"errors": "no"}, {"error": "no"}, {"success": False, "data": "no"}, {"errors": {"id": ["no"]}}]
)
def test_a_200_that_says_no_is_a_refusal(api: FakeAPI, fake: Accredible, answer: object) -> None:
    api.on("POST", CREATE, json=answer)
    with pytest.raises(Rejected, match="no"):
        fake.issue(order("7"))


@pytest.mark.req("AC-55")
@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (422, {"errors": "not allowed"}, "not allowed"),
        (200, {"credential": shown(expired_on="2027-02-10")}, "did not take the change"),
        (200, {"success": False, "data": "locked"}, "locked"),
    ],
)
def test_an_expiry_that_stays_is_a_failure(
    api: FakeAPI, fake: Accredible, status: int, answer: object, words: str
) -> None:
    api.on("POST", CREATE, json={"credential": shown(expired_on="2027-02-10")})
    api.on("PUT", f"{CREATE}/1", status=status, json=answer)
    with pytest.raises(Rejected, match=f"valid until 2027-02-10, not without an end, .*{words}"):
        fake.issue(order("7", expires_at=False))


@pytest.mark.parametrize("answer", [{}, [], None, {"credential": {}}, {"credential": shown(2)}])
def test_a_change_that_is_not_shown_may_have_worked(api: FakeAPI, fake: Accredible, answer: object) -> None:
    api.on("GET", f"{CREATE}/1", json={"credential": shown(1)})
    api.on("PUT", f"{CREATE}/1", json=answer)
    for call in (lambda: fake.replace("1", order("7")), lambda: fake.revoke("1", "over"), lambda: fake.publish("1")):
        with pytest.raises(RemoteUnsure, match="may have"):
            call()


def test_an_end_that_is_not_shown_is_none(api: FakeAPI, fake: Accredible) -> None:
    api.on("GET", f"{CREATE}/1", json={"credential": shown(1)})
    api.on("PUT", f"{CREATE}/1", json={"credential": shown(1)})
    with pytest.raises(RemoteUnsure, match="expiry never"):
        fake.revoke("1", "over")


# -- feed and account ---


def test_a_row_that_cannot_be_read_is_an_event_that_shows_nothing(api: FakeAPI, fake: Accredible) -> None:
    api.on("POST", SEARCH, json=numbered(found(1), {"id": 2}, found(3, updated_at="2026-02-10"), count=3, cursor=None))
    events = list(fake.feed(SINCE))
    assert [event.subject for event in events] == ["1", "", "3"]  # of a day without a time nothing can be left out
    assert events[1].credential is None


@pytest.mark.parametrize("answer", [{}, {"issuer": None}, {"issuer": {"name": "Acme"}}, {"issuer": {"id": []}}])
def test_an_account_without_a_number_is_none(api: FakeAPI, fake: Accredible, answer: object) -> None:
    api.on("GET", "/v1/issuer/details", json=answer)
    with pytest.raises(BadAnswer):
        assert fake.account


def test_a_duplicate_that_is_not_ours_is_held_by_somebody(api: FakeAPI, fake: Accredible) -> None:
    api.on("POST", CREATE, status=422, json={"errors": {"recipient.email": ["has already been taken"]}})
    api.on("GET", f"{CREATE}/{MARK}", json={"credential": shown(id="900", meta_data=None)})
    with pytest.raises(AlreadyHeld):
        fake.issue(order("7"))
