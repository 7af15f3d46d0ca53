"""TinyDB's table on top of SQL: the same operations and answers, a statement instead of the whole file.

Differences from TinyDB's own table, all meant:

- Ids are never given out twice, and rows come in the order of their ids.
- There is no query cache: TinyDB's hands out shared dicts, mixes up regex flags and knows nothing of other processes.
- `q.age < 5` passes over a row whose age is a text or null, as SQL does; TinyDB raises TypeError. So do `>`, `<=`, `>=`
  with a text or number, in any query made of comparisons alone. A TypeError out of the caller's own function or lambda
  comes through, but such a function need not see the rows that the comparisons joined to it by `&` rule out.
- What JSON cannot hold is refused (NaN, bytes), as is nesting deeper than 500. A key that is no text becomes one.
- A spec's key columns are unique.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn, cast

from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document, Table

from connectctl.plugins.specs import TableSpec
from connectctl.store.body import Json, Row, dump
from connectctl.store.rows import Bodies, Key, Rows

if TYPE_CHECKING:
    from connectctl.store.store import Store

PAGE = 1000
Fields = Json | Callable[[MutableMapping[str, Any]], None]


class NoStorage(Storage):
    """Stands where TinyDB's table expects its storage."""

    def read(self) -> NoReturn:
        raise TypeError("the rows are in the store; read them through the table")

    def write(self, data: Any) -> NoReturn:
        raise TypeError("the rows are in the store; write them through the table")


class SqlTable(Table):
    """A table of the store. Every operation is atomic; several together in `store.transaction()`."""

    def __init__(self, store: Store, name: str, spec: TableSpec | None) -> None:
        super().__init__(NoStorage(), name, cache_size=0)
        self.spec = spec
        self._store = store
        self._rows = Rows(store, name, spec)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r}, total={len(self)}>"

    # --- TinyDB: reading

    def all(self) -> list[Document]:
        """All rows, of one moment in time."""
        return list(self._rows.select())

    def __iter__(self) -> Iterator[Document]:
        """Row by row in little memory. What is changed meanwhile comes as it is at its turn; what is added does not."""
        last, page = self._rows.last_id(), self.page(-(2**63), PAGE)
        while page and page[0].doc_id <= last:
            yield from (row for row in page if row.doc_id <= last)
            page = self.page(page[-1].doc_id, PAGE)

    def __len__(self) -> int:
        return self._rows.count()

    def search(self, cond: QueryLike) -> list[Document]:
        """All rows that match."""
        return cast("list[Document]", self._rows.search(cond))

    def count(self, cond: QueryLike) -> int:
        """How many rows match."""
        return sum(1 for _ in self._rows.matching(cond, order=""))

    def get(
        self, cond: QueryLike | None = None, doc_id: int | None = None, doc_ids: Iterable[int] | None = None
    ) -> Any:
        """The row (the first that matches) or None; with `doc_ids` the list of those that exist."""
        if doc_id is not None:
            return self._rows.one(doc_id)
        if doc_ids is not None:
            return self._rows.by_id(doc_ids)
        if cond is not None:
            with closing(self._rows.matching(cond)) as rows:
                return next(rows, None)
        raise RuntimeError("You have to pass either cond or doc_id or doc_ids")

    def clear_cache(self) -> None:
        """Nothing to clear."""

    # --- TinyDB: writing

    def insert(self, document: Json) -> int:
        """The id of the new row. DuplicateKey when the key is taken, ValueError when a Document's id is."""
        if isinstance(document, Mapping) and not isinstance(document, Document):
            return self._rows.insert(document)
        return self._rows.insert_all([document])[0]

    def insert_multiple(self, documents: Iterable[Json]) -> list[int]:
        """The ids of the new rows, in order; all are inserted or none."""
        return self._rows.insert_all(documents)

    def update(self, fields: Fields, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """The ids of the rows that were asked for and exist; `fields` are set, or a function changes the row."""
        last: list[Json] = []
        with self._rows.explained(last), self._store.atomic():
            bodies: Bodies = {}
            rows = self._wanted(cond, doc_ids, bodies)
            changed: dict[int, Row] = {}
            for row in rows:
                if callable(fields):
                    fields(row)
                else:
                    row.update(fields)
                if (body := dump(row)) != bodies[row.doc_id]:
                    bodies[row.doc_id], changed[row.doc_id] = body, row
            self._rows.set(list(changed.values()), bodies, last)
        return [row.doc_id for row in rows]

    def upsert(self, document: Json, cond: QueryLike | None = None) -> list[int]:
        """Updates what matches, or inserts; nobody can come in between."""
        with self._store.atomic():
            return super().upsert(document, cond)

    def remove(self, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """The ids of the rows removed."""
        if cond is None and doc_ids is None:
            raise RuntimeError("Use truncate() to remove all documents")
        with self._store.atomic():
            ids = [row.doc_id for row in self._wanted(cond, doc_ids)]
            self._rows.delete(ids)
        return ids

    def truncate(self) -> None:
        """Removes all rows. Ids go on from where they were."""
        self._rows.delete_all()

    # --- beyond TinyDB

    def page(self, after_id: int = 0, limit: int = 100, cond: QueryLike | None = None) -> list[Row]:
        """Up to `limit` rows with greater ids; begin the next page at the last row's `doc_id`."""
        if cond is None:
            return list(self._rows.select(("doc_id>?", [after_id]), limit=limit))
        with closing(self._rows.matching(cond, after_id)) as rows:
            return [row for _, row in zip(range(limit), rows, strict=False)]

    def get_row(self, key: Sequence[str]) -> Row | None:
        """The row with this key, as people write it: `("CREDLY", "ACTIVE")`; a blank stands for null."""
        return self._rows.find(self._rows.key_values(key))

    def put_row(self, key: Sequence[str], row: Json) -> int:
        """Sets these columns of the row with this key, or adds it; its id. An unchanged row keeps its revision."""
        values = dict(zip(self._rows.keys, self._rows.key_values(key), strict=True))
        return self._rows.put_all([{**row, **values}])[1]

    def upsert_many(self, rows: Iterable[Json]) -> int:
        """Adds or updates by key, all or none; how many rows were added or really changed. Safe to repeat. The rows may
        come from a generator: few are held at a time.
        """
        return self._rows.put_all(rows)[0]

    def delete_row(self, key: Sequence[str]) -> bool:
        """False when there is no such row."""
        values = self._rows.key_values(key)
        with self._store.atomic():
            row = self._rows.find(values)
            self._rows.delete([row.doc_id] if row else [])
        return row is not None

    def by_key(self) -> dict[Key, Row]:
        """All rows by key, each key a tuple of texts."""
        return {self._rows.key_of(row): row for row in self._rows.select()}

    def key_of(self, row: Json) -> Key:
        """A row's key as text; a blank for null or absent."""
        return self._rows.key_of(row)

    def update_if(self, doc_id: int, rev: int, row: Json) -> bool:
        """Replaces the row unless somebody has changed or removed it since revision `rev`."""
        with self._rows.explained([Row(row, doc_id)]), self._store.atomic():
            return self._rows.set_if(doc_id, rev, dump(row))

    # --- within

    def _wanted(self, cond: QueryLike | None, doc_ids: Iterable[int] | None, bodies: Bodies | None = None) -> list[Row]:
        if doc_ids is not None:
            wanted = list(doc_ids)
            found = {row.doc_id: row for row in self._rows.by_id(wanted, bodies)}
            return [found[doc_id] for doc_id in wanted if doc_id in found]
        if cond is not None:
            return self._rows.search(cond, bodies)
        return list(self._rows.select(bodies=bodies))

    # --- what TinyDB's remaining methods stand on (`update_multiple`, and those of releases to come)

    def _read_table(self) -> dict[str, Json]:
        return {str(row.doc_id): dict(row) for row in self._rows.select()}

    def _update_table(self, updater: Callable[[dict[int, Json]], None]) -> None:
        last: list[Json] = []
        with self._rows.explained(last), self._store.atomic():
            bodies: Bodies = {}
            table: dict[int, Json] = {row.doc_id: dict(row) for row in self._rows.select(bodies=bodies)}
            before = set(bodies)
            updater(table)
            changed = [Row(row, doc_id) for doc_id, row in table.items() if dump(row) != bodies.get(doc_id)]
            bodies |= {row.doc_id: dump(row) for row in changed}
            self._rows.delete(before - table.keys())
            self._rows.set([row for row in changed if row.doc_id in before], bodies, last)
            self._rows.insert_all(row for row in changed if row.doc_id not in before)
