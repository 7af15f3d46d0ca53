"""kill -9 at any moment: the store opens, is sound, and holds every row that was acknowledged."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from connectctl.store import open_store, schema

WRITE = """
store = opened()
single, left, right = (store.documents(name) for name in ("single", "left", "right"))
first = len(single)
for number in range(first, 1_000_000):
    single.insert({"n": number, "text": "x" * (number % 7 * 400)})
    with store.transaction():
        left.insert_multiple({"n": number, "part": part} for part in range(5))
        right.insert({"n": number})
    single.update({"seen": True}, doc_ids=[number])
    print(number, flush=True)
"""
ROUNDS = 20


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, script: Any) -> None:
    dice = random.Random(7)
    acknowledged: set[int] = set()
    for _ in range(ROUNDS):
        process = script(WRITE)
        for _ in range(dice.randrange(1, 60)):
            acknowledged.add(int(process.stdout.readline()))
        # Up to some ten milliseconds further: into any of the statements of the next writes.
        for _ in range(dice.randrange(600_000)):
            pass
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert errors == ""
        acknowledged.update(int(line) for line in rest.split("\n")[:-1])
        with open_store("sqlite:///store.db", tmp_path) as store:
            assert store.check() == []
            single = [row["n"] for row in store.documents("single")]
            right = [row["n"] for row in store.documents("right")]
            left = [(row["n"], row["part"]) for row in store.documents("left")]
            # Every acknowledged row is there; of the write that was cut off, both tables of its transaction or none.
            assert single == list(range(len(single)))
            assert acknowledged <= set(right) <= set(single)
            assert left == [(number, part) for number in right for part in range(5)]
    assert len(acknowledged) > ROUNDS


MADE = """
from connectctl.store import schema
from connectctl.api import ColumnSpec, TableSpec
later = "CREATE TABLE later(x {serial});\\nCREATE INDEX y ON later(x);\\nINSERT INTO later(x) VALUES(7)"
schema.STEPS = (*schema.STEPS, later)
print("ready", flush=True)
store = opened()
print("made", flush=True)
rows = store.documents("rows")
first = len(rows)
rows.insert_multiple({"n": first + n} for n in range(300))
print("filled", flush=True)
columns = (ColumnSpec("n", "integer"),)
for number in range(40):  # the indexes of a table follow its declaration, back and forth
    spec = TableSpec("rows", "rows", columns, ("n",) if number % 2 else (), indexes=("n",))
    store.table(spec).update({"k": number}, doc_ids=[1])
print("indexed", flush=True)
"""


def test_kill_9_while_tables_and_indexes_are_made(tmp_path: Path, script: Any) -> None:
    """A new store, a migration, an index: afterwards each is whole or was never begun, and the next call goes on."""
    dice = random.Random(11)
    reached = set()
    for number in range(20):
        if number % 4 == 0:
            for path in tmp_path.glob("store.db*"):
                path.unlink()
        process = script(MADE)
        lines = [process.stdout.readline() for _ in range(dice.randrange(1, 4))]
        for _ in range(dice.randrange(600_000)):
            pass
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert errors == ""
        said = "".join(lines) + rest
        reached.add(said.split()[-1])
        later = "CREATE TABLE later(x {serial});\nCREATE INDEX y ON later(x);\nINSERT INTO later(x) VALUES(7)"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schema, "STEPS", (*schema.STEPS, later))
            with open_store("sqlite:///store.db", tmp_path) as store:
                assert store.check() == []
                assert store.query("SELECT x FROM later") == [(7,)]
                count = len(store.documents("rows"))
                assert count % 300 == 0
                assert count or "filled" not in said
    assert len(reached) > 1, reached


CREATE = """
import connectctl.store.sqlite, connectctl.store.store, connectctl.store.table  # so that all begin together
print("ready", flush=True)
sys.stdin.readline()
store = opened()
store.documents("both").insert({"by": os.getpid()})
print(store.store_id, store.meta_get("schema_version"))
"""


@pytest.mark.parametrize("attempt", range(5))
def test_two_processes_may_make_the_store_at_once(attempt: int, tmp_path: Path, script: Any, finished: Any) -> None:
    processes = [script(CREATE) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({finished(process) for process in processes}) == 1
    with open_store("sqlite:///store.db", tmp_path) as store:
        assert len(store.documents("both")) == 3
        assert store.check() == []


FULL = """
import resource
from connectctl.errors import StoreError
store = opened()
rows = store.documents("rows")
kept = rows.insert_multiple({"n": number} for number in range(10))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    while True:
        with store.transaction():
            new = rows.insert_multiple({"text": "x" * 2000} for _ in range(5))
        kept += new
except StoreError as error:
    print(type(error).__name__, error.message, error.hint)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert [row.doc_id for row in rows] == kept, (len(rows), len(kept))
rows.insert({"n": "and on it goes"})
assert store.check() == []
"""


def test_a_full_disk_is_named_and_costs_nothing_that_was_acknowledged(
    tmp_path: Path, script: Any, finished: Any
) -> None:
    said = finished(script(FULL))
    assert said.startswith("StoreError ")
    assert str(tmp_path / "store.db") in said
    assert "df -h" in said
