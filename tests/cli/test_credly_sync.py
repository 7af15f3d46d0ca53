"""The three credly commands in real processes against the sandbox: the happy path, options, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Sandbox

ITEM = {"action", "key", "user", "email", "template", "source", "reason", "outcome", "remote_id", "error"}
Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A world; `extra` goes to the end of config.toml."""
    with Sandbox(seed=1) as box:
        yield lambda **options: make_world(box, tmp_path / "home", **options)


@pytest.fixture
def world(make: Make) -> World:
    return make()


def planned(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(item["template"], item["user"]) for item in report["items"]}


@pytest.mark.req("CR-23", "CR-24", "CR-26", "CR-27", "CR-33", "CR-58", "CR-71", "CR-74")
def test_everything_once_and_nothing_the_second_time(world: World) -> None:
    code, report = world.report("credly", "batch-sync")
    assert (code, report["status"], report["done"]) == (0, "succeeded", {"issue": len(world.expected)})
    assert world.badges() == dict.fromkeys(world.expected, 1)
    writes = world.box.log.count(method="POST", remote="credly") + world.box.log.count(method="PUT")
    for command in ("sync-templates", "sync-field", "batch-sync"):
        code, again = world.report("credly", command)
        assert (code, again["planned"], again["items"]) == (0, {}, []), command
    assert world.box.log.count(method="POST", remote="credly") + world.box.log.count(method="PUT") == writes
    assert "nothing to do" in world.run("credly", "batch-sync")[2]
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-37", "GN-05")
def test_each_item_says_who_what_why_and_what_became_of_it(world: World) -> None:
    _, report = world.report("credly", "batch-sync")
    users = {str(user.user_id): user for user in world.box.docebo.users.values()}
    for item in report["items"]:
        assert set(item) == ITEM
        assert item["email"] == users[item["user"]].email
        assert item["template"] in world.box.credly.templates
        assert re.fullmatch(r"course:\d+", item["source"])
        assert re.fullmatch(r"course completed 2026-\d\d-\d\d", item["reason"])
        assert (item["action"], item["outcome"], item["error"]) == ("issue", "done", None)
        assert world.box.credly.badges[item["remote_id"]].issuer_earner_id == item["user"]
    shown = json.loads(world.run("run", "show", report["run"], "--json")[1])
    assert {name: shown[name] for name in report} == report


@pytest.mark.req("GN-17", "CR-34")
def test_who_is_left_out_is_listed_with_the_reason_on_request(world: World) -> None:
    _, report = world.report("credly", "batch-sync", "--dry-run", "--skips")
    skips = [item for item in report["items"] if item["action"] == "skip"]
    reasons = {reason: sum(item["reason"] == reason for item in skips) for reason in report["skipped"]}
    assert reasons == report["skipped"]
    assert set(reasons) >= {"already_assigned", "ambiguous_user", "before_start_date", "no_email", "no_value_selected"}


@pytest.mark.req("CR-72", "GN-12", "GN-41")
def test_since_moves_the_bound_forward_and_backward_only_with_a_number(world: World) -> None:
    later = world.report("credly", "batch-sync", "--dry-run", "--since", "2026-02-01")[1]
    assert planned(later) < world.expected
    assert all(item["reason"] >= "course completed 2026-02-01" for item in later["items"])
    for options in (("--since", "2025-12-31"), ("--all-history",)):
        code, refused = world.report("credly", "batch-sync", *options, "--yes")
        assert (code, refused["status"]) == (6, "refused")
        count = refused["planned"]["issue"]
        assert count >= len(world.expected)
        code, refused = world.report("credly", "batch-sync", *options, "--max-changes", str(count - 1))
        assert code == 6
    assert world.badges() == {}
    code, done = world.report("credly", "batch-sync", "--all-history", "--max-changes", str(count))
    assert (code, done["done"]) == (0, {"issue": count})
    assert world.run("credly", "batch-sync", "--since", "yesterday")[0] == 2


def test_course_and_template_narrow_the_run(world: World) -> None:
    _, whole = world.report("credly", "batch-sync", "--dry-run")
    first, other = sorted({item["source"] for item in whole["items"]})[:2]
    ids = [source.removeprefix("course:") for source in (first, other)]
    _, some = world.report("credly", "batch-sync", "--dry-run", "--course", ids[0], "--course", ids[1])
    assert {item["source"] for item in some["items"]} == {first, other}
    template = whole["items"][0]["template"]
    _, one = world.report("credly", "batch-sync", "--template", template)
    assert planned(one) == {key for key in world.expected if key[0] == template} == set(world.badges())
    code, _, err = world.run("credly", "batch-sync", "--course", "424242")
    assert (code, "Docebo has no course 424242" in err) == (2, True)


@pytest.mark.req("CR-27")
@pytest.mark.parametrize("configured", ["", "label"])
def test_labels_where_docebo_shows_labels(make: Make, configured: str) -> None:
    world = make()
    world.box.docebo.flags.field_value = "label"
    config = world.home / "config.toml"
    if configured:
        text = config.read_text()
        config.write_text(text.replace("[connections.docebo]", f'[connections.docebo]\nfield_value = "{configured}"'))
    for course in list(world.box.docebo.courses):
        world.box.docebo.update_course(course, updated_at="2026-03-01 00:00:00")
    code, report = world.report("credly", "batch-sync")
    assert (code, planned(report)) == (0, set(world.expected))


@pytest.mark.req("CR-27")
def test_a_value_that_fits_neither_stops_before_anything_is_issued(world: World) -> None:
    (field,) = world.box.docebo.fields
    course = world.box.docebo.courses[82]
    world.box.docebo.update_course(82, values=course.values | {field: 99999}, updated_at="2026-03-01 00:00:00")
    code, _, err = world.run("credly", "batch-sync")
    assert code == 3
    assert "neither an element id nor a label" in err
    assert world.badges() == {}


def test_tokens_that_run_out_in_the_middle_are_renewed(world: World) -> None:
    config = world.home / "config.toml"
    one_by_one = "[connections.docebo]\nthreads = 1"  # the simulated time moves with each request
    config.write_text(config.read_text().replace("[connections.docebo]", one_by_one))
    world.box.docebo.flags.token_lifetime = 200
    world.box.clock.per_request = 30.0
    world.box.docebo.expire_tokens()
    code, report = world.report("credly", "batch-sync")
    assert (code, planned(report)) == (0, set(world.expected))
    assert world.box.log.count(path="oauth2/token") > 3


@pytest.mark.req("GN-19", "CR-37")
def test_one_that_is_refused_stops_no_other_and_is_retried_by_hand(world: World) -> None:
    template = sorted({template for template, _ in world.expected})[0]
    lost = {key for key in world.expected if key[0] == template}
    world.box.credly.archive(template)  # after the templates were synced
    code, report = world.report("credly", "batch-sync")
    assert (code, report["status"], report["failed"]) == (8, "failed", len(lost))
    assert set(world.badges()) == world.expected - lost
    failed = [item for item in report["items"] if item["outcome"] == "failed"]
    assert planned({"items": failed}) == lost
    assert all("422" in item["error"] for item in failed)
    code, _, err = world.run("credly", "batch-sync")
    assert (code, "connectctl:failed_before" in err) == (0, True)
    assert world.run("run", "retry", report["run"], "--max-changes", "1")[0] == 6
    code, _, err = world.run("credly", "batch-sync")
    assert (code, "connectctl:failed_before" in err) == (0, True), "a retry that is refused forgives nothing"
    world.box.credly.update_template(template, state="active")
    code, retried = world.report("run", "retry", report["run"])
    assert (code, retried["done"], retried["trigger"]) == (0, {"issue": len(lost)}, "retry")
    assert world.badges() == dict.fromkeys(world.expected, 1)


@pytest.mark.req("GN-21")
def test_a_retry_of_all_history_can_be_given_its_number(world: World) -> None:
    count = world.report("credly", "batch-sync", "--all-history", "--dry-run")[1]["planned"]["issue"]
    template = sorted({template for template, _ in world.expected})[0]
    world.box.credly.archive(template)
    _, report = world.report("credly", "batch-sync", "--all-history", "--max-changes", str(count))
    world.box.credly.update_template(template, state="active")
    failed = str(report["failed"])
    assert world.run("run", "retry", report["run"], "--max-changes", str(report["failed"] - 1))[0] == 6
    code, retried = world.report("run", "retry", report["run"], "--max-changes", failed)
    assert (code, retried["done"]) == (0, {"issue": report["failed"]})


@pytest.mark.req("GN-33", "CR-02")
def test_a_second_organization_in_the_same_store_is_refused(world: World) -> None:
    config = world.home / "config.toml"
    text = config.read_text()
    config.write_text(text.replace(world.box.credly.organization_id, "another-organization"))
    for command in ("sync-templates", "batch-sync"):
        code, _, err = world.run("credly", command)
        assert (code, "This store belongs to the Credly account" in err) == (3, True), command


@pytest.mark.req("GN-33")
def test_a_mistyped_organization_is_not_kept(tmp_path: Path) -> None:
    with Sandbox(seed=1) as box:
        home = tmp_path / "home"
        home.mkdir()
        config = home / "config.toml"
        config.touch(0o600)
        config.write_text(box.config_toml().replace(box.credly.organization_id, "mistyped"))
        world = World(box, home, frozenset())
        assert world.run("credly", "sync-templates")[0] == 4
        config.write_text(box.config_toml())
        assert world.run("credly", "sync-templates")[0] == 0
