"""Docebo becomes Accredible credentials: in bulk, once each, renewed and ended in place, by the real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.accredible import BULK, SINGLE, AccredibleWorld, make_accredible

from connectctl_sandbox import Fault, Sandbox

CODE = "FIRST-AID"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AccredibleWorld]:
    with Sandbox(seed=1) as box:
        yield make_accredible(box, tmp_path / "home")


def course_of(world: AccredibleWorld, group: str) -> int:
    """The course whose completion earns the group."""
    name = world.box.accredible.groups[int(group)].name
    return next(course for course, one in world.box.intended_groups.items() if one == name)


def finish(world: AccredibleWorld, group: str, count: int) -> None:
    """So many new people complete the course of a group."""
    docebo = world.box.docebo
    for number in range(count):
        user = docebo.add_user(email=f"crowd{number}@example.org", first_name="Crowd", last_name=f"Number {number}")
        docebo.enroll(user.user_id, course_of(world, group), completed_at="2026-02-20 10:00:00")


def calls(world: AccredibleWorld, method: str, path: str) -> int:
    return world.box.log.count(remote="accredible", method=method, path=path)


def some(world: AccredibleWorld) -> tuple[str, str]:
    """Group and user of a credential that the batch makes, in a group that allows no duplicates."""
    allowing = {str(one.id) for one in world.box.accredible.groups.values() if one.allow_duplicate_credentials}
    return min((group, user) for group, user in world.expected if group not in allowing)


def settled(world: AccredibleWorld) -> None:
    """Two more runs, one of them of everything, plan nothing; nobody has two; the ledger holds."""
    for args in ((), ("--full",)):
        assert world.sync(*args)["planned"] == {}, args
    assert max(world.held().values()) == 1
    assert set(world.held()) >= world.expected
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("AC-11", "AC-12", "AC-28", "AC-29", "AC-36", "AC-38", "GN-21", "AC-62")
def test_completions_become_credentials_thirty_with_one_call_and_only_once(world: AccredibleWorld) -> None:
    group, user = some(world)
    finish(world, group, 65)
    dry = world.sync("--dry-run")
    world.box.log.clear()
    report = world.sync()
    assert report["done"] == {"issue": len(world.expected) + 65}
    by_group = [item["template"] for item in report["items"]]
    assert calls(world, "POST", BULK) == sum(-(-by_group.count(one) // 30) for one in set(by_group))
    assert calls(world, "POST", SINGLE) == 0
    assert report["api_calls"]["accredible"] == dry["predicted_calls"]["accredible"]
    (made,) = world.of(group, user)
    assert made.license_id.startswith("connectctl-")
    assert made.meta_data["connectctl"] == made.license_id
    assert "course" in made.meta_data["connectctl_source"]
    settled(world)


@pytest.mark.req("AC-29", "GN-19")
def test_one_that_is_refused_keeps_none_of_its_call_from_being_made(world: AccredibleWorld) -> None:
    group, _ = some(world)
    finish(world, group, 10)
    world.box.accredible.issue(int(group), "crowd3@example.org", "Somebody's")
    world.box.accredible.flags.search_lag = 3600.0  # the search does not show it yet
    code, report = world.report("accredible", "batch-sync")
    assert (code, report["done"]["issue"]) == (0, len(world.expected) + 9)
    (item,) = [item for item in report["items"] if item["outcome"] != "done"]
    assert (item["outcome"], item["email"]) == ("foreign", "crowd3@example.org")
    settled(world)


@pytest.mark.req("AC-29", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "http_500_after", "http_500_before", "cut_answer"])
def test_a_bulk_call_whose_answer_is_lost_is_settled_one_by_one_by_our_own_ids(
    world: AccredibleWorld, kind: str
) -> None:
    group, _ = some(world)
    finish(world, group, 40)
    world.box.accredible.flags.search_lag = 3600.0
    world.box.faults.add(Fault(kind, "accredible", "POST", BULK, times=2))
    code, report = world.report("accredible", "batch-sync")
    assert (code, report["unsure"], report["failed"]) == (0, 0, 0), report
    assert sum(report["done"].values()) + report.get("adopted", 0) >= len(world.expected) + 40
    settled(world)


@pytest.mark.req("AC-29", "AC-55", "GN-19")
def test_what_is_not_published_is_a_failed_item_with_its_reason_and_published_by_a_retry(
    world: AccredibleWorld,
) -> None:
    group, user = some(world)
    world.box.accredible.update_group(int(group), certificate_design_id=None)
    code, report = world.report("accredible", "batch-sync", "--template", group)
    assert code == 8
    assert {item["outcome"] for item in report["items"]} == {"failed"}
    assert all("did not publish it: its group has no design" in item["error"] for item in report["items"])
    before = world.held()
    report = world.sync("--template", group)
    assert (report["planned"], report["skipped"]["connectctl:failed_before"]) == ({}, len(before))
    world.box.accredible.update_group(int(group), certificate_design_id=31)
    code, out, _ = world.run("run", "list", "--json")
    first = next(run["run"] for run in json.loads(out) if run["status"] == "failed")
    code, retried = world.report("run", "retry", first)
    assert code == 0, retried
    assert world.held() == before
    assert all(one.approve for one in world.of(group, user))


@pytest.mark.req("AC-29", "AC-55")
def test_an_unpublished_one_whose_answer_was_lost_is_never_adopted(world: AccredibleWorld) -> None:
    group, user = some(world)
    world.box.accredible.update_group(int(group), certificate_design_id=None)
    world.box.faults.add(Fault("lose_answer", "accredible", "POST", BULK, times=1))
    code, report = world.report("accredible", "batch-sync", "--template", group)
    assert code == 8
    assert {item["outcome"] for item in report["items"]} == {"failed"}
    assert not any(one.approve for one in world.of(group, user))


@pytest.mark.req("AC-55", "AC-68", "AC-09")
@pytest.mark.parametrize(("days", "expiry"), [("0", None), ("30", "days"), (None, "the group's")])
def test_the_default_expiry_counts_from_the_day_of_issue(
    world: AccredibleWorld, days: str | None, expiry: str | None
) -> None:
    yearly = next(one for one in world.box.accredible.groups.values() if one.auto_expiry)
    if days is not None:
        world.set("ACCREDIBLE_DEFAULT_EXPIRATION_DAYS", days)
    world.sync("--template", str(yearly.id))
    made = [one for one in world.box.accredible.in_group(yearly.id) if one.license_id]
    assert made
    for one in made:
        if expiry is None:
            assert one.expired_on is None
        else:
            year, rest = one.issued_on[:4], one.issued_on[4:]
            assert one.expired_on is not None
            assert (one.expired_on == f"{int(year) + 1}{rest}") is (days is None)
            assert one.expired_on > one.issued_on


@pytest.mark.req("AC-16", "AC-56", "AC-57", "AC-28")
@pytest.mark.parametrize("behaviour", ["SKIP", "OVERWRITE"])
def test_a_course_completed_again_updates_in_place_or_is_skipped(world: AccredibleWorld, behaviour: str) -> None:
    group, user = some(world)
    world.set("BATCH_OVERWRITE_BEHAVIOUR", behaviour)
    world.sync()
    (before,) = world.of(group, user)
    world.box.docebo.enroll(int(user), course_of(world, group), completed_at="2026-03-03 10:00:00")
    report = world.sync("--full")
    (after,) = world.of(group, user)
    if behaviour == "SKIP":
        assert (report["planned"], report["skipped"]["overwrite_skip"]) == ({}, 1)
        assert after == before
    else:
        assert report["done"] == {"update": 1}
        assert (after.id, after.license_id, after.issued_on) == (before.id, before.license_id, "2026-03-03")
    settled(world)


@pytest.mark.req("AC-58", "GN-21")
def test_create_new_makes_another_one_where_the_group_allows_it(world: AccredibleWorld) -> None:
    allowing = next(str(one.id) for one in world.box.accredible.groups.values() if one.allow_duplicate_credentials)
    group, user = some(world)
    other = next(user for one, user in sorted(world.expected) if one == allowing)
    world.sync()
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "CREATE_NEW")
    for one, learner in ((allowing, other), (group, user)):
        world.box.docebo.enroll(int(learner), course_of(world, one), completed_at="2026-03-03 10:00:00")
    narrow = ("--user", user, "--user", other, "--template", group, "--template", allowing)
    code, report = world.report("accredible", "batch-sync", *narrow)
    assert (code, report["done"]) == (8, {"issue": 1}), report
    refused = {item["user"]: item["error"] for item in report["items"] if item["outcome"] == "failed"}
    assert "allows no second one" in refused[user]
    assert (len(world.of(allowing, other)), len(world.of(group, user))) == (2, 1)
    for args in ((), ("--full",)):
        assert world.sync(*args, *narrow)["planned"] == {}, args
    assert world.run("ledger", "verify")[0] == 0


def award(world: AccredibleWorld) -> Any:
    """The newest award of the certification in the seed that is valid now; the certification is mapped to a group."""
    world.map("4108", code=CODE)
    box = world.box
    certification = box.docebo.certification(CODE).certification_id
    found = [a for a in box.docebo.awards.values() if a.certification_id == certification and a.expires_at]
    return max(found, key=lambda a: a.issued_at)


def event(world: AccredibleWorld, name: str, user: int) -> tuple[int, dict[str, Any]]:
    """What a webhook of Docebo would start."""
    params = (f"event={name}", f"user={user}", f"certification={CODE}")
    words = [word for param in params for word in ("--param", param)]
    return world.report("flow", "run", "accredible.dispatch-docebo", *words)


@pytest.mark.req("AC-39", "AC-28", "AC-55", "AC-57", "AC-56")
def test_a_renewed_award_updates_its_credential_in_the_batch_when_it_may(world: AccredibleWorld) -> None:
    old = award(world)
    world.sync()
    (before,) = world.of("4108", old.user_id)
    assert before.expired_on == old.expires_at[:10]
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    assert world.sync()["skipped"]["overwrite_skip"] == 1
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    report = world.sync("--full")
    assert report["done"] == {"update": 1}
    (after,) = world.of("4108", old.user_id)
    assert (after.id, after.issued_on, after.expired_on) == (before.id, "2026-02-20", "2030-02-20")
    settled(world)


@pytest.mark.req("AC-29", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "http_500_after"])
def test_an_update_whose_answer_is_lost_is_made(world: AccredibleWorld, kind: str) -> None:
    old = award(world)
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.sync()
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    world.box.faults.add(Fault(kind, "accredible", "PUT", times=1))
    code, report = world.report("accredible", "batch-sync")
    assert (code, report["unsure"], report["failed"]) == (0, 0, 0), report
    (after,) = world.of("4108", old.user_id)
    assert after.issued_on == "2026-02-20"
    settled(world)


@pytest.mark.req("AC-03", "AC-17", "AC-27", "AC-59")
def test_in_real_time_an_update_never_updates_and_an_award_follows_its_own_setting(world: AccredibleWorld) -> None:
    old = award(world)
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.set("REAL_TIME_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.sync()
    world.box.docebo.renew_award(old.award_id, "2026-02-20 08:00:00", "2030-02-20 08:00:00")
    code, report = event(world, "updated", old.user_id)
    assert (code, report["planned"], report["skipped"]) == (0, {}, {"realtime_update_unsupported": 1})
    world.set("REAL_TIME_OVERWRITE_BEHAVIOUR", "SKIP")
    assert event(world, "awarded", old.user_id)[1]["skipped"]["overwrite_skip"] == 1
    world.set("REAL_TIME_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    assert event(world, "awarded", old.user_id)[1]["done"] == {"update": 1}


@pytest.mark.req("AC-39", "AC-60", "AC-15", "AC-74", "GN-34")
def test_a_revoked_award_ends_its_credential_and_another_award_brings_it_back(world: AccredibleWorld) -> None:
    old = award(world)
    world.sync()
    (before,) = world.of("4108", old.user_id)
    world.box.docebo.revoke_award(old.award_id)
    assert world.sync("--full")["planned"] == {}, "a listing ends nothing"
    assert event(world, "revoked", old.user_id)[1]["skipped"] == {"negative_sync_off": 1}
    world.set("SYNC_REVOCATION", "false")
    code, report = event(world, "revoked", old.user_id)
    assert (code, report["done"]) == (0, {"expire": 1}), report
    (ended,) = world.of("4108", old.user_id)
    assert ended.id == before.id
    assert ended.expired_on == ended.meta_data["connectctl_ended"]
    assert event(world, "revoked", old.user_id)[1]["planned"] == {}
    assert world.sync("--full")["planned"] == {}
    world.box.docebo.award(old.user_id, CODE, "2026-03-12 10:00:00", expires_at="2031-03-12 10:00:00")
    report = world.sync()
    assert report["done"] == {"update": 1}, report
    (back,) = world.of("4108", old.user_id)
    assert (back.id, back.issued_on, back.expired_on) == (before.id, "2026-03-12", "2031-03-12")
    settled(world)


@pytest.mark.req("GN-32", "AC-29")
def test_a_recipient_with_docebos_id_and_without_our_mark_is_somebody_elses(world: AccredibleWorld) -> None:
    group, user = some(world)
    email = world.box.docebo.users[int(user)].email
    made = world.box.accredible.issue(int(group), email, "By another tool", recipient_id=user)
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.sync()
    code, out, _ = world.run("ledger", "list", "--state", "foreign", "--json")
    assert code == 0
    assert {entry["remote_id"] for entry in json.loads(out)} >= {str(made.id)}
    assert world.box.accredible.credentials[made.id] == made


@pytest.mark.req("GN-21", "AC-38")
def test_a_lost_ledger_finds_its_credentials_again_by_their_marks(world: AccredibleWorld) -> None:
    world.sync()
    before = world.held()
    for file in world.home.rglob("store.db*"):
        if file.is_file():
            file.unlink()
    again = make_accredible(world.box, world.home)
    assert again.expected == frozenset()
    again.sync()
    assert again.held() == before
    code, out, _ = again.run("ledger", "list", "--state", "adopted", "--json")
    assert (code, len(json.loads(out))) == (0, len(before))


@pytest.mark.req("AC-51", "AC-52", "AC-53", "AC-54")
def test_groups_that_are_renamed_deleted_or_share_an_identifier(world: AccredibleWorld) -> None:
    accredible, docebo = world.box.accredible, world.box.docebo

    def rows() -> dict[str, dict[str, Any]]:
        found = json.loads(world.run("lookup", "show", "accredible-credential-groups", "-o", "json")[1])
        return {row["Accredible Group ID"]: row for row in found}

    def labels() -> dict[int, str]:
        return {option.option_id: option.label for one in docebo.fields.values() for option in one.options}

    renamed, before = some(world)[0], rows()
    gone = accredible.add_group("short-lived", course_name="Short", course_description="Not for long.")
    accredible.add_group(before[renamed]["Accredible Group Name (Identifier)"], course_name="Twin")
    assert world.run("accredible", "sync-groups")[0] == 0
    assert (str(gone.id) in rows(), len(rows())) == (True, len(before) + 1), "a namesake is left out"
    world.map(str(gone.id), code=CODE)
    element = rows()[renamed]["Dropdown Element ID"]
    accredible.delete_group(gone.id)
    accredible.update_group(int(renamed), name="a-new-identifier")
    assert world.run("accredible", "sync-groups")[0] == 0
    assert world.run("accredible", "sync-field")[0] == 0
    after = rows()
    assert (str(gone.id) in after, after[renamed]["Dropdown Element ID"]) == (False, element)
    assert labels()[element] == "a-new-identifier"
    mapped = json.loads(world.run("lookup", "show", "accredible-integration-mappings", "-o", "json")[1])
    assert [row["IsActive"] for row in mapped if row["Credential Group ID"] == str(gone.id)] == [False]
    assert labels().keys() >= {row["Dropdown Element ID"] for row in after.values() if row["IsActive"]}


@pytest.mark.req("GN-32")
def test_a_marked_one_of_another_platforms_learner_with_the_same_id_is_never_changed(world: AccredibleWorld) -> None:
    group, user = some(world)
    mark = "connectctl-" + "f" * 20
    details = {"recipient_id": user, "license_id": mark, "meta_data": {"connectctl": mark}}
    made = world.box.accredible.issue(int(group), "else@example.org", "Somebody Else", **details)
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.sync("--template", group)
    world.box.docebo.enroll(int(user), course_of(world, group), completed_at="2026-03-05 10:00:00")
    world.sync("--template", group)
    assert world.box.accredible.credentials[made.id] == made


@pytest.mark.req("GN-32", "GN-36", "AC-57")
def test_one_that_people_gave_to_another_recipient_is_not_overwritten(world: AccredibleWorld) -> None:
    group, user = some(world)
    world.sync()
    (made,) = world.of(group, user)
    given = world.box.accredible.change(made.id, recipient_email="new@example.org", recipient_id="999999")
    world.set("BATCH_OVERWRITE_BEHAVIOUR", "OVERWRITE")
    world.box.docebo.enroll(int(user), course_of(world, group), completed_at="2026-03-05 10:00:00")
    code, report = world.report("accredible", "batch-sync")
    (item,) = report["items"]
    assert (code, item["outcome"]) == (8, "failed")
    assert "is now that of recipient 999999" in item["error"]
    assert world.box.accredible.credentials[made.id] == given
    assert world.sync()["planned"] == {}
