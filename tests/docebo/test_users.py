"""Users: by id, by e-mail, and who counts as active."""

from __future__ import annotations

from typing import Any

import pytest

from connectctl.docebo import users
from connectctl.docebo.users import Person
from connectctl.errors import DataError, NotAllowed, Rejected
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

USERS = "/manage/v1/user"
ADA = {
    "user_id": "4711",
    "username": "ada",
    "first_name": "Ada",
    "last_name": "Byron",
    "email": " Ada@Example.org ",
    "status": "1",
    "expired": False,
    "expiration_date": None,
}


def test_a_row_and_a_detail_become_the_same_person(api: FakeAPI, docebo: MakeDocebo) -> None:
    detail = {"user_id": 4711, "username": "ada", "firstname": "Ada", "lastname": "Byron", "email": "Ada@Example.org"}
    api.on("GET", USERS, json=listing([ADA]))
    api.on("GET", f"{USERS}/4711", json={"data": {"user_data": {**detail, "valid": "1"}, "additional_fields": []}})
    one = docebo()
    expected = Person("4711", "Ada@Example.org", "Ada", "Byron", "ada", True)
    assert list(users.walk(one)) == [expected]
    assert users.get(one, "4711") == expected


@pytest.mark.req("GN-16")
@pytest.mark.parametrize("asked", ["ada@example.org", "  ADA@example.ORG "])
def test_search_keeps_exact_matches_only(api: FakeAPI, docebo: MakeDocebo, asked: str) -> None:
    rows = [
        ADA,
        ADA | {"user_id": "1", "email": "xada@example.org"},
        ADA | {"user_id": "2", "email": "ada@example.org.uk"},
        ADA | {"user_id": "3", "email": None, "username": "ada@example.org"},
        ADA | {"user_id": "4", "email": "", "first_name": "ada@example.org"},
        ADA | {"user_id": "5", "email": "ada@example.org", "status": "0"},
    ]
    api.on("GET", USERS, json=listing(rows))
    assert [(one.id, one.active) for one in users.search(docebo(), asked)] == [("4711", True), ("5", False)]
    assert api.seen("GET", USERS)[0].param("search_text") == "ada@example.org"


@pytest.mark.req("GN-36")
def test_a_user_name_is_never_an_address(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json=listing([ADA | {"email": "", "username": "eve@example.org"}]))
    one = docebo()
    assert next(users.walk(one)).email is None
    assert users.search(one, "eve@example.org") == []


def test_a_plus_in_an_address_arrives(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", USERS, json=listing([]))
    users.search(docebo(), "a+b@example.org")
    assert api.seen("GET", USERS)[0].param("search_text") == "a+b@example.org"


def test_a_blank_address_is_not_searched(api: FakeAPI, docebo: MakeDocebo) -> None:
    assert users.search(docebo(), "  ") == []
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, {"message": ["User not found"]}),
        (410, None),
        (400, {"message": "This user does not exist"}),
        (200, {"data": {"success": False, "message": "user not found"}}),
    ],
)
def test_a_missing_user_is_none(api: FakeAPI, docebo: MakeDocebo, status: int, answer: Any) -> None:
    api.on("GET", f"{USERS}/9", status=status, json=answer)
    assert users.get(docebo(), "9") is None


@pytest.mark.parametrize(("status", "kind"), [(400, Rejected), (403, NotAllowed), (422, Rejected)])
def test_another_refusal_is_not_a_missing_user(
    api: FakeAPI, docebo: MakeDocebo, status: int, kind: type[Exception]
) -> None:
    api.on("GET", f"{USERS}/9", status=status, json={"message": "no"})
    with pytest.raises(kind):
        users.get(docebo(), "9")


@pytest.mark.parametrize("answer", [{"user_id": "8"}, {"user_id": []}, {}])
def test_a_wrong_user_is_not_taken(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("GET", f"{USERS}/9", json={"data": {"user_data": answer}})
    with pytest.raises(DataError, match=r"user 9|instead of 9"):
        users.get(docebo(), "9")


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"status": 1}, True),
        ({"status": "0"}, False),
        ({"status": None, "valid": "0"}, False),
        ({"expired": True}, False),
        ({"expired": "1"}, False),
        ({"expiration_date": "2026-02-28"}, False),
        ({"expiration_date": "2026-03-02"}, True),
        ({"expiration_date": "0000-00-00"}, True),
    ],
)
def test_who_is_active(api: FakeAPI, docebo: MakeDocebo, changes: dict[str, Any], active: bool) -> None:
    api.on("GET", USERS, json=listing([ADA | changes]))
    assert next(users.walk(docebo())).active is active


def test_a_user_on_two_pages_comes_once_and_pages_are_told(api: FakeAPI, docebo: MakeDocebo) -> None:
    other = ADA | {"user_id": 5}
    api.on("GET", USERS, json=listing([ADA], 1, 2), params={"page": "1"})
    api.on("GET", USERS, json=listing([ADA | {"first_name": "A."}, other], 2, 2), params={"page": "2"})
    pages = list(users.pages(docebo()))
    assert [[one.id for one in page.people] for page in pages] == [["4711"], ["5"]]
    assert [page.pages for page in pages] == [2, 2]
