"""The comments in an edited text: the guide at its top, and what stands above the lines it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from connectctl.cli.output import cell as cleaned
from connectctl.cli.output import width
from connectctl.cli.sheet import NUMBER, Fault

if TYPE_CHECKING:
    from connectctl.plugins.specs import ColumnSpec, TableSpec

NOTE = "#!"  # begins what connectctl writes between the user's lines; it is taken out before the text is read


def preamble(spec: TableSpec, remark: str = "") -> list[str]:
    """The comments at the top: what to do, and what each column takes."""
    room = max(width(column.name) for column in spec.columns)
    title = spec.title + (f": {spec.summary}" if spec.summary else "")
    lines = [
        title,
        *([remark] if remark else []),
        "",
        "One line is one row: change cells, add lines, delete lines; then save and close the editor.",
        f"{NUMBER} is the row's number. Leave it as it is; a new line has none. Lines with # in front do not count.",
        "A cell with a comma in it stands in double quotation marks. {U+000A} in a cell is a line break.",
        "To give up, close without a change, or delete everything.",
        "",
    ]
    lines = [cleaned(line) for line in lines]
    for column in spec.columns:
        name = cleaned(column.name)
        lines.append(f"{name}{' ' * (room - width(name))}  {cleaned(_rules(column, spec))}")
    if spec.key:
        lines += ["", cleaned(f"No two rows may have the same {_listed(spec.key)}.")]
    return [*(f"# {line}".rstrip() for line in lines), ""]


def _rules(column: ColumnSpec, spec: TableSpec) -> str:
    kinds = {
        "boolean": "true or false",
        "integer": "a whole number",
        "date": "a date such as 2026-01-31 or 2026-01-31 08:30:00",
    }
    words = [kinds.get(column.type, "text")]
    if not column.required:
        words.append("or blank")
    if column.name in spec.key:
        words.append("(key)")
    return " ".join(words) + (f"; {column.summary}" if column.summary else "")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def without_notes(lines: Iterable[str]) -> list[str]:
    """The user's lines alone."""
    return [line for line in lines if not line.lstrip().startswith(NOTE)]


def noted(
    lines: Sequence[str], notes: Mapping[int, Sequence[str]], faults: Iterable[Fault], top: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """The lines with notes and faults above those they are about, and the faults as sentences.

    Faults say the number that their line has in the new text, so that an editor finds it.
    """
    at: dict[int, list[Fault]] = {}
    for fault in faults:
        at.setdefault(min(max(fault.place, 0), len(lines)), []).append(fault)
    result = [f"{NOTE} {words}" for words in top]
    said: list[str] = []
    for place in range(len(lines) + 1):
        result += (f"{NOTE} {words}" for words in notes.get(place, ()))
        here = at.get(place, [])
        number = len(result) + len(here) + 1
        for fault in here:
            column = f", column {fault.column}" if fault.column else ""
            said.append(cleaned(f"line {number}{column}: {fault.message}"))
            result.append(f"{NOTE} {said[-1]}")
        result += lines[place : place + 1]
    return result, said
