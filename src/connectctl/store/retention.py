"""What the store forgets, a little after each run: old run records, and facts that no run has asked for lately.

Never the ledger and its log: they are the memory that nothing is sent twice, and prove why each badge exists.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from connectctl.errors import StoreError

if TYPE_CHECKING:
    from connectctl.store.store import Store

log = logging.getLogger(__name__)

BATCH = 1000  # rows per transaction
BATCHES = 20  # transactions per call
PAGES = 2000  # given back to the disk per call, some 8 MB
UNUSED = timedelta(days=90)
FINISHED = "finished"  # cache: by flow, the first run that read everything with success (CR-04)
LASTING = ("accounts", FINISHED)  # caches whose facts are promises, such as which account the store belongs to

# A run goes when it ended before the day, is not its flow's newest, and the ledger has nothing of it that `run retry`
# or the next run may still ask for.
OLD_RUNS = """
SELECT id FROM runs WHERE status <> 'running' AND coalesce(finished_at, started_at) < ?
AND EXISTS (SELECT 1 FROM runs AS later WHERE later.flow = runs.flow AND later.dry_run = 0 AND later.id > runs.id)
AND NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.run = runs.id AND state IN ('intended','sent','unsure','failed'))
ORDER BY started_at, id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows went."""

    runs: int = 0
    items: int = 0
    facts: int = 0


def tidy(store: Store, keep_runs: timedelta | None, now: datetime) -> None:
    """`forget` at the end of a run that has done its work: what goes wrong here is noted in the log and not raised."""
    try:
        gone = forget(store, keep_runs, now)
    except StoreError as error:
        log.warning("Old records could not be removed: %s", error.message)
        return
    if gone != Forgotten():
        log.info("Removed %s old runs with %s items, and %s unused facts", gone.runs, gone.items, gone.facts)


def forget(store: Store, keep_runs: timedelta | None, now: datetime) -> Forgotten:
    """Removes what is older than it needs to be kept, at most some 20,000 rows per call; None keeps all runs.

    Each transaction is short, so that others get their turn. Safe to repeat, and to be killed in.
    """
    left = BATCHES
    runs = items = facts = 0
    if keep_runs is not None:
        for (run,) in store.query(OLD_RUNS, (_text(now - keep_runs), BATCH)):
            while left and (gone := _items(store, run)):
                items += gone
                left -= 1
                if gone < BATCH:
                    break
            if not left:
                break
            left -= 1
            with store.transaction():
                items += _items(store, run)
                runs += store.execute("DELETE FROM runs WHERE id = ?", (run,))
    while left:
        left -= 1
        gone = _facts(store, _text(now - UNUSED))
        facts += gone
        if gone < BATCH:
            break
    if runs or items or facts:
        with store.transaction():
            store.engine.shrink(PAGES)
    return Forgotten(runs, items, facts)


def _items(store: Store, run: str) -> int:
    return store.execute(
        "DELETE FROM run_items WHERE id IN (SELECT id FROM run_items WHERE run = ? ORDER BY id LIMIT ?)", (run, BATCH)
    )


def _facts(store: Store, before: str) -> int:
    found = store.query(
        f"SELECT name, key FROM cache WHERE updated_at < ? AND name NOT IN ({', '.join('?' * len(LASTING))}) LIMIT ?",  # noqa: S608
        (before, *LASTING, BATCH),
    )
    if found:
        store.executemany("DELETE FROM cache WHERE name = ? AND key = ? AND updated_at < ?",
                          [(*fact, before) for fact in found])  # fmt: skip
    return len(found)


def _text(moment: datetime) -> str:
    """As the tables hold it: RFC 3339 in UTC, so that texts sort as times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
