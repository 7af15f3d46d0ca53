"""The ledger: every remote change ever intended or made, written before the request leaves (GN-21, architecture 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectctl.flows.clock import rfc3339
from connectctl.model import Applied, Change, Outcome

if TYPE_CHECKING:
    from connectctl.store.store import Store

PENDING = ("intended", "sent", "unsure")
HELD = ("done", "adopted", "foreign")
GIVES = frozenset({"issue", "replace", "create_training", "award"})  # what leaves a holding taken
LEASE = timedelta(minutes=10)  # only for owners on another host; here the run's lock tells life from death


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger. Times are RFC 3339 in UTC."""

    key: str
    holding: str
    flow: str
    run: str
    action: str
    state: str
    live: bool
    origin: str
    version: str | None
    data: Mapping[str, Any]
    remote_id: str | None
    error: str | None
    attempts: int
    sent_at: str | None
    created_at: str
    updated_at: str

    @property
    def change(self) -> Change:
        """The change as it was planned, with everything frozen then."""
        return change_from_json(self.data)


_COLUMNS = (
    "key, holding, flow, run, action, state, live, origin, version, data, remote_id, error, attempts, sent_at,"
    " created_at, updated_at"
)


def _entry(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values |= {"live": bool(values["live"]), "origin": values["origin"] or "", "data": json.loads(values["data"])}
    return Entry(**values)


def change_to_json(change: Change) -> dict[str, Any]:
    """A change as plain JSON."""
    return {name: getattr(change, name) for name in Change.__slots__} | {"data": dict(change.data)}


def change_from_json(data: Mapping[str, Any]) -> Change:
    """The change that `change_to_json` wrote; keys of a newer version are left out."""
    return Change(**{name: data[name] for name in Change.__slots__ if name in data})


class Ledger:
    """Atomic claims, fenced transitions, an append-only log and a digest per run.

    Every method may be repeated. Transitions are fenced by the owner: a run that lost its claim changes nothing.
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
                    if _essence(change_from_json(json.loads(row[3]))) == _essence(change):
                        continue  # refused once, it would be refused again
                elif row and (row[0] != "intended" or self._owned(run, row[1], row[2], now)):
                    continue
                taken = self._one("SELECT key FROM ledger WHERE holding = ? AND live = 1", change.holding)
                if taken and taken[0] != key:
                    if taken[0] != change.supersedes:
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
        """Takes the holding from an entry whose credential has ended."""
        self._store.execute("UPDATE ledger SET live = 0, updated_at = ? WHERE key = ?", (rfc3339(self._now()), key))
        self._log(key, run, "ended", f"followed by {successor}")

    def _owned(self, run: str, owner: str, lease_until: str | None, now: datetime) -> bool:
        """Whether a claim belongs to another run that still lives."""
        return owner != run and bool(lease_until) and str(lease_until) > rfc3339(now) and self._alive(owner)

    def mark_sent(self, run: str, keys: Iterable[str]) -> dict[str, int]:
        """To `sent` for a window of requests, before they leave; returns those that may, with the number of the try."""
        sent: dict[str, int] = {}
        with self._store.transaction():
            stamp = rfc3339(self._now())
            for key in keys:
                if self._store.execute(
                    "UPDATE ledger SET state = 'sent', attempts = attempts + 1, sent_at = ?, updated_at = ?"
                    " WHERE key = ? AND run = ? AND state IN ('intended', 'unsure')",
                    (stamp, stamp, key, run),
                ):
                    self._log(key, run, "sent", "")
                    row = self._one("SELECT attempts FROM ledger WHERE key = ?", key)
                    sent[key] = row[0] if row else 1
        return sent

    def take_over(self, run: str, key: str) -> bool:
        """Makes a dead run's pending entry this run's, in its state; False when its owner lives."""
        with self._store.transaction():
            row = self._one("SELECT run, lease_until FROM ledger WHERE key = ?", key)
            now = self._now()
            if row is None or self._owned(run, row[0], row[1], now):
                return False
            self._store.execute(
                "UPDATE ledger SET run = ?, lease_until = ?, updated_at = ? WHERE key = ?",
                (run, rfc3339(now + LEASE), rfc3339(now), key),
            )
            return True

    def settle(self, run: str, key: str, outcome: Outcome) -> bool:
        """Writes what became of a change this run owns and that is still open; False when it is neither.

        `released` goes back to `intended` with nothing claimed.
        """
        with self._store.transaction():
            row = self._one("SELECT action, version, state FROM ledger WHERE key = ? AND run = ?", key, run)
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
        """The entry that decides each holding beginning with `prefix`: the live one, else the newest."""
        rows = self._store.query(
            "SELECT holding, key, state, action, origin, version, remote_id, live,"
            " CASE WHEN state IN ('done', 'adopted', 'foreign') THEN '' ELSE data END FROM ledger"
            " WHERE holding >= ? AND holding < ? ORDER BY live, updated_at",
            (prefix, prefix + "\U0010ffff"),
        )
        return {
            row[0]: Applied(
                holding=row[0],
                key=row[1],
                state=row[2],
                action=row[3],
                origin=row[4] or "",
                version=row[5] or "",
                remote_id=row[6],
                live=bool(row[7]),
                data=_frozen(row[8]),
            )
            for row in rows
        }

    def applied_to(self, holdings: Iterable[str]) -> dict[str, Applied]:
        """As `applied`, of these holdings alone."""
        return {
            place: found for holding in holdings for place, found in self.applied(holding).items() if place in holdings
        }

    def made(self, remote_ids: Iterable[str]) -> dict[str, str]:
        """The holdings of what is or was ours at the remotes (done or adopted), by remote id."""
        wanted, found = list(remote_ids), dict[str, str]()
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ",".join("?" * len(some))
            found |= self._store.query(
                f"SELECT remote_id, holding FROM ledger WHERE remote_id IN ({marks})"  # noqa: S608 - marks alone
                " AND state IN ('done', 'adopted')",
                some,
            )
        return found

    def pending(self, flow: str) -> list[Entry]:
        """What a dead run of this flow left: intended, sent or unsure, oldest first."""
        rows = self._store.query(
            f"SELECT {_COLUMNS}, lease_until FROM ledger WHERE flow = ? AND live = 1"  # noqa: S608 - constant columns
            " AND state IN ('intended', 'sent', 'unsure') ORDER BY created_at, key",
            (flow,),
        )
        now = self._now()
        return [_entry(row[:16]) for row in rows if not self._owned("", row[3], row[16], now)]

    def get(self, key: str) -> Entry | None:
        """One entry by its key."""
        row = self._one(f"SELECT {_COLUMNS} FROM ledger WHERE key = ?", key)  # noqa: S608 - constant columns
        return _entry(row) if row else None

    def entries(
        self, *, state: str | None = None, flow: str | None = None, limit: int | None = None
    ) -> Iterator[Entry]:
        """Entries, newest first, read page by page (keyset), so that memory stays flat."""
        last: tuple[str, str] = ("\U0010ffff", "\U0010ffff")
        left = limit if limit is not None else 1 << 60
        while left > 0:
            rows = self._store.query(
                f"SELECT {_COLUMNS} FROM ledger WHERE (created_at < ? OR (created_at = ? AND key < ?))"  # noqa: S608
                " AND (? IS NULL OR state = ?) AND (? IS NULL OR flow = ?) ORDER BY created_at DESC, key DESC LIMIT ?",
                (last[0], last[0], last[1], state, state, flow, flow, min(500, left)),
            )
            for row in rows:
                yield _entry(row)
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


def keeps(state: str, action: str, version: str | None) -> bool:
    """Whether an entry in this state leaves its holding taken for good."""
    return state in HELD and action in GIVES and version is not None


def _essence(change: Change) -> dict[str, Any]:
    """What a request asks for; the default expiry moves with the day and makes no other request of it."""
    return {name: value for name, value in change.data.items() if name != "expires_at"}


def _frozen(text: str) -> Mapping[str, Any]:
    return json.loads(text).get("data", {}) if text else {}
