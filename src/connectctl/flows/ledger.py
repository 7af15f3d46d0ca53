"""The ledger: every remote change ever intended or made, written before the request leaves (GN-21, architecture 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from connectctl.flows.clock import rfc3339
from connectctl.flows.entries import (
    APPLIED,
    COLUMNS,
    HELD,
    ORDER,
    PENDING,
    Entry,
    change_from_json,
    change_to_json,
    deciding,
    entry_of,
    essence,
    happened,
    keeps,
)
from connectctl.model import Applied, Change, Outcome

if TYPE_CHECKING:
    from connectctl.store.store import Store

LEASE = timedelta(minutes=10)  # only for owners on another host; here the run's lock tells life from death
HOUR = timedelta(hours=1)
CHUNK = 500  # question marks in one statement


class Ledger:
    """Atomic claims, fenced transitions, an append-only log and a digest per run.

    Every method may be repeated. Transitions are fenced by the owner: a run that lost its claim changes nothing.
    A change that `supersedes` a live entry ends it with the claim; once it is certain that the change did not happen,
    the old entry is live again, in the same transaction.
    """

    def __init__(self, store: Store, alive: Callable[[str], bool], now: Callable[[], datetime]) -> None:
        self._store = store
        self._alive = alive
        self._now = now

    # -- writing --------------------------------------------------------------------------------------------------

    def claim(self, run: str, flow: str, changes: Iterable[tuple[str, Change]]) -> set[str]:
        """Writes `intended` for each change whose holding is free; returns the keys that are now this run's."""
        claimed: set[str] = set()
        with self._store.transaction():
            now = self._now()
            for key, change in changes:
                row = self._one("SELECT state, run, lease_until, data FROM ledger WHERE key = ?", key)
                if row and row[0] == "failed":
                    if essence(change_from_json(json.loads(row[3]))) == essence(change):
                        continue  # refused once, it would be refused again
                elif row and (row[0] != "intended" or self._owned(run, row[1], row[2], now)):
                    continue
                taken = self._one("SELECT key, state FROM ledger WHERE holding = ? AND live = 1", change.holding)
                if taken and taken[0] != key:
                    if taken[0] != change.supersedes or taken[1] not in HELD:  # what is on its way is not handed over
                        continue
                    self._end(run, taken[0], key)
                data = json.dumps(change_to_json(change), ensure_ascii=False)
                lease, stamp = rfc3339(now + LEASE), rfc3339(now)
                if row:
                    self._store.execute(
                        "UPDATE ledger SET state = 'intended', run = ?, flow = ?, live = 1, data = ?, lease_until = ?,"
                        " updated_at = ? WHERE key = ?",
                        (run, flow, data, lease, stamp, key),
                    )
                else:
                    self._store.execute(
                        "INSERT INTO ledger (key, holding, flow, run, action, state, live, origin, version, data,"
                        " attempts, lease_until, created_at, updated_at) VALUES (?,?,?,?,?,'intended',1,?,?,?,0,?,?,?)",
                        (
                            *(key, change.holding, flow, run, change.action),
                            *(change.origin, change.version, data, lease, stamp, stamp),
                        ),
                    )
                self._log(key, run, "intended", "")
                claimed.add(key)
        return claimed

    def _end(self, run: str, key: str, successor: str) -> None:
        """Hands the holding of an entry over to the one that follows it."""
        self._store.execute("UPDATE ledger SET live = 0, updated_at = ? WHERE key = ?", (rfc3339(self._now()), key))
        self._log(key, run, "ended", _followed_by(successor))

    def _restore(self, run: str, holding: str, successor: str) -> None:
        """Gives the holding back to the entry that ended for a successor which came to nothing."""
        for (key,) in self._store.query("SELECT key FROM ledger WHERE holding = ? AND live = 0", (holding,)):
            last = self._one("SELECT state, detail FROM ledger_log WHERE key = ? ORDER BY seq DESC LIMIT 1", key)
            if last == ("ended", _followed_by(successor)):
                self._store.execute(
                    "UPDATE ledger SET live = 1, updated_at = ? WHERE key = ?", (rfc3339(self._now()), key)
                )
                self._log(key, run, "restored", f"not followed by {successor}")

    def _owned(self, run: str, owner: str, lease_until: str | None, now: datetime) -> bool:
        """Whether a claim belongs to another run that still lives."""
        return owner != run and bool(lease_until) and str(lease_until) > rfc3339(now) and self._alive(owner)

    def mark_sent(self, run: str, keys: Iterable[str]) -> dict[str, int]:
        """To `sent` for a window of requests, before they leave; returns those that may, with the number of the try."""
        sent: dict[str, int] = {}
        with self._store.transaction():
            stamp, lease = rfc3339(self._now()), rfc3339(self._now() + LEASE)  # `unsure` had given its lease up
            for key in keys:
                if self._store.execute(
                    "UPDATE ledger SET state = 'sent', attempts = attempts + 1, lease_until = ?, sent_at = ?,"
                    " updated_at = ? WHERE key = ? AND run = ? AND live = 1 AND state IN ('intended', 'unsure')",
                    (lease, stamp, stamp, key, run),
                ):
                    self._log(key, run, "sent", "")
                    row = self._one("SELECT attempts FROM ledger WHERE key = ?", key)
                    sent[key] = row[0] if row else 1
        return sent

    def take_over(self, run: str, key: str, *, flow: str) -> bool:
        """Makes a dead run's pending entry this run's, in its state; False when its owner lives.

        `flow` is that of the taker: only for its own flow does a lock keep other runs from being at work.
        """
        with self._store.transaction():
            row = self._one("SELECT run, lease_until, flow FROM ledger WHERE key = ?", key)
            now = self._now()
            if row is None or self._owned(run, row[0], row[1], now):
                return False
            if row[2] != flow and row[0] != run and self._alive(row[0]):
                return False
            self._store.execute(
                "UPDATE ledger SET run = ?, lease_until = ?, updated_at = ? WHERE key = ?",
                (run, rfc3339(now + LEASE), rfc3339(now), key),
            )
            return True

    def settle(self, run: str, key: str, outcome: Outcome) -> bool:
        """Writes what became of a change this run owns and that is still open; False when it is neither.

        `released` goes back to `intended` with nothing claimed. What ended for a change that did not happen is live
        again: failed, released, and for a modification also foreign.
        """
        with self._store.transaction():
            row = self._one(
                "SELECT action, version, state, holding FROM ledger WHERE key = ? AND run = ? AND live = 1", key, run
            )
            if row is None or row[2] not in PENDING:
                return False
            state = "intended" if outcome.status == "released" else outcome.status
            live = state == "unsure" or keeps(state, row[0], row[1])
            now = rfc3339(self._now())
            self._store.execute(
                "UPDATE ledger SET state = ?, live = ?, remote_id = COALESCE(?, remote_id), error = ?,"
                " lease_until = NULL, updated_at = ? WHERE key = ? AND run = ?",
                (state, int(live), outcome.remote_id, outcome.error, now, key, run),
            )
            if (row[2], state) == ("sent", "unsure"):  # it left by now at the latest: looks count from here
                self._store.execute("UPDATE ledger SET sent_at = ? WHERE key = ?", (now, key))
            self._log(key, run, outcome.status, outcome.error or outcome.remote_id or "")
            if not live and not happened(state, row[0]):
                self._restore(run, row[3], key)
            return True

    def record(self, run: str, flow: str, key: str, change: Change, outcome: Outcome) -> None:
        """Keeps a holding that was found at the remote and that the ledger did not know: adopted or foreign."""
        if self.claim(run, flow, [(key, change)]):
            self.settle(run, key, outcome)

    def forgive(self, keys: Iterable[str]) -> None:
        """Lets `run retry` plan again what had failed: the entry is `intended` again, claimed by nobody."""
        with self._store.transaction():
            for key in keys:
                if self._store.execute(
                    "UPDATE ledger SET state = 'intended', live = 0, lease_until = NULL, updated_at = ?"
                    " WHERE key = ? AND state = 'failed'",
                    (rfc3339(self._now()), key),
                ):
                    self._log(key, "", "released", "run retry")

    def _log(self, key: str, run: str, state: str, detail: str) -> None:
        self._store.execute(
            "INSERT INTO ledger_log (key, run, at, state, detail) VALUES (?,?,?,?,?)",
            (key, run, rfc3339(self._now()), state, detail),
        )

    # -- reading --------------------------------------------------------------------------------------------------

    def applied(self, prefix: str) -> dict[str, Applied]:
        """The entry that decides each holding beginning with `prefix` (`Applied`)."""
        return deciding(
            self._store.query(f"{APPLIED} WHERE holding >= ? AND holding < ? {ORDER}", (prefix, prefix + "\U0010ffff"))
        )

    def applied_to(self, holdings: Iterable[str]) -> dict[str, Applied]:
        """As `applied`, of these holdings alone."""
        found: dict[str, Applied] = {}
        for some in _chunks(holdings):
            found |= deciding(self._store.query(f"{APPLIED} WHERE holding IN ({_marks(some)}) {ORDER}", some))
        return found

    def made(self, remote_ids: Iterable[str], prefix: str) -> dict[str, str]:
        """The holdings beginning with `prefix` of what is or was ours at the remotes (done, adopted), by remote id."""
        found: dict[str, str] = {}
        for some in _chunks(remote_ids):
            found |= self._store.query(
                f"SELECT remote_id, holding FROM ledger WHERE remote_id IN ({_marks(some)})"  # noqa: S608 - marks alone
                " AND state IN ('done', 'adopted') AND holding >= ? AND holding < ? ORDER BY live, created_at, key",
                (*some, prefix, prefix + "\U0010ffff"),
            )
        return found

    def standing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Holding and version of the live entries (done, adopted) whose holding begins with `prefix`."""
        for holding, version in self._store.query(
            "SELECT holding, version FROM ledger WHERE live = 1 AND state IN ('done', 'adopted')"
            " AND holding >= ? AND holding < ?",
            (prefix, prefix + "\U0010ffff"),
        ):
            yield holding, version or ""

    def revocations(self) -> int:
        """How many credentials were taken away in the last hour, by any flow, with those claimed to be (GN-34)."""
        now = self._now()
        sent = self._one(
            f"SELECT COUNT(*) FROM ledger WHERE {_REVOKING} AND state IN ('sent', 'unsure', 'done', 'adopted')"  # noqa: S608
            " AND sent_at > ?",
            rfc3339(now - HOUR),
        )
        claimed = self._one(
            f"SELECT COUNT(*) FROM ledger WHERE {_REVOKING} AND state = 'intended' AND live = 1 AND lease_until > ?",  # noqa: S608
            rfc3339(now),
        )
        return int(sent[0] if sent else 0) + int(claimed[0] if claimed else 0)

    def pending(self, flow: str, others: Sequence[str] = (), actions: Sequence[str] = ()) -> list[Entry]:
        """What a dead run of this flow left: intended, sent or unsure, oldest first; of `others` these actions alone.

        What a run of another flow holds is not listed while its process lives, however long ago it took it.
        """
        rows = self._store.query(
            f"SELECT {COLUMNS}, lease_until FROM ledger WHERE flow IN ({_marks((flow, *others))}) AND live = 1"  # noqa: S608 - constant columns, question marks
            " AND state IN ('intended', 'sent', 'unsure') ORDER BY created_at, key",
            (flow, *others),
        )
        now = self._now()
        found = (entry_of(row[:16]) for row in rows if not self._owned("", row[3], row[16], now))
        return [e for e in found if e.flow == flow or (e.action in actions and not self._alive(e.run))]

    def get(self, key: str) -> Entry | None:
        """One entry by its key."""
        row = self._one(f"SELECT {COLUMNS} FROM ledger WHERE key = ?", key)  # noqa: S608 - constant columns
        return entry_of(row) if row else None

    def entries(
        self, *, state: str | None = None, flow: str | None = None, limit: int | None = None
    ) -> Iterator[Entry]:
        """Entries, newest first, read page by page (keyset), so that memory stays flat."""
        last: tuple[str, str] = ("\U0010ffff", "\U0010ffff")
        left = limit if limit is not None else 1 << 60
        while left > 0:
            rows = self._store.query(
                f"SELECT {COLUMNS} FROM ledger WHERE (created_at < ? OR (created_at = ? AND key < ?))"  # noqa: S608
                " AND (? IS NULL OR state = ?) AND (? IS NULL OR flow = ?) ORDER BY created_at DESC, key DESC LIMIT ?",
                (last[0], last[0], last[1], state, state, flow, flow, min(500, left)),
            )
            for row in rows:
                yield entry_of(row)
            if len(rows) < 500:
                return
            left -= len(rows)
            last = (rows[-1][14], rows[-1][0])

    def history(self, key: str) -> list[dict[str, Any]]:
        """Every state a key has had, in order."""
        rows = self._store.query("SELECT at, run, state, detail FROM ledger_log WHERE key = ? ORDER BY seq", (key,))
        return [dict(zip(("at", "run", "state", "detail"), row, strict=True)) for row in rows]

    def _one(self, sql: str, *params: object) -> tuple[Any, ...] | None:
        rows = self._store.query(sql, params)
        return rows[0] if rows else None


# Written out, not as parameters: so SQLite knows that the index of these actions alone will do.
_REVOKING = "action IN ('revoke', 'expire', 'revoke_award', 'delete_training')"


def _chunks(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    left = iter(values)
    while some := tuple(islice(left, CHUNK)):
        yield some


def _marks(values: Sized) -> str:
    return ",".join("?" * len(values))


def _followed_by(successor: str) -> str:
    return f"followed by {successor}"
