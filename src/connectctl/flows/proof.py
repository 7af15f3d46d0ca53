"""Proof that the ledger is whole: a digest per run, and one live credential per holding (architecture 5)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.flows.clock import rfc3339
from connectctl.flows.entries import HELD, PENDING, keeps

if TYPE_CHECKING:
    from connectctl.store.store import Store


def seal(store: Store, run: str, now: datetime) -> str:
    """Closes a run: a digest over all log lines since the last seal and over that seal. Returns the digest."""
    with store.transaction():
        previous = _one(store, "SELECT last_seq, digest FROM ledger_seals ORDER BY last_seq DESC, at DESC LIMIT 1")
        first = (previous[0] if previous else 0) + 1
        last = _one(store, "SELECT COALESCE(MAX(seq), 0) FROM ledger_log")
        last_seq = last[0] if last else 0
        if last_seq < first:
            return previous[1] if previous else ""
        before = previous[1] if previous else ""
        digest = _digest(store, before, first, last_seq)
        store.execute(
            "INSERT INTO ledger_seals (run, first_seq, last_seq, digest, previous, at) VALUES (?,?,?,?,?,?)",
            (run, first, last_seq, digest, before, rfc3339(now)),
        )
        return digest


def _digest(store: Store, previous: str, first: int, last: int) -> str:
    digest = hashlib.sha256(previous.encode())
    while first <= last:
        rows = store.query(
            "SELECT seq, key, run, at, state, detail FROM ledger_log WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, min(last, first + 4999)),
        )
        for row in rows:
            digest.update(json.dumps(list(row), ensure_ascii=False).encode())
        first += 5000
    return digest.hexdigest()


def verify(store: Store) -> list[str]:
    """Every broken promise in words; empty when the digests are unbroken and no holding is live twice."""
    double = "SELECT holding, COUNT(*) FROM ledger WHERE live = 1 GROUP BY 1 HAVING COUNT(*) > 1"
    found = [f"{count} live entries for the holding {holding}" for holding, count in store.query(double)]
    return found + broken(store)


def broken(store: Store) -> list[str]:
    """The part of `verify` that the database cannot guard by itself: digests, and entries against their log."""
    findings: list[str] = []
    previous, reached = "", 0
    for run, first, last, digest, before in store.query(
        "SELECT run, first_seq, last_seq, digest, previous FROM ledger_seals ORDER BY last_seq"
    ):
        if before != previous or first != reached + 1:
            findings.append(f"the seal of run {run} does not follow the one before it")
        if _digest(store, before, first, last) != digest:
            findings.append(f"log lines {first} to {last} differ from the digest that run {run} left")
        previous, reached = digest, last
    return findings + _against_log(store)


def _against_log(store: Store) -> list[str]:
    """Entries that say something else than their log, and log lines whose entry is gone.

    What became of an entry's own change is one thing; whether a later one has followed it (ended, restored) another.
    """
    findings = []
    for key, state, live, action, version, told, logged, detail, passed in store.query(
        "SELECT l.key, l.state, l.live, l.action, l.version, COALESCE(l.error, l.remote_id, ''), g.state, g.detail,"
        " (SELECT p.state FROM ledger_log p WHERE p.key = l.key ORDER BY p.seq DESC LIMIT 1)"
        " FROM ledger l LEFT JOIN ledger_log g ON g.seq = (SELECT MAX(seq) FROM ledger_log"
        " WHERE ledger_log.key = l.key AND ledger_log.state NOT IN ('ended', 'restored'))"
    ):
        how = "live" if live else "not live"
        if (logged or "nothing") != state and not (logged == "released" and state == "intended"):
            findings.append(f"the entry {key} says {state}, its log says {logged or 'nothing'}")
        elif state in HELD and detail and detail != told:
            findings.append(f"the entry {key} says {told or 'nothing'}, its log says {detail}")
        elif passed == "ended":
            if live or state not in HELD:
                findings.append(f"the entry {key} is {state} and {how}, its log says ended")
        elif state != "intended" and bool(live) != (state in PENDING or keeps(state, action, version)):
            findings.append(f"the entry {key} is {state} and yet {how}")
    gone = store.query("SELECT DISTINCT key FROM ledger_log WHERE key NOT IN (SELECT key FROM ledger)")
    return findings + [f"the entry {key} is gone, its log is there" for (key,) in gone]


def _one(store: Store, sql: str) -> tuple[Any, ...] | None:
    rows = store.query(sql)
    return rows[0] if rows else None
