"""The plans of the import: tables of cases for every rule and reason, and properties of the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.badging.inwards import (
    COMMON,
    DAY,
    NOW,
    START,
    Importing,
    actions,
    award_view,
    chain,
    credential,
    entry,
    reasons,
    training_view,
)

from connectctl.badging import awarding, training
from connectctl.badging.inward_plan import plan
from connectctl.badging.provider import Credential, Options
from connectctl.badging.scope import Scope
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training

PLACE = training.holding("lms", "t1", "4711", "b1")
AWARD = awarding.holding("lms", "SEC", "4711")
LATER = DAY + timedelta(days=100)
SOON = NOW + timedelta(days=100)
GONE = NOW - timedelta(days=1)


def common(**changes: Any) -> Any:
    return replace(COMMON, **changes)


# --- who is left out, for both kinds alike (CR-43 to CR-46)


@pytest.mark.req("CR-06", "CR-43", "CR-44", "CR-45", "CR-46", "CR-68", "CR-82", "CR-83", "GN-12", "GN-16", "GN-17")
@pytest.mark.parametrize(
    ("made", "view", "reason"),
    [
        (chain(credential(issued_at=None)), {}, "connectctl:no_issue_date"),
        (chain(credential(issued_at=START - timedelta(seconds=1))), {}, "before_start_date"),
        (chain(credential(issued_at=NOW + timedelta(days=2))), {}, "connectctl:future_date"),
        (chain(credential(emails=frozenset()), owners=()), {}, "no_email"),
        (chain(owners=()), {}, "user_not_found"),
        (chain(owners=("1", "2")), {}, "ambiguous_user"),
        (chain(credential(earner_id=" 4711 ")), {}, "issued_by_us"),
        (chain(ours=True), {}, "issued_by_us"),
        (chain(ours=True, owners=None), {}, "issued_by_us"),  # nobody is looked for on its account
        (chain(ours=True, owners=()), {}, "user_not_found"),  # the order of CR-44
        (chain(credential(earner_id="4712"), earner_known=True), {}, "identity_conflict"),
        (chain(), {"reason": "mapping_missing"}, "mapping_missing"),
        (chain(), {"reason": "mapping_inactive"}, "mapping_inactive"),
        (chain(), {"reason": "import_flag_off"}, "import_flag_off"),
        (chain(), {"reason": "master_direction"}, "master_direction"),
        (chain(credential(state="rejected")), {}, "rejected_before"),
        (chain(credential(state="revoked")), {}, "revoked_before"),
        (chain(deleted=True), {}, "revoked_before"),
        (
            chain(credential(state="pending")),
            {"common": common(options=Options(only_accepted=True))},
            "connectctl:not_accepted",
        ),
        (chain(successor="unknown"), {}, "connectctl:successor_unknown"),
        (chain(successor="other"), {}, "connectctl:moved_template"),
        (chain(), {"common": common(scope=Scope(actions=frozenset({"nothing"})))}, "connectctl:other_recipe"),
        (chain(), {"blind": True}, "connectctl:incomplete"),
    ],
)
def test_what_is_left_out_and_why(made: Any, view: Any, reason: str) -> None:
    for found in (plan(training_view(made, **view)), plan(award_view(made, **view))):
        assert (actions(found), reasons(found)) == ([], [reason])


@pytest.mark.req("CR-06", "GN-12")
def test_the_start_date_itself_counts() -> None:
    assert actions(plan(training_view(chain(credential(issued_at=START))))) == ["create_training"]


@pytest.mark.req("CR-46")
@pytest.mark.parametrize("earner", ["lms-481", "", "  "])
def test_the_earner_id_of_nobody_in_docebo_is_no_conflict(earner: str) -> None:
    assert actions(plan(training_view(chain(credential(earner_id=earner))))) == ["create_training"]


@pytest.mark.req("CR-44", "CR-46")
def test_the_checks_come_in_their_order() -> None:
    """User, origin, mapping, state: whatever else is wrong, the earlier one is named."""
    wrong = credential(earner_id="4711", state="revoked")
    view = {"reason": "mapping_missing"}
    assert reasons(plan(training_view(chain(wrong, owners=()), **view))) == ["user_not_found"]
    assert reasons(plan(training_view(chain(wrong), **view))) == ["issued_by_us"]
    assert reasons(plan(training_view(chain(replace(wrong, earner_id=None)), **view))) == ["mapping_missing"]


@pytest.mark.req("GN-37")
@pytest.mark.parametrize(
    ("made", "left"),
    [
        (chain(owners=()), 1),
        (chain(owners=("1", "2")), 1),
        (chain(ours=True), 0),
        (chain(credential(issued_at=GONE)), 0),
    ],
)
def test_what_people_can_mend_stays_open(made: Any, left: int) -> None:
    found = plan(training_view(made))
    assert len(found.open) == left
    if left:
        assert found.open[0].data["badges"][0]["id"] == "b1"


# --- external training (CR-47 to CR-49, CR-63, CR-65)


@pytest.mark.req("CR-47", "CR-63")
def test_a_badge_becomes_one_training_with_everything_frozen() -> None:
    (change,) = plan(training_view(chain(credential(expires_at=SOON)))).changes
    assert (change.action, change.holding, change.version, change.user) == ("create_training", PLACE, "b1", "4711")
    assert {key: change.data[key] for key in ("user_id", "name", "code", "institute", "from_date", "link")} == {
        "user_id": "4711",
        "name": "Safety Basics",
        "code": "b1",
        "institute": "Credly",
        "from_date": "2026-02-10",
        "link": "https://badges.example/b1",
    }


REPLACED = (credential("b1", replaced=True, replaced_by="b2"), credential("b2", replaces="b1", issued_at=LATER))
OURS = entry(PLACE, "create_training", "b1")


def written(code: str = "b1", **changes: Any) -> dict[str, list[Training]]:
    day = date(2026, 2, 10)
    return {"4711": [replace(Training("556", "4711", "Safety Basics", code, "Credly", day, day), **changes)]}


@pytest.mark.req("CR-47", "CR-48", "CR-49", "CR-65", "CR-82", "GN-32")
@pytest.mark.parametrize(
    ("made", "view", "action", "reason"),
    [
        (chain(), {"applied": OURS}, None, "unchanged"),
        (chain(*REPLACED), {"applied": OURS}, "update_training", None),
        (chain(credential(state="revoked")), {"applied": OURS}, "delete_training", None),
        (chain(credential(), deleted=True), {"applied": OURS}, "delete_training", None),
        (chain(successor="other"), {"applied": OURS}, "delete_training", None),
        (chain(successor="unknown"), {"applied": OURS}, None, "connectctl:successor_unknown"),
        (chain(credential(state="rejected")), {"applied": OURS}, None, "rejected_before"),
        (
            chain(credential(state="rejected")),
            {"applied": OURS, "common": common(options=Options(rejected_is_revoked=True))},
            "delete_training",
            None,
        ),
        (
            chain(credential(state="revoked")),
            {"applied": OURS, "common": common(negative=False)},
            None,
            "negative_sync_off",
        ),
        (chain(successor="other"), {"applied": OURS, "common": common(negative=False)}, None, "negative_sync_off"),
        (chain(), {"trainings": written()}, None, "unchanged"),
        (chain(*REPLACED), {"trainings": written()}, "update_training", None),
        (chain(credential(state="revoked")), {"trainings": written()}, "delete_training", None),
        (chain(), {"trainings": written("other")}, "create_training", None),
        (chain(), {"trainings": {"1": written()["4711"]}}, None, "identity_conflict"),
        (chain(credential(state="revoked")), {"trainings": written("other")}, None, "revoked_before"),
        (chain(), {"applied": entry(PLACE, "create_training", "b1", state="unsure")}, None, "connectctl:unsettled"),
        (chain(), {"applied": entry(PLACE, "create_training", "b1", state="intended")}, "create_training", None),
        (chain(), {"applied": entry(PLACE, "create_training", "b1", state="foreign")}, None, "foreign"),
        (
            chain(),
            {"applied": entry(PLACE, "create_training", "b1", state="failed", live=False)},
            None,
            "connectctl:failed_before",
        ),
        (
            chain(),
            {
                "applied": entry(PLACE, "create_training", "b1", state="failed", live=False),
                "common": common(retrying=frozenset({PLACE})),
            },
            "create_training",
            None,
        ),
        (chain(), {"applied": entry(PLACE, "delete_training", "b1@revoked", live=False)}, None, "revoked_before"),
        (
            chain(*REPLACED),
            {"applied": entry(PLACE, "delete_training", "b1@revoked", live=False)},
            "create_training",
            None,
        ),
    ],
)
def test_what_becomes_of_a_training(made: Any, view: Any, action: str | None, reason: str | None) -> None:
    found = plan(training_view(made, **view))
    assert (actions(found), reasons(found)) == ([action] if action else [], [reason] if reason else [])


@pytest.mark.req("CR-49")
def test_a_replacement_updates_the_same_training_and_ends_its_entry() -> None:
    (change,) = plan(training_view(chain(*REPLACED), applied=OURS)).changes
    assert (change.data["training_id"], change.data["code"], change.version) == ("555", "b2", "b2")
    assert change.supersedes == OURS[PLACE].key


@pytest.mark.req("CR-47", "GN-32")
def test_a_training_that_bears_our_mark_is_taken_for_ours() -> None:
    found = plan(training_view(trainings=written()))
    ((change, outcome),) = found.seen
    assert (change.version, outcome.status, outcome.remote_id) == ("b1", "adopted", "556")


def test_what_was_refused_is_planned_again_for_another_badge() -> None:
    refused = entry(PLACE, "create_training", "b1", live=False, state="failed")
    assert actions(plan(training_view(chain(*REPLACED), applied=refused))) == ["create_training"]


# --- awards (CR-50, CR-51, CR-59, CR-60, CR-65)


def held(**changes: Any) -> dict[str, list[Award]]:
    fields: dict[str, Any] = {"issued_at": DAY, "expires_at": None, "origin_type": "course", "origin_id": "88"}
    return {
        "4711": [Award(**({"id": "901", "certification_id": "7", "code": "SEC", "user_id": "4711"} | fields | changes))]
    }


def imported(badge: str, **changes: Any) -> dict[str, list[Award]]:
    mark = {"origin_type": "external_certification", "origin_id": "", "source": "Credly", "external_id": badge}
    return held(**(mark | changes))


GIVEN = entry(AWARD, "award", "b1@never")
SECOND = chain(credential("b9", template_id="t2", issued_at=LATER), owners=("4711",))


@pytest.mark.req("CR-50", "CR-51", "CR-59", "CR-60", "CR-65", "GN-31", "GN-32")
@pytest.mark.parametrize(
    ("made", "view", "action", "left"),
    [
        ([chain()], {}, "award", []),
        ([chain(), SECOND], {}, "award", ["already_assigned"]),
        ([chain(credential(expires_at=GONE))], {}, None, ["expired_before"]),
        ([chain(credential(expires_at=GONE, issued_at=LATER)), SECOND], {}, "award", ["already_assigned"]),
        ([chain()], {"applied": GIVEN}, None, ["unchanged"]),
        ([chain(credential(expires_at=SOON))], {"applied": GIVEN}, "update_award", []),
        ([chain(*REPLACED)], {"applied": GIVEN}, "update_award", []),
        ([chain(credential(state="revoked")), SECOND], {"applied": GIVEN}, "update_award", ["revoked_before"]),
        ([chain(credential(state="revoked"))], {"applied": GIVEN}, "revoke_award", []),
        ([chain(deleted=True)], {"applied": GIVEN}, "revoke_award", []),
        (
            [chain(credential(state="revoked"))],
            {"applied": GIVEN, "common": common(negative=False)},
            None,
            ["negative_sync_off"],
        ),
        ([chain(credential(state="revoked"))], {"applied": GIVEN, "whole": False}, None, ["connectctl:incomplete"]),
        # Another credential that may stand keeps the award.
        (
            [chain(credential(state="revoked")), chain(credential("b9", issued_at=START - timedelta(1)))],
            {"applied": GIVEN},
            None,
            ["before_start_date", "connectctl:incomplete"],
        ),
        # The award shows b1; that another one was revoked says nothing about it.
        ([chain(credential("b9", state="revoked"))], {"applied": GIVEN}, None, ["revoked_before"]),
        ([chain(credential(state="revoked"))], {}, None, ["revoked_before"]),
        ([chain()], {"awards": held()}, None, ["came_from_docebo"]),
        ([chain(credential(state="revoked"))], {"awards": held()}, None, ["revoked_before"]),
        ([chain()], {"awards": held(expires_at=GONE)}, "award", []),
        ([chain()], {"awards": imported("b1")}, None, ["unchanged"]),
        ([chain(credential(expires_at=SOON))], {"awards": imported("b1")}, "update_award", []),
        ([chain()], {"awards": imported("somebody's")}, None, ["foreign"]),
        ([chain()], {"awards": imported("b1", source="Other")}, None, ["foreign"]),
        ([chain(credential(state="revoked"))], {"awards": imported("b1")}, "revoke_award", []),
        ([chain(credential(state="revoked"))], {"awards": imported("somebody's")}, None, ["revoked_before"]),
        ([chain()], {"applied": entry(AWARD, "award", "b1@never", state="sent")}, None, ["connectctl:unsettled"]),
        ([chain()], {"applied": entry(AWARD, "revoke_award", "b1@never", live=False)}, None, ["revoked_before"]),
        ([SECOND], {"applied": entry(AWARD, "revoke_award", "b1@never", live=False)}, "award", []),
    ],
)
def test_what_becomes_of_an_award(made: Any, view: Any, action: str | None, left: list[str]) -> None:
    found = plan(award_view(*made, **view))
    assert (actions(found), sorted(reasons(found))) == ([action] if action else [], sorted(left))


@pytest.mark.req("CR-50", "CR-59", "CR-60", "GN-31")
@pytest.mark.parametrize(("ends", "text"), [(None, "never"), (SOON, SOON.isoformat())])
def test_an_award_shows_the_badge_and_ends_with_it(ends: Any, text: str) -> None:
    (change,) = plan(award_view(chain(credential(expires_at=ends)))).changes
    assert (change.holding, change.version) == (AWARD, f"b1@{text}")
    assert {key: change.data[key] for key in ("source", "link", "external_id", "expires_at", "certification_id")} == {
        "source": "Credly",
        "link": "https://badges.example/b1",
        "external_id": "b1",
        "expires_at": ends.isoformat() if ends else None,
        "certification_id": "7",
    }


@pytest.mark.req("CR-19", "CR-75", "GN-17")
@pytest.mark.parametrize("view", [training_view, award_view])
def test_a_part_that_is_not_read_says_why_once(view: Any) -> None:
    found = plan(replace(view(reason="master_direction"), chains=()))
    assert (reasons(found), found.changes) == (["master_direction"], ())


# --- properties

MOMENTS = st.integers(0, 300).map(lambda days: START - timedelta(days=30) + timedelta(days=days))


@st.composite
def credentials(draw: st.DrawFn) -> list[Credential]:
    """A few learners' credentials of two templates, some of which replaced others."""
    made: list[Credential] = []
    for number in range(draw(st.integers(0, 7))):
        one = credential(
            f"b{number}",
            template_id=draw(st.sampled_from(["t1", "t2"])),
            state=draw(st.sampled_from(["pending", "accepted", "rejected", "revoked"])),
            emails=frozenset({draw(st.sampled_from(["ada@x.org", "bob@x.org", "eve@x.org", "two@x.org"]))}),
            earner_id=draw(st.sampled_from([None, None, "1", "99"])),
            issued_at=draw(MOMENTS),
            expires_at=draw(st.one_of(st.none(), MOMENTS.map(lambda at: at + timedelta(days=200)))),
        )
        free = [index for index, other in enumerate(made) if not other.replaced]
        replacing: bool = draw(st.booleans())
        if free and replacing:
            index: int = draw(st.sampled_from(free))
            old = made[index]
            made[index] = replace(old, replaced=True, replaced_by=one.id)
            one = replace(one, replaces=old.id, emails=old.emails)
        made.append(one)
    return made


USERS = {"1": "ada@x.org", "2": "bob@x.org", "3": "two@x.org", "4": "two@x.org"}


def world(**changes: Any) -> Importing:
    """Ada and Bob, two who share an address, and what stood in Docebo before: nothing of it is ours."""
    day = date(2026, 1, 5)
    found = Importing(dict(USERS))
    found.trainings = {
        "1": Training("1", "1", "First aid", "RC-FA", "Red Cross", day, day),
        "2": Training("2", "2", "Safety Basics", "", "Credly", day, day),
    }
    found.awards = {
        "1": Award("1", "7", "SEC", "2", DAY, None, "course", "88"),
        "2": Award("2", "7", "SEC", "1", DAY, GONE, "external_certification", "", "Credly", "https://x", "gone"),
    }
    return replace(found, **changes)


@pytest.mark.req("CR-74")
@settings(deadline=None)
@given(credentials())
def test_plan_apply_plan_is_empty(made: list[Credential]) -> None:
    imports = world()
    imports.carry_out(imports.plans(made))
    assert imports.carry_out(imports.plans(made)) == 0


@pytest.mark.req("CR-74", "CR-50")
@settings(deadline=None)
@given(credentials(), credentials())
def test_after_any_change_at_the_provider_two_runs_settle_it(made: list[Credential], then: list[Credential]) -> None:
    imports = world()
    imports.carry_out(imports.plans(made))
    imports.carry_out(imports.plans(then))
    assert imports.carry_out(imports.plans(then)) == 0


@settings(deadline=None)
@given(credentials(), st.randoms(use_true_random=False))
def test_order_never_changes_the_plan(made: list[Credential], random: Any) -> None:
    mixed = list(made)
    random.shuffle(mixed)
    assert world().plans(mixed) == world().plans(made)
    assert world().plans([*made, *made]) == world().plans(made)  # and what is seen twice counts once


@pytest.mark.req("GN-32")
@settings(deadline=None)
@given(credentials(), credentials())
def test_nothing_that_is_not_ours_is_ever_touched(made: list[Credential], then: list[Credential]) -> None:
    imports, before = world(), world()
    for some in (made, then):
        imports.carry_out(imports.plans(some))
    assert {id: imports.trainings.get(id) for id in before.trainings} == before.trainings
    assert {id: imports.awards.get(id) for id in before.awards} == before.awards
    taken = [change for change in imports.writes if change.action in ("delete_training", "revoke_award")]
    ids = {*before.trainings, *before.awards}
    assert not any(str(change.data.get("training_id") or change.data.get("award_id")) in ids for change in taken)


@pytest.mark.req("CR-50", "GN-34")
@settings(deadline=None)
@given(credentials(), st.data())
def test_what_is_absent_takes_nothing_away(made: list[Credential], data: st.DataObject) -> None:
    imports = world()
    imports.carry_out(imports.plans(made))
    some = [one for one in made if data.draw(st.booleans()) and one.state != "revoked" and not one.replaced]
    found = [change.action for one in imports.plans(some) for change in one.changes]
    assert not {"delete_training", "revoke_award"} & set(found)


@pytest.mark.req("CR-68", "CR-70")
@settings(deadline=None)
@given(credentials(), st.sets(st.integers(0, 6)))
def test_what_we_issued_never_comes_back(made: list[Credential], numbers: set[int]) -> None:
    ours = frozenset(f"b{number}" for number in numbers)
    imports = world(ours=ours)
    imports.carry_out(imports.plans(made))
    written = {str(change.data.get("code") or change.data.get("external_id")) for change in imports.writes}
    assert not written & ours
    mine = {one.id for one in made if one.earner_id == "1" and one.emails == {"ada@x.org"}}
    assert not written & mine


@settings(deadline=None)
@given(credentials())
def test_one_award_and_one_training_a_chain_at_most(made: list[Credential]) -> None:
    imports = world()
    imports.carry_out(imports.plans(made))
    codes = [one.code for one in imports.trainings.values() if one.code.startswith("b")]
    assert len(codes) == len(set(codes))
    live = [a.user_id for a in imports.awards.values() if a.expires_at is None or a.expires_at > NOW]
    assert len(live) == len(set(live))


@pytest.mark.req("CR-50", "GN-34")
def test_a_live_credential_that_may_be_the_users_keeps_the_award() -> None:
    """Several users have its address, so that it awards nothing; but it is not certain that nothing is left."""
    place = awarding.holding("lms", "SEC", "4711")
    applied = entry(place, "award", awarding.version("b1", None))
    ended = chain(credential("b1", state="revoked"))
    for owners in (("4711", "4712"), ("4700", "4711")):
        other = chain(credential("b2", template_id="t2"), owners=owners)
        planned = awarding.plan(award_view(ended, other, applied=applied))
        assert planned.changes == ()
    stranger = chain(credential("b2", template_id="t2"), owners=("4712", "4713"))
    assert [c.action for c in awarding.plan(award_view(ended, stranger, applied=applied)).changes] == ["revoke_award"]


# -- providers whose ends change nothing in Docebo, and whose credentials change in place ------------------------------

ALOFT = replace(COMMON, revokes=False, in_place=True)


@pytest.mark.req("AC-02", "AC-61")
@pytest.mark.parametrize("ended", [{"state": "revoked"}, {}], ids=["revoked", "deleted"])
def test_what_ends_at_such_a_provider_takes_nothing_away(ended: dict[str, Any]) -> None:
    gone = chain(credential(**ended), deleted=not ended)
    place = training.holding("lms", "t1", "4711", "b1")
    view = training_view(gone, common=ALOFT, applied=entry(place, "create_training", "b1"))
    assert (actions(plan(view)), reasons(plan(view))) == ([], ["connectctl:never_inwards"])
    assert actions(plan(replace(view, common=COMMON))) == ["delete_training"]
    place = awarding.holding("lms", "SEC", "4711")
    seen = award_view(gone, common=ALOFT, applied=entry(place, "award", "b1@never"))
    assert (actions(plan(seen)), reasons(plan(seen))) == ([], ["connectctl:never_inwards"])
    assert actions(plan(replace(seen, common=COMMON))) == ["revoke_award"]


@pytest.mark.req("AC-48", "AC-49", "AC-61")
def test_one_that_was_updated_in_place_updates_and_one_that_expired_does_not() -> None:
    before = chain()
    made = plan(training_view(before, common=ALOFT)).changes[0]
    known = entry(made.holding, made.action, made.version)
    assert reasons(plan(training_view(before, common=ALOFT, applied=known))) == ["unchanged"]
    later = chain(credential(issued_at=DAY + timedelta(days=1)))
    assert actions(plan(training_view(later, common=ALOFT, applied=known))) == ["update_training"]
    given = plan(award_view(before, common=ALOFT)).changes[0]
    known = entry(given.holding, given.action, given.version)
    assert reasons(plan(award_view(before, common=ALOFT, applied=known))) == ["unchanged"]
    longer = chain(credential(expires_at=NOW + timedelta(days=9)))
    assert actions(plan(award_view(longer, common=ALOFT, applied=known))) == ["update_award"]
    over = chain(credential(expires_at=NOW - timedelta(days=1)))
    assert reasons(plan(award_view(over, common=ALOFT, applied=known))) == ["connectctl:never_inwards"]
