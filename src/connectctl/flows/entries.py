"""What an entry of the ledger is, what its state means for its holding, and which one of them plans see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectctl.model import Applied, Change

PENDING = ("intended", "sent", "unsure")
HELD = ("done", "adopted", "foreign")
CHANGES = frozenset({"replace", "update", "update_training", "update_award"})  # a holding stays taken, by the new entry
REVOKING = frozenset({"revoke", "expire", "revoke_award", "delete_training"})  # a holding becomes free (GN-34)
MODIFIES = CHANGES | REVOKING  # what follows a live entry (`supersedes`), and gives way to it where it comes to nothing
GIVES = frozenset({"issue", "create_training", "award"}) | CHANGES  # what leaves a holding taken


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


COLUMNS = (
    "key, holding, flow, run, action, state, live, origin, version, data, remote_id, error, attempts, sent_at,"
    " created_at, updated_at"
)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """The entry of a row of `COLUMNS`."""
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    values |= {"live": bool(values["live"]), "origin": values["origin"] or "", "data": json.loads(values["data"])}
    return Entry(**values)


def change_to_json(change: Change) -> dict[str, Any]:
    """A change as plain JSON."""
    return {name: getattr(change, name) for name in Change.__slots__} | {"data": dict(change.data)}


def change_from_json(data: Mapping[str, Any]) -> Change:
    """The change that `change_to_json` wrote; keys of a newer version are left out."""
    return Change(**{name: data[name] for name in Change.__slots__ if name in data})


APPLIED = (
    "SELECT holding, key, state, action, origin, version, remote_id, live,"
    " CASE WHEN state IN ('done', 'adopted', 'foreign') THEN '' ELSE data END FROM ledger"
)
ORDER = "ORDER BY live, updated_at, created_at, key"


def deciding(rows: Iterable[tuple[Any, ...]]) -> dict[str, Applied]:
    """Of rows in `ORDER` the one that decides each holding, with the keys that were refused.

    The live one; else the last that took effect, so that no vain attempt hides what was revoked; else the last.
    """
    found: dict[str, tuple[Any, ...]] = {}
    refused: dict[str, set[str]] = {}
    for row in rows:
        before = found.get(row[0])
        if before is None or row[7] or happened(row[2], row[3]) or not happened(before[2], before[3]):
            found[row[0]] = row
        if row[2] == "failed" or (row[2] == "foreign" and not row[7]):
            refused.setdefault(row[0], set()).add(row[1])
    return {
        holding: Applied(
            holding=holding,
            key=row[1],
            state=row[2],
            action=row[3],
            origin=row[4] or "",
            version=row[5] or "",
            remote_id=row[6],
            live=bool(row[7]),
            data=_frozen(row[8]),
            refused=frozenset(refused.get(holding, ())),
        )
        for holding, row in found.items()
    }


def keeps(state: str, action: str, version: str | None) -> bool:
    """Whether an entry in this state leaves its holding taken for good."""
    return action in GIVES and version is not None and happened(state, action)


def happened(state: str, action: str) -> bool:
    """Whether the remote is as the change wanted it, or as somebody else made it who had the holding first.

    A modification that is found to be somebody else's has changed nothing of ours.
    """
    return state in ("done", "adopted") or (state == "foreign" and action not in MODIFIES)


def essence(change: Change) -> dict[str, Any]:
    """What a request asks for; the default expiry moves with the day and makes no other request of it."""
    return {name: value for name, value in change.data.items() if name != "expires_at"}


def _frozen(text: str) -> Mapping[str, Any]:
    return json.loads(text).get("data", {}) if text else {}
