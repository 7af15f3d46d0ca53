# ruff: noqa: S608 -- names of tables come from the schema and from `_tables` alone
"""What may be wrong with a store, finding by finding. Nothing here changes anything, and damage is told, not raised."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectctl.errors import ConnectctlError, StoreError
from connectctl.plugins.specs import TableSpec
from connectctl.store import schema
from connectctl.store.cells import CellInvalid, check_value
from connectctl.store.engine import Engine
from connectctl.store.files import BESIDE, file_system, refuse_odd

LOW_DISK = 100 * 1024 * 1024  # bytes; besides, a tenth of the store has to fit
LONG_LOG = 64 * 1024 * 1024  # bytes; SQLite cuts the log to this when it can
LISTED = 20  # bad rows per table
REPAIR = "connectctl store copy --to sqlite:///repaired.db makes a sound copy; then set [store] url to it"

BACKUP = "restore it from a backup"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the store and what to do about it. A remark (`wrong` is False) needs nobody to act."""

    check: str  # file, disk, database, copy, tables, rows, ledger, runs
    message: str
    fix: str
    wrong: bool = True

    @classmethod
    def of(cls, check: str, error: ConnectctlError) -> Finding:
        """An error as a finding."""
        return cls(check, error.message, BACKUP if error.hint == "connectctl store check" else error.hint)


# --- the file


def file_findings(path: Path) -> list[Finding]:
    """About the file, its folder and its disk, without opening it. Empty when all is well."""
    try:
        refuse_odd(path)
    except StoreError as error:
        return [Finding.of("file", error)]
    except OSError as error:
        return [
            Finding("file", f"{path} cannot be reached: {error.strerror}", f"ls -ld {shlex.quote(str(path.parent))}")
        ]
    if not path.exists():
        return [Finding("file", f"There is no store at {path}", "connectctl init")]
    return [*_rights(path), *_disk(path)]


def _rights(path: Path) -> Iterator[Finding]:
    for file in (path, *(path.with_name(path.name + end) for end in BESIDE)):
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding("file", f"{file} can be read by other users", f"chmod 600 {shlex.quote(str(file))}")
    mode = path.parent.stat().st_mode
    if mode & 0o002 and not mode & 0o1000:  # a sticky folder keeps others from replacing it
        text = f"{path.parent} can be written by other users, who could replace the store"
        yield Finding("file", text, f"chmod go-w {shlex.quote(str(path.parent))}")
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            yield Finding("file", f"{place} cannot be written by this user", f"ls -ld {shlex.quote(str(place))}")


def _disk(path: Path) -> Iterator[Finding]:
    kind = file_system(path)
    if kind:
        fix = "set [store] url in config.toml to a path on a local disk"
        yield Finding("disk", f"{path} lies on a network file system ({kind}), where SQLite can lose data", fix)
    disk, size = os.statvfs(path.parent), path.stat().st_size
    free = disk.f_bavail * disk.f_frsize
    if free < max(LOW_DISK, size // 10):
        text = f"The disk of {path} has {free // 1024**2} MiB left"
        yield Finding("disk", text, f"make room: df -h {shlex.quote(str(path.parent))}")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > LONG_LOG:
        text = f"The log {log} has grown to {log.stat().st_size // 1024**2} MiB: some program reads for long"
        yield Finding(
            "disk", text, f"end that program; the last one to close takes the log in: fuser -v {shlex.quote(str(log))}"
        )


# --- the database


def database_findings(engine: Engine, specs: Mapping[str, TableSpec]) -> list[Finding]:
    """About what is in the database; `specs` are the lookup tables of the installed plugins, by name."""
    try:
        version = schema.version(engine)
        if not version:
            return [Finding("database", f"The store {engine.where} is empty", "connectctl init")]
        if version < len(schema.STEPS):
            text = f"The store {engine.where} is of an earlier version (schema {version} of {len(schema.STEPS)})"
            return [*_own(engine), Finding("database", text, "nothing: the next command upgrades it", wrong=False)]
        schema.refuse_unfinished(engine)
    except schema.CopyUnfinished as error:
        return [Finding.of("copy", error)]
    except StoreError as error:
        return [Finding.of("database", error)]
    found: list[Finding] = []
    for part in (_own(engine), _core(engine), _lookups(engine, specs)):
        try:
            found += part
        except StoreError as error:  # the other parts may still be read
            found.append(Finding.of("database", error))
    return list(dict.fromkeys(found))


def _own(engine: Engine) -> Iterator[Finding]:
    """What the database finds wrong with itself."""
    for line in engine.problems():
        yield Finding("database", line, f"{BACKUP}; {REPAIR}")


def _core(engine: Engine) -> Iterator[Finding]:
    existing = engine.tables()
    double = "SELECT holding, count(*) FROM ledger WHERE live=1 GROUP BY holding HAVING count(*)>1"
    for holding, count in engine.query(double):
        text = f"ledger: holding {holding} has {count} live entries instead of one"
        yield Finding("ledger", text, "restore a backup; connectctl ledger list --json shows the entries")
    for table in schema.core_tables():
        if table.name not in existing:
            yield Finding("database", f"the table {table.name} is missing", "restore the store from a backup")
    for name, unique in schema.core_indexes().items():
        if name not in existing:
            purpose = "keeps live entries unique" if name == "ledger_live" else "keeps rows unique" if unique else ""
            subject = name.partition("_")[0]
            text = f"the index that {purpose} ({name}) is missing" if purpose else f"the index {name} is missing"
            yield Finding("database", f"{subject}: {text}", REPAIR)


def _lookups(engine: Engine, specs: Mapping[str, TableSpec]) -> Iterator[Finding]:
    existing = engine.tables()
    for name, sqlname, indexes in engine.query("SELECT name, sqlname, indexes FROM _tables ORDER BY name"):
        if sqlname not in existing:
            text = f"table {name}: its rows are missing ({sqlname})"
            yield Finding("tables", text, "restore the store from a backup")
            continue
        shape = json.loads(indexes) if indexes else {"key": [], "indexes": []}
        if shape["key"] and f"{sqlname}__key" not in existing:
            yield Finding("tables", f"table {name}: the index that keeps its key unique is missing", REPAIR)
        if any(f"{sqlname}__ix{number}" not in existing for number in range(len(shape["indexes"]))):
            yield Finding("tables", f"table {name}: an index is missing", REPAIR)
        if name in specs:
            yield from _rows(engine, sqlname, specs[name])
        elif indexes:
            text = f"table {name}: no installed plugin declares it; its rows are kept"
            yield Finding("tables", text, "nothing, or install the plugin again: connectctl plugin list", wrong=False)


def _rows(engine: Engine, sqlname: str, spec: TableSpec) -> Iterator[Finding]:
    """Rows that do not fit the columns of their table, at most so many of them."""
    bad = 0
    gone: set[str] = set()
    names = {column.name for column in spec.columns}
    with engine.stream(f"SELECT doc_id, body FROM {sqlname} ORDER BY doc_id") as rows:
        for number, body in rows:
            problems = list(_problems(spec, body))
            bad += len(problems)
            if bad <= LISTED:
                yield from (Finding("rows", f"{spec.title} #{number}: {text}", _fix(spec, number, column))
                            for text, column in problems)  # fmt: skip
            gone |= (_row(body) or {}).keys() - names
    if bad > LISTED:
        yield Finding("rows", f"{spec.title}: and {bad - LISTED} more", f"connectctl lookup show {spec.name}")
    if gone:
        columns = ", ".join(sorted(gone))
        text = f"{spec.title}: rows hold columns that the table no longer has: {columns}"
        yield Finding("rows", text, "nothing: they are kept and not shown", wrong=False)


def _row(body: str) -> dict[str, Any] | None:
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _problems(spec: TableSpec, body: str) -> Iterator[tuple[str, str]]:
    row = _row(body)
    if row is None:
        yield "the row is damaged: it is not JSON", ""
        return
    for column in spec.columns:
        try:
            check_value(column, row.get(column.name))
        except CellInvalid as error:
            yield error.message, "" if column.required or column.name in spec.key else column.name


def _fix(spec: TableSpec, number: int, column: str) -> str:
    if not spec.editable:
        return f"run the flow that fills the table ({spec.filled_by}): connectctl flow list"
    if not column:
        return f"connectctl lookup unset {spec.name} '#{number}', then set it anew"
    cell = shlex.quote(f"{column}=")
    return f"connectctl lookup set {spec.name} '#{number}' {cell} makes the cell blank; put the right value behind ="
