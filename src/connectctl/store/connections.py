"""SQLite connections, one per thread and process, and what a fork means for them.

A connection must not cross a fork, and not even a fresh one in the child is safe while the parent has one open: SQLite
notes per process which locks it holds on a file, the child inherits the notes but not the locks, and then believes that
it is protected where it is not (seen with 3.40: a child that waits for a lock for ever; at worst a damaged file).
So before a fork all idle connections of the process are closed, and each thread opens its own anew when it next needs
it. Where one is in use at that moment, the child refuses the store instead.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from connectctl.errors import DataError, StoreError
from connectctl.store.explain import explain

FORK_PATIENCE = 1.0  # seconds a fork waits for a running statement

_abandoned: list[sqlite3.Connection] = []  # a forked child must not even close its parent's connections
_spoiled: set[tuple[int, int]] = set()  # files (device, inode) that this process, a forked child, must not open


def connect(path: Path, busy_timeout: float, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection for one thread; `busy_timeout` in seconds. It only reads where the file or its folder cannot be
    written, and when asked to: then nothing is left behind and nothing is tidied up.
    """
    log = path.with_name(path.name + "-wal")
    mode = "rw"  # and not rwc: a file that has vanished meanwhile must not come back empty and readable by everybody
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        read_only = True
        # Without shared memory beside it SQLite reads a WAL database only when told that nobody writes to it. While
        # there is no log, nobody does; a log that is there has to be read, and SQLite says whether it can.
        mode = "ro" if log.exists() or not path.exists() else "ro&immutable=1"
    elif read_only and log.exists():
        mode = "ro"  # rw would take the log into the file on closing
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,  # used by one thread; closed by whoever closes the store
        cached_statements=256,
    )
    try:
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-16384", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


class Held:
    """A thread's connection, opened when used, and the transaction that runs on it. `with` it for each statement."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self.pid = os.getpid()
        self.depth = 0  # transactions
        self.reading = 0  # open cursors
        self.broken = False
        self.lock = threading.RLock()
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode

    def __enter__(self) -> sqlite3.Connection:
        self.lock.acquire()
        if self._connection is None:
            try:
                self._connection = self._connect()
                self._file = _identity(self._path)
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.release()
        if error is None:
            return
        if isinstance(error, UnicodeEncodeError):
            raise DataError(
                f"A text holds half a character (\\u{ord(error.object[error.start]):04x}), which the store cannot hold",
                hint="leave it out, or replace it: text.encode('utf-8', 'replace').decode()",
            ) from error
        if isinstance(error, OverflowError):
            raise DataError("A number is too large for the store", hint="store it as a text") from error
        if isinstance(error, sqlite3.Error):
            explained = explain(error, self._path)
            if explained is not None:
                raise explained from error

    def same_file(self) -> None:
        """Raises StoreError when the open file is no longer the one with its name: what is written there is lost."""
        try:
            found = _identity(self._path)
        except FileNotFoundError:
            found = None
        if found != self._file:
            fate = "replaced" if found else "removed"
            raise StoreError(
                f"The store {self._path} was {fate} while it was in use; nothing was saved",
                hint="start the program anew; where the file is missing, restore it from a backup first",
            )

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.pid == os.getpid():
            connection.close()
        else:
            _abandoned.append(connection)

    def __del__(self) -> None:  # when its thread ends
        self.close()


class Connections:
    """The connections of all threads to one file."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._make = connect
        self._local = threading.local()
        self._registry = threading.Lock()
        self._all: weakref.WeakSet[Held] = weakref.WeakSet()
        self._closed = False
        self._paused: list[Held] = []
        self._in_use = False
        with _every_lock:
            _every.add(self)

    def mine(self) -> Held:
        """The calling thread's."""
        held: Held | None = getattr(self._local, "held", None)
        if held is None:
            held = Held(self._path, self._open)
            with self._registry:
                self._all.add(held)
            self._local.held = held
        return held

    def __len__(self) -> int:
        with self._registry:
            return len(self._all)

    def close(self) -> None:
        self._closed = True
        with self._registry:
            everyone = list(self._all)
        for held in everyone:
            held.close()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("The store was closed", hint="open it again: open_store(url, data_dir)")
        if _spoiled and _identity(self._path) in _spoiled:
            raise StoreError(
                "This process was forked while the program was using the store, and cannot use it safely",
                hint="fork while no transaction is open, or start the process anew (multiprocessing: spawn)",
            )
        return self._make()

    def before_fork(self) -> None:
        self._registry.acquire()
        self._in_use, self._paused = False, []
        for held in list(self._all):
            if not held.lock.acquire(timeout=FORK_PATIENCE):
                self._in_use = True
                continue
            self._paused.append(held)
            if held.depth or held.reading:
                self._in_use = True
            else:
                held.close()

    def after_fork_in_parent(self) -> None:
        for held in self._paused:
            held.lock.release()
        self._paused = []
        self._registry.release()

    def after_fork_in_child(self) -> None:
        if self._in_use:
            with contextlib.suppress(OSError):
                _spoiled.add(_identity(self._path))
        self._paused = []
        self._registry = threading.Lock()
        self._local = threading.local()  # the parent's connection is not the child's


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


_every: weakref.WeakSet[Connections] = weakref.WeakSet()
_every_lock = threading.Lock()
_forking: list[Connections] = []


def _before_fork() -> None:
    _every_lock.acquire()
    _forking.extend(_every)
    for connections in _forking:
        connections.before_fork()


def _after_fork_in_parent() -> None:
    for connections in _forking:
        connections.after_fork_in_parent()
    _forking.clear()
    _every_lock.release()


def _after_fork_in_child() -> None:
    for connections in _forking:
        connections.after_fork_in_child()
    _forking.clear()
    _every_lock.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
