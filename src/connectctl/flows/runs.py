"""Run records: one row per run, one per item. A run's plan is spooled here, so that memory holds one part."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.flows.clock import rfc3339

if TYPE_CHECKING:
    from connectctl.store.store import Store

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_run_id(now: datetime) -> str:
    """`r_` and 26 characters that sort by time (a ULID: 48 bits of milliseconds, 80 random bits)."""
    number = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    return "r_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -5, -5))


@dataclass(frozen=True, slots=True)
class Item:
    """One spooled change, row write, problem, skip or finding of a run; `data` is what the plan said.

    Until its part is committed also what was seen at the remote, the part's cursor and its open items.
    """

    id: int
    part: str
    kind: str  # change, write, problem, skip, finding; seen, notice, cursor, open
    action: str
    key: str
    state: str
    data: Mapping[str, Any]
    remote_id: str | None
    error: str | None


class RunRecords:
    """The tables `runs` and `run_items`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(
        self,
        run: str,
        flow: str,
        title: str,
        trigger: str,
        *,
        dry_run: bool,
        params: Mapping[str, Any],
        at: datetime,
        parent: str | None = None,
    ) -> None:
        """Opens the record with status `running`. `parent` is the run that started this one, if any (GN-05)."""
        above = self.get(parent) if parent else None
        root = run if parent is None else above["root"] or parent if above else parent
        host, pid = socket.gethostname(), os.getpid()
        self._store.execute(
            "INSERT INTO runs (id, flow, title, status, trigger, dry_run, started_at, host, pid, params, parent, root)"
            " VALUES (?,?,?,'running',?,?,?,?,?,?,?,?)",
            (run, flow, title, trigger, int(dry_run), rfc3339(at), host, pid, _json(params), parent, root),
        )

    def finish(self, run: str, status: str, at: datetime, summary: Mapping[str, Any], error: str | None) -> None:
        """Closes the record."""
        self._store.execute(
            "UPDATE runs SET status = ?, finished_at = ?, summary = ?, error = ? WHERE id = ?",
            (status, rfc3339(at), _json(summary), error, run),
        )

    def fail(self, run: str, error: str) -> None:
        """Makes a failed run of one that is over and had done its own work; an error that it has already stays."""
        self._store.execute(
            "UPDATE runs SET status = 'failed', error = COALESCE(error, ?) WHERE id = ?"
            " AND status IN ('succeeded', 'failed')",
            (error, run),
        )

    def warn(self, run: str, warnings: Iterable[str]) -> None:
        """Adds warnings to a closed record."""
        with self._store.transaction():
            found = self.get(run)
            if found is not None:
                self.add_facts(run, {"warnings": [*found["summary"].get("warnings", []), *warnings]})

    def add_facts(self, run: str, facts: Mapping[str, Any]) -> None:
        """Puts facts into the summary of a closed record."""
        with self._store.transaction():
            found = self.get(run)
            if found is not None:
                summary = found["summary"] | facts
                self._store.execute("UPDATE runs SET summary = ? WHERE id = ?", (_json(summary), run))

    def abandoned(self, flow: str, run: str, alive: Callable[[str], bool]) -> list[str]:
        """Earlier runs of the flow on this host that never ended, because their process was killed."""
        rows = self._store.query(
            "SELECT id FROM runs WHERE flow = ? AND status = 'running' AND id <> ? AND host = ?",
            (flow, run, socket.gethostname()),
        )
        return [dead for (dead,) in rows if not alive(dead)]

    def running(self) -> list[tuple[str, str, str]]:
        """Every run that says it is running: its id, flow and host, oldest first."""
        rows = self._store.query("SELECT id, flow, host FROM runs WHERE status = 'running' ORDER BY started_at, id")
        return [(str(run), str(flow), str(host)) for run, flow, host in rows]

    def add(self, run: str, part: str, items: Iterable[tuple[str, str, str, str, Mapping[str, Any]]]) -> None:
        """Spools items (kind, action, key, state, data) of a part."""
        self._store.executemany(
            "INSERT INTO run_items (run, part, kind, action, key, state, data) VALUES (?,?,?,?,?,?,?)",
            [(run, part, kind, action, key, state, _json(data)) for kind, action, key, state, data in items],
        )

    def set_item(self, item: int, state: str, remote_id: str | None, error: str | None) -> None:
        """Writes what became of an item."""
        self._store.execute(
            "UPDATE run_items SET state = ?, remote_id = ?, error = ? WHERE id = ?", (state, remote_id, error, item)
        )

    def items(
        self, run: str, *, part: str | None = None, kinds: tuple[str, ...] = (), states: tuple[str, ...] = ()
    ) -> Iterator[Item]:
        """Items in order of planning, read page by page; quickest for one kind of one part, or for a whole run."""
        last = 0
        where = ["run = ?", *(["part = ?"] if part is not None else [])]
        where += [f"{name} IN ({_marks(some)})" for name, some in (("kind", kinds), ("state", states)) if some]
        chosen = (run, *([part] if part is not None else []), *kinds, *states)
        while True:
            rows = self._store.query(
                "SELECT id, part, kind, action, key, state, data, remote_id, error FROM run_items"  # noqa: S608
                f" WHERE {' AND '.join(where)} AND id > ? ORDER BY id LIMIT 500",
                (*chosen, last),
            )
            for row in rows:
                yield Item(
                    id=row[0],
                    part=row[1],
                    kind=row[2],
                    action=row[3],
                    key=row[4],
                    state=row[5],
                    data=json.loads(row[6]),
                    remote_id=row[7],
                    error=row[8],
                )
            if len(rows) < 500:
                return
            last = rows[-1][0]

    def count(self, run: str, kinds: tuple[str, ...]) -> int:
        """How many items of these kinds there are."""
        sql = f"SELECT COUNT(*) FROM run_items WHERE run = ? AND kind IN ({_marks(kinds)})"  # noqa: S608
        return int(self._store.query(sql, (run, *kinds))[0][0])

    def sums(self, run: str, kinds: tuple[str, ...]) -> list[tuple[str, str, str, str | None, int]]:
        """How many items there are of each kind, action and state, of skipped ones by why; first planned first."""
        return self._store.query(
            "SELECT kind, action, state, CASE WHEN state = 'skipped' THEN error END, COUNT(*) FROM run_items"  # noqa: S608
            f" WHERE run = ? AND kind IN ({_marks(kinds)}) GROUP BY 1, 2, 3, 4 ORDER BY MIN(id)",
            (run, *kinds),
        )

    def planned_for(self, run: str, holding: str) -> str | None:
        """The source (or origin) of the change that a run has planned for this holding, if any."""
        rows = self._store.query(
            "SELECT data FROM run_items WHERE run = ? AND key > ? AND key < ? AND kind = 'change' LIMIT 1",
            (run, holding + "|", holding + "}"),  # a key begins with its holding and this sign
        )
        data = json.loads(rows[0][0]) if rows else None
        return None if data is None else str(data["source"] or data["origin"])

    def drop(self, run: str, part: str, kinds: tuple[str, ...]) -> None:
        """Removes the items of these kinds, which served their purpose."""
        for kind in kinds:
            self._store.execute("DELETE FROM run_items WHERE run = ? AND part = ? AND kind = ?", (run, part, kind))

    def get(self, run: str) -> dict[str, Any] | None:
        """The record as a dict, or None."""
        rows = self._store.query(f"SELECT {_RUN} FROM runs WHERE id = ?", (run,))  # noqa: S608 - constant columns
        return _run(rows[0]) if rows else None

    def list(
        self, *, flow: str | None = None, status: str | None = None, since: str | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        """Records, newest first."""
        rows = self._store.query(
            f"SELECT {_RUN} FROM runs WHERE (? IS NULL OR flow = ?) AND (? IS NULL OR status = ?)"  # noqa: S608
            " AND (? IS NULL OR started_at >= ?) ORDER BY started_at DESC, id DESC LIMIT ?",
            (flow, flow, status, status, since, since, limit),
        )
        return [_run(row) for row in rows]

    def last(self, flow: str) -> dict[str, Any] | None:
        """The newest record of a flow, or None."""
        rows = self.list(flow=flow, limit=1)
        return rows[0] if rows else None


_RUN = "id, flow, title, status, trigger, dry_run, started_at, finished_at, params, summary, error, parent, root"


def _run(row: tuple[Any, ...]) -> dict[str, Any]:
    record = dict(zip(_RUN.split(", "), row, strict=True))
    record["dry_run"] = bool(record["dry_run"])
    for name in ("params", "summary"):
        record[name] = json.loads(record[name]) if record[name] else {}
    return record


def _marks(values: tuple[str, ...]) -> str:
    return ",".join("?" * len(values))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
