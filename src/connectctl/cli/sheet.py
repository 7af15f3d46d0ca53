"""A table as text for an editor: one line is one row. Pure: texts in, texts out.

CSV, because people who know spreadsheets can read it, add a row by adding a line and remove one by deleting it;
aligned, because columns are then seen. One difference from CSV: a row never takes two lines. What cannot be seen in an
editor (line breaks, control characters, marks that turn the direction of writing) is spelt `{U+000A}`, so that a
quotation mark which is not closed spoils one line and not the rest of the file. Backslashes stand for themselves.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectctl.cli.output import cut, width

if TYPE_CHECKING:
    from connectctl.plugins.specs import TableSpec

NUMBER = "Row"
WIDEST = 40  # a longer cell pushes its own line aside, not the whole column
SEPARATORS = ",;\t"

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPELT = re.compile(r"\{U\+([0-9A-F]{4,6})\}")
_PLAIN = re.compile(r"(?:[A-Za-z0-9_.@:/-]+(?: [A-Za-z0-9_.@:/-]+)*)?\Z")
_QUOTE = re.compile(r'[",;]|\A[\s#]|\s\Z')
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as the editor was given it: its revision, and its line without trailing blanks."""

    rev: int
    line: str

    @property
    def texts(self) -> list[str]:
        """Its cells."""
        return split(self.line)[1:]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds a row. `number` is None for a new one; `cells` is None where the line is as it was shown.

    `place` is its index among the lines, from 0.
    """

    place: int
    number: int | None
    cells: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; `column` is "" where it is about the whole line."""

    place: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says. `blank`: there is nothing in it but comments."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]
    blank: bool


class BadLine(ValueError):
    """A line is no CSV; the message says why."""


# --- cells


def quoted(text: str) -> str:
    """The text as a cell: hidden characters spelt, in quotation marks where it needs them."""
    if _PLAIN.match(text):
        return text
    text = _HIDDEN.sub(lambda match: f"{{U+{ord(match[0]):04X}}}", text.replace("{U+", "{U+007B}U+"))
    return '"' + text.replace('"', '""') + '"' if _QUOTE.search(text) else text


def split(line: str, separator: str = ",") -> list[str]:
    """The texts of a line's cells, blanks around them left out, but not those in quotation marks. Raises BadLine."""
    if '"' not in line:
        return [_read(part.strip()) for part in line.split(separator)]
    cells: list[str] = []
    place = 0
    while True:
        while line[place : place + 1].isspace() and line[place] != separator:
            place += 1
        end = place
        if line[place : place + 1] == '"':
            match = _QUOTED.match(line, place)
            if match is None:
                raise BadLine("has a quotation mark that is not closed")
            end = match.end()
        stop = line.find(separator, end)
        rest = line[end:] if stop < 0 else line[end:stop]
        if end > place:
            if rest.strip():
                raise BadLine("has text after a closing quotation mark; one inside a cell is written twice")
            cells.append(_read(line[place + 1 : end - 1].replace('""', '"')))
        else:
            cells.append(_read(rest.strip()))
        if stop < 0:
            return cells
        place = stop + 1


def _read(text: str) -> str:
    return _SPELT.sub(_character, text) if "{U+" in text else text


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number <= 0x10FFFF else match[0]


def texts_of(spec: TableSpec, row: Mapping[str, Any]) -> list[str]:
    """The cells of a row as texts, in the order of the columns."""
    from connectctl.store.cells import format_cell

    return [format_cell(column, row.get(column.name)) for column in spec.columns]


# --- rows to text


def header(spec: TableSpec) -> list[str]:
    """The names above the rows."""
    return [NUMBER, *(column.name for column in spec.columns)]


def render(rows: Iterable[tuple[int, Sequence[str]]], spec: TableSpec) -> list[str]:
    """The header and one line per row, aligned."""
    lines = [[quoted(name) for name in header(spec)]]
    lines += ([str(number), *map(quoted, texts)] for number, texts in rows)
    widths = [1] * len(lines[0])
    for line in lines:
        for index, cell in enumerate(line):
            if len(cell) > widths[index] - 2 and (room := width(cell) + 2) > widths[index] and room <= WIDEST:
                widths[index] = room
    return [_aligned(line, widths) for line in lines]


def one_line(number: int | None, texts: Sequence[str]) -> str:
    """A row's line, not aligned."""
    return ", ".join(["" if number is None else str(number), *map(quoted, texts)]).rstrip()


def _aligned(cells: list[str], widths: list[int]) -> str:
    parts = [
        f"{cell}," + " " * max(1, room - width(cell) - 1) for cell, room in zip(cells[:-1], widths[:-1], strict=True)
    ]
    return ("".join(parts) + cells[-1]).rstrip()


# --- text to rows


def lines_of(raw: bytes) -> list[str]:
    """The lines of a file, whatever an editor did to it: byte order mark, CRLF, UTF-16, trailing blanks.

    Bytes that are no UTF-8 are kept as lone surrogates; `parse` names their lines and `file_of` gives them back.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = raw.decode("utf-16", "replace")
    else:
        text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def file_of(lines: Iterable[str]) -> bytes:
    """The lines as the content of a file."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def with_commas(lines: Sequence[str], spec: TableSpec) -> list[str]:
    """The same text with commas, where a spreadsheet program has written semicolons or tabs."""
    separator = next((_separator(line, spec) for line in lines if not _above(line)), "")
    if separator in ("", ","):
        return list(lines)
    result = []
    for line in lines:
        try:
            cells = [] if no_row(line) else split(line, separator)
        except BadLine:
            cells = []
        if cells and separator == "\t":  # blank cells at the end went away with the trailing blanks
            cells += [""] * (len(spec.columns) + 1 - len(cells))
        result.append(", ".join(map(quoted, cells)).rstrip() if cells else line)
    return result


def parse(lines: Sequence[str], spec: TableSpec, shown: Mapping[int, Shown]) -> Parsed:
    """The rows that a text `with_commas` holds; a line that is as it was shown is not taken apart."""
    found: list[Line] = []
    faults: list[Fault] = []
    named = False
    for place, line in enumerate(lines):
        if no_row(line) if named else _above(line):
            continue
        if _NO_UTF8.search(line):
            faults.append(Fault(place, "", "is not UTF-8; save the text as UTF-8"))
            continue
        if not named:
            named = bool(_separator(line, spec))
            if not named:
                # Without its names nothing can be said about a cell.
                words = f"the line with the names of the columns must be: {', '.join(map(quoted, header(spec)))}"
                return Parsed((), (Fault(place, "", words),), blank=False)
            continue
        number, _, _ = line.partition(",")
        if _DIGITS.fullmatch(number) and (known := shown.get(int(number))) and known.line == line.rstrip():
            found.append(Line(place, int(number), None))
            continue
        try:
            row = _row(place, split(line), spec, shown)
        except BadLine as error:
            faults.append(Fault(place, "", str(error)))
            continue
        if isinstance(row, Fault):
            faults.append(row)
        elif row is not None:
            found.append(row)
    return Parsed(tuple(found), tuple(faults), blank=not named and not faults)


def _row(place: int, cells: list[str], spec: TableSpec, shown: Mapping[int, Shown]) -> Line | Fault | None:
    wide = len(spec.columns) + 1
    while len(cells) > wide and not cells[-1]:
        cells.pop()  # spreadsheets fill lines up
    if not any(cells):
        return None  # quotation marks around nothing
    first = cells[0]
    is_number = _DIGITS.fullmatch(first) is not None
    if len(cells) == wide and (is_number or not first):
        return Line(place, int(first) if is_number else None, tuple(cells[1:]))
    if len(cells) == wide and cells[-1]:
        return Fault(place, NUMBER, f"is {cut(first, 40)!r}; it must be the number of a row, or blank for a new one")
    # The number may be left out of a new line, where that cannot be taken for a line that lacks another cell.
    if len(cells) in (wide, wide - 1) and first and not (is_number and int(first) in shown):
        return Line(place, None, tuple(cells[: wide - 1]))
    return Fault(place, "", f"has {len(cells)} cells where the line with the names has {wide}")


def no_row(line: str) -> bool:
    """Whether a line is blank or a comment."""
    bare = line.lstrip()
    return bare[:1] in ("", "#") or not bare.strip(",; \t")  # spreadsheets fill blank lines up with separators


def _above(line: str) -> bool:
    """The same above the names, where a spreadsheet may have put a comment into quotation marks."""
    return no_row(line) or line.lstrip().startswith('"#')


def _separator(line: str, spec: TableSpec) -> str:
    for separator in SEPARATORS:
        try:
            names = split(line, separator)
        except BadLine:
            continue
        while names and not names[-1]:
            names.pop()
        if names == header(spec):
            return separator
    return ""
