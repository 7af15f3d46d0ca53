"""Certification awards become badges: issued, replaced and revoked, by the real command line against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Fault, Sandbox

Make = Callable[..., World]
EVENT = ("flow", "run", "credly.batch-sync", "--param", "event=revoked")


def mapped(world: World, code: str, active: str = "true") -> str:
    """Maps a certification to the template that fits; returns the template's id."""
    template = world.box.suggested[code]
    args = ("lookup", "set", "credly-integration-mappings", template, "-", code, f"IsActive={active}")
    got, _, err = world.run(*args)
    assert got == 0, err
    return template


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with Sandbox(seed=1) as box:

        def made(**options: Any) -> World:
            world = make_world(box, tmp_path / "home", **options)
            for code in ("FIRST-AID", "FORKLIFT", "PRIVACY"):
                mapped(world, code)
            return world

        yield made


@pytest.fixture
def world(make: Make) -> World:
    return make()


def sync(world: World, *args: str) -> dict[str, Any]:
    code, report = world.report("credly", "batch-sync", *args)
    assert code == 0, report
    return report


def switched_on(world: World) -> None:
    """Negative synchronization."""
    assert world.run("lookup", "set", "integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false")[0] == 0


def of(world: World, template: str, user: int) -> list[Any]:
    """The learner's badges of a template, oldest first."""
    badges = [b for b in world.box.credly.badges.values() if b.template_id == template]
    return sorted((b for b in badges if b.issuer_earner_id == str(user)), key=lambda b: b.created_at)


def award(world: World, code: str, *, valid: bool = False) -> Any:
    """The newest award of the certification in the seed that is valid now."""
    box = world.box
    certification = box.docebo.certification(code).certification_id
    found = [a for a in box.docebo.awards.values() if a.certification_id == certification]
    return max((a for a in found if (a.expires_at is None) == valid), key=lambda a: a.issued_at)


def revoked(world: World, code: str, user: int) -> tuple[int, dict[str, Any]]:
    """The run that an event of a revoked award would start."""
    return world.report(*EVENT, "--param", f"user={user}", "--param", f"certification={code}")


@pytest.mark.req("CR-29", "CR-36", "CR-59", "CR-60", "CR-74")
def test_awards_become_badges_with_their_own_expiry_and_only_once(world: World) -> None:
    first, always = award(world, "FIRST-AID"), award(world, "PRIVACY", valid=True)
    report = sync(world)
    assert report["skipped"]["award_expired"] == 1
    sources = {item["source"] for item in report["items"]}
    assert {"certification:FIRST-AID", "certification:FORKLIFT", "certification:PRIVACY"} <= sources
    (badge,) = of(world, world.box.suggested["FIRST-AID"], first.user_id)
    assert badge.expires_at is not None
    bodies = [e.body for e in world.box.log.entries if e.method == "POST" and e.path.endswith("/badges")]
    sent = {body["issuer_earner_id"]: body for body in bodies if "certification" in body["evidence"][0]["description"]}
    assert sent[str(first.user_id)]["expires_at"] == f"{first.expires_at} +0000"
    assert sent[str(first.user_id)]["issued_at"] == f"{first.issued_at} +0000"
    assert sent[str(always.user_id)]["expires_at"] is False
    for args in ((), ("--full",)):
        assert sync(world, *args)["planned"] == {}, args
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-36", "CR-39", "GN-21")
def test_a_renewal_replaces_the_badge_once(world: World) -> None:
    old = award(world, "FIRST-AID")
    sync(world)
    template = world.box.suggested["FIRST-AID"]
    new = world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    report = sync(world)
    assert report["done"] == {"replace": 1}
    before, after = of(world, template, old.user_id)
    assert (before.replacement_badge_id, after.replaces_badge_id) == (after.id, before.id)
    assert after.evidence
    for args in ((), ("--full",)):
        assert sync(world, *args)["planned"] == {}, args
    world.box.docebo.update_award(new.award_id, expires_at=None)
    assert sync(world)["done"] == {"replace": 1}
    assert len(of(world, template, old.user_id)) == 3
    assert sync(world, "--full")["planned"] == {}
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-39", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "http_500_after", "lose_request"])
def test_a_replacement_whose_answer_is_lost_is_made_once(world: World, kind: str) -> None:
    old = award(world, "FIRST-AID")
    sync(world)
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    world.box.faults.add(Fault(kind, "credly", "POST", r"/replace$", times=1))
    assert world.report("credly", "batch-sync")[0] == 0
    assert sync(world)["planned"] == sync(world, "--full")["planned"] == {}
    before, after = of(world, world.box.suggested["FIRST-AID"], old.user_id)
    assert (before.replacement_badge_id, after.replacement_badge_id) == (after.id, None)
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-38", "GN-21")
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("kind", ["lose_answer", "http_500_after", "lose_request"])
def test_a_revocation_whose_answer_is_lost_is_made(world: World, kind: str, idempotent: bool) -> None:
    switched_on(world)
    old = award(world, "FIRST-AID")
    sync(world)
    world.box.docebo.revoke_award(old.award_id)
    world.box.credly.flags.revoke_idempotent = idempotent
    if idempotent:  # a second request may go before the list shows the first one's effect
        world.box.credly.flags.search_lag = 1.0
        world.box.clock.per_request = 0.3
    world.box.faults.add(Fault(kind, "credly", "PUT", r"/revoke$", times=1))
    code, report = revoked(world, "FIRST-AID", old.user_id)
    assert (code, report["failed"], report["unsure"]) == (0, 0, 0), report
    (badge,) = of(world, world.box.suggested["FIRST-AID"], old.user_id)
    assert badge.state == "revoked"
    assert revoked(world, "FIRST-AID", old.user_id)[1]["planned"] == {}
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-38", "CR-64", "CR-67", "GN-34")
def test_a_revoked_award_revokes_its_badge_and_only_another_award_earns_one_again(world: World) -> None:
    switched_on(world)
    old = award(world, "FIRST-AID")
    sync(world)
    template = world.box.suggested["FIRST-AID"]
    code, report = revoked(world, "FIRST-AID", old.user_id)
    assert (code, report["planned"]) == (0, {}), "the award is still there"
    world.box.docebo.revoke_award(old.award_id)
    assert sync(world, "--full")["planned"] == {}, "a listing revokes nothing"
    code, report = revoked(world, "FIRST-AID", old.user_id)
    assert (code, report["done"]) == (0, {"revoke": 1}), report
    (badge,) = of(world, template, old.user_id)
    assert (badge.state, bool(badge.revocation_reason)) == ("revoked", True)
    assert revoked(world, "FIRST-AID", old.user_id)[1]["planned"] == {}
    world.box.docebo.award(old.user_id, "FIRST-AID", "2026-01-12 10:00:00")
    assert sync(world)["done"] == {"issue": 1}
    assert [b.state for b in of(world, template, old.user_id)] == ["revoked", "pending"]
    assert sync(world, "--full")["planned"] == {}
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-67", "CR-38")
def test_the_same_award_given_back_earns_no_second_badge(world: World) -> None:
    switched_on(world)
    old = award(world, "FIRST-AID")
    sync(world)
    world.box.docebo.revoke_award(old.award_id)
    assert revoked(world, "FIRST-AID", old.user_id)[1]["done"] == {"revoke": 1}
    world.box.docebo.awards[old.award_id] = old
    world.box.docebo._awards_of[old.user_id].append(old.award_id)
    report = sync(world, "--full")
    assert report["planned"] == {}
    assert report["skipped"]["revoked_before"] == 1


@pytest.mark.req("CR-36", "CR-67", "GN-21")
@pytest.mark.parametrize("kind", ["lose_request", "http_503"])
def test_after_a_revoked_chain_the_next_badge_is_issued_in_the_end(world: World, kind: str) -> None:
    switched_on(world)
    old = award(world, "FIRST-AID")
    sync(world)
    template, docebo = world.box.suggested["FIRST-AID"], world.box.docebo
    new = docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    assert sync(world)["done"] == {"replace": 1}
    for one in {old.award_id, new.award_id} & set(docebo.awards):
        docebo.revoke_award(one)
    assert revoked(world, "FIRST-AID", old.user_id)[1]["done"] == {"revoke": 1}
    docebo.award(old.user_id, "FIRST-AID", "2026-03-12 10:00:00")
    world.box.faults.add(Fault(kind, "credly", "POST", r"/badges$"))
    code, report = world.report("credly", "batch-sync")
    assert (code == 0, report["done"]) == (False, {})
    world.box.faults.clear()
    assert world.run("run", "retry", report["run"])[0] == 0
    states = [(b.state, b.replacement_badge_id is None) for b in of(world, template, old.user_id)]
    assert states == [("pending", False), ("revoked", True), ("pending", True)]
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("GN-32", "CR-36")
def test_a_badge_that_somebody_moved_to_another_template_is_left_alone(world: World) -> None:
    old, credly = award(world, "FIRST-AID"), world.box.credly
    sync(world)
    (badge,) = of(world, world.box.suggested["FIRST-AID"], old.user_id)
    moved = replace(badge, id=credly.new_id(), template_id=world.box.suggested["PRIVACY"], issuer_earner_id=None)
    credly.put(replace(moved, replaces_badge_id=badge.id), "badge.created")
    credly.put(replace(badge, replacement_badge_id=moved.id), "badge.state.changed")
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    report = sync(world)
    assert (report["planned"], report["skipped"]["connectctl:successor_unknown"]) == ({}, 1)
    assert credly.badges[moved.id].replacement_badge_id is None


@pytest.mark.req("CR-64", "CR-77", "GN-34")
def test_with_negative_sync_off_nothing_is_revoked(world: World) -> None:
    old = award(world, "FIRST-AID")
    sync(world)
    world.box.docebo.revoke_award(old.award_id)
    code, report = revoked(world, "FIRST-AID", old.user_id)
    assert (code, report["skipped"]) == (0, {"negative_sync_off": 1})


@pytest.mark.req("GN-34")
@pytest.mark.parametrize("kind", ["html_200", "truncated_json", "wrong_types"])
def test_an_answer_that_is_no_listing_revokes_nothing(world: World, kind: str) -> None:
    switched_on(world)
    old = award(world, "FIRST-AID")
    sync(world)
    world.box.docebo.revoke_award(old.award_id)
    world.box.faults.add(Fault(kind, "docebo", "GET", r"award"))
    code, report = revoked(world, "FIRST-AID", old.user_id)
    assert code != 0
    assert report["planned"] == {}
    assert of(world, world.box.suggested["FIRST-AID"], old.user_id)[0].state == "pending"


@pytest.mark.req("CR-19", "CR-75", "CR-76")
@pytest.mark.parametrize("everything", [False, True])
def test_where_the_provider_is_the_master_no_certification_goes_out(make: Make, everything: bool) -> None:
    world = make()
    if everything:
        config = world.home / "config.toml"
        config.write_text(
            config.read_text().replace("[connections.credly]", '[connections.credly]\nmaster_covers = "everything"')
        )
    setting = ("integration-settings", "CREDLY", "CREDLY_INTEGRATION_MASTER", "Value=CREDLY")
    assert world.run("lookup", "set", *setting)[0] == 0
    report = sync(world)
    assert report["skipped"]["master_direction"] == (5 if everything else 3)
    assert report["done"] == ({} if everything else {"issue": len(world.expected)})
    assert not world.box.log.count(remote="docebo", path="award")


@pytest.mark.req("CR-16", "CR-36")
def test_a_certification_that_is_not_mapped_or_not_there_is_named(world: World) -> None:
    world.box.docebo.add_certification("OTHER", "Other")
    args = ("lookup", "set", "credly-integration-mappings", world.box.suggested["PRIVACY"], "-", "GONE")
    assert world.run(*args, "IsActive=true")[0] == 0
    assert sync(world)["skipped"]["connectctl:certification_unknown"] == 1
    run = ("flow", "run", "credly.batch-sync", "--param", "certification=OTHER")
    assert world.report(*run)[1]["skipped"] == {"mapping_missing": 1}
    mapped(world, "PRIVACY", "false")
    run = ("flow", "run", "credly.batch-sync", "--param", "certification=PRIVACY")
    assert world.report(*run)[1]["skipped"] == {"mapping_inactive": 1}


@pytest.mark.req("CR-36", "CR-71")
def test_a_run_for_one_user_reads_and_issues_theirs_alone(world: World) -> None:
    old = award(world, "FIRST-AID")
    code, report = world.report("flow", "run", "credly.batch-sync", "--param", f"user={old.user_id}")
    assert code == 0
    assert {item["user"] for item in report["items"]} == {str(old.user_id)}
    assert "certification:FIRST-AID" in {item["source"] for item in report["items"]}
    rest = sync(world)
    assert len(rest["items"]) + len(report["items"]) == len(world.expected) + 3


@pytest.mark.req("GN-05")
def test_the_steps_of_a_run_are_edges_of_the_call_graph(world: World) -> None:
    from connectctl_credly.plugin import PROVIDER

    switched_on(world)
    old, other = award(world, "FIRST-AID"), award(world, "FORKLIFT")
    found: set[tuple[str, str]] = set()

    def note(report: dict[str, Any]) -> None:
        shown = json.loads(world.run("run", "show", report["run"], "--json")[1])
        found.update((step["caller"], step["recipe"]) for step in shown["steps"] if step["caller"])

    note(sync(world))
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    note(sync(world))
    world.box.docebo.revoke_award(other.award_id)
    note(revoked(world, "FORKLIFT", other.user_id)[1])
    titles = PROVIDER.titles
    edges = {(titles[caller], titles[callee]) for caller, callees in PROVIDER.calls.items() for callee in callees}
    assert found <= edges
    reach, queue = set[str](), ["batch-sync"]
    while queue:
        verb = queue.pop()
        reach.add(verb)
        queue += [callee for callee in PROVIDER.calls.get(verb, ()) if callee not in reach]
    stated = {(titles[v], titles[c]) for v in reach for c in PROVIDER.calls.get(v, ())}
    missing = stated - found
    assert missing <= {
        (titles["assign-plans"], titles["list-plans"]),  # asked with a course named
        *((titles["assign-plans"], titles[v]) for v in ("list-completions", "assign-users")),  # no plan is mapped
        (titles["assign-users"], titles["match-plans"]),
    }


@pytest.mark.req("CR-29", "GN-17")
def test_a_code_that_two_certifications_share_earns_nothing(world: World) -> None:
    twin = world.box.docebo.add_certification("FIRST-AID", "Another First Aid")
    template = world.box.suggested["FIRST-AID"]
    before = {badge.id for badge in world.box.credly.badges.values() if badge.template_id == template}
    report = sync(world, "--certification", "FIRST-AID", "--skips")
    assert (report["planned"], report["skipped"]) == ({}, {"connectctl:certification_ambiguous": 1})
    (skip,) = (item for item in report["items"] if item["reason"] == "connectctl:certification_ambiguous")
    assert "share the code FIRST-AID" in str(skip)
    assert {badge.id for badge in world.box.credly.badges.values() if badge.template_id == template} == before
    del world.box.docebo.certifications[twin.certification_id]
    assert set(sync(world, "--certification", "FIRST-AID")["done"]) == {"issue"}
