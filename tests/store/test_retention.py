"""What is forgotten, and above all what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.errors import StoreError
from connectctl.store import retention
from connectctl.store.retention import Forgotten, forget, tidy
from connectctl.store.store import Store

NOW = datetime(2026, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def day(age: int) -> str:
    return f"{NOW - timedelta(days=age):%Y-%m-%dT%H:%M:%S}.000Z"


def run(store: Store, age: int, flow: str = "f", status: str = "succeeded", items: int = 1, dry: int = 0) -> str:
    name = f"r_{9999 - age:04}{flow}"
    store.execute(
        "INSERT INTO runs (id, flow, status, dry_run, started_at, finished_at) VALUES (?,?,?,?,?,?)",
        (name, flow, status, dry, day(age), None if status == "running" else day(age)),
    )
    store.executemany("INSERT INTO run_items (run, data) VALUES (?, '{}')", [(name,)] * items)
    return name


def owes(store: Store, name: str, state: str) -> None:
    store.execute(
        "INSERT INTO ledger (key, holding, flow, run, action, state, live, data, created_at, updated_at)"
        " VALUES (?, ?, 'f', ?, 'issue', ?, 0, '{}', '', '')",
        (name, name, name, state),
    )


def left(store: Store) -> set[str]:
    runs = {row[0] for row in store.query("SELECT id FROM runs")}
    assert {row[0] for row in store.query("SELECT DISTINCT run FROM run_items")} == runs
    return runs


def test_old_runs_go_with_their_items(store: Store) -> None:
    kept = {run(store, 364), run(store, 1), run(store, 2, "other")}
    run(store, 366)
    run(store, 800, status="failed", items=3)
    assert forget(store, YEAR, NOW) == Forgotten(runs=2, items=4)
    assert left(store) == kept
    assert forget(store, YEAR, NOW) == Forgotten()


def test_what_somebody_may_still_need_stays(store: Store) -> None:
    run(store, 0)
    kept = {
        run(store, 800, status="running"),
        run(store, 700, "lone"),
        run(store, 700, "only-tried-since"),
        run(store, 600, "only-tried-since", dry=1),
        run(store, 0, "g"),
    }
    for number, state in enumerate(("intended", "sent", "unsure", "failed")):
        kept.add(run(store, 500 + number, "g"))
        owes(store, run(store, 900 + number), state)
        kept.add(f"r_{9999 - 900 - number:04}f")
    done = {run(store, 500 + number, "g2") for number in range(3)} | {run(store, 0, "g2")}
    for name in done:
        owes(store, name, "done")
    # Without a debt those of g go too, but for the newest.
    before = left(store)
    forget(store, YEAR, NOW)
    gone = before - left(store)
    assert gone == {f"r_{9999 - 500 - n:04}g" for n in range(4)} | {f"r_{9999 - 500 - n:04}g2" for n in range(3)}
    assert store.query("SELECT count(*) FROM ledger") == [(8,)]


def test_forever_keeps_all_runs(store: Store) -> None:
    names = {run(store, age) for age in (5000, 0)}
    assert forget(store, None, NOW) == Forgotten()
    assert left(store) == names


def test_the_work_of_one_call_is_bounded_and_its_transactions_are_short(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(retention, "BATCHES", 4)
    run(store, 0)
    run(store, 800, items=35)
    run(store, 700, items=35)
    longest = []
    execute = store.execute
    monkeypatch.setattr(store, "execute", lambda sql, params=(): longest.append(execute(sql, params)) or longest[-1])
    found = [forget(store, YEAR, NOW) for _ in range(4)]
    assert max(longest) <= 10
    assert all(one.items <= 40 for one in found)
    assert (sum(one.items for one in found), sum(one.runs for one in found)) == (70, 2)


def test_unused_facts_go_and_promises_stay(store: Store) -> None:
    rows = [("course-details/x", "1", 91), ("course-details/x", "2", 89), ("accounts", "credly", 900)]
    store.executemany(
        "INSERT INTO cache (name, key, value, updated_at) VALUES (?,?,'1',?)",
        [(name, key, day(age)) for name, key, age in rows],
    )
    assert forget(store, None, NOW) == Forgotten(facts=1)
    assert store.query("SELECT name, key FROM cache ORDER BY name") == [
        ("accounts", "credly"),
        ("course-details/x", "2"),
    ]


def test_the_room_goes_back_to_the_disk(store: Store) -> None:
    run(store, 0)
    run(store, 800)
    store.executemany("INSERT INTO run_items (run, data) VALUES (?, ?)", [(f"r_{9999 - 800:04}f", "x" * 3000)] * 500)
    before = store.query("PRAGMA page_count")[0][0]
    assert forget(store, YEAR, NOW).items == 501
    assert store.query("PRAGMA page_count")[0][0] < before - 300
    assert store.query("PRAGMA freelist_count") == [(0,)]
    assert store.check() == []


def test_a_failure_is_noted_and_not_raised(store: Store, monkeypatch: Any, caplog: pytest.LogCaptureFixture) -> None:
    def full(*_: Any) -> None:
        raise StoreError("The disk is full")

    monkeypatch.setattr(retention, "forget", full)
    tidy(store, YEAR, NOW)
    assert "The disk is full" in caplog.text
