"""Templates that change, saved plans in a changed world, and removals: the whole product in real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Sandbox


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path / "home")


def rows(world: World) -> dict[str, dict[str, Any]]:
    """The template table by template id."""
    found = json.loads(world.run("lookup", "show", "credly-badge-templates", "-o", "json")[1])
    return {row["Badge Template ID"]: row for row in found}


def labels(world: World) -> dict[int, str]:
    (field,) = world.box.docebo.fields
    return world.box.docebo.labels(field)


def sync(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both synchronizations; each run a second time does nothing."""
    reports = []
    for command in ("sync-templates", "sync-field"):
        code, report = world.report("credly", command)
        assert code == 0, report
        reports.append(report)
        assert world.report("credly", command)[1]["planned"] == {}
    return reports[0], reports[1]


def selections(world: World) -> dict[int, Any]:
    return {course.course_id: dict(course.values) for course in world.box.docebo.courses.values()}


@pytest.mark.req("CR-24", "CR-53")
def test_a_rename_keeps_element_and_selections_even_when_another_takes_the_old_name(world: World) -> None:
    box = world.box
    first = next(iter(box.credly.templates.values()))
    before, chosen = rows(world)[first.id], selections(world)
    box.credly.update_template(first.id, name="Renamed")
    taker = box.credly.add_template(first.name)
    templates, field = sync(world)
    assert templates["done"] == {"update_row": 1, "add_row": 1}
    assert field["done"] == {"rename_option": 1, "add_option": 1}
    after = rows(world)
    element = before["Dropdown Element ID"]
    assert after[first.id] == before | {"Badge Template Name": "Renamed"}
    assert labels(world)[element] == "Renamed"
    assert after[taker.id]["Dropdown Element ID"] not in (element, None)
    assert selections(world) == chosen
    world.run("credly", "batch-sync")
    assert world.badges() == dict.fromkeys(world.expected, 1)  # the courses still earn the template they meant


@pytest.mark.req("CR-54", "CR-56", "CR-57", "GN-33")
def test_an_archived_template_loses_its_element_and_courses_fall_back(world: World) -> None:
    box = world.box
    template = next(one for one in box.credly.templates.values() if one.name == "Forklift Safety")
    world.run("credly", "batch-sync", "--dry-run")
    box.credly.archive(template.id)
    world.report("credly", "sync-templates")
    (planned,) = world.report("credly", "sync-field", "--dry-run")[1]["items"]
    assert planned["action"] == "remove_option"
    assert planned["reason"].endswith("these courses lose their selection: Forklift Safety")
    sync(world)
    row = rows(world)[template.id]
    assert (row["IsActive"], row["Dropdown Element ID"]) == (False, None)
    assert "Forklift Safety" not in labels(world).values()
    code, report = world.report("credly", "batch-sync")
    assert (code, report["status"]) == (0, "succeeded")
    assert set(world.badges()) == {key for key in world.expected if key[0] != template.id}
    box.credly.update_template(template.id, state="active")
    sync(world)
    row = rows(world)[template.id]
    assert row["IsActive"] is True
    assert labels(world)[row["Dropdown Element ID"]] == "Forklift Safety"
    assert selections(world)[82] == dict.fromkeys(selections(world)[82])  # selections are not restored


@pytest.mark.req("CR-55", "GN-33")
def test_a_deleted_template_takes_row_and_element_along_and_switches_mappings_off(world: World) -> None:
    template = next(one for one in world.box.credly.templates.values() if one.name == "Team Leadership")
    key = ("credly-integration-mappings", template.id, "12", "-")
    assert world.run("lookup", "set", *key, "IsActive=true")[0] == 0
    world.box.credly.delete_template(template.id)
    templates, field = sync(world)
    assert templates["done"] == {"delete_row": 1, "update_row": 1}
    assert field["done"] == {"remove_option": 1}
    assert template.id not in rows(world)
    assert "Team Leadership" not in labels(world).values()
    (mapping,) = json.loads(world.run("lookup", "show", key[0], "-o", "json")[1])
    assert (mapping["Badge Template ID"], mapping["IsActive"]) == (template.id, False)


@pytest.mark.req("CR-53")
def test_of_namesakes_only_the_first_is_taken(world: World) -> None:
    taken = [row["Badge Template Name"] for row in rows(world).values()]
    namesakes = [one.id for one in world.box.credly.templates.values() if one.name == "Cloud Foundations"]
    assert len(taken) == len(set(taken))
    assert [key in rows(world) for key in namesakes] == [True, False]
    report = world.report("credly", "sync-templates", "--dry-run", "--skips")[1]
    assert [item["key"] for item in report["items"] if item["reason"] == "duplicate_name"] == namesakes[1:]


@pytest.mark.req("GN-33")
def test_more_removals_than_allowed_need_a_word(world: World) -> None:
    ids = list(world.box.credly.templates)
    for template in (*ids[:5], ids[8]):
        world.box.credly.delete_template(template)
    for command in ("sync-templates", "sync-field"):
        before = (rows(world), labels(world))
        code, report = world.report("credly", command)
        assert (code, report["status"]) == (6, "refused"), report
        assert (rows(world), labels(world)) == before
        code, report = world.report("credly", command, "--yes")
        assert (code, report["status"]) == (0, "succeeded")


@pytest.mark.req("GN-33")
def test_an_empty_listing_where_rows_are_changes_nothing(world: World) -> None:
    before = rows(world)
    for template in list(world.box.credly.templates):
        world.box.credly.delete_template(template)
    code, _, err = world.run("credly", "sync-templates", "--max-changes", "100")
    assert (code, rows(world)) == (6, before)
    assert "--yes" in err


@pytest.mark.req("CR-24", "CR-18")
def test_elements_made_by_hand_are_reported_and_left_alone(world: World) -> None:
    (field,) = world.box.docebo.fields
    option = world.box.docebo.add_field("Other", ["x"])
    before = labels_of(world, option.field_id)
    mine = world.box.docebo.fields[field]
    by_hand = world.box.docebo.fields[option.field_id].options
    world.box.docebo.fields[field] = type(mine)(
        **{name: getattr(mine, name) for name in mine.__slots__} | {"options": mine.options + by_hand}
    )
    code, report = world.report("credly", "sync-field")
    assert (code, report["planned"]) == (0, {})
    assert report["warnings"] == ["The dropdown 'Credly badge' has an element that no template owns: x"]
    assert labels_of(world, option.field_id) == before


def labels_of(world: World, field: int) -> dict[int, str]:
    return world.box.docebo.labels(field)


@pytest.mark.req("GN-40", "CR-61")
def test_a_saved_plan_is_carried_out_as_it_was_reviewed(world: World, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    days = ("lookup", "set", "integration-settings", "CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS")
    assert world.run(*days, "Value=30")[0] == 0
    code, report = world.report("credly", "batch-sync", "--dry-run", "--plan-out", str(plan))
    saved = json.loads(plan.read_text())
    assert (code, len(saved["changes"])) == (0, report["planned"]["issue"])
    assert plan.stat().st_mode & 0o777 == 0o600
    assert world.run(*days, "Value=60")[0] == 0  # the frozen expiry is the one that counts
    code, done = world.report("apply", str(plan))
    assert (code, done["done"], done["trigger"]) == (0, {"issue": len(world.expected)}, "apply")
    issued = [entry for entry in world.box.log.entries if entry.method == "POST" and entry.path.endswith("/badges")]
    expiries = {entry.body["expires_at"] for entry in issued}
    wanted = {change["data"]["expires_at"][:10] for change in saved["changes"]}
    assert {text[:10] for text in expiries} == wanted
    code, again = world.report("apply", str(plan))
    assert (code, again["failed"], again["items"]) == (0, 0, [])  # it was carried out before, by us
    assert world.badges() == dict.fromkeys(world.expected, 1)


@pytest.mark.req("GN-40", "GN-36")
def test_in_a_changed_world_each_item_is_refused_alone(world: World, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    _, report = world.report("credly", "batch-sync", "--dry-run", "--plan-out", str(plan))
    docebo, (moved, undone, held) = world.box.docebo, report["items"][:3]
    docebo.update_user(int(moved["user"]), email="moved@acme.example")
    docebo.enroll(int(undone["user"]), int(undone["source"][7:]), "in_progress", None)
    world.box.credly.issue(held["email"], held["template"])
    docebo.add_user(email="late@acme.example")
    code, done = world.report("apply", str(plan))
    assert (code, done["status"]) == (8, "failed")
    refused = {item["key"]: item for item in done["items"] if item["outcome"] == "failed"}
    gone = {item["user"] for item in refused.values()}
    assert {moved["user"], undone["user"], held["user"]} <= gone
    assert all("the world has changed since" in item["error"] for item in refused.values())
    assert all(item["action"] == "issue" and item["template"] for item in refused.values())
    others = {(i["template"], i["user"]) for i in done["items"] if i["outcome"] == "done"}
    assert others == set(world.badges())
    assert len(others) + len(refused) == len(world.expected)


@pytest.mark.parametrize("content", ["", "{}", '{"connectctl_plan": 1}', "\x00\x01"])
def test_a_file_that_is_no_plan_is_named(world: World, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    code, out, err = world.run("apply", str(tmp_path / "plan.json"))
    assert (code, out) == (3, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["Error", "Hint"]
