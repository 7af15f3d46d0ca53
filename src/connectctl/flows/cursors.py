"""How far each part of a flow has been read, and what it left open (GN-37)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from connectctl.flows.clock import rfc3339
from connectctl.model import Cursor, OpenItem

if TYPE_CHECKING:
    from connectctl.store.store import Store


class Cursors:
    """The tables `cursors` and `open_items` of one flow."""

    def __init__(self, store: Store, flow: str) -> None:
        self._store = store
        self._flow = flow

    def get(self, part: str) -> Cursor | None:
        """The part's cursor as it was last committed."""
        rows = self._store.query(
            "SELECT fingerprint, position FROM cursors WHERE flow = ? AND part = ?", (self._flow, part)
        )
        return Cursor(*rows[0]) if rows else None

    def open_items(self, part: str) -> list[OpenItem]:
        """What is open of the part, by key."""
        rows = self._store.query(
            "SELECT key, data FROM open_items WHERE flow = ? AND part = ? ORDER BY key", (self._flow, part)
        )
        return [OpenItem(key, json.loads(data)) for key, data in rows]

    def put(self, part: str, cursor: Cursor, run: str, now: datetime) -> None:
        """Sets the part's cursor, and as its open items those that the run has spooled; the same is not written again.

        Of several with one key the last counts. They stay in the database: a part may have 100,000.
        """
        spooled = (run, part)
        with self._store.transaction():
            if self.get(part) != cursor:
                self._store.execute("DELETE FROM cursors WHERE flow = ? AND part = ?", (self._flow, part))
                self._store.execute(
                    "INSERT INTO cursors (flow, part, fingerprint, position, updated_at) VALUES (?,?,?,?,?)",
                    (self._flow, part, cursor.fingerprint, cursor.position, rfc3339(now)),
                )
            self._store.execute(
                f"DELETE FROM run_items WHERE {_OPEN} AND EXISTS (SELECT 1 FROM run_items AS later"  # noqa: S608
                " WHERE later.run = run_items.run AND later.part = run_items.part AND later.kind = 'open'"
                " AND later.key = run_items.key AND later.id > run_items.id)",
                spooled,
            )
            self._store.execute(
                "DELETE FROM open_items WHERE flow = ? AND part = ? AND NOT EXISTS (SELECT 1 FROM run_items"  # noqa: S608
                f" WHERE {_OPEN} AND run_items.key = open_items.key AND run_items.data = open_items.data)",
                (self._flow, part, *spooled),
            )
            self._store.execute(
                "INSERT INTO open_items (flow, part, key, data) SELECT ?, ?, key, data FROM run_items"  # noqa: S608
                f" WHERE {_OPEN} AND NOT EXISTS (SELECT 1 FROM open_items AS known WHERE known.flow = ?"
                " AND known.part = ? AND known.key = run_items.key)",
                (self._flow, part, *spooled, self._flow, part),
            )


_OPEN = "run_items.run = ? AND run_items.part = ? AND run_items.kind = 'open'"
