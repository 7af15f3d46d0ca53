"""What a narrowed run is told to look at and nobody knows is named, before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Sandbox

HOSTILE = "a,b|c;d"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
MAPPINGS = "credly-integration-mappings"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        made = make_world(box, tmp_path_factory.mktemp("named") / "home")
        template = box.suggested["PRIVACY"]
        for row in (
            (MAPPINGS, template, "-", "PRIVACY", "IsActive=true", "Import As External Training=true"),
            ("integration-settings", "CREDLY", "EXTERNAL_TRAINING_INSTITUTE_NAME", "Value=Acme"),
        ):
            assert made.run("lookup", "set", *row)[0] == 0
        yield made


def flow(world: World, verb: str, **params: str) -> tuple[int, str, int]:
    """Exit code, what was said, and how many calls were made."""
    words = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
    before = len(world.box.log.entries)
    code, _, err = world.run("flow", "run", f"credly.{verb}", *words)
    return code, err, len(world.box.log.entries) - before


@pytest.mark.req("GN-17")
@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("batch-sync", {"user": "x1"}),
        ("batch-sync", {"course": HOSTILE}),
        ("batch-sync", {"template": UNKNOWN}),
        ("batch-sync-inwards", {"user": "x1"}),
        ("batch-sync-inwards", {"template": UNKNOWN}),
        ("batch-sync-inwards", {"template": HOSTILE}),
        ("read-credentials", {"template": HOSTILE}),
        ("filter-unassigned", {"user": "1", "template": HOSTILE}),
        ("filter-unassigned", {"user": "../1", "template": UNKNOWN}),
        ("list-plans", {"course": "88/../1"}),
        ("list-completions", {"course": "x"}),
        ("match-plans", {"user": "x"}),
        ("find-award", {"user": "x", "certification": "PRIVACY"}),
        ("check-origin", {"user": "x"}),
        ("reconcile", {"repair": "junk"}),
        ("reconcile", {"revoke": "junk"}),
    ],
)
def test_what_cannot_be_is_refused_before_any_call(world: World, verb: str, params: dict[str, str]) -> None:
    code, err, calls = flow(world, verb, **params)
    assert (code, calls) == (2, 0), err
    assert "Hint: connectctl " in err


@pytest.mark.req("GN-17")
@pytest.mark.parametrize(
    ("verb", "params", "words"),
    [
        ("batch-sync", {"user": "999999"}, "999999 is no user of Docebo"),
        ("batch-sync-inwards", {"user": "999999"}, "999999 is no user of Docebo"),
        ("batch-sync-inwards", {"badge": UNKNOWN}, f"has a credential {UNKNOWN}"),
        ("import-credential", {"badge": UNKNOWN}, f"has a credential {UNKNOWN}"),
        ("list-plans", {"course": "999999"}, "Docebo has no course 999999"),
        ("assign-course", {"course": "999999"}, "Docebo has no course 999999"),
        ("notify-deletions", {"template": UNKNOWN}, f"Nothing here knows of a template {UNKNOWN}"),
    ],
)
def test_what_nobody_knows_is_named(world: World, verb: str, params: dict[str, str], words: str) -> None:
    code, err, _ = flow(world, verb, **params)
    assert (code, words in err, "Hint: connectctl " in err) == (2, True, True), err


@pytest.mark.req("GN-17")
def test_a_user_who_has_earned_nothing_is_known_all_the_same(world: World) -> None:
    completed = {one.user_id for one in world.box.docebo.enrollments.values()}
    idle = next(user for user in sorted(world.box.docebo.users) if user not in completed)
    assert flow(world, "batch-sync", user=str(idle))[0] == 0


@pytest.mark.req("CR-21")
@pytest.mark.parametrize("event", ["changed", "deleted"])
def test_an_event_about_a_template_that_neither_side_has_says_so(world: World, event: str) -> None:
    params = ("--param", f"template={UNKNOWN}", "--param", f"event={event}")
    code, report = world.report("flow", "run", "credly.sync-template", *params)
    assert (code, report["skipped"]) == (0, {"template_unknown": 1})


@pytest.mark.req("CR-22")
def test_the_mail_names_a_template_whose_row_is_gone(world: World) -> None:
    box = world.box
    template = next(one for one in box.credly.templates if one not in box.suggested.values())
    box.credly.delete_template(template)
    for _ in range(2):  # with its row, and when that is gone
        code, err, _ = flow(world, "notify-deletions", template=template)
        assert code == 0, err
        assert world.run("credly", "sync-templates", "--yes")[0] == 0


@pytest.mark.req("GN-01")
def test_what_a_learner_holds_is_printed_in_words(world: World) -> None:
    template = world.box.suggested["PRIVACY"]
    email = "words@acme.example"
    user = world.box.docebo.users[min(world.box.docebo.users)]
    badge = world.box.credly.issue(user.email or email, template, state="accepted")
    args = ("--param", f"user={user.user_id}", "--param", f"template={template}")
    _, out, _ = world.run("flow", "run", "credly.filter-unassigned", *args)
    assert f"id {badge.id}, state accepted" in out
    assert "{" not in out


@pytest.mark.req("GN-40")
def test_a_plan_with_a_parameter_that_its_flow_does_not_have_is_refused(world: World) -> None:
    file: Path = world.home / "plan.json"
    assert world.run("credly", "batch-sync", "--dry-run", "--plan-out", str(file))[0] == 0
    document: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"params": {"tempalte": "x"}}))
    before = len(world.box.log.entries)
    code, _, err = world.run("apply", str(file))
    assert (code, len(world.box.log.entries) - before) == (3, 0), err
    assert "does not take the parameter tempalte" in err
