"""`credly batch-sync --direction inwards` against the sandbox: badges from elsewhere become training and awards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import connectctl_credly.plugin as credly
from connectctl_sandbox import Fault, Sandbox

NOBODY = "nobody@elsewhere.example"


@dataclass
class Imports:
    """A sandbox with one template that becomes training and the certification PRIVACY, and the command line."""

    box: Sandbox
    call: Callable[..., Any]
    template: str = ""
    other: str = ""

    def command(self, *args: str) -> Any:
        return self.call(*args, plugins={"credly": credly})

    def setting(self, key: str, value: str) -> None:
        assert self.command("lookup", "set", "integration-settings", "CREDLY", key, f"Value={value}").code == 0

    def map(self, template: str, code: str = "", *, training: bool = True) -> None:
        flag = f"Import As External Training={str(training).lower()}"
        done = self.command("lookup", "set", "credly-integration-mappings", template, "", code, flag, "IsActive=true")
        assert done.code == 0, done.err

    def run(self, *args: str, code: int = 0) -> dict[str, Any]:
        """One inward run; the calls of the run alone are in the box's log afterwards."""
        self.box.log.clear()
        done = self.command("credly", "batch-sync", "--direction", "inwards", "--yes", "--json", *args)
        assert done.code == code, done.err + done.out
        found: dict[str, Any] = json.loads(done.out)
        return found

    def calls(self, path: str = "", method: str = "GET") -> int:
        return sum(path in entry.path and entry.method == method for entry in self.box.log.entries)

    def writes(self) -> int:
        return sum(e.method != "GET" and "oauth" not in e.path for e in self.box.log.entries)

    @property
    def users(self) -> list[Any]:
        addresses = [user.email for user in self.box.docebo.users.values()]
        holders = {badge.recipient_email for badge in self.box.credly.badges.values()}
        some = [user for user in self.box.docebo.users.values() if user.level == "User" and user.email]
        awarded = {award.user_id for award in self.box.docebo.awards.values()}
        return [
            u for u in some if addresses.count(u.email) == 1 and u.email not in holders and u.user_id not in awarded
        ]

    def trainings(self) -> dict[str, Any]:
        """By the badge that each is about."""
        return {one.course_code: one for one in self.box.docebo.trainings.values() if "-" in one.course_code[8:9]}

    def awards(self) -> list[Any]:
        return [one for one in self.box.docebo.awards.values() if one.origin_type == "external_certification"]


@pytest.fixture
def imports(run: Callable[..., Any], tmp_path: Path) -> Iterator[Imports]:
    with Sandbox(seed=1) as box:
        home = tmp_path / "profile"
        home.mkdir(exist_ok=True)
        config = home / "config.toml"
        config.touch(0o600)
        config.write_text(box.config_toml())
        made = Imports(box, run, box.suggested["PRIVACY"], box.suggested["FIRST-AID"])
        box.credly.badges.clear()
        assert made.command("credly", "sync-templates").code == 0
        made.setting("COURSE_ADDITIONAL_FIELD", "Credly badge")
        made.setting("BATCH_SYNC_START_DATE", "2026-01-01")
        made.setting("SYNC_REVOCATION", "false")
        made.setting("EXTERNAL_TRAINING_INSTITUTE_NAME", "Credly")
        made.map(made.template, "PRIVACY")
        yield made


@pytest.mark.req("CR-01", "CR-41", "CR-43", "CR-44", "CR-45", "CR-47", "CR-50", "CR-73", "CR-74", "CR-83", "GN-31")
def test_badges_are_imported_once(imports: Imports) -> None:
    first, second = imports.users[:2]
    box = imports.box
    badges = [box.credly.issue(first.email, imports.template, state="accepted")]
    badges.append(box.credly.issue(second.email.upper(), imports.template, state="pending"))
    box.credly.issue(NOBODY, imports.template)
    report = imports.run()
    assert (report["done"], report["skipped"]) == ({"create_training": 2, "award": 2}, {"user_not_found": 2})
    assert set(imports.trainings()) == {badge.id for badge in badges}
    assert {one.user_id for one in imports.awards()} == {first.user_id, second.user_id}
    assert {one.external_id for one in imports.awards()} == {badge.id for badge in badges}
    again = imports.run()
    assert (again["planned"], imports.writes()) == ({}, 0)
    full = imports.run("--full")
    assert (full["planned"], imports.writes()) == ({}, 0)
    assert full["skipped"]["unchanged"] == 4


@pytest.mark.req("GN-37")
def test_a_run_with_nothing_new_asks_for_the_events_alone(imports: Imports) -> None:
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    imports.run()
    imports.run()
    assert [(e.method, e.path.rsplit("/", 1)[-1]) for e in imports.box.log.entries] == [("GET", "events")]


@pytest.mark.req("GN-37", "GN-16")
def test_whom_nobody_knows_costs_one_call_until_the_user_comes(imports: Imports) -> None:
    for number in range(3):
        imports.box.credly.issue(f"nobody{number}@elsewhere.example", imports.template, state="accepted")
    imports.run()
    report = imports.run()
    assert (report["skipped"], report["planned"]) == ({"user_not_found": 6}, {})
    docebo = [entry.path for entry in imports.box.log.entries if entry.remote == "docebo"]
    assert len([path for path in docebo if "oauth" not in path]) == 1, imports.box.log.entries  # the users that changed
    user = imports.users[0]
    imports.box.docebo.change_email(user.user_id, "nobody1@elsewhere.example")
    report = imports.run()
    assert report["done"] == {"create_training": 1, "award": 1}
    assert {item["user"] for item in report["items"]} == {str(user.user_id)}


@pytest.mark.req("CR-48", "CR-49", "CR-50", "CR-59", "CR-65", "CR-70")
def test_a_replacement_updates_and_a_revocation_takes_away(imports: Imports) -> None:
    box, user = imports.box, imports.users[0]
    badge = box.credly.issue(user.email, imports.template, state="accepted")
    imports.run()
    box.clock.advance(60)
    newer = box.credly.issue(user.email, imports.template, state="accepted", replaces_badge_id=badge.id)
    box.credly.put(_with(box.credly.badges[badge.id], replacement_badge_id=newer.id), "badge.state.changed")
    report = imports.run()
    assert report["done"] == {"update_training": 1, "update_award": 1}
    assert list(imports.trainings()) == [newer.id]
    assert [one.external_id for one in imports.awards()] == [newer.id]
    box.clock.advance(60)
    box.credly.revoke(newer.id, "a mistake")
    report = imports.run()
    assert report["done"] == {"delete_training": 1, "revoke_award": 1}
    assert (imports.trainings(), imports.awards()) == ({}, [])
    assert imports.run()["planned"] == {}
    assert imports.run("--full")["planned"] == {}


@pytest.mark.req("CR-65", "CR-77")
def test_with_negative_synchronization_off_nothing_is_taken_away(imports: Imports) -> None:
    imports.setting("SYNC_REVOCATION", "true")
    badge = imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    imports.run()
    imports.box.clock.advance(60)
    imports.box.credly.revoke(badge.id, "a mistake")
    assert imports.run()["skipped"] == {"negative_sync_off": 2}
    imports.setting("SYNC_REVOCATION", "false")  # and once it is on, the parts are read anew
    assert imports.run()["done"] == {"delete_training": 1, "revoke_award": 1}


@pytest.mark.req("CR-82")
@pytest.mark.parametrize("shown", ["snapshot", "current"])
def test_a_deleted_badge_counts_as_revoked(imports: Imports, shown: Any) -> None:
    """Whether the event still shows the badge, or its id alone."""
    imports.box.credly.flags.event_state = shown
    users = imports.users
    badge = imports.box.credly.issue(users[0].email, imports.template, state="accepted")
    imports.box.credly.issue(users[1].email, imports.template, state="accepted")
    imports.run()
    imports.box.clock.advance(60)
    imports.box.credly.delete(badge.id)
    assert imports.run()["done"] == {"delete_training": 1, "revoke_award": 1}
    assert badge.id not in imports.trainings()
    assert imports.run()["planned"] == {}


@pytest.mark.req("CR-82", "GN-37")
@pytest.mark.parametrize("shown", ["snapshot", "current"])
def test_a_badge_deleted_days_before_everything_is_read_counts_as_revoked(imports: Imports, shown: Any) -> None:
    """As in every run of somebody who imports once a week: the event is older than the overlap."""
    imports.box.credly.flags.event_state = shown
    users = imports.users
    badge = imports.box.credly.issue(users[0].email, imports.template, state="accepted")
    imports.box.credly.issue(users[1].email, imports.template, state="accepted")
    imports.run()
    imports.box.clock.advance(60)
    imports.box.credly.delete(badge.id)
    imports.box.clock.advance(3 * 86400)
    imports.box.credly.issue(users[2].email, imports.template, state="accepted")
    report = imports.run("--full")
    assert report["done"] == {"create_training": 1, "award": 1, "delete_training": 1, "revoke_award": 1}
    assert imports.run()["planned"] == {}


@pytest.mark.req("CR-50", "GN-34")
def test_what_is_missing_from_a_list_stays(imports: Imports) -> None:
    badge = imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    imports.run()
    del imports.box.credly.badges[badge.id]  # no event, no state: just gone
    report = imports.run("--full")
    assert (report["planned"], report["status"]) == ({}, "succeeded")


@pytest.mark.req("CR-46", "CR-68", "CR-70")
def test_what_we_issued_does_not_come_back(imports: Imports) -> None:
    user = imports.users[0]
    imports.box.credly.issue(user.email, imports.template, issuer_earner_id=str(user.user_id), state="accepted")
    other = imports.users[1]
    imports.box.credly.issue(other.email, imports.template, issuer_earner_id=str(user.user_id), state="accepted")
    report = imports.run()
    assert (report["planned"], report["skipped"]) == ({}, {"issued_by_us": 2, "identity_conflict": 2})


@pytest.mark.req("GN-32", "GN-36")
def test_an_address_that_moves_to_another_user_makes_no_second_training_or_award(imports: Imports) -> None:
    first, second = imports.users[:2]
    badge = imports.box.credly.issue(first.email, imports.template, state="accepted")
    assert imports.run()["done"] == {"create_training": 1, "award": 1}
    users = imports.box.docebo.users
    users[first.user_id] = _with(first, email="moved@example.org")
    users[second.user_id] = _with(second, email=first.email)
    report = imports.run("--full")
    assert (report["planned"], report["skipped"]) == ({}, {"identity_conflict": 2})
    assert (list(imports.trainings()), len(imports.awards())) == ([badge.id], 1)
    assert imports.run()["planned"] == {}


@pytest.mark.req("CR-12", "CR-19", "CR-75", "CR-76")
def test_with_docebo_as_the_master_no_award_is_given(imports: Imports) -> None:
    imports.setting("CREDLY_INTEGRATION_MASTER", "docebo")
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    report = imports.run()
    assert (report["done"], report["skipped"]) == ({"create_training": 1}, {"master_direction": 1})
    assert imports.calls("certification") == 0


@pytest.mark.req("CR-10")
def test_without_an_institute_nothing_is_imported(imports: Imports) -> None:
    imports.setting("EXTERNAL_TRAINING_INSTITUTE_NAME", "")
    done = imports.command("credly", "batch-sync", "--direction", "inwards", "--yes")
    assert done.code == 3
    assert "EXTERNAL_TRAINING_INSTITUTE_NAME" in done.err


@pytest.mark.req("GN-12", "GN-41")
def test_without_a_start_date_nothing_is_imported(imports: Imports) -> None:
    imports.setting("BATCH_SYNC_START_DATE", "")
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    assert imports.command("credly", "batch-sync", "--direction", "inwards", "--yes").code == 3
    assert imports.command("credly", "batch-sync", "--direction", "inwards", "--all-history", "--yes").code == 6
    imports.run("--all-history", "--max-changes", "100")


@pytest.mark.req("CR-51", "GN-17")
def test_a_certification_that_docebo_does_not_have_is_named(imports: Imports) -> None:
    imports.map(imports.other, "NO-SUCH-CODE", training=False)
    imports.box.credly.issue(imports.users[0].email, imports.other, state="accepted")
    report = imports.run()
    assert (report["planned"], report["skipped"]) == ({}, {"connectctl:certification_unknown": 1})


@pytest.mark.req("CR-51", "GN-17")
def test_a_certification_that_is_there_is_never_called_unknown(imports: Imports) -> None:
    box = imports.box
    box.docebo.add_certification(" PADDED ", "Padded")
    imports.map(imports.other, "PADDED", training=False)
    badge = box.credly.issue(imports.users[0].email, imports.other, state="accepted")
    for args in (("--badge", badge.id, "--dry-run"), ("--template", imports.other, "--dry-run"), ("--dry-run",)):
        report = imports.run(*args)
        assert (report["planned"], report["skipped"]) == ({"award": 1}, {}), args


@pytest.mark.req("CR-51", "GN-34")
def test_where_a_certification_could_not_be_read_none_is_called_unknown(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectctl.docebo import certifications

    walk = certifications.walk

    def torn(docebo: Any, *, on_bad: Any = None) -> Iterator[Any]:
        for one in walk(docebo, on_bad=on_bad):
            if one.code == "PRIVACY":
                on_bad("a certification without an id")
            else:
                yield one

    monkeypatch.setattr(certifications, "walk", torn)
    imports.map(imports.template, "PRIVACY", training=False)
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    report = imports.run(code=8)
    assert report["skipped"] == {"connectctl:incomplete": 1}
    assert imports.awards() == []
    monkeypatch.undo()


@pytest.mark.req("CR-51", "GN-17")
def test_a_code_that_two_certifications_share_is_given_to_neither(imports: Imports) -> None:
    twin = imports.box.docebo.add_certification("PRIVACY", "Another Privacy Officer")
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    report = imports.run()
    assert report["done"] == {"create_training": 1}
    assert report["skipped"] == {"connectctl:certification_ambiguous": 1}
    assert imports.awards() == []
    del imports.box.docebo.certifications[twin.certification_id]
    assert imports.run()["done"] == {"award": 1}


@pytest.mark.req("CR-43", "GN-19")
def test_a_badge_that_cannot_be_read_stops_no_other(imports: Imports) -> None:
    first, second = imports.users[:2]
    good = imports.box.credly.issue(first.email, imports.template, state="accepted")
    bad = imports.box.credly.issue(second.email, imports.template, state="accepted")
    imports.box.credly.put(_with(imports.box.credly.badges[bad.id], state="melted"), "badge.state.changed")
    report = imports.run(code=8)
    assert report["done"] == {"create_training": 1, "award": 1}
    assert [bad.id in str(item["error"]) for item in report["items"] if item["outcome"] == "failed"] == [True]
    assert list(imports.trainings()) == [good.id]
    report = imports.run(code=8)  # it is not forgotten
    assert (report["planned"], imports.writes()) == ({}, 0)


@pytest.mark.req("CR-43", "GN-19")
def test_a_template_that_cannot_be_read_stops_no_other(imports: Imports) -> None:
    imports.map(imports.other)
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    imports.box.credly.issue(imports.users[1].email, imports.other, state="accepted")
    imports.box.faults.add(Fault("wrong_types", "credly", "GET", r"/badges$", times=1))
    report = imports.run(code=8)
    assert report["failed"] > 0
    assert report["done"] != {}
    report = imports.run()
    assert len(imports.trainings()) == 2


@pytest.mark.req("CR-47", "CR-50", "GN-21")
def test_a_lost_answer_is_looked_for_and_not_repeated(imports: Imports) -> None:
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    imports.box.faults.add(Fault("lose_answer", "docebo", "POST", r"(training|awards)", times=2))
    report = imports.run()
    assert {item["outcome"] for item in report["items"]} == {"adopted"}
    assert (len(imports.trainings()), len(imports.awards())) == (1, 1)
    assert imports.run()["planned"] == {}


@pytest.mark.req("CR-47", "CR-49", "CR-50", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "http_500_after"])
def test_whatever_is_lost_is_settled_by_the_same_run(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("connectctl.badging.importing.LAG", 0.3)
    credly = imports.box.credly
    badge = credly.issue(imports.users[0].email, imports.template, state="accepted")

    def lost(times: int) -> dict[str, Any]:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            imports.box.faults.add(Fault(kind, "docebo", method, r"(training|awards?)", times=1))
        report = imports.run()
        imports.box.faults.clear()
        assert sum(report["done"].values()) == times, report
        assert imports.run()["planned"] == imports.run("--full")["planned"] == {}
        return report

    assert set(lost(2)["planned"]) == {"create_training", "award"}
    assert (len(imports.trainings()), len(imports.awards())) == (1, 1)
    credly.put(_with(badge, expires_at=2_000_000_000.0), "badge.state.changed")
    assert set(lost(1)["planned"]) == {"update_award"}
    assert [one.expires_at is not None for one in imports.awards()] == [True]
    credly.revoke(badge.id, "over")
    assert set(lost(2)["planned"]) == {"delete_training", "revoke_award"}
    assert (imports.trainings(), imports.awards()) == ({}, [])


@pytest.mark.req("CR-50")
def test_a_certification_that_was_earned_in_docebo_is_left_alone(imports: Imports) -> None:
    award = next(one for one in imports.box.docebo.awards.values() if one.certification_id == _privacy(imports))
    user = imports.box.docebo.users[award.user_id]
    imports.box.credly.issue(user.email, imports.template, state="accepted")
    report = imports.run()
    assert (report["done"], report["skipped"]) == ({"create_training": 1}, {"came_from_docebo": 1})
    assert imports.box.docebo.awards[award.award_id] == award


def _privacy(imports: Imports) -> int:
    found: int = imports.box.docebo.certification("PRIVACY").certification_id
    return found


# --- narrowed runs


@pytest.mark.req("CR-44")
def test_one_user_costs_one_search_and_the_own_badges(imports: Imports) -> None:
    first, second = imports.users[:2]
    for user in (first, second):
        imports.box.credly.issue(user.email, imports.template, state="accepted")
    report = imports.run("--user", str(second.user_id))
    assert report["done"] == {"create_training": 1, "award": 1}
    assert {item["user"] for item in report["items"]} == {str(second.user_id)}
    assert imports.calls("/events") == 0
    assert imports.run()["done"] == {"create_training": 1, "award": 1}  # no cursor was moved


def test_one_badge_and_one_template(imports: Imports) -> None:
    imports.map(imports.other)
    users = imports.users
    badges = [imports.box.credly.issue(users[i].email, imports.template, state="accepted") for i in range(2)]
    imports.box.credly.issue(users[2].email, imports.other, state="accepted")
    assert imports.run("--badge", badges[0].id)["done"] == {"create_training": 1, "award": 1}
    assert imports.run("--template", imports.template)["done"] == {"create_training": 1, "award": 1}
    assert imports.run()["done"] == {"create_training": 1}


@pytest.mark.req("CR-44", "GN-17")
def test_a_template_that_is_named_says_why_nothing_comes_of_it(imports: Imports) -> None:
    imports.box.credly.issue(imports.users[0].email, imports.other, state="accepted")
    assert imports.run("--template", imports.other)["skipped"] == {"mapping_missing": 1}


# --- both directions


@pytest.mark.req("CR-69", "CR-70")
def test_both_directions_give_an_array_of_two_runs(imports: Imports) -> None:
    assert imports.command("credly", "sync-field", "--yes").code == 0
    imports.box.credly.issue(imports.users[0].email, imports.template, state="accepted")
    for again in (False, True):
        done = imports.command("credly", "batch-sync", "--direction", "both", "--yes", "--json")
        assert done.code == 0, done.err
        outwards, inwards = json.loads(done.out)
        assert (outwards["flow"], inwards["flow"]) == ("credly.batch-sync", "credly.batch-sync-inwards")
        # The award that was imported does not go out, and the badge that was issued does not come in.
        assert outwards["planned"] == ({} if again else {"issue": 1})
        assert inwards["planned"] == ({} if again else {"create_training": 1, "award": 1})


@pytest.mark.req("CR-70")
def test_both_directions_as_text_say_which_is_which(imports: Imports) -> None:
    assert imports.command("credly", "sync-field", "--yes").code == 0
    err = imports.command("credly", "batch-sync", "--direction", "both", "--yes").err
    first, second = err.index("Outwards, "), err.index("Inwards, ")
    assert first < err.index("Run r_") < second < err.rindex("Run r_")


@pytest.mark.req("CR-49", "GN-34")
def test_reconcile_says_how_a_credential_with_another_owner_is_listed(imports: Imports) -> None:
    assert imports.command("credly", "sync-field", "--yes").code == 0
    user = imports.users[0]
    imports.box.credly.issue(user.email, imports.template, state="accepted")
    assert imports.run()["done"] == {"create_training": 1, "award": 1}
    imports.box.docebo.change_email(user.user_id, "moved@acme.example")
    report = json.loads(imports.command("credly", "reconcile", "--json").out)
    details = [one["detail"] for one in report["findings"] if one["kind"] == "extra"]
    assert len(details) == 2, report["findings"]
    assert all(f"its credential is listed with another owner ({user.email})" in words for words in details), details


@pytest.mark.req("CR-42")
def test_both_directions_end_with_the_worse_of_the_two(imports: Imports) -> None:
    imports.setting("EXTERNAL_TRAINING_INSTITUTE_NAME", "")
    assert imports.command("credly", "sync-field", "--yes").code == 0
    done = imports.command("credly", "batch-sync", "--direction", "both", "--yes", "--json")
    assert done.code == 3
    assert [run["flow"] for run in json.loads(done.out)][:1] == ["credly.batch-sync"]


EDGES = {
    ("batch-sync-inwards", "read-settings"),
    ("batch-sync-inwards", "check-master"),
    ("batch-sync-inwards", "read-credentials"),
    ("read-credentials", "import-credential"),
    ("import-credential", "find-user"),
    ("import-credential", "check-origin"),
    ("import-credential", "import-training"),
    ("import-credential", "import-award"),
    ("import-training", "update-training"),
    ("import-training", "delete-training"),
    ("update-training", "delete-training"),
    ("import-award", "find-award"),
}


def test_the_runs_note_the_recipes_of_the_call_graph(imports: Imports) -> None:
    """Every edge below the inward batch, and no other."""
    box, users = imports.box, imports.users
    imports.map(imports.other)
    badges = [box.credly.issue(users[i].email, imports.template, state="accepted") for i in range(3)]
    runs = [imports.run()]
    box.clock.advance(60)
    same = box.credly.issue(users[0].email, imports.template, state="accepted", replaces_badge_id=badges[0].id)
    moved = box.credly.issue(users[1].email, imports.other, state="accepted", replaces_badge_id=badges[1].id)
    for old, new in ((badges[0], same), (badges[1], moved)):
        box.credly.put(_with(box.credly.badges[old.id], replacement_badge_id=new.id), "badge.state.changed")
    box.credly.revoke(badges[2].id, "a mistake")
    runs.append(imports.run())
    assert runs[-1]["done"] == {
        "update_training": 1,
        "update_award": 1,
        "delete_training": 2,
        "create_training": 1,
        "revoke_award": 1,
    }
    verbs = {title: verb for verb, title in credly.TITLES.items()}
    found = set()
    for one in runs:
        shown = json.loads(imports.command("run", "show", one["run"], "--json").out)
        found |= {(verbs.get(step["caller"], ""), verbs[step["recipe"]]) for step in shown["steps"]}
    assert found == EDGES


@pytest.mark.parametrize(
    "args",
    [
        ("--direction", "inwards", "--course", "88"),
        ("--direction", "both", "--reissue", "expired"),
        ("--badge", "b1"),
        ("--direction", "both", "--plan-out", "plan.json"),
    ],
)
def test_options_that_do_not_fit_a_direction_are_refused(imports: Imports, args: tuple[str, ...]) -> None:
    assert imports.command("credly", "batch-sync", *args).code == 2


def _with(record: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(record, **changes)


@pytest.mark.req("CR-43", "CR-52", "GN-37")
def test_a_feed_that_names_nothing_loses_no_event(imports: Imports) -> None:
    box, users = imports.box, imports.users
    box.credly.issue(users[0].email, imports.template, state="accepted")
    imports.run()
    box.credly.flags.event_subject = "by_id"
    box.clock.advance(60)
    for user in users[1:4]:
        box.credly.issue(user.email, imports.template, state="accepted")
    assert imports.run()["done"] == {"create_training": 3, "award": 3}
    box.clock.advance(60)
    gone, kept = (badge.id for badge in list(box.credly.badges.values())[:2])
    box.credly.flags.event_state = "current"
    box.credly.delete(gone)
    box.credly.issue(users[4].email, imports.template, state="accepted")
    report = imports.run()
    assert report["done"] == {"create_training": 1, "award": 1, "delete_training": 1, "revoke_award": 1}
    assert kept in imports.trainings()


@pytest.mark.req("CR-49")
@pytest.mark.parametrize("full", [(), ("--full",)])
def test_a_badge_replaced_by_one_of_a_template_that_is_not_mapped(imports: Imports, full: tuple[str, ...]) -> None:
    box, user = imports.box, imports.users[0]
    badge = box.credly.issue(user.email, imports.template, state="accepted")
    imports.run()
    box.clock.advance(60)
    newer = box.credly.issue(user.email, imports.other, state="accepted", replaces_badge_id=badge.id)
    box.credly.put(_with(box.credly.badges[badge.id], replacement_badge_id=newer.id), "badge.state.changed")
    assert imports.run(*full)["done"] == {"delete_training": 1}


@pytest.mark.req("CR-52", "CR-82")
@pytest.mark.parametrize("shown", ["snapshot", "current"])
def test_the_event_of_a_deleted_badge_takes_away_at_once(imports: Imports, shown: Any) -> None:
    box, user = imports.box, imports.users[0]
    badge = box.credly.issue(user.email, imports.template, state="accepted")
    imports.run()
    box.clock.advance(60)
    box.credly.flags.event_state = shown
    box.credly.delete(badge.id)
    event = box.credly.events[-1]
    done = imports.command("flow", "run", "credly.process-event", "--param", f"event={event.id}", "--yes", "--json")
    assert done.code == 0, done.err
    assert (imports.trainings(), imports.awards()) == ({}, [])


@pytest.mark.req("CR-82", "GN-37")
@pytest.mark.parametrize("shown", ["snapshot", "current"])
def test_a_deletion_waits_for_its_user(imports: Imports, shown: Any) -> None:
    """What happened while two users shared the address is not forgotten."""
    box, user, other = imports.box, *imports.users[:2]
    badge = box.credly.issue(user.email, imports.template, state="accepted")
    imports.run()
    box.clock.advance(60)
    address = other.email
    box.docebo.change_email(other.user_id, user.email)
    box.credly.flags.event_state = shown
    box.credly.delete(badge.id)
    assert imports.run()["skipped"] == {"ambiguous_user": 2}
    box.clock.advance(60)
    assert imports.run()["skipped"] == {"ambiguous_user": 2}
    box.docebo.change_email(other.user_id, address)
    assert imports.run()["done"] == {"delete_training": 1, "revoke_award": 1}
    assert imports.run()["planned"] == {}


@pytest.mark.req("CR-82", "GN-37")
def test_a_badge_that_is_gone_is_not_imported_when_its_user_comes(imports: Imports) -> None:
    box, user = imports.box, imports.users[0]
    box.docebo.flags.ignore_date_filters = True
    badge = box.credly.issue(NOBODY, imports.template, state="accepted")
    imports.run()
    box.clock.advance(60)
    box.credly.delete(badge.id)
    box.docebo.change_email(user.user_id, NOBODY)
    assert imports.run()["planned"] == {}


@pytest.mark.req("GN-17")
def test_a_certification_that_no_row_names_is_named(imports: Imports) -> None:
    report = imports.run("--certification", "NOPE", "--skips")
    assert report["skipped"] == {"mapping_missing": 1}
    assert [item["key"] for item in report["items"]] == ["certification:NOPE"]


def test_the_kit_names_no_provider() -> None:
    """A second provider gets hints with its own commands."""
    import connectctl

    package = Path(connectctl.__file__).parent
    for path in [*package.glob("badging/*.py"), *package.glob("flows/*.py")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.partition("#")[0]
            assert "connectctl credly" not in code, f"{path.name}:{number}"
            assert '"credly' not in code.lower(), f"{path.name}:{number}"


@pytest.mark.req("CR-75", "GN-37")
def test_what_came_while_docebo_was_the_master_is_not_lost(imports: Imports) -> None:
    box, users = imports.box, imports.users
    box.credly.issue(users[0].email, imports.template, state="accepted")
    imports.run()
    imports.setting("CREDLY_INTEGRATION_MASTER", "DOCEBO")
    box.clock.advance(60)
    box.credly.issue(users[1].email, imports.template, state="accepted")
    assert imports.run()["done"] == {"create_training": 1}
    imports.setting("CREDLY_INTEGRATION_MASTER", "CREDLY")
    assert imports.run()["done"] == {"award": 1}
