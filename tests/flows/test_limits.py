"""When a plan needs a person's word."""

from __future__ import annotations

import pytest

from connectctl.flows.limits import Limits, Totals, objection

CASES = [
    ("small enough", Totals(500), Limits(500), False),
    ("too many", Totals(501), Limits(500), True),
    ("too many, but yes", Totals(501), Limits(500, yes=True), False),
    ("a number named on the command line, and yes", Totals(11), Limits(10, explicit=True, yes=True), False),
    ("a number named on the command line", Totals(11), Limits(10, explicit=True), True),
    ("all history, more than the number, and yes", Totals(4, unbounded=True), Limits(3, explicit=True, yes=True), True),
    ("zero allows nothing", Totals(1), Limits(0), True),
    ("removals within the five", Totals(5, 5, 5), Limits(500), False),
    ("removals beyond the five", Totals(6, 6, 20), Limits(500), True),
    ("removals within 10 %", Totals(20, 20, 200), Limits(500), False),
    ("removals beyond 10 %", Totals(21, 21, 200), Limits(500), True),
    ("an empty listing where rows exist", Totals(1, 1, 1, emptied=True), Limits(500), True),
    ("an empty listing, but yes", Totals(1, 1, 1, emptied=True), Limits(500, yes=True), True),
    ("an empty listing, but a number", Totals(1, 1, 1, emptied=True), Limits(1, explicit=True), False),
    ("all history without a number", Totals(3, unbounded=True), Limits(500, yes=True), True),
    ("all history with a number", Totals(3, unbounded=True), Limits(3, explicit=True), False),
    ("all history, more than the number", Totals(4, unbounded=True), Limits(3, explicit=True), True),
    ("all history, nothing to do", Totals(0, unbounded=True), Limits(500), False),
    ("revocations within the ten", Totals(10, revocations=10), Limits(500), False),
    ("revocations beyond the ten", Totals(11, revocations=11), Limits(500), True),
    ("revocations beyond the ten, but yes", Totals(11, revocations=11), Limits(500, yes=True), False),
    ("a number does not answer them", Totals(11, revocations=11), Limits(500, explicit=True), True),
    ("revocations with those of the last hour", Totals(3, revocations=3, revoked=8), Limits(500), True),
    ("as many as the hour still takes", Totals(3, revocations=3, revoked=7), Limits(500), False),
    ("a full hour, and nothing to revoke", Totals(3, revoked=99), Limits(500), False),
    ("none at all", Totals(1, revocations=1), Limits(500, max_revocations=0), True),
]


@pytest.mark.req("GN-33", "GN-34", "GN-41", "GN-38")
@pytest.mark.parametrize(("totals", "limits", "refused"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_objections(totals: Totals, limits: Limits, refused: bool) -> None:
    assert (objection(totals, limits) is not None) is refused


def test_every_reason_is_told_before_a_person_says_yes() -> None:
    words = objection(Totals(600, 9, 9, revocations=20, revoked=2), Limits())
    assert words is not None
    assert [part in words for part in ("600 changes", "switch off 9", "take away 20", "after 2 in the last hour")] == [
        True
    ] * 4
