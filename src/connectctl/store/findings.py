"""What is wrong with the rows of a lookup table, by what its `TableSpec` declares. No table is named here.

Rows are read once, one by one. Of what is told about a row the first thing that matters comes alone: a row that is
switched off or does not fit its columns is not also asked where it leads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectctl.plugins.specs import ColumnSpec, Finding, Reference, TableSpec
from connectctl.store.cells import format_cell, mended, shown, value_problem

Row = Mapping[str, Any]
Taken = Callable[[tuple[str, ...]], bool]


@dataclass(frozen=True, slots=True)
class Known:
    """The rows of a table by the column that others refer to: whether each is in use, and its label."""

    spec: TableSpec
    ids: Mapping[str, tuple[bool, str]]
    folded: Mapping[str, tuple[str, ...]]  # the ids, capitals and spaces aside

    @classmethod
    def of(cls, spec: TableSpec, reference: Reference, rows: Iterable[Row]) -> Known:
        """Read once for a whole check."""
        label = reference.label[1] if reference.label else ""
        ids = {_text(row.get(reference.column)): (in_use(spec, row), _text(row.get(label))) for row in rows}
        folded: dict[str, tuple[str, ...]] = {}
        for found in ids:
            folded[_folded(found)] = (*folded.get(_folded(found), ()), found)
        return cls(spec, ids, folded)


@dataclass(slots=True)
class _Seen:
    """What can be said only after the last row, and what is asked about other rows."""

    taken: Taken
    keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    names: dict[tuple[str, str], list[tuple[int, tuple[str, ...], str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    effects: dict[tuple[str, ...], list[tuple[int, tuple[str, ...], frozenset[tuple[str, str]]]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def in_use(spec: TableSpec, row: Row) -> bool:
    """Whether a row counts: its column `active` says true, or there is no such column."""
    return not spec.active or row.get(spec.active) is True


def table_findings(
    spec: TableSpec, rows: Iterable[Any], known: Mapping[str, Known], taken: Taken = lambda key: False
) -> Iterator[Finding]:
    """The findings of a table, row by row and then those about several rows.

    `rows` are documents with their number; `known` holds what each referring column of the spec refers to; `taken`
    says whether there is a row with a key, for fixes that change one.
    """
    seen = _Seen(taken)
    for row in rows:
        found = list(_row(spec, row, known, seen))
        yield from found
        if in_use(spec, row) and not any(finding.severity == "error" for finding in found):
            _remember(spec, row, seen)
    yield from _clashes(spec, seen)
    yield from _without_effect(spec, seen)


# --- one row


def _row(spec: TableSpec, row: Any, known: Mapping[str, Known], seen: _Seen) -> Iterator[Finding]:
    key = key_of(spec, row)
    trimmed = tuple(part.strip() for part in key)
    if seen.keys.setdefault(trimmed, row.doc_id) != row.doc_id:
        message = f"has the same key as #{seen.keys[trimmed]}, spaces aside"
        yield _finding(spec, row, "error", message, _unset(spec, row))
        return
    wrong = [finding for column in spec.columns for finding in _cell(spec, row, column)]
    yield from wrong
    if any(finding.severity == "error" for finding in wrong):
        return
    references = [(column, known[column.name]) for column in spec.columns if column.name in known]
    leads = [(column, place, _text(row.get(column.name)).strip()) for column, place in references]
    if not in_use(spec, row):
        if spec.editable and spec.active:
            pointless = not _effects(spec, row) and spec.maps
            dead = any(text and not place.ids.get(text, (False, ""))[0] for _, place, text in leads)
            fix = _unset(spec, row) if pointless or dead else _set(spec, row, spec.active, "true")
            more = (
                ", and could not work if it were on" if pointless or dead else "; the fix is for when that is not meant"
            )
            yield _finding(spec, row, "warning", f"is switched off{more}", fix, spec.active)
        return
    for column, place, text in leads:
        if text:
            yield from _reference(spec, row, column, place, text, seen.taken)
    for column in spec.columns:
        if column.fill and row.get(column.name) is None:
            message = f"has no {column.name} yet"
            yield _finding(spec, row, "warning", message, tuple(column.fill.split()), column.name)
    if spec.maps and not _effects(spec, row):
        message = f"maps nothing: {', '.join(spec.maps)} are all blank or false"
        yield _finding(spec, row, "warning", message, _unset(spec, row))


def _cell(spec: TableSpec, row: Any, column: ColumnSpec) -> Iterator[Finding]:
    value = row.get(column.name)
    problem = value_problem(column, value)
    if problem is not None:
        text = mended(column, value)
        if text is None and column.name == spec.active:
            text = "false"  # skipped until somebody has looked at it
        fix = _unset(spec, row) if text is None else _set(spec, row, column.name, text)
        if column.fill and not spec.editable:
            fix = tuple(column.fill.split())
        yield _finding(spec, row, "error", f"{column.name} {problem}", fix, column.name)
    elif isinstance(value, str) and value != value.strip() and column.type == "text":
        message = f"{column.name} {shown(value)} begins or ends with a space"
        yield _finding(spec, row, "warning", message, _set(spec, row, column.name, value.strip()), column.name)


def _reference(
    spec: TableSpec, row: Any, column: ColumnSpec, place: Known, text: str, taken: Taken
) -> Iterator[Finding]:
    reference = column.refers_to
    assert reference is not None  # noqa: S101 - `known` has only columns that refer to something
    if text not in place.ids:
        words = f"{column.name} {shown(text)} is not in {place.spec.title}"
        if not place.ids and place.spec.fill:  # the same words for all rows: they share a line
            words = f"{column.name} leads nowhere: {place.spec.title} is still empty"
            fix = tuple(place.spec.fill.split())
        elif (near := _near(text, place)) is not None:
            renamed = key_of(spec, {**row, column.name: near})
            fix = _unset(spec, row) if taken(renamed) else _set(spec, row, column.name, near)
            words += f"; is {shown(near)} meant?"
        else:
            fix = _set(spec, row, spec.active, "false") if spec.active else _unset(spec, row)
            words += f"; if it is new, connectctl {place.spec.fill} comes first" if place.spec.fill else ""
        yield _finding(spec, row, "error", words, fix, column.name)
        return
    active, label = place.ids[text]
    if not active:
        fix = _set(spec, row, spec.active, "false") if spec.active else _unset(spec, row)
        yield _finding(spec, row, "warning", f"leads to {shown(label or text)}, which is not active", fix, column.name)
    if reference.label:
        ours = _text(row.get(reference.label[0]))
        if ours.strip() and ours.strip() != label.strip():
            # A name that no shell could be given as it is shown is blanked: the id says enough.
            text = label.strip() if label.strip().isprintable() else ""
            message = f"{reference.label[0]} {shown(ours)} is {shown(label)} in {place.spec.title}; the id counts"
            fix = _set(spec, row, reference.label[0], text)
            yield _finding(spec, row, "warning", message, fix, reference.label[0])


def _near(text: str, place: Known) -> str | None:
    """The id that is the same but for capitals and spaces. One that is merely alike may be another's."""
    same = place.folded.get(_folded(text), ())
    return same[0] if len(same) == 1 else None


# --- several rows


def _remember(spec: TableSpec, row: Any, seen: _Seen) -> None:
    for column in spec.columns:
        text = _text(row.get(column.name))
        if column.unique and text:
            seen.names[column.name, _folded(text)].append((row.doc_id, key_of(spec, row), text))
    effects = _effects(spec, row)
    if effects:
        subject = tuple(_text(row.get(name)) for name in spec.key if name not in spec.maps)
        seen.effects[subject].append((row.doc_id, key_of(spec, row), effects))


def _clashes(spec: TableSpec, seen: _Seen) -> Iterator[Finding]:
    for (column, _), rows in seen.names.items():
        first = rows[0]
        for number, key, text in rows[1:]:
            alike = "the same" if text == first[2] else "the same but for capitals and spaces"
            message = (
                f"{column} {shown(text)} is {alike} as that of #{first[0]}; rename one of them where it comes from"
            )
            fix = tuple(spec.fill.split()) or _show(spec)
            severity = "error" if text == first[2] else "warning"
            yield Finding(severity, message, fix, spec.name, number, key, column)  # type: ignore[arg-type]


def _without_effect(spec: TableSpec, seen: _Seen) -> Iterator[Finding]:
    """Rows that change nothing because others of the same subject say it all already; the older ones stay (CR-16)."""
    for rows in seen.effects.values():
        count = Counter(effect for _, _, effects in rows for effect in effects)
        for number, key, effects in reversed(rows):
            if len(rows) > 1 and all(count[effect] > 1 for effect in effects):
                count.subtract(effects)
                others = [f"#{other}" for other, _, theirs in rows if other != number and theirs & effects]
                message = f"changes nothing: what it maps is mapped by {', '.join(others[:3])} too"
                fix = ("lookup", "unset", spec.name, f"#{number}") if spec.editable else _show(spec)
                yield Finding("warning", message, fix, spec.name, number, key)


def _effects(spec: TableSpec, row: Row) -> frozenset[tuple[str, str]]:
    cells = ((name, row.get(name)) for name in spec.maps)
    return frozenset((name, _text(value)) for name, value in cells if value not in (None, "", False))


# --- words


def key_of(spec: TableSpec, row: Row) -> tuple[str, ...]:
    """The row's key as people read it; "" for a blank."""
    return tuple(_text(row.get(name)) for name in spec.key)


def _finding(spec: TableSpec, row: Any, severity: Any, message: str, fix: tuple[str, ...], column: str = "") -> Finding:
    return Finding(severity, message, fix, spec.name, row.doc_id, key_of(spec, row), column)


def _set(spec: TableSpec, row: Any, column: str, text: str) -> tuple[str, ...]:
    """Rows are named by number: a key may hold anything. A text that cannot be printed cannot be run as printed."""
    if not text.isprintable():
        return _show(spec)
    return ("lookup", "set", spec.name, f"#{row.doc_id}", f"{column}={text}") if spec.editable else _refill(spec)


def _unset(spec: TableSpec, row: Any) -> tuple[str, ...]:
    return ("lookup", "unset", spec.name, f"#{row.doc_id}") if spec.editable else _refill(spec)


def _refill(spec: TableSpec) -> tuple[str, ...]:
    return tuple(spec.fill.split()) or _show(spec)


def _show(spec: TableSpec) -> tuple[str, ...]:
    return ("lookup", "show", spec.name)


def _text(value: Any) -> str:
    return format_cell(_ANY, value)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


_ANY = ColumnSpec("")
