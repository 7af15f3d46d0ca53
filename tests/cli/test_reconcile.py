"""`credly reconcile` in real processes against the sandbox: found, told, mended once, and nothing foreign touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Sandbox

MAPPINGS = "credly-integration-mappings"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose completions have become badges."""
    with Sandbox(seed=1) as box:
        made = make_world(box, tmp_path / "home", search_lag=0)
        assert made.run("credly", "batch-sync")[0] == 0
        yield made


def reconcile(world: World, *options: str) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    """Exit code, kinds and repairs found, and the run."""
    code, report = world.report("credly", "reconcile", *options)
    return code, sorted((one["kind"], one["repair"]) for one in report.get("findings", ())), report


def ours(world: World) -> list[Any]:
    """The badges that were issued for completions, oldest first."""
    return [badge for badge in world.box.credly.live_badges() if badge.issuer_earner_id]


def foreign(world: World) -> dict[str, Any]:
    return {id: badge for id, badge in world.box.credly.badges.items() if not badge.issuer_earner_id}


def sent(world: World) -> int:
    """Requests that change something at Credly or in Docebo."""
    kinds = [entry for entry in world.box.log.entries if entry.method != "GET" and "oauth2" not in entry.path]
    return len(kinds)


def lookup_set(world: World, *args: str) -> None:
    code, _, err = world.run("lookup", "set", *args)
    assert code == 0, err


@pytest.mark.req("GN-21", "GN-22")
def test_what_agrees_is_told_as_such_and_nothing_is_sent(world: World) -> None:
    before = sent(world)
    for options in ((), ("--repair",), ("--repair", "--revoke")):
        code, found, report = reconcile(world, *options)
        assert (code, found, report["planned"], report["status"]) == (0, [], {}, "succeeded")
    assert sent(world) == before


@pytest.mark.req("GN-21", "GN-32", "CR-37")
def test_a_badge_that_is_gone_is_missing_and_issued_again_once(world: World) -> None:
    gone, others = ours(world)[0], foreign(world)
    world.box.credly.delete(gone.id)
    before = sent(world)
    code, found, report = reconcile(world)
    assert (code, found, report["planned"]) == (0, [("missing", "issue")], {})
    assert report["findings"][0]["remote_id"] == gone.id
    assert sent(world) == before
    _, out, err = world.run("credly", "reconcile")
    assert gone.id in out
    assert "connectctl credly reconcile --repair" in err
    code, _, report = reconcile(world, "--repair")
    assert (code, report["done"]) == (0, {"issue": 1})
    assert world.badges() == dict.fromkeys(world.expected, 1)
    for options in (("--repair",), ()):
        code, found, report = reconcile(world, *options)
        assert (code, found, report["planned"]) == (0, [], {})
    assert world.report("credly", "batch-sync", "--full")[1]["planned"] == {}
    assert foreign(world) == others
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-66", "GN-34")
def test_what_was_revoked_or_taken_back_on_one_side_is_told_and_left_alone(world: World) -> None:
    revoked, other = ours(world)[:2]
    world.box.credly.revoke(revoked.id, "by hand")
    item = next(i for i in world.report("run", "show", _first_run(world))[1]["items"] if i["remote_id"] == other.id)
    world.box.docebo.reset_completion(int(item["user"]), int(item["source"].removeprefix("course:")))
    before = sent(world)
    for options in ((), ("--repair",), ("--repair", "--revoke")):
        code, found, report = reconcile(world, *options)
        assert (code, found, report["planned"]) == (0, [("extra", ""), ("revoked", "")], {})
    assert sent(world) == before


def _first_run(world: World) -> str:
    runs = json.loads(world.run("run", "list", "--flow", "credly.batch-sync", "--json")[1])
    return str(next(run["run"] if "run" in run else run["id"] for run in runs if not run["dry_run"]))


@pytest.mark.req("GN-36", "CR-39")
def test_a_pending_badge_follows_the_learners_address_and_an_accepted_one_is_only_told(world: World) -> None:
    pending, accepted = ours(world)[:2]
    world.box.credly.accept(accepted.id)
    assert pending.issuer_earner_id != accepted.issuer_earner_id
    for badge, address in ((pending, "moved.one@acme.example"), (accepted, "moved.two@acme.example")):
        world.box.docebo.update_user(int(badge.issuer_earner_id), email=address)
    code, found, _ = reconcile(world)
    key = (pending.template_id, pending.issuer_earner_id)
    assert code == 0
    assert ("email", "replace") in found
    assert ("email", "") in found
    code, _, report = reconcile(world, "--repair")
    assert (code, set(report["done"])) == (0, {"replace"})
    (moved,) = (b for b in ours(world) if (b.template_id, b.issuer_earner_id) == key)
    assert moved.recipient_email == "moved.one@acme.example"
    assert world.box.credly.badges[accepted.id].live
    code, found, report = reconcile(world, "--repair")
    assert (code, {repair for _, repair in found}, report["planned"]) == (0, {""}, {})
    assert world.badges() == dict.fromkeys(world.expected, 1)


@pytest.mark.req("CR-64", "GN-34")
def test_a_badge_whose_award_is_gone_goes_only_when_it_is_asked_for_twice(world: World) -> None:
    docebo, credly = world.box.docebo, world.box.credly
    template = next(t for t in sorted(credly.templates) if credly.templates[t].state == "active")
    docebo.add_certification("REC", "Reconciled")
    holders = {user for held, user in world.expected if held == template}
    users = [u for u in sorted(docebo.users) if str(u) in {user for _, user in world.expected} - holders][:2]
    awards = [docebo.award(user, "REC", "2026-03-01 10:00:00", always_valid=True) for user in users]
    lookup_set(world, MAPPINGS, template, "-", "REC", "IsActive=true")
    lookup_set(world, "integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false")
    code, report = world.report("credly", "batch-sync", "--full")
    assert (code, report["done"]) == (0, {"issue": 2})
    docebo.revoke_award(awards[0].award_id)
    badge = next(b for b in credly.live_badges(template) if b.issuer_earner_id == str(users[0]))
    for options in ((), ("--repair",)):
        code, found, report = reconcile(world, *options)
        assert (code, found, report["planned"]) == (0, [("extra", "")], {})
    code, _, report = reconcile(world, "--repair", "--revoke")
    assert (code, report["done"]) == (0, {"revoke": 1})
    assert credly.badges[badge.id].state == "revoked"
    live = {b.issuer_earner_id for b in credly.live_badges(template)}
    assert live & {str(user) for user in users} == {str(users[1])}
    code, found, _ = reconcile(world, "--repair", "--revoke")
    assert (code, found) == (0, [])


@pytest.mark.req("CR-64", "GN-33", "GN-34")
def test_the_last_award_of_a_certification_may_go_while_others_are_listed_and_not_when_none_is(world: World) -> None:
    docebo, credly = world.box.docebo, world.box.credly
    template = next(t for t in sorted(credly.templates) if credly.templates[t].state == "active")
    holders = {user for held, user in world.expected if held == template}
    user = next(u for u in sorted(docebo.users) if str(u) in {user for _, user in world.expected} - holders)
    docebo.add_certification("REC", "Reconciled")
    award = docebo.award(user, "REC", "2026-03-01 10:00:00", always_valid=True)
    lookup_set(world, MAPPINGS, template, "-", "REC", "IsActive=true")
    lookup_set(world, "integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false")
    assert world.report("credly", "batch-sync", "--full")[1]["done"] == {"issue": 1}
    docebo.revoke_award(award.award_id)
    others = dict(docebo.awards)
    docebo.awards.clear()
    before = sent(world)
    code, _, err = world.run("credly", "reconcile", "--repair", "--revoke", "--yes")
    assert (code, "Docebo listed no award at all" in err) == (6, True), err
    assert sent(world) == before
    docebo.awards.update(others)
    code, found, report = reconcile(world, "--repair", "--revoke")
    assert (code, found, report["done"]) == (0, [("extra", "revoke")], {"revoke": 1})
    assert reconcile(world, "--repair", "--revoke")[1] == []


@pytest.mark.req("GN-33", "GN-34")
def test_an_empty_listing_where_the_ledger_knows_better_changes_nothing(world: World) -> None:
    for badge in list(world.box.credly.badges):
        world.box.credly.delete(badge)
    before = sent(world)
    for options in ((), ("--repair", "--revoke", "--yes"), ("--repair", "--max-changes", "100")):
        code, _, err = world.run("credly", "reconcile", *options)
        assert (code, "listed no credential" in err) == (6, True)
    assert sent(world) == before


@pytest.mark.req("GN-40", "CR-61")
def test_a_saved_repair_is_carried_out_by_apply(world: World) -> None:
    world.box.credly.delete(ours(world)[0].id)
    plan = world.home / "repair.json"
    code, _, report = reconcile(world, "--repair", "--dry-run", "--plan-out", str(plan))
    assert (code, report["planned"]) == (0, {"issue": 1})
    code, report = world.report("apply", str(plan))
    assert (code, report["done"]) == (0, {"issue": 1})
    assert world.badges() == dict.fromkeys(world.expected, 1)


@pytest.mark.req("CR-47", "CR-49", "GN-32")
def test_imported_training_that_is_gone_or_changed_is_made_good(world: World) -> None:
    docebo, credly = world.box.docebo, world.box.credly
    template = next(t for t in sorted(credly.templates) if credly.templates[t].state == "active")
    holders = {user for _, user in world.expected}
    people = [u for u in docebo.users.values() if str(u.user_id) not in holders and (u.email or "").strip()]
    emails = [u.email.strip().lower() for u in people]
    people = [u for u in people if emails.count(u.email.strip().lower()) == 1][:2]
    for user in people:
        credly.issue(user.email, template, state="accepted")
    lookup_set(world, "integration-settings", "CREDLY", "EXTERNAL_TRAINING_INSTITUTE_NAME", "Value=Acme")
    lookup_set(world, MAPPINGS, template, "-", "-", "IsActive=true", "Import As External Training=true")
    code, _, err = world.run("flow", "run", "credly.batch-sync-inwards")
    assert code == 0, err
    before = set(docebo.trainings)
    assert len(before) >= 2
    assert reconcile(world)[1] == []
    told = json.loads(world.run("why", "--user", str(people[0].user_id), "--template", template, "--json")[1])
    assert [(entry["action"], entry["state"]) for entry in told[0]["imports"]] == [("create_training", "done")]
    assert [line["state"] for line in told[0]["log"]] == ["intended", "sent", "done"]
    mine = [t for t in docebo.trainings.values() if t.user_id in {u.user_id for u in people}]
    with closing(sqlite3.connect(world.home / "store.db")) as store, store:  # what is this young is not judged
        store.execute("UPDATE ledger SET updated_at = '2026-01-01T00:00:00.000Z'")
    docebo.delete_training(mine[0].training_id)
    docebo.update_training(mine[1].training_id, institute="Elsewhere")
    alien = docebo.add_training(people[0].user_id, "Diving", institute="Blue")
    assert reconcile(world)[1] == [("changed", "update_training"), ("missing", "create_training")]
    code, _, report = reconcile(world, "--repair")
    assert (code, report["done"]) == (0, {"create_training": 1, "update_training": 1})
    assert docebo.trainings[mine[1].training_id].institute == "Acme"
    assert docebo.trainings[alien.training_id] == alien
    assert len(docebo.trainings) == len(before) + 1
    code, found, report = reconcile(world, "--repair")
    assert (code, found, report["planned"]) == (0, [], {})
    assert world.report("flow", "run", "credly.batch-sync-inwards")[1]["planned"] == {}


def test_revoke_goes_with_repair(world: World) -> None:
    code, _, err = world.run("credly", "reconcile", "--revoke")
    assert (code, "--repair --revoke" in err) == (2, True)


@pytest.mark.req("CR-64", "GN-34")
def test_a_code_that_certifications_share_never_counts_as_gone(world: World) -> None:
    docebo, credly = world.box.docebo, world.box.credly
    template = next(t for t in sorted(credly.templates) if credly.templates[t].state == "active")
    holders = {user for held, user in world.expected if held == template}
    user = next(u for u in sorted(docebo.users) if str(u) in {user for _, user in world.expected} - holders)
    docebo.add_certification("REC", "Reconciled")
    docebo.award(user, "REC", "2026-03-01 10:00:00", always_valid=True)
    lookup_set(world, MAPPINGS, template, "-", "REC", "IsActive=true")
    lookup_set(world, "integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false")
    assert world.report("credly", "batch-sync", "--full")[1]["done"] == {"issue": 1}
    docebo.add_certification("REC", "Reconciled too")
    lookup_set(world, MAPPINGS, template, "-", "REC", "IsActive=false")  # so the batch does not read its awards
    before = sent(world)
    code, found, _ = reconcile(world, "--repair", "--revoke")
    assert (code, found, sent(world)) == (0, [], before)


@pytest.mark.req("GN-22", "GN-34")
def test_what_is_too_young_to_be_listed_is_counted(tmp_path: Path) -> None:
    with Sandbox(seed=1) as box:
        world = make_world(box, tmp_path / "home", search_lag=3600)
        assert world.run("credly", "batch-sync")[0] == 0
        mine = ours(world)
        several = [one for one in mine if sum(one.template_id == other.template_id for other in mine) > 1]
        for badge in {one.template_id: one for one in several}.values():
            box.credly.delete(badge.id)
        count = len(mine) - len(ours(world))
        assert count > 1
        code, found, report = reconcile(world)
        assert (code, found) == (0, [])
        (warning,) = report["warnings"]
        assert warning.startswith(f"{count} entries are younger than the 3600 seconds that Credly may take")
        assert "they are not compared" in warning
        with closing(sqlite3.connect(world.home / "store.db")) as store, store:
            store.execute("UPDATE ledger SET updated_at = '2026-01-01T00:00:00.000Z'")
        assert reconcile(world)[2]["warnings"] == []


@pytest.mark.req("GN-22", "GN-33")
def test_a_run_that_ended_before_it_could_predict_predicts_nothing(world: World) -> None:
    mine = ours(world)
    templates = [badge.template_id for badge in mine]
    several = next(badge for badge in mine if templates.count(badge.template_id) > 1)
    world.box.credly.delete(several.id)
    other = next(template for template in templates if template != several.template_id)
    for badge in [one for one in world.box.credly.badges.values() if one.template_id == other]:
        world.box.credly.delete(badge.id)
    code, _, err = world.run("credly", "reconcile", "--repair", "--dry-run")
    assert (code, "To carry it out" in err) == (6, False), err
