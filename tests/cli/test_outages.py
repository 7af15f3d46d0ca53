"""Remotes that are down, lists that do not say whether they end, and what a typo leads to: the whole product."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, kill, make_world

from connectctl_sandbox import Fault, Sandbox

POSTS: dict[str, Any] = {"remote": "credly", "method": "POST", "path": r"/badges$"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path / "home")


@pytest.mark.req("GN-20")
@pytest.mark.parametrize("kind", ["http_500_before", "lose_request"])
def test_a_provider_that_fails_every_request_ends_the_run_soon(world: World, kind: str) -> None:
    world.box.faults.add(Fault(kind, **POSTS))
    code, report = world.report("credly", "batch-sync")
    assert code in ((5,) if kind.startswith("http") else (5, 8))
    assert report["done"] == {}
    assert world.box.log.count(**POSTS) <= len(world.expected) + 5
    world.box.faults.clear()
    code, report = world.report("credly", "batch-sync")
    if code == 8:  # a template that allows duplicates: a person has to ask for it
        assert report["failed"] == 0
        assert world.report("run", "retry", report["run"])[0] == 0
    assert world.badges() == dict.fromkeys(world.expected, 1)


def test_a_provider_that_refuses_all_reads_is_exit_4(world: World) -> None:
    world.box.faults.add(Fault("html_200", "credly", "GET", r"/badges$"))
    code, report = world.report("credly", "batch-sync")
    assert code == 4
    assert {item["source"][:7] for item in report["items"]} == {"course:"}
    assert {item["action"] for item in report["items"]} == {None}


@pytest.mark.req("GN-33")
def test_an_empty_listing_changes_nothing_whatever_yes_says(world: World) -> None:
    rows = world.run("lookup", "export", "credly-badge-templates")[1]
    for template in list(world.box.credly.templates):
        world.box.credly.delete_template(template)
    assert world.run("credly", "sync-templates", "--yes")[0] == 6
    assert world.run("lookup", "export", "credly-badge-templates")[1] == rows


def test_a_dry_run_that_was_killed_is_not_shown_as_running(world: World) -> None:
    world.box.faults.add(Fault("slow", "docebo", "GET", r"/user$", delay=30))
    world.box.log.clear()
    process = world.start("credly", "batch-sync", "--dry-run")
    pause = threading.Event()
    while not world.box.log.count(remote="docebo", path=r"/enrollments$"):
        pause.wait(0.01)
    kill(process)
    world.box.faults.clear()
    assert json.loads(world.run("run", "list", "--status", "running", "--json")[1])
    assert world.run("credly", "batch-sync", "--dry-run")[0] == 0
    assert json.loads(world.run("run", "list", "--status", "running", "--json")[1]) == []


@pytest.mark.req("GN-40")
def test_a_plan_that_was_carried_out_may_be_applied_again(world: World, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert world.run("credly", "batch-sync", "--dry-run", "--plan-out", plan)[0] == 0
    assert world.report("apply", plan)[0] == 0
    code, report = world.report("apply", plan)
    assert (code, report["done"], report["items"]) == (0, {}, [])


@pytest.mark.parametrize(
    "args",
    [
        ("flow", "run", "credly.batch-sync", "--param", "cuorse=81"),
        ("flow", "run", "credly.batch-sync", "--param", "full=maybe"),
        ("credly", "batch-sync", "--template", "nobody"),
        ("credly", "batch-sync", "--course", "999999"),
    ],
)
def test_a_typo_is_wrong_usage_and_not_a_larger_run(world: World, args: tuple[str, ...]) -> None:
    code, _, err = world.run(*args)
    assert code == 2, err
    assert world.box.log.count(**POSTS) == 0


def test_a_plan_that_cannot_be_written_is_said_before_anything_is_read(world: World) -> None:
    world.box.log.clear()
    code, _, err = world.run("credly", "batch-sync", "--dry-run", "--plan-out", "/nowhere/plan.json")
    assert code == 3
    assert "Hint: --plan-out FILE" in err
    assert world.box.log.entries == ()


@pytest.mark.parametrize("option", ["--course", "--full"])
def test_a_selection_that_left_no_trace_is_seen_when_asked_for(world: World, option: str) -> None:
    docebo = world.box.docebo
    course = next(c for c in docebo.courses.values() if any(c.values.values()))
    docebo.update_course(course.course_id, values={}, updated_at=course.updated_at)
    args = (option, str(course.course_id)) if option == "--course" else (option,)
    _, remembered = world.report("credly", "batch-sync", "--dry-run")
    _, asked = world.report("credly", "batch-sync", "--dry-run", *args)
    source = f"course:{course.course_id}"
    assert source not in {item["source"] for item in asked["items"]}
    assert asked["skipped"]["no_value_selected"] == (1 if option == "--course" else 2)
    # Whatever is about to issue is read again anyway, so that nothing is issued on a stale selection (CR-27).
    assert source not in {item["source"] for item in remembered["items"]}
