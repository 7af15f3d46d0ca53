# ruff: noqa: S608 -- names of tables come from the schema and from `_tables` alone
"""A whole store into another database: every row with its id and revision, proven equal before it counts."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectctl.errors import StoreCorrupt, StoreError, UsageError
from connectctl.plugins.specs import ColumnSpec, TableSpec
from connectctl.store import open_engine, schema, store_file
from connectctl.store.engine import DuplicateKey, Engine
from connectctl.store.files import removal

if TYPE_CHECKING:
    from connectctl.store.store import Store

BATCH = 1000
OTHER = "connectctl store copy --to sqlite:///other.db"


@dataclass(frozen=True, slots=True)
class Copied:
    """A table as one side has it: rows and the SHA-256 over them in order."""

    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A table to copy; `where` leaves out what belongs to one side alone."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    serial: str | None
    where: str = "1=1"


def copy(store: Store, url: str, data_dir: Path, advance: Callable[[int], object] = lambda _rows: None) -> list[Copied]:
    """Copies the store, as it is at one moment, to an empty target; returns every table that was proven equal.

    `advance` hears the number of rows written since it heard last. The source is not changed. Until the copy is proven
    nobody can open the target: it says of itself that it is unfinished. Raises UsageError for a target that holds
    something, ConfigError for a URL that is not understood, StoreError when a disk refuses or a row differs.
    """
    refuse_taken(url, data_dir)
    target = open_engine(url, data_dir)
    with closing(target):
        token = secrets.token_hex(8)
        _begin(target, f"begun at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} from {store.url}|{token}")
        with store.engine.snapshot():
            tables = _tables(store.engine)
            copied = [_copy(store.engine, target, table, advance) for table in tables]
            counters = {table.name: store.engine.next_id(table.name) for table in tables if table.serial}
        with target.transaction():
            for name, number in counters.items():
                target.set_next_id(name, number)
        problems = [*target.problems(), *_differences(target, tables, copied)]
        if problems:
            raise StoreError(
                f"The copy {target.where} differs from its source: {problems[0]}",
                hint=f"check the disk, delete the copy and try again: {removal(target.path) if target.path else OTHER}",
            )
        with target.transaction():
            target.execute("DELETE FROM meta WHERE key=?", (schema.COPYING,))
    return copied


def refuse_taken(url: str, data_dir: Path) -> None:
    """Raises UsageError when there is something at the URL, StoreError when it is half a copy."""
    path = store_file(url, data_dir)
    if not path.exists() or not path.stat().st_size:
        return
    try:
        with closing(open_engine(url, data_dir, read_only=True)) as engine:
            if schema.version(engine):
                schema.refuse_unfinished(engine)
    except schema.CopyUnfinished:
        raise
    except StoreError:
        pass  # no store of ours, and not ours to overwrite
    raise UsageError(f"There is something at {path} already; a copy needs a place of its own", hint=OTHER)


def counts(store: Store) -> list[tuple[str, int]]:
    """The tables that a copy would hold, with their rows."""
    with store.engine.snapshot():
        return [
            (table.name, int(store.query(f"SELECT count(*) FROM {table.name} WHERE {table.where}")[0][0]))
            for table in _tables(store.engine)
        ]


def _begin(target: Engine, mark: str) -> None:
    """Makes the core's tables, marked as unfinished in the same transaction."""
    schema.migrate(target, mark)
    found = target.query("SELECT value FROM meta WHERE key=?", (schema.COPYING,))
    if found != [(mark,)]:
        raise UsageError(f"Another process has just made a store at {target.where}", hint=OTHER)


def _tables(source: Engine) -> list[_Table]:
    """The core's tables, then the lookup and document tables."""
    existing = source.tables()
    found = [
        _Table(
            table.name,
            table.columns,
            table.key,
            table.serial,
            f"key<>'{schema.COPYING}'" if table.name == "meta" else "1=1",
        )
        for table in schema.core_tables()
    ]
    for (sqlname,) in source.query("SELECT sqlname FROM _tables ORDER BY name"):
        found.append(_Table(sqlname, ("doc_id", "body", "rev"), ("doc_id",), "doc_id"))
    for table in found:
        if table.name not in existing:
            raise StoreCorrupt(f"The table {table.name} is missing from {source.where}", hint="connectctl store check")
    return found


def _copy(source: Engine, target: Engine, table: _Table, advance: Callable[[int], object]) -> Copied:
    """All rows of one table, a batch per transaction; what was read, by the source's word."""
    digest, count = hashlib.sha256(), 0
    put = target.upsert(table.name, table.columns, table.key)
    with _rows(source, table) as rows:
        while batch := list(islice(rows, BATCH)):
            for row in batch:
                digest.update(_line(row))
            if table.name == "_tables":
                for name, sqlname, indexes in batch:
                    _make(target, name, sqlname, indexes)
            else:
                try:
                    with target.transaction():
                        target.executemany(put, batch)
                except DuplicateKey as error:
                    raise StoreCorrupt(
                        f"The table {table.name} holds rows twice that have to be unique ({error.constraint})",
                        hint="connectctl store check",
                    ) from error
            count += len(batch)
            advance(len(batch))
    return Copied(table.name, count, digest.hexdigest())


def _make(target: Engine, name: str, sqlname: str, indexes: str) -> None:
    """An empty table with its indexes, as the store itself makes it."""
    from connectctl.store.store import Store

    shape = json.loads(indexes) if indexes else None
    spec = None
    if shape is not None:
        columns = tuple(ColumnSpec(column) for column in shape["key"])
        spec = TableSpec(name, name, columns, tuple(shape["key"]), indexes=tuple(shape["indexes"]))
    made = Store(target).place(name, spec)
    if made != sqlname:
        raise StoreCorrupt(f"The table {name} has the unknown place {sqlname}", hint="connectctl store check")


@contextmanager
def _rows(engine: Engine, table: _Table) -> Iterator[Iterator[tuple[Any, ...]]]:
    sql = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {table.where} ORDER BY {', '.join(table.key)}"
    with engine.stream(sql) as rows:
        yield iter(rows)


def _line(row: tuple[Any, ...]) -> bytes:
    return json.dumps(row, default=bytes.hex).encode() + b"\n"


def _differences(target: Engine, tables: list[_Table], wanted: list[Copied]) -> Iterator[str]:
    """Reads everything back."""
    with target.snapshot():
        for table, source in zip(tables, wanted, strict=True):
            digest, count = hashlib.sha256(), 0
            with _rows(target, table) as rows:
                for row in rows:
                    digest.update(_line(row))
                    count += 1
            if count != source.rows:
                yield f"{table.name} has {count} rows instead of {source.rows}"
            elif digest.hexdigest() != source.digest:
                yield f"the rows of {table.name} are not the same"
