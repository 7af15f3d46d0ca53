"""The store: tables by name, transactions, and SQL for the core's own tables."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from connectctl.errors import ConfigError
from connectctl.plugins.specs import TableSpec
from connectctl.store import schema
from connectctl.store.engine import DuplicateKey, Engine, Params

if TYPE_CHECKING:
    from connectctl.store.table import SqlTable

PLAIN_NAME = re.compile(r"[a-z0-9_]{1,40}")


@functools.cache
def _shape(key: tuple[str, ...], indexes: tuple[str, ...]) -> str:
    return json.dumps({"key": key, "indexes": indexes})


class Store:
    """All state of one profile. Safe to share between threads, and between a process and its forks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._local = threading.local()
        self._known: dict[str, tuple[str, str]] = {}  # name -> (SQL name, indexes), committed
        self._id = ""
        try:
            if schema.version(engine) < len(schema.STEPS) or not engine.ready():
                schema.migrate(engine)
        except BaseException:
            engine.close()
            raise

    @property
    def url(self) -> str:
        return self.engine.url

    @property
    def path(self) -> Path | None:
        """The file, where the engine has one."""
        return self.engine.path

    @property
    def store_id(self) -> str:
        """Drawn when the store was made; a copy has the same."""
        self._id = self._id or self.meta_get("store_id") or ""
        return self._id

    # --- TinyDB tables

    def table(self, spec: TableSpec) -> SqlTable:
        """The lookup table; it is made on first use."""
        from connectctl.store.table import SqlTable

        return SqlTable(self, spec.name, spec)

    def documents(self, name: str) -> SqlTable:
        """A TinyDB table without columns, for small state."""
        from connectctl.store.table import SqlTable

        return SqlTable(self, name, None)

    def found(self, name: str) -> str | None:
        """The SQL table behind a table, for reading; None where nobody has written to it yet."""
        known = self._known.get(name) or self._fresh.get(name)
        if known is None:
            rows = self.query("SELECT sqlname, indexes FROM _tables WHERE name=?", (name,))
            if not rows:
                return None
            known = (self._fresh if self.engine.in_transaction else self._known)[name] = rows[0]
        return known[0]

    def place(self, name: str, spec: TableSpec | None) -> str:
        """The SQL table for writing, made where missing, its indexes brought in line with the spec."""
        wanted = "" if spec is None else _shape(tuple(spec.key), tuple(spec.indexes))
        found = self._known.get(name) or self._fresh.get(name)
        if found and wanted in ("", found[1]):
            return found[0]
        rows = self.query("SELECT sqlname, indexes FROM _tables WHERE name=?", (name,))
        if not rows or wanted not in ("", rows[0][1]):
            with self.transaction():
                self._make(name, spec, wanted)
        else:
            (self._fresh if self.engine.in_transaction else self._known)[name] = rows[0]
            return str(rows[0][0])
        return (self._fresh.get(name) or self._known[name])[0]

    def _make(self, name: str, spec: TableSpec | None, wanted: str) -> None:
        engine = self.engine
        rows = self.query("SELECT sqlname, indexes FROM _tables WHERE name=?", (name,))
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        sqlname = rows[0][0] if rows else f"d_{name}" if PLAIN_NAME.fullmatch(name) else f"h_{digest}"
        self._known.pop(name, None)
        if not rows:
            self.execute(
                f"CREATE TABLE {sqlname}(doc_id {engine.serial}, body {engine.json} NOT NULL, "
                "rev INTEGER NOT NULL DEFAULT 1)"
            )
        if spec is not None and (not rows or rows[0][1] != wanted):
            for index in sorted(engine.tables()):
                if index.startswith(f"{sqlname}__"):
                    self.execute(f"DROP INDEX {index}")
            for number, column in enumerate(spec.indexes):
                self.execute(f"CREATE INDEX {sqlname}__ix{number} ON {sqlname}({engine.json_value((column,))})")
            if spec.key:
                columns = ", ".join(engine.json_key(column) for column in spec.key)
                try:
                    self.execute(f"CREATE UNIQUE INDEX {sqlname}__key ON {sqlname}({columns})")
                except DuplicateKey as error:
                    raise ConfigError(
                        f"Table {spec.title} holds several rows with the same {', '.join(spec.key)}",
                        hint=f"connectctl lookup show {spec.name}",
                    ) from error
        indexes = wanted or (rows[0][1] if rows else "")
        put = engine.upsert("_tables", ("name", "sqlname", "indexes"), ("name",))
        self.execute(put, (name, sqlname, indexes))
        self._fresh[name] = (sqlname, indexes)

    # --- transactions

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, also against other processes. An inner one is part of the outer one."""
        outer = not self.engine.in_transaction
        try:
            with self.engine.transaction():
                yield
        except BaseException:
            if outer:
                self._fresh.clear()  # tables made in here are gone again
            raise
        if outer:
            self._known.update(self._fresh)
            self._fresh.clear()

    def atomic(self) -> AbstractContextManager[None]:
        """A transaction of its own, or a part of the running one that can fail without taking the rest with it."""
        return self._part() if self.engine.in_transaction else self.transaction()

    @contextlib.contextmanager
    def _part(self) -> Iterator[None]:
        try:
            with self.engine.savepoint():
                yield
        except BaseException:
            self._fresh.clear()
            raise

    @property
    def _fresh(self) -> dict[str, tuple[str, str]]:
        """Tables this thread has made or met in its running transaction: nobody else may count on them yet."""
        made: dict[str, tuple[str, str]] | None = getattr(self._local, "fresh", None)
        if made is None:
            made = self._local.fresh = {}
        return made

    # --- SQL, for the core only

    def execute(self, sql: str, params: Params = ()) -> int:
        """The number of rows changed. DuplicateKey when a unique index refuses."""
        if self.engine.in_transaction:
            return self.engine.execute(sql, params)
        with self.transaction():
            return self.engine.execute(sql, params)

    def executemany(self, sql: str, rows: Iterable[Params]) -> int:
        """The number of rows changed; all of them or none."""
        with self.atomic():
            return self.engine.executemany(sql, rows)

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows, of one moment in time. It never waits for a writer."""
        return self.engine.query(sql, params)

    def meta_get(self, key: str) -> str | None:
        rows = self.query("SELECT value FROM meta WHERE key=?", (key,))
        return str(rows[0][0]) if rows else None

    def meta_set(self, key: str, value: str) -> None:
        self.execute(self.engine.upsert("meta", ("key", "value"), ("key",)), (key, value))

    # --- care

    def check(self) -> list[str]:
        """One line per finding; empty when all is well. It changes nothing."""
        from connectctl.store.check import database_findings, file_findings

        found = [*(file_findings(self.path) if self.path else ()), *database_findings(self.engine, {})]
        return [finding.message for finding in found if finding.wrong]

    def close(self) -> None:
        """Closes the files. The store cannot be used afterwards."""
        self.engine.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
