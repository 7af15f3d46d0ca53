"""What a table declares is what is found wrong with it: no table is known by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinydb.table import Document

from connectctl.api import ColumnSpec, Finding, Reference, TableSpec
from connectctl.store.findings import Known, table_findings

PARTS = TableSpec(
    "parts",
    "Parts",
    (
        ColumnSpec("Id", required=True),
        ColumnSpec("Name", unique=True),
        ColumnSpec("On", "boolean", required=True),
        ColumnSpec("Slot", "integer", fill="acme fill-slots"),
    ),
    key=("Id",),
    editable=False,
    active="On",
    fill="acme fill",
)
REFERENCE = Reference("parts", "Id", ("Part Name", "Name"))
USES = TableSpec(
    "uses",
    "Uses",
    (
        ColumnSpec("Part", required=True, refers_to=REFERENCE),
        ColumnSpec("Part Name"),
        ColumnSpec("Plan"),
        ColumnSpec("Import", "boolean"),
        ColumnSpec("On", "boolean", required=True),
        ColumnSpec("Since", "date"),
    ),
    key=("Part", "Plan"),
    active="On",
    maps=("Plan", "Import"),
)
KNOWN_ROWS = [
    {"Id": "p1", "Name": "Bolt", "On": True, "Slot": 1},
    {"Id": "old", "Name": "Nail", "On": False, "Slot": None},
    {"Id": "part-number-0001", "Name": "Nut", "On": True, "Slot": 2},
]


def use(
    part: Any = "p1", plan: Any = "1", *, name: Any = None, imports: Any = None, on: Any = True, since: Any = None
) -> dict[str, Any]:
    return {"Part": part, "Part Name": name, "Plan": plan, "Import": imports, "On": on, "Since": since}


def found(spec: TableSpec, rows: list[dict[str, Any]], parts: list[dict[str, Any]] | None = None) -> list[Finding]:
    known = {"Part": Known.of(PARTS, REFERENCE, KNOWN_ROWS if parts is None else parts)} if spec is USES else {}
    keys = {tuple(str(row.get(name) or "") for name in spec.key) for row in rows}
    documents = [Document(row, number) for number, row in enumerate(rows, 1)]
    return list(table_findings(spec, documents, known, keys.__contains__))


SET, UNSET = ("lookup", "set", "uses"), ("lookup", "unset", "uses")


@pytest.mark.req("CR-14", "CR-15", "CR-16", "CR-17")
@pytest.mark.parametrize(
    ("rows", "severity", "words", "fix"),
    [
        ([use("nope")], "error", "Part 'nope' is not in Parts; if it is new, connectctl acme fill comes first",
         (*SET, "#1", "On=false")),
        ([use("P1")], "error", "is 'p1' meant?", (*SET, "#1", "Part=p1")),
        ([use("part-number-0OO1")], "error", "Parts; if it is new", (*SET, "#1", "On=false")),
        ([use("p1"), use("P1")], "error", "is 'p1' meant?", (*UNSET, "#2")),  # that row is there already
        ([use("old")], "warning", "leads to 'Nail', which is not active", (*SET, "#1", "On=false")),
        ([use(name="bolt")], "warning", "Part Name 'bolt' is 'Bolt' in Parts; the id counts",
         (*SET, "#1", "Part Name=Bolt")),
        ([use(plan=None)], "warning", "maps nothing: Plan, Import are all blank or false", (*UNSET, "#1")),
        ([use(plan=None, imports=False)], "warning", "maps nothing", (*UNSET, "#1")),
        ([use(on=False)], "warning", "is switched off; the fix is for", (*SET, "#1", "On=true")),
        ([use("old", on=False)], "warning", "is switched off, and could not work if", (*UNSET, "#1")),
        ([use("nope", on=False)], "warning", "is switched off, and could not work if", (*UNSET, "#1")),
        ([use(plan=None, on=False)], "warning", "is switched off, and could not work if", (*UNSET, "#1")),
        ([use(on=None)], "error", "On must not be blank", (*SET, "#1", "On=false")),
        ([use(on="TRUE")], "error", "On is the text 'TRUE'; it must be true or false", (*SET, "#1", "On=true")),
        ([use(imports=1)], "error", "Import is 1; it must be true or false", (*SET, "#1", "Import=true")),
        ([use(plan=7)], "error", "Plan is 7; it must be a text", (*SET, "#1", "Plan=7")),
        ([use(since="31.1.2026")], "error", "Since is the text '31.1.2026'; it must be a date",
         (*SET, "#1", "Since=2026-01-31")),
        ([use(since="soon")], "error", "it must be a date", (*SET, "#1", "Since=")),
        ([use(None)], "error", "Part must not be blank", (*UNSET, "#1")),
        ([use(" p1")], "warning", "Part ' p1' begins or ends with a space", (*SET, "#1", "Part=p1")),
        ([use(), use("p1 ")], "error", "has the same key as #1, spaces aside", (*UNSET, "#2")),
        ([use(plan="1"), use(plan=None, imports=True), use(plan="1 ", imports=True)], "error", "the same key as #1",
         (*UNSET, "#3")),
        ([use(plan="1"), use(plan="2", imports=True), use(plan=None, imports=True)], "warning",
         "changes nothing: what it maps is mapped by #2 too", (*UNSET, "#3")),
        ([use(name="x\ny")], "warning", "the id counts", (*SET, "#1", "Part Name=Bolt")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_and_its_fix(
    rows: list[dict[str, Any]], severity: str, words: str, fix: tuple[str, ...]
) -> None:
    (finding,) = found(USES, rows)
    assert (finding.severity, finding.table, finding.fix) == (severity, "uses", fix)
    assert words in finding.message


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [use()],
        [use(name="Bolt"), use(plan="2"), use(plan=None, imports=True)],
        [use(plan="1", imports=True), use(plan="2", imports=True)],  # each maps something of its own
        [use(), use("part-number-0001", name="Nut", since="2026-01-31")],
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(rows: list[dict[str, Any]]) -> None:
    assert found(USES, rows) == []


def test_a_name_that_no_shell_could_be_given_is_blanked() -> None:
    parts = [{"Id": "p1", "Name": "B\x1b[2Jolt", "On": True, "Slot": 1}]
    (finding,) = found(USES, [use(name="Bolt")], parts)
    assert finding.fix == (*SET, "#1", "Part Name=")


def test_a_fix_that_could_not_be_printed_is_not_proposed() -> None:
    findings = found(USES, [use("p1\x1b[2J ")])
    assert [finding.fix for finding in findings] == [("lookup", "show", "uses"), (*SET, "#1", "On=false")]
    assert all(word.isprintable() for finding in findings for word in finding.fix)


def test_an_empty_table_is_filled_before_rows_are_touched() -> None:
    findings = found(USES, [use(), use("p2"), use("p3")], [])
    assert {(finding.message, finding.fix) for finding in findings} == {
        ("Part leads nowhere: Parts is still empty", ("acme", "fill"))
    }
    assert [finding.row for finding in findings] == [1, 2, 3]


@pytest.mark.req("CR-14")
def test_a_table_that_nobody_edits_is_mended_by_what_fills_it() -> None:
    rows = [
        {"Id": "a", "Name": "Bolt", "On": 1, "Slot": 1},
        {"Id": "b", "Name": "Nut", "On": True, "Slot": "x"},
        {"Id": "c", "Name": "Nail", "On": True, "Slot": None},
        {"Id": "d", "Name": "Pin", "On": False, "Slot": None},  # switched off: needs none
    ]
    findings = found(PARTS, rows)
    assert [(finding.row, finding.fix) for finding in findings] == [
        (1, ("acme", "fill")),
        (2, ("acme", "fill-slots")),
        (3, ("acme", "fill-slots")),
    ]


@pytest.mark.parametrize(
    ("names", "severities"),
    [
        (["Bolt", "Bolt"], ["error"]),
        (["Bolt", "bolt"], ["warning"]),
        (["Big  bolt", "Big Bolt", "Big Bolt"], ["warning", "warning"]),
        (["Bolt", "Bolts"], []),
    ],
)
def test_names_that_clash(names: list[str], severities: list[str]) -> None:
    rows = [{"Id": str(number), "Name": name, "On": True, "Slot": 1} for number, name in enumerate(names)]
    findings = found(PARTS, rows)
    assert [finding.severity for finding in findings] == severities
    assert all("that of #1" in finding.message for finding in findings)
    for row in rows[1:]:
        row["On"] = False
    assert found(PARTS, rows) == []  # one that is off takes no name


JSON_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.lists(st.integers()))


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(use(), JSON_VALUES)), max_size=4))
def test_any_row_can_be_looked_at(rows: list[dict[str, Any]]) -> None:
    for finding in found(USES, rows):
        assert finding.fix
        assert all(word.isprintable() for word in finding.fix)
        assert finding.message
