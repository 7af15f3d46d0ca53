"""What a flow's functions get: the run's moment, parameters, clients, tables, and what the ledger knows."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectctl.errors import ContractBroken
from connectctl.flows.clock import RunClock, rfc3339
from connectctl.flows.cursors import Cursors
from connectctl.flows.traces import recorded
from connectctl.model import Applied, OpenItem, Recorded

if TYPE_CHECKING:
    from tinydb.table import Table

    from connectctl.config.settings import Settings
    from connectctl.flows.ledger import Ledger
    from connectctl.plugins.manager import Plugins
    from connectctl.plugins.specs import FlowSpec
    from connectctl.store.store import Store


FRESH = timedelta(days=30)  # so often at most is written down that a fact was used


@dataclass(frozen=True, slots=True)
class Runtime:
    """One profile at work: its plugins, settings and store. Built by a door, handed to the runner."""

    plugins: Plugins
    settings: Settings
    store: Store
    data_dir: Path


class Cached(MutableMapping[str, Any]):
    """Facts kept between runs. New ones are held here until `flush`, which a dry run never calls."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._new: dict[str, Any] = {}
        self._gone: set[str] = set()
        self._used: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        if key in self._new:
            return self._new[key]
        rows = self._store.query("SELECT value FROM cache WHERE name = ? AND key = ?", (self._name, key))
        if not rows or key in self._gone:
            raise KeyError(key)
        self._used.add(key)
        return json.loads(rows[0][0])

    def __setitem__(self, key: str, value: Any) -> None:
        self._new[key] = value
        self._gone.discard(key)

    def __delitem__(self, key: str) -> None:
        self._new.pop(key, None)
        self._gone.add(key)

    def __iter__(self) -> Iterator[str]:
        stored = {row[0] for row in self._store.query("SELECT key FROM cache WHERE name = ?", (self._name,))}
        return iter((stored | set(self._new)) - self._gone)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def flush(self, now: datetime) -> None:
        """Writes what is new, and the day for what was asked for: nothing in use is forgotten (store/retention.py)."""
        with self._store.transaction():
            stale = rfc3339(now - FRESH)
            for key in self._used:
                self._store.execute(
                    "UPDATE cache SET updated_at = ? WHERE name = ? AND key = ? AND updated_at < ?",
                    (rfc3339(now), self._name, key, stale),
                )
            for key, value in self._new.items():
                self._store.execute("DELETE FROM cache WHERE name = ? AND key = ?", (self._name, key))
                self._store.execute(
                    "INSERT INTO cache (name, key, value, updated_at) VALUES (?,?,?,?)",
                    (self._name, key, json.dumps(value, ensure_ascii=False), rfc3339(now)),
                )
            for key in self._gone:
                self._store.execute("DELETE FROM cache WHERE name = ? AND key = ?", (self._name, key))
        self._new.clear()
        self._gone.clear()
        self._used.clear()


@dataclass(slots=True)
class Context:
    """The RunContext of `connectctl.api`."""

    runtime: Runtime
    spec: FlowSpec
    run: str
    now: datetime
    params: Mapping[str, Any]
    clock: RunClock
    ledger: Ledger
    retrying: Collection[str] = ()
    remembering: bool = True  # a saved plan or a retry reads everything again, and moves no cursor
    subjects: Collection[str] = ()
    shared: Any = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    _noting: threading.Lock = field(default_factory=threading.Lock)  # changes are applied by several threads
    _clients: dict[str, Any] = field(default_factory=dict)
    _caches: dict[str, Cached] = field(default_factory=dict)

    @property
    def flow(self) -> str:
        return self.spec.name

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger(f"connectctl.{self.spec.name}")

    @property
    def timezone(self) -> str:
        return self.runtime.settings.timezone

    def client(self, kind: str) -> Any:
        """The client of a connection, made once per run; raises ContractBroken when the flow did not declare it."""
        if kind not in self.spec.uses:
            raise ContractBroken(f"The flow {self.spec.name} uses the connection {kind} without declaring it")
        if kind not in self._clients:
            plugins = self.runtime.plugins
            make = plugins.resolve(plugins.connection(kind).client)
            self._clients[kind] = make(self.runtime.settings.connection(kind), self.clock)
        return self._clients[kind]

    def table(self, name: str) -> Table:
        """A lookup table by its name or title."""
        return self.runtime.store.table(self.runtime.plugins.table(name))

    def applied(self, holding_prefix: str) -> dict[str, Applied]:
        return self.ledger.applied(holding_prefix)

    def applied_to(self, holdings: Collection[str]) -> dict[str, Applied]:
        return self.ledger.applied_to(holdings)

    def made(self, remote_ids: Collection[str], prefix: str) -> dict[str, str]:
        return self.ledger.made(remote_ids, prefix)

    def standing(self, holding_prefix: str) -> Iterator[tuple[str, str]]:
        return self.ledger.standing(holding_prefix)

    def recorded(self, keys: Collection[str]) -> dict[str, Recorded]:
        return recorded(self.runtime.store, keys)

    def settings(self, integration: str) -> dict[str, str]:
        rows = self.table("integration-settings").all()
        return {
            str(row["Key"]).strip(): str(row["Value"] or "").strip()
            for row in rows
            if row["Integration"] == integration
        }

    def cached(self, name: str) -> Cached:
        return self._caches.setdefault(name, Cached(self.runtime.store, name))

    def cursor(self, part: str, fingerprint: str) -> str | None:
        found = self._cursors.get(part) if self.remembering else None
        return found.position or None if found is not None and found.fingerprint == fingerprint else None

    def open_items(self, part: str) -> list[OpenItem]:
        return self._cursors.open_items(part)

    @property
    def _cursors(self) -> Cursors:
        return Cursors(self.runtime.store, self.spec.name)

    def keep_cached(self) -> None:
        """Writes the facts that were learnt; not called by a dry run."""
        for cache in self._caches.values():
            cache.flush(self.now)

    def step(self, recipe: str, caller: str = "", **counts: object) -> None:
        with self._noting:
            for known in self.steps:
                if (known["recipe"], known["caller"]) == (recipe, caller):
                    known["times"] += 1
                    for name, count in counts.items():
                        added = type(count) is int and type(known.get(name)) is int
                        known[name] = known[name] + count if added else count
                    return
            times = {"recipe": recipe, "caller": caller, "at": rfc3339(self.clock.now()), "times": 1}
            self.steps.append(times | counts)

    def api_calls(self) -> dict[str, int]:
        """Requests sent so far, by connection, tokens included."""
        return {kind: int(client.calls) for kind, client in sorted(self._clients.items())}

    def sign_ins(self) -> dict[str, int]:
        """How many of them were for tokens, which are kept: a later run may need none."""
        return {kind: int(getattr(client, "sign_ins", 0)) for kind, client in self._clients.items()}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
