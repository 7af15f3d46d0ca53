# ruff: noqa: S608 -- table names come from Store.place alone, which makes them of [a-z0-9_]
"""The statements behind a document table: rows as JSON text with an id and a revision."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from tinydb.table import Document

from connectctl.errors import StoreCorrupt
from connectctl.plugins.specs import ColumnSpec, TableSpec
from connectctl.store.cells import format_cell, parse_cell
from connectctl.store.compile import Condition, compile_query, equals
from connectctl.store.engine import DuplicateKey

if TYPE_CHECKING:
    from connectctl.store.store import Store

SURROGATE = re.compile("[\ud800-\udfff]")
Json = Mapping[str, Any]
Key = tuple[str, ...]


class Row(Document):
    """A document with its id and its revision, which every change counts up."""

    def __init__(self, value: Json, doc_id: int, rev: int = 1) -> None:
        super().__init__(value, doc_id)
        self.rev = rev


def dump(document: Json) -> str:
    """The document as JSON text. TypeError for what JSON does not have, NaN among it."""
    try:
        body = json.dumps(dict(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise TypeError(f"a document must be JSON: {error}") from None
    # Half a surrogate pair, as a remote that cuts a text leaves it, has no UTF-8; JSON can spell it out.
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", body)


def load(body: str, table: str) -> Json:
    """The document of a row; StoreCorrupt where the disk has spoilt its text."""
    try:
        document: Json = json.loads(body)
    except ValueError as error:
        raise StoreCorrupt(f"A row of the table {table} is damaged ({error})", hint="connectctl store check") from error
    return document


class Rows:
    """One document table. Without state: safe between threads, and always up to date."""

    def __init__(self, store: Store, name: str, spec: TableSpec | None) -> None:
        self.name = name
        self.spec = spec
        self.keys = spec.key if spec else ()
        self._indexes = spec.indexes if spec else ()
        columns = {column.name: column for column in spec.columns} if spec else {}
        self._key_columns = tuple(columns.get(key, ColumnSpec(key)) for key in self.keys)
        self._store = store
        self._engine = store.engine

    @property
    def sql(self) -> str:
        """The SQL table, made where missing."""
        return self._store.place(self.name, self.spec)

    # --- reading

    def count(self) -> int:
        return int(self._engine.query(f"SELECT count(*) FROM {self.sql}")[0][0])

    def last_id(self) -> int:
        return int(self._engine.query(f"SELECT coalesce(max(doc_id), 0) FROM {self.sql}")[0][0])

    def select(self, condition: Condition | None = None, limit: int | None = None) -> Generator[Row]:
        """Rows by rising id, of one moment in time. Read it to its end or close it before the next statement."""
        where, params = condition or ("1=1", [])
        sql = f"SELECT doc_id, rev, body FROM {self.sql} WHERE {where} ORDER BY doc_id"
        if limit is not None:
            sql, params = f"{sql} LIMIT ?", [*params, limit]
        with closing(self._engine.stream(sql, params)) as found:
            for doc_id, rev, body in found:
                yield Row(load(body, self.name), doc_id, rev)

    def matching(self, cond: Callable[[Json], bool], after_id: int | None = None) -> Generator[Row]:
        """Rows that match: SQL narrows them down where it can, TinyDB's predicate decides."""
        condition = compile_query(cond, self._engine, self.keys, self._indexes)
        if after_id is not None:
            sql, params = condition or ("1=1", [])
            condition = (f"doc_id>? AND ({sql})", [after_id, *params])
        with closing(self.select(condition)) as rows:
            for row in rows:
                if cond(row):
                    yield row

    def one(self, doc_id: int) -> Row | None:
        """The row with this id."""
        found = self._engine.query(f"SELECT rev, body FROM {self.sql} WHERE doc_id=?", (doc_id,))
        return Row(load(found[0][1], self.name), doc_id, found[0][0]) if found else None

    def by_id(self, doc_ids: Iterable[int]) -> list[Row]:
        """Those that exist, by rising id."""
        wanted = sorted(set(doc_ids))
        found: list[Row] = []
        for start in range(0, len(wanted), self._engine.max_params):
            part = wanted[start : start + self._engine.max_params]
            found += self.select((f"doc_id IN ({', '.join('?' * len(part))})", part))
        return found

    def find(self, values: Sequence[Any]) -> Row | None:
        """The row with these values in its key columns."""
        known = [
            part
            for name, value in zip(self.keys, values, strict=True)
            if (part := equals(self._engine, name, (None if value == "" else value,), key=True))
        ]
        condition = (" AND ".join(sql for sql, _ in known), [param for _, params in known for param in params])
        wanted = tuple(format_cell(column, value) for column, value in zip(self._key_columns, values, strict=True))
        with closing(self.select(condition if known else None)) as rows:
            return next((row for row in rows if self.key_of(row) == wanted), None)

    # --- keys

    def key_of(self, row: Json) -> Key:
        """The row's key as text; a blank for null or absent."""
        return tuple(format_cell(column, row.get(column.name)) for column in self._key_columns)

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

    # --- writing; the caller holds a transaction, except for `insert`

    def insert(self, document: Json) -> int:
        """The id of the new row."""
        sql, body = self.sql, dump(document)
        with self.explained([document]), self._store.atomic():
            return self._engine.insert(f"INSERT INTO {sql}(body) VALUES(?)", (body,))

    def insert_all(self, documents: Iterable[Json]) -> list[int]:
        """The ids of the new rows, in order; all or none. A Document keeps its id."""
        sql = self.sql
        rows: list[tuple[int, str]] = []
        read: list[Json] = []
        with self.explained(read), self._store.atomic():
            following = self._engine.next_id(sql)
            for document in documents:
                if not isinstance(document, Mapping):
                    raise ValueError("Document is not a Mapping")
                doc_id = document.doc_id if isinstance(document, Document) else following
                following = max(following, doc_id + 1)
                rows.append((doc_id, dump(document)))
                read.append(document)
            self._engine.executemany(f"INSERT INTO {sql}(doc_id, body) VALUES(?, ?)", rows)
        return [doc_id for doc_id, _ in rows]

    def set(self, changes: Iterable[tuple[int, str]]) -> None:
        """New bodies by id."""
        sql = f"UPDATE {self.sql} SET body=?, rev=rev+1 WHERE doc_id=?"
        self._engine.executemany(sql, ((body, doc_id) for doc_id, body in changes))

    def set_if(self, doc_id: int, rev: int, body: str) -> bool:
        sql = f"UPDATE {self.sql} SET body=?, rev=rev+1 WHERE doc_id=? AND rev=?"
        return self._engine.execute(sql, (body, doc_id, rev)) == 1

    def put(self, row: Json) -> tuple[int, bool]:
        """Adds the row, or sets its columns in the row with the same key: its id, and whether anything changed."""
        found = self.find(tuple(row.get(name) for name in self.keys))
        if found is None:
            return self.insert(row), True
        before = dump(found)
        found.update(row)
        changed = (body := dump(found)) != before
        if changed:
            self.set([(found.doc_id, body)])
        return found.doc_id, changed

    def delete(self, doc_ids: Iterable[int]) -> None:
        self._engine.executemany(f"DELETE FROM {self.sql} WHERE doc_id=?", ((doc_id,) for doc_id in doc_ids))

    def delete_all(self) -> None:
        self._store.execute(f"DELETE FROM {self.sql}")

    # --- errors

    @contextmanager
    def explained(self, documents: Sequence[Json]) -> Iterator[None]:
        """Around the transaction, so that the questions asked here find it rolled back."""
        try:
            yield
        except DuplicateKey as error:
            if error.constraint.endswith("__key"):
                raise DuplicateKey(self._key_taken(documents), constraint=error.constraint) from error
            raise self._id_taken(documents) from error

    def _id_taken(self, documents: Sequence[Json]) -> ValueError:
        ids = [document.doc_id for document in documents if isinstance(document, Document)]
        taken = [row.doc_id for row in self.by_id(ids)] + [doc_id for doc_id in ids if ids.count(doc_id) > 1]
        return ValueError(f"Document with ID {taken[0] if taken else '?'} already exists")

    def _key_taken(self, documents: Sequence[Json]) -> str:
        seen: set[Key] = set()
        key: Key = ()
        for document in documents:
            key = self.key_of(document)
            found = self.find(tuple(document.get(name) for name in self.keys))
            if key in seen or (found is not None and found.doc_id != getattr(document, "doc_id", None)):
                break
            seen.add(key)
        words = ", ".join(f"{name} {part!r}" for name, part in zip(self.keys, key, strict=False))
        return f"Table {self.spec.title if self.spec else self.name} already has a row with {words}"
