"""What is mapped to nothing, case by case: pure, so tables suffice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectctl.badging.earnings import Selected
from connectctl.badging.gaps import Coverage, Gap, gaps
from connectctl.docebo.certifications import Certification
from connectctl.docebo.fields import FieldDef, Option
from connectctl.docebo.plans import PlanRow
from connectctl_credly.plugin import PROVIDER

TEMPLATES = [
    {"Badge Template ID": "t1", "Badge Template Name": "Gold", "IsActive": True, "Dropdown Element ID": 31},
    {"Badge Template ID": "t2", "Badge Template Name": "Old", "IsActive": False, "Dropdown Element ID": 32},
]
FIELD = FieldDef("5", "Credly badge", "dropdown", (Option("31", "Gold"), Option("32", "Old"), Option("33", "Lost")))
PLANS = [PlanRow("12", "ONB", "Onboarding"), PlanRow("9", "", "Nine")]
CERTIFICATIONS = [Certification("7", "SEC", "Security"), Certification("8", "ISO", "Standards")]
MAPPINGS = "credly-integration-mappings"


def mapping(template: str = "t1", plan: Any = None, code: Any = None, active: bool = True) -> dict[str, Any]:
    return {
        "Badge Template ID": template,
        "Badge Template Name": "Gold",
        "Learning Plan ID": plan,
        "Import As External Training": None,
        "Certification Code": code,
        "IsActive": active,
    }


def view(*rows: dict[str, Any], **more: Any) -> Coverage:
    read = {"field": FIELD, "mode": "id", "courses": (), "plans": (), "certifications": ()}
    return Coverage(PROVIDER, TEMPLATES, list(enumerate(rows, 1)), **{**read, **more})


def said(found: Sequence[Gap]) -> list[tuple[str, str, str, str]]:
    return [(gap.kind, gap.id, gap.finding, gap.fix.removeprefix("connectctl ")) for gap in found]


SELECT = "in the course, in Docebo: Admin menu, Course management"


@pytest.mark.parametrize(
    ("value", "mode", "expected"),
    [
        ("31", "id", None),
        ("Gold", "label", None),
        (None, "id", ("nothing is selected in 'Credly badge'", f"select a template {SELECT}")),
        (" ", None, ("nothing is selected in 'Credly badge'", f"select a template {SELECT}")),
        ("32", "id", ("its template 'Old' is not active", f"select another template {SELECT}")),
        (
            "33",
            "id",
            ("the element '33' belongs to no row of Credly Badge Templates", "credly sync-field"),
        ),
        (
            "Gone",
            "label",
            ("the element 'Gone' belongs to no row of Credly Badge Templates", "credly sync-field"),
        ),
        ("31", None, None),  # nobody knows whether 31 is an id or a label
    ],
)
def test_courses(value: str | None, mode: str | None, expected: tuple[str, str] | None) -> None:
    found = gaps(view(courses=[Selected("88", "Security 101", value)], mode=mode))
    assert said(found) == ([] if expected is None else [("course", "88", *expected)])
    assert [gap.name for gap in found] == ["Security 101"] * len(found)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ("no row of Credly Integration Mappings names it", f"lookup set {MAPPINGS} TEMPLATE 12 - IsActive=true")),
        ([mapping(plan="9")], ("no row of Credly Integration Mappings names it", "")),
        ([mapping(plan="12", active=False)], ("its row is switched off", f"lookup set {MAPPINGS} '#1' IsActive=true")),
        ([mapping(plan=" 12 ")], None),
        ([mapping(plan=12)], None),
        ([mapping(plan="12", active=False), mapping(plan="12", code="SEC")], None),
    ],
)
def test_plans(rows: list[dict[str, Any]], expected: tuple[str, str] | None) -> None:
    found = gaps(view(*rows, plans=PLANS[:1]), ["plan"])
    assert [gap.finding for gap in found] == ([] if expected is None else [expected[0]])
    if expected and expected[1]:
        assert said(found) == [("plan", "12", *expected)]


@pytest.mark.parametrize(
    ("listed", "rows", "expected"),
    [
        ([CERTIFICATIONS[0]], [mapping(code="SEC")], []),
        (
            [CERTIFICATIONS[0]],
            [mapping(code="sec")],
            [
                (
                    "certification",
                    "7",
                    "no row of Credly Integration Mappings names it",
                    f"lookup set {MAPPINGS} TEMPLATE - SEC IsActive=true",
                )
            ],
        ),
        (
            [CERTIFICATIONS[0]],
            [mapping(code="SEC", active=False)],
            [("certification", "7", "its row is switched off", f"lookup set {MAPPINGS} '#1' IsActive=true")],
        ),
        (
            [Certification("7", "", "Security")],
            [mapping()],
            [("certification", "7", "it has no code, so that no row can name it", "give it a code in Docebo")],
        ),
        (
            [CERTIFICATIONS[0], Certification("10", "SEC", "Again")],
            [mapping(code="SEC")],
            [
                ("certification", "7", "its code 'SEC' is also that of 10", "give it another code in Docebo"),
                ("certification", "10", "its code 'SEC' is also that of 7", "give it another code in Docebo"),
            ],
        ),
    ],
)
def test_certifications(listed: list[Certification], rows: list[dict[str, Any]], expected: list[Any]) -> None:
    assert said(gaps(view(*rows, certifications=listed), ["certification"])) == expected


OFF = f"lookup set {MAPPINGS} '#1' IsActive=false"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (mapping(plan="12", code="SEC"), []),
        (mapping("t9", plan="99", code="NO", active=False), []),
        (mapping("t9"), ["Credly Badge Templates has no template 't9'"]),
        (mapping("t2"), ["the template 't2' is not active"]),
        (mapping(plan="99"), ["Docebo has no learning plan '99'"]),
        (mapping(code="NO"), ["Docebo has no certification with the code 'NO'"]),
        (
            mapping("t9", plan="99", code="NO"),
            [
                "Credly Badge Templates has no template 't9'",
                "Docebo has no learning plan '99'",
                "Docebo has no certification with the code 'NO'",
            ],
        ),
    ],
)
def test_rows_that_point_nowhere(row: dict[str, Any], words: list[str]) -> None:
    found = gaps(view(row, plans=PLANS, certifications=CERTIFICATIONS), ["mapping"])
    assert said(found) == [("mapping", "#1", one, OFF) for one in words]


def test_what_was_not_read_or_not_wholly_is_not_called_missing() -> None:
    rows = (mapping(plan="99", code="NO"),)
    unread = view(*rows, plans=None, certifications=None, courses=None)
    partly = replace(view(*rows), partial=frozenset({"plan", "certification"}))
    assert gaps(unread) == gaps(partly) == []


def test_a_text_of_a_remote_cannot_add_words_to_a_command() -> None:
    (found,) = gaps(view(certifications=[Certification("7", "A; rm -rf ~", "x")]), ["certification"])
    assert found.fix == f"connectctl lookup set {MAPPINGS} TEMPLATE - 'A; rm -rf ~' IsActive=true"


def test_ids_are_in_the_order_of_numbers_whatever_the_pages() -> None:
    plans = [PlanRow(str(number), "", "") for number in range(1, 30)]
    random.Random(1).shuffle(plans)
    assert [gap.id for gap in gaps(view(plans=plans))] == [str(number) for number in range(1, 30)]
