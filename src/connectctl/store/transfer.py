"""Lookup tables as CSV and JSON: all rows or none come in, and every bad cell is named by line and column.

CSV cells that a spreadsheet would run as a formula get an apostrophe in front (OWASP, "CSV injection"), and so do
texts that trimming would change; the apostrophe goes away again on import, so every text comes back unharmed. Half a
surrogate pair has no UTF-8: CSV spells it out (\\udXXX), only JSON brings it back.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.errors import ConfigError
from connectctl.plugins.specs import ColumnSpec, TableSpec
from connectctl.store.cells import CellInvalid, check_value, format_cell, parse_cell, shown

INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"  # not spaces to Python, but not seen either
# At the beginning of a line too: some readers take a line end in a cell for the next row. The wide forms count in
# East Asian spreadsheets; ' is our own mark.
_FORMULA = re.compile(rf"(?:\A|[\r\n])(?:[^\S\r\n]|[{INVISIBLE}])*['=+\-@＝＋－＠]")
SEPARATORS = ",;\t"
LISTED = 100
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a pair has no UTF-8; JSON can spell it out

Row = dict[str, Any]
RowCheck = Callable[[Row], Iterable[tuple[str, str]]]
"""Says what else is wrong with a row: column and message."""


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing wrong with a file. Lines count from 1; column is "" where it is about the line, line 0 the file."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        place = ", ".join([f"line {self.line}"] * bool(self.line) + [f"column {self.column}"] * bool(self.column))
        return f"{place}: {self.message}" if place else self.message


class ImportRefused(ConfigError):
    """Nothing was imported: the file has errors, all of them in `errors`."""

    def __init__(self, errors: Sequence[CellError], spec: TableSpec) -> None:
        self.errors = tuple(errors)
        lines = [str(error) for error in self.errors[:LISTED]]
        if len(self.errors) > LISTED:
            lines.append(f"and {len(self.errors) - LISTED} more")
        count = "one error" if len(self.errors) == 1 else f"{len(self.errors)} errors"
        super().__init__(
            "\n  ".join([f"Nothing was imported into {spec.title}: {count} in the file", *lines]),
            hint=f"correct the file; `connectctl lookup export {spec.name}` shows the form",
        )


# --- protection


def protect(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs and no trimming changes; `unprotect` undoes it."""
    return f"'{text}" if _needs_protection(text) else text


def unprotect(cell: str) -> str:
    """The text of a cell. An apostrophe that `protect` would not have written (`'tis`) belongs to the text."""
    return cell[1:] if cell.startswith("'") and _needs_protection(cell[1:]) else cell


def _needs_protection(text: str) -> bool:
    # Leading spaces, tabs, line ends and NBSP are met by the comparison with the trimmed text.
    return text != text.strip() or text.startswith("'") or _FORMULA.search(text) is not None


# --- export


def csv_lines(rows: Iterable[Mapping[str, Any]], spec: TableSpec) -> Iterator[str]:
    """A header and one line per row, in the order of the spec's columns. Lines end in LF. An empty text is a blank."""
    yield _line(column.name for column in spec.columns)
    for row in rows:
        yield _line(format_cell(column, row.get(column.name)) for column in spec.columns)


def json_lines(rows: Iterable[Mapping[str, Any]], spec: TableSpec) -> Iterator[str]:
    """A list of objects, one per line. A blank is null, whichever way it is stored."""
    before = "[\n"
    for row in rows:
        cells = {column.name: None if row.get(column.name) == "" else row.get(column.name) for column in spec.columns}
        yield f"{before}  {_SURROGATE.sub(_escaped, json.dumps(cells, ensure_ascii=False))}"
        before = ",\n"
    yield "[\n\n]\n" if before == "[\n" else "\n]\n"


def export_csv(rows: Iterable[Mapping[str, Any]], spec: TableSpec) -> str:
    """The lines of `csv_lines` as one text."""
    return "".join(csv_lines(rows, spec))


def export_json(rows: Iterable[Mapping[str, Any]], spec: TableSpec) -> str:
    """The lines of `json_lines` as one text."""
    return "".join(json_lines(rows, spec))


def _line(texts: Iterable[str]) -> str:
    return ",".join(_quoted(protect(text)) for text in texts) + "\n"


def _escaped(half: re.Match[str]) -> str:
    return f"\\u{ord(half[0]):04x}"


def _quoted(cell: str) -> str:
    # csv.writer leaves a bare CR unquoted when lines end in LF (before Python 3.13).
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",;\t\r\n') else cell


# --- import


def import_csv(text: str | bytes, spec: TableSpec, check: RowCheck | None = None) -> list[Row]:
    """The rows, typed by the spec. Separated by comma, semicolon or tab; a byte order mark and CRLF are fine, and so
    are TRUE and FALSE in a boolean column, as spreadsheets write what they read as true and false.

    Raises ImportRefused with everything that is wrong.
    """
    text = _decoded(text, spec)
    columns = {column.name: column for column in spec.columns}
    errors: list[CellError] = []
    rows: list[tuple[int, Row]] = []
    lines = _csv_lines(text, _separator(text, columns), errors)
    names = [unprotect(cell.strip()) for cell in next(lines, (0, []))[1]]
    if problems := _name_problems(names, spec):
        raise ImportRefused([CellError(1, "", problem) for problem in problems] + errors, spec)
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave empty lines behind
        if len(cells) != len(names):
            errors.append(CellError(line, "", f"has {len(cells)} cells where the header has {len(names)}"))
            continue
        rows.append((line, _row(zip(names, cells, strict=True), columns, _csv_value, line, errors)))
    return _checked(rows, errors, spec, check)


def import_json(text: str | bytes, spec: TableSpec, check: RowCheck | None = None) -> list[Row]:
    """The rows of a list of objects, typed by the spec. Raises ImportRefused with everything that is wrong."""
    text = _decoded(text, spec)
    columns = {column.name: column for column in spec.columns}
    errors: list[CellError] = []
    rows: list[tuple[int, Row]] = []
    try:
        for line, item in json_items(text):
            if not isinstance(item, Pairs):
                errors.append(CellError(line, "", "is not an object"))
            elif problems := _name_problems([name for name, _ in item.pairs], spec):
                errors += [CellError(line, "", problem) for problem in problems]
            else:
                rows.append((line, _row(item.pairs, columns, check_value, line, errors)))
    except json.JSONDecodeError as error:
        errors.append(CellError(error.lineno, "", f"is not JSON at character {error.colno}: {error.msg}"))
    except (RecursionError, ValueError):  # Python's own limits on nesting and on the digits of a number
        errors.append(CellError(0, "", "The file is nested too deeply, or a number in it is too long"))
    return _checked(rows, errors, spec, check)


def _row(
    cells: Iterable[tuple[str, Any]],
    columns: Mapping[str, ColumnSpec],
    read: Callable[[ColumnSpec, Any], Any],
    line: int,
    errors: list[CellError],
) -> Row:
    row = dict.fromkeys(columns)
    for name, cell in cells:
        try:
            row[name] = read(columns[name], cell)
        except CellInvalid as error:
            errors.append(CellError(line, name, error.message.removeprefix(f"{name} ")))
    return row


def _checked(
    rows: list[tuple[int, Row]], errors: list[CellError], spec: TableSpec, check: RowCheck | None
) -> list[Row]:
    columns = {column.name: column for column in spec.columns}
    bad = {error.line for error in errors}
    seen: dict[tuple[str, ...], int] = {}
    for line, row in rows:
        key = tuple(format_cell(columns[name], row[name]) for name in spec.key)
        if key and line not in bad and seen.setdefault(key, line) != line:
            words = ", ".join(f"{name} {shown(part)}" for name, part in zip(spec.key, key, strict=True))
            errors.append(CellError(line, spec.key[0], f"{words} is in line {seen[key]} already"))
        elif check is not None and line not in bad:
            errors += [CellError(line, column, message) for column, message in check(row)]
    if errors:
        raise ImportRefused(sorted(errors, key=lambda error: error.line), spec)
    return [row for _, row in rows]


def _name_problems(names: Sequence[str], spec: TableSpec) -> list[str]:
    wanted = [column.name for column in spec.columns]
    problems = [f"column {shown(name)} comes twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    problems += [
        f"column {shown(name)} is unknown; the columns are {', '.join(wanted)}"
        for name in dict.fromkeys(names)
        if name not in wanted
    ]
    return problems + [f"column {shown(name)} is missing" for name in wanted if name not in names]


def _decoded(text: str | bytes, spec: TableSpec) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImportRefused([CellError(0, "", "The file is UTF-16; save it as UTF-8")], spec)
    errors = []
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            errors.append(CellError(number, "", f"is not UTF-8 at byte {error.start + 1} ({error.reason})"))
    if errors:
        raise ImportRefused(errors, spec)
    return text.decode("utf-8-sig")


# --- CSV


def _separator(text: str, names: Collection[str]) -> str:
    def known(separator: str) -> int:
        header = next(_csv_lines(text, separator, []), (0, []))[1]
        return sum(unprotect(cell.strip()) in names for cell in header)

    return max(SEPARATORS, key=known)  # the comma where they are equal


def _csv_lines(text: str, separator: str, errors: list[CellError]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        errors.append(CellError(line, "", f"is not CSV: {error}"))


def _csv_value(column: ColumnSpec, cell: str) -> Any:
    cell = cell.lstrip()
    text = unprotect(cell)
    # What was protected is meant to the letter, its spaces too.
    if text != cell and column.type == "text" and (text.strip() or not column.required):
        return text
    if column.type == "boolean" and text.strip() in ("TRUE", "FALSE"):
        text = text.lower()
    return parse_cell(column, text)


# --- JSON


@dataclass(frozen=True, slots=True)
class Pairs:
    """A JSON object before its names are looked at: one may come twice."""

    pairs: list[tuple[str, Any]]

    def __repr__(self) -> str:
        return "{…}"


def json_items(text: str) -> Iterator[tuple[int, Any]]:
    """The items of a JSON list, each with the line it begins on, which the json module does not tell."""

    def refuse(word: str) -> Any:
        raise json.JSONDecodeError(f"{word} is not JSON", text, place)

    decoder = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=refuse)
    line, counted = 1, 0
    place = _spaces(text, _expect(text, 0, "["))
    if text[place : place + 1] != "]":
        while True:
            place = _spaces(text, place)
            line, counted = line + text.count("\n", counted, place), place
            item, place = decoder.raw_decode(text, place)
            yield line, item
            place = _spaces(text, place)
            if text[place : place + 1] == "]":
                break
            place = _expect(text, place, ",")
    if (place := _spaces(text, place + 1)) < len(text):
        raise json.JSONDecodeError("Something follows the list", text, place)


def _spaces(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t", "\r", "\n"):
        place += 1
    return place


def _expect(text: str, place: int, sign: str) -> int:
    place = _spaces(text, place)
    if text[place : place + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r}", text, place)
    return place + 1
