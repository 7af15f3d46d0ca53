"""Credly's list of events in every order, with the fewest pages, and whatever stands in its rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import BadAnswer, DataError, FeedEvent, NotAllowed, NotFound
from connectctl.testing.fake_api import FakeAPI
from connectctl_credly import feed, records
from connectctl_credly.client import Credly
from connectctl_sandbox import Fault, Sandbox

Connect = Callable[..., Credly]
ZERO = datetime(2026, 3, 1, tzinfo=UTC)
PATH = "/organizations/org/events"


class Pages:
    """A list of events in pages, which counts how many are asked for."""

    def __init__(self, events: Sequence[FeedEvent], size: int = 5, *, told: bool = True) -> None:
        self.events, self.size, self.told = list(events), size, told
        self.asked: list[int] = []

    def __call__(self, number: int) -> feed.EventPage:
        self.asked.append(number)
        total = max(1, -(-len(self.events) // self.size))
        rows = self.events[(number - 1) * self.size : number * self.size]
        return feed.EventPage(rows, total if self.told else None, number < total)


def events(*minutes: int) -> list[FeedEvent]:
    return [FeedEvent(f"e{n}", ZERO + timedelta(minutes=m), "other", "") for n, m in enumerate(minutes)]


@given(
    minutes=st.lists(st.integers(0, 30), max_size=40),
    since=st.integers(-1, 31),
    size=st.integers(1, 7),
    newest_first=st.booleans(),
    told=st.booleans(),
)
def test_in_order_every_event_since_comes_exactly_once(
    minutes: list[int], since: int, size: int, newest_first: bool, told: bool
) -> None:
    listed = events(*sorted(minutes, reverse=newest_first))
    moment = ZERO + timedelta(minutes=since)
    found = [event.id for event in feed.walk(Pages(listed, size, told=told), moment)]
    assert sorted(found) == sorted(event.id for event in listed if event.at >= moment)


@pytest.mark.parametrize("told", [True, False])
def test_newest_first_ends_with_the_first_older_event(told: bool) -> None:
    pages = Pages(events(*range(100, 0, -1)), told=told)
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=93)))) == 8
    assert pages.asked == [1, 2]


def test_oldest_first_begins_at_the_end() -> None:
    pages = Pages(events(*range(100)))
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=93)))) == 7
    assert pages.asked == [1, 20, 19]


def test_oldest_first_without_a_number_of_pages_is_read_to_its_end() -> None:
    pages = Pages(events(*range(20)), told=False)
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=18)))) == 2
    assert pages.asked == [1, 2, 3, 4]


def test_events_that_come_while_the_last_page_is_read_are_not_missed() -> None:
    pages = Pages(events(*range(20)))
    more = events(*range(26))[20:]

    def growing(number: int) -> feed.EventPage:
        if number == 4 and more:
            pages.events.extend(more)
            more.clear()
        return pages(number)

    found = [event.id for event in feed.walk(growing, ZERO + timedelta(minutes=18))]
    assert sorted(found) == sorted(f"e{n}" for n in range(18, 26))


def test_without_an_order_everything_is_read() -> None:
    minutes = list(range(50))
    random.Random(3).shuffle(minutes)
    pages = Pages(events(*minutes))
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=40)))) == 10
    assert len(pages.asked) == 10


def test_an_order_that_breaks_on_the_way_is_no_order() -> None:
    backwards = [*range(20), 3, 55, 54, 53, 52]  # the last page contradicts the first
    pages = Pages(events(*backwards))
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=15)))) == 9
    assert sorted(pages.asked) == [1, 2, 3, 4, 5]


def test_one_moment_for_all_says_nothing_of_an_order() -> None:
    pages = Pages(events(*[7] * 12))
    assert len(list(feed.walk(pages, ZERO + timedelta(minutes=7)))) == 12
    assert len(list(feed.walk(Pages(events(*[7] * 12)), ZERO + timedelta(minutes=8)))) == 0


# -- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def fake(api: FakeAPI, connect: Connect) -> Credly:
    return connect(base_url=api.url, organization_id="org", token="t" * 20)


def row(number: int, kind: str = "badge.created", **more: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "event_type": kind, "occurred_at": f"2026-03-01T00:{number:02}:00.000Z", **more}


BADGE = {"id": "b1", "state": "accepted", "badge_template": {"id": "t1", "name": "Safety"}}


@pytest.mark.req("CR-82")
@pytest.mark.parametrize(
    ("given", "kind", "subject", "gone", "shown"),
    [
        (row(1, badge=BADGE), "credential", "b1", False, True),
        (row(1, "badge.deleted", badge={"id": "b1"}), "credential", "b1", True, False),
        (row(1, "badge.state.changed"), "credential", "", False, False),
        (row(1, "badge.privacy.changed", badge=None), "credential", "", False, False),
        (row(1, "badge.created", badge={"id": 7}), "credential", "", False, False),
        (row(1, "badge_template.changed", badge_template={"id": "t1"}), "template", "t1", False, False),
        (row(1, "badge_template.deleted"), "template", "", True, False),
        (row(1, "employee.created", employee={"id": "x"}), "other", "", False, False),
        (row(1, "something new"), "other", "", False, False),
    ],
)
def test_a_row_becomes_a_hint(given: dict[str, Any], kind: str, subject: str, gone: bool, shown: bool) -> None:
    found = records.event(given)
    assert (found.kind, found.subject, found.gone, found.credential is not None) == (kind, subject, gone, shown)
    assert (found.id, found.at) == ("e1", ZERO + timedelta(minutes=1))


@pytest.mark.parametrize("spoiled", [{"id": None}, {"event_type": 5}, {"occurred_at": None}, {"occurred_at": "soon"}])
def test_a_row_that_is_no_event(spoiled: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="Credly"):
        records.event(row(1) | spoiled)


def test_a_bad_row_costs_a_hint_and_a_page_of_them_the_listing(api: FakeAPI, fake: Credly) -> None:
    rows = [row(2), None, {"id": "e9"}, row(1)]
    api.on("GET", PATH, json={"data": rows, "metadata": {"total_pages": 1}}, times=1)
    api.on("GET", PATH, json={"data": [None, {"id": "e9"}], "metadata": {"total_pages": 1}})
    assert [event.id for event in fake.feed(ZERO)] == ["e2", "e1"]
    with pytest.raises(BadAnswer, match="Credly"):
        list(fake.feed(ZERO))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": [row(1)], "metadata": {"total_pages": 3}}, "endless paging"),
        ({"data": [], "metadata": {"total_pages": 3}}, "none on page 1"),
        ({"data": {}}, "without a list"),
        ([], "without a list"),
    ],
)
def test_pages_that_make_no_sense_are_no_listing(api: FakeAPI, fake: Credly, answer: Any, words: str) -> None:
    api.on("GET", PATH, json=answer)
    with pytest.raises(BadAnswer, match=words):
        list(fake.feed(ZERO))


@pytest.mark.parametrize("metadata", [{}, {"next_page_url": None}])
def test_no_events_are_no_error(api: FakeAPI, fake: Credly, metadata: Any) -> None:
    api.on("GET", PATH, json={"data": [], "metadata": metadata})
    assert list(fake.feed(ZERO)) == []


@pytest.mark.parametrize(("status", "error"), [(403, NotAllowed), (404, NotFound)])
def test_no_right_to_the_events_is_said_so(api: FakeAPI, fake: Credly, status: int, error: type[Exception]) -> None:
    api.on("GET", PATH, status=status, json={"data": {"message": "no"}})
    with pytest.raises(error):
        list(fake.feed(ZERO))


def test_one_event_by_its_id(api: FakeAPI, fake: Credly) -> None:
    api.on("GET", f"{PATH}/e1", json={"data": row(1, badge=BADGE), "metadata": {}})
    api.on("GET", f"{PATH}/e2", status=404, json={"data": {"message": "Event not found"}})
    api.on("GET", f"{PATH}/e3", json={"data": row(1), "metadata": {}})
    found = fake.event("e1")
    assert found is not None
    assert found.credential is not None
    assert found.credential.name == "Safety"
    assert fake.event("e2") is None
    with pytest.raises(BadAnswer, match="another one"):
        fake.event("e3")


def test_an_id_cannot_leave_its_place(api: FakeAPI, fake: Credly) -> None:
    api.on("GET", f"{PATH}/../badges?x=1", status=404, json={})  # as it arrives, unquoted
    assert fake.event("../badges?x=1") is None
    api.on("GET", "/organizations/org/badge_templates/../badges?x=1", status=404, json={})
    assert fake.template("../badges?x=1") is None


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_the_sandboxs_events_in_both_orders(client: Credly, box: Sandbox, template_id: str, order: Any) -> None:
    box.credly.flags.events_order = order
    since = box.clock.now() + 3600
    for number in range(120):
        box.clock.advance(60)
        box.credly.issue(f"p{number}@example.org", template_id)
    calls = client.calls
    found = list(client.feed(datetime.fromtimestamp(since, UTC)))
    assert len(found) == 61
    assert all(event.credential is not None and event.credential.id == event.subject for event in found)
    assert client.calls - calls <= 3
    first = client.event(found[0].id)
    assert first is not None
    assert first.subject == found[0].subject


@pytest.mark.parametrize("kind", ["html_200", "truncated_json", "wrong_types"])
def test_events_that_cannot_be_believed(client: Credly, box: Sandbox, template_id: str, kind: str) -> None:
    box.credly.issue("ada@example.org", template_id)
    box.faults.add(Fault(kind, "credly"))
    with pytest.raises(BadAnswer):
        list(client.feed(datetime(2020, 1, 1, tzinfo=UTC)))
