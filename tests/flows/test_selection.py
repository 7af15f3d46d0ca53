"""Which planned changes a run carries out: all, those of a saved plan, or those a retry asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.flows.conftest import Toy, change, issues

from connectctl.errors import Rejected, UsageError
from connectctl.flows.planfile import PlanFile
from connectctl.flows.runs import RunRecords
from connectctl.flows.selection import Selection
from connectctl.model import Change, Outcome, Plan, Skip
from connectctl.store.store import Store

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ADA = Change("issue", "h|1", {"email": "a@b.c", "expires_at": "2027-01-01T00:00:00Z"}, "why", "course:1", "v1", "1")


def nothing(_holding: str) -> bool:
    """No holding was planned for."""
    return False


def saved(store: Store, *changes: Change) -> Selection:
    return Selection.of(PlanFile("toy.go", "r_1", "", {}, changes), None, RunRecords(store))


def test_without_a_plan_or_a_retry_everything_is_wanted(store: Store) -> None:
    selection = Selection.of(None, None, RunRecords(store))
    assert selection.judge(ADA).wanted
    assert selection.missing(nothing) == []


@pytest.mark.req("GN-40")
@pytest.mark.parametrize(
    ("planned", "wanted", "refused"),
    [
        (ADA, True, False),
        (replace(ADA, reason="said otherwise"), True, False),
        (replace(ADA, holding="h|2"), False, False),
        (replace(ADA, version="v2"), False, False),
        (replace(ADA, origin="course:2"), False, False),
        (replace(ADA, data={**ADA.data, "email": "x@b.c"}), True, True),
        (replace(ADA, email="x@b.c"), True, True),
        (replace(ADA, template="t9"), True, True),
    ],
)
def test_a_saved_change_is_carried_out_where_the_world_is_the_same(
    store: Store, planned: Change, wanted: bool, refused: bool
) -> None:
    verdict = saved(store, ADA).judge(planned)
    assert (verdict.wanted, bool(verdict.refusal)) == (wanted, refused)


@pytest.mark.req("CR-61", "GN-40")
def test_the_saved_expiry_is_the_one_that_counts(store: Store) -> None:
    planned = replace(ADA, data={**ADA.data, "expires_at": "2027-02-02T00:00:00Z"})
    verdict = saved(store, ADA).judge(planned)
    assert (verdict.refusal, verdict.change.data["expires_at"]) == ("", "2027-01-01T00:00:00Z")


@pytest.mark.req("GN-40", "CR-36", "CR-41")
@pytest.mark.parametrize("given", [{"a": 1}, "soon", 5, False, None, "2027-01-01"])
def test_an_expiry_that_no_plan_has_computed_is_refused(store: Store, given: object) -> None:
    edited = replace(ADA, data={**ADA.data, "expires_at": given})
    assert saved(store, edited).judge(ADA).refusal


@pytest.mark.req("GN-40", "CR-36", "CR-41")
@pytest.mark.parametrize("expires", ["2027-01-01T00:00:00Z", None])
def test_the_expiry_of_an_award_is_its_own(store: Store, expires: str | None) -> None:
    award = replace(ADA, version=f"b1@{expires or 'never'}", data={**ADA.data, "expires_at": expires})
    edited = replace(award, data={**ADA.data, "expires_at": "2099-01-01T00:00:00Z"})
    assert saved(store, edited).judge(award).refusal
    assert not saved(store, award).judge(award).refusal


@pytest.mark.req("GN-40")
def test_a_saved_change_that_is_planned_no_more_says_why(store: Store) -> None:
    selection = saved(store, ADA, replace(ADA, holding="h|2"), replace(ADA, holding="h|3"))
    selection.note(Skip("h|1", "already_assigned"))
    selection.judge(replace(ADA, holding="h|3"))
    gone = {one.holding: why for one, why in selection.missing(nothing)}
    assert set(gone) == {"h|1", "h|2"}
    assert gone["h|1"].endswith("already_assigned")
    assert gone["h|2"].endswith("not due now")


@pytest.mark.req("GN-40")
def test_of_a_saved_plan_what_is_still_true_is_done_and_the_rest_refused_alone(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2", "3")}
    plan = PlanFile("toy.go", "r_1", "", {}, tuple(toy.parts["a"].changes))  # type: ignore[union-attr]
    toy.parts = {"a": Plan(changes=(change("1"), replace(change("2"), data={"n": "new"}), change("4")))}
    report = toy.run(plan=plan).report
    assert (report["status"], report["done"], report["failed"]) == ("failed", {"issue": 1}, 2)
    assert toy.sent == ["1"]
    refused = {item["user"]: item for item in report["items"] if item["outcome"] == "failed"}
    assert set(refused) == {"2", "3"}
    assert refused["2"]["action"] == "issue"
    assert "its data differ now" in refused["2"]["error"]
    assert "not due now" in refused["3"]["error"]


@pytest.mark.req("GN-19")
def test_a_retry_carries_out_what_failed_and_nothing_else(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2")}

    def answer(one: Change) -> Outcome:
        if one.user == "2":
            raise Rejected("archived")
        return Outcome("done", "x")

    toy.answer = answer
    first = toy.run().report
    assert (first["failed"], toy.run().report["done"]) == (1, {})
    toy.answer = lambda one: Outcome("done", f"id-{one.user}")
    toy.parts = {"a": issues("1", "2", "3")}
    report = toy.run(retry=first["run"]).report
    assert (report["status"], report["done"], toy.sent) == ("succeeded", {"issue": 1}, ["1", "2", "2"])


def test_a_retry_of_nothing_is_a_wrong_use(toy: Toy) -> None:
    with pytest.raises(UsageError, match="no run r_9"):
        toy.run(retry="r_9")
