"""Thirty credentials with one call: what it costs, and which result belongs to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import AlreadyHeld, AuthFailed, ConnectctlError, Credential, Rejected, RemoteDown, RemoteUnsure
from connectctl.testing.fake_api import FakeAPI
from connectctl_accredible.bulk import paired
from connectctl_accredible.client import Accredible
from connectctl_sandbox import Fault, Sandbox

from .orders import orders, shown
from .test_records import JSON

BULK = "/v2/credentials/bulk_create"


def made(result: Credential | ConnectctlError) -> Credential:
    assert isinstance(result, Credential), result
    return result


def test_3000_credentials_cost_100_calls(client: Accredible, box: Sandbox, group: str) -> None:
    wanted = orders(group, 3000)
    results = [made(one) for one in client.issue_many(wanted)]
    assert [one.marks for one in results] == [(one.mark,) for one in wanted]
    assert [one.emails for one in results] == [{one.email} for one in wanted]
    assert (client.calls, len(box.accredible.in_group(int(group)))) == (100, 3000)


def test_nothing_costs_nothing(client: Accredible) -> None:
    assert client.issue_many([]) == []
    assert client.calls == 0


@pytest.mark.parametrize("form", ["endpoint", "intro"])
def test_one_that_fails_keeps_none_of_the_others_from_being_made(
    client: Accredible, box: Sandbox, group: str, form: str
) -> None:
    box.accredible.flags.v2_errors = form
    box.accredible.issue(int(group), "p3@example.org")
    wanted = orders(group, 40)
    wanted[5] = orders("99999", 6)[5]
    results = client.issue_many(wanted)
    assert isinstance(results[3], AlreadyHeld)
    assert type(results[5]) is Rejected
    assert [one for one in range(40) if not isinstance(results[one], Credential)] == [3, 5]
    assert client.calls == 3  # two of them, and a look at whose the duplicate is


def test_when_all_are_refused_each_has_its_own_reason(client: Accredible, box: Sandbox, group: str) -> None:
    for number in range(3):
        box.accredible.issue(int(group), f"p{number}@example.org")
    assert [type(one) for one in client.issue_many(orders(group, 3))] == [AlreadyHeld] * 3


def test_what_the_credits_do_not_reach_for_is_not_published_and_says_so(
    client: Accredible, box: Sandbox, group: str
) -> None:
    box.accredible.credits = 2
    results = client.issue_many(orders(group, 4))
    assert [type(one) for one in results] == [Credential, Credential, Rejected, Rejected]
    assert "not enough credits" in str(results[3])
    assert (client.calls, len(box.accredible.in_group(int(group)))) == (1, 4)


def test_the_reason_for_a_whole_group_is_asked_for_once(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.update_group(int(group), certificate_design_id=None)
    results = client.issue_many(orders(group, 60))
    assert all("no design" in str(one) for one in results)
    assert client.calls == 4


@pytest.mark.req("AC-55")
def test_an_unwanted_expiry_is_removed_from_each(client: Accredible, box: Sandbox, group: str) -> None:
    box.accredible.update_group(int(group), auto_expiry=1)
    results = client.issue_many(orders(group, 3, expires_at=False))
    assert [made(one).expires_at for one in results] == [None] * 3
    assert client.calls == 4


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "cut_answer", "http_500_after", "truncated_json", "wrong_types"])
def test_a_lost_answer_leaves_its_30_unsure_and_each_is_found_by_its_own_id(
    client: Accredible, box: Sandbox, group: str, kind: str
) -> None:
    box.accredible.flags.search_lag = 600
    box.faults.add(Fault(kind, "accredible", path="bulk_create$", times=1, after=1))
    wanted = orders(group, 90)
    results = client.issue_many(wanted)
    unsure = [place for place, one in enumerate(results) if isinstance(one, RemoteUnsure)]
    assert unsure == list(range(30, 60))
    assert box.log.count(path="bulk_create$") == 3
    for place in unsure:
        one = wanted[place]
        assert [found.marks for found in client.find(group, one.earner_id, one.email, one.mark)] == [(one.mark,)]
    assert len(box.accredible.in_group(int(group))) == 90


@pytest.mark.parametrize(("kind", "error"), [("http_429", RemoteDown), ("lose_request", RemoteUnsure)])
def test_after_a_call_that_was_not_taken_the_rest_is_not_tried(
    client: Accredible, box: Sandbox, group: str, kind: str, error: type[Exception]
) -> None:
    box.faults.add(Fault(kind, "accredible", path="bulk_create$", after=1))
    results = client.issue_many(orders(group, 90))
    assert [type(one) for one in results] == [Credential] * 30 + [error] * 60
    assert len(box.accredible.in_group(int(group))) == 30


def test_who_is_not_known_creates_nothing(connect: Callable[..., Accredible], group: str) -> None:
    client = connect(api_key="nobody-knows-this")
    assert {type(one) for one in client.issue_many(orders(group, 60))} == {AuthFailed}
    assert client.calls == 1


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, {}, RemoteUnsure),
        (200, {"results": {}}, RemoteUnsure),
        (200, None, RemoteUnsure),
        (207, {"results": []}, RemoteUnsure),
        (207, {"results": [None, 5, {}]}, RemoteUnsure),
        (207, {"results": [{"credential": {}}] * 3}, RemoteUnsure),
        (422, {"errors": "can't be more than 30"}, Rejected),
        (422, None, Rejected),
        (400, {"errors": "no"}, Rejected),
    ],
)
def test_an_answer_that_says_nothing_of_them(
    api: FakeAPI, fake: Accredible, status: int, answer: object, error: type[Exception]
) -> None:
    api.on("POST", BULK, status=status, json=answer)
    assert [type(one) for one in fake.issue_many(orders("7", 3))] == [error] * 3


# -- pairing, pure ---

ERROR = {"errors": {"code": "credential_invalid", "message": "Invalid", "details": []}}
WANTED = orders("7", 4)


def result(number: int, **changes: Any) -> dict[str, Any]:
    one = WANTED[number]
    recipient = {"name": "A", "email": one.email, "id": one.earner_id}
    return {"credential": shown(number, **{"id": one.mark, "recipient": recipient, "meta_data": None, **changes})}


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([result(0), result(1), result(2), result(3)], ["c0", "c1", "c2", "c3"]),
        ([result(3), result(1), result(2), result(0)], ["c0", "c1", "c2", "c3"]),
        ([result(0), ERROR, result(2), ERROR], ["c0", "error", "c2", "error"]),
        ([ERROR, ERROR, ERROR, ERROR], ["error"] * 4),
        ([result(0), result(2), ERROR, ERROR], ["c0", "unknown", "c2", "unknown"]),  # not in our order
        ([result(0), ERROR], ["c0", "unknown", "unknown", "unknown"]),
        ([result(0), ERROR, result(2), ERROR, ERROR], ["c0", "unknown", "c2", "unknown"]),
        ([result(0), {}, None, 5], ["c0", "unknown", "unknown", "unknown"]),
        ([{"credential": shown(9, id="connectctl-of-nobody")}, ERROR, ERROR, ERROR], ["unknown"] * 4),
    ],
)
def test_a_result_belongs_to_whom_it_names_and_an_error_to_its_place(results: list[Any], expected: list[str]) -> None:
    found = []
    for one in paired(WANTED, results):
        if one is None:
            found.append("unknown")
        else:
            found.append("error" if one.credential is None else f"c{one.credential['accredible_internal_id']}")
    assert found == expected


def test_without_our_id_the_address_tells_unless_two_share_it() -> None:
    rows = [result(number, id=900 + number) for number in (2, 0)]
    assert [one is not None for one in paired(WANTED, rows)] == [True, False, True, False]
    twins = [WANTED[0], WANTED[0]]
    assert paired(twins, rows) == [None, None]


@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_no_order_of_results_gives_a_request_what_is_somebody_elses(order: list[int], failed: set[int]) -> None:
    rows = [ERROR if number in failed else result(number) for number in order]
    for number, one in enumerate(paired(WANTED, rows)):
        if number not in failed:
            assert one is not None
            assert one.credential is not None
            assert one.credential["accredible_internal_id"] == number
        else:
            assert one is None or one.credential is None


@given(st.lists(JSON | st.fixed_dictionaries({"credential": JSON, "errors": JSON}), max_size=6))
def test_whatever_the_results_are_each_request_has_one_or_none(results: list[object]) -> None:
    assert len(paired(WANTED, results)) == 4
