"""The comparison: a table of cases for every kind of finding, and properties over whole worlds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.plan import Learner, holding
from connectctl.badging.provider import Credential
from connectctl.badging.reconcile_plan import TemplateView, absent, compare, emptied
from connectctl.model import Applied, Change, Outcome, Plan, Recorded

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
ACCOUNT = "credly:org"
PLACE = holding(ACCOUNT, "t1", "4711")
ADA = Learner("4711", "ada@example.org", "Ada", "Byron")
BOB = Learner("4712", "bob@example.org", "Bob", "Stone")
CERTIFICATION = "certification:ISO"


def change(user: Learner = ADA, *, origin: str = "course:88", action: str = "issue", expires: Any = None) -> Change:
    data = {
        "template_id": "t1",
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "earner_id": user.id,
        "issued_at": "2026-02-10T17:31:05Z",
        "expires_at": expires,
        "evidence_title": "connectctl flow",
        "evidence_text": "Assign: course Security (88)",
    }
    place = holding(ACCOUNT, "t1", user.id)
    return Change(action, place, data, "course completed", origin, "v1", user.id, user.email, "t1", origin)


def entry(made: Change | None = None, **fields: Any) -> Applied:
    made = made or change()
    known: dict[str, Any] = {
        "holding": made.holding,
        "key": made.key(""),
        "state": "done",
        "action": made.action,
        "origin": made.origin,
        "version": str(made.version),
        "remote_id": "b1",
        "live": True,
        "data": {},
    }
    return Applied(**(known | fields))


def badge(id: str = "b1", **fields: Any) -> Credential:
    known: dict[str, Any] = {
        "id": id,
        "template_id": "t1",
        "state": "accepted",
        "emails": frozenset({"ada@example.org"}),
        "earner_id": "4711",
        "marks": ("connectctl-x",),
    }
    return Credential(**(known | fields))


OTHER = badge("b9", emails=frozenset({"zoe@example.org"}), earner_id=None, marks=())  # so that no listing is empty


def view(of: Change | None = None, **fields: Any) -> TemplateView:
    sent = of or change()
    one = entry(sent)
    known: dict[str, Any] = {
        "template": "t1",
        "active": True,
        "provider": "Credly",
        "planned": Plan(),
        "held": [badge(), OTHER],
        "applied": {one.holding: one},
        "recorded": {one.key: Recorded(sent, LONG_AGO)},
        "learners": {"4711": ADA},
        "standing": {"4711": "stands"},
        "looked": {},
        "made": {"b1": PLACE},
        "now": NOW,
        "lag": 60.0,
        "repair": True,
        "can_replace": True,
        "can_revoke": True,
    }
    return TemplateView(**(known | fields))


def test_what_agrees_is_no_finding() -> None:
    assert compare(view()) == Plan()


MOVED = replace(ADA, email="ada@new.example")
TOMORROW, YESTERDAY = NOW + timedelta(days=1), NOW - timedelta(days=1)
AWARD = change(origin=CERTIFICATION)
GONE: dict[str, Any] = {"held": [OTHER], "looked": {"4711": []}}
NO_BASIS: dict[str, Any] = {"standing": {"4711": "gone"}, "negative": True, "revoke": True}

CASES: list[tuple[str, Change, dict[str, Any], str, str]] = [
    ("gone there", change(), GONE, "missing", "issue"),
    ("gone there, of a plan", change(origin="plan:12"), GONE, "missing", "issue"),
    ("gone there, no look", change(), {"held": [OTHER]}, "missing", ""),
    ("gone there, another by the look", change(), {"held": [OTHER], "looked": {"4711": [badge("b2")]}}, "missing", ""),
    (
        "gone there, a revoked one by the look",
        change(),
        {"held": [OTHER], "looked": {"4711": [badge("b2", state="revoked")]}},
        "missing",
        "",
    ),
    ("gone there, nothing earns it", change(), GONE | {"standing": {"4711": "gone"}}, "missing", ""),
    ("gone there, nobody knows", change(), GONE | {"standing": {}}, "missing", ""),
    ("gone there, template off", change(), GONE | {"active": False}, "missing", ""),
    ("gone there, no user", change(), GONE | {"learners": {}}, "missing", ""),
    ("gone there, no e-mail", change(), GONE | {"learners": {"4711": replace(ADA, email="")}}, "missing", ""),
    ("gone there, ambiguous", change(), GONE | {"learners": {"4711": replace(ADA, shared_email=True)}}, "missing", ""),
    ("gone there, expired by now", change(expires="2026-01-01T00:00:00Z"), GONE, "missing", ""),
    ("revoked there", change(), {"held": [badge(state="revoked")]}, "revoked", ""),
    ("rejected there", change(), {"held": [badge(state="rejected")]}, "revoked", ""),
    ("award gone", AWARD, NO_BASIS, "extra", "revoke"),
    ("award gone, not asked to revoke", AWARD, NO_BASIS | {"revoke": False}, "extra", ""),
    ("award gone, negative sync off", AWARD, NO_BASIS | {"negative": False}, "extra", ""),
    ("award gone, cannot revoke", AWARD, NO_BASIS | {"can_revoke": False}, "extra", ""),
    ("un-enrolled", change(), NO_BASIS, "extra", ""),
    ("out of the plan", change(origin="plan:12"), NO_BASIS, "extra", ""),
    ("pending, moved", change(), {"held": [badge(state="pending")], "learners": {"4711": MOVED}}, "email", "replace"),
    ("accepted, moved", change(), {"learners": {"4711": MOVED}}, "email", ""),
    (
        "pending, moved, ambiguous",
        change(),
        {"held": [badge(state="pending")], "learners": {"4711": replace(MOVED, shared_email=True)}},
        "email",
        "",
    ),
    (
        "pending, moved, cannot replace",
        change(),
        {"held": [badge(state="pending")], "learners": {"4711": MOVED}, "can_replace": False},
        "email",
        "",
    ),
    (
        "another expiry",
        change(expires="2027-05-01T00:00:00Z"),
        {"held": [badge(expires_at=TOMORROW)]},
        "expiry",
        "replace",
    ),
    ("never expires there", change(expires="2027-05-01T00:00:00Z"), {}, "expiry", "replace"),
    ("should never expire", change(expires=False), {"held": [badge(expires_at=TOMORROW)]}, "expiry", "replace"),
    ("should have expired", change(expires="2026-05-01T00:00:00Z"), {}, "expiry", ""),
    (
        "another expiry, template off",
        change(expires=False),
        {"held": [badge(expires_at=TOMORROW)], "active": False},
        "expiry",
        "",
    ),
    ("replaced by others", change(), {"held": [badge(replaced=True, replaced_by="b2"), OTHER]}, "unknown", ""),
    ("ours, not in the ledger", change(), {"applied": {}, "recorded": {}, "made": {}}, "unknown", ""),
    (
        "somebody else's beside ours",
        change(),
        {"held": [badge(), badge("b2", earner_id=None, marks=())]},
        "foreign",
        "",
    ),
    ("two of ours", change(), {"held": [badge(), badge("b2")], "made": {"b1": PLACE, "b2": PLACE}}, "duplicate", ""),
    ("ended by us, live there", change(), {"applied": {PLACE: entry(live=False)}}, "revoked", ""),
]


@pytest.mark.req("GN-32", "GN-34", "GN-36", "CR-61", "CR-66")
@pytest.mark.parametrize(("made", "fields", "kind", "repair"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_each_kind_of_finding_with_its_repair(made: Change, fields: dict[str, Any], kind: str, repair: str) -> None:
    result = compare(view(made, **fields))
    assert [(finding.kind, finding.repair) for finding in result.findings] == [(kind, repair)]
    assert [change.action for change in result.changes] == [repair] * bool(repair)
    (finding,) = result.findings
    assert finding.detail
    assert finding.key
    assert finding.template == "t1"
    assert not repair or finding.key == PLACE
    without = compare(view(made, **(fields | {"repair": False})))
    assert (without.findings, without.changes, without.seen) == (result.findings, (), ())


QUIET = [
    ("too young to be listed", {"held": [OTHER], "lag": 60.0, "recorded": {change().key(""): Recorded(change(), NOW)}}),
    ("the look shows it", {"held": [OTHER], "looked": {"4711": [badge()]}}),
    ("expired, and moved", {"held": [badge(expires_at=YESTERDAY)], "learners": {"4711": MOVED}}),
    ("expired, nothing earns it", {"held": [badge(expires_at=YESTERDAY)], **NO_BASIS}),
    ("standing unknown", {"standing": {"4711": "unknown"}, "negative": True, "revoke": True}),
    ("answer lost", {"applied": {PLACE: entry(state="unsure", remote_id=None)}, "held": [OTHER]}),
    ("foreign by the ledger", {"applied": {PLACE: entry(state="foreign")}, "held": [OTHER]}),
    ("the user is unknown", {"learners": {}}),
]


@pytest.mark.req("GN-32", "GN-34")
@pytest.mark.parametrize("fields", [case[1] for case in QUIET], ids=[case[0] for case in QUIET])
def test_what_is_nobodys_trouble(fields: dict[str, Any]) -> None:
    assert compare(view(AWARD if "revoke" in fields else None, **fields)) == Plan()


@pytest.mark.req("GN-21", "CR-61")
def test_a_missing_one_is_issued_again_as_it_was_frozen_for_the_learner_of_today() -> None:
    made = change(expires="2027-05-01T00:00:00Z")
    (again,) = compare(view(made, **(GONE | {"learners": {"4711": MOVED}}))).changes
    assert (again.holding, again.origin, again.version) == (made.holding, made.origin, made.version)
    assert again.key("") != made.key("")
    assert again.supersedes == made.key("")
    assert (again.data["expires_at"], again.data["email"]) == ("2027-05-01T00:00:00Z", "ada@new.example")
    third = compare(view(again, **GONE)).changes[0]
    assert len({made.key(""), again.key(""), third.key("")}) == 3


@pytest.mark.req("CR-39", "GN-36")
def test_an_accepted_one_keeps_its_address_when_it_is_replaced() -> None:
    made = change(expires=False)
    (pending,) = compare(view(made, held=[badge(state="pending", expires_at=TOMORROW)])).changes
    (accepted,) = compare(view(made, held=[badge(expires_at=TOMORROW)])).changes
    assert (pending.data["email"], accepted.data["email"]) == ("ada@example.org", "")
    assert accepted.data["replaces"] == "b1"
    assert {**accepted.data, "email": "ada@example.org"} == {**made.data, "replaces": "b1"}


def test_two_things_wrong_with_one_credential_are_one_change() -> None:
    result = compare(
        view(change(expires=False), held=[badge(state="pending", expires_at=TOMORROW)], learners={"4711": MOVED})
    )
    assert [finding.kind for finding in result.findings] == ["email", "expiry"]
    assert [(c.action, c.data["email"], c.data["expires_at"]) for c in result.changes] == [
        ("replace", "ada@new.example", False)
    ]


@pytest.mark.req("GN-33")
def test_an_empty_listing_where_the_ledger_knows_better_says_and_does_nothing() -> None:
    empty = view(held=[], looked={"4711": []}, planned=Plan(changes=(change(BOB),)))
    assert emptied(empty) == 1
    assert compare(empty) == Plan()
    assert emptied(view(held=[], applied={}, recorded={})) == 0


def test_what_the_batch_would_do_is_missing_and_its_change_is_the_repair() -> None:
    earned = change(BOB)
    result = compare(view(planned=Plan(changes=(earned,))))
    assert [(finding.kind, finding.user, finding.repair) for finding in result.findings] == [
        ("missing", "4712", "issue")
    ]
    assert result.changes == (earned,)


def test_one_of_ours_that_the_ledger_lost_is_adopted_when_something_earns_it() -> None:
    earned = change(BOB)
    held = badge("b2", emails=frozenset({BOB.email}), earner_id=BOB.id)
    seen = (earned, Outcome("adopted", "b2"))
    result = compare(view(held=[badge(), held], planned=Plan(seen=(seen,))))
    assert [(finding.kind, finding.repair) for finding in result.findings] == [("unknown", "adopt")]
    assert result.seen == (seen,)
    foreign = compare(view(held=[badge(), held], planned=Plan(seen=((earned, Outcome("foreign", "b2")),))))
    assert foreign.seen == ()


@pytest.mark.req("GN-37")
def test_a_repair_that_was_refused_is_left_alone_until_it_is_asked_for() -> None:
    (repair,) = compare(view(**GONE)).changes
    refused = entry(refused=frozenset({repair.key("")}))
    left = compare(view(**(GONE | {"applied": {PLACE: refused}})))
    assert (left.changes, [finding.repair for finding in left.findings]) == ((), [""])
    again = compare(view(**(GONE | {"applied": {PLACE: refused}, "retrying": frozenset({PLACE})})))
    assert again.changes == (repair,)


def test_only_what_is_not_listed_and_old_enough_is_looked_for() -> None:
    assert absent(view()) == []
    assert [user for user, _ in absent(view(held=[OTHER]))] == ["4711"]
    assert absent(view(held=[OTHER], recorded={change().key(""): Recorded(change(), NOW)})) == []


# -- worlds -----------------------------------------------------------------------------------------------------------

PEOPLE = {str(n): Learner(str(n), f"p{n}@example.org", "P", str(n)) for n in range(4)}
STATES = st.sampled_from(["accepted", "pending", "revoked", "rejected"])
EXPIRIES = st.sampled_from([None, False, "2027-05-01T00:00:00Z", "2026-01-01T00:00:00Z"])
SHOWN = st.sampled_from([None, TOMORROW, YESTERDAY, datetime(2027, 5, 1, tzinfo=UTC)])


@st.composite
def worlds(draw: st.DrawFn) -> TemplateView:
    """Some learners with credentials of ours and of others, in any state on any side."""
    applied, recorded, held, made, learners, standing = {}, {}, [], {}, {}, {}
    for user, person in PEOPLE.items():
        origin = draw(st.sampled_from(["course:88", "plan:12", CERTIFICATION]))
        planned = change(person, origin=origin, expires=draw(EXPIRIES))
        if draw(st.booleans()):
            state = draw(st.sampled_from(["done", "adopted", "foreign", "unsure", "failed"]))
            one = entry(planned, state=state, remote_id=f"b{user}", live=state != "failed")
            applied[one.holding], recorded[one.key] = one, Recorded(planned, LONG_AGO)
            if state in ("done", "adopted"):
                made[f"b{user}"] = one.holding
        for id, marks in ((f"b{user}", ("connectctl-x",)), (f"f{user}", ())):
            if draw(st.booleans()):
                address = draw(st.sampled_from([person.email, "old@example.org"]))
                earner = draw(st.sampled_from([user, None])) if marks else None
                emails = frozenset({address})
                held.append(
                    badge(id, state=draw(STATES), emails=emails, earner_id=earner, marks=marks, expires_at=draw(SHOWN))
                )
        if draw(st.booleans()):
            learners[user] = replace(person, shared_email=draw(st.booleans()))
        standing[user] = draw(st.sampled_from(["stands", "gone", "unknown"]))
    return view(
        held=held,
        applied=applied,
        recorded=recorded,
        made=made,
        learners=learners,
        standing=standing,
        negative=draw(st.booleans()),
        revoke=draw(st.booleans()),
        can_replace=draw(st.booleans()),
    )


def with_looks(world: TemplateView) -> TemplateView:
    """As read: a look at everybody whose credential is not listed."""
    looked = {user: [c for c in world.held if c.earner_id == user] for user, _ in absent(world)}
    return replace(world, looked=looked)


def carried_out(world: TemplateView, result: Plan) -> TemplateView:
    """The world after the repairs, as provider and ledger would be."""
    applied, recorded, held, made = dict(world.applied), dict(world.recorded), list(world.held), dict(world.made)
    for number, one in enumerate(result.changes):
        before = applied[one.holding]
        assert one.supersedes == before.key
        if one.action == "revoke":
            held = [replace(c, state="revoked") if c.id == one.data["credential_id"] else c for c in held]
            applied[one.holding] = replace(before, key=one.key(""), action="revoke", live=False)
            continue
        id = f"n{number}-{one.repeat}"
        old = next((c for c in held if c.id == one.data.get("replaces")), None)
        emails = frozenset({one.data["email"]}) if one.data["email"] else old.emails if old else frozenset()
        expires = one.data["expires_at"]
        moment = datetime.fromisoformat(expires) if expires else None
        held = [replace(c, replaced=True, replaced_by=id) if c is old else c for c in held]
        state = old.state if old else "pending"  # an accepted badge stays accepted (credly.md 5.7)
        held.append(badge(id, state=state, emails=emails, earner_id=one.user, expires_at=moment))
        applied[one.holding] = replace(before, key=one.key(""), action=one.action, remote_id=id, state="done")
        recorded[one.key("")] = Recorded(one, LONG_AGO)
        made[id] = one.holding
    return with_looks(replace(world, applied=applied, recorded=recorded, held=held, made=made))


@pytest.mark.req("GN-21", "GN-32", "GN-33", "GN-34", "CR-66")
@given(worlds())
def test_whatever_the_world_a_repair_leaves_nothing_to_repair_and_touches_nothing_foreign(world: TemplateView) -> None:
    world = with_looks(world)
    result = compare(world)
    assert compare(world) == result
    assert compare(replace(world, held=list(reversed(world.held)))).changes == result.changes
    assert len({one.holding for one in result.changes}) == len(result.changes)
    for one in result.changes:
        assert world.applied[one.holding].state in ("done", "adopted"), "what is not ours is left alone"
        assert not str(one.data.get("credential_id") or one.data.get("replaces") or "").startswith("f")
        assert one.action != "revoke" or (world.revoke and world.negative and one.origin == CERTIFICATION)
        assert one.action != "replace" or world.can_replace
        learner = world.learners.get(str(one.user))
        assert one.action == "revoke" or (learner is not None and not learner.shared_email)
    after = carried_out(world, result)
    again = compare(after)
    assert again.changes == ()
    assert [finding for finding in again.findings if finding.repair] == []
    live = [c for c in after.held if c.id[0] in "bn" and c.state in ("accepted", "pending") and not c.replaced]
    for place in after.applied:
        mine = [c for c in live if after.made.get(c.id) == place]
        assert len(mine) <= 1 or not any(place == c.holding for c in result.changes), "no second live one by a repair"
    nothing = compare(replace(world, held=[], looked={user: [] for user in PEOPLE}))
    assert (nothing.changes, nothing.seen) == ((), ()), "an empty listing changes nothing"
