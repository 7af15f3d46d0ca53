"""Learning plans by mapping table and by dropdown, and the two dropdowns side by side (AC-65, AC-69 to AC-71)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.columns import Columns
from connectctl.badging.earnings import BY_FIELD, BY_MAPPING, Earning, Selected, plan_field_earnings, union
from connectctl.badging.field import FieldView, plan
from connectctl.docebo.fields import FieldDef, Option
from connectctl_accredible.plugin import PROVIDER as ACCREDIBLE
from connectctl_credly.plugin import PROVIDER as CREDLY

COLUMNS = Columns.of(ACCREDIBLE, "plan")
FIELD = FieldDef("4", "Group", "dropdown", (Option("30", "Gold", ("Gold",)), Option("31", "Old", ("Old",))))


def row(key: str, name: str, element: int | None, active: bool = True) -> dict[str, Any]:
    course = {"Dropdown Element ID": 99}
    return {COLUMNS.id: key, COLUMNS.name: name, COLUMNS.active: active, COLUMNS.element: element} | course


def one(id: str, element: str, reason: str = "") -> Earning:
    return Earning("plan", id, id, None if reason else element, reason=reason, element=element)


@pytest.mark.req("AC-69")
def test_each_dropdown_has_a_column_and_a_table_of_its_own() -> None:
    assert Columns.of(ACCREDIBLE).element == "Dropdown Element ID"
    assert COLUMNS.element == "Learning Plan Dropdown Element ID"
    assert ACCREDIBLE.plan_element_table.name != ACCREDIBLE.element_table.name
    assert ACCREDIBLE.plan_element_table in ACCREDIBLE.tables
    assert CREDLY.plan_element_table not in CREDLY.tables


@pytest.mark.req("AC-65")
def test_the_same_element_id_in_both_dropdowns_is_two_holdings() -> None:
    rows, facts = [row("a", "Gold", None)], ({}, {}, 300)
    holdings = {
        plan(FieldView("t", "e", Columns.of(ACCREDIBLE, of), "lms", "Group", FIELD, rows, *facts, of)).changes
        for of in ("course", "plan")
    }
    assert holdings == {()}, "the label is there already"
    rows = [row("a", "New", None)]
    rows[0]["Dropdown Element ID"] = None
    of_course, of_plan = (
        plan(FieldView("t", "e", Columns.of(ACCREDIBLE, of), "lms", "Group", FIELD, rows, *facts, of)).changes[0]
        for of in ("course", "plan")
    )
    assert of_course.holding != of_plan.holding
    assert of_course.key("") != of_plan.key("")
    assert (of_course.data.get("of", "course"), of_plan.data["of"]) == ("course", "plan")


@pytest.mark.req("AC-70")
def test_a_plan_earns_by_the_element_of_its_own_dropdown() -> None:
    rows = [row("g", "Gold", 30), row("o", "Old", 31, active=False)]
    selected = [Selected("1", "One", "30"), Selected("2", "Two", None), Selected("3", "Three", "31")]
    earned = plan_field_earnings(FIELD, "id", selected, rows, COLUMNS)
    assert [(e.id, e.template, e.reason) for e in earned] == [("1", "g", ""), ("3", None, "template_inactive")]
    assert [(e.source, e.part) for e in earned] == [("plan:1", "plan:1|g"), ("plan:3", "plan:3|")]


@pytest.mark.req("AC-70")
@pytest.mark.parametrize(
    ("mapped", "selected", "expected"),
    [
        ([one("1", "a")], [], [("1", "a", BY_MAPPING)]),
        ([], [one("1", "a")], [("1", "a", BY_FIELD)]),
        ([one("1", "a")], [one("1", "a")], [("1", "a", f"{BY_MAPPING} and {BY_FIELD}")]),
        ([one("1", "a")], [one("1", "b")], [("1", "a", BY_MAPPING), ("1", "b", BY_FIELD)]),
        ([one("1", "a", "mapping_inactive")], [one("1", "a")], [("1", "a", BY_FIELD)]),
        ([one("1", "", "mapping_missing")], [one("1", "a")], [("1", "a", BY_FIELD)]),
        ([one("1", "", "mapping_missing")], [], [("1", None, BY_MAPPING)]),
    ],
)
def test_either_way_counts_and_each_template_once(
    mapped: list[Earning], selected: list[Earning], expected: list[tuple[str, str | None, str]]
) -> None:
    assert [(e.id, e.template, e.by) for e in union(mapped, selected)] == expected


ids = st.sampled_from("123")
earnings = st.builds(one, ids, st.sampled_from("abc"), st.sampled_from(["", "", "mapping_inactive"]))


@given(st.lists(earnings, unique_by=lambda e: e.part), st.lists(earnings, unique_by=lambda e: e.id))
def test_no_part_comes_twice_and_nothing_earned_is_lost(mapped: list[Earning], selected: list[Earning]) -> None:
    found = union(mapped, selected)
    assert len({e.part for e in found}) == len(found)
    earned = {(e.id, e.template) for e in (*mapped, *selected) if e.template}
    assert {(e.id, e.template) for e in found if e.template} == earned
