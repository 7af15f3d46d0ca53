"""A run reads what is new since the last one, keeps what people can mend, and once a week everything (GN-37)."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Fault, Sandbox


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        box.docebo.enroll_in_plan(_learners(box)[5], plan_of(box), "completed", "2026-02-03 08:00:00")
        yield make_world(box, tmp_path / "home")


def plan_of(box: Sandbox) -> int:
    return next(iter(box.docebo.plans))


def _learners(box: Sandbox) -> list[int]:
    return [user.user_id for user in box.docebo.users.values() if user.level == "User" and user.email]


def mapped(world: World, template: str, plan: str, active: str = "true") -> None:
    args = ("lookup", "set", "credly-integration-mappings", template, plan, "-", f"IsActive={active}")
    code, _, err = world.run(*args)
    assert code == 0, err


def template_of(world: World, name: str) -> str:
    return next(t.id for t in world.box.credly.templates.values() if t.name == name and t.state == "active")


class Calls:
    """The requests from here on, tokens left out."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.before = box, len(box.log.entries)

    def of(self, remote: str) -> Counter[str]:
        entries = self.box.log.entries[self.before :]
        return Counter(
            f"{e.method} {e.path}" for e in entries if e.remote == remote and not e.path.endswith("/oauth2/token")
        )


def sync(world: World, *args: str) -> tuple[dict[str, Any], Calls]:
    calls = Calls(world.box)
    code, report = world.report("credly", "batch-sync", *args)
    assert code == 0, report
    return report, calls


@pytest.mark.req("GN-37")
def test_a_run_with_nothing_new_reads_each_list_once(world: World) -> None:
    mapped(world, template_of(world, "Forklift Safety"), str(plan_of(world.box)))
    sync(world)
    report, calls = sync(world)
    assert report["planned"] == {}
    assert not calls.of("credly")
    docebo = calls.of("docebo")
    assert max(docebo.values()) == 1, docebo
    assert sum(docebo.values()) <= 6, docebo
    asked = [e.query for e in world.box.log.entries[calls.before :] if "enrollments" in e.path]
    assert all("updated_from" in query for query in asked)


@pytest.mark.req("GN-37")
def test_what_a_list_refuses_is_remembered_and_costs_no_second_request(world: World) -> None:
    world.box.docebo.flags.refuse_cursor = True
    mapped(world, template_of(world, "Forklift Safety"), str(plan_of(world.box)))
    sync(world)
    report, calls = sync(world)
    assert report["planned"] == {}
    docebo = calls.of("docebo")
    assert max(docebo.values()) == 1, docebo
    assert sum(docebo.values()) <= 6, docebo
    world.box.docebo.flags.refuse_cursor = False
    _, calls = sync(world, "--full")
    asked = [e.query for e in world.box.log.entries[calls.before :] if e.path.endswith("/enrollments")]
    assert all("get_cursor" in query for query in asked), "a full walk tries again"


@pytest.mark.req("GN-37")
def test_a_new_completion_is_found_among_what_changed(world: World) -> None:
    sync(world)
    box = world.box
    held = {user for _, user in world.badges()}
    course = next(iter(box.intended))
    user = next(user for user in _learners(box) if str(user) not in held)
    box.clock.advance(3600 * 5)
    box.docebo.enroll(user, course, "completed", "2026-02-11 12:00:00")
    report, calls = sync(world)
    assert [(item["user"], item["source"]) for item in report["items"]] == [(str(user), f"course:{course}")]
    assert sum(calls.of("docebo").values()) <= 8
    assert sync(world)[0]["planned"] == {}


@pytest.mark.req("GN-37", "GN-17")
@pytest.mark.parametrize(
    ("page_size", "ignored", "most"),
    [(200, False, 1), (5, False, 2), (5, True, 8)],
    ids=["a page of users", "many pages", "many pages, no filter"],
)
def test_who_could_not_be_given_a_badge_is_looked_at_again_until_mended(
    world: World, page_size: int, ignored: bool, most: int
) -> None:
    config = world.home / "config.toml"
    config.write_text(
        config.read_text().replace("[connections.docebo]", f"[connections.docebo]\npage_size = {page_size}")
    )
    world.box.docebo.flags.ignore_date_filters = ignored
    report, _ = sync(world, "--skips")
    nobodies = {item["user"] for item in report["items"] if item["reason"] == "no_email"}
    for _ in range(3):
        again, calls = sync(world)
        for reason in ("no_email", "ambiguous_user"):
            assert again["skipped"][reason] == report["skipped"][reason] > 0, "they stay on the list"
    assert sum(count for call, count in calls.of("docebo").items() if "/user" in call) <= most
    (one, other) = _sharing(world.box)
    world.box.clock.advance(3600 * 30)
    world.box.docebo.update_user(other, email="of-their-own@acme.example")
    for user in nobodies:
        world.box.docebo.update_user(int(user), email=f"found-{user}@acme.example")
    report, _ = sync(world)
    assert {item["user"] for item in report["items"]} == nobodies | {str(one), str(other)}
    assert {"no_email", "ambiguous_user"} & set(sync(world)[0]["skipped"]) == set()


@pytest.mark.req("GN-37", "CR-32")
def test_who_was_left_open_and_reset_meanwhile_gets_no_badge_once_mended(world: World) -> None:
    report, _ = sync(world, "--skips")
    box = world.box
    (blank, *others) = [item for item in report["items"] if item["reason"] == "no_email"]
    course = int(blank["source"].removeprefix("course:"))
    box.docebo.enroll(int(blank["user"]), course, "in_progress", None)
    for item in (blank, *others):
        box.docebo.update_user(int(item["user"]), email=f"found-{item['user']}@acme.example")
    report, _ = sync(world)
    issued = {(item["user"], item["source"]) for item in report["items"]}
    assert issued == {(item["user"], item["source"]) for item in others}
    assert sync(world, "--full")[0]["planned"] == {}


def _sharing(box: Sandbox) -> list[int]:
    """The two learners with one address."""
    users = [user for user in box.docebo.users.values() if user.email]
    emails = [user.email for user in users]
    return [user.user_id for user in users if emails.count(user.email) > 1]


@pytest.mark.req("GN-37")
def test_a_part_decided_otherwise_starts_again_at_the_start_date(world: World) -> None:
    sync(world)
    before = world.badges()
    code, _, err = world.run(
        "lookup", "set", "integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2025-10-01"
    )
    assert code == 0, err
    report, _ = sync(world)
    assert report["planned"]["issue"] > 0, "completions long before the cursor"
    template = template_of(world, "Team Leadership")
    box = world.box
    (welcome,) = [c.course_id for c in box.docebo.courses.values() if c.code == "WEL-1"]
    (field,) = box.docebo.fields
    element = next(i for i, label in box.docebo.labels(field).items() if label == "Team Leadership")
    box.docebo.select(welcome, element)
    report, _ = sync(world)
    assert {item["source"] for item in report["items"]} == {f"course:{welcome}"}
    assert {item["template"] for item in report["items"]} == {template}
    assert world.badges() > before


@pytest.mark.req("GN-37")
@pytest.mark.parametrize("flags", [{"ignore_date_filters": True}, {"zero_dates": True}], ids=["ignored", "zero dates"])
def test_a_platform_that_does_not_know_the_filter_is_asked_in_another_way(world: World, flags: dict[str, bool]) -> None:
    box = world.box
    for name, value in flags.items():
        setattr(box.docebo.flags, name, value)
    sync(world)
    assert sync(world)[0]["planned"] == {}
    _, calls = sync(world)
    assert sum(calls.of("docebo").values()) <= 6, calls.of("docebo")
    user = next(user for user in _learners(box) if str(user) not in {u for _, u in world.badges()})
    box.clock.advance(3600 * 5)
    box.docebo.enroll(user, next(iter(box.intended)), "completed", "2026-02-11 12:00:00")
    assert [item["user"] for item in sync(world)[0]["items"]] == [str(user)]


@pytest.mark.req("GN-37", "CR-27")
def test_a_selection_changed_without_a_trace_starts_its_course_again_once_it_is_seen(world: World) -> None:
    """The course list shows no change; that somebody completes the course makes the run read the course again."""
    sync(world)
    box, course = world.box, next(iter(world.box.intended))
    (field,) = box.docebo.fields
    leadership = next(i for i, label in box.docebo.labels(field).items() if label == "Team Leadership")
    before, old = world.badges(), box.docebo.courses[course]
    template = template_of(world, "Team Leadership")
    assert old.values != {field: leadership}
    done = {user for user, of in box.docebo.enrollments if of == course}
    user = next(u for u in _learners(box) if u not in done and not any(str(u) == held for _, held in before))
    box.clock.advance(3600 * 5)
    box.docebo.update_course(course, values={field: leadership}, updated_at=old.updated_at)
    box.docebo.enroll(user, course, "completed", "2026-02-11 12:00:00")
    report, _ = sync(world)
    assert {item["template"] for item in report["items"]} == {template}
    assert {item["source"] for item in report["items"]} == {f"course:{course}"}
    assert str(user) in {item["user"] for item in report["items"]}
    assert len(report["items"]) > 1, "those who completed it before, too"
    assert sync(world, "--full")[0]["planned"] == {}, "nothing was left for the weekly walk"


@pytest.mark.req("GN-37", "CR-35")
def test_an_old_completion_of_a_plan_entered_late_is_found_where_the_list_shows_no_changes(world: World) -> None:
    box = world.box
    box.docebo.flags.plan_changes_hidden = True
    template = template_of(world, "Forklift Safety")
    mapped(world, template, str(plan_of(box)))
    sync(world)
    box.clock.advance(3600 * 24 * 5)
    taken = {user for _, user in world.badges()}
    user = next(
        u for u in _learners(box) if str(u) not in taken and (u, plan_of(box)) not in box.docebo.plan_enrollments
    )
    box.docebo.enroll_in_plan(user, plan_of(box), "completed", "2026-01-05 08:00:00")
    report, _ = sync(world)
    assert [(item["user"], item["template"]) for item in report["items"]] == [(str(user), template)]


@pytest.mark.req("GN-37")
def test_what_no_list_of_changes_shows_comes_to_light_with_the_weekly_walk(world: World) -> None:
    sync(world)
    box = world.box
    user = next(user for user in _learners(box) if str(user) not in {u for _, u in world.badges()})
    old = "2026-01-11 12:00:00"
    box.docebo.enroll(user, next(iter(box.intended)), "completed", old, updated_at=old)
    assert sync(world)[0]["planned"] == {}
    dry, _ = sync(world, "--full", "--dry-run")
    assert dry["planned"] == {"issue": 1}
    with sqlite3.connect(world.home / "store.db") as db:
        db.execute("UPDATE cursors SET position = '2026-11-01T00:00:00+00:00' WHERE part = 'walk'")
    assert [item["user"] for item in sync(world)[0]["items"]] == [str(user)]


@pytest.mark.req("GN-41")
def test_a_run_with_a_start_of_its_own_moves_no_cursor(world: World) -> None:
    sync(world, "--since", "2026-02-20")
    report, _ = sync(world)
    assert report["planned"]["issue"] > 0, "what lies before the later date was not taken for read"


@pytest.mark.req("GN-37", "GN-19")
def test_a_row_that_cannot_be_read_holds_the_cursor_back(world: World) -> None:
    box, course = world.box, next(iter(world.box.intended))
    user = next(user for user in _learners(box) if str(user) not in {u for _, u in world.expected})
    box.docebo.enroll(user, course, "completed", "soon", updated_at="2026-02-01 00:00:00")
    for _ in range(2):
        code, report = world.report("credly", "batch-sync")
        assert (code, report["failed"]) == (8, 1), "told each time, not only once"
    assert world.badges() == Counter(world.expected), "the others have theirs"
    box.docebo.enroll(user, course, "completed", "2026-02-01 00:00:00", updated_at="2026-02-01 00:00:00")
    report, _ = sync(world)
    assert [item["user"] for item in report["items"]] == [str(user)]


@pytest.mark.req("CR-34", "CR-71")
def test_a_first_sync_asks_for_all_badges_in_one_list_where_there_are_few(world: World) -> None:
    _, calls = sync(world)
    asked = calls.of("credly")
    assert {call.split()[0]: count for call, count in asked.items() if call.startswith("GET")} == {"GET": 1}
    assert sum(count for call, count in asked.items() if call.startswith("POST")) == len(world.expected)


@pytest.mark.req("GN-22")
@pytest.mark.parametrize("again", [False, True], ids=["first", "nothing new"])
def test_a_dry_run_predicts_the_calls_of_the_run(world: World, again: bool) -> None:
    mapped(world, template_of(world, "Forklift Safety"), str(plan_of(world.box)))
    if again:
        sync(world)
    else:
        assert "To carry it out: " in world.run("credly", "batch-sync", "--dry-run")[2]
    dry, _ = sync(world, "--dry-run")
    report, calls = sync(world)
    counted = {remote: sum(calls.of(remote).values()) for remote in ("docebo", "credly")}
    assert {remote: dry["predicted_calls"].get(remote, 0) for remote in counted} == counted
    assert report["predicted_calls"] == dry["predicted_calls"]


def choose(world: World, code: str, label: str) -> int:
    """Selects an element on a course, as an administrator does; the course's id."""
    box = world.box
    (course,) = [c.course_id for c in box.docebo.courses.values() if c.code == code]
    (field,) = box.docebo.fields
    box.docebo.select(course, next(i for i, name in box.docebo.labels(field).items() if name == label))
    return course


@pytest.mark.req("GN-37", "CR-27")
@pytest.mark.parametrize("how", ["another course", "a dry run", "stopped"])
def test_a_changed_course_is_read_even_if_the_run_that_saw_it_listed_did_not_read_it(world: World, how: str) -> None:
    sync(world)
    box, other = world.box, next(iter(world.box.intended))
    box.clock.advance(3600 * 5)
    changed = choose(world, "WEL-1", "Team Leadership")
    box.clock.advance(3600 * 5)
    box.docebo.update_course(other)
    if how == "another course":
        sync(world, "--course", str(other))
    elif how == "a dry run":
        sync(world, "--dry-run")
    else:
        box.faults.add(Fault("slow", remote="docebo", path=r"course\S*/\d+$", delay=3))
        process, before = world.start("credly", "batch-sync"), len(box.log.entries)
        while not any(e.path.endswith(f"/{changed}") for e in box.log.entries[before:]):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        process.communicate()
        box.faults.clear()
    report, _ = sync(world)
    assert {item["source"] for item in report["items"]} == {f"course:{changed}"}


@pytest.mark.req("GN-37", "CR-27")
def test_a_selection_found_changed_while_issuing_starts_its_course_again(world: World) -> None:
    sync(world)
    box, course = world.box, next(iter(world.box.intended))
    user = next(user for user in _learners(box) if str(user) not in {u for _, u in world.badges()})
    (field,) = box.docebo.fields
    label = "Team Leadership"
    element = next(i for i, name in box.docebo.labels(field).items() if name == label)
    kept = box.docebo.courses[course].updated_at
    box.clock.advance(3600 * 5)
    box.docebo.update_course(course, values={field: element}, updated_at=kept)  # without a trace
    box.docebo.enroll(user, course, "completed", "2026-02-11 12:00:00")
    for _ in range(2):
        sync(world)
    template = template_of(world, label)
    by_hand = {
        b.recipient_email for b in box.credly.live_badges() if b.template_id == template and not b.issuer_earner_id
    }
    due = {
        str(e.user_id)
        for e in box.docebo.enrollments.values()
        if (e.course_id, e.status) == (course, "completed") and str(e.completed_at) >= "2026-01-01"
    } & {user for _, user in world.expected if box.docebo.users[int(user)].email not in by_hand}
    assert due <= {user for held, user in world.badges() if held == template}
    assert len(due) > 1
    assert sync(world)[0]["planned"] == {}


@pytest.mark.req("GN-37")
def test_a_walk_from_the_future_does_not_keep_the_next_one_away(world: World) -> None:
    sync(world)
    with sqlite3.connect(world.home / "store.db") as db:
        db.execute("UPDATE cursors SET position = '2099-11-01T00:00:00+00:00' WHERE part = 'walk'")
    box = world.box
    user = next(user for user in _learners(box) if str(user) not in {u for _, u in world.badges()})
    old = "2026-01-11 12:00:00"
    box.docebo.enroll(user, next(iter(box.intended)), "completed", old, updated_at=old)
    assert [item["user"] for item in sync(world)[0]["items"]] == [str(user)]
