"""Runs that replace and revoke: what a kill leaves, how many may go unasked, and what a comparison found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.flows.conftest import Toy, answers, change, code, dump, issues

from connectctl.cli.running import show_run
from connectctl.errors import Rejected, RemoteUnsure
from connectctl.flows import planfile, proof
from connectctl.flows.ledger import Ledger
from connectctl.flows.report import run_detail
from connectctl.flows.runs import RunRecords
from connectctl.model import Change, Discrepancy, Look, Outcome, Plan

NUMBERS = [str(number) for number in range(1, 13)]


def after(user: str, action: str = "revoke") -> Change:
    """A change of what the toy has issued to a user."""
    return replace(change(user), action=action, version="v2", supersedes=change(user).key(""))


def revokes(*users: str) -> dict[str, Plan | Exception]:
    return {"a": Plan(changes=tuple(after(user) for user in users))}


def entry(toy: Toy, one: Change) -> tuple[str, bool]:
    found = Ledger(toy.store, lambda run: False, lambda: datetime.now(UTC)).get(one.key(""))
    assert found is not None
    return found.state, found.live


@pytest.fixture
def given(toy: Toy) -> Toy:
    """Everybody has a badge of ours."""
    toy.parts = {"a": issues(*NUMBERS)}
    assert toy.run().report["done"] == {"issue": 12}
    return toy


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("action", ["replace", "revoke"])
@pytest.mark.parametrize(
    ("sent", "look", "expected"),
    [
        (False, Look(), "given back"),
        (True, Look(repeatable=True), "given back"),
        (True, Look(Outcome("adopted", "b1")), "done"),
        (True, Look(lag=60), "kept"),
        (True, Look(Outcome("foreign", "b9")), "old stays"),
    ],
)
def test_what_a_killed_run_left_of_a_modification(
    given: Toy, action: str, sent: bool, look: Look, expected: str
) -> None:
    dead = Ledger(given.store, lambda run: True, lambda: datetime.now(UTC))
    one = after("1", action)
    assert dead.claim("r_DEAD", "toy.go", [(one.key(""), one)])
    if sent:
        dead.mark_sent("r_DEAD", [one.key("")])
    given.parts, given.found = {"a": Plan()}, lambda _change: look
    given.run()
    lives = action == "replace"
    states = {
        "given back": (("done", True), ("intended", False)),
        "done": (("done", False), ("adopted", lives)),
        "kept": (("done", False), ("unsure", True)),
        "old stays": (("done", True), ("foreign", False)),
    }
    assert (entry(given, change("1")), entry(given, one)) == states[expected]
    assert proof.verify(given.store) == []
    if expected == "given back":
        given.parts = {"a": Plan(changes=(one,))}
        assert given.run().report["done"] == {action: 1}
        assert (entry(given, change("1")), entry(given, one)) == (("done", False), ("done", lives))


@pytest.mark.req("GN-21")
def test_a_refused_modification_leaves_the_badge_ours_and_is_not_sent_twice(given: Toy) -> None:
    given.parts = {"a": Plan(changes=(after("1", "replace"),))}
    given.answer = answers(Rejected("archived", status=422))
    first = given.run().report
    assert (first["failed"], entry(given, change("1"))) == (1, ("done", True))
    assert given.run().report["skipped"] == {"connectctl:failed_before": 1}
    assert entry(given, change("1")) == ("done", True)
    assert given.run(retry=first["run"]).report["done"] == {"replace": 1}
    assert (entry(given, change("1")), entry(given, after("1", "replace"))) == (("done", False), ("done", True))
    assert given.sent == [*NUMBERS, "1", "1"]


@pytest.mark.req("GN-21")
def test_a_lost_answer_keeps_the_claim_until_a_look_settles_it(given: Toy) -> None:
    given.parts = {"a": Plan(changes=(after("1", "replace"),))}
    given.answer, given.found = answers(RemoteUnsure("cut")), lambda _change: Look()
    report = given.run().report
    assert (report["unsure"], entry(given, change("1"))) == (1, ("done", False))
    given.found = lambda _change: Look(Outcome("adopted", "b2"))
    given.run()
    assert (entry(given, change("1")), entry(given, after("1", "replace"))) == (("done", False), ("adopted", True))


@pytest.mark.req("GN-34")
def test_more_revocations_than_allowed_need_a_yes_in_a_run_and_in_an_hour(given: Toy) -> None:
    given.parts = revokes(*NUMBERS[:11])
    before = dump(given.store, "runs", "run_items", "sqlite_sequence")
    result = given.run(max_changes=100)
    assert (code(result.error), result.report["status"], given.sent) == (6, "refused", NUMBERS)
    assert result.error is not None
    assert "max_revocations = 10" in result.error.message
    assert "the same command with --yes carries it out" in result.error.hint
    assert dump(given.store, "runs", "run_items", "sqlite_sequence") == before
    given.parts = revokes(*NUMBERS[:6])
    assert given.run().report["done"] == {"revoke": 6}
    given.parts = revokes(*NUMBERS[6:11])
    assert code(given.run().error) == 6, "eleven in an hour, in two runs"
    assert given.run(yes=True).report["done"] == {"revoke": 5}
    given.parts = revokes(NUMBERS[11])
    assert code(given.run(confirm=lambda _reason: False).error) == 6
    assert given.run(confirm=lambda _reason: True).report["done"] == {"revoke": 1}


@pytest.mark.req("GN-34", "GN-40")
def test_a_saved_plan_and_a_retry_count_them_too(given: Toy, tmp_path: Any) -> None:
    given.parts = revokes(*NUMBERS[:11])
    file = tmp_path / "plan.json"
    given.run(dry_run=True, plan_out=file)
    plan = planfile.read(file)
    assert code(given.run(plan=plan).error) == 6
    given.answer = answers(*[Rejected("no", status=422)] * 11)
    left = given.run(plan=plan, yes=True).report
    assert left["failed"] == 11
    assert code(given.run(retry=left["run"]).error) == 6
    assert given.run(retry=left["run"], yes=True).report["done"] == {"revoke": 11}


@pytest.mark.req("GN-40", "GN-21")
def test_a_saved_modification_of_what_has_changed_since_is_refused(given: Toy, tmp_path: Any) -> None:
    given.parts = {"a": Plan(changes=(after("1"),))}
    file = tmp_path / "plan.json"
    given.run(dry_run=True, plan_out=file)
    given.parts = {"a": Plan(changes=(replace(after("1"), supersedes="another"),))}
    report = given.run(plan=planfile.read(file)).report
    assert (report["failed"], report["done"], entry(given, change("1"))) == (1, {}, ("done", True))


@pytest.mark.req("GN-34")
def test_what_another_flow_takes_away_between_plan_and_claim_counts(given: Toy) -> None:
    other = Ledger(given.store, lambda run: True, lambda: datetime.now(UTC))

    def race(_total: int | None) -> None:
        for number in range(10):
            one = Change("revoke", f"toy|t9|{number}", version="v")
            other.claim("r_OTHER", "toy.other", [(one.key(""), one)])

    given.parts = revokes("1")
    result = given.run(progress=_At("applying", race))
    assert (code(result.error), result.report["status"], given.sent) == (6, "refused", NUMBERS)
    assert entry(given, change("1")) == ("done", True)


class _At:
    """A progress that does something when the run gets to a stage."""

    def __init__(self, label: str, act: Any) -> None:
        self._label, self._act = label, act

    def start(self, label: str, total: int | None) -> None:
        if label == self._label:
            self._act(total)

    def advance(self, count: int) -> None: ...
    def finish(self) -> None: ...


@pytest.mark.req("GN-05")
def test_findings_are_told_and_are_no_failures(toy: Toy) -> None:
    found = Discrepancy("missing", "toy|t1|1", "the provider has none", "1", "a@b.c", "t1", "course:1", "b1", "issue")
    toy.parts = {"a": Plan(findings=(found, replace(found, kind="extra", repair="")))}
    report = toy.run().report
    assert (report["status"], report["failed"], report["planned"], list(report["items"])) == ("succeeded", 0, {}, [])
    assert len(report["findings"]) == 2
    assert report["findings"][0] == {name: getattr(found, name) for name in Discrepancy.__slots__}
    assert toy.run(dry_run=True).report["findings"][1]["kind"] == "extra"
    toy.parts = {"a": Plan()}
    assert "findings" not in toy.run().report


@pytest.mark.req("GN-05")
def test_a_run_says_which_run_called_it_and_which_was_first(toy: Toy) -> None:
    toy.parts = {"a": Plan()}
    first = toy.run().report["run"]
    second = toy.run(parent=first).report["run"]
    third = toy.run(parent=second, dry_run=True).report["run"]
    orphan = toy.run(parent="r_GONE").report["run"]
    records = RunRecords(toy.store)
    found = [records.get(run) for run in (first, second, third, orphan)]
    expected = [(None, first), (first, first), (second, first), ("r_GONE", "r_GONE")]
    assert [(one["parent"], one["root"]) for one in found if one is not None] == expected


@pytest.mark.req("GN-05")
def test_findings_are_printed_as_a_table_before_the_items_and_in_json(
    toy: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Discrepancy("missing", "toy|t1|1", "the provider has none", "1", "a@b.c", "t1", "course:1", repair="issue")
    toy.parts = {"a": replace(issues("2"), findings=(found,))}
    report, runtime, said = toy.run().report, toy.runtime(), list[str]()
    session: Any = SimpleNamespace(
        plugins=runtime.plugins, store=toy.store, settings=runtime.settings, say=lambda text: said.append(text)
    )
    show_run(session, report, as_json=False)
    head, line, items, item = [row.split("\t") for row in capsys.readouterr().out.splitlines()]
    assert head == ["kind", "who", "what", "source", "detail", "repair"]
    assert line == ["missing", "a@b.c", "t1", "course:1", "the provider has none", "issue"]
    assert (items[0], item[:2]) == ("outcome", ["done", "issue"])
    assert "1 found" in said[-1]
    show_run(session, report, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert (printed["findings"], printed["items"]) == (list(report["findings"]), list(report["items"]))
    record = RunRecords(toy.store).get(report["run"])
    assert record is not None
    (step,) = run_detail(record)["steps"]
    assert (step["recipe"], step["caller"], step["times"], step["part"]) == ("Reading", "", 1, "a")


def test_steps_noted_by_several_threads_are_all_counted(toy: Toy) -> None:
    toy.spec = {"parallel": True}
    toy.parts = {"a": issues(*map(str, range(200)))}
    noted: list[Any] = []

    def read(ctx: Any, part: Any) -> str:
        noted.append(ctx)
        return str(part.id)

    def apply(changes: list[Change], ctx: Any) -> list[Outcome]:
        ctx.step("Issuing", "Reading", badges=len(changes), note="x")
        return [Outcome("done", "b") for _ in changes]

    toy.spec |= {"read": read, "apply": apply}
    assert toy.run().report["done"] == {"issue": 200}
    (step,) = noted[0].steps
    assert (step["times"], step["badges"], step["note"]) == (200, 200, "x")
