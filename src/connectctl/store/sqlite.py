"""SQLite behind the store's engine border: one file, WAL, every commit on the disk before it returns."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from connectctl.errors import StoreError
from connectctl.store import sqlite_json
from connectctl.store.connections import Connections, Held, connect
from connectctl.store.engine import Condition, Params
from connectctl.store.files import make_file, refuse_network
from connectctl.store.gate import WriteGate

BUSY_TIMEOUT = 10_000  # ms; only programs that go past the gate are waited for here
FETCH = 200


class SqliteEngine:
    """A connection per thread and process to one file. `timeout`: seconds a writer waits for its turn."""

    serial = "INTEGER PRIMARY KEY AUTOINCREMENT"
    json = "TEXT"
    max_params = 900  # SQLITE_MAX_VARIABLE_NUMBER is 999 before 3.32

    def __init__(self, path: Path, timeout: float = 30.0, *, read_only: bool = False) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.where = str(path)
        self._connections = Connections(path, lambda: connect(path, BUSY_TIMEOUT / 1000, read_only=read_only))
        make_file(path)
        refuse_network(path)
        self._gate = WriteGate(path.with_name(path.name + "-gate"), timeout)

    # --- statements

    def execute(self, sql: str, params: Params = ()) -> int:
        with self._connections.mine() as connection:
            return connection.execute(sql, params).rowcount

    def executemany(self, sql: str, rows: Iterable[Params]) -> int:
        with self._connections.mine() as connection:
            return connection.executemany(sql, rows).rowcount

    def insert(self, sql: str, params: Params = ()) -> int:
        with self._connections.mine() as connection:
            return connection.execute(sql, params).lastrowid or 0

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        with self._connections.mine() as connection:
            return connection.execute(sql, params).fetchall()

    def stream(self, sql: str, params: Params = ()) -> AbstractContextManager[Iterable[tuple[Any, ...]]]:
        held = self._connections.mine()
        with held as connection:
            cursor = connection.execute(sql, params)
            rows = cursor.fetchmany(FETCH)
            if len(rows) < FETCH:  # the statement is done already
                return contextlib.nullcontext(rows)
            held.reading += 1
        return self._reading(held, cursor, rows)

    @contextlib.contextmanager
    def _reading(
        self, held: Held, cursor: sqlite3.Cursor, rows: list[tuple[Any, ...]]
    ) -> Iterator[Iterable[tuple[Any, ...]]]:
        def following() -> Iterator[tuple[Any, ...]]:
            part = rows
            while part:
                yield from part
                with held:
                    part = cursor.fetchmany(FETCH)

        try:
            yield following()
        finally:
            cursor.close()
            held.reading -= 1

    # --- transactions

    @property
    def in_transaction(self) -> bool:
        return self._connections.mine().depth > 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        held = self._connections.mine()
        if held.depth:
            held.depth += 1
            try:
                yield
            except BaseException:
                held.broken = True
                raise
            finally:
                held.depth -= 1
            return
        with self._gate.hold():
            with held as connection:
                held.same_file()
                connection.execute("BEGIN IMMEDIATE")
                held.depth, held.broken = 1, False  # within the lock: a fork must not take it for idle
            try:
                yield
                self._commit(held)
            except BaseException:
                self._roll_back(held)
                raise
            finally:
                held.depth = 0

    def _commit(self, held: Held) -> None:
        if held.pid != os.getpid():
            raise StoreError(
                "A transaction was carried into a forked process, where it cannot be finished",
                hint="fork outside of store.transaction()",
            )
        if held.broken:
            raise StoreError(
                "Nothing was saved: an inner part of this transaction had failed and the failure was passed over",
                hint="let the exception out of the outer transaction, or use store.atomic() for the inner part",
            )
        with held as connection:
            connection.execute("COMMIT")

    def _roll_back(self, held: Held) -> None:
        if held.pid == os.getpid():
            with held as connection:
                if connection.in_transaction:  # after a full disk SQLite has rolled back by itself
                    connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        held = self._connections.mine()
        before = held.broken
        with held as connection:
            connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            with held as connection:
                if connection.in_transaction:
                    connection.execute("ROLLBACK TO part")
                    connection.execute("RELEASE part")
                    held.broken = before  # an inner transaction that failed in here is undone with it
            raise
        with held as connection:
            connection.execute("RELEASE part")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        held = self._connections.mine()
        with held as connection:
            connection.execute("BEGIN")
            held.reading += 1
        try:
            yield
        finally:
            held.reading -= 1
            with held as connection:
                connection.execute("COMMIT")

    @contextlib.contextmanager
    def creation(self) -> Iterator[None]:
        with self._gate.hold():
            # Takes effect only while the file is empty; it lets `prune` give pages back without a VACUUM.
            self.query("PRAGMA auto_vacuum=INCREMENTAL")
            self.query("PRAGMA journal_mode=WAL")
            if not self.ready():
                raise StoreError(
                    f"The disk of {self.path} has no shared memory files, which the store needs",
                    hint="set [store] url in config.toml to a path on a local disk",
                )
            yield

    # --- dialect

    def next_id(self, table: str) -> int:
        found = self.query("SELECT seq FROM sqlite_sequence WHERE name=?", (table,))
        return int(found[0][0]) + 1 if found else 1

    def set_next_id(self, table: str, number: int) -> None:
        self.execute("DELETE FROM sqlite_sequence WHERE name=?", (table,))
        if number > 1:
            self.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)", (table, number - 1))

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str]) -> str:
        others = ", ".join(f"{name}=excluded.{name}" for name in columns if name not in key)
        return (
            f"INSERT INTO {table}({', '.join(columns)}) VALUES({', '.join('?' * len(columns))}) "
            f"ON CONFLICT({', '.join(key)}) DO {'UPDATE SET ' + others if others else 'NOTHING'}"
        )

    def json_value(self, path: tuple[str, ...]) -> str:
        return sqlite_json.value(path)

    def json_key(self, column: str) -> str:
        return sqlite_json.key(column)

    def json_condition(
        self, operator: str, path: tuple[str, ...], operand: Any, *, wide: bool = True, keyed: bool = False
    ) -> Condition | None:
        if not sqlite_json.usable(path):
            return None
        if operator == "exists":
            return sqlite_json.exists(path)
        if operator == "one_of":
            return sqlite_json.one_of(path, operand, wide=wide, keyed=keyed, most=self.max_params)
        return sqlite_json.compare(path, operator, operand, wide=wide, keyed=keyed)

    # --- the file

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self.query("SELECT name FROM sqlite_master")}

    def problems(self) -> list[str]:
        found = [" ".join(str(line).split()) for (line,) in self.query("PRAGMA integrity_check") if line != "ok"]
        found += [
            f"table {row[0]}, row {row[1]}: refers to nothing in {row[2]}"
            for row in self.query("PRAGMA foreign_key_check")
        ]
        return found

    def ready(self) -> bool:
        # What cannot be written is as ready as it will be.
        return self.query("PRAGMA journal_mode") == [("wal",)] or self.query("PRAGMA query_only") == [(1,)]

    def shrink(self, pages: int) -> None:
        empty = int(self.query("PRAGMA freelist_count")[0][0])
        for _ in range(min(pages, empty)):
            self.query("PRAGMA incremental_vacuum(1)")  # Python takes one step of it, whatever number stands there

    def close(self) -> None:
        self._connections.close()
        self._gate.close()
