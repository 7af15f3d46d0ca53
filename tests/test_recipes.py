"""Every recipe of Credly run for real against the sandbox, and the call graph that the runs have recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl.store import open_store
from connectctl_credly.recipes import CALLS, TITLES
from connectctl_sandbox import Sandbox

FACTS = json.loads((Path(__file__).parent / "badging" / "data" / "appendix_b.json").read_text())
EDGES = {(caller, callee) for caller, facts in FACTS.items() for callee in facts["calls"]}
CODE = "FIRST-AID"


@dataclass
class Story:
    """What happened in one world: the object of each run by verb and what it was about, and what people did."""

    world: World
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def go(self, verb: str, **params: object) -> dict[str, Any]:
        """Runs one recipe, which has to succeed, and so have those that it called for."""
        words = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
        code, out, err = self.world.run("flow", "run", f"credly.{verb}", *words, "--yes", "--json")
        assert code == 0, (verb, params, err)
        report: dict[str, Any] = json.loads(out)
        assert report["title"] == TITLES[verb]
        assert report["status"] == "succeeded"
        self.runs.setdefault(verb, []).append(report)
        return report

    def done(self, verb: str, **params: object) -> dict[str, int]:
        """What a run and those it called for have done."""

        def counts(report: dict[str, Any]) -> Iterator[tuple[str, int]]:
            yield from report["done"].items()
            for called in report.get("calls", ()):
                yield from counts(called)

        return dict(counts(self.go(verb, **params)))

    def steps(self) -> Iterator[tuple[str, str]]:
        """The edges that the runs have recorded."""
        with open_store("sqlite:///store.db", self.world.home) as store:
            for (summary,) in store.query("SELECT summary FROM runs WHERE summary IS NOT NULL"):
                for step in json.loads(summary).get("steps", ()):
                    yield step["caller"], step["recipe"]


CHAPTERS: dict[str, Callable[[Story], None]] = {}


def chapter(test: Callable[[Story], None]) -> Callable[[Story], None]:
    """A test whose runs are part of the story; each is told once, wherever pytest distributes the tests to."""

    @wraps(test)
    def tell(story: Story) -> None:
        if test.__name__ not in story.told:
            story.told.add(test.__name__)
            test(story)

    CHAPTERS[test.__name__] = tell
    return tell


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Both batches in a world with mappings of every kind; negative synchronization is on."""
    with Sandbox(seed=1) as box:
        world = make_world(box, tmp_path_factory.mktemp("recipes") / "home")
        story = Story(world)
        rows = [
            ("integration-settings", "CREDLY", "EXTERNAL_TRAINING_INSTITUTE_NAME", "Value=Credly"),
            ("integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false"),
            (
                "credly-integration-mappings",
                box.suggested[CODE],
                str(next(iter(box.docebo.plans))),
                "-",
                "IsActive=true",
            ),
        ]
        for code, template in box.suggested.items():
            rows.append(
                (
                    "credly-integration-mappings",
                    template,
                    "-",
                    code,
                    "Import As External Training=true",
                    "IsActive=true",
                )
            )
        for row in rows:
            code, _, err = world.run("lookup", "set", *row)
            assert code == 0, err
        story.go("batch-sync")
        story.go("batch-sync-inwards")
        yield story


def people(story: Story) -> list[Any]:
    """Learners with an address of their own, without an award, a badge or a training so far."""
    docebo, credly = story.world.box.docebo, story.world.box.credly
    users = [user for user in docebo.users.values() if user.email and user.level == "User" and user.first_name]
    shared = [user.email.lower() for user in users]
    held = {badge.recipient_email.lower() for badge in credly.badges.values()}
    held |= {
        user.email.lower()
        for user in users
        if any(b.issuer_earner_id == str(user.user_id) for b in credly.badges.values())
    }
    awarded = {award.user_id for award in docebo.awards.values()}
    return [
        user
        for user in users
        if shared.count(user.email.lower()) == 1 and user.email.lower() not in held and user.user_id not in awarded
    ]


def event_of(story: Story) -> str:
    return str(story.world.box.credly.events[-1].id)


def replaced(story: Story, badge: Any, template: str) -> Any:
    """Somebody replaces a badge in Credly's pages."""
    credly = story.world.box.credly
    made = credly.issue(badge.recipient_email, template, replaces_badge_id=badge.id)
    credly.put(replace(credly.badges[badge.id], replacement_badge_id=made.id), "badge.state.changed")
    return made


@pytest.mark.req("CR-19", "CR-42")
@chapter
def test_settings_and_master(story: Story) -> None:
    settings = story.go("read-settings")["output"]
    assert (settings["SYNC_REVOCATION"], settings["BATCH_SYNC_START_DATE"]) == (False, "2026-01-01T00:00:00Z")
    assert story.go("check-master")["output"] == {"docebo_to_credly": True, "credly_to_docebo": True}
    story.world.run("lookup", "set", "integration-settings", "CREDLY", "CREDLY_INTEGRATION_MASTER", "Value=CREDLY")
    assert story.go("check-master")["output"] == {"docebo_to_credly": False, "credly_to_docebo": True}
    story.world.run("lookup", "unset", "integration-settings", "CREDLY", "CREDLY_INTEGRATION_MASTER")


@pytest.mark.req("CR-18")
@chapter
def test_the_field_is_found_and_made_once_when_it_is_missing(story: Story) -> None:
    docebo = story.world.box.docebo
    found = story.go("find-field")
    before = set(docebo.fields)
    assert int(found["output"]["course_field_id"]) in before
    story.world.run("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Another badge")
    made = story.go("find-field")
    (new,) = set(docebo.fields) - before
    assert (made["done"], made["output"]) == ({"create_field": 1}, {"course_field_id": str(new)})
    again = story.go("find-field")
    assert (again["done"], again["output"]) == ({}, made["output"])
    assert set(docebo.fields) - before == {new}
    story.world.run("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge")


@pytest.mark.req("CR-30", "CR-31", "CR-32", "CR-34", "CR-35")
@chapter
def test_the_functions_that_read_courses_plans_and_credentials(story: Story) -> None:
    box = story.world.box
    plan = next(iter(box.docebo.plans.values()))
    course = next(iter(box.docebo.courses))
    template = box.suggested[CODE]
    listed = story.go("list-plans", course=course)["output"]["plans"]
    assert {"id": str(plan.plan_id), "name": plan.title} in listed
    (kept,) = story.go("filter-plans")["output"]["plans"]
    assert (kept["id"], kept["template"]) == (str(plan.plan_id), template)
    done = story.go("list-completions", course=course)["output"]
    rows = [one for one in box.docebo.enrollments.values() if one.course_id == course and one.status == "completed"]
    assert {row["user"] for row in done["users"]} <= {str(row.user_id) for row in rows}
    assert done["users"]
    assert set(done["left_out"]) <= {"before_start_date", "not_completed", "connectctl:future_date"}
    held = next(badge for badge in box.credly.live_badges() if badge.issuer_earner_id and badge.template_id == template)
    answer = story.go("filter-unassigned", user=held.issuer_earner_id, template=template)["output"]
    assert answer == {"templates": [], "held": {template: {"id": held.id, "state": "pending"}}}
    free = next(one for one in box.credly.templates if one != template)
    assert free in story.go("filter-unassigned", user=people(story)[0].user_id, template=free)["output"]["templates"]
    finished = [str(one.user_id) for one in box.docebo.plan_enrollments.values() if one.status == "completed"]
    matched = [story.go("match-plans", user=user)["output"]["templates"] for user in finished[:1]]
    assert matched in ([], [[template]])


@pytest.mark.req("CR-29", "CR-45", "CR-46", "CR-51")
@chapter
def test_the_functions_that_read_people_and_awards(story: Story) -> None:
    box = story.world.box
    person, stranger = people(story)[:2]
    found = story.go("find-user", email=f" {person.email.upper()} ")["output"]["user"]
    assert (found["id"], found["email"]) == (str(person.user_id), person.email)
    assert story.go("find-user", email="nobody@nowhere.example")["output"] == {"user": None}
    emails = [user.email.lower() for user in box.docebo.users.values() if user.email]
    double = next(email for email in emails if emails.count(email) > 1)
    shared = story.go("find-user", email=double)
    assert (shared["output"], shared["skipped"]) == ({"user": None}, {"ambiguous_user": 1})
    ours = next(badge for badge in box.credly.live_badges() if badge.issuer_earner_id)
    for params, answer in (
        ({"earner": person.user_id}, (True, False)),
        ({}, (False, False)),
        ({"earner": stranger.user_id}, (False, True)),
        ({"earner": "4711-x"}, (False, False)),
        ({"badge": ours.id}, (True, False)),
    ):
        output = story.go("check-origin", user=person.user_id, **params)["output"]
        assert (output["issued_by_us"], output["identity_conflict"]) == answer, params
    award = box.docebo.award(person.user_id, CODE, "2026-02-01 10:00:00", always_valid=True)
    output = story.go("find-award", user=person.user_id, certification=CODE)["output"]["award"]
    assert (output["id"], output["always_valid"]) == (str(award.award_id), True)
    assert output["issued_at"] == "2026-02-01T10:00:00Z"
    report = story.go("read-awards")
    assert str(award.award_id) in {one["id"] for one in report["output"]["awards"]}
    assert {call["flow"] for call in report["calls"]} == {"credly.process-awards"}
    mine = [b for b in box.credly.live_badges() if b.issuer_earner_id == str(person.user_id)]
    assert box.suggested[CODE] in {b.template_id for b in mine}, "what was read has been processed"
    box.docebo.revoke_award(award.award_id)
    assert story.go("find-award", user=person.user_id, certification=CODE)["output"] == {"award": None}


@pytest.mark.req("CR-25", "CR-36", "CR-37", "CR-38", "CR-39")
@chapter
def test_awards_are_issued_replaced_and_revoked_one_learner_at_a_time(story: Story) -> None:
    docebo, credly = story.world.box.docebo, story.world.box.credly
    first, second = people(story)[:2]
    live = len(credly.live_badges())
    about = {"user": first.user_id, "certification": CODE}
    award = docebo.award(first.user_id, CODE, "2026-02-01 10:00:00")
    assert story.done("dispatch-docebo", event="awarded", **about) == {"issue": 1}
    docebo.update_award(award.award_id, issued_at="2026-02-05 10:00:00")
    assert story.done("replace-credential", **about) == {"replace": 1}
    docebo.update_award(award.award_id, issued_at="2026-02-06 10:00:00")
    assert story.done("issue-credential", **about) == {}, "what is to be replaced is nobody's to issue"
    assert story.done("process-awards", **about) == {"replace": 1}
    assert story.done("revoke-credential", **about) == {}, "the award is there"
    docebo.revoke_award(award.award_id)
    assert story.done("revoke-credential", **about) == {"revoke": 1}
    about["user"] = second.user_id
    award = docebo.award(second.user_id, CODE, "2026-02-01 10:00:00")
    assert story.done("issue-credential", **about) == {"issue": 1}
    docebo.revoke_award(award.award_id)
    assert story.done("dispatch-docebo", event="revoked", **about) == {"revoke": 1}
    assert len(credly.live_badges()) == live


@pytest.mark.req("CR-25", "CR-27", "CR-28", "CR-33")
@chapter
def test_completions_are_carried_over_one_learner_at_a_time(story: Story) -> None:
    docebo = story.world.box.docebo
    first, second, third = people(story)[:3]
    course = next(iter(docebo.courses))
    assert story.done("assign-course", course=course, user=first.user_id) == {}, "nothing without a completion"
    for user in (first, second, third):
        docebo.enroll(user.user_id, course, completed_at="2026-03-01 10:00:00")
    assert story.done("assign-course", course=course, user=first.user_id) == {"issue": 1}
    assert story.done("dispatch-docebo", event="completed", course=course, user=second.user_id) == {"issue": 1}
    template = next(t for t, user in story.world.badges() if user == str(second.user_id))
    assert story.done("assign-users", user=third.user_id, template=template) == {"issue": 1}
    assert story.done("assign-plans", course=course) == {}


@pytest.mark.req("CR-40", "CR-43", "CR-44", "CR-47", "CR-48", "CR-49", "CR-50", "CR-52")
@chapter
def test_events_and_badges_are_carried_over_one_at_a_time(story: Story) -> None:
    box = story.world.box
    credly, template = box.credly, box.suggested[CODE]
    first, second, third = people(story)[:3]
    badge = credly.issue(first.email, template)
    both = {"create_training": 1, "award": 1}
    assert story.done("dispatch-provider", event=event_of(story)) == both
    assert story.done("dispatch-provider", event=event_of(story), kind="credential") == {}
    assert story.done("import-credential", badge=badge.id, template=template) == {}
    newer = replaced(story, badge, template)
    assert story.done("update-training", badge=newer.id, template=template) == {"update_training": 1}
    assert story.done("import-award", badge=newer.id, template=template) == {"update_award": 1}
    replaced(story, newer, next(one for code, one in box.suggested.items() if code != CODE))
    assert story.done("update-training", badge=newer.id) == {"delete_training": 1}
    badge = credly.issue(second.email, template)
    assert story.done("import-training", badge=badge.id) == {"create_training": 1}
    credly.revoke(badge.id, "by mistake")
    assert story.done("delete-training", badge=badge.id) == {"delete_training": 1}
    badge = credly.issue(third.email, template)
    assert story.done("read-credentials", template=template) == both
    credly.delete(badge.id)
    assert story.done("process-event", event=event_of(story)) == {"delete_training": 1, "revoke_award": 1}


@pytest.mark.req("CR-20", "CR-21", "CR-22", "CR-40", "CR-54", "CR-55", "CR-84")
@chapter
def test_a_template_event_changes_row_dropdown_and_mappings_at_once(story: Story) -> None:
    box = story.world.box
    spare = [one for one in box.credly.templates if one not in box.suggested.values()]
    box.credly.archive(spare[0])
    assert story.done("dispatch-provider", event=event_of(story)) == {"update_row": 1, "remove_option": 1}
    assert story.done("run-sync-field") == {}
    story.world.run("lookup", "set", "credly-integration-mappings", spare[1], "-", "OTHER", "IsActive=true")
    box.credly.delete_template(spare[1])
    ran = story.go("sync-template", template=spare[1], event="deleted", at="2026-05-02T10:00:00+00:00")
    assert ran["done"] == {"delete_row": 1, "update_row": 1}
    assert [called["done"] for called in ran["calls"]] == [{"remove_option": 1}]
    older = story.go("sync-template", template=spare[1], at="2026-05-01T10:00:00+00:00")
    assert older["skipped"] == {"unchanged": 1}
    assert older["api_calls"].get("credly", 0) == 0
    code, _, err = story.world.run(
        *("flow", "run", "credly.notify-deletions", "--dry-run"),
        *("--param", f"template={spare[1]}", "--param", f"template={spare[2]}"),
    )
    assert code == 0
    assert "1 template was deleted" in err
    assert spare[1] in err
    assert spare[2] not in err
    story.go("notify-deletions", template=spare[1])
    story.go("sync-templates")
    story.go("sync-field")


@pytest.mark.req("CR-52")
def test_an_event_that_the_provider_does_not_know_is_an_error(story: Story) -> None:
    for verb in ("dispatch-provider", "process-event"):
        code, _, err = story.world.run("flow", "run", f"credly.{verb}", "--param", "event=nope")
        assert code == 4
        assert "Error: Credly has no event nope" in err


@pytest.mark.req("CR-25")
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (["event=awarded", "user=1"], "needs the certification"),
        (["event=completed", "user=1"], "needs the course"),
        (["event=born", "user=1", "course=1"], "event is one of completed, awarded, updated, revoked"),
        (["event=completed", "course=1"], "cannot run without user"),
    ],
)
def test_a_docebo_event_that_says_too_little_is_refused(story: Story, params: list[str], words: str) -> None:
    given = [word for param in params for word in ("--param", param)]
    code, _, err = story.world.run("flow", "run", "credly.dispatch-docebo", *given)
    assert code == 2
    assert words in err


@pytest.mark.req("GN-01", "GN-05")
def test_every_recipe_was_run_and_the_steps_are_the_call_graph(story: Story) -> None:
    """What all chapters have left in the store: each stated edge was taken, and no other."""
    for tell in CHAPTERS.values():
        tell(story)
    assert set(story.runs) == set(TITLES)
    found = {(caller, callee) for caller, callee in story.steps() if caller}
    assert found - EDGES == set()
    assert EDGES - found == set()
    assert {callee for _, callee in story.steps()} <= set(TITLES.values())
    assert {(TITLES[caller], TITLES[callee]) for caller, callees in CALLS.items() for callee in callees} == EDGES
