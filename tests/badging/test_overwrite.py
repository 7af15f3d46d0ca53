"""What is there already, by what a provider can do: overwrite settings, marks, unfinished ones, default expiry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.badging.test_plan import ADA_DATA, DAY, NOW, START, applied, credential, view

from connectctl.badging.existing import MARK, Overwrite, same_expiry
from connectctl.badging.plan import EarningView, Learner, change_mark, plan
from connectctl.badging.provider import Credential
from connectctl.errors import ConfigError
from connectctl.model import Applied, Change, Plan
from connectctl.plugins.specs import Capabilities

CAN = Capabilities(
    can_revoke=True,
    can_replace=True,
    in_place=True,
    expires=True,
    own_ids=True,
    expiry_from_issue=True,
    whole_days=True,
)
LATER = DAY + timedelta(days=40)
AGAIN = {"completions": [("4711", LATER)]}
OURS = {"applied": applied("done", remote_id="b1"), "held": [credential(marks=(MARK + "1",))]}


def asked(**changes: Any) -> EarningView:
    return view(**({"can": CAN} | changes))


def answer(result: Plan) -> str:
    """The one action or reason of a plan about one learner."""
    (word,) = [change.action for change in result.changes] + [skip.reason for skip in result.skipped]
    return word


CASES = [
    ("the same completion, SKIP", "SKIP", OURS, "already_assigned"),
    ("the same completion, OVERWRITE", "OVERWRITE", OURS, "already_assigned"),
    ("the same completion, CREATE_NEW", "CREATE_NEW", OURS, "already_assigned"),
    ("a later completion, SKIP", "SKIP", OURS | AGAIN, "overwrite_skip"),
    ("a later completion, OVERWRITE", "OVERWRITE", OURS | AGAIN, "update"),
    ("a later completion, CREATE_NEW", "CREATE_NEW", OURS | AGAIN, "issue"),
    ("a later completion without the setting", "", OURS | AGAIN, "already_assigned"),
    (
        "another origin's",
        "OVERWRITE",
        AGAIN | {"applied": applied("done", remote_id="b1", origin="course:99")},
        "already_assigned",
    ),
    ("on its way", "OVERWRITE", AGAIN | {"applied": applied("unsure")}, "already_assigned"),
    (
        "somebody else's by the ledger, OVERWRITE",
        "OVERWRITE",
        AGAIN | {"applied": applied("foreign")},
        "already_assigned",
    ),
    ("somebody else's by the ledger, CREATE_NEW", "CREATE_NEW", AGAIN | {"applied": applied("foreign")}, "issue"),
    ("somebody else's is seen, SKIP", "SKIP", {"held": [credential()]}, "overwrite_skip"),
    ("somebody else's is seen, OVERWRITE", "OVERWRITE", {"held": [credential()]}, "already_assigned"),
    ("somebody else's is seen, CREATE_NEW", "CREATE_NEW", {"held": [credential()]}, "issue"),
    ("a draft of somebody else's", "SKIP", {"held": [credential(state="draft")]}, "connectctl:unpublished"),
    (
        "a draft of another request of ours",
        "",
        {"held": [credential(state="draft", marks=(MARK + "x",))]},
        "connectctl:unpublished",
    ),
]


@pytest.mark.req("AC-16", "AC-56", "AC-57", "AC-58", "GN-32")
@pytest.mark.parametrize(("overwrite", "changes", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_becomes_of_one_that_is_there(overwrite: Overwrite, changes: dict[str, Any], expected: str) -> None:
    assert answer(plan(asked(overwrite=overwrite, **changes))) == expected


@pytest.mark.req("AC-57", "GN-21")
def test_an_update_names_its_target_keeps_the_address_and_follows_the_entry() -> None:
    (change,) = plan(asked(overwrite="OVERWRITE", **OURS, **AGAIN)).changes
    assert (change.data["replaces"], change.data["email"]) == ("b1", "")
    assert change.supersedes == OURS["applied"][change.holding].key  # type: ignore[index]
    assert change.version == f"{LATER:%Y-%m-%dT%H:%M:%SZ}/b1"


@pytest.mark.req("AC-58")
@pytest.mark.parametrize("duplicates", [True, None, False])
def test_create_new_where_the_group_is_known_to_allow_none_is_a_configuration_error(duplicates: bool | None) -> None:
    asks = asked(overwrite="CREATE_NEW", duplicates=duplicates, **OURS, **AGAIN)
    if duplicates is False:
        with pytest.raises(ConfigError, match="CREATE_NEW"):
            plan(asks)
        return
    (change,) = plan(asks).changes
    assert change.data["beside"] == ["b1"]


@pytest.mark.req("GN-32", "AC-62")
@pytest.mark.parametrize(
    ("held", "status"),
    [
        (credential(earner_id="4711"), "foreign"),
        (credential(earner_id="4711", marks=("another-tool",)), "foreign"),
        (credential(earner_id="9", marks=(MARK + "anything",)), "adopted"),
    ],
)
def test_where_ours_bear_marks_nothing_else_makes_one_ours(held: Credential, status: str) -> None:
    ((_, outcome),) = plan(asked(held=[held])).seen
    assert outcome.status == status


@pytest.mark.req("AC-29")
def test_of_several_the_one_with_our_own_id_is_ours() -> None:
    held = [credential(id="a"), credential(id="b", marks=(MARK + "1",)), credential(id="c")]
    ((_, outcome),) = plan(asked(held=held)).seen
    assert (outcome.status, outcome.remote_id) == ("adopted", "b")


@pytest.mark.req("AC-55", "AC-29")
def test_what_this_very_request_left_unfinished_is_asked_for_again() -> None:
    (change,) = plan(asked(expiration_days=30)).changes
    mark, place = (change_mark(change),), change.holding
    draft = credential(state="draft", marks=mark)
    assert answer(plan(asked(held=[draft]))) == "issue"
    forever = credential(marks=mark)
    assert answer(plan(asked(held=[forever], expiration_days=30))) == "already_assigned", "people may have changed it"
    open_entry = applied("intended", data={**ADA_DATA, "expires_at": change.data["expires_at"]})
    assert answer(plan(asked(held=[forever], applied=open_entry, expiration_days=30))) == "issue"
    refused = applied("failed", data=ADA_DATA)
    assert answer(plan(asked(held=[draft], applied=refused))) == "connectctl:failed_before"
    assert answer(plan(asked(held=[draft], applied=refused, retrying=frozenset({place})))) == "issue"


@pytest.mark.req("AC-68", "CR-61")
@pytest.mark.parametrize(("can", "since"), [(CAN, DAY), (Capabilities(), NOW)])
def test_the_default_expiry_counts_from_what_the_provider_says(can: Capabilities, since: datetime) -> None:
    (change,) = plan(view(can=can, expiration_days=10)).changes
    assert change.data["expires_at"] == f"{(since + timedelta(days=10)).date()}T00:00:00Z"


@pytest.mark.req("CR-34", "AC-60")
@pytest.mark.parametrize(("days", "expected"), [(30, "update"), (0, "update"), (None, "expired_before")])
def test_reissue_brings_one_of_ours_back_in_place(days: int | None, expected: str) -> None:
    over = credential(marks=(MARK + "1",), expires_at=NOW - timedelta(days=1))
    asks = asked(held=[over], applied=OURS["applied"], reissue=frozenset({"expired"}), expiration_days=days)
    assert answer(plan(asks)) == expected


@pytest.mark.parametrize(
    ("wanted", "shown", "whole_days", "same"),
    [
        ("2027-02-10T09:30:00Z", datetime(2027, 2, 10, tzinfo=UTC), True, True),
        ("2027-02-10T09:30:00Z", datetime(2027, 2, 11, tzinfo=UTC), True, False),
        ("2027-02-10T09:30:00Z", datetime(2027, 2, 11, tzinfo=UTC), False, True),
        (False, None, True, True),
        (False, datetime(2027, 2, 11, tzinfo=UTC), True, False),
    ],
)
def test_days_are_compared_as_days(wanted: object, shown: datetime | None, whole_days: bool, same: bool) -> None:
    assert same_expiry(wanted, shown, whole_days=whole_days) is same


# -- whatever happens --------------------------------------------------------------------------------------------------

USERS = ("1", "2")
MOMENTS = st.integers(0, 200).map(lambda days: START + timedelta(days=days))
ROUND = st.lists(st.tuples(st.sampled_from(USERS), MOMENTS), max_size=4)


class World:
    """A provider that changes in place, and a ledger, in small."""

    def __init__(self, foreign: list[str], overwrite: Overwrite) -> None:
        self.overwrite = overwrite
        self.foreign = {
            f"f{n}": credential(id=f"f{n}", emails=frozenset({f"{u}@example.org"}), earner_id=u)
            for n, u in enumerate(foreign)
        }
        self.held = dict(self.foreign)
        self.entries: dict[str, Applied] = {}

    def run(self, completions: list[tuple[str, datetime]]) -> int:
        known = {e.holding: e for e in sorted(self.entries.values(), key=lambda e: e.live)}
        learners = {user: Learner(user, f"{user}@example.org", "A", "B") for user in USERS}
        held, more = list(self.held.values()), {"learners": learners, "applied": known}
        result = plan(asked(completions=completions, held=held, overwrite=self.overwrite, **more))
        for change, outcome in result.seen:
            self._enter(change, outcome.status, str(outcome.remote_id))
        for change in result.changes:
            self._apply(change)
        assert {id: self.held[id] for id in self.foreign} == self.foreign, "nothing foreign is touched"
        return len(result.changes) + len(result.seen)

    def _apply(self, change: Change) -> None:
        mark = change_mark(change)
        if change.action == "update":
            id = str(change.data["replaces"])
            self.held[id] = replace(self.held[id], marks=(*self.held[id].marks, mark))
        else:
            id = f"n{len(self.held)}"
            email = frozenset({str(change.data["email"])})
            self.held[id] = credential(id=id, emails=email, earner_id=change.user, marks=(mark,))
        self._enter(change, "done", id)

    def _enter(self, change: Change, state: str, id: str) -> None:
        key = change.key("")
        assert key not in self.entries, "a key is never used twice"
        live = [e.key for e in self.entries.values() if e.live and e.holding == change.holding]
        assert live == [change.supersedes] * len(live)
        for old in live:
            self.entries[old] = replace(self.entries[old], live=False)
        entry = Applied(change.holding, key, state, change.action, change.origin, str(change.version), id, True, {})
        self.entries[key] = entry

    def ours(self, user: str) -> int:
        return sum(one.earner_id == user and id not in self.foreign for id, one in self.held.items())


@pytest.mark.req("GN-21", "GN-32", "AC-56", "AC-57", "AC-58")
@pytest.mark.parametrize("overwrite", get_args(Overwrite))
@given(st.lists(ROUND, min_size=1, max_size=4), st.lists(st.sampled_from(USERS), max_size=2))
def test_what_was_planned_and_applied_is_not_planned_again(
    overwrite: Overwrite, rounds: list[list[tuple[str, datetime]]], foreign: list[str]
) -> None:
    world = World(foreign, overwrite)
    for completions in rounds:
        world.run(completions)
        assert world.run(completions) == 0
        if overwrite != "CREATE_NEW":
            assert all(world.ours(user) <= 1 for user in USERS)
        if overwrite != "CREATE_NEW" and foreign:
            assert all(world.ours(user) == 0 for user in foreign)
