"""What a careful reader found: each of these once went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectctl.errors import NotAllowed, Rejected, RemoteUnsure
from connectctl.flows import planfile
from connectctl.flows.clock import RunClock
from connectctl.flows.options import RunOptions
from connectctl.flows.runner import execute
from connectctl.model import Change, Look, Outcome, Plan, RowWrite
from connectctl.plugins.specs import ColumnSpec, TableSpec

from .conftest import Toy, answers, change, code, issues

LAG = 60.0


class Slow(RunClock):
    """A clock that waits only in name, and that a test can move."""

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> bool:
        self.at += timedelta(seconds=max(seconds, 0.001))
        return self.stop.is_set()


@pytest.mark.req("GN-21")
def test_a_request_that_waited_long_before_it_left_is_not_called_missing_too_early(toy: Toy) -> None:
    """The remote's lag counts from when the request may have left, not from when it was written down as sent."""
    clock = Slow()
    badges: dict[str, datetime] = {}
    posts: list[str] = []

    def answer(one: Change) -> Outcome:
        clock.at += timedelta(seconds=500)  # throttled for a long time, then sent, and its answer lost
        badges[str(one.user)] = clock.at
        posts.append(str(one.user))
        raise RemoteUnsure("the answer was lost")

    def found(one: Change) -> Look:
        made = badges.get(str(one.user))
        shown = made is not None and (clock.at - made).total_seconds() >= LAG
        return Look(Outcome("adopted", "b1") if shown else None, repeatable=False, lag=LAG)

    toy.parts = {"a": issues("1")}
    toy.answer, toy.found = answer, found
    runtime = toy.runtime()

    def go(**options: Any) -> str:
        result = execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(**options), clock)
        return str(result.report["status"])

    assert go() == "succeeded"  # looked for until the lag had passed, and adopted
    assert posts == ["1"]


@pytest.mark.req("GN-21")
def test_a_dead_run_s_request_counts_as_sent_just_now(toy: Toy) -> None:
    """A killed process may have sent until its last moment; `run retry` has to wait the whole lag from here."""
    toy.parts = {"a": issues("1")}
    runtime = toy.runtime()
    clock = Slow()
    looks: list[float] = []
    toy.store.execute(
        "INSERT INTO ledger (key, holding, flow, run, action, state, live, origin, version, data, attempts, sent_at,"
        " created_at, updated_at) VALUES (?,?,'toy.go','r_DEAD','issue','sent',1,'course:1','v1',?,1,?,?,?)",
        (change("1").key(""), change("1").holding, _json(change("1")), *("2026-11-20T00:00:00.000Z",) * 3),
    )

    def found(_one: Change) -> Look:
        looks.append((clock.at - datetime(2026, 11, 21, tzinfo=UTC)).total_seconds())
        return Look(None, repeatable=False, lag=LAG)

    toy.found = found
    first = execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(), clock)
    assert first.report["unsure"] == 1
    assert toy.sent == []
    assert looks[-1] >= LAG
    again = execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(retry=first.report["run"]), clock)
    assert again.report["done"] == {"issue": 1}
    assert toy.sent == ["1"]


def _json(one: Change) -> str:
    import json

    from connectctl.flows.entries import change_to_json

    return json.dumps(change_to_json(one))


def test_a_look_with_a_bug_leaves_the_item_unsure_and_the_flow_running(toy: Toy) -> None:
    def found(_one: Change) -> Look:
        raise KeyError("a bug in a plugin")

    toy.parts = {"a": issues("1", "2")}
    toy.answer, toy.found = answers(RemoteUnsure("lost")), found
    assert code(toy.run().error) == 0
    assert toy.states()["1"][0] == "unsure"
    toy.parts = {"a": issues("3")}
    assert toy.run().report["done"] == {"issue": 1}


@pytest.mark.req("GN-40")
def test_a_saved_plan_writes_the_rows_that_were_reviewed_and_no_others(toy: Toy, tmp_path: Path) -> None:
    table = TableSpec("toys", "Toys", (ColumnSpec("Id"), ColumnSpec("Name")), ("Id",))
    runtime = toy.runtime()
    runtime.plugins.tables._specs["toys"] = table  # a table of the toy's own
    runtime.plugins.tables._aliases["toys"] = "toys"

    def rows(*names: str) -> Plan:
        return Plan(writes=tuple(RowWrite("add_row", "toys", (n,), {"Id": n, "Name": n}) for n in names))

    def go(**options: Any) -> Any:
        return execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(**options))

    toy.parts = {"a": rows("1", "2")}
    plan = tmp_path / "plan.json"
    assert go(dry_run=True, plan_out=plan).report["planned"] == {"add_row": 2}
    toy.parts = {"a": rows("1", "2", "3")}
    assert go(plan=planfile.read(plan)).report["done"] == {"add_row": 2}
    assert [row["Id"] for row in toy.store.table(table).all()] == ["1", "2"]


@pytest.mark.req("GN-41", "GN-33")
@pytest.mark.parametrize("plan", [{"unbounded": True}, {"emptied": True}])
def test_a_person_s_yes_does_not_answer_what_needs_a_number(toy: Toy, plan: dict[str, Any]) -> None:
    toy.parts = {"a": Plan(changes=(change("1"),), **plan)}
    assert code(toy.run(confirm=lambda _reason: True).error) == 6
    assert toy.sent == []
    assert toy.run(max_changes=1).report["done"] == {"issue": 1}


@pytest.mark.req("GN-19")
def test_parts_that_were_read_keep_the_run_alive_whatever_two_others_did(toy: Toy) -> None:
    parts: dict[str, Plan | Exception] = {str(n): Plan() for n in range(5)}
    toy.parts = parts | {"bad": NotAllowed("no"), "worse": NotAllowed("no")}
    result = toy.run()
    assert (code(result.error), result.report["status"], result.report["failed"]) == (0, "failed", 2)
    toy.parts = {"bad": NotAllowed("no"), "worse": NotAllowed("no")}
    assert code(toy.run().error) == 4  # toys are read before they are planned; here nothing was


@pytest.mark.req("GN-19")
def test_a_remote_that_answered_is_not_called_down(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2")}
    toy.answer = answers(Rejected("422"), RemoteUnsure("500", status=500))
    result = toy.run()
    assert (code(result.error), result.report["failed"], result.report["unsure"]) == (0, 1, 1)


@pytest.mark.req("GN-21")
def test_what_was_refused_comes_back_as_refused_and_not_as_assigned(toy: Toy) -> None:
    toy.parts = {"a": issues("1")}
    toy.answer = answers(Rejected("422"))
    assert toy.run().report["failed"] == 1
    again = toy.run()
    assert again.report["skipped"] == {"connectctl:failed_before": 1}
    assert "connectctl run retry RUN" in again.report["warnings"][0]
    assert toy.sent == ["1"]


@pytest.fixture
def lost_claim(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """Another run takes the second claim over between this run's claim and its sending."""
    from connectctl.flows.ledger import Ledger

    original = Ledger.mark_sent

    def mark_sent(self: Ledger, run: str, keys: Any) -> dict[str, int]:
        toy.store.execute("UPDATE ledger SET run = 'r_OTHER' WHERE holding = 'toy|t1|2'")
        return original(self, run, keys)

    monkeypatch.setattr(Ledger, "mark_sent", mark_sent)
    return toy


@pytest.mark.req("GN-21")
def test_a_claim_that_was_lost_is_reported_and_not_sent(lost_claim: Toy) -> None:
    lost_claim.parts = {"a": issues("1", "2")}
    result = lost_claim.run()
    assert lost_claim.sent == ["1"]
    assert {item["user"]: item["outcome"] for item in result.report["items"]} == {"1": "done", "2": "skipped"}


@pytest.mark.req("GN-20", "GN-21")
def test_a_remote_that_loses_every_request_is_not_asked_for_everybody(toy: Toy) -> None:
    toy.parts = {"a": issues(*map(str, range(100)))}
    toy.answer = answers(*(RemoteUnsure("500", status=500) for _ in range(200)))
    toy.found = lambda _change: Look(None, repeatable=True)
    assert code(toy.run().error) == 5
    assert len(toy.sent) <= 30  # twenty, and a few of them again
    toy.answer = answers()
    assert toy.run().report["done"] == {"issue": 100}


@pytest.mark.req("GN-21")
def test_a_retry_of_one_run_gives_up_nothing_that_another_left(toy: Toy) -> None:
    """Only what the person asked for is called missing after the lag; the rest stays unsure, and is never doubled."""
    clock = Slow()
    toy.found = lambda _change: Look(None, repeatable=False, lag=LAG)
    toy.answer = answers(RemoteUnsure("lost"), RemoteUnsure("lost"))
    runtime = toy.runtime()

    def go(**options: Any) -> str:
        return str(execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(**options), clock).report["run"])

    toy.parts = {"a": issues("1")}
    first = go()
    toy.store.execute("UPDATE run_items SET state = 'done'")  # the first item is of no concern to the second run
    toy.parts = {"a": issues("2")}
    second = go()
    toy.store.execute("UPDATE run_items SET state = 'done' WHERE run = ? AND key LIKE 'toy|t1|1|%'", (second,))
    toy.parts = {"a": issues("1", "2")}
    go(retry=second)
    assert first != second
    assert toy.sent == ["1", "2", "2"]
    assert {user: state for user, (state, _) in toy.states().items()} == {"1": "unsure", "2": "done"}
