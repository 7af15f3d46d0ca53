"""What was imported, compared: a case for every finding, and properties over whole worlds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.reconcile_inward import InwardView, compare, gone, young
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training
from connectctl.model import Applied, Change, Outcome, Plan, Recorded, Skip

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
DAY = date(2026, 2, 10)
TRAINING, AWARD = "docebo|training|t1|4711|b1", "docebo|award|ISO|4711"


def training_change(action: str = "create_training", **data: Any) -> Change:
    known = {
        "training_id": None,
        "user_id": "4711",
        "name": "Safety",
        "code": "b1",
        "codes": ["b1"],
        "institute": "Acme",
        "from_date": "2026-02-10",
        "to_date": "2026-02-10",
        "link": "",
        "moved": False,
    }
    return Change(action, TRAINING, known | data, "b1 issued", "template:t1", "b1", "4711", "ada@example.org", "t1")


def award_change(action: str = "award", expires: str | None = None) -> Change:
    data = {
        "award_id": None,
        "certification_id": "7",
        "user_id": "4711",
        "issued_at": "2026-02-10T00:00:00+00:00",
        "expires_at": expires,
        "source": "Credly",
        "link": "",
        "external_id": "b1",
        "external_ids": ["b1"],
    }
    return Change(action, AWARD, data, "b1 issued", "template:t1", "b1@never", "4711", "ada@example.org", "t1")


def trained(id: str = "x1", **fields: Any) -> Training:
    known: dict[str, Any] = {
        "user_id": "4711",
        "name": "Safety",
        "code": "b1",
        "institute": "Acme",
        "from_date": DAY,
        "to_date": DAY,
    }
    return Training(id, **(known | fields))


def awarded(id: str = "x1", expires_at: datetime | None = None) -> Award:
    return Award(id, "7", "ISO", "4711", LONG_AGO, expires_at, "external", "", "Credly", "", "b1")


def view(made: Change, found: list[Any], **fields: Any) -> InwardView:
    entry = Applied(*(made.holding, made.key(""), "done", made.action, made.origin, str(made.version), "x1", True, {}))
    known: dict[str, Any] = {
        "planned": Plan(skipped=(Skip(made.holding, "unchanged", user="4711"),)),
        "applied": {made.holding: entry},
        "recorded": {entry.key: Recorded(made, LONG_AGO)},
        "found": {one.id: one for one in found},
        "looked": {},
        "now": NOW,
        "repair": True,
    }
    return InwardView(**(known | fields))


OTHER = trained("x9", user_id="9", code="b9")
OTHER_AWARD = replace(awarded("x9"), user_id="9")
LOOKED_T: dict[str, Any] = {"looked": {TRAINING: frozenset()}}
LOOKED_A: dict[str, Any] = {"looked": {AWARD: frozenset()}}
NOT_LISTED: dict[str, Any] = {"planned": Plan()}
DELETE = replace(training_change("delete_training"), version="b1@revoked")
CREATE, UPDATE = training_change(), training_change("update_training", training_id="x1")
REPLACED: dict[str, Any] = LOOKED_T | {"planned": Plan((UPDATE,))}
REVOKED: dict[str, Any] = {"planned": Plan((DELETE,)), "revoke": True}
NOBODY: dict[str, Any] = {"applied": {}, "recorded": {}}

CASES: list[tuple[str, Change, list[Any], dict[str, Any], str, str]] = [
    ("training gone", CREATE, [OTHER], LOOKED_T, "missing", "create_training"),
    ("award gone", award_change(), [OTHER_AWARD], LOOKED_A, "missing", "award"),
    ("training gone, no look", CREATE, [OTHER], {}, "missing", ""),
    ("training gone, another by the look", CREATE, [OTHER], {"looked": {TRAINING: frozenset({"x5"})}}, "missing", ""),
    ("training gone, badge not listed", CREATE, [OTHER], LOOKED_T | NOT_LISTED, "missing", ""),
    ("training gone, badge revoked", CREATE, [OTHER], LOOKED_T | {"planned": Plan((DELETE,))}, "missing", ""),
    (
        "training gone, badge replaced",
        CREATE,
        [OTHER],
        LOOKED_T | {"planned": Plan((UPDATE,))},
        "missing",
        "create_training",
    ),
    ("training of another institute", CREATE, [trained(institute="Other")], {}, "changed", "update_training"),
    ("training of another day", CREATE, [trained(to_date=date(2026, 3, 1))], {}, "changed", "update_training"),
    ("award of another expiry", award_change(), [awarded(expires_at=NOW)], {}, "changed", "update_award"),
    (
        "award that should expire",
        award_change(expires="2027-02-10T00:00:00+00:00"),
        [awarded()],
        {},
        "changed",
        "update_award",
    ),
    ("badge not listed", CREATE, [trained()], NOT_LISTED, "extra", ""),
    ("badge revoked", CREATE, [trained()], {"planned": Plan((DELETE,))}, "extra", ""),
    (
        "badge revoked, --revoke",
        CREATE,
        [trained()],
        {"planned": Plan((DELETE,)), "revoke": True},
        "extra",
        "delete_training",
    ),
    ("never imported", CREATE, [OTHER], NOBODY | {"planned": Plan((CREATE,))}, "missing", "create_training"),
    ("badge replaced", CREATE, [trained()], {"planned": Plan((UPDATE,))}, "changed", "update_training"),
]


@pytest.mark.req("GN-32", "GN-34", "CR-47", "CR-48", "CR-49", "CR-50")
@pytest.mark.parametrize(
    ("made", "found", "fields", "kind", "repair"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_kind_of_finding_with_its_repair(
    made: Change, found: list[Any], fields: dict[str, Any], kind: str, repair: str
) -> None:
    result = compare(view(made, found, **fields))
    assert [(finding.kind, finding.repair) for finding in result.findings] == [(kind, repair)]
    assert [change.action for change in result.changes] == [repair] * bool(repair)
    without = compare(view(made, found, **(fields | {"repair": False})))
    assert (without.findings, without.changes) == (result.findings, ())


@pytest.mark.parametrize(
    ("made", "found", "fields"),
    [
        (CREATE, [trained()], {}),
        (award_change(), [awarded()], {}),
        (CREATE, [trained(institute="", name="", from_date=None)], {}),  # what Docebo does not show is not judged
        (CREATE, [trained()], {"planned": Plan(skipped=(Skip(TRAINING, "negative_sync_off"),))}),
        (CREATE, [OTHER], {"recorded": {CREATE.key(""): Recorded(CREATE, NOW)}}),
    ],
)
def test_what_agrees_or_cannot_be_judged_is_no_finding(made: Change, found: list[Any], fields: dict[str, Any]) -> None:
    assert compare(view(made, found, **fields)).findings == ()


@pytest.mark.req("GN-33")
def test_an_empty_list_of_docebos_says_and_does_nothing() -> None:
    empty = view(CREATE, [], planned=Plan((DELETE,)), revoke=True, looked={TRAINING: frozenset()})
    assert (compare(empty).findings, compare(empty).changes) == ((), ())


@pytest.mark.req("GN-21")
def test_a_repair_has_a_key_of_its_own_and_follows_the_entry() -> None:
    (again,) = compare(view(CREATE, [OTHER], looked={TRAINING: frozenset()})).changes
    assert (again.holding, again.version, again.supersedes) == (TRAINING, "b1", CREATE.key(""))
    assert again.key("") != CREATE.key("")
    refused = replace(view(CREATE, []).applied[TRAINING], refused=frozenset({again.key("")}))
    left = compare(view(CREATE, [OTHER], looked={TRAINING: frozenset()}, applied={TRAINING: refused}))
    assert (left.changes, left.findings[0].repair) == ((), "")


def test_one_of_ours_that_the_ledger_lost_is_adopted() -> None:
    seen = ((CREATE, Outcome("adopted", "x1")), (award_change(), Outcome("foreign", "x2")))
    result = compare(view(CREATE, [trained()], planned=Plan(seen=seen), **NOBODY))
    assert [(finding.kind, finding.repair) for finding in result.findings] == [("unknown", "adopt")]
    assert result.seen == seen[:1]


PLANNED = st.sampled_from([Plan(), Plan((DELETE,)), Plan((UPDATE,)), Plan(skipped=(Skip(TRAINING, "unchanged"),))])
SHOWN = st.sampled_from([[OTHER], [OTHER, trained()], [OTHER, trained(institute="Other")], [trained()], []])


@pytest.mark.req("GN-21", "GN-32", "GN-33", "GN-34")
@given(
    PLANNED,
    SHOWN,
    st.sampled_from(["done", "adopted", "foreign", "unsure", "failed"]),
    st.booleans(),
    st.sampled_from([None, frozenset(), frozenset({"x5"})]),
)
def test_nothing_is_taken_away_without_a_word_and_a_repair_leaves_nothing_to_repair(
    planned: Plan, found: list[Training], state: str, revoke: bool, looked: frozenset[str] | None
) -> None:
    base = view(CREATE, found, planned=planned, revoke=revoke)
    entry = replace(base.applied[TRAINING], state=state, live=state != "failed")
    world = replace(base, applied={TRAINING: entry}, looked={} if looked is None else {TRAINING: looked})
    result = compare(world)
    assert compare(world) == result
    assert len(result.changes) <= 1
    assert state != "foreign" or result.changes == ()
    for change in result.changes:
        assert found or state not in ("done", "adopted"), "an empty list changes nothing"
        assert change.action != "delete_training" or revoke
        if state not in ("done", "adopted"):
            assert change in planned.changes, "what is not ours is touched by no repair of our own"
            continue
        if change.action == "delete_training":
            continue
        id = "n1" if change.action == "create_training" else "x1"
        made = replace(entry, key=change.key(""), action=change.action, remote_id=id)
        after = replace(
            world,
            planned=Plan(skipped=(Skip(TRAINING, "unchanged"),)),
            applied={TRAINING: made},
            recorded={made.key: Recorded(change, LONG_AGO)},
            found={"x9": OTHER, id: trained(id)},
        )
        assert compare(after).findings == ()
        assert gone(after) == []


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({}, "its credential was not listed"),
        ({TRAINING: "as revoked"}, "its credential is listed as revoked"),
        ({TRAINING: "with another owner (eve@example.org)"}, "listed with another owner (eve@example.org)"),
    ],
)
@pytest.mark.parametrize("found", [[trained()], [OTHER]])
def test_a_credential_that_is_listed_otherwise_is_not_called_unlisted(
    shown: dict[str, str], words: str, found: list[Training]
) -> None:
    base = view(CREATE, found, planned=Plan())
    (finding,) = compare(replace(base, shown=shown, looked={TRAINING: frozenset()})).findings
    assert (words in finding.detail, "not listed" in finding.detail) == (True, not shown)
    assert (finding.repair, "left alone" in finding.detail) == ("", True)


def test_what_is_too_young_is_counted_once_it_is_missing() -> None:
    base = view(CREATE, [OTHER], planned=Plan())
    assert (young(base), len(gone(base))) == ([], 1)
    fresh = replace(base, recorded={key: replace(one, at=NOW) for key, one in base.recorded.items()})
    assert (len(young(fresh)), gone(fresh)) == (1, [])
    assert young(replace(fresh, found={"x1": trained()})) == []
