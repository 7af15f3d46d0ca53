"""What an edited text changes, held against the rows as they were shown and as they are now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectctl.cli.sheet import NUMBER, Fault, Line, Parsed, Shown, one_line, parse
from connectctl.store.cells import CellInvalid, format_cell, parse_cell

if TYPE_CHECKING:
    from connectctl.plugins.specs import ColumnSpec, TableSpec

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A row to be added (`number` is None) or changed. `values` holds the touched cells alone, typed."""

    place: int
    number: int | None
    texts: tuple[str, ...]  # the whole row as the text has it
    values: Mapping[str, Any]
    key: Key
    rekeyed: bool  # a new row, or one whose key was touched


@dataclass(frozen=True, slots=True)
class Changes:
    """All that a text wants changed; nothing of it is done while there are faults."""

    changes: tuple[Change, ...] = ()
    removed: tuple[int, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.changes or self.removed)


@dataclass(frozen=True, slots=True)
class Now:
    """A row as it is in the table at this moment."""

    number: int
    rev: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What somebody else did meanwhile to a row that this text changes or removes.

    `change` is None where the text removes the row; `theirs` is None where they removed it. `taken`: their row has the
    key that this one wants.
    """

    number: int | None
    change: Change | None
    theirs: Now | None
    taken: bool = False


@dataclass(slots=True)
class Rebased:
    """A text brought up to date: lines, what the rows are now compared with, and notes by place."""

    lines: list[str]
    shown: dict[int, Shown]
    notes: dict[int, list[str]] = field(default_factory=dict)


def compare(parsed: Parsed, spec: TableSpec, shown: Mapping[int, Shown]) -> Changes:
    """What the text wants. A cell whose text is as it was shown is not touched, whatever it holds."""
    faults = list(parsed.faults)
    seen: set[int] = set()
    changes: list[Change] = []
    for line in parsed.lines:
        if line.number is not None:
            if line.number not in shown:
                words = f"row {line.number} is not one of the rows shown; a new line has no number"
                faults.append(Fault(line.place, NUMBER, words))
                continue
            if line.number in seen:
                words = f"row {line.number} stands here a second time; a copy has no number"
                faults.append(Fault(line.place, NUMBER, words))
                continue
            seen.add(line.number)
        if line.cells is not None and (change := _change(line, line.cells, spec, shown, faults)):
            changes.append(change)
    faults += _clashes(parsed.lines, changes, spec, shown)
    # A line that could not be read may be that of a row which is missing: then nothing is said to be removed.
    removed = () if parsed.faults else tuple(number for number in shown if number not in seen)
    return Changes(tuple(changes), removed, tuple(sorted(faults, key=lambda fault: fault.place)))


def _change(
    line: Line, cells: Sequence[str], spec: TableSpec, shown: Mapping[int, Shown], faults: list[Fault]
) -> Change | None:
    before = None if line.number is None else shown[line.number].texts
    values: dict[str, Any] = {}
    key = dict.fromkeys(spec.key, "")
    touched = good = True
    for index, (column, text) in enumerate(zip(spec.columns, cells, strict=True)):
        touched = before is None or before[index] != text
        if touched:
            try:
                values[column.name] = _value(column, text)
            except CellInvalid as error:
                good = False
                faults.append(Fault(line.place, column.name, error.message.removeprefix(f"{column.name} ")))
                continue
        if column.name in key:
            key[column.name] = format_cell(column, values[column.name]) if touched else text
    if not values or not good:
        return None
    rekeyed = bool(spec.key) and (before is None or any(name in values for name in spec.key))
    return Change(line.place, line.number, tuple(cells), values, tuple(key.values()), rekeyed)


def _value(column: ColumnSpec, text: str) -> Any:
    # Blanks around a text come only from within quotation marks: then they are meant.
    return text if column.type == "text" and text.strip() not in ("", text) else parse_cell(column, text)


def _clashes(
    lines: Iterable[Line], changes: Sequence[Change], spec: TableSpec, shown: Mapping[int, Shown]
) -> list[Fault]:
    """Lines whose new key another line has too. Lines that nobody touched are looked at once, not once per change."""
    wanted: dict[Key, list[Change]] = {}
    for change in changes:
        if change.rekeyed:
            wanted.setdefault(change.key, []).append(change)
    if not wanted:
        return []
    faults = []
    names = ", ".join(spec.key)
    for twins in wanted.values():
        for change in twins[1:]:
            other = "another new line" if twins[0].number is None else f"row {twins[0].number}"
            faults.append(Fault(change.place, spec.key[0], f"{other} has the same {names}"))
    places = [index for name in spec.key for index, column in enumerate(spec.columns) if column.name == name]
    moved = {change.place for change in changes if change.rekeyed}
    for line in lines:
        if line.number is None or line.number not in shown or line.place in moved:
            continue
        texts = line.cells if line.cells is not None else shown[line.number].texts
        twins = wanted.get(tuple(texts[index] for index in places), [])
        faults += (Fault(change.place, spec.key[0], f"row {line.number} has the same {names}") for change in twins)
    return faults


# --- a text whose rows have changed meanwhile


def rebase(
    lines: Sequence[str],
    spec: TableSpec,
    shown: Mapping[int, Shown],
    conflicts: Iterable[Conflict],
) -> Rebased:
    """The text with their rows shown. Cells that the user touched stay as typed, the others of those rows are theirs.

    After that the rows are compared with what is shown now, so saving the text again is a knowing decision.
    """
    result = Rebased(list(lines), dict(shown))
    places = {line.number: line for line in parse(lines, spec, shown).lines if line.number is not None}
    appended: set[int] = set()
    for conflict in conflicts:
        change, theirs = conflict.change, conflict.theirs
        if theirs is None and change is not None and conflict.number is not None:
            result.lines[change.place] = one_line(None, change.texts)
            del result.shown[conflict.number]
            words = f"row {conflict.number} was removed meanwhile by somebody else; this line would add it again"
            result.notes.setdefault(change.place, []).append(words)
        elif theirs is not None and conflict.taken and change is not None:
            held = places.get(theirs.number)
            words = f"row {theirs.number} of somebody else has the same {', '.join(spec.key)}: {_shown(theirs)}"
            result.notes.setdefault(change.place, []).append(words)
            if held is None:
                if theirs.number not in appended:
                    _append(result, theirs, "this row came meanwhile")
                appended.add(theirs.number)
            elif held.cells is None:
                result.lines[held.place] = one_line(theirs.number, theirs.texts)
                result.shown[theirs.number] = Shown(theirs.rev, result.lines[held.place])
        elif theirs is not None and change is not None:
            merged = [
                mine if column.name in change.values else other
                for column, mine, other in zip(spec.columns, change.texts, theirs.texts, strict=True)
            ]
            result.lines[change.place] = one_line(theirs.number, merged)
            result.shown[theirs.number] = Shown(theirs.rev, one_line(theirs.number, theirs.texts))
            words = f"row {theirs.number} was changed meanwhile by somebody else; it is now: {_shown(theirs)}"
            result.notes.setdefault(change.place, []).append(words)
        elif theirs is not None:
            _append(result, theirs, "you removed this row, and somebody else changed it meanwhile; delete it again")
    return result


def differences(lines: Iterable[Line], now: Mapping[int, Now], noted: Iterable[int]) -> dict[int, list[str]]:
    """For each line that differs from its row in the table a note with that row, unless its place has one already."""
    skip = set(noted)
    return {
        line.place: [f"in the table now: {_shown(row)}"]
        for line in lines
        if line.number is not None
        and line.cells is not None
        and line.place not in skip
        and (row := now.get(line.number))
        and row.texts != line.cells
    }


def _append(result: Rebased, theirs: Now, words: str) -> None:
    line = one_line(theirs.number, theirs.texts)
    result.notes.setdefault(len(result.lines), []).append(words)
    result.lines.append(line)
    result.shown[theirs.number] = Shown(theirs.rev, line)


def _shown(row: Now) -> str:
    return one_line(row.number, row.texts)
