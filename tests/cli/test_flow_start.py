"""`flow list`, `show`, `start` and `stop`: what is there, in which order it is started, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectctl.api import FlowSpec, Plan, hookimpl
from connectctl.config.paths import profile_paths
from connectctl.flows.runs import RunRecords
from connectctl.store import open_store
from connectctl.store.retention import forget
from connectctl.store.store import Store
from connectctl_credly import plugin as credly

FIELDS = {"id", "title", "plugin", "policy", "trigger", "state", "last_run", "next_run"}
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DISPATCHERS = ["credly.dispatch-provider", "credly.dispatch-docebo"]
Run = Callable[..., Any]


@pytest.fixture
def flow(run: Run) -> Run:
    """`flow("start", "credly")`: exit code, the JSON document, stderr."""

    def call(*args: str) -> tuple[int, Any, str]:
        result = run("flow", *args, "--json", plugins={"credly": credly})
        return result.code, json.loads(result.out) if result.out else None, result.err

    return call


@pytest.fixture
def store(home: Path) -> Callable[[], Store]:
    """Opens the store of the profile."""
    return lambda: open_store("sqlite:///store.db", profile_paths().data_dir)


@pytest.fixture
def finished(flow: Run, store: Callable[[], Store]) -> Callable[..., None]:
    """`finished("credly.batch-sync")` puts a run into the store."""
    flow("list")  # makes the store

    def put(
        flow: str, status: str = "succeeded", *, dry_run: bool = False, params: dict[str, Any] | None = None
    ) -> None:
        with store() as opened:
            records = RunRecords(opened)
            run = f"r_{flow}_{len(records.list(flow=flow))}"
            records.start(run, flow, "", "command", dry_run=dry_run, params=params or {}, at=NOW)
            records.finish(run, status, NOW, {}, None)

    return put


def states(flow: Run) -> dict[str, str | None]:
    return {row["id"]: row["state"] for row in flow("list", "--all")[1]}


@pytest.mark.req("GN-01", "GN-02")
def test_the_list_has_the_fields_of_the_contract_and_all_has_the_functions_too(flow: Run) -> None:
    code, rows, _ = flow("list", "--all")
    assert code == 0
    assert all(set(row) == FIELDS for row in rows)
    recipes = [row for row in rows if row["id"] != "credly.reconcile"]  # ours, none of the vendor's 35
    assert len(recipes) == 35
    assert {row["title"] for row in recipes} == set(credly.TITLES.values())
    few = flow("list")[1]
    assert {row["id"] for row in few} == {row["id"] for row in rows if row["policy"] != "function"}
    assert {row["state"] for row in few} == {"stopped"}
    assert {row["state"] for row in rows if row["policy"] == "function"} == {None}


@pytest.mark.req("GN-01")
def test_show_names_the_function_the_neighbours_and_what_goes_in_and_out(flow: Run) -> None:
    _, facts, _ = flow("show", "credly.assign-users")
    assert facts["title"] == "Assign Credly badge to users"
    assert facts["function"] == "connectctl.badging.plan:plan"
    assert set(facts["callers"]) == {
        "Assign Credly badge for Course Additional Field element",
        "Assign Credly badges for Learning Plans",
    }
    assert len(facts["calls"]) == 3
    assert facts["inputs"]["user"].endswith("required")
    assert facts["outputs"]
    assert "EVIDENCE_TITLE" in facts["settings"]


@pytest.mark.req("CR-04", "CR-05", "CR-81", "GN-03")
def test_starting_the_plugin_keeps_the_order_and_refuses_the_dispatchers_alone(flow: Run) -> None:
    code, rows, err = flow("start", "credly")
    assert code == 3
    assert "Hint: connectctl flow run credly.batch-sync\n" in err
    assert [row["id"] for row in rows[:31]] == [f"credly.{verb}" for verb in credly.PROVIDER.start_order[:31]]
    assert [row["id"] for row in rows[-2:]] == DISPATCHERS
    assert [row["id"] for row in rows if row["state"] == "started"] == [
        "credly.sync-templates",
        "credly.run-sync-field",
    ]
    notes = {row["id"]: row["note"] for row in rows}
    assert notes["credly.find-field"] == "callable"
    assert notes["credly.sync-field"].startswith("callable")
    assert states(flow)["credly.run-sync-field"] == "started"


@pytest.mark.req("CR-03", "CR-04")
def test_the_dispatchers_start_once_both_batches_have_finished(flow: Run, finished: Callable[..., None]) -> None:
    finished("credly.batch-sync")
    code, _, err = flow("start", "credly")
    assert code == 3
    assert "before credly.batch-sync-inwards has finished once" in err
    assert "Hint: connectctl flow run credly.batch-sync-inwards\n" in err
    finished("credly.batch-sync-inwards", params={"full": True})
    code, rows, err = flow("start", "credly")
    assert (code, err) == (0, "")
    assert {row["id"]: row["state"] for row in rows if row["id"] in DISPATCHERS} == dict.fromkeys(
        DISPATCHERS, "started"
    )
    assert flow("start", "credly")[0] == 0
    assert {states(flow)[name] for name in DISPATCHERS} == {"started"}


@pytest.mark.req("CR-04")
@pytest.mark.parametrize(
    "how",
    [
        {"dry_run": True},
        {"status": "failed"},
        {"status": "aborted"},
        {"params": {"course": ["88"]}},
        {"params": {"template": "t"}},
    ],
    ids=["dry run", "failed", "aborted", "one course", "one template"],
)
def test_a_batch_that_did_not_do_everything_does_not_count(
    flow: Run, finished: Callable[..., None], how: dict[str, Any]
) -> None:
    finished("credly.batch-sync", **how)
    finished("credly.batch-sync-inwards")
    for name in DISPATCHERS:
        code, _, err = flow("start", name)
        assert code == 3
        assert f"{name} cannot be started before credly.batch-sync has finished once" in err


@pytest.mark.req("CR-04")
def test_a_dispatcher_that_was_started_stays_so_when_the_runs_are_forgotten(
    flow: Run, finished: Callable[..., None], store: Callable[[], Any]
) -> None:
    finished("credly.batch-sync")
    finished("credly.batch-sync-inwards")
    assert flow("start", "credly")[0] == 0
    with store() as opened:
        opened.execute("DELETE FROM runs")
    code, rows, _ = flow("start", "credly")
    assert code == 0
    assert {row["note"] for row in rows if row["id"] in DISPATCHERS} == {"was started already"}


@pytest.mark.req("CR-04")
def test_a_batch_that_finished_once_counts_when_its_record_is_forgotten(
    run: Run, store: Callable[[], Store], home: Path
) -> None:
    other: Any = ModuleType("other")
    batch = FlowSpec("other.batch", "all", lambda _ctx, _part: None, lambda _view: Plan(), policy="manual")
    batch = replace(batch, params=("course", "full"))
    first = FlowSpec("other.go", "a flow", batch.read, batch.plan, after=("other.batch",))
    other.register_flows = hookimpl(lambda: [batch, first])

    def call(*args: str) -> int:
        return int(run("flow", *args, plugins={"other": other}).code)

    assert call("run", "other.batch", "--param", "course=1") == 0
    assert call("run", "other.batch", "--dry-run") == 0
    assert call("start", "other.go") == 3
    assert call("run", "other.batch", "--param", "full=true") == 0
    assert call("run", "other.batch", "--param", "course=1") == 0
    with store() as opened:
        forget(opened, timedelta(days=30), datetime.now(UTC) + timedelta(days=400))
        assert len(RunRecords(opened).list(flow="other.batch")) == 1
    assert call("start", "other.go") == 0


@pytest.mark.req("GN-04")
def test_a_manual_flow_is_refused_with_the_reason_unless_forced(flow: Run) -> None:
    code, _, err = flow("start", "credly.batch-sync")
    assert code == 2
    assert "meant to be run by hand" in err
    assert "every 5 minutes" in err
    assert "--force" in err
    assert states(flow)["credly.batch-sync"] == "stopped"
    assert flow("start", "credly.batch-sync", "--force")[0] == 0
    assert states(flow)["credly.batch-sync"] == "started"


@pytest.mark.req("GN-04")
def test_force_says_nothing_about_a_whole_plugin(flow: Run) -> None:
    code, _, err = flow("start", "credly", "--force")
    assert code == 2
    assert "--force goes with the id of one flow" in err


@pytest.mark.req("GN-03")
def test_stopping_switches_triggers_alone_and_can_be_repeated(flow: Run) -> None:
    flow("start", "credly")
    for note in (None, "was stopped already"):
        code, rows, _ = flow("stop", "credly")
        assert code == 0
        found = {row["id"]: (row["state"], row["note"]) for row in rows}
        assert found["credly.run-sync-field"] == ("stopped", note)
        assert found["credly.find-field"] == (None, "callable")
    assert set(states(flow).values()) == {"stopped", None}


@pytest.mark.req("CR-81")
def test_the_wrapped_sync_is_started_by_its_own_id(flow: Run) -> None:
    assert flow("start", "credly.sync-field")[1][0]["state"] == "started"
    assert states(flow)["credly.sync-field"] == "started"


@pytest.mark.req("GN-02")
def test_a_function_is_callable_whatever_is_said_about_it(flow: Run) -> None:
    for command in ("start", "stop"):
        code, rows, _ = flow(command, "credly.find-user")
        assert (code, rows[0]["state"], rows[0]["note"]) == (0, None, "callable")


def test_a_name_that_is_neither_flow_nor_plugin_is_guessed(flow: Run) -> None:
    code, _, err = flow("start", "credli")
    assert code == 2
    assert "did you mean" in err.lower()


def test_a_plugin_without_recipes_starts_its_flows(run: Run) -> None:
    other: Any = ModuleType("other")
    spec = FlowSpec("other.go", "a flow", read=lambda _ctx, _part: None, plan=lambda _view: Plan())
    hand = replace(spec, name="other.hand", policy="manual")
    other.register_flows = hookimpl(lambda: [spec, hand])
    result = run("flow", "start", "other", "--json", plugins={"other": other})
    assert result.code == 0
    assert [(row["id"], row["state"]) for row in json.loads(result.out)] == [
        ("other.go", "started"),
        ("other.hand", "stopped"),
    ]


@pytest.mark.req("CR-05", "GN-02")
def test_people_are_shown_what_has_a_state_and_how_many_functions_there_are(run: Run) -> None:
    for command in ("start", "stop"):
        shown = run("flow", command, "credly", plugins={"credly": credly})
        assert "credly.sync-templates" in shown.out
        assert "credly.find-field" not in shown.out
        assert "functions are callable at any time" in shown.err
    assert "credly.find-field" in run("flow", "start", "credly.find-field", plugins={"credly": credly}).out
