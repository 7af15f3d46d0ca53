"""SQLite's errors in the words of the operator."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from connectctl.errors import ConnectctlError, StoreBusy, StoreCorrupt, StoreError
from connectctl.store.engine import DuplicateKey
from connectctl.store.files import lock_holder


def explain(error: sqlite3.Error, path: Path) -> ConnectctlError | None:
    """The error for the operator, or None when the statement itself is at fault."""
    code = getattr(error, "sqlite_errorname", None) or ""
    if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"):
        constraint = str(error).partition("failed: ")[2].removeprefix("index ").strip("'")
        return DuplicateKey(f"A row with this key is already in the store ({constraint})", constraint=constraint)
    if code == "SQLITE_NOTADB" or code.startswith("SQLITE_CORRUPT"):
        return StoreCorrupt(
            f"The store {path} is damaged or not a database ({error})",
            hint=f"restore it from a backup, or move {path} away and run `connectctl init`",
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        pid = lock_holder(path)
        who = f"process {pid}" if pid else "another program"
        return StoreBusy(
            f"The store {path} is locked by {who}", hint=f"wait for it to end, or stop it: ps -p {pid or 'PID'}"
        )
    if code == "SQLITE_FULL":
        return StoreError(f"The disk is full: the store {path} cannot grow", hint=f"make room: df -h {path.parent}")
    if code.startswith("SQLITE_IOERR"):
        return StoreError(
            f"The store {path} cannot be read or written ({error})",
            hint=f"check the free space, the file size limit and the health of the disk: df -h {path.parent}",
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(
            f"The store {path} cannot be opened for writing ({error})",
            hint=f"check the owner and the rights: ls -la {path.parent}",
        )
    return None
