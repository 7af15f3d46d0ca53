# ruff: noqa: S608 -- table names come from Store.place alone, which makes them of [a-z0-9_]
"""The statements behind a document table: rows as JSON text with an id and a revision."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tinydb.table import Document

from connectctl.plugins.specs import ColumnSpec, TableSpec
from connectctl.store.body import Json, Row, dump, load
from connectctl.store.cells import format_cell, parse_cell
from connectctl.store.compile import Compiler, only_compares
from connectctl.store.engine import Condition, DuplicateKey

if TYPE_CHECKING:
    from connectctl.store.store import Store

BY_ID = " ORDER BY doc_id"
BATCH = 200  # rows looked up, or added, in one go
Key = tuple[str, ...]
Bodies = dict[int, str]


class Rows:
    """One document table. Without state: safe between threads, and always up to date."""

    def __init__(self, store: Store, name: str, spec: TableSpec | None) -> None:
        self.name = name
        self.spec = spec
        self.keys = spec.key if spec else ()
        columns = {column.name: column for column in spec.columns} if spec else {}
        self._key_columns = tuple(columns.get(key, ColumnSpec(key)) for key in self.keys)
        self._store = store
        self._engine = store.engine
        self._compile = Compiler(store.engine, frozenset(self.keys).difference(spec.indexes if spec else ()))

    @property
    def sql(self) -> str:
        """The SQL table for writing, made where missing."""
        return self._store.place(self.name, self.spec)

    # --- reading; a table that is not there yet has no rows, and is not made for that

    def count(self) -> int:
        sql = self._store.found(self.name)
        return int(self._engine.query(f"SELECT count(*) FROM {sql}")[0][0]) if sql else 0

    def last_id(self) -> int:
        sql = self._store.found(self.name)
        return int(self._engine.query(f"SELECT coalesce(max(doc_id), 0) FROM {sql}")[0][0]) if sql else 0

    def select(
        self, condition: Condition | None = None, limit: int | None = None, bodies: Bodies | None = None
    ) -> Generator[Row]:
        """Rows by rising id, of one moment in time. Read it to its end or close it before the next statement. Their
        stored texts go into `bodies`.
        """
        with self._stream(condition, limit) as found:
            for doc_id, rev, body in found:
                if bodies is not None:
                    bodies[doc_id] = body
                yield Row(load(body, self.name), doc_id, rev)

    def search(self, cond: Callable[[Json], bool], bodies: Bodies | None = None) -> list[Row]:
        """All rows that match, by rising id; their stored texts go into `bodies`."""
        # Sorted here and not by SQL: a database that has to deliver by id would rather read all rows than an index.
        rows: list[Row] = []
        with self._stream(self._compile(cond), order="") as found:
            for doc_id, rev, body in found:
                row = load(body, self.name)
                if _matches(cond, row):
                    rows.append(Row(row, doc_id, rev))
                    if bodies is not None:
                        bodies[doc_id] = body
        if len(rows) > 1:
            rows.sort(key=attrgetter("doc_id"))
        return rows

    def matching(self, cond: Callable[[Json], bool], after_id: int | None = None, order: str = BY_ID) -> Generator[Row]:
        """Rows that match: SQL narrows them down where it can, TinyDB's predicate decides. A row whose value cannot be
        compared with the text or number asked for does not match.
        """
        with self._stream(self._compiled(cond, after_id), order=order) as found:
            for doc_id, rev, body in found:
                row = load(body, self.name)
                if _matches(cond, row):
                    yield Row(row, doc_id, rev)

    def one(self, doc_id: int) -> Row | None:
        """The row with this id."""
        sql = self._store.found(self.name)
        found = sql and self._engine.query(f"SELECT rev, body FROM {sql} WHERE doc_id=?", (doc_id,))
        return Row(load(found[0][1], self.name), doc_id, found[0][0]) if found else None

    def by_id(self, doc_ids: Iterable[int], bodies: Bodies | None = None) -> list[Row]:
        """Those that exist, by rising id; their stored texts go into `bodies`."""
        wanted = sorted(set(doc_ids))
        found: list[Row] = []
        for start in range(0, len(wanted), self._engine.max_params):
            part = wanted[start : start + self._engine.max_params]
            found += self.select((f"doc_id IN ({', '.join('?' * len(part))})", part), bodies=bodies)
        return found

    def find(self, values: Sequence[Any]) -> Row | None:
        """The row with these values in its key columns."""
        key = self._key(values)
        return self.find_all({key: values}).get(key)

    def find_all(self, keys: Mapping[Key, Sequence[Any]], bodies: Bodies | None = None) -> dict[Key, Row]:
        """Those rows, by key, that have one of these values in their key columns; their texts go into `bodies`."""
        parts = [self._key_condition(values) for values in keys.values()]
        params = [param for part in parts if part for param in part[1]]
        if None in parts or len(params) > self._engine.max_params:
            if len(keys) > 1:
                return {
                    key: row for wanted in keys.items() for key, row in self.find_all(dict([wanted]), bodies).items()
                }
            condition = None
        else:
            condition = " OR ".join(part[0] for part in parts if part), params
        there: dict[Key, Row] = {}
        with self._stream(condition, order="") as found:
            for doc_id, rev, body in found:
                row = Row(load(body, self.name), doc_id, rev)
                if (key := self.key_of(row)) in keys:
                    there[key] = row
                    if bodies is not None:
                        bodies[doc_id] = body
        return there

    def _key_condition(self, values: Sequence[Any]) -> Condition | None:
        known = [
            part
            for name, value in zip(self.keys, values, strict=True)
            if (part := self._engine.json_condition("one_of", (name,), (None if value == "" else value,), keyed=True))
        ]
        if not known:
            return None
        return f"({' AND '.join(sql for sql, _ in known)})", [param for _, params in known for param in params]

    def _compiled(self, cond: Any, after_id: int | None) -> Condition | None:
        condition = self._compile(cond)
        if after_id is None:
            return condition
        sql, params = condition or ("1=1", [])
        return f"doc_id>? AND {sql}", [after_id, *params]

    def _stream(
        self, condition: Condition | None, limit: int | None = None, order: str = BY_ID
    ) -> AbstractContextManager[Iterable[tuple[Any, ...]]]:
        table = self._store.found(self.name)
        if table is None:
            return nullcontext(())
        where, params = condition or ("1=1", [])
        sql = f"SELECT doc_id, rev, body FROM {table} WHERE {where}{order}"
        if limit is not None:
            sql, params = f"{sql} LIMIT ?", [*params, limit]
        return self._engine.stream(sql, params)

    # --- keys

    def key_of(self, row: Json) -> Key:
        """The row's key as text; a blank for null or absent."""
        return self._key([row.get(name) for name in self.keys])

    def _key(self, values: Sequence[Any]) -> Key:
        return tuple([format_cell(column, value) for column, value in zip(self._key_columns, values, strict=True)])

    def key_values(self, key: Sequence[str]) -> tuple[Any, ...]:
        """The values that a key written as text stands for. A text is taken as it is; of the other types people write
        the words of GN-09 and GN-10, and CellInvalid says where they did not.
        """
        if isinstance(key, str) or len(key) != len(self.keys):
            raise ValueError(f"the key of {self.name} is {self.keys}, not {key!r}")
        return tuple(
            parse_cell(column, part) if column.type != "text" and isinstance(part, str) else part
            for column, part in zip(self._key_columns, key, strict=True)
        )

    # --- writing; the caller holds a transaction, except for `insert` and `insert_all`

    def insert(self, document: Json) -> int:
        """The id of the new row."""
        sql, body = f"INSERT INTO {self.sql}(body) VALUES(?)", (dump(document),)
        try:
            if self._engine.in_transaction:
                return self._engine.insert(sql, body)
            with self._store.transaction():
                return self._engine.insert(sql, body)
        except DuplicateKey as error:
            raise self._explanation(error, document) from error

    def insert_all(self, documents: Iterable[Json]) -> list[int]:
        """The ids of the new rows, in order; all or none. A Document keeps its id. Read as it is written."""
        table = self.sql
        ids: list[int] = []
        last: list[Json] = []
        following = 0
        feed = iter(documents)
        with self.explained(last), self._store.atomic():
            while batch := list(islice(feed, BATCH)):
                following = max(following, self._engine.next_id(table))
                for document in batch:
                    if not isinstance(document, Mapping):
                        raise ValueError("Document is not a Mapping")
                    ids.append(document.doc_id if isinstance(document, Document) else following)
                    following = max(following, ids[-1] + 1)
                self._add(batch, ids[-len(batch) :], map(dump, batch), last)
        return ids

    def set(self, rows: Sequence[Row], bodies: Bodies, last: list[Json]) -> None:
        """New texts; `last` holds the row that is being written."""
        sql = f"UPDATE {self.sql} SET body=?, rev=rev+1 WHERE doc_id=?"
        self._engine.executemany(sql, _noted(rows, ((bodies[row.doc_id], row.doc_id) for row in rows), last))

    def _add(self, rows: Sequence[Json], ids: Iterable[int], bodies: Iterable[str], last: list[Json]) -> None:
        sql = f"INSERT INTO {self.sql}(doc_id, body) VALUES(?, ?)"
        self._engine.executemany(sql, _noted(rows, zip(ids, bodies, strict=True), last))

    def set_if(self, doc_id: int, rev: int, body: str) -> bool:
        sql = f"UPDATE {self.sql} SET body=?, rev=rev+1 WHERE doc_id=? AND rev=?"
        return self._engine.execute(sql, (body, doc_id, rev)) == 1

    def put_all(self, rows: Iterable[Json]) -> tuple[int, int]:
        """Adds the rows, or sets their columns in the rows with the same keys, all or none: how many were added or
        really changed, and the id of the last one. They are read as they are written.
        """
        if not self.keys:
            raise ValueError(f"the table {self.name} has no key")
        changes = doc_id = 0
        last: list[Json] = []
        feed = iter(rows)
        size = min(BATCH, self._engine.max_params // len(self.keys))
        with self.explained(last), self._store.atomic():
            while batch := list(islice(feed, size)):
                bodies: Bodies = {}
                keys = [self.key_of(row) for row in batch]
                values = [[row.get(name) for name in self.keys] for row in batch]
                there = self.find_all(dict(zip(keys, values, strict=True)), bodies)
                old, touched = set(bodies), dict[int, Row]()
                following = self._engine.next_id(self.sql)
                for key, row in zip(keys, batch, strict=True):
                    found = there.setdefault(key, Row({}, following))
                    following = max(following, found.doc_id + 1)
                    found.update(row)
                    doc_id = found.doc_id
                    if bodies.get(doc_id) != (body := dump(found)):
                        changes += 1
                        bodies[doc_id], touched[doc_id] = body, found
                changed = [row for number, row in touched.items() if number in old]
                added = [row for number, row in touched.items() if number not in old]
                self.set(changed, bodies, last)
                self._add(added, (row.doc_id for row in added), (bodies[row.doc_id] for row in added), last)
        return changes, doc_id

    def delete(self, doc_ids: Iterable[int]) -> None:
        self._engine.executemany(f"DELETE FROM {self.sql} WHERE doc_id=?", ((doc_id,) for doc_id in doc_ids))

    def delete_all(self) -> None:
        self._store.execute(f"DELETE FROM {self.sql}")

    # --- errors

    @contextmanager
    def explained(self, last: Sequence[Json]) -> Iterator[None]:
        """Around the transaction; `last` holds the row that is being written."""
        try:
            yield
        except DuplicateKey as error:
            if not last or isinstance(error.__cause__, DuplicateKey):  # explained already, further inside
                raise
            raise self._explanation(error, last[0]) from error

    def _explanation(self, error: DuplicateKey, document: Json) -> Exception:
        if not error.constraint.endswith("__key"):
            return ValueError(f"Document with ID {getattr(document, 'doc_id', '?')} already exists")
        words = ", ".join(f"{name} {part!r}" for name, part in zip(self.keys, self.key_of(document), strict=True))
        title = self.spec.title if self.spec else self.name
        return DuplicateKey(f"Table {title} already has a row with {words}", constraint=error.constraint)


def _matches(cond: Callable[[Json], bool], row: Json) -> bool:
    try:
        return cond(row)
    except TypeError:
        if not only_compares(cond):
            raise
        return False


def _noted(rows: Iterable[Json], params: Iterable[Any], last: list[Json]) -> Iterator[Any]:
    for row, param in zip(rows, params, strict=True):
        last[:] = [row]
        yield param
