"""Where the pace of a connection is kept: in a small file that all processes of a profile share, or in memory."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from connectctl.http.bucket import SIZE, Bucket
from connectctl.model import CallLimits

try:
    import fcntl
except ImportError:  # Windows has no flock: each process keeps its own pace
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("connectctl.http")

T = TypeVar("T")

PATIENCE = 2.0  # seconds for a lock that is held for microseconds: its holder was stopped by a signal
FIRST_NAP, LONGEST_NAP = 0.0001, 0.002


class LimitState(Protocol):
    """One record for everybody who shares a connection; a store on a server can offer it as well."""

    def change(self, work: Callable[[Bucket], T]) -> T:
        """Runs `work` on the record while nobody else does, keeps what it made of it, and returns what it returned.

        `work` is short and does not wait. When it raises, nothing is kept.
        """

    def look(self) -> Bucket:
        """A copy of the record, to read."""

    def close(self) -> None:
        """Gives back what is held; the next use takes it again."""


class OwnState:
    """The record of one process, safe for its threads."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._lock = threading.Lock()
        self._bucket = bucket or Bucket()

    def change(self, work: Callable[[Bucket], T]) -> T:
        with self._lock:
            bucket = replace(self._bucket)
            result = work(bucket)
            self._bucket = bucket
            return result

    def look(self) -> Bucket:
        with self._lock:
            return replace(self._bucket)

    def close(self) -> None:
        """Nothing is held."""


class FileState:
    """The record in a file, guarded by `flock` for the microseconds of a change.

    The kernel frees the lock of a killed process. The file is never synced: a power cut loses the pace of the last
    seconds and nothing else. What is not a record is replaced by a new one. Where the file cannot be used at all, the
    process goes on with a record of its own and says so once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._pid = 0
        self._last = Bucket()
        self._own: OwnState | None = None

    def change(self, work: Callable[[Bucket], T]) -> T:
        with self._lock:
            if self._own is None:
                try:
                    fd = self._open()
                except OSError as error:
                    self._go_alone(error)
                else:
                    try:
                        return self._locked(fd, work)
                    except OSError as error:
                        self._go_alone(error)
        assert self._own is not None  # noqa: S101 - for the type checker
        return self._own.change(work)

    def look(self) -> Bucket:
        with self._lock:
            if self._own is None and self._fd is not None and self._pid == os.getpid():
                # Without the lock: a record that is just being written does not pass its checksum.
                with contextlib.suppress(OSError):
                    found = Bucket.from_bytes(os.pread(self._fd, SIZE + 1, 0))
                    if found is not None:
                        return found
        return self.change(replace)

    def close(self) -> None:
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def __del__(self) -> None:
        if getattr(self, "_fd", None) is not None:
            self.close()

    def _locked(self, fd: int, work: Callable[[Bucket], T]) -> T:
        try:
            fd = self._take(fd)
            bucket = self._read(fd)
            result = work(bucket)
            os.pwrite(fd, bucket.to_bytes(), 0)
            self._last = bucket
            return result
        finally:
            if self._fd is not None:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _take(self, fd: int) -> int:
        """The locked file; another one when the file was removed or replaced meanwhile."""
        deadline, nap = 0.0, FIRST_NAP
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Nobody can starve here: a turn is taken in one visit, and the waiting for it is done outside.
                now = time.monotonic()
                deadline = deadline or now + PATIENCE
                if now > deadline:
                    raise OSError(errno.EAGAIN, "another process holds it and does not go on") from None
                time.sleep(nap)
                nap = min(2 * nap, LONGEST_NAP)
                continue
            if os.fstat(fd).st_nlink:
                return fd
            os.close(fd)
            self._fd = None
            fd = self._open()

    def _open(self) -> int:
        if fcntl is None:
            raise OSError(errno.ENOSYS, "this system has no flock")
        if self._fd is not None and self._pid != os.getpid():  # after a fork: parent and child would share the lock
            os.close(self._fd)
            self._fd = None
        if self._fd is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._pid = os.getpid()
        return self._fd

    def _read(self, fd: int) -> Bucket:
        data = os.pread(fd, SIZE + 1, 0)
        bucket = Bucket.from_bytes(data)
        if bucket is None:
            if data:
                log.warning("%s was not readable; the count of requests starts anew", self.path)
                os.ftruncate(fd, 0)
            return Bucket()
        return bucket

    def _go_alone(self, error: OSError) -> None:
        log.warning(
            "%s cannot be used (%s): other processes do not see how many requests this one sends",
            self.path,
            error.strerror or error,
        )
        self._own = OwnState(self._last)
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def state_for(limits: CallLimits, name: str, base_url: str) -> LimitState:
    """The record of a connection, shared through the folder of `limits`; of this process alone when there is none."""
    if limits.folder is None:
        return OwnState()
    account = hashlib.sha256(f"{base_url}\n{limits.account}".encode()).hexdigest()[:16]
    return FileState(limits.folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-{account}")
