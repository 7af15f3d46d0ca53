"""A pytest plugin that runs TinyDB's own tests on our store: it stands in for the `conftest.py` they come with.

`test_tinydb_suite.py` starts pytest with it in a process of its own. Results go to the file named by SUITE_RESULTS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import MemoryStorage
from tinydb.table import Table

from connectctl.api import ColumnSpec, TableSpec
from connectctl.store import open_store
from connectctl.store.store import Store

results: dict[str, str] = {}


class StoreDB(TinyDB):
    """A TinyDB whose tables are ours, with indexes or without."""

    def __init__(self, store: Store, indexed: bool) -> None:
        super().__init__(storage=MemoryStorage)
        self._store = store
        self._indexed = indexed
        self._persisted: set[str] = set()

    def table(self, name: str, cache_size: int = 10, persist_empty: bool = False) -> Table:  # type: ignore[override]
        if persist_empty:
            self._persisted.add(name)
        if name not in self._tables:
            columns = (ColumnSpec("int"), ColumnSpec("char"))
            spec = TableSpec(name, name, columns, key=(), indexes=("int", "char", "value"))
            self._tables[name] = self._store.table(spec) if self._indexed else self._store.documents(name)
        return self._tables[name]

    def tables(self) -> set[str]:
        return self._persisted | {name for name, table in self._tables.items() if len(table)}

    def drop_tables(self) -> None:
        for table in self._tables.values():
            table.truncate()
        self._store.execute("DELETE FROM sqlite_sequence")  # a dropped table begins anew
        self._persisted.clear()


@pytest.fixture(params=["documents", "indexed"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with open_store("sqlite:///store.db", tmp_path) as store:
        database = StoreDB(store, indexed=request.param == "indexed")
        database.insert_multiple({"int": 1, "char": char} for char in "abc")
        yield database


@pytest.fixture
def storage() -> Any:
    return CachingMiddleware(MemoryStorage)()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = report.nodeid.rpartition("/")[2]
    if report.when == "call" or report.outcome != "passed":
        results[name] = report.outcome


def pytest_sessionfinish() -> None:
    Path(os.environ["SUITE_RESULTS"]).write_text(json.dumps(results), encoding="utf-8")
