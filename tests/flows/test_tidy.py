"""After a run a little of what is old is forgotten; a clock that was set back neither loses nor doubles anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.flows.conftest import Toy, issues

from connectctl.flows.clock import RunClock, rfc3339
from connectctl.flows.context import Cached
from connectctl.flows.proof import verify
from connectctl.store.store import Store

NOW = datetime.now(UTC)


def aged(store: Store, days: int) -> None:
    """Every run so far is that old."""
    then = rfc3339(NOW - timedelta(days=days))
    store.execute("UPDATE runs SET started_at=?, finished_at=?", (then, then))


def runs(store: Store) -> int:
    return int(store.query("SELECT count(*) FROM runs")[0][0])


@pytest.mark.parametrize(
    ("limits", "options", "left"),
    [
        ("", {}, 1),
        ("", {"dry_run": True}, 3),
        ('[store]\nkeep_runs = "forever"\n', {}, 3),
        ('[store]\nkeep_runs = "900d"\n', {}, 3),
    ],
)
def test_a_run_forgets_old_runs_and_never_the_ledger(toy: Toy, limits: str, options: Any, left: int) -> None:
    toy.limits = limits
    toy.parts = {"a": issues("ada")}
    assert toy.run().error is None
    assert toy.run().error is None
    aged(toy.store, 800)
    ledger = toy.store.query("SELECT * FROM ledger"), toy.store.query("SELECT * FROM ledger_log")
    assert toy.run(**options).error is None
    assert runs(toy.store) == left
    assert (toy.store.query("SELECT * FROM ledger"), toy.store.query("SELECT * FROM ledger_log")) == ledger
    assert verify(toy.store) == []


def test_a_run_that_ends_early_forgets_nothing(toy: Toy) -> None:
    toy.parts = {"a": issues("ada")}
    toy.run()
    aged(toy.store, 800)
    toy.parts = {"a": issues(*(f"u{number}" for number in range(3)))}
    assert toy.run(max_changes=1).error is not None
    assert runs(toy.store) == 2


def test_what_is_used_stays_fresh(toy: Toy) -> None:
    store = toy.store
    cache = Cached(store, "facts")
    cache["used"], cache["unused"] = 1, 2
    cache.flush(NOW - timedelta(days=80))
    again = Cached(store, "facts")
    assert again["used"] == 1
    again.flush(NOW)
    ages = dict(store.query("SELECT key, updated_at FROM cache"))
    assert ages == {"used": rfc3339(NOW), "unused": rfc3339(NOW - timedelta(days=80))}


def test_a_clock_that_was_set_back_doubles_nothing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.parts = {"a": issues("ada", "ben")}
    assert toy.run().error is None
    monkeypatch.setattr(RunClock, "now", lambda _clock: NOW - timedelta(days=1000))
    toy.parts = {"a": issues("ada", "ben", "cyd")}
    assert toy.run().error is None
    assert toy.sent == ["ada", "ben", "cyd"]
    assert runs(toy.store) == 2
    assert verify(toy.store) == []
