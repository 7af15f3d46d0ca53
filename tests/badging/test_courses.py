"""Ids or labels, decided once from the field's own options, and which course earns what."""

from __future__ import annotations

from typing import Any

import pytest

from connectctl.badging.columns import Columns
from connectctl.badging.courses import decide_values
from connectctl.badging.earnings import Earning, Selected, course_earnings
from connectctl.docebo.fields import FieldDef, Option
from connectctl.errors import ConfigError

COLUMNS = Columns("Badge Template ID", "Badge Template Name", "IsActive", "Dropdown Element ID")


def dropdown(options: dict[str, str]) -> FieldDef:
    return FieldDef("5", "Badge", "dropdown", tuple(Option(key, label) for key, label in options.items()))


def selected(*values: str | None) -> list[Selected]:
    return [Selected(str(number), f"Course {number}", value) for number, value in enumerate(values, 1)]


PLAIN = {"31": "Safety", "32": "Cloud"}
DECIDED: list[tuple[str, dict[str, str], list[str | None], str, str]] = [
    ("ids", PLAIN, ["31", "32", None], "auto", "id"),
    ("labels", PLAIN, ["Safety", " Cloud "], "auto", "label"),
    ("nothing selected", PLAIN, [None, "", " "], "auto", "id"),
    ("no courses", PLAIN, [], "auto", "id"),
    ("an element called by its own id", {"31": "31", "32": "Cloud"}, ["31", "Cloud"], "auto", "label"),
    ("only such elements", {"31": "31"}, ["31"], "auto", "id"),
    ("configured against all looks", PLAIN, ["31"], "label", "label"),
    ("configured, whatever the values", PLAIN, ["999"], "id", "id"),
]


@pytest.mark.req("CR-27")
@pytest.mark.parametrize(
    ("options", "values", "configured", "mode"), [c[1:] for c in DECIDED], ids=[c[0] for c in DECIDED]
)
def test_what_the_values_are(options: dict[str, str], values: list[str | None], configured: str, mode: str) -> None:
    assert decide_values(dropdown(options), selected(*values), configured, "sync-field") == mode


GUESSES: list[tuple[str, dict[str, str], list[str | None], str]] = [
    ("both", {"31": "32", "32": "Cloud"}, ["32"], "Course 1 .* both an element id and a label"),
    ("neither", PLAIN, ["31", "99"], "Course 2 .* neither an element id nor a label"),
    ("another case", PLAIN, ["safety"], "neither"),
    ("some so, others so", PLAIN, ["31", "Cloud"], "Some courses show element ids"),
]


@pytest.mark.req("CR-27")
@pytest.mark.parametrize(("options", "values", "words"), [c[1:] for c in GUESSES], ids=[c[0] for c in GUESSES])
def test_nothing_is_issued_on_a_guess(options: dict[str, str], values: list[str | None], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        decide_values(dropdown(options), selected(*values), "auto", "connectctl badgely sync-field")
    assert "field_value" in str(caught.value.hint)
    assert "badgely sync-field" in str(caught.value.hint) or "Some courses" in words


def row(key: str, name: str, element: object, active: object = True) -> dict[str, Any]:
    return {COLUMNS.id: key, COLUMNS.name: name, COLUMNS.active: active, COLUMNS.element: element}


ROWS = [row("t1", "Safety", 31), row("t2", "Cloud", "32", False), row("t3", "Draft", None), row("t4", "Blank", "")]
OPTIONS = {"31": "Safety", "32": "Cloud", "33": "Made by hand"}


@pytest.mark.req("CR-27", "GN-17")
@pytest.mark.parametrize(
    ("mode", "value", "template", "reason"),
    [
        ("id", "31", "t1", ""),
        ("id", " 31 ", "t1", ""),
        ("label", "Safety", "t1", ""),
        ("id", None, None, "no_value_selected"),
        ("id", "  ", None, "no_value_selected"),
        ("id", "32", None, "template_inactive"),
        ("label", "Cloud", None, "template_inactive"),
        ("id", "33", None, "template_unknown"),
        ("id", "Safety", None, "template_unknown"),  # a label where ids are shown
        ("label", "31", None, "template_unknown"),
        ("id", "99", None, "template_unknown"),
        ("label", "Draft", None, "template_unknown"),  # a row's name alone is no element
    ],
)
def test_each_course_earns_its_template_or_has_a_reason(
    mode: str, value: str | None, template: str | None, reason: str
) -> None:
    (earned,) = course_earnings(dropdown(OPTIONS), mode, selected(value), ROWS, COLUMNS)
    assert (earned.template, earned.reason) == (template, reason)
    assert earned.template_name == ("Safety" if template else "")


def test_a_row_that_points_to_an_element_that_is_gone_earns_nothing() -> None:
    found = course_earnings(dropdown({}), "id", selected("31"), ROWS, COLUMNS)
    assert found == [
        Earning("course", "1", "Course 1", None, "", "template_unknown", "the element '31' belongs to no row")
    ]
