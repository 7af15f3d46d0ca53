"""Calls that make many changes at once: what goes wrong with one, with the call, full calls, and their prediction."""

from __future__ import annotations

from typing import Any

import pytest
from tests.flows.conftest import Toy, issues

from connectctl.errors import Rejected, RemoteDown, RemoteUnsure
from connectctl.model import Change, Look, Outcome


@pytest.mark.req("GN-19")
def test_an_error_in_the_place_of_an_outcome_is_that_changes_alone(toy: Toy) -> None:
    errors = {"2": Rejected("archived", status=422), "3": RemoteDown("down"), "4": RemoteUnsure("lost")}

    def apply(changes: list[Change], _ctx: Any) -> list[Outcome | Exception]:
        return [errors.get(str(one.user)) or Outcome("done", f"id-{one.user}") for one in changes]

    toy.parts = {"a": issues(*"12345")}
    toy.spec = {"batch": 5, "apply": apply}
    toy.found = lambda change: Look(Outcome("adopted", f"found-{change.user}"))
    report = toy.run().report
    assert (report["done"], report["failed"]) == ({"issue": 3}, 2)
    states = {user: state for user, (state, _) in toy.states().items()}
    assert states == {"1": "done", "2": "failed", "3": "intended", "4": "adopted", "5": "done"}


@pytest.mark.req("GN-20")
def test_a_call_for_many_that_is_down_counts_once(toy: Toy) -> None:
    calls: list[int] = []

    def apply(changes: list[Change], _ctx: Any) -> list[Outcome | Exception]:
        calls.append(len(changes))
        return [RemoteDown("down") if len(calls) == 1 else Outcome("done", "x") for _ in changes]

    toy.parts = {"a": issues(*(str(number) for number in range(60)))}
    toy.spec = {"batch": 30, "apply": apply, "parallel": False}
    report = toy.run().report
    assert (calls, report["done"]) == ([30, 30], {"issue": 30})


def test_calls_are_full_however_many_changes_there_are(toy: Toy) -> None:
    toy.parts = {"a": issues(*(str(number) for number in range(2000)))}
    toy.spec = {"batch": 30}
    toy.limits = "[limits]\nmax_changes = 5000"
    toy.run()
    assert sorted(map(len, toy.groups)) == [20, *[30] * 66]


def test_what_is_sent_by_itself_is_predicted_by_itself(toy: Toy) -> None:
    toy.parts = {"a": issues(*(str(number) for number in range(61)))}
    toy.spec = {"batch": 30, "alone": {"update": 2}}
    report = toy.run(dry_run=True).report
    assert report["predicted_calls"]["toy"] - report["api_calls"]["toy"] == 3
    toy.spec = {"batch": 30, "alone": {"issue": 2}}
    report = toy.run(dry_run=True).report
    assert report["predicted_calls"]["toy"] - report["api_calls"]["toy"] == 2 * 61
