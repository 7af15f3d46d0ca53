"""The outward plan: tables of cases for every reason, and properties of the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectctl.badging.earnings import Earning
from connectctl.badging.plan import EarningView, Learner, change_mark, default_expiry, holding, plan
from connectctl.badging.provider import Credential
from connectctl.model import Applied, Change

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Learner("4711", "ada@example.org", "Ada", "Byron")
ADA_DATA = {"email": "ada@example.org", "first_name": "Ada", "last_name": "Byron"}
ACCOUNT = "credly:api.credly.com/org"


SECURITY = Earning("course", "88", "Security 101", "t1", "Safety Basics")


def earns_nothing(reason: str) -> Earning:
    return replace(SECURITY, template=None, template_name="", reason=reason)


def view(**changes: Any) -> EarningView:
    fields: dict[str, Any] = {
        "earning": SECURITY,
        "account": ACCOUNT,
        "completions": [("4711", DAY)],
        "learners": {"4711": ADA},
        "held": (),
        "applied": {},
        "start": START,
        "now": NOW,
        "expiration_days": None,
        "evidence_title": "connectctl flow",
        "flow_title": "Assign Credly badge for Course Additional Field element",
    }
    return EarningView(**(fields | changes))


def credential(**changes: Any) -> Credential:
    fields: dict[str, Any] = {
        "id": "b1",
        "template_id": "t1",
        "state": "accepted",
        "emails": frozenset({"ada@example.org"}),
        "earner_id": None,
    }
    return Credential(**(fields | changes))


def applied(state: str, **changes: Any) -> dict[str, Applied]:
    place = holding(ACCOUNT, "t1", "4711")
    fields: dict[str, Any] = {
        "holding": place,
        "key": f"{place}|issue|course:88|2026-02-10T17:31:05Z",
        "state": state,
        "action": "issue",
        "origin": "course:88",
        "version": "2026-02-10T17:31:05Z",
        "remote_id": None,
        "live": state not in ("failed", "intended"),
        "data": {},
    }
    return {place: Applied(**(fields | changes))}


@pytest.mark.req("CR-37", "CR-33", "GN-21")
def test_a_completed_course_earns_one_badge_with_everything_frozen() -> None:
    (change,) = plan(view()).changes
    assert change.action == "issue"
    assert change.holding == f"{ACCOUNT}|t1|4711"
    assert change.version == "2026-02-10T17:31:05Z"
    assert change.reason == "course completed 2026-02-10"
    assert change.source == "course:88"
    assert change.data["earner_id"] == "4711"
    assert change.data["expires_at"] is None
    assert "Assign Credly badge for Course Additional Field element" in change.data["evidence_text"]


CASES = [
    ("before the start date", {"completions": [("4711", START - timedelta(seconds=1))]}, "before_start_date"),
    ("no completion date", {"completions": [("4711", None)]}, "not_completed"),
    ("a date to come", {"completions": [("4711", NOW + timedelta(days=2))]}, "connectctl:future_date"),
    ("unknown user", {"learners": {}}, "user_not_found"),
    ("no e-mail", {"learners": {"4711": Learner("4711", "", "Ada", "Byron")}}, "no_email"),
    ("no address", {"learners": {"4711": Learner("4711", "ada at example", "Ada", "Byron")}}, "no_email"),
    ("shared e-mail", {"learners": {"4711": Learner("4711", "a@b.c", "Ada", "Byron", True)}}, "ambiguous_user"),
    ("no last name", {"learners": {"4711": Learner("4711", "a@b.c", "Ada", "")}}, "connectctl:no_name"),
    ("held by address", {"held": [credential()]}, "already_assigned"),
    ("held by id", {"held": [credential(emails=frozenset(), earner_id="4711")]}, "already_assigned"),
    ("revoked before", {"held": [credential(state="revoked")]}, "revoked_before"),
    ("rejected before", {"held": [credential(state="rejected")]}, "rejected_before"),
    ("expired before", {"held": [credential(expires_at=NOW - timedelta(days=1))]}, "expired_before"),
    ("expired, but replaced", {"held": [credential(expires_at=NOW, replaced=True)]}, "already_assigned"),
    ("done before", {"applied": applied("done")}, "already_assigned"),
    ("adopted before", {"applied": applied("adopted")}, "already_assigned"),
    ("foreign before", {"applied": applied("foreign")}, "already_assigned"),
    ("answer lost", {"applied": applied("unsure")}, "already_assigned"),
    ("refused before", {"applied": applied("failed", data=ADA_DATA)}, "connectctl:failed_before"),
    ("no selection", {"earning": earns_nothing("no_value_selected")}, "no_value_selected"),
    ("unknown selection", {"earning": earns_nothing("template_unknown")}, "template_unknown"),
    ("archived", {"earning": earns_nothing("template_inactive")}, "template_inactive"),
]


@pytest.mark.req("GN-17", "CR-27", "CR-32", "CR-34", "CR-72", "GN-13", "GN-16")
@pytest.mark.parametrize(("changes", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_reason_for_leaving_somebody_out(changes: dict[str, Any], reason: str) -> None:
    result = plan(view(**changes))
    assert result.changes == ()
    assert [skip.reason for skip in result.skipped] == [reason]


@pytest.mark.req("GN-12", "CR-32")
def test_the_boundary_moment_counts() -> None:
    assert plan(view(completions=[("4711", START)])).changes


@pytest.mark.req("GN-12")
def test_without_a_start_all_history_counts() -> None:
    assert plan(view(start=None, completions=[("4711", datetime(1999, 1, 1, tzinfo=UTC))])).changes


@pytest.mark.req("GN-21")
def test_a_claim_that_was_never_sent_is_planned_again_with_its_frozen_expiry() -> None:
    frozen = applied("intended", data={"expires_at": "2027-01-01T00:00:00Z"})
    (change,) = plan(view(applied=frozen, expiration_days=30)).changes
    assert change.data["expires_at"] == "2027-01-01T00:00:00Z"


@pytest.mark.req("GN-37")
def test_what_was_refused_is_planned_again_for_a_newer_completion_mended_data_or_on_request() -> None:
    refused = applied("failed", data=ADA_DATA)
    newer = [("4711", DAY + timedelta(days=30))]
    assert plan(view(applied=refused, completions=newer)).changes
    place = holding(ACCOUNT, "t1", "4711")
    assert plan(view(applied=refused, retrying=frozenset({place}))).changes
    mended = {"4711": Learner("4711", "ada@new.example", "Ada", "Byron")}
    assert plan(view(applied=refused, learners=mended)).changes


@pytest.mark.req("GN-32")
@pytest.mark.parametrize(
    ("held", "status"),
    [
        (credential(), "foreign"),
        (credential(earner_id="9"), "foreign"),
        (credential(earner_id="4711"), "adopted"),
        (credential(marks=(change_mark(plan(view()).changes[0]),)), "adopted"),
    ],
)
def test_a_credential_seen_is_ours_by_id_or_mark_and_foreign_otherwise(held: Credential, status: str) -> None:
    ((_, outcome),) = plan(view(held=[held])).seen
    assert (outcome.status, outcome.remote_id) == (status, "b1")


def test_an_ended_credential_is_not_remembered_as_held() -> None:
    assert plan(view(held=[credential(state="revoked")])).seen == ()


@pytest.mark.req("GN-21")
def test_two_completions_of_one_learner_earn_one_badge_for_the_first() -> None:
    result = plan(view(completions=[("4711", DAY), ("4711", DAY + timedelta(days=40))]))
    assert [change.version for change in result.changes] == ["2026-02-10T17:31:05Z"]
    assert [skip.reason for skip in result.skipped] == ["already_assigned"]


@pytest.mark.req("CR-09", "CR-61", "CR-62", "CR-78")
@pytest.mark.parametrize(
    ("days", "expiry"), [(None, None), (0, False), (1, "2026-11-22T00:00:00Z"), (365, "2027-11-21T00:00:00Z")]
)
def test_the_default_expiry_counts_from_the_day_of_the_run(days: int | None, expiry: object) -> None:
    assert default_expiry(days, NOW) == expiry


PEOPLE = st.sampled_from(["1", "2", "3", "4"])
MOMENTS = st.one_of(st.none(), st.datetimes(datetime(2025, 12, 1), datetime(2026, 12, 1), timezones=st.just(UTC)))


@pytest.mark.req("GN-21", "GN-22")
@given(
    st.lists(st.tuples(PEOPLE, MOMENTS), max_size=8),
    st.lists(st.tuples(PEOPLE, st.sampled_from(["accepted", "pending", "revoked", "rejected"])), max_size=4),
    st.dictionaries(PEOPLE, st.sampled_from(["done", "failed", "unsure", "foreign", "intended"]), max_size=4),
)
def test_every_completion_has_one_answer_and_no_holding_is_planned_twice(
    completions: list[tuple[str, datetime | None]], held: list[tuple[str, str]], states: dict[str, str]
) -> None:
    known = {}
    for user, state in states.items():
        place = holding(ACCOUNT, "t1", user)
        known[place] = applied(state, holding=place, key=f"{place}|issue|course:88|x")[holding(ACCOUNT, "t1", "4711")]
    the_view = view(
        completions=completions,
        learners={user: Learner(user, f"{user}@example.org", "A", "B") for user in ("1", "2", "3", "4")},
        held=[
            credential(id=user + state, state=state, emails=frozenset({f"{user}@example.org"})) for user, state in held
        ],
        applied=known,
    )
    result = plan(the_view)
    assert len(result.changes) + len(result.skipped) == len(completions)
    holdings = [change.holding for change in result.changes]
    assert len(holdings) == len(set(holdings))
    live = {place for place, entry in known.items() if entry.live}
    assert not live & set(holdings)
    assert not {f"{ACCOUNT}|t1|{user}" for user, _ in held} & set(holdings)
    assert plan(the_view) == result


class Remote:
    """A provider and a ledger in small: what is planned is issued, and recorded as the ledger records it."""

    def __init__(self, held: list[Credential]) -> None:
        self.held = held
        self.entries: dict[str, Applied] = {}  # by key
        self.sent: list[str] = []

    def applied(self) -> dict[str, Applied]:
        return {entry.holding: entry for entry in sorted(self.entries.values(), key=lambda entry: entry.live)}

    def apply(self, change: Change, taken: set[str]) -> None:
        if change.holding in taken:
            return  # another part of the same run has planned for it
        taken.add(change.holding)
        key = change.key("")
        assert key not in self.entries, "a key is never used twice"
        live = [entry for entry in self.entries.values() if entry.live and entry.holding == change.holding]
        assert [entry.key for entry in live] == [change.supersedes] * len(live), "no second live one"
        for entry in live:
            self.entries[entry.key] = replace(entry, live=False)
        new = f"n{len(self.sent)}"
        self.sent.append(key)
        person = frozenset({change.data["email"]})
        template, user = str(change.template), str(change.user)
        self.held.append(Credential(new, template, "accepted", person, user, marks=(change_mark(change),)))
        version = str(change.version)
        self.entries[key] = Applied(change.holding, key, "done", "issue", change.origin, version, new, True, {})

    def run(self, views: list[EarningView]) -> int:
        """Plans and applies all parts; how many were issued."""
        before, known, held = len(self.sent), self.applied(), tuple(self.held)
        taken: set[str] = set()
        planned = [
            plan(replace(v, applied=known, held=[c for c in held if c.template_id == v.earning.template]))
            for v in views
        ]
        for one in planned:
            for change in one.changes:
                self.apply(change, taken)
        return len(self.sent) - before


ORIGINS = [
    SECURITY,
    Earning("course", "90", "Cloud", "t1", "Safety Basics"),
    Earning("plan", "12", "Onboarding", "t1", "Safety Basics", element="t1"),
    Earning("plan", "12", "Onboarding", "t2", "Cloud", element="t2"),
]
ENDS = st.sampled_from(["expired", "revoked", "rejected"])
STATES = st.one_of(st.just("accepted"), ENDS)
COMPLETED = st.lists(st.tuples(PEOPLE, MOMENTS), max_size=5)


def as_held(number: int, user: str, state: str, template: str) -> Credential:
    past = NOW - timedelta(days=1) if state == "expired" else None
    real = "accepted" if state == "expired" else state
    return credential(
        id=f"b{number}", template_id=template, state=real, emails=frozenset({f"{user}@example.org"}), expires_at=past
    )


@pytest.mark.req("GN-21", "CR-74", "CR-34", "CR-35")
@given(
    st.lists(COMPLETED, min_size=4, max_size=4),
    st.lists(st.tuples(PEOPLE, STATES, st.sampled_from(["t1", "t2"])), max_size=4),
    st.lists(st.tuples(st.frozensets(ENDS), ENDS), max_size=4),
)
@example([[("1", DAY)], [], [("1", DAY)], []], [], [(frozenset({"expired"}), "expired")] * 4)
def test_whatever_was_planned_and_applied_is_not_planned_again(
    completions: list[list[tuple[str, datetime | None]]],
    held: list[tuple[str, str, str]],
    rounds: list[tuple[frozenset[str], str]],
) -> None:
    remote = Remote([as_held(number, *one) for number, one in enumerate(held)])
    learners = {user: Learner(user, f"{user}@example.org", "A", "B") for user in ("1", "2", "3", "4")}

    def views(reissue: frozenset[str]) -> list[EarningView]:
        return [
            view(earning=earning, completions=done, learners=learners, reissue=reissue)
            for earning, done in zip(ORIGINS, completions, strict=True)
        ]

    remote.run(views(frozenset()))
    for reissue, end in rounds:
        remote.run(views(reissue))
        assert remote.run(views(reissue)) == 0
        assert remote.run(views(frozenset())) == 0, "without the word nothing is issued again"
        live = [c for c in remote.held if c.id.startswith("n") and c.state == "accepted" and not c.expires_at]
        assert len(live) == len({(c.template_id, c.earner_id) for c in live})
        remote.held = [  # all of ours that live end, in this way
            replace(as_held(0, c.earner_id or "", end, c.template_id), id=c.id, earner_id=c.earner_id)
            if c in live
            else c
            for c in remote.held
        ]
        sent = len(remote.sent)
        others = frozenset({"expired", "revoked", "rejected"}) - {end}
        remote.run(views(others))
        again = {key.rpartition("|issue|")[0] for key in remote.sent[sent:]}
        assert not again & {holding(ACCOUNT, c.template_id, str(c.earner_id)) for c in live}, "the newest one decides"
