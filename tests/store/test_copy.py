"""`store copy`: every row as it was, proven, or a target that nobody can mistake for a store."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectctl.api import TableSpec
from connectctl.errors import ConfigError, StoreCorrupt, StoreError, UsageError
from connectctl.store import copy as copying
from connectctl.store import open_store, schema
from connectctl.store.copy import copy
from connectctl.store.store import Store

URL = "sqlite:///store.db"
COPY = "sqlite:///copy.db"


def content(folder: Path, name: str) -> dict[str, Any]:
    """Every row of every table with its SQL, counters and all."""
    with closing(sqlite3.connect(folder / name)) as connection:
        made = connection.execute("SELECT name, type, sql FROM sqlite_master ORDER BY name").fetchall()
        tables = [table for table, kind, _ in made if kind == "table"]
        return {"made": made} | {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)  # noqa: S608
            for table in tables
        }


@pytest.fixture
def filled(store: Store, spec: TableSpec) -> Store:
    rows = store.table(spec)
    rows.insert_multiple({"Course": f"c{n}", "Count": n, "Since": "2026-01-01"} for n in range(3000))
    rows.update({"Active": True}, doc_ids=[1, 2, 3])
    rows.remove(doc_ids=list(range(2000, 3001)))  # the counter stands at 3000
    odd = store.documents("Odd \u00e9 name")
    odd.insert({"half": "\ud83d", "big": 2**60, "f": 0.1, "n": None})
    empty = store.documents("empty")
    empty.insert({})
    empty.truncate()
    store.meta_set("other", "thing")
    store.executemany("INSERT INTO run_items(run, data) VALUES(?, '{}')", [(str(n),) for n in range(2500)])
    store.execute("DELETE FROM run_items WHERE id > 2000")
    return store


def test_a_copy_is_the_same_to_the_last_counter(filled: Store, tmp_path: Path, spec: TableSpec) -> None:
    before = content(tmp_path, "store.db")
    heard: list[int] = []
    copied = copy(filled, COPY, tmp_path, heard.append)
    assert content(tmp_path, "store.db") == before == content(tmp_path, "copy.db")
    assert sum(heard) == sum(table.rows for table in copied) == sum(rows for _, rows in copying.counts(filled))
    with open_store(COPY, tmp_path) as other:
        assert other.store_id == filled.store_id
        assert other.check() == []
        assert other.table(spec).insert({"Course": "next"}) == filled.table(spec).insert({"Course": "next"}) == 3001
        assert other.documents("empty").insert({}) == 2
        row = other.table(spec).get(doc_id=1)
        assert row.rev == filled.table(spec).get(doc_id=1).rev == 2


def test_it_is_of_one_moment_though_others_write(filled: Store, tmp_path: Path) -> None:
    expected = content(tmp_path, "store.db")

    def write(_rows: int) -> None:
        with open_store(URL, tmp_path) as other, other.transaction():
            other.documents("empty").insert({})
            other.meta_set("other", "changed")

    copy(filled, COPY, tmp_path, write)
    assert content(tmp_path, "copy.db") == expected


def taken(path: Path) -> None:
    open_store(COPY, path.parent).close()


@pytest.mark.parametrize("spoil", [taken, lambda path: path.write_text("a shopping list")])
def test_a_target_that_holds_something_is_refused(spoil: Any, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"something at .*copy\.db already"):
        copy(store, COPY, tmp_path)
    assert path.read_bytes() == before


def test_the_store_itself_and_other_engines_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="something at"):
        copy(store, URL, tmp_path)
    with pytest.raises(ConfigError, match="PostgreSQL"):
        copy(store, "postgresql://user:secret@host/db", tmp_path)


def unfinished(tmp_path: Path) -> None:
    """The target is refused by whoever opens it, by a second copy and by a check, each naming the way out."""
    hint = "rm -f " + " ".join(f"{tmp_path / 'copy.db'}{end}" for end in ("", "-wal", "-shm", "-gate"))
    with pytest.raises(StoreError, match="half a copy") as refused:
        open_store(COPY, tmp_path)
    assert hint in refused.value.hint
    with open_store(URL, tmp_path) as store:
        with pytest.raises(StoreError, match="half a copy") as refused:
            copy(store, COPY, tmp_path)
        assert hint in refused.value.hint
        assert store.check() == []


def test_a_copy_that_fails_half_way_is_known_as_such(filled: Store, tmp_path: Path) -> None:
    before = content(tmp_path, "store.db")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def stop(_rows: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limit[1]))

    try:
        with pytest.raises(StoreError, match=r"copy\.db"):
            copy(filled, COPY, tmp_path, stop)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert content(tmp_path, "store.db") == before
    unfinished(tmp_path)


@pytest.mark.parametrize("table", ["meta", "runs", "ledger_log", "_tables", "d_left"])
def test_a_difference_is_seen(table: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that loses or turns a row is met by the comparison."""
    store.documents("left").insert({"n": 1})
    store.execute("INSERT INTO runs(id, title) VALUES('r', 't')")
    store.execute("INSERT INTO ledger_log(key) VALUES('k')")
    read = copying._rows

    @contextmanager
    def turned(engine: Any, wanted: Any) -> Any:
        lost = engine is not store.engine and wanted.name == table
        with read(engine, wanted) as rows:
            yield ((*row[:-1], "turned") if lost else row for row in rows)

    monkeypatch.setattr(copying, "_rows", turned)
    with pytest.raises(StoreError, match=f"differs from its source: the rows of {table} are not the same"):
        copy(store, COPY, tmp_path)
    unfinished(tmp_path)


def test_rows_that_ought_to_be_unique_are_named(store: Store, tmp_path: Path) -> None:
    store.execute("DROP INDEX ledger_live")
    store.executemany(
        "INSERT INTO ledger (key, holding, flow, run, action, state, live, data, created_at, updated_at)"
        " VALUES (?, 'h', 'f', 'r', 'issue', 'done', 1, '{}', '', '')",
        [("a",), ("b",)],
    )
    with pytest.raises(StoreCorrupt, match="rows twice") as refused:
        copy(store, COPY, tmp_path)
    assert refused.value.hint == "connectctl store check"


BOTH = """
from connectctl.errors import ConnectctlError
from connectctl.store.copy import copy
import connectctl.store.store, connectctl.store.sqlite
store = opened()
print("ready", flush=True)
sys.stdin.readline()
try:
    copy(store, "sqlite:///copy.db", store.path.parent)
    print("done")
except ConnectctlError as error:
    print(type(error).__name__)
"""


def test_of_two_copies_to_one_place_one_wins(store: Store, tmp_path: Path, script: Any, finished: Any) -> None:
    store.documents("rows").insert_multiple({"n": n} for n in range(500))
    processes = [script(BOTH) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [finished(process) for process in processes]
    assert said.count("done") == 1, said
    assert set(said) <= {"done", "UsageError", "CopyUnfinished"}
    assert content(tmp_path, "copy.db") == content(tmp_path, "store.db")


KILLED = """
from connectctl.store.copy import copy
from connectctl.store.export import export
store = opened()
print("ready", flush=True)
copy(store, "sqlite:///copy.db", store.path.parent, lambda rows: print("rows", flush=True))
export(store, store.path.with_name("out"), {}, lambda name: print("file", flush=True))
print("done", flush=True)
"""


def test_kill_9_leaves_half_a_copy_or_a_whole_one(filled: Store, tmp_path: Path, script: Any) -> None:
    before = content(tmp_path, "store.db")
    dice = random.Random(7)
    seen = set()
    for _ in range(20):
        process = script(KILLED)
        for _ in range(dice.randrange(1, 24)):
            process.stdout.readline()
        for _ in range(dice.randrange(100_000)):
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert content(tmp_path, "store.db") == before
        target, out = tmp_path / "copy.db", tmp_path / "out"
        if out.exists():  # the last step of an export is its name
            assert json.loads((out / "manifest.json").read_text())["store_id"] == filled.store_id
            seen.add("export")
        try:
            with open_store(COPY, tmp_path) as other:
                whole = other.meta_get("store_id") == filled.store_id
                # Killed before its first table it is like a file that was never there.
                assert whole or not other.query("SELECT 1 FROM runs UNION SELECT 1 FROM run_items")
            assert not whole or content(tmp_path, "copy.db") == before
            seen.add("whole" if whole else "none")
        except schema.CopyUnfinished:
            seen.add("half")
        for path in (target, *tmp_path.glob("copy.db-*")):
            path.unlink(missing_ok=True)
        for path in (out, *tmp_path.glob(".out.*")):
            shutil.rmtree(path, ignore_errors=True)
    assert {"half", "whole"} <= seen
