"""Runs that call for other runs (GN-05): order, what each knows of the other, what a failure and a dry run do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from tests.flows.conftest import Toy

from connectctl.api import FlowSpec, NotFound, Part, Plan, RowWrite, RunContext, UsageError, hookimpl
from connectctl.flows.context import Runtime
from connectctl.flows.options import RunOptions, RunResult
from connectctl.flows.report import run_object
from connectctl.flows.runner import execute
from connectctl.flows.runs import RunRecords
from connectctl.model import Call
from connectctl.plugins.manager import Plugins


class Flows:
    """Three flows that call each other as `calls` says; `ran` is the order, with their parameters."""

    def __init__(self, toy: Toy) -> None:
        self.calls: dict[str, tuple[Call, ...]] = {}
        self.writes: dict[str, tuple[RowWrite, ...]] = {}
        self.fails: set[str] = set()
        self.rows: list[int] = []  # of integration-settings, at each reading
        self.ran: list[tuple[str, dict[str, Any]]] = []
        module: Any = ModuleType("many")
        module.register_flows = hookimpl(lambda: [self._flow(name) for name in ("one", "two", "three")])
        runtime = toy.runtime()
        self.store = runtime.store
        self.runtime = Runtime(
            Plugins.from_modules({"many": module}), runtime.settings, runtime.store, runtime.data_dir
        )

    def _flow(self, name: str) -> FlowSpec:
        def read(ctx: RunContext, _part: Part) -> str:
            self.ran.append((name, dict(ctx.params)))
            self.rows.append(len(ctx.table("integration-settings")))
            if name in self.fails:
                raise NotFound("there is nothing")
            return name

        return FlowSpec(
            f"many.{name}",
            name,
            read,
            self._plan,
            title=name.title(),
            needs=("key",) if name == "three" else (),
            calls=("Three",) if name == "two" else (),
        )

    def _plan(self, view: str) -> Plan:
        return Plan(calls=self.calls.get(view, ()), writes=self.writes.get(view, ()))

    def run(self, name: str, **options: Any) -> RunResult:
        return execute(self.runtime, self.runtime.plugins.flow(f"many.{name}"), {}, RunOptions(**options))

    def record(self, result: RunResult) -> dict[str, Any]:
        found = RunRecords(self.store).get(result.report["run"])
        assert found is not None
        return found


@pytest.fixture
def flows(toy: Toy) -> Flows:
    return Flows(toy)


@pytest.mark.req("GN-05")
def test_what_is_called_runs_afterwards_and_knows_its_caller_and_its_root(flows: Flows) -> None:
    flows.calls = {
        "one": (Call("many.two"), Call("many.three", {"key": "k"})),
        "two": (Call("many.three", {"key": 2}),),
    }
    result = flows.run("one")
    assert flows.ran == [("one", {}), ("two", {}), ("three", {"key": 2}), ("three", {"key": "k"})]
    (two, last), (inner,) = result.calls, result.calls[0].calls
    root = result.report["run"]
    assert (flows.record(result)["parent"], flows.record(result)["root"]) == (None, root)
    assert [(flows.record(one)["parent"], flows.record(one)["root"]) for one in (two, inner, last)] == [
        (root, root),
        (two.report["run"], root),
        (root, root),
    ]
    assert [(step["recipe"], step["caller"]) for step in flows.record(inner)["summary"]["steps"]] == [("Three", "Two")]
    # A call that the caller does not declare is none of its call graph.
    assert [(step["recipe"], step["caller"]) for step in flows.record(two)["summary"]["steps"]] == [("Two", "")]
    assert {one.report["trigger"] for one in (two, inner, last)} == {"flow"}


@pytest.mark.req("GN-05")
def test_the_object_of_a_run_shows_the_runs_it_called_for_also_later(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.two"),), "two": (Call("many.three", {"key": "k"}),)}
    report = flows.run("one").report
    record = RunRecords(flows.store).get(report["run"])
    assert record is not None
    again = run_object(RunRecords(flows.store), record)
    assert {name: value for name, value in again.items() if name != "items"} == {
        name: value for name, value in report.items() if name != "items"
    }
    assert [called["flow"] for called in report["calls"]] == ["many.two"]
    assert [called["flow"] for called in report["calls"][0]["calls"]] == ["many.three"]


@pytest.mark.req("GN-19")
def test_one_that_fails_does_not_stop_the_others(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.two"), Call("many.three", {"key": "k"}))}
    flows.fails = {"two"}
    result = flows.run("one")
    assert result.error is None
    assert [type(called.error) for called in result.calls] == [NotFound, type(None)]
    bad, good = result.calls
    record = flows.record(result)
    assert (record["status"], result.report["status"]) == ("failed", "failed")
    assert record["error"] == result.report["error"] == f"It called for many.two (run {bad.report['run']}, aborted)"
    assert flows.record(good)["status"] == "succeeded"


@pytest.mark.req("GN-19")
def test_a_failure_far_below_reaches_the_run_that_began_it(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.two"),), "two": (Call("many.three", {"key": "k"}),)}
    flows.fails = {"three"}
    result = flows.run("one")
    (two,) = result.calls
    assert [one["status"] for one in map(flows.record, (result, two, *two.calls))] == ["failed", "failed", "aborted"]
    assert f"many.two (run {two.report['run']}, failed)" in result.report["error"]


def test_a_run_that_ends_early_calls_for_nothing(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.two"),)}
    flows.fails = {"one"}
    assert flows.run("one").calls == ()
    assert flows.ran == [("one", {})]


def test_of_a_dry_run_they_are_dry_runs_too(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.two"),)}
    (called,) = flows.run("one", dry_run=True).calls
    assert called.report["dry_run"]


def test_a_run_without_what_it_needs_is_refused_whoever_starts_it(flows: Flows) -> None:
    flows.calls = {"one": (Call("many.three"),)}
    (called,) = flows.run("one").calls
    assert isinstance(called.error, UsageError)
    assert called.error.hint == "connectctl flow run many.three --param key=…"
    assert flows.ran == [("one", {})]


@pytest.mark.parametrize("given", ["", " ", ["1", ""], ["\t"], "1\n2", "\x1b[31m1"])
def test_a_parameter_that_is_blank_or_no_plain_text_is_refused_before_anything_is_read(
    flows: Flows, given: str | list[str]
) -> None:
    flows.calls = {"one": (Call("many.three", {"key": "k", "only": given}),)}
    (called,) = flows.run("one").calls
    assert isinstance(called.error, UsageError)
    assert called.error.hint == "connectctl flow show many.three"
    assert flows.ran == [("one", {})]


@pytest.mark.req("GN-05")
def test_what_is_called_reads_the_rows_that_its_caller_wrote(flows: Flows) -> None:
    row = {"Integration": "TOY", "Key": "KEY", "Value": "v"}
    flows.writes = {"one": (RowWrite("add_row", "integration-settings", ("TOY", "KEY"), row),)}
    flows.calls = {"one": (Call("many.two"),)}
    assert flows.run("one").error is None
    assert flows.rows == [0, 1]
