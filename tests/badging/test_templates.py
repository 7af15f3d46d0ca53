"""The plan of the template table: names, archived, gone, back again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.columns import Columns
from connectctl.badging.provider import Template
from connectctl.badging.templates import TemplatesView, plan

COLUMNS = Columns("Badge Template ID", "Badge Template Name", "IsActive", "Dropdown Element ID")


def template(key: str, name: str, state: Any = "active", created: str = "2026-01-01") -> Template:
    return Template(key, name, state, created)


def row(key: str, name: str, active: bool = True, element: int | None = None) -> dict[str, Any]:
    return {COLUMNS.id: key, COLUMNS.name: name, COLUMNS.active: active, COLUMNS.element: element}


def view(
    templates: list[Template], rows: list[dict[str, Any]], mappings: tuple[dict[str, Any], ...] = ()
) -> TemplatesView:
    by_id = {str(r[COLUMNS.id]): r for r in rows}
    key = ("Badge Template ID", "Learning Plan ID", "Certification Code")
    return TemplatesView(
        "templates", "mappings", COLUMNS, templates, by_id, mappings, key, mapped=(COLUMNS.id, COLUMNS.active)
    )


def writes(result: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [(write.action, write.key[0], dict(write.row)) for write in result.writes]


@pytest.mark.req("CR-23")
def test_a_new_template_gets_a_row_without_element() -> None:
    assert writes(plan(view([template("a", " Safety ")], []))) == [("add_row", "a", row("a", "Safety"))]


@pytest.mark.req("CR-74")
def test_nothing_new_writes_nothing() -> None:
    assert plan(view([template("a", "Safety")], [row("a", "Safety", element=3)])).writes == ()


@pytest.mark.req("CR-53")
def test_of_a_shared_name_the_oldest_template_has_it_and_the_others_are_reported() -> None:
    result = plan(view([template("b", "Safety", created="2026-02-01"), template("a", "Safety")], []))
    assert [key for _, key, _ in writes(result)] == ["a"]
    assert [(skip.key, skip.reason) for skip in result.skipped] == [("b", "duplicate_name")]


@pytest.mark.req("CR-53")
def test_the_template_in_the_table_keeps_its_name_against_an_older_one() -> None:
    result = plan(view([template("a", "Safety", created="2020-01-01"), template("b", "Safety")], [row("b", "Safety")]))
    assert result.writes == ()
    assert [skip.key for skip in result.skipped if skip.reason == "duplicate_name"] == ["a"]


@pytest.mark.req("CR-54", "CR-57")
@pytest.mark.parametrize(("state", "was", "active"), [("archived", True, False), ("active", False, True)])
def test_archived_switches_off_and_active_again_switches_on(state: str, was: bool, active: bool) -> None:
    result = plan(view([template("a", "Safety", state)], [row("a", "Safety", was, 7)]))
    assert writes(result) == [("update_row", "a", {COLUMNS.active: active})]
    assert result.removals == (0 if active else 1)


@pytest.mark.req("CR-55")
def test_a_template_that_is_gone_takes_its_row_along_and_switches_its_mappings_off() -> None:
    mapping = {"Badge Template ID": "a", "Learning Plan ID": "12", "Certification Code": None, "IsActive": True}
    other = mapping | {"Badge Template ID": "b"}
    result = plan(view([template("b", "B")], [row("a", "A"), row("b", "B")], (mapping, other)))
    assert [(w.action, w.table, w.key) for w in result.writes] == [
        ("delete_row", "templates", ("a",)),
        ("update_row", "mappings", ("a", "12", "")),
    ]
    assert (result.removals, result.removal_base) == (1, 2)


@pytest.mark.req("CR-53")
def test_a_rename_changes_the_row_in_place() -> None:
    result = plan(view([template("a", "Safety II")], [row("a", "Safety", element=7)]))
    assert writes(result) == [("update_row", "a", {COLUMNS.name: "Safety II"})]


IDS = st.sampled_from("abcdef")
TEMPLATES = st.builds(
    template,
    IDS,
    st.sampled_from(["X", "Y", "Z "]),
    st.sampled_from(["active", "archived", "draft"]),
    st.text("0123", max_size=2),
)


@given(st.lists(TEMPLATES, unique_by=lambda t: t.id), st.permutations(list("abcdef")))
def test_applied_once_the_plan_is_empty_and_names_are_unique(templates: list[Template], order: list[str]) -> None:
    rows: dict[str, dict[str, Any]] = {}
    first = plan(view(templates, []))
    for write in first.writes:
        rows[write.key[0]] = dict(write.row)
    names = [r[COLUMNS.name] for r in rows.values()]
    assert len(names) == len(set(names))
    again = sorted(templates, key=lambda t: order.index(t.id))
    assert plan(view(again, list(rows.values()))).writes == ()


@pytest.mark.req("CR-22", "CR-23", "CR-55")
def test_one_mail_names_all_that_was_deleted_and_what_follows() -> None:
    mapping = {"Badge Template ID": "b", "Learning Plan ID": "12", "Certification Code": None, "IsActive": True}
    gone = [row("a", "Safety"), row("b", "Cloud"), row("c", "Kept")]
    result = plan(view([template("c", "Kept"), template("d", "Kept", created="2026-02-01")], gone, (mapping,)))
    (notice,) = result.notices
    text = "\n".join(notice.lines)
    assert "2 templates were deleted" in notice.subject
    for words in ("Safety (a)", "Cloud (b)", "b, 12, -", "d: Kept is the name of c"):
        assert words in text, words
    assert "Kept (c)" not in text


@pytest.mark.req("CR-22")
def test_nothing_deleted_is_no_mail() -> None:
    archived = template("a", "Safety", state="archived")
    assert plan(view([archived, template("d", "Safety", created="2026-02-01")], [row("a", "Safety")])).notices == ()
