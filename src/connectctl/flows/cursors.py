"""How far each part of a flow has been read, and what it left open (GN-37)."""

from __future__ import annotations

import json
from collections.abc import Sequence
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

    def put(self, part: str, cursor: Cursor, items: Sequence[OpenItem], now: datetime) -> None:
        """Sets the cursor and all open items of the part; what is the same is not written."""
        with self._store.transaction():
            if self.get(part) != cursor:
                self._store.execute("DELETE FROM cursors WHERE flow = ? AND part = ?", (self._flow, part))
                self._store.execute(
                    "INSERT INTO cursors (flow, part, fingerprint, position, updated_at) VALUES (?,?,?,?,?)",
                    (self._flow, part, cursor.fingerprint, cursor.position, rfc3339(now)),
                )
            wanted = {item.key: json.dumps(item.data, ensure_ascii=False) for item in items}
            stored = {item.key: json.dumps(item.data, ensure_ascii=False) for item in self.open_items(part)}
            gone = [(self._flow, part, key) for key, data in stored.items() if wanted.get(key) != data]
            new = [(self._flow, part, key, data) for key, data in wanted.items() if stored.get(key) != data]
            if gone:
                self._store.executemany("DELETE FROM open_items WHERE flow = ? AND part = ? AND key = ?", gone)
            if new:
                self._store.executemany("INSERT INTO open_items (flow, part, key, data) VALUES (?,?,?,?)", new)
