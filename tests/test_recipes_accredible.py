"""Every recipe of Accredible run for real against the sandbox, and the call graph that the runs have recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.accredible import AccredibleWorld, make_accredible

from connectctl.store import open_store
from connectctl_accredible.recipes import CALLS, TITLES
from connectctl_sandbox import Sandbox

FACTS = json.loads((Path(__file__).parent / "badging" / "data" / "appendix_b_accredible.json").read_text())
EDGES = {(caller, callee) for caller, facts in FACTS.items() for callee in facts["calls"]}
VERBS = {verb for verb in TITLES if verb != "replace-credential"}  # which shares its recipe with issue-credential
CODE = "FIRST-AID"
PLAN_FIELD = "Accredible plan group"


@dataclass
class Story:
    """What happened in one world: the runs by verb."""

    world: AccredibleWorld
    groups: list[str]
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def go(self, verb: str, **params: object) -> dict[str, Any]:
        """Runs one recipe, which has to succeed, and so have those that it called for."""
        words = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
        code, out, err = self.world.run("flow", "run", f"accredible.{verb}", *words, "--yes", "--json")
        assert code == 0, (verb, params, out, err)
        report: dict[str, Any] = json.loads(out)
        assert report["title"] == TITLES[verb]
        self.runs.setdefault(verb, []).append(report)
        return report

    def steps(self) -> Iterator[tuple[str, str]]:
        """The edges that the runs have recorded."""
        with open_store("sqlite:///store.db", self.world.home) as store:
            for (summary,) in store.query("SELECT summary FROM runs WHERE summary IS NOT NULL"):
                for step in json.loads(summary).get("steps", ()):
                    yield step["caller"], step["recipe"]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A world with mappings of every kind; negative synchronization is on."""
    with Sandbox(seed=1) as box:
        world = make_accredible(box, tmp_path / "home")
        world.set("SYNC_REVOCATION", "false")
        groups = [str(group) for group in box.accredible.groups]
        world.map(groups[1], plan=str(next(iter(box.docebo.plans))))
        world.map(groups[2], code=CODE, **{"Import As External Training": "true"})
        yield Story(world, groups)


def free(box: Sandbox) -> list[Any]:
    """Learners with an address of their own, without an award and without a credential."""
    users = [user for user in box.docebo.users.values() if user.email and user.level == "User" and user.first_name]
    shared = [user.email.lower() for user in users]
    awarded = {award.user_id for award in box.docebo.awards.values()}
    held = {str(one.recipient_email).lower() for one in box.accredible.credentials.values()}
    return [
        user
        for user in users
        if shared.count(user.email.lower()) == 1 and user.user_id not in awarded and user.email.lower() not in held
    ]


@pytest.mark.req("AC-21", "AC-23", "AC-24", "AC-25", "AC-65", "AC-69", "AC-70")
def test_both_dropdowns_are_kept_and_a_plan_earns_by_either_way(story: Story) -> None:
    box, docebo = story.world.box, story.world.box.docebo
    blank = story.go("run-sync-field")
    assert [called["skipped"] for called in blank["calls"]][1] == {"connectctl:no_plan_field": 1}
    story.world.set("LEARNING_PLAN_ADDITIONAL_FIELD", PLAN_FIELD)
    both = story.go("run-sync-field")
    assert [called["done"] for called in both["calls"]] == [{}, {"create_field": 1, "add_option": len(story.groups)}]
    assert [called["done"] for called in story.go("run-sync-field")["calls"]] == [{}, {}]
    (made,) = docebo.plan_fields.values()
    assert made.name == PLAN_FIELD
    assert set(docebo.labels(next(iter(docebo.fields))).values()) == {option.label for option in made.options}
    assert story.go("find-field", target="plan")["output"] == {"plan_field_id": str(made.field_id)}
    # The dropdown alone, and the dropdown beside a row of the mapping table that says the same.
    plans = list(docebo.plans)
    labels = {str(group.id): group.name for group in box.accredible.groups.values()}
    docebo.select_on_plan(plans[0], labels[story.groups[1]], made.field_id)
    first, second = free(box)[:2]
    for user, plan in ((first, plans[0]), (second, plans[0])):
        docebo.enroll_in_plan(user.user_id, plan, completed_at="2026-03-01 10:00:00")
    issued = story.go("batch-sync", plan=plans[0], user=first.user_id, template=story.groups[1])
    assert [item["reason"] for item in issued["items"]] == [
        "learning plan completed 2026-03-01, by the mapping table and the learning plan's dropdown"
    ]
    docebo.select_on_plan(plans[0], labels[story.groups[4]], made.field_id)
    moved = story.go("batch-sync", plan=plans[0], user=second.user_id)
    assert sorted((item["template"], item["reason"].partition("by ")[2]) for item in moved["items"]) == sorted(
        [(story.groups[1], "the mapping table"), (story.groups[4], "the learning plan's dropdown")]
    )
    # A group that is gone: its row, its elements in both dropdowns, and a mail.
    empty = next(group for group in reversed(story.groups) if not box.accredible.in_group(int(group)))
    docebo.select_on_plan(plans[0], labels[empty], made.field_id)
    box.accredible.delete_group(int(empty))
    told = story.go("sync-templates")
    assert told["done"]["delete_row"] == 1
    assert [called["done"] for called in told["calls"]] == [{"remove_option": 1}, {"remove_option": 1}]
    assert docebo.plans[plans[0]].values == {made.field_id: None}


@pytest.mark.req("AC-70", "GN-37")
def test_a_plan_is_read_again_before_its_dropdown_earns_anybody_something(story: Story) -> None:
    box, docebo = story.world.box, story.world.box.docebo
    story.world.set("LEARNING_PLAN_ADDITIONAL_FIELD", PLAN_FIELD)
    story.go("sync-field", target="plan")
    (made,) = docebo.plan_fields.values()
    options = {option.label: option.option_id for option in made.options}
    labels = {str(group.id): group.name for group in box.accredible.groups.values()}
    plan = list(docebo.plans)[-1]
    docebo.select_on_plan(plan, labels[story.groups[4]], made.field_id)
    story.go("batch-sync")
    calls = story.go("batch-sync")["api_calls"]["docebo"]
    assert story.go("batch-sync")["api_calls"]["docebo"] <= calls
    # The change moves no date, as after an element was removed.
    quiet = replace(docebo.plans[plan], values={made.field_id: options[labels[story.groups[5]]]})
    docebo.plans[plan] = quiet
    user = free(box)[0]
    docebo.enroll_in_plan(user.user_id, plan, completed_at=docebo.now())
    issued = [item["template"] for item in story.go("batch-sync")["items"] if item["user"] == str(user.user_id)]
    assert issued == [story.groups[5]]


@pytest.mark.req("AC-71")
def test_a_plan_may_be_named_by_its_code_with_a_warning(story: Story) -> None:
    plan = next(iter(story.world.box.docebo.plans.values()))
    story.world.map(story.groups[3], plan=plan.code)
    planned = story.world.sync("--dry-run", "--plan", str(plan.plan_id))
    assert planned["warnings"] == [
        f"Learning Plan ID {plan.code} is a code; it is taken for the learning plan {plan.plan_id}, "
        "whose number belongs there"
    ]
    (earned,) = [
        e for e in story.go("filter-plans", plan=plan.plan_id)["output"]["plans"] if e["template"] == story.groups[3]
    ]
    assert earned["id"] == str(plan.plan_id)


@pytest.mark.req("AC-01", "AC-02", "AC-08", "AC-10", "AC-45", "AC-48", "AC-49", "AC-61", "AC-63")
def test_what_is_imported_is_updated_and_never_taken_away(story: Story) -> None:
    box = story.world.box
    first, second, third = free(box)[:3]
    group = int(story.groups[2])
    made = box.accredible.issue(group, first.email, "Ada", issued_on="2026-02-01", expired_on="2027-02-01")
    box.accredible.issue(group, second.email, "Bo", issued_on="2025-12-31")
    box.accredible.issue(group, third.email, "Cy", issued_on="2026-02-01", complete=False)
    done = story.go("batch-sync-inwards", template=group)
    mine = [training for training in box.docebo.trainings.values() if training.user_id == first.user_id]
    assert len(mine) == 1, done
    assert made.uuid in str(mine[0].values), "the link of the credential, which its list does not show"
    assert not any(t.user_id in (second.user_id, third.user_id) for t in box.docebo.trainings.values())
    assert done["skipped"]["before_start_date"] >= 1
    box.accredible.change(made.id, issued_on="2026-02-03", expired_on="2027-03-01")
    again = story.go("batch-sync-inwards", template=group)
    assert again["done"] == {"update_training": 1, "update_award": 1}
    before = (dict(box.docebo.trainings), dict(box.docebo.awards))
    box.accredible.change(made.id, expired_on="2026-03-01")
    assert story.go("batch-sync-inwards", template=group)["done"] == {}
    box.accredible.delete(made.id)
    assert story.go("batch-sync-inwards", template=group)["done"] == {}
    assert (dict(box.docebo.trainings), dict(box.docebo.awards)) == before


@pytest.mark.req(
    "GN-01",
    "GN-05",
    "AC-21",
    "AC-22",
    "AC-23",
    "AC-24",
    "AC-25",
    "AC-26",
    "AC-27",
    "AC-28",
    "AC-30",
    "AC-31",
    "AC-32",
    "AC-33",
    "AC-34",
    "AC-35",
    "AC-36",
    "AC-37",
    "AC-38",
    "AC-39",
    "AC-40",
    "AC-41",
    "AC-42",
    "AC-43",
    "AC-44",
    "AC-45",
    "AC-46",
    "AC-47",
    "AC-48",
    "AC-49",
    "AC-50",
)
def test_every_recipe_runs_and_the_steps_are_the_call_graph(story: Story) -> None:
    """What all of them have left in the store: each stated edge was taken, and no other."""
    box, groups = story.world.box, story.groups
    course, plan = next(iter(box.docebo.courses)), next(iter(box.docebo.plans))
    first, second = free(box)[:2]
    mine = box.accredible.issue(int(groups[2]), first.email, "Ada")
    box.docebo.enroll(second.user_id, course, completed_at="2026-03-01 10:00:00")
    award = box.docebo.award(second.user_id, CODE, "2026-02-01 10:00:00")
    about = {"user": second.user_id, "certification": CODE}
    for verb, params in [
        ("read-settings", {}),
        ("check-master", {}),
        ("find-field", {}),
        ("sync-templates", {}),
        ("sync-field", {}),
        ("run-sync-field", {}),
        ("notify-deletions", {"template": groups[0]}),
        ("dispatch-docebo", {"event": "completed", "course": course, "user": second.user_id}),
        ("dispatch-docebo", {"event": "awarded", **about}),
        ("assign-course", {"course": course}),
        ("assign-plans", {"course": course}),
        ("assign-users", {"user": second.user_id, "template": groups[1]}),
        ("list-completions", {"course": course}),
        ("list-plans", {"course": course}),
        ("filter-plans", {}),
        ("match-plans", {"user": second.user_id}),
        ("filter-unassigned", {"user": first.user_id, "template": groups[2]}),
        ("read-awards", {}),
        ("process-awards", about),
        ("issue-credential", {"user": second.user_id}),
        ("batch-sync", {}),
        ("dispatch-provider", {}),
        ("import-flow", {}),
        ("batch-sync-inwards", {}),
        ("read-credentials", {"template": groups[2]}),
        ("import-credential", {"badge": mine.id, "template": groups[2]}),
        ("import-training", {"badge": mine.id, "template": groups[2]}),
        ("import-award", {"badge": mine.id, "template": groups[2]}),
        ("find-user", {"email": first.email}),
        ("check-origin", {"user": first.user_id, "badge": mine.id}),
        ("find-award", about),
    ]:
        story.go(verb, **params)
    assert plan in box.docebo.plans
    box.docebo.revoke_award(award.award_id)
    story.go("dispatch-docebo", event="revoked", **about)
    box.accredible.delete_group(int(groups[-1]))
    story.go("sync-templates")
    assert set(story.runs) == VERBS
    found = {(caller, callee) for caller, callee in story.steps() if caller}
    assert found - EDGES == set()
    assert EDGES - found == set()
    assert {callee for _, callee in story.steps()} <= set(TITLES.values())
    assert {(TITLES[caller], TITLES[callee]) for caller, callees in CALLS.items() for callee in callees} == EDGES
