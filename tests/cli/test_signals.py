"""Ctrl-C and SIGTERM in real processes: exit 130, a consistent ledger, and a next run that goes on from there."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Fault, Sandbox

ISSUE = r"/badges$"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path / "home", search_lag=0)


def stop(world: World, method: str, path: str, number: signal.Signals, *, after: int, twice: bool = False) -> str:
    """Starts a sync, sends the signal once `after` requests of a kind have come; stderr of a run that ended by it."""
    world.box.log.clear()
    process = world.start("credly", "batch-sync", "--json")
    pause = threading.Event()
    while world.box.log.count(method=method, path=path) < after and process.poll() is None:
        pause.wait(0.002)
    process.send_signal(number)
    if twice:
        pause.wait(0.2)
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    if not twice:
        report = json.loads(out)
        assert report["status"] == "aborted"
        assert report["done"].get("issue", 0) == sum(world.badges().values())
        assert [line.partition(":")[0] for line in err.splitlines()[-2:]] == ["Error", "Hint"]
    assert "Traceback" not in err
    return err


def finish(world: World) -> None:
    """One clean run: exactly one badge each, and a ledger that holds."""
    world.box.faults.clear()
    code, report = world.report("credly", "batch-sync")
    assert (code, report["status"]) == (0, "succeeded")
    assert world.badges() == dict.fromkeys(world.expected, 1)
    assert world.run("ledger", "verify")[0] == 0


SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.req("GN-38", "GN-21")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("path", "after"), [(r"/learn/v1/courses$", 1), (r"/manage/v1/user$", 1), (ISSUE, 1)])
def test_stopped_while_reading(world: World, number: signal.Signals, path: str, after: int) -> None:
    world.box.faults.add(Fault("slow", method="GET", path=path, delay=0.3))
    stop(world, "GET", path, number, after=after)
    assert world.badges() == {}
    code, out, _ = world.run("ledger", "list", "--json")
    assert code == 0
    assert not [entry for entry in json.loads(out) if entry["flow"] == "credly.batch-sync"]
    finish(world)


@pytest.mark.req("GN-38", "GN-21")
@pytest.mark.parametrize("number", SIGNALS)
def test_stopped_while_applying_what_flies_lands(world: World, number: signal.Signals) -> None:
    world.box.faults.add(Fault("slow", "credly", "POST", ISSUE, delay=0.3))
    stop(world, "POST", ISSUE, number, after=3)
    assert 3 <= len(world.badges()) < len(world.expected)
    states = {entry["state"] for entry in json.loads(world.run("ledger", "list", "--json")[1])}
    assert states <= {"done", "intended", "foreign"}  # nothing is in doubt
    finish(world)


@pytest.mark.req("GN-21")
def test_asked_twice_it_ends_at_once_and_the_next_run_looks(world: World) -> None:
    world.box.faults.add(Fault("slow", "credly", "POST", ISSUE, delay=3))
    stop(world, "POST", ISSUE, signal.SIGINT, after=2, twice=True)
    states = {entry["state"] for entry in json.loads(world.run("ledger", "list", "--json")[1])}
    assert "sent" in states
    finish(world)


@pytest.mark.req("GN-20")
def test_stopped_while_waiting_for_a_remote_that_is_down(world: World) -> None:
    world.box.faults.add(Fault("http_429", "credly", "POST", ISSUE, retry_after=60))
    stop(world, "POST", ISSUE, signal.SIGINT, after=1)
    assert world.badges() == {}
    finish(world)
