"""Edited rows into the store: all of them or none, and never over what somebody else did meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectctl.cli.changes import Change, Changes, Conflict, Key, Now
from connectctl.cli.rows import equal, same_key_refused
from connectctl.cli.sheet import Fault, Shown, texts_of

if TYPE_CHECKING:
    from connectctl.plugins.specs import TableSpec
    from connectctl.store.store import Store
    from connectctl.store.table import SqlTable

_MANY = 500  # keys; for more of them reading the table once is quicker than asking for each


@dataclass(frozen=True, slots=True)
class Basis:
    """What the editor was given: the rows shown, the last number there was, whether rows were left out, and from which
    store it all came.
    """

    shown: Mapping[int, Shown]
    last_id: int = 0
    filtered: bool = False
    store_id: str = ""


@dataclass(slots=True)
class Saved:
    """What was written, or would be. With conflicts or faults nothing was."""

    added: list[Change] = field(default_factory=list)
    changed: list[tuple[Change, Now]] = field(default_factory=list)
    removed: list[Now] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return bool(self.conflicts or self.faults)

    def __str__(self) -> str:
        return f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed"


def save(store: Store, spec: TableSpec, changes: Changes, basis: Basis, dry_run: bool = False) -> Saved:
    """Writes the changes in one transaction, unless a row or key they concern is not as it was shown any more.

    Where somebody else has made the very same change there is nothing to do and no conflict. Safe to repeat.
    """
    rows = store.table(spec)
    with nullcontext() if dry_run else store.transaction():
        result, current = _examine(rows, spec, changes, basis)
        if not result.refused and not dry_run:
            with same_key_refused(spec):
                _write(rows, spec, result, current)
    return result


def now_of(spec: TableSpec, row: Any) -> Now:
    """A row of the table as it is."""
    return Now(row.doc_id, row.rev, tuple(texts_of(spec, row)))


def _examine(rows: SqlTable, spec: TableSpec, changes: Changes, basis: Basis) -> tuple[Saved, dict[int, Any]]:
    result = Saved()
    numbers = [*(change.number for change in changes.changes if change.number is not None), *changes.removed]
    current: dict[int, Any] = {row.doc_id: row for row in rows.get(doc_ids=numbers)}
    for change in changes.changes:
        if change.number is None:
            result.added.append(change)
            continue
        row = current.get(change.number)
        theirs = None if row is None else now_of(spec, row)
        if row is not None and theirs is not None and not _touched(theirs, basis):
            if _differs(row, change):
                result.changed.append((change, theirs))
        elif row is None or _differs(row, change):
            result.conflicts.append(Conflict(change.number, change, theirs))
    for number in changes.removed:
        if number in current:
            theirs = now_of(spec, current[number])
            if _touched(theirs, basis):
                result.conflicts.append(Conflict(number, None, theirs))
            else:
                result.removed.append(theirs)
    if spec.key:
        _examine_keys(rows, spec, result, basis)
    return result, current


def _touched(theirs: Now, basis: Basis) -> bool:
    """Whether somebody has really changed the row: a change taken back is none.

    Its revision does not tell: in a store that was restored from a backup it may come again.
    """
    return list(theirs.texts) != basis.shown[theirs.number].texts


def _differs(row: Mapping[str, Any], change: Change) -> bool:
    """Whether the row does not hold yet what the text wants."""
    return not all(equal(row.get(name), value) for name, value in change.values.items())


def _examine_keys(rows: SqlTable, spec: TableSpec, result: Saved, basis: Basis) -> None:
    """Finds new keys that a row has which is not shown, or which came or got it meanwhile."""
    leaving = {row.number for row in result.removed}
    leaving |= {change.number for change, _ in result.changed if change.rekeyed and change.number is not None}
    wanted = [*result.added, *(change for change, _ in result.changed if change.rekeyed)]
    held = _holders(rows, wanted)
    same: set[int] = set()
    for change in wanted:
        row = held.get(change.key)
        if row is None or row.doc_id == change.number or row.doc_id in leaving:
            continue
        if change.number is None and not _differs(row, change):
            same.add(change.place)  # somebody else has added the very same row
            continue
        theirs = now_of(spec, row)
        known = row.doc_id in basis.shown and not _touched(theirs, basis)
        if known or (basis.filtered and row.doc_id not in basis.shown and row.doc_id <= basis.last_id):
            words = f"row {row.doc_id}{'' if known else ', which is not shown,'} has the same {', '.join(spec.key)}"
            result.faults.append(Fault(change.place, spec.key[0], words))
        else:
            result.conflicts.append(Conflict(change.number, change, theirs, taken=True))
    result.added = [change for change in result.added if change.place not in same]


def _holders(rows: SqlTable, wanted: list[Change]) -> Mapping[Key, Any]:
    if len(wanted) > _MANY:
        return {rows.key_of(row): row for row in rows}
    found = {change.key: rows.get_row(change.key) for change in wanted}
    return {key: row for key, row in found.items() if row is not None}


def _write(rows: SqlTable, spec: TableSpec, result: Saved, current: Mapping[int, Any]) -> None:
    if result.removed:
        rows.remove(doc_ids=[row.number for row in result.removed])
    revisions = {theirs.number: theirs.rev for _, theirs in result.changed}
    # Two rows may swap their keys: those whose key is wanted by another one step aside first.
    for row in _in_the_way(rows, result, current):
        aside = {**row, spec.key[0]: f"\ue000{row.doc_id}"}
        _replace(rows, row.doc_id, revisions, aside)
    for change, theirs in result.changed:
        _replace(rows, theirs.number, revisions, {**current[theirs.number], **change.values})
    names = [column.name for column in spec.columns]
    rows.insert_multiple({name: change.values.get(name) for name in names} for change in result.added)


def _in_the_way(rows: SqlTable, result: Saved, current: Mapping[int, Any]) -> Iterable[Any]:
    moving = [(change, current[theirs.number]) for change, theirs in result.changed if change.rekeyed]
    wanted = {change.key for change in (*result.added, *(change for change, _ in moving))}
    return [row for _, row in moving if rows.key_of(row) in wanted]


def _replace(rows: SqlTable, number: int, revisions: dict[int, int], row: Mapping[str, Any]) -> None:
    if not rows.update_if(number, revisions[number], row):
        # Cannot be: the row was read in the same transaction. Raising takes everything back.
        raise RuntimeError(f"row {number} changed inside a transaction")
    revisions[number] += 1
