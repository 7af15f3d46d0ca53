"""The core's tables, as numbered steps; a store knows how far it has come and a newer one is refused.

A step, once released, is never changed: a new one is added below it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from dataclasses import dataclass

from connectctl import __version__
from connectctl.errors import SchemaTooNew, StoreCorrupt, StoreError
from connectctl.store.engine import Engine
from connectctl.store.files import removal

V1 = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE _tables(name TEXT PRIMARY KEY, sqlname TEXT NOT NULL UNIQUE, indexes TEXT NOT NULL);

CREATE TABLE runs(id TEXT PRIMARY KEY, flow TEXT, title TEXT, status TEXT, trigger TEXT, dry_run INTEGER,
  started_at TEXT, finished_at TEXT, host TEXT, pid INTEGER, params TEXT, summary TEXT, error TEXT);
CREATE INDEX runs_started ON runs(started_at, id);
CREATE INDEX runs_flow ON runs(flow, id);
CREATE TABLE run_items(id {serial}, run TEXT, part TEXT, kind TEXT, action TEXT, key TEXT, state TEXT, data TEXT,
  remote_id TEXT, error TEXT);
CREATE INDEX run_items_run ON run_items(run, id);
CREATE INDEX run_items_key ON run_items(run, key);

CREATE TABLE ledger(key TEXT PRIMARY KEY, holding TEXT NOT NULL, flow TEXT NOT NULL, run TEXT NOT NULL,
  action TEXT NOT NULL, state TEXT NOT NULL, live INTEGER NOT NULL, origin TEXT, version TEXT, data TEXT NOT NULL,
  remote_id TEXT, error TEXT, attempts INTEGER NOT NULL DEFAULT 0, lease_until TEXT, sent_at TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE UNIQUE INDEX ledger_live ON ledger(holding) WHERE live=1;
CREATE INDEX ledger_holding ON ledger(holding);
CREATE INDEX ledger_state ON ledger(flow, state);
CREATE INDEX ledger_run ON ledger(run);
CREATE INDEX ledger_created ON ledger(created_at, key);
CREATE TABLE ledger_log(seq {serial}, key TEXT, run TEXT, at TEXT, state TEXT, detail TEXT);
CREATE INDEX ledger_log_key ON ledger_log(key, seq);
CREATE TABLE ledger_seals(run TEXT PRIMARY KEY, first_seq INTEGER, last_seq INTEGER, digest TEXT, previous TEXT,
  at TEXT);
CREATE INDEX ledger_seals_last ON ledger_seals(last_seq);

CREATE TABLE cache(name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_at TEXT NOT NULL,
  PRIMARY KEY(name, key))
"""

V2 = """
CREATE TABLE cursors(flow TEXT NOT NULL, part TEXT NOT NULL, fingerprint TEXT NOT NULL, position TEXT NOT NULL,
  updated_at TEXT NOT NULL, PRIMARY KEY(flow, part));
CREATE TABLE open_items(flow TEXT NOT NULL, part TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY(flow, part, key))
"""

V3 = """
CREATE INDEX ledger_remote ON ledger(remote_id);
CREATE INDEX ledger_revoking ON ledger(state, sent_at)
  WHERE action IN ('revoke', 'expire', 'revoke_award', 'delete_training');
CREATE INDEX run_items_part ON run_items(run, part, kind, id);
ALTER TABLE runs ADD COLUMN parent TEXT;
ALTER TABLE runs ADD COLUMN root TEXT;
CREATE TABLE flow_states(flow TEXT PRIMARY KEY, state TEXT NOT NULL, updated_at TEXT NOT NULL)
"""

STEPS: tuple[str, ...] = (V1, V2, V3)
COPYING = "copying"  # the key in `meta` of a store that `store copy` has begun and not finished


class CopyUnfinished(StoreError):
    """The store is half a copy: what is missing from it would be forgotten."""


@dataclass(frozen=True, slots=True)
class CoreTable:
    """A table of the core: its columns in order, those it is ordered by, and the one whose ids are given out once."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    serial: str | None


@functools.cache
def core_tables() -> tuple[CoreTable, ...]:
    """All tables of the core, as the steps above make them."""
    import sqlite3

    # The steps are run once in memory instead of being parsed: whatever a later step does, this stays true.
    with contextlib.closing(sqlite3.connect(":memory:")) as scratch:
        for step in STEPS:
            scratch.executescript(step.replace("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"))
        found = []
        made = scratch.execute("SELECT name, sql FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'")
        for name, sql in made.fetchall():
            columns = scratch.execute(f"PRAGMA table_info({name})").fetchall()
            key = tuple(str(column[1]) for column in sorted(columns, key=lambda column: column[5]) if column[5])
            serial = key[0] if "AUTOINCREMENT" in sql else None
            found.append(CoreTable(str(name), tuple(str(column[1]) for column in columns), key, serial))
    return tuple(found)


@functools.cache
def core_indexes() -> dict[str, bool]:
    """The indexes of the core by name, and whether each keeps something unique."""
    found = re.findall(r"^CREATE (UNIQUE )?INDEX (\w+)", "\n".join(STEPS), re.MULTILINE)
    return {name: bool(unique) for unique, name in found}


def version(engine: Engine) -> int:
    """How far the store has come; 0 for an empty one. Raises SchemaTooNew and, for a foreign database, StoreError."""
    tables = engine.tables()
    if not tables:
        return 0
    if "meta" not in tables:
        raise StoreError(
            f"{engine.where} is a database of another program",
            hint="set [store] url in config.toml to another place",
        )
    found = engine.query("SELECT value FROM meta WHERE key='schema_version'")
    if not found or not str(found[0][0]).isdigit():
        raise StoreCorrupt(
            f"The store {engine.where} does not say which version it is", hint="restore it from a backup"
        )
    number = int(found[0][0])
    if number > len(STEPS):
        raise SchemaTooNew(
            f"The store {engine.where} was written by a newer connectctl "
            f"(schema {number}, this one knows {len(STEPS)})",
            hint="pip install --upgrade connectctl",
        )
    return number


def refuse_unfinished(engine: Engine) -> None:
    """Raises CopyUnfinished for a store that was being copied to and lacks the rest."""
    found = engine.query("SELECT value FROM meta WHERE key=?", (COPYING,))
    if found:
        raise CopyUnfinished(
            f"The store {engine.where} is half a copy ({found[0][0].partition('|')[0]})",
            hint="delete it and copy again: " + (removal(engine.path) if engine.path else "connectctl store copy"),
        )


def migrate(engine: Engine, copying: str = "") -> None:
    """Brings the store up to date, one transaction per step. Safe when several processes do it at once.

    `copying` marks a new store as unfinished from its first table on.
    """
    with engine.creation():
        # Looked at again: whoever held the gate before us may have done the work.
        for number in range(version(engine) + 1, len(STEPS) + 1):
            with engine.transaction():
                for statement in STEPS[number - 1].replace("{serial}", engine.serial).split(";\n"):
                    engine.execute(statement)
                put = engine.upsert("meta", ("key", "value"), ("key",))
                if number == 1:
                    engine.execute(put, ("store_id", os.urandom(16).hex()))
                    engine.execute(put, ("created_by", __version__))
                    if copying:
                        engine.execute(put, (COPYING, copying))
                engine.execute(put, ("schema_version", str(number)))
