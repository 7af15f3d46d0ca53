"""`why` in real processes against the sandbox: what is behind a badge, and each reason that there is none."""

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


def why(world: World, user: object, template: str, *more: str) -> dict[str, Any]:
    code, out, err = world.run("why", "--user", str(user), "--template", template, "--json", *more)
    assert code == 0, err
    (answer,) = json.loads(out)
    return dict(answer)


@pytest.mark.req("GN-21", "GN-22")
def test_the_completion_the_element_and_the_run_behind_a_badge(world: World) -> None:
    template, user = sorted(world.expected)[0]
    due = why(world, user, template)
    assert (due["answer"], due["credential"], due["log"]) == ("due", None, [])
    assert world.badges() == {}
    _, report = world.report("credly", "batch-sync")
    item = next(item for item in report["items"] if (item["template"], item["user"]) == (template, user))
    answer = why(world, user, template)
    made = answer["credential"]
    assert answer["answer"] == "held"
    assert (made["state"], made["live"], made["remote_id"]) == ("done", True, item["remote_id"])
    assert (made["origin"], made["run"], made["trigger"]) == (item["source"], report["run"], "command")
    course = world.box.docebo.courses[int(item["source"].removeprefix("course:"))]
    assert made["origin_name"] == course.name
    assert made["decided_by"].startswith("dropdown element ")
    assert made["flow_title"] == "Assign Credly badge for Course Additional Field element"
    assert item["reason"].removeprefix("course completed ") == made["version"][:10]
    assert [line["state"] for line in answer["log"]] == ["intended", "sent", "done"]
    assert {one["source"] for one in answer["origins"]} >= {item["source"]}
    assert answer["settings"] == {"BATCH_SYNC_START_DATE": "2026-01-01", "CREDLY_DEFAULT_EXPIRATION_DAYS": None}
    told = world.run("why", "--user", item["email"], "--template", answer["template"]["name"])
    assert told[0] == 0
    for words in (item["remote_id"], course.name, report["run"], "It earned the one there is.", "2026-01-01"):
        assert words in told[1]


@pytest.mark.req("GN-21")
def test_a_second_origin_is_told_beside_the_first(world: World) -> None:
    template, user = sorted(world.expected)[0]
    _, report = world.report("credly", "batch-sync")
    first = next(item for item in report["items"] if (item["template"], item["user"]) == (template, user))["source"]
    plan = world.box.docebo.add_plan("Onboarding", [])
    world.box.docebo.enroll_in_plan(int(user), plan.plan_id, "completed", completed_at="2026-03-01 10:00:00")
    code, _, err = world.run(
        *("lookup", "set", "credly-integration-mappings", template, str(plan.plan_id), "-", "IsActive=true")
    )
    assert code == 0, err
    found = {one["source"]: one for one in why(world, user, template)["origins"]}
    second = found[f"plan:{plan.plan_id}"]
    assert (second["reason"], second["name"]) == ("already_assigned", "Onboarding")
    assert found[first]["sentence"] == "It earned the one there is."
    assert second["sentence"] != found[first]["sentence"]


@pytest.mark.req("GN-17")
def test_each_reason_of_the_plan_is_told_for_its_user(world: World) -> None:
    _, report = world.report("credly", "batch-sync", "--dry-run", "--skips")
    wanted = {
        item["reason"]: item
        for item in report["items"]
        if item["action"] == "skip" and item["user"] and item["reason"] in ("no_email", "ambiguous_user")
    }
    assert set(wanted) == {"no_email", "ambiguous_user"}
    for reason, item in wanted.items():
        answer = why(world, item["user"], item["template"])
        assert (answer["answer"], answer["credential"]) == ("none", None)
        assert reason in {one["reason"] for one in answer["origins"]}
    early = next(item for item in report["items"] if item["reason"] == "before_start_date")
    assert {one["reason"] for one in why(world, early["user"], early["template"])["origins"]} == {"before_start_date"}


@pytest.mark.req("GN-17")
def test_nothing_earns_it_a_row_is_off_and_the_template_is_off(world: World) -> None:
    template, user = sorted(world.expected)[0]
    for course, kept in list(world.box.docebo.courses.items()):
        world.box.docebo.update_course(course, values=dict.fromkeys(kept.values), updated_at="2026-11-01 00:00:00")
    assert [one["reason"] for one in why(world, user, template)["origins"]] == ["mapping_missing"]
    mapping = ("lookup", "set", "credly-integration-mappings", template, "12", "-", "IsActive=false")
    assert world.run(*mapping)[0] == 0
    assert [one["reason"] for one in why(world, user, template)["origins"]] == ["mapping_inactive"]
    world.box.credly.archive(template)
    assert world.run("credly", "sync-templates")[0] == 0
    answer = why(world, user, template)
    assert [one["reason"] for one in answer["origins"]] == ["template_inactive"]
    assert "not active" in answer["because"]


def test_without_a_start_date_the_answer_says_so(world: World) -> None:
    template, user = sorted(world.expected)[0]
    assert world.run("lookup", "unset", "integration-settings", "CREDLY", "BATCH_SYNC_START_DATE")[0] == 0
    answer = why(world, user, template)
    assert (answer["answer"], answer["origins"]) == ("none", [])
    assert "BATCH_SYNC_START_DATE" in answer["because"]


def test_offline_asks_no_remote(world: World) -> None:
    template, user = sorted(world.expected)[0]
    _, report = world.report("credly", "batch-sync")
    item = next(item for item in report["items"] if (item["template"], item["user"]) == (template, user))
    skipped = next(
        i for i in world.report("credly", "batch-sync", "--full", "--skips")[1]["items"] if i["reason"] == "no_email"
    )
    before = len(world.box.log.entries)
    answer = why(world, item["email"], template, "--offline")
    assert (answer["answer"], answer["credential"]["remote_id"]) == ("held", item["remote_id"])
    left = why(world, skipped["user"], skipped["template"], "--offline")
    assert (left["answer"], left["origins"][0]["reason"]) == ("none", "no_email")
    assert len(world.box.log.entries) == before
    code, _, err = world.run("why", "--user", "999999", "--template", template, "--offline")
    assert (code, "knows nothing" in err) == (2, True)


def test_unknown_names_are_refused_with_the_next_command(world: World) -> None:
    template, user = sorted(world.expected)[0]
    for args, words in (
        (("--user", "999999", "--template", template), "Docebo has no user 999999"),
        (("--user", "nobody@example.org", "--template", template), "Docebo has no user nobody@example.org"),
        (("--user", "Ada Byron", "--template", template), "Docebo has no user Ada Byron"),
        (("--user", user, "--template", "Safty"), "There is no template 'Safty'"),
    ):
        code, out, err = world.run("why", *args)
        assert (code, out) == (2, "")
        assert words in err
        assert "Hint: connectctl" in err
    shared = next(
        item
        for item in world.report("credly", "batch-sync", "--dry-run", "--skips")[1]["items"]
        if item["reason"] == "ambiguous_user"
    )
    code, _, err = world.run("why", "--user", shared["email"], "--template", template)
    assert (code, "Several users have the address" in err) == (2, True)


def test_nothing_is_recorded_and_nothing_is_sent(world: World) -> None:
    template, user = sorted(world.expected)[0]
    runs = world.run("run", "list", "--json")[1]
    world.box.log.clear()
    why(world, user, template)
    assert {entry.method for entry in world.box.log.entries if "oauth2" not in entry.path} == {"GET"}
    assert world.run("run", "list", "--json")[1] == runs
    assert world.badges() == {}
