"""Every fault of the sandbox on every kind of request, always and now and then: nothing half written, nothing doubled.

Real store and real HTTP; only the waiting between tries is on a clock that jumps.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flows.conftest import dump
from tests.worlds import World, make_world

import connectctl_credly.plugin
from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.flows.clock import RunClock
from connectctl.flows.context import Runtime
from connectctl.flows.options import RunOptions
from connectctl.flows.runner import execute
from connectctl.plugins.manager import Plugins
from connectctl.store import open_store
from connectctl_sandbox import Fault, Sandbox

LOST = ("lose_request", "lose_answer", "cut_answer")
DOWN = (*LOST, "http_429", "http_500_before", "http_500_after", "http_503")
BAD = ("html_200", "truncated_json", "wrong_types", "endless_pages")
KINDS = (*DOWN, *BAD, "slow")
READS = {
    "token": ("docebo", "POST", "/oauth2/token$"),
    "fields": ("docebo", "GET", "/courses/fields$"),
    "field": ("docebo", "GET", r"/courses/fields/\d+$"),
    "courses": ("docebo", "GET", "/learn/v1/courses$"),
    "course": ("docebo", "GET", r"/learn/v1/courses/\d+$"),
    "enrollments": ("docebo", "GET", "/enrollments$"),
    "users": ("docebo", "GET", "/manage/v1/user$"),
    "held": ("credly", "GET", "/badges$"),
}
NO_LISTS = ("token", "field", "course")
ITEMS = ("course", "held")  # one of many: the others go on


class Jump(RunClock):
    """Waiting takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def wait(self, seconds: float) -> bool:
        self.ahead += timedelta(seconds=max(0.0, seconds))
        return self.stop.is_set()


def run(home: Path, flow: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and object of one run in this process."""
    plugins = Plugins.from_modules({"credly": connectctl_credly.plugin})
    paths = ProfilePaths("default", home / "config.toml", home, home, home)
    settings = load_settings(paths, plugins.connections)
    with open_store("sqlite:///store.db", home) as store:
        runtime = Runtime(plugins, settings, store, home)
        result = execute(runtime, plugins.flow(flow), {}, RunOptions(**options), Jump())
        report = result.report | {"items": list(result.report["items"])}
    code = result.error.exit_code if result.error else 8 * (result.report["status"] == "failed")
    assert (result.report["status"] == "aborted") is (code in (3, 4, 5))
    return code, report


def tables(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    with open_store("sqlite:///store.db", home) as store:
        return dump(store, "runs", "run_items", "sqlite_sequence", "cache", "cursors")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path_factory.mktemp("faults") / "home")


@pytest.fixture
def home(world: World, tmp_path: Path) -> Iterator[Path]:
    """The world as it was, badges and all."""
    shutil.copytree(world.home, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "tokens")
    yield tmp_path / "copy"
    world.box.faults.clear()
    for badge in world.box.credly.live_badges():
        if badge.issuer_earner_id:
            world.box.credly.delete(badge.id)


def check_secrets(world: World, report: dict[str, Any]) -> None:
    own = world.box.docebo.credentials
    said = json.dumps(report)
    for secret in (world.box.credly.token, own.client_secret, own.password, *world.box.docebo.access_tokens):
        assert secret not in said


def finish(world: World, home: Path) -> None:
    """One clean run, and a retry for what stays in doubt where a template allows duplicates."""
    world.box.faults.clear()
    assert max(world.badges().values(), default=0) <= 1
    code, report = run(home, "credly.batch-sync")
    if code == 8:
        assert report["failed"] == 0, report["items"]
        code, report = run(home, "credly.batch-sync", retry=report["run"])
    assert code == 0, report
    assert world.badges() == dict.fromkeys(world.expected, 1)
    with open_store("sqlite:///store.db", home) as store:
        assert store.check() == []


@pytest.mark.req("GN-19", "GN-20", "GN-21")
@pytest.mark.parametrize(
    ("place", "kind"),
    [(place, kind) for place in READS for kind in KINDS if kind != "endless_pages" or place not in NO_LISTS],
)
def test_a_reading_that_always_fails(world: World, home: Path, place: str, kind: str) -> None:
    before = tables(home)
    world.box.faults.add(Fault(kind, *READS[place], delay=0.0))
    if place == "course":
        for course in list(world.box.docebo.courses):  # changed, so that each is read again
            moment = world.box.docebo.now()
            world.box.clock.advance(1)
            world.box.docebo.update_course(course, updated_at=moment)
    code, report = run(home, "credly.batch-sync")
    check_secrets(world, report)
    if kind == "slow":
        assert code == 0
    elif kind in BAD and place == "held":
        assert code == 4  # every template refused: that is the remote's answer, not that of single items
    elif kind in BAD and place in ITEMS:
        assert (code, report["done"]) == (8, {})
        assert report["failed"] >= 1
        assert all(item["error"] for item in report["items"] if item["outcome"] == "failed")
    else:
        assert code == (5 if kind in DOWN else 4), report
        assert report["error"]
    if code and not report["done"]:
        assert tables(home) == before
        assert world.badges() == Counter()
    finish(world, home)


@pytest.mark.req("CR-37", "GN-21", "GN-20")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "endless_pages"])
def test_issuing_that_always_fails(world: World, home: Path, kind: str) -> None:
    world.box.faults.add(Fault(kind, "credly", "POST", "/badges$", delay=0.0))
    code, report = run(home, "credly.batch-sync")
    check_secrets(world, report)
    arrives = kind in ("lose_answer", "cut_answer", "http_500_after", "truncated_json", "wrong_types", "slow")
    assert code == (0 if arrives else 5 if kind in ("http_429", "http_500_before", "http_503") else 8), report
    assert world.badges() == (dict.fromkeys(world.expected, 1) if arrives else {})
    finish(world, home)


@pytest.mark.req("GN-21", "GN-19")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_fails_now_and_then(world: World, home: Path, kind: str, seed: int) -> None:
    world.box.faults.add(Fault(kind, probability=0.3, seed=seed, delay=0.0))
    code, report = run(home, "credly.batch-sync")
    check_secrets(world, report)
    assert code in ((0, 4, 8) if kind in BAD else (0, 5, 8))
    assert report["done"].get("issue", 0) <= sum(world.badges().values())
    finish(world, home)


@pytest.mark.req("CR-24", "CR-18", "CR-23")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "path", "probability"), [("POST", "fields$", 1.0), ("PUT", "", 1.0), (None, "", 0.3)]
)
def test_the_dropdown_is_made_once_and_filled_once(
    tmp_path: Path, kind: str, method: str | None, path: str, probability: float
) -> None:
    with Sandbox(seed=1) as box:
        config = tmp_path / "home" / "config.toml"
        config.parent.mkdir()
        config.touch(0o600)
        config.write_text(box.config_toml())
        home = config.parent
        with open_store("sqlite:///store.db", home) as store:
            plugins = Plugins.from_modules({"credly": connectctl_credly.plugin})
            row = {"Integration": "CREDLY", "Key": "COURSE_ADDITIONAL_FIELD", "Value": "Credly badge"}
            store.table(plugins.table("integration-settings")).insert(row)
        for flow in ("credly.sync-templates", "credly.sync-field"):
            box.faults.add(Fault(kind, None, method, path, probability, seed=3, delay=0.0))
            code, _ = run(home, flow)
            assert code in (0, 4, 5, 8)
            box.faults.clear()
            for _ in range(3):  # what is in doubt is looked at by the next run
                code, report = run(home, flow)
                if code == 0 and not report["planned"]:
                    break
            assert (code, report["planned"]) == (0, {}), report
        (field,) = box.docebo.fields.values()
        active = [row.name for row in box.credly.templates.values() if row.state == "active"]
        assert sorted(option.label for option in field.options) == sorted(set(active))
