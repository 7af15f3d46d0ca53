# ruff: noqa: PT012 -- what fails here is the block as a whole
"""Transactions: all or nothing, one after the other, between threads, processes and forks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tinydb import where

from connectctl.errors import StoreError
from connectctl.store import open_store
from connectctl.store.engine import DuplicateKey
from connectctl.store.sqlite import SqliteEngine
from connectctl.store.store import Store

LEDGER = (
    "INSERT INTO ledger(key, holding, flow, run, action, state, live, data, created_at, updated_at) "
    "VALUES(?, ?, 'f', 'r', 'issue', 'done', ?, '{}', '', '')"
)


def test_an_exception_rolls_everything_back(store: Store) -> None:
    rows = store.documents("rows")
    with pytest.raises(ZeroDivisionError), store.transaction():
        rows.insert({"n": 1})
        store.meta_set("mark", "x")
        store.execute(LEDGER, ("k", "h", 1))
        raise ZeroDivisionError
    assert (len(rows), store.meta_get("mark"), store.query("SELECT * FROM ledger")) == (0, None, [])


def test_an_inner_transaction_is_part_of_the_outer(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        with store.transaction():
            store.meta_set("inner", "x")
        raise ZeroDivisionError
    assert store.meta_get("inner") is None


def test_an_inner_failure_takes_the_outer_with_it_even_when_it_is_caught(store: Store) -> None:
    with pytest.raises(StoreError, match="Nothing was saved"), store.transaction():
        store.meta_set("outer", "x")
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.meta_set("inner", "x")
            raise ZeroDivisionError
    assert (store.meta_get("outer"), store.meta_get("inner")) == (None, None)
    with store.transaction():
        store.meta_set("next", "works")
    assert store.meta_get("next") == "works"


def test_an_atomic_part_may_fail_alone(store: Store) -> None:
    with store.transaction():
        store.meta_set("outer", "x")
        with pytest.raises(ZeroDivisionError), store.atomic():
            store.meta_set("part", "x")
            with pytest.raises(KeyError), store.atomic():
                store.meta_set("inner", "x")
                raise KeyError
            assert (store.meta_get("part"), store.meta_get("inner")) == ("x", None)
            raise ZeroDivisionError
    assert (store.meta_get("outer"), store.meta_get("part")) == ("x", None)


def test_an_atomic_part_may_fail_alone_whatever_failed_inside(store: Store) -> None:
    with store.transaction():
        store.meta_set("outer", "x")
        with pytest.raises(ZeroDivisionError), store.atomic():
            store.meta_set("part", "x")
            with store.transaction():  # as a function does that is also called on its own
                raise ZeroDivisionError
    assert (store.meta_get("outer"), store.meta_get("part")) == ("x", None)


def test_an_atomic_part_does_not_hide_an_earlier_failure(store: Store) -> None:
    with pytest.raises(StoreError, match="Nothing was saved"), store.transaction():
        with pytest.raises(KeyError), store.transaction():
            raise KeyError
        with pytest.raises(ZeroDivisionError), store.atomic():
            raise ZeroDivisionError


def test_a_holding_has_one_live_entry(store: Store) -> None:
    store.executemany(LEDGER, [("k1", "h", 1), ("k2", "h", 0), ("k3", "other", 1)])
    with pytest.raises(DuplicateKey) as refused:
        store.executemany(LEDGER, [("k4", "h", 0), ("k5", "h", 1)])
    assert refused.value.constraint == "ledger.holding"
    assert store.query("SELECT key FROM ledger ORDER BY key") == [("k1",), ("k2",), ("k3",)]


def test_check_finds_a_second_live_entry_and_missing_indexes(store: Store, spec: Any) -> None:
    store.table(spec).insert({"Course": "c1"})
    assert store.check() == []
    store.execute("DROP INDEX ledger_live")
    store.execute(f"DROP INDEX {store.place(spec.name, spec)}__key")
    store.executemany(LEDGER, [("k1", "h", 1), ("k2", "h", 1)])
    assert store.check() == [
        "ledger: holding h has 2 live entries instead of one",
        "ledger: the index that keeps live entries unique (ledger_live) is missing",
        "table badge-mappings: the index that keeps its key unique is missing",
    ]


def test_other_threads_see_nothing_before_the_commit_and_never_wait_to_read(store: Store) -> None:
    rows = store.documents("rows")
    rows.insert({"n": 1})
    with ThreadPoolExecutor(1) as pool, store.transaction():
        rows.update({"n": 2})
        assert rows.all() == [{"n": 2}]
        assert pool.submit(rows.all).result(timeout=5) == [{"n": 1}]


def test_threads_take_turns(store: Store) -> None:
    """A counter that is read and written in one transaction loses nothing; without the transaction it does."""
    counter = store.documents("counter")
    counter.insert({"n": 0})
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(25):
            with store.transaction():
                counter.update({"n": counter.get(doc_id=1)["n"] + 1})

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work) for _ in range(8)]:
            done.result()
    assert counter.get(doc_id=1) == {"n": 200}


COUNT = """
store = opened()
counter = store.documents("counter")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    with store.transaction():
        counter.update({"n": counter.get(doc_id=1)["n"] + 1})
    counter.insert({"by": os.getpid()})
"""


def test_eight_processes_lose_no_update(store: Store, script: Any, finished: Callable[[Any], str]) -> None:
    counter = store.documents("counter")
    counter.insert({"n": 0})
    processes = [script(COUNT) for _ in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        finished(process)
    assert counter.get(doc_id=1) == {"n": 400}
    assert {counter.count(where("by") == process.pid) for process in processes} == {50}


FORK = """
import threading
store = opened()
rows = store.documents("rows")
rows.insert({"by": "parent, before"})
idle, go, done = threading.Event(), threading.Event(), threading.Event()
def work():
    rows.all()
    idle.set()
    go.wait()
    rows.insert({"by": "parent, thread"})
other = threading.Thread(target=work)
other.start()
idle.wait()
ends = os.pipe()
child = os.fork()
if not child:
    assert len(rows) == 1
    with store.transaction():
        rows.insert({"by": "child"})
        os.write(ends[1], b"held")
        # The parent closes all its connections meanwhile: had the child no lock of its own, the log would be deleted.
        sys.stdin.readline()
    rows.insert({"by": "child, after"})
    store.close()
    os._exit(0)
assert os.read(ends[0], 4) == b"held"
store.close()
opened().close()
print("closed", flush=True)
assert os.waitpid(child, 0)[1] == 0
with opened() as store:
    rows = store.documents("rows")
    go.set()
    other.join()
    rows.insert({"by": "parent, after"})
    assert store.check() == []
    print(*sorted(row["by"] for row in rows), sep="; ")
"""


def test_a_forked_child_opens_its_own_connection(script: Any, finished: Callable[[Any], str]) -> None:
    process = script(FORK)
    assert process.stdout.readline() == "closed\n"
    assert finished(process) == "child; child, after; parent, after; parent, before; parent, thread"


FORK_IN_USE = """
import threading
from connectctl.errors import StoreError
store = opened()
rows = store.documents("rows")
holding, go = threading.Event(), threading.Event()
def hold():
    with store.transaction():
        rows.insert({"by": "thread"})
        holding.set()
        go.wait()
holder = threading.Thread(target=hold)
holder.start()
holding.wait()
child = os.fork()
if not child:
    for use in (rows.all, opened):
        try:
            use()
        except StoreError as error:
            assert "forked while" in error.message, error
        else:
            os._exit(1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go.set()
holder.join()
child = os.fork()
if not child:
    rows.insert({"by": "child"})
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(*(row["by"] for row in rows))
"""


def test_a_child_forked_in_the_middle_of_a_transaction_refuses_the_store(
    script: Any, finished: Callable[[Any], str]
) -> None:
    assert finished(script(FORK_IN_USE)) == "thread child"


FORK_INSIDE = """
store = opened()
child = None
try:
    with store.transaction():
        store.meta_set("kept", "new")
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
except Exception as error:
    os._exit(0 if not child and "forked" in str(error) else 1)
print(store.meta_get("kept"))
"""


def test_a_transaction_ends_in_the_process_that_began_it(script: Any, finished: Callable[[Any], str]) -> None:
    assert finished(script(FORK_INSIDE)) == "new"


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store("sqlite:///store.db", tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.meta_get("x")


def test_connections_end_with_their_threads(store: Store) -> None:
    assert isinstance(store.engine, SqliteEngine)
    before = len(store.engine._connections)
    for _ in range(20):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.meta_get, "x").result()
    assert len(store.engine._connections) == before
