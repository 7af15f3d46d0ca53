"""What the store has about one learner and one template: entries of the ledger, their log, what runs left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.flows.clock import RunClock
from connectctl.flows.entries import Entry, change_from_json
from connectctl.flows.ledger import Ledger
from connectctl.model import Recorded

if TYPE_CHECKING:
    from connectctl.store.store import Store


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody whom a run left out, and when."""

    run: str
    at: str
    flow: str
    reason: str
    detail: str
    source: str | None


class Traces:
    """Questions to the store that no run asks. They read whole columns: seconds for a million rows, not less."""

    def __init__(self, store: Store, alive: Callable[[str], bool]) -> None:
        self._store = store
        self._ledger = Ledger(store, alive, RunClock().now)

    def entries(self, ending: str = "", containing: str = "") -> list[Entry]:
        """The ledger's entries whose holding ends so and has this text in it, oldest first."""
        rows = self._store.query(
            "SELECT key, holding FROM ledger WHERE holding LIKE ? ESCAPE '!' AND holding LIKE ? ESCAPE '!'"
            " ORDER BY created_at, key",
            ("%" + _literal(ending), "%" + _literal(containing) + "%"),
        )
        keys = [key for key, holding in rows if holding.endswith(ending) and containing in holding]
        return [entry for key in keys if (entry := self._ledger.get(key)) is not None]

    def log(self, key: str) -> list[dict[str, Any]]:
        """Every state an entry has had, in order: at, run, state, detail."""
        return self._ledger.history(key)

    def left_out(self, ending: str) -> list[Left]:
        """What the runs that are still recorded left out of the holdings that end so: the newest of each reason and
        source, newest first.
        """
        rows = self._store.query(
            "SELECT i.run, r.started_at, r.flow, i.state, i.key, i.data FROM run_items i JOIN runs r ON r.id = i.run"
            " WHERE i.kind = 'skip' AND i.key LIKE ? ESCAPE '!' ORDER BY i.id DESC LIMIT 1000",
            ("%" + _literal(ending),),
        )
        found: dict[tuple[str, str | None], Left] = {}
        for run, at, flow, reason, key, text in rows:
            data = json.loads(text)
            left = Left(run, at, flow, reason, data.get("detail") or "", data.get("source"))
            if key.endswith(ending):
                found.setdefault((reason, left.source), left)
        return list(found.values())

    def run(self, run: str) -> Mapping[str, Any] | None:
        """What started a run: `trigger`, `params`, `title`; None when its record is gone."""
        rows = self._store.query("SELECT trigger, params, title FROM runs WHERE id = ?", (run,))
        if not rows:
            return None
        return {"trigger": rows[0][0], "params": json.loads(rows[0][1] or "{}"), "title": rows[0][2]}

    def fact(self, cache: str, key: str) -> Any:
        """A fact that is kept, such as a course's detail of whichever platform; None when there is none."""
        rows = self._store.query(
            "SELECT value FROM cache WHERE name LIKE ? ESCAPE '!' AND key = ? ORDER BY updated_at DESC LIMIT 1",
            (_literal(cache) + "%", key),
        )
        return json.loads(rows[0][0]) if rows else None

    def knows(self, user: str) -> bool:
        """Whether the ledger or a recorded run has met this Docebo user."""
        return bool(self.entries(f"|{user}") or self.entries(containing=f"|{user}|") or self.left_out(f"|{user}"))

    def users(self, email: str) -> list[str]:
        """The Docebo users to whom something was sent under this address, newest first."""
        rows = self._store.query(
            "SELECT data FROM ledger WHERE data LIKE ? ESCAPE '!' ORDER BY created_at DESC", (f"%{_literal(email)}%",)
        )
        changes = (json.loads(row[0]) for row in rows)
        mine = (c for c in changes if str(c.get("email") or "").strip().lower() == email and c.get("user"))
        return list(dict.fromkeys(str(change["user"]) for change in mine))


def recorded(store: Store, keys: Iterable[str]) -> dict[str, Recorded]:
    """What the ledger's entries with these keys were planned as, by key."""
    wanted, found = list(keys), dict[str, Recorded]()
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        marks = ",".join("?" * len(some))
        sql = f"SELECT key, data, updated_at FROM ledger WHERE key IN ({marks})"  # noqa: S608 - question marks
        for key, data, at in store.query(sql, some):
            found[key] = Recorded(change_from_json(json.loads(data)), datetime.fromisoformat(at))
    return found


def _literal(text: str) -> str:
    """A text as LIKE takes it for itself."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
