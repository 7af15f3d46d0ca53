"""Listings that are not what they seem, answered by a fake platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectctl.api import BadAnswer, RemoteUnsure
from connectctl.testing.fake_api import FakeAPI
from connectctl_credly.client import Credly

from .test_client import request

Connect = Callable[..., Credly]
PATH = "/organizations/org"
TEMPLATE = {"id": "t1", "name": "A", "state": "active", "created_at": "2026-01-01T00:00:00.000Z"}
BADGE = {"id": "b1", "state": "accepted", "badge_template": {"id": "t1"}, "issuer_earner_id": "4711"}


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def fake(api: FakeAPI, connect: Connect) -> Credly:
    return connect(base_url=api.url, organization_id="org", token="t" * 20)


def listing(*rows: Any, **metadata: Any) -> dict[str, Any]:
    return {"data": list(rows), "metadata": metadata}


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("total", [2, "2", 0])
def test_fewer_templates_than_stated_are_no_listing(api: FakeAPI, fake: Credly, total: object) -> None:
    api.on("GET", f"{PATH}/badge_templates", json=listing(TEMPLATE, total_count=total, total_pages=1))
    with pytest.raises(BadAnswer, match="not complete"):
        fake.templates()


@pytest.mark.parametrize("metadata", [{}, {"total_count": None}, {"total_count": "many"}, {"total_count": True}])
def test_a_listing_without_a_total_is_taken_to_its_end(api: FakeAPI, fake: Credly, metadata: dict[str, Any]) -> None:
    api.on("GET", f"{PATH}/badge_templates", json=listing(TEMPLATE, **metadata))
    assert [one.id for one in fake.templates()] == ["t1"]


@pytest.mark.parametrize("answer", [[], {}, {"data": None}, {"data": {"id": "t1"}}, {"data": "none"}, 7, "no", None])
def test_an_answer_without_a_list_is_named(api: FakeAPI, fake: Credly, answer: object) -> None:
    api.on("GET", f"{PATH}/badge_templates", json=answer)
    with pytest.raises(BadAnswer):
        fake.templates()


@pytest.mark.parametrize("metadata", [None, [], "none", 5])
def test_metadata_of_another_kind_says_nothing(api: FakeAPI, fake: Credly, metadata: object) -> None:
    api.on("GET", f"{PATH}/badge_templates", json={"data": [TEMPLATE], "metadata": metadata})
    assert len(fake.templates()) == 1


@pytest.mark.req("GN-33")
@pytest.mark.parametrize("row", [None, 5, {}, {"id": "t2"}, {"id": 7, "name": "B", "state": "active"}])
def test_one_row_that_cannot_be_read_makes_the_listing_worthless(api: FakeAPI, fake: Credly, row: object) -> None:
    api.on("GET", f"{PATH}/badge_templates", json=listing(TEMPLATE, row))
    with pytest.raises(BadAnswer, match="Credly: "):
        fake.templates()


@pytest.mark.req("CR-34")
def test_a_filter_that_is_ignored_and_returns_everything_fools_nobody(api: FakeAPI, fake: Credly) -> None:
    others = [BADGE | {"id": "b2", "badge_template": {"id": "t2"}}, BADGE | {"id": "b3", "issuer_earner_id": "9"}]
    api.on("GET", f"{PATH}/badges", json=listing(BADGE, *others, total_pages=1))
    assert [one.id for page in fake.held("t1") for one in page.credentials] == ["b1", "b3"]
    assert [one.id for one in fake.find("t1", "4711", "ada@example.org")] == ["b1"]
    assert fake.find("t9", "4711", "ada@example.org") == []


@pytest.mark.req("CR-37", "GN-21")
@pytest.mark.parametrize("answer", [{"data": {}}, {"data": None}, {}, [], None, {"data": {"id": "b1"}}])
def test_a_201_without_a_badge_may_have_worked(api: FakeAPI, fake: Credly, answer: object) -> None:
    api.on("POST", f"{PATH}/badges", status=201, json=answer)
    with pytest.raises(RemoteUnsure, match="may have"):
        fake.issue(request("t1"))


@pytest.mark.req("GN-33", "CR-34")
def test_a_full_page_that_says_nothing_of_others_is_not_the_whole_list(api: FakeAPI, fake: Credly) -> None:
    def badge(number: int) -> dict[str, Any]:
        return BADGE | {"id": f"b{number}", "issuer_earner_id": str(number)}

    pages = {"1": range(50), "2": range(50, 100), "3": range(100, 120)}
    for page, numbers in pages.items():
        api.on("GET", f"{PATH}/badges", json=listing(*map(badge, numbers)), params={"page": page})
    held = [one.id for page in fake.held("t1") for one in page.credentials]
    assert held == [f"b{number}" for number in range(120)]
    assert [one.id for one in fake.find("t1", "110", "")] == ["b110"]


@pytest.mark.req("CR-34")
def test_an_empty_page_in_the_middle_is_no_end_of_the_list(api: FakeAPI, fake: Credly) -> None:
    api.on("GET", f"{PATH}/badges", json=listing(BADGE, total_pages=3), params={"page": "1"})
    api.on("GET", f"{PATH}/badges", json=listing(total_pages=3), params={"page": "2"})
    with pytest.raises(BadAnswer, match="not complete"):
        list(fake.held("t1"))
