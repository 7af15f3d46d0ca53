"""Rows of lookup tables as arguments and files name them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectctl.errors import ConfigError, UsageError
from connectctl.plugins.names import did_you_mean
from connectctl.store.cells import CellInvalid, parse_cell
from connectctl.store.engine import DuplicateKey

if TYPE_CHECKING:
    from tinydb.queries import QueryInstance

    from connectctl.plugins.specs import ColumnSpec, TableSpec
    from connectctl.store.store import Store
    from connectctl.store.table import SqlTable
    from connectctl.store.transfer import RowCheck

MAX_FILE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One row: by its number, or by the cells of its key."""

    number: int | None = None
    key: tuple[str, ...] = ()

    def find(self, rows: SqlTable) -> Any:
        """The row, or None."""
        return rows.get_row(self.key) if self.number is None else rows.get(doc_id=self.number)

    def __str__(self) -> str:
        if self.number is not None:
            return f"#{self.number}"
        return ", ".join(cell or "-" for cell in self.key)


def target_of(spec: TableSpec, words: Sequence[str]) -> tuple[Target, tuple[str, ...]]:
    """The row that the first arguments name, and the arguments left. Raises UsageError."""
    for word in words:
        try:
            word.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"The argument {word!r} is not UTF-8 text") from None
    first = words[0]
    if first[:1] == "#" and first[1:].isascii() and first[1:].isdigit():
        if len(first) > 19:
            raise UsageError(f"{spec.title} has no row {first}", hint=f"connectctl lookup show {spec.name}")
        return Target(number=int(first[1:])), tuple(words[1:])
    key, rest = tuple(words[: len(spec.key)]), tuple(words[len(spec.key) :])
    short = len(key) < len(spec.key)
    if short or any(word.startswith(f"{column.name}=") for word in key for column in spec.columns):
        raise UsageError(
            f"A row of {spec.title} is named by {', '.join(spec.key)}, - standing for a blank, or by #N",
            hint=f"connectctl lookup show {spec.name}",
        )
    return Target(key=tuple("" if word.strip() == "-" else word.strip() for word in key)), rest


def cell_of(spec: TableSpec, pair: str) -> tuple[ColumnSpec, Any]:
    """The column and the typed value of COL=VALUE. Raises UsageError, or CellInvalid for a bad value."""
    named = [column for column in spec.columns if pair.casefold().startswith(f"{column.name}=".casefold())]
    column = max(named, key=lambda column: len(column.name), default=None)
    if column is None:
        name, equals, _ = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} does not have the form COL=VALUE")
        columns = [column.name for column in spec.columns]
        raise UsageError(
            f"{spec.title} has no column {name!r}{did_you_mean(name, columns)}",
            hint=f"its columns: {', '.join(columns)}",
        )
    return column, _parsed(spec, column, pair[len(column.name) + 1 :])


def condition(spec: TableSpec, wheres: Sequence[str]) -> QueryInstance:
    """The query for rows that have all these cells; an empty value means a blank one."""
    from dataclasses import replace

    from tinydb import where

    # A blank may be looked for in a column that must not be blank.
    loose = replace(spec, columns=tuple(replace(column, required=False) for column in spec.columns))
    queries = []
    for pair in wheres:
        column, value = cell_of(loose, pair)
        path = where(column.name)
        queries.append(~path.exists() | path.one_of([None, ""]) if value is None else path == value)
    query = queries[0]
    for further in queries[1:]:
        query &= further
    return query


def refuse_if_read_only(spec: TableSpec) -> None:
    """Raises UsageError for a table that people do not edit, with the reason."""
    if not spec.editable:
        raise UsageError(
            f"{spec.title} is not edited by people: it is filled by {spec.filled_by}",
            hint=f"connectctl lookup show {spec.name}",
        )


def save(store: Store, spec: TableSpec, target: Target, changes: dict[str, Any], dry_run: bool) -> tuple[str, int]:
    """Adds or updates the row; what was done ("added", "updated", "left unchanged"), and the row's number.

    A row named by number has to exist. The number of a row that a dry run would add is 0.
    """
    rows = store.table(spec)
    with store.transaction():
        row = target.find(rows)
        if row is None and target.number is not None:
            raise UsageError(f"{spec.title} has no row {target}", hint=f"connectctl lookup show {spec.name}")
        if row is None:
            fresh = dict.fromkeys((column.name for column in spec.columns), None) | changes
            for name, cell in zip(spec.key, target.key, strict=True):
                fresh[name] = _parsed(spec, _column(spec, name), cell)
            for column in spec.columns:
                if column.required and fresh[column.name] is None:
                    raise CellInvalid(f"{column.name} must not be blank", hint=f"connectctl lookup explain {spec.name}")
            return "added", 0 if dry_run else rows.insert(fresh)
        same = all(equal(row.get(name), value) for name, value in changes.items())
        if not same and not dry_run:
            try:
                rows.update(changes, doc_ids=[row.doc_id])
            except DuplicateKey:
                raise UsageError(f"{spec.title} has another row with this key") from None
        return "left unchanged" if same else "updated", row.doc_id


def read_rows(file: Path, spec: TableSpec, check: RowCheck | None = None) -> list[dict[str, Any]]:
    """The rows of a CSV or JSON file, told apart by name, else by their beginning. Raises ConfigError, UsageError."""
    from connectctl.store.transfer import import_csv, import_json

    if str(file) == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("There is no file on standard input", hint=f"connectctl lookup import {spec.name} FILE")
        raw = sys.stdin.buffer.read(MAX_FILE + 1)
    else:
        try:
            with file.open("rb") as stream:
                raw = stream.read(MAX_FILE + 1)
        except OSError as error:
            raise UsageError(
                f"{file} cannot be read: {error.strerror or error}", hint=f"ls -l {shlex.quote(str(file))}"
            ) from None
    if len(raw) > MAX_FILE:
        raise UsageError(f"{file} is larger than {MAX_FILE // 1024**2} MiB")
    suffix = file.suffix.lower()
    json = suffix == ".json" or (suffix != ".csv" and raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"))
    return (import_json if json else import_csv)(raw, spec, check)


def merge(store: Store, spec: TableSpec, new: list[dict[str, Any]], replace: bool, dry_run: bool) -> dict[str, int]:
    """Puts the rows into the table by key, all or none; how many were added, changed, removed, unchanged.

    Rows keep their numbers, also with `replace`, which removes those that are not among the new ones.
    """
    rows = store.table(spec)
    with store.transaction():
        old = rows.by_key()  # once: a look-up per row would take longer than everything else
        fresh: list[dict[str, Any]] = []
        changed: dict[int, dict[str, Any]] = {}
        stays: set[int] = set()
        for row in new:
            found = old.get(rows.key_of(row))
            if found is None:
                fresh.append(row)
                continue
            stays.add(found.doc_id)
            if not all(equal(found.get(column.name), row.get(column.name)) for column in spec.columns):
                changed[found.doc_id] = row
        gone = [row.doc_id for row in old.values() if row.doc_id not in stays] if replace else []
        if not dry_run:
            if gone:
                rows.remove(doc_ids=gone)
            rows.update(lambda row: row.update(changed[row.doc_id]), doc_ids=list(changed))  # type: ignore[attr-defined]
            with same_key_refused(spec):
                rows.insert_multiple(fresh)
    return {
        "added": len(fresh),
        "changed": len(changed),
        "removed": len(gone),
        "unchanged": len(stays) - len(changed),
    }


@contextmanager
def same_key_refused(spec: TableSpec) -> Iterator[None]:
    """Raises ConfigError for keys that are one to the database alone: it may end a text at NUL."""
    try:
        yield
    except DuplicateKey as error:
        words = f"{error.message}, or one that differs only behind a character U+0000; nothing was saved"
        raise ConfigError(words, hint=f"connectctl lookup show {spec.name}") from None


def _parsed(spec: TableSpec, column: ColumnSpec, text: str) -> Any:
    """The cell's value; CellInvalid says where the columns are explained."""
    try:
        return parse_cell(column, text)
    except CellInvalid as error:
        raise CellInvalid(error.message, hint=f"connectctl lookup explain {spec.name}") from None


def equal(old: Any, new: Any) -> bool:
    """The same value of the same type: to Python 1 is true."""
    return type(old) is type(new) and bool(old == new)


def _column(spec: TableSpec, name: str) -> ColumnSpec:
    return next(column for column in spec.columns if column.name == name)
