"""CSV and JSON of lookup tables: unharmed round trips, and every error by line and column."""

from __future__ import annotations

import codecs
import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import ColumnSpec, TableSpec
from connectctl.errors import ConfigError
from connectctl.store.store import Store
from connectctl.store.transfer import (
    CellError,
    ImportRefused,
    csv_lines,
    export_csv,
    export_json,
    import_csv,
    import_json,
    json_lines,
    protect,
    unprotect,
)

SPEC = TableSpec(
    name="mappings",
    title="Mappings",
    columns=(
        ColumnSpec("Course", required=True),
        ColumnSpec("Template"),
        ColumnSpec("Active", "boolean"),
        ColumnSpec("Count", "integer"),
        ColumnSpec("Since", "date"),
    ),
    key=("Course", "Template"),
)
HEADER = "Course,Template,Active,Count,Since"


def row(course: str, template: str | None = None, active: Any = None, count: Any = None, since: Any = None) -> Any:
    return {"Course": course, "Template": template, "Active": active, "Count": count, "Since": since}


# The signs that matter, often; any other character, sometimes.
ODD_TEXT = st.text(st.one_of(st.sampled_from("=+-@'\"\t\r\n \u00a0\ufeff\u200b,;＝\x00\u2028ab"), st.characters()))
DANGEROUS = "=+-@\t\r"


@given(ODD_TEXT)
def test_every_text_survives_protection(text: str) -> None:
    assert unprotect(protect(text)) == text


@given(ODD_TEXT)
def test_no_protected_cell_begins_like_a_formula(text: str) -> None:
    cell = protect(text)
    assert cell[:1] not in tuple(DANGEROUS)
    assert cell.strip().lstrip("\ufeff\u200b").strip()[:1] not in tuple(DANGEROUS)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" \u00a0=1", "' \u00a0=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("＝1", "'＝1"),
        ("'quoted'", "''quoted'"),
        ("'", "''"),
        ("''=1", "'''=1"),
        (" edge ", "' edge "),
        ("a=1", "a=1"),
        ("5", "5"),
        ("", ""),
        ("it's", "it's"),
        ("a\n=1", "'a\n=1"),
        ("a\r\u00a0+1", "'a\r\u00a0+1"),
        ("a\n\n \u200b@x", "'a\n\n \u200b@x"),
        ("a\nb=1", "a\nb=1"),
        ("'a\n=1", "''a\n=1"),
    ],
)
def test_which_cells_are_protected(text: str, cell: str) -> None:
    assert (protect(text), unprotect(cell)) == (cell, text)


def test_a_cell_of_many_line_ends_takes_no_time() -> None:
    assert protect("a" + "\n" * 1_000_000 + "b").startswith("a")  # minutes, were each line's rest looked at again


@pytest.mark.parametrize("cell", ["'tis", "'", "'a=1"])
def test_an_apostrophe_that_we_did_not_write_stays(cell: str) -> None:
    assert unprotect(cell) == cell


ROWS = st.lists(
    st.builds(
        row,
        ODD_TEXT.filter(str.strip),
        st.one_of(st.none(), ODD_TEXT.filter(bool)),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.dates().map(str)),
    ),
    max_size=5,
    unique_by=lambda found: (found["Course"], found["Template"]),
)


@given(ROWS)
def test_every_table_survives_csv(rows: list[dict[str, Any]]) -> None:
    text = export_csv(rows, SPEC)
    assert import_csv(text, SPEC) == rows
    assert import_csv(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"), SPEC) == rows


@given(ROWS)
def test_every_exported_cell_is_safe_for_a_spreadsheet(rows: list[dict[str, Any]]) -> None:
    for cells in csv.reader(io.StringIO(export_csv(rows, SPEC), newline="")):
        assert all(cell.lstrip("\u00a0\ufeff\u200b ")[:1] not in tuple(DANGEROUS) for cell in cells)


@given(ROWS)
def test_every_table_survives_json(rows: list[dict[str, Any]]) -> None:
    assert import_json(export_json(rows, SPEC), SPEC) == rows  # what stands in quotes is meant, spaces too


def test_the_form_of_an_export() -> None:
    rows = [row("c1", "=t", True, -1, "2026-01-31"), {"Course": "ä, b", "other": 1}]
    assert export_csv(rows, SPEC) == f"{HEADER}\nc1,'=t,true,'-1,2026-01-31\n\"ä, b\",,,,\n"
    assert json.loads(export_json(rows, SPEC)) == [rows[0], row("ä, b")]
    assert export_csv([], SPEC) == f"{HEADER}\n"
    assert import_json(export_json([], SPEC), SPEC) == []


GOOD = [row("c1", "t 1", True, -1, "2026-01-31"), row("c2")]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\nc1,t 1,true,-1,2026-01-31\nc2,,,,\n",
        f"{HEADER}\nc1,t 1,true,-1,2026-01-31\nc2,,,,",
        f"\ufeff{HEADER}\r\nc1,t 1,true,'-1,2026-01-31\r\nc2,,,,\r\n",
        f"{HEADER}\rc1,t 1,true,-1,2026-01-31\rc2,,,,\r",
        f"{HEADER}\n\n,,,,\nc1,t 1,true,-1,2026-01-31\n\nc2,,,,\n,,,,\n\n",
        f"{HEADER}\nc1,t 1,true,-1,2026-01-31\nc2,,,,\n".replace(",", ";"),
        f"{HEADER}\nc1,t 1,true,-1,2026-01-31\nc2,,,,\n".replace(",", "\t"),
        " Since ,Count,Active,\"Template\", Course\n 2026-01-31 ,-1, true , t 1 ,\u00a0c1\n,,,,c2\n",
        codecs.BOM_UTF8 + f"{HEADER}\nc1,t 1,true,-1,2026-01-31\nc2,,,,\n".encode(),
    ],
)  # fmt: skip
def test_files_as_spreadsheets_save_them(text: str | bytes) -> None:
    assert import_csv(text, SPEC) == GOOD


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["line 1: column 'Course' is missing"] + [f"line 1: column '{name}' is missing" for name in
              ("Template", "Active", "Count", "Since")]),
        ("Course,Template,Active,Count,Since,Course\n", ["line 1: column 'Course' comes twice"]),
        ("Course,Template,Active,Count,since\n",
         ["line 1: column 'since' is unknown; the columns are Course, Template, Active, Count, Since",
          "line 1: column 'Since' is missing"]),
        (f"{HEADER}\nc1,,yes,one,31.1.2026\n,,,,2026-01-01\n",
         ["line 2, column Active: is 'yes'; it must be true or false",
          "line 2, column Count: is 'one'; it must be a whole number",
          "line 2, column Since: is '31.1.2026'; it must be a date such as 2026-01-31 or 2026-01-31 08:30:00; "
          "write 2026-01-31",
          "line 3, column Course: must not be blank"]),
        (f'{HEADER}\n"c\n1",,,,\nc2,,,x,\n', ["line 4, column Count: is 'x'; it must be a whole number"]),
        (f"{HEADER}\nc1,t,,,\nc2,,,,\nc1,t,,,\nc1,t,,,\n",
         ["line 4, column Course: Course 'c1', Template 't' is in line 2 already",
          "line 5, column Course: Course 'c1', Template 't' is in line 2 already"]),
        (f"{HEADER}\nc1,t\nc2,,,,,\nc3,,maybe,,\n",
         ["line 2: has 2 cells where the header has 5", "line 3: has 6 cells where the header has 5",
          "line 4, column Active: is 'maybe'; it must be true or false"]),
        (f'{HEADER}\nc1,,,,\n"c2"x,,,,\n', ["line 3: is not CSV: ',' expected after '\"'"]),
        (f'{HEADER}\nc1,,maybe,,\n"c2,,,,\n',
         ["line 2, column Active: is 'maybe'; it must be true or false", "line 3: is not CSV: unexpected end of data"]),
        (b"Course\nc\xe41\nc2\nc\xff3\n",
         ["line 2: is not UTF-8 at byte 2 (invalid continuation byte)",
          "line 4: is not UTF-8 at byte 2 (invalid start byte)"]),
        (codecs.BOM_UTF16_LE + HEADER.encode("utf-16-le"), ["The file is UTF-16; save it as UTF-8"]),
    ],
)  # fmt: skip
def test_every_error_of_a_csv_file_is_named(text: str | bytes, errors: list[str]) -> None:
    with pytest.raises(ImportRefused) as refused:
        import_csv(text, SPEC)
    assert [str(error) for error in refused.value.errors] == errors
    assert all(error in refused.value.message for error in errors)
    assert isinstance(refused.value, ConfigError)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["line 1: is not JSON at character 1: Expecting '['"]),
        ("{}", ["line 1: is not JSON at character 1: Expecting '['"]),
        ("[] []", ["line 1: is not JSON at character 4: Something follows the list"]),
        ('[\n{"Course": "c1"\n', ["line 3: is not JSON at character 1: Expecting ',' delimiter"]),
        ("[1, null]", ["line 1: is not an object", "line 1: is not an object"]),
        ("[,]", ["line 1: is not JSON at character 2: Expecting value"]),
        ("[{},]", [*(f"line 1: column '{column.name}' is missing" for column in SPEC.columns),
                   "line 1: is not JSON at character 5: Expecting value"]),
        ("[\n" + json.dumps(row("c1", 5, "true", 1.5, "x")) + "\n]",  # type: ignore[arg-type]
         ["line 2, column Template: is '5'; it must be a text in quotes",
          "line 2, column Active: is the text 'true'; it must be true or false without quotes",
          "line 2, column Count: is '1.5'; it must be a whole number",
          "line 2, column Since: is 'x'; it must be a date such as 2026-01-31 or 2026-01-31 08:30:00"]),
        ("[" + json.dumps(row("c1")) + ",\n\n" + json.dumps(row("c1", "")) + "]",
         ["line 3, column Course: Course 'c1', Template '' is in line 1 already"]),
        ('[{"Course": "c1", "Course": "c2", "Template": null, "Active": null, "Count": null, "Since": null, "X": 1}]',
         ["line 1: column 'Course' comes twice",
          "line 1: column 'X' is unknown; the columns are Course, Template, Active, Count, Since"]),
        ("[" + json.dumps(row("c1", count=float("nan"))) + "]",
         ["line 1: is not JSON at character 2: NaN is not JSON"]),
        ("[" * 100_000, ["The file is nested too deeply, or a number in it is too long"]),
        ('[{"Course": ' + "9" * 10_000 + "}]", ["The file is nested too deeply, or a number in it is too long"]),
        (b"[\n\xff]", ["line 2: is not UTF-8 at byte 1 (invalid start byte)"]),
    ],
)  # fmt: skip
def test_every_error_of_a_json_file_is_named(text: str | bytes, errors: list[str]) -> None:
    with pytest.raises(ImportRefused) as refused:
        import_json(text, SPEC)
    assert [str(error) for error in refused.value.errors] == errors


@given(st.one_of(ODD_TEXT, st.text('[]{},:"\\n0cC '), st.binary()))
def test_any_other_file_is_refused_in_words(text: str | bytes) -> None:
    for read in (import_csv, import_json):
        errors: tuple[CellError, ...] = (CellError(0, "", ""),)
        try:
            read(text, SPEC)
        except ImportRefused as refused:
            errors = refused.errors
        assert errors


@pytest.mark.req("GN-09")
def test_booleans_as_spreadsheets_write_them_are_read_from_boolean_columns_of_csv_alone() -> None:
    (found,) = import_csv(f"{HEADER}\nTRUE,FALSE,TRUE,,\n", SPEC)
    assert found == row("TRUE", "FALSE", True)
    for word in ("True", "tRUE", "WAHR", "yes", "1"):
        with pytest.raises(ImportRefused, match="it must be true or false"):
            import_csv(f"{HEADER}\nc,,{word},,\n", SPEC)
    with pytest.raises(ImportRefused, match="without quotes"):
        import_json(json.dumps([row("c", active="TRUE")]), SPEC)


@pytest.mark.parametrize("read", [import_csv, import_json])
def test_what_only_the_caller_knows_is_named_like_any_other_cell(read: Any) -> None:
    rows = [row("c1", "x"), row("c2", "y"), row("c3", "x")]
    text = export_csv(rows, SPEC) if read is import_csv else export_json(rows, SPEC)

    def check(found: Any) -> list[tuple[str, str]]:
        return [("Template", "is x")] if found["Template"] == "x" else []

    with pytest.raises(ImportRefused) as refused:
        read(text, SPEC, check)
    assert [str(error) for error in refused.value.errors] == [
        "line 2, column Template: is x",
        "line 4, column Template: is x",
    ]


def test_half_a_surrogate_pair_can_be_exported_as_json() -> None:
    text = export_json([row("c", "\ud83d")], SPEC)
    assert import_json(text.encode(), SPEC) == [row("c", "\ud83d")]


def test_exports_are_made_line_by_line() -> None:
    def endless() -> Any:
        while True:
            yield row("c1")

    for lines in (csv_lines, json_lines):
        assert "c1" in "".join(line for line, _ in zip(lines(endless(), SPEC), range(3), strict=False))


def test_a_long_list_of_errors_is_cut_in_the_message_only() -> None:
    with pytest.raises(ImportRefused, match="and 400 more") as refused:
        import_csv(HEADER + "\n" + "".join(f"c{number},,no,,\n" for number in range(500)), SPEC)
    assert len(refused.value.errors) == 500
    assert "500 errors in the file" in refused.value.message


def test_a_table_goes_through_a_file_and_back(store: Store) -> None:
    table = store.table(SPEC)
    table.insert_multiple([row("=c1", " t ", False, 7, "2026-01-31"), row("c2")])
    before = table.all()
    rows = import_csv(export_csv(table.all(), SPEC), SPEC)
    assert table.upsert_many(rows) == 0
    table.truncate()
    assert table.upsert_many(rows) == 2
    assert table.all() == before
