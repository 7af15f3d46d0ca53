"""Learning plans earn badges by the mapping table, several rows and origins for one template (CR-28 to CR-35)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Sandbox

LATE = "2026-02-03 08:00:00"
EARLY = "2025-11-03 08:00:00"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose course badges are issued already, so that what follows comes from plans."""
    with Sandbox(seed=1) as box:
        box.docebo.plan_enrollments.clear()
        made = make_world(box, tmp_path / "home")
        assert made.report("credly", "batch-sync")[0] == 0
        yield made


@pytest.fixture
def plans(world: World) -> list[int]:
    return list(world.box.docebo.plans)


def learners(world: World, template: str) -> list[int]:
    """Who does not have the badge yet and could be given it, and shares no address."""
    users = [u for u in world.box.docebo.users.values() if u.level == "User" and u.email]
    emails = [u.email.lower() for u in users]
    held = {user for held, user in world.badges() if held == template}
    hand = {badge.recipient_email for badge in world.box.credly.live_badges() if badge.template_id == template}
    return [
        u.user_id
        for u in users
        if str(u.user_id) not in held and u.email not in hand and emails.count(u.email.lower()) == 1
    ]


def template_of(world: World, name: str) -> str:
    return next(t.id for t in world.box.credly.templates.values() if t.name == name)


def row(world: World, template: str, plan: int | str, *cells: str, code: str = "-") -> None:
    exit_code, _, err = world.run("lookup", "set", "credly-integration-mappings", template, str(plan), code, *cells)
    assert exit_code == 0, err


def issued(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(item["template"], item["user"], item["source"]) for item in report["items"] if item["action"] == "issue"}


@pytest.mark.req("CR-28", "CR-31", "CR-35", "GN-35")
def test_the_plans_own_completion_date_counts(world: World, plans: list[int]) -> None:
    template, box = template_of(world, "Forklift Safety"), world.box
    due, early, busy, *_ = learners(world, template)
    row(world, template, plans[0], "IsActive=true")
    box.docebo.enroll_in_plan(due, plans[0], "completed", LATE)
    box.docebo.enroll_in_plan(early, plans[0], "completed", EARLY)
    box.docebo.enroll_in_plan(busy, plans[0], "in_progress", None)
    box.docebo.enroll(early, box.docebo.plans[plans[0]].course_ids[0], "completed", LATE)
    code, report = world.report("credly", "batch-sync", "--template", template)
    assert code == 0, report
    assert issued(report) == {(template, str(due), f"plan:{plans[0]}")}
    (item,) = report["items"]
    assert item["reason"] == "learning plan completed 2026-02-03"
    badge = next(b for b in box.credly.live_badges() if b.issuer_earner_id == str(due) and b.template_id == template)
    assert box.docebo.plans[plans[0]].title in str(badge.evidence[0].description)
    assert world.report("credly", "batch-sync")[1]["planned"] == {}


@pytest.mark.req("GN-37", "CR-28")
def test_a_plan_completed_later_is_found_by_the_next_run(world: World, plans: list[int]) -> None:
    template, box = template_of(world, "Forklift Safety"), world.box
    row(world, template, plans[0], "IsActive=true")
    user = learners(world, template)[0]
    box.docebo.enroll_in_plan(user, plans[0], "in_progress", None)
    assert world.report("credly", "batch-sync")[1]["planned"] == {}
    box.clock.advance(3600)
    box.docebo.enroll_in_plan(user, plans[0], "completed", LATE)
    assert issued(world.report("credly", "batch-sync")[1]) == {(template, str(user), f"plan:{plans[0]}")}


@pytest.mark.req("GN-21", "CR-16", "CR-31", "CR-33")
def test_many_rows_and_origins_still_give_one_badge(world: World, plans: list[int]) -> None:
    first, second = template_of(world, "Forklift Safety"), template_of(world, "First Aid Responder")
    box = world.box
    user = next(user for user in learners(world, first) if user in learners(world, second))
    row(world, first, plans[0], "IsActive=true")
    row(world, first, plans[0], "IsActive=false", code="SEC")
    row(world, first, plans[1], "IsActive=true")
    row(world, second, plans[0], "IsActive=true")
    for plan in plans:
        box.docebo.enroll_in_plan(user, plan, "completed", LATE)
    code, report = world.report("credly", "batch-sync", "--skips")
    assert code == 0
    assert {(template, who) for template, who, _ in issued(report)} == {(first, str(user)), (second, str(user))}
    assert report["planned"] == {"issue": 2}
    assert [s["template"] for s in report["items"] if s["user"] == str(user) and s["reason"] == "already_assigned"] == [
        first
    ]
    assert {key: count for key, count in world.badges().items() if key[1] == str(user) and count > 1} == {}


@pytest.mark.req("GN-17", "CR-16", "CR-31")
def test_rows_that_earn_nothing_say_why(world: World, plans: list[int]) -> None:
    template, archived = template_of(world, "Forklift Safety"), template_of(world, "Spreadsheet Skills 2019")
    row(world, template, plans[0], "IsActive=false")
    row(world, archived, plans[0], "IsActive=true")
    row(world, "no-such-template", plans[0], "IsActive=true")
    row(world, template, "99999", "IsActive=true")
    world.box.docebo.enroll_in_plan(learners(world, template)[0], plans[0], "completed", LATE)
    code, report = world.report("credly", "batch-sync", "--skips")
    assert code == 0
    assert report["planned"] == {}
    plan = f"plan:{plans[0]}"
    said = {(s["source"], s["reason"]) for s in report["items"] if str(s["source"]).startswith("plan")}
    assert said == {
        (plan, "mapping_inactive"),
        (plan, "template_inactive"),
        (plan, "template_unknown"),
        ("plan:99999", "connectctl:plan_unknown"),
    }


@pytest.mark.req("CR-28", "CR-30", "GN-37")
def test_a_named_course_takes_its_plans_along(world: World, plans: list[int]) -> None:
    template, box = template_of(world, "Forklift Safety"), world.box
    row(world, template, plans[0], "IsActive=true")
    box.docebo.enroll_in_plan(learners(world, template)[0], plans[0], "completed", LATE)
    inside, outside = (box.docebo.plans[plan].course_ids[0] for plan in plans)
    other = world.report("credly", "batch-sync", "--course", str(outside), "--dry-run")[1]
    assert other["planned"] == {}
    assert world.report("credly", "batch-sync", "--course", str(inside), "--dry-run")[1]["planned"] == {"issue": 1}
