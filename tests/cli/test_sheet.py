"""A table as text and back: nothing that nobody touched changes, whatever the cells hold and the editor does."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import ColumnSpec, TableSpec
from connectctl.cli.changes import Change, Changes, Conflict, Now, compare, rebase
from connectctl.cli.output import width
from connectctl.cli.remarks import NOTE, noted, preamble, without_notes
from connectctl.cli.sheet import (
    BadLine,
    Fault,
    Shown,
    file_of,
    lines_of,
    one_line,
    parse,
    quoted,
    render,
    split,
    texts_of,
    with_commas,
)

SPEC = TableSpec(
    name="badges",
    title="Badges",
    columns=(
        ColumnSpec("ID", required=True, summary="its id"),
        ColumnSpec("Plan"),
        ColumnSpec("IsActive", "boolean", required=True),
        ColumnSpec("Element", "integer"),
        ColumnSpec("Since", "date"),
    ),
    key=("ID", "Plan"),
    summary="What is awarded",
)
HEADER = "Row, ID, Plan, IsActive, Element, Since"
FREE = TableSpec("free", "Free", (ColumnSpec("A"), ColumnSpec("B"), ColumnSpec("Row")), ("A", "B"))

ODD = [
    "",
    " ",
    "  outer  ",
    "a,b",
    'say "hi"',
    '"',
    '""',
    "# no comment",
    "#! no note",
    "#5",
    "=1+1",
    "-x",
    "'tis",
    "two\nlines",
    "cr\rlf\r\n",
    "tab\tulator",
    "\x00\x1b[31mred\x7f\x85",
    "\u202eevil\u2066",
    "\u2028\u2029\ufeff\u200b\u200d",
    "日本語のバッジ",
    "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\u00a0nbsp\u00a0",
    "\u3000",
    "C:\\new\\table",
    "{U+000A}",
    "{U+{U+0041}}",
    "{U+FFFFFF}",
    "\ud800 half",
    "a;b\tc",
    "x" * 100_000,
    ("1, 2, 3 " * 12_500),
]
CELLS = st.one_of(st.sampled_from(ODD), st.text(st.characters(), max_size=20), st.none(), st.booleans(), st.integers())
ROWS = st.lists(st.fixed_dictionaries({"A": CELLS, "B": CELLS, "Row": CELLS}), max_size=6)


def sheet(rows: list[dict[str, Any]], spec: TableSpec = FREE) -> tuple[list[str], dict[int, Shown]]:
    """The lines that an editor is given, and what they are compared with; rows are numbered from 1."""
    head, *lines = render(((number, texts_of(spec, row)) for number, row in enumerate(rows, 1)), spec)
    return [*preamble(spec), head, *lines], {number: Shown(1, line) for number, line in enumerate(lines, 1)}


def changes(lines: list[str], shown: dict[int, Shown], spec: TableSpec = FREE) -> Changes:
    return compare(parse(with_commas(without_notes(lines), spec), spec, shown), spec, shown)


@given(ROWS)
def test_what_is_rendered_and_read_again_is_no_change(rows: list[dict[str, Any]]) -> None:
    lines, shown = sheet(rows)
    assert len(lines) == len(rows) + len(preamble(FREE)) + 1  # one row is one line, always
    assert lines_of(file_of(lines)) == lines
    assert changes(lines, shown) == Changes()
    # Also where no line is as it was given: every cell is then read.
    loose = [line if not line or line[0] == "#" else f"\t{line}  " for line in lines]
    assert changes(loose, shown) == Changes()


@given(ROWS, st.sampled_from(["\ufeff", ""]), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", " ", "\t"]))
def test_editors_are_forgiven(rows: list[dict[str, Any]], bom: str, ending: str, trail: str) -> None:
    lines, shown = sheet(rows)
    text = bom + (trail + ending).join(lines)  # the last line is not ended
    assert changes(lines_of(text.encode()), shown) == Changes()
    assert changes(lines_of(text.removeprefix("\ufeff").encode("utf-16")), shown) == Changes()


@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(("A", "B", "Row"), st.sampled_from(["", "a", "b,c", "d;e", '"'])))),
    st.sampled_from(";\t,"),
)
def test_spreadsheet_programs_are_forgiven(rows: list[dict[str, Any]], separator: str) -> None:
    lines, shown = sheet(rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_MINIMAL)
    for line in csv.reader(lines, skipinitialspace=True):
        writer.writerow([*line, *[""] * (5 - len(line))])
    assert changes(lines_of(buffer.getvalue().encode()), shown) == Changes()


@given(st.text(st.characters()))
def test_a_quoted_cell_gives_its_text_back(text: str) -> None:
    cell = quoted(text)
    assert cell.isprintable() or set(cell) - set(quoted("\u200c\u200d"))
    assert "\n" not in cell
    assert split(cell) == [text]
    assert split(f"1,  {cell} ,2") == ["1", text, "2"]


@given(ROWS.filter(bool), st.data())
def test_one_cell_that_is_touched_is_one_change(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    lines, shown = sheet(rows)
    number = data.draw(st.integers(1, len(rows)))
    column = data.draw(st.sampled_from(["A", "B", "Row"]))
    texts = texts_of(FREE, {**rows[number - 1], column: "something else"})
    lines[-len(rows) + number - 1] = one_line(number, texts)
    found = changes(lines, shown)
    assert [(change.number, change.values) for change in found.changes] == [(number, {column: "something else"})]
    assert found.removed == ()


def test_columns_are_aligned_as_a_terminal_shows_them() -> None:
    rows = [{"A": "日本", "B": "x", "Row": "1"}, {"A": "ascii", "B": "a,b", "Row": ""}, {"A": "w" * 60, "B": "y"}]
    lines, _ = sheet(rows)
    assert lines[-4:] == [
        "Row, A,     B,     Row",
        "1,   日本,  x,     1",
        '2,   ascii, "a,b",',
        "3,   " + "w" * 60 + ", y,",
    ]
    assert (
        len({width(line[: line.index(cell)]) for line, cell in zip(lines[-4:], ("B,", "x", '"a'), strict=False)}) == 1
    )


def test_the_guide_says_what_each_column_takes() -> None:
    text = "\n".join(preamble(SPEC, "Only 2 of 3 rows are shown; the others stay as they are."))
    assert "# Badges: What is awarded\n# Only 2 of 3 rows" in text
    assert "# ID        text (key); its id\n# Plan      text or blank (key)\n# IsActive  true or false\n" in text
    assert "# Element   a whole number or blank\n# Since     a date such as 2026-01-31" in text
    assert text.endswith("# No two rows may have the same ID and Plan.\n")
    assert all(not line or line.startswith("# ") or line == "#" for line in text.split("\n"))


def shown_rows() -> dict[int, Shown]:
    return {1: Shown(1, "1, a, , true, 7,"), 2: Shown(1, "2, b, 12, false, ,"), 30: Shown(4, "30, c, , true, ,")}


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("1, a, , yes, 7,", "IsActive", "is 'yes'; it must be true or false"),
        ("1, a, , , 7,", "IsActive", "must not be blank"),
        ('1, " ", , true, 7,', "ID", "must not be blank"),
        ("1, a, , true, seven,", "Element", "is 'seven'; it must be a whole number"),
        ("1, a, , true, 7, 31.1.2026", "Since", "must be a date such as"),
        ("1, a, , true", "", "has 4 cells where the line with the names has 6"),
        ("1, a, , true, 7", "", "has 5 cells where the line with the names has 6"),
        (", a, , true, 7", "", "has 5 cells"),
        ("1, a, , true, 7, , x", "", "has 7 cells"),
        ("99, a, , true, 7,", "Row", "row 99 is not one of the rows shown"),
        ("x, a, , true, 7, 2026-01-01", "Row", "is 'x'; it must be the number of a row, or blank"),
        ("+1, a, , true, 7, 2026-01-01", "Row", "must be the number of a row"),
        ("2, b, 12, true, ,", "Row", "row 2 stands here a second time"),
        ('1, "a, , true, 7,', "", "quotation mark that is not closed"),
        ('1, "a"b, , true, 7,', "", "text after a closing quotation mark"),
        ("1, b, 12, true, 7,", "ID", "row 2 has the same ID, Plan"),
        (", b, 12, true, 7,", "ID", "row 2 has the same ID, Plan"),
        ("1, caf\udce9, , true, 7,", "", "is not UTF-8"),
        ("Row, ID", "", "has 2 cells"),
    ],
)
def test_each_mistake_is_named_at_its_place(line: str, column: str, words: str) -> None:
    found = changes([HEADER, "2, b, 12, false, ,", line, "30, c, , true, ,"], shown_rows(), SPEC)
    assert [(fault.place, fault.column) for fault in found.faults] == [(2, column)]
    assert words in found.faults[0].message


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        (", n, , true, ,", ["n", "", "true", "", ""]),
        ("n, , true, ,", ["n", "", "true", "", ""]),  # without a Row cell
        ("n, , true, , ,", ["n", "", "true", "", ""]),  # and with a comma too many
        (",n,,true,+5,2026-01-31,,,", ["n", "", "true", "+5", "2026-01-31"]),
        ('"# n", 3, true, ,', ["# n", "3", "true", "", ""]),
        ("31, , true, ,", ["31", "", "true", "", ""]),  # a number that no row has
        ('\t"n" ,\t"", true , , \t', ["n", "", "true", "", ""]),
    ],
)
def test_new_lines(line: str, texts: list[str]) -> None:
    found = changes([HEADER, *(row.line for row in shown_rows().values()), line], shown_rows(), SPEC)
    assert (found.faults, found.removed) == ((), ())
    assert [(change.number, list(change.texts)) for change in found.changes] == [(None, texts)]


def test_a_number_that_might_be_a_row_or_a_cell_is_asked_about() -> None:
    # Taken for a new row without a number this would add a row `1` and remove row 1.
    found = changes([HEADER, "1, a, true, 7,"], shown_rows(), SPEC)
    assert "has 5 cells" in found.faults[0].message
    assert found.removed == ()


@pytest.mark.parametrize("line", ["", "   ", ",,,,,", "; ; ;".replace(";", ","), "# 9, x", "  # 9, x", "\t#"])
def test_lines_that_do_not_count(line: str) -> None:
    rows = [row.line for row in shown_rows().values()]
    assert changes([line, HEADER, line, *rows, line], shown_rows(), SPEC) == Changes()


def test_lines_that_are_gone_or_commented_out_are_removed_and_order_is_nothing() -> None:
    found = changes([HEADER, "30, c, , true, ,", "# 1, a, , true, 7,"], shown_rows(), SPEC)
    assert (found.removed, found.changes, found.faults) == ((1, 2), (), ())


@pytest.mark.parametrize(
    "header",
    [
        "Row, ID, Plan, IsActive, Element",
        "ID, Plan, IsActive, Element, Since",
        "Row, Plan, ID, IsActive, Element, Since",
        "Row, ID, Plan, IsActive, Element, Since, More",
        "Row, id, Plan, IsActive, Element, Since",
        "1, a, , true, 7,",
    ],
)
def test_a_changed_header_is_the_only_error(header: str) -> None:
    found = changes([header, "1, nonsense"], shown_rows(), SPEC)
    (fault,) = found.faults
    assert fault.place == 0
    assert HEADER in fault.message
    assert not found.any


@pytest.mark.parametrize("lines", [[], ["", "  "], ["# only", "#! comments"]])
def test_a_text_without_anything_is_blank(lines: list[str]) -> None:
    assert parse(without_notes(lines), SPEC, {}).blank


def test_only_touched_cells_are_read() -> None:
    """Row 1 holds what its column does not allow any more; that is nobody's fault who changes another cell."""
    shown = {1: Shown(1, "1, , , maybe, many, some day")}
    found = changes([HEADER, "1, , 9, maybe, many, some day"], shown, SPEC)
    assert (found.faults, [change.values for change in found.changes]) == ((), [{"Plan": "9"}])


def test_rows_may_swap_their_keys_and_new_ones_take_that_of_a_removed_row() -> None:
    found = changes([HEADER, "1, b, 12, true, 7,", "2, a, , false, ,", "c, , true, ,"], shown_rows(), SPEC)
    assert (found.faults, found.removed) == ((), (30,))


def test_of_twins_the_later_one_is_named() -> None:
    found = changes(
        [HEADER, "1, n, , true, 7,", "2, b, 12, false, ,", "n, , true, ,", "30, n, , true, ,"], shown_rows(), SPEC
    )
    assert [(fault.place, fault.message) for fault in found.faults] == [
        (3, "row 1 has the same ID, Plan"),
        (4, "row 1 has the same ID, Plan"),
    ]


def test_numbers_in_keys_are_compared_as_numbers() -> None:
    spec = TableSpec("n", "N", (ColumnSpec("N", "integer"), ColumnSpec("X")), ("N",))
    found = changes(["Row, N, X", "1, 5, a", "+5, b"], {1: Shown(1, "1, 5, a")}, spec)
    assert [fault.message for fault in found.faults] == ["row 1 has the same N"]


def test_notes_stand_above_their_lines_and_say_where_these_are_now() -> None:
    lines = ["# guide", HEADER, "1, a, , yes, x,", "2, b"]
    faults = [Fault(2, "IsActive", "is bad"), Fault(2, "Element", "is \x1b[31mworse"), Fault(3, "", "is short")]
    text, said = noted(lines, {3: ["a note"]}, faults, ["top"])
    assert text == [
        "#! top",
        "# guide",
        HEADER,
        "#! line 6, column IsActive: is bad",
        "#! line 6, column Element: is worse",
        "1, a, , yes, x,",
        "#! a note",
        "#! line 9: is short",
        "2, b",
    ]
    assert [text[int(words.split()[1].strip(",:")) - 1] for words in said] == [lines[2], lines[2], lines[3]]
    assert without_notes(text) == lines
    assert noted(without_notes(text), {}, (), ())[0] == lines


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    raw = b"Row, ID\n1, caf\xe9\n"
    assert file_of(lines_of(raw)) == raw


@pytest.mark.parametrize("line", ['"', '1, "a""', '1, "' + "a" * 100_000])
def test_an_open_quotation_mark_is_found_at_once(line: str) -> None:
    with pytest.raises(BadLine, match="not closed"):
        split(line)


# --- rows that others changed


def change(place: int, number: int | None, texts: tuple[str, ...], **values: Any) -> Change:
    return Change(place, number, texts, values, (texts[0], texts[1]), rekeyed=number is None)


LINES = [HEADER, "1, mine, , true, 7,", "2, b, 12, false, ,", "n, , true, ,"]


def test_rebase_keeps_what_was_typed_and_takes_theirs_beside_it() -> None:
    conflict = Conflict(
        1, change(1, 1, ("mine", "", "true", "7", ""), ID="mine"), Now(1, 5, ("theirs", "9", "true", "8", ""))
    )
    done = rebase(LINES, SPEC, shown_rows(), [conflict])
    assert done.lines[1] == "1, mine, 9, true, 8,"
    assert done.shown[1] == Shown(5, "1, theirs, 9, true, 8,")
    assert done.notes == {1: ["row 1 was changed meanwhile by somebody else; it is now: 1, theirs, 9, true, 8,"]}
    (again,) = compare(parse(done.lines, SPEC, done.shown), SPEC, done.shown).changes[:1]
    assert again.values == {"ID": "mine"}


def test_rebase_makes_a_removed_row_a_new_one() -> None:
    done = rebase(
        LINES, SPEC, shown_rows(), [Conflict(1, change(1, 1, ("mine", "", "true", "7", ""), ID="mine"), None)]
    )
    assert done.lines[1] == ", mine, , true, 7,"
    assert 1 not in done.shown
    assert "was removed meanwhile" in done.notes[1][0]


def test_rebase_shows_a_row_that_was_to_be_removed() -> None:
    done = rebase(LINES, SPEC, shown_rows(), [Conflict(30, None, Now(30, 5, ("c", "", "false", "", "")))])
    assert done.lines == [*LINES, "30, c, , false, ,"]
    assert "delete it again" in done.notes[4][0]


def test_rebase_shows_who_has_the_key() -> None:
    new = change(3, None, ("n", "", "true", "", ""), ID="n")
    done = rebase(
        LINES, SPEC, shown_rows(), [Conflict(None, new, Now(31, 1, ("n", "", "false", "", "")), taken=True)] * 2
    )
    assert done.lines == [*LINES, "31, n, , false, ,"]
    assert "row 31 of somebody else has the same ID, Plan: 31, n, , false, ," in done.notes[3][0]
    done = rebase(LINES, SPEC, shown_rows(), [Conflict(None, new, Now(2, 9, ("n", "", "false", "", "")), taken=True)])
    assert done.lines == [HEADER, LINES[1], "2, n, , false, ,", LINES[3]]
    assert done.shown[2].rev == 9


def test_notes_begin_as_the_reader_expects() -> None:
    assert NOTE.startswith("#")
