"""Toy flows through the real runner: what is applied, recorded, released and left for the next run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.flows.conftest import Toy, answers, change, code, dump, issues

from connectctl.errors import (
    AuthFailed,
    BadAnswer,
    ConfirmationNeeded,
    ConnectctlError,
    DataError,
    NotAllowed,
    NotFound,
    Rejected,
    RemoteDown,
)
from connectctl.flows.locks import Locks
from connectctl.flows.report import Items
from connectctl.flows.runs import RunRecords
from connectctl.model import Outcome, Plan, Skip

OBJECT = {
    "run": str,
    "flow": str,
    "title": str,
    "status": str,
    "trigger": str,
    "dry_run": bool,
    "started_at": str,
    "finished_at": str,
    "planned": dict,
    "done": dict,
    "skipped": dict,
    "failed": int,
    "unsure": int,
    "api_calls": dict,
    "predicted_calls": dict,
    "items": Items,
}
ITEM = ("action", "key", "user", "email", "template", "source", "reason", "outcome", "remote_id", "error")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.mark.req("GN-05")
def test_the_object_of_a_run_has_the_keys_and_types_of_the_contract(toy: Toy) -> None:
    skip = Skip("toy|t1|9", "no_email", "", "9", None, "t1", "course:1")
    email, source = "ada@example.org", "course:1"
    toy.parts = {"a": Plan(changes=(change("1", email=email, source=source),), skipped=(skip,))}
    result = toy.run()
    report = result.report
    assert set(report) == {*OBJECT, "warnings", "error"}
    assert {name: type(report[name]) for name in OBJECT} == OBJECT
    assert re.fullmatch(r"r_[0-9A-HJKMNP-TV-Z]{26}", report["run"])
    assert MOMENT.fullmatch(report["started_at"])
    assert MOMENT.fullmatch(report["finished_at"])
    assert (report["flow"], report["title"], report["status"]) == ("toy.go", "Toy - Go", "succeeded")
    assert (report["planned"], report["done"], report["skipped"]) == ({"issue": 1}, {"issue": 1}, {"no_email": 1})
    assert (report["trigger"], report["dry_run"], report["api_calls"]) == ("command", False, {"toy": 1})
    (item,) = report["items"]
    values = ("issue", change("1").key(""), "1", email, "t1", source, "because", "done", "id-1", None)
    assert item == dict(zip(ITEM, values, strict=True))
    assert toy.remote.closed
    assert toy.run(dry_run=True, skips=True).report["items"][1]["reason"] == "no_email"
    records = RunRecords(toy.store)
    assert records.get(report["run"]) is not None
    assert [run["id"] for run in records.list(flow="toy.go")][1] == report["run"]


@pytest.mark.req("GN-21", "CR-74")
def test_what_the_ledger_has_is_not_sent_again_by_a_plan_that_does_not_know(toy: Toy) -> None:
    toy.parts = {"a": issues("1"), "b": issues("1", "2")}  # the holding of 1 comes in two parts
    assert toy.run().report["skipped"] == {"already_assigned": 1}
    second = toy.run().report
    assert (second["done"], second["skipped"]) == ({}, {"already_assigned": 3})
    assert toy.sent == ["1", "2"]


@pytest.mark.req("GN-19")
@pytest.mark.parametrize("kind", [NotFound, NotAllowed, BadAnswer, DataError])
def test_a_part_that_cannot_be_read_stops_no_other(toy: Toy, kind: type[ConnectctlError]) -> None:
    toy.parts = {"a": issues("1"), "b": kind("no such page"), "c": issues("2")}
    report = toy.run().report
    assert (report["status"], report["failed"], report["done"]) == ("failed", 1, {"issue": 2})
    (bad,) = [item for item in report["items"] if item["outcome"] == "failed"]
    assert (bad["error"], bad["source"]) == ("b: no such page", "b")


@pytest.mark.req("GN-38")
@pytest.mark.parametrize(("error", "exit_code"), [(RemoteDown("down"), 5), (AuthFailed("who?"), 4)])
def test_a_remote_that_cannot_be_read_ends_the_run_before_anything_is_applied(
    toy: Toy, error: Exception, exit_code: int
) -> None:
    toy.parts = {"a": issues("1"), "b": error}
    result = toy.run()
    assert (code(result.error), result.report["status"], toy.sent) == (exit_code, "aborted", [])
    assert toy.states() == {}


@pytest.mark.req("GN-22")
def test_a_dry_run_writes_nothing_but_its_record(toy: Toy) -> None:
    toy.parts = {"a": issues("1")}
    toy.run()
    toy.parts = {"a": issues("1", "2"), "b": Plan(seen=((change("3"), Outcome("foreign", "x")),))}
    before = dump(toy.store, "runs", "run_items", "sqlite_sequence")
    report = toy.run(dry_run=True).report
    assert dump(toy.store, "runs", "run_items", "sqlite_sequence") == before
    assert (report["status"], report["dry_run"], report["planned"]) == ("succeeded", True, {"issue": 2})
    assert {item["outcome"] for item in report["items"]} == {None}
    assert toy.sent == ["1"]


@pytest.mark.req("GN-38")
@pytest.mark.parametrize(
    ("options", "answer", "refused"),
    [
        ({}, None, True),
        ({"yes": True}, None, False),
        ({"max_changes": 3}, None, False),
        ({"max_changes": 2, "yes": True}, None, False),
        ({"max_changes": 2}, None, True),
        ({"max_changes": 0}, None, True),
        ({}, True, False),
        ({}, False, True),
    ],
)
def test_a_plan_larger_than_allowed_changes_nothing(
    toy: Toy, options: dict[str, Any], answer: bool | None, refused: bool
) -> None:
    toy.limits = "[limits]\nmax_changes = 2\n"
    toy.parts = {"a": issues("1", "2"), "b": issues("3")}
    asked: list[str] = []
    if answer is not None:
        options = options | {"confirm": lambda reason: asked.append(reason) or answer}
    result = toy.run(**options)
    assert isinstance(result.error, ConfirmationNeeded) is refused
    assert result.report["status"] == ("refused" if refused else "succeeded")
    assert toy.sent == ([] if refused else ["1", "2", "3"])
    assert bool(asked) is (answer is not None)
    if refused:
        assert (code(result.error), toy.states()) == (6, {})


@pytest.mark.req("GN-20")
def test_a_remote_that_is_down_ends_the_run_after_five_in_a_row(toy: Toy) -> None:
    toy.parts = {"a": issues(*"123456789")}
    toy.answer = answers(*[RemoteDown("down")] * 9)
    result = toy.run()
    assert (code(result.error), result.report["status"]) == (5, "aborted")
    assert len(toy.sent) == 5
    assert set(toy.states().values()) == {("intended", 0)}
    toy.answer = answers()
    assert toy.run().report["done"] == {"issue": 9}


@pytest.mark.req("GN-19")
def test_a_few_that_fail_stop_no_others(toy: Toy) -> None:
    toy.parts = {"a": issues(*"1234567")}
    toy.answer = answers(*[RemoteDown("down")] * 4, Outcome("done", "x"), Rejected("archived", status=422))
    result = toy.run()
    assert result.error is None
    assert (result.report["status"], result.report["failed"], result.report["done"]) == ("failed", 5, {"issue": 2})
    assert toy.states()["6"] == ("failed", 0)
    assert toy.states()["1"] == ("intended", 0)  # nothing happened: the next run may


def test_credentials_that_are_refused_end_the_run_and_the_rest_is_released(toy: Toy) -> None:
    toy.parts = {"a": issues(*"12345")}
    toy.answer = answers(Outcome("done", "x"), AuthFailed("expired"))
    result = toy.run()
    assert (code(result.error), len(toy.sent)) == (4, 2)
    assert toy.states() == {"1": ("done", 1), **dict.fromkeys("2345", ("intended", 0))}
    toy.answer = answers()
    assert toy.run().report["done"] == {"issue": 4}
    assert sorted(toy.sent) == ["1", "2", "2", "3", "4", "5"]


def test_a_missing_right_is_the_runs_error_and_costs_no_item(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2")}
    toy.answer = answers(NotAllowed("read only"), NotAllowed("read only"))
    assert code(toy.run().error) == 4
    assert set(toy.states().values()) == {("intended", 0)}
    assert toy.run().report["done"] == {"issue": 2}


def test_a_batch_flow_gets_its_changes_in_groups(toy: Toy) -> None:
    toy.parts = {"a": issues(*"1234567")}
    toy.spec = {"batch": 3}
    toy.run()
    assert toy.groups == [["1", "2", "3"], ["4", "5", "6"], ["7"]]


def test_the_same_flow_twice_at_once_is_refused(toy: Toy) -> None:
    toy.parts = {"a": issues("1")}
    other = Locks(toy.data / "store.db-locks")
    other.take_flow("toy.go", "r_OTHER")
    try:
        result = toy.run()
        assert (code(result.error), result.report["status"], toy.sent) == (7, "refused", [])
        assert result.error is not None
        assert "r_OTHER" in result.error.message
        assert toy.run(dry_run=True).report["status"] == "succeeded"  # a dry run waits for nobody
    finally:
        other.free()
    assert toy.run().report["status"] == "succeeded"


def test_a_bug_in_a_plugins_read_closes_the_record_all_the_same(toy: Toy) -> None:
    toy.parts = {"a": ZeroDivisionError("oops")}
    with pytest.raises(ZeroDivisionError):
        toy.run()
    (record,) = RunRecords(toy.store).list()
    assert (record["status"], record["finished_at"] is not None) == ("aborted", True)
