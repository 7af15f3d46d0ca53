"""SQLite's errors in the words of the operator."""

from __future__ import annotations

import os
import shlex
import sqlite3
from pathlib import Path

from connectctl.errors import ConnectctlError, StoreBusy, StoreCorrupt, StoreError
from connectctl.store.engine import DuplicateKey
from connectctl.store.files import lock_holder


def explain(error: sqlite3.Error, path: Path) -> ConnectctlError | None:
    """The error for the operator, or None when the statement itself is at fault."""
    code = getattr(error, "sqlite_errorname", None) or ""
    folder = shlex.quote(str(path.parent))
    said = " ".join(str(error).split())  # it may quote what stands in a damaged file
    if str(error).startswith(
        ("no such table", "no such column", "Could not decode", "malformed JSON")
    ):  # the statements are our own
        return StoreCorrupt(f"The store {path} is damaged ({said})", hint="connectctl store check")
    if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"):
        constraint = str(error).partition("failed: ")[2].removeprefix("index ").strip("'")
        return DuplicateKey(f"A row with this key is already in the store ({constraint})", constraint=constraint)
    if code == "SQLITE_NOTADB" or code.startswith("SQLITE_CORRUPT"):
        return StoreCorrupt(
            f"The store {path} is damaged or not a database ({said})",
            hint=f"restore it from a backup, or move {shlex.quote(str(path))} away and run `connectctl init`",
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        pid = lock_holder(path)
        who = f"process {pid}" if pid else "another program"
        return StoreBusy(
            f"The store {path} is locked by {who}", hint=f"wait for it to end, or stop it: ps -p {pid or 'PID'}"
        )
    if code == "SQLITE_FULL":
        return StoreError(f"The disk is full: the store {path} cannot grow", hint=f"make room: df -h {folder}")
    if code.startswith("SQLITE_IOERR"):
        return StoreError(
            f"The store {path} cannot be read or written ({said})",
            hint=f"check the free space, the file size limit and the health of the disk: df -h {folder}",
        )
    if code == "SQLITE_PROTOCOL":  # too many tries to get at the shared memory
        return StoreBusy(f"The store {path} is in use by too many programs at once", hint="try again")
    if code.startswith("SQLITE_CANTOPEN") and not path.exists():
        return StoreError(
            f"The store {path} is not there any more", hint="restore it from a backup, or begin anew: connectctl init"
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(
            f"The store {path} cannot be {_hindered(path)} ({said})",
            hint=f"check the owner and the rights: ls -la {folder}",
        )
    return None


def _hindered(path: Path) -> str:
    """What cannot be done, as far as the rights tell."""
    if not os.access(path, os.R_OK):
        return "read"
    if os.access(path.parent, os.W_OK):
        return "written"
    # Only with a log beside it: without one it is read as it is (connections.py).
    log = path.with_name(path.name + "-wal").exists()
    return (
        f"read: its latest rows are in {path.name}-wal, which needs the right to write to the folder"
        if log
        else "written"
    )
