"""The plan of the dropdown: add, rename in place, remove, bind; never what is not ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.columns import Columns
from connectctl.badging.field import FieldView, bind_rows, plan
from connectctl.docebo.fields import FieldDef, Option
from connectctl.errors import ConfigError
from connectctl.model import Plan

COLUMNS = Columns("Badge Template ID", "Badge Template Name", "IsActive", "Dropdown Element ID")


def row(key: str, name: str, element: int | None = None, active: bool = True) -> dict[str, Any]:
    return {COLUMNS.id: key, COLUMNS.name: name, COLUMNS.active: active, COLUMNS.element: element}


def view(
    rows: list[dict[str, Any]], options: dict[str, str] | None, ours: dict[str, str] | None = None, **more: Any
) -> FieldView:
    """`ours`: element id -> template id; without it, what the rows point to."""
    field = None
    if options is not None:
        field = FieldDef("5", "Badge", "dropdown", tuple(Option(key, label) for key, label in options.items()))
    bound = {str(r[COLUMNS.element]): str(r[COLUMNS.id]) for r in rows if r[COLUMNS.element] is not None}
    fields: dict[str, Any] = {"selected_by": {}, "maximum": 300}
    mine = bound if ours is None else ours
    return FieldView("templates", "elements", COLUMNS, "acme", "Badge", field, rows, mine, **(fields | more))


def actions(planned: Plan) -> list[tuple[str, str | None, str, str]]:
    return [(c.action, c.template, c.data["element"], c.data["label"]) for c in planned.changes]


CASES: list[tuple[str, FieldView, list[tuple[str, str | None, str, str]]]] = [
    ("no field yet", view([row("a", "A")], None), [("create_field", None, "", ""), ("add_option", "a", "", "A")]),
    ("no field and nothing active", view([row("a", "A", active=False)], None), []),
    ("a new template", view([row("a", " A ")], {}), [("add_option", "a", "", "A")]),
    ("nothing new", view([row("a", "A", 1)], {"1": "A"}), []),
    ("renamed, in place", view([row("a", "B", 1)], {"1": "A"}), [("rename_option", "a", "1", "B")]),
    ("its element is gone", view([row("a", "A", 1)], {}), [("add_option", "a", "", "A")]),
    ("archived", view([row("a", "A", 1, active=False)], {"1": "A"}), [("remove_option", "a", "1", "A")]),
    ("deleted", view([], {"1": "A"}, {"1": "a"}), [("remove_option", "a", "1", "A")]),
    ("somebody else's", view([], {"1": "A"}), []),
    ("the same label under another id", view([row("a", "A", 9)], {"1": "A"}), []),
    (
        "renamed, and another template took the old name",
        view([row("a", "B", 1), row("n", "A")], {"1": "A"}),
        [("add_option", "n", "", "A"), ("rename_option", "a", "1", "B")],
    ),
    (
        "archived under a new name, and another template took the old one",
        view([row("a", "Z", 1, active=False), row("n", "A")], {"1": "A"}),
        [("add_option", "n", "", "A"), ("remove_option", "a", "1", "A")],
    ),
    (
        "two that changed names",
        view([row("a", "B", 1), row("b", "A", 2)], {"1": "A", "2": "B"}),
        [("rename_option", "b", "2", "A"), ("rename_option", "a", "1", "B")],
    ),
]


@pytest.mark.req("CR-18", "CR-24", "CR-54", "CR-55", "CR-57")
@pytest.mark.parametrize(("seen", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_action(seen: FieldView, expected: list[tuple[str, str | None, str, str]]) -> None:
    assert actions(plan(seen)) == expected


def test_an_element_with_the_right_label_is_bound_without_a_request() -> None:
    planned = plan(view([row("a", "A", 9)], {"1": " A"}))
    assert planned.writes == tuple(
        bind_rows("templates", "elements", COLUMNS, "a", "1", "A", "the element is there already")
    )
    assert planned.writes[0].row == {COLUMNS.element: 1}


def test_an_archived_row_whose_element_is_gone_is_cleared() -> None:
    (write,) = plan(view([row("a", "A", 1, active=False)], {})).writes
    assert (write.key, dict(write.row)) == (("a",), {COLUMNS.element: None})


@pytest.mark.req("GN-33", "CR-56")
def test_a_removal_names_the_courses_that_lose_their_selection_by_id_or_by_label() -> None:
    selected = {"1": ["Safety II", "Safety I"], "B": ["Boats"]}
    rows = [row("a", "A", 1, active=False), row("b", "B", 2, active=False), row("c", "C", 3, active=False)]
    planned = plan(view(rows, {"1": "A", "2": "B", "3": "C"}, selected_by=selected))
    assert [change.reason for change in planned.changes] == [
        "its template is not active any more; these courses lose their selection: Safety I, Safety II",
        "its template is not active any more; these courses lose their selection: Boats",
        "its template is not active any more",
    ]
    assert (planned.removals, planned.removal_base) == (3, 3)


@pytest.mark.req("CR-24")
def test_unknown_elements_are_reported_and_left_alone() -> None:
    planned = plan(view([row("a", "A", 1)], {"1": "A", "7": "Made by hand"}))
    assert planned.changes == ()
    assert planned.warnings == ("The dropdown 'Badge' has an element that no template owns: Made by hand",)
    assert planned.removal_base == 1


@pytest.mark.parametrize(("free", "fits"), [(0, False), (1, True)])
def test_a_dropdown_holds_only_so_many_elements(free: int, fits: bool) -> None:
    rows = [row(str(number), f"T{number}", number) for number in range(1, 300)] + [row("n", "New")]
    options = {str(number): f"T{number}" for number in range(1, 300)}
    options |= {} if free else {"999": "Made by hand"}
    seen = view(rows, options)
    if fits:
        assert actions(plan(seen)) == [("add_option", "n", "", "New")]
        return
    with pytest.raises(ConfigError, match="would need 301 elements, Docebo holds 300"):
        plan(seen)


def test_a_removal_makes_room_for_a_new_one() -> None:
    seen = view([row("a", "A", 1, active=False), row("n", "N")], {"1": "A"}, maximum=1)
    assert [change.action for change in plan(seen).changes] == ["add_option", "remove_option"]


NAMES = st.sampled_from(["A", "B", "C", "D"])
ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), NAMES, st.sampled_from([None, 1, 2, 3]), st.booleans()),
    unique_by=(lambda r: r[0], lambda r: r[1], lambda r: r[2] if r[2] else r[0]),
    max_size=4,
)
OPTIONS = st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), NAMES, max_size=4)


@pytest.mark.req("CR-24", "GN-22")
@given(ROWS, OPTIONS)
def test_no_element_ever_changes_hands_and_a_second_plan_is_empty(
    rows: list[tuple[str, str, int | None, bool]], options: dict[str, str]
) -> None:
    table = {r[0]: row(r[0], r[1], r[2], r[3]) for r in rows}
    ours = {str(r[2]): r[0] for r in rows if r[2] is not None}
    before = {key: r[COLUMNS.element] for key, r in table.items() if str(r[COLUMNS.element]) in options}
    for _ in range(3):
        planned = plan(view(list(table.values()), options, ours))
        assert plan(view(list(table.values()), options, ours)) == planned
        if not planned.changes and not planned.writes:
            break
        _carry_out(planned, table, options, ours)
    else:
        raise AssertionError("the plan does not come to rest")
    active = {key: str(r[COLUMNS.element]) for key, r in table.items() if r[COLUMNS.active]}
    assert {key: options[element] for key, element in active.items()} == {
        key: table[key][COLUMNS.name] for key in active
    }
    kept = {key: element for key, element in before.items() if table[key][COLUMNS.active]}
    assert {key: table[key][COLUMNS.element] for key in kept} == kept


def _carry_out(planned: Plan, table: dict[str, dict[str, Any]], options: dict[str, str], ours: dict[str, str]) -> None:
    """What Docebo and the runner make of a plan."""
    for write in planned.writes:
        if write.table == "templates":
            table[write.key[0]].update(write.row)
        else:
            ours[write.key[0]] = str(write.row[COLUMNS.id])
    for change in sorted(planned.changes, key=lambda c: c.action != "remove_option"):
        element, template = change.data["element"], str(change.template)
        if change.action == "remove_option":
            del options[element]
            del ours[element]
            if template in table:
                table[template][COLUMNS.element] = None
            continue
        if change.action == "add_option":
            element = str(max(map(int, options), default=4) + 5)
        options[element] = change.data["label"]
        ours[element] = template
        table[template][COLUMNS.element] = int(element)
