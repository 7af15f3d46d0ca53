"""A fair gate in front of the one writer that SQLite allows, between threads and between processes.

SQLite's own wait is a sleep with growing pauses: under load some writers starve for seconds. A blocking `flock` is a
queue in the kernel instead: nobody polls, the longest waiting goes on first, and a dead holder is let go of at once.
The store does not depend on the gate to be correct (BEGIN IMMEDIATE guards the data), only to be fair.

Waiting with a time limit. `flock` has none, and the ways to add one are to interrupt it with a signal (not for a
library: handlers belong to the program), to ask again and again (whoever asks loses against whoever queues), or to
let a thread of our own wait in the kernel's queue while the caller waits for that thread with a time limit. The last
is done here, and only when the first, non-blocking try fails. A wait given up keeps its place: the thread stays
in the queue, the next caller takes the place over, and if none comes the lock is handed back the moment it arrives.
So a gate has at most one such thread. A lock belongs to the open file, not to a thread, which is why this works.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from connectctl.errors import StoreBusy, StoreError

PID_WIDTH = 20


class FairLock:
    """A lock that threads get in the order in which they asked for it; Python's own has no order."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """False when the seconds ran out."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            if turn.acquire(timeout=max(timeout, 0.0)):
                return True
        except BaseException:  # Ctrl-C while waiting: leave the queue, and pass on what was just handed to us
            if not self._leave(turn):
                self.release()
            raise
        return not self._leave(turn)

    def release(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()  # handed over: a thread that comes now cannot push in
            else:
                self._held = False

    def _leave(self, turn: threading.Lock) -> bool:
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return True
            return False


class Place:
    """A place in the kernel's queue for the lock of an open file, held by a thread."""

    def __init__(self, fd: int) -> None:
        self.error: OSError | None = None
        self._fd = fd
        self._mutex = threading.Lock()
        self._over = threading.Event()
        self._wanted = True
        self._granted = False
        threading.Thread(target=self._queue, name="connectctl-gate", daemon=True).start()

    def _queue(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        except OSError as error:
            self.error = error
        with self._mutex:
            if self.error is None and self._wanted:
                self._granted = True
            elif self.error is None:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            self._over.set()

    def wait(self, timeout: float) -> bool:
        """True when the lock is ours; False when the seconds ran out, or on `error`."""
        try:
            self._over.wait(max(timeout, 0.0))
        except BaseException:
            with self._mutex:
                self._wanted = False
                if self._granted:
                    self._granted = False
                    fcntl.flock(self._fd, fcntl.LOCK_UN)
            raise
        with self._mutex:
            self._wanted = self._granted
            return self._granted

    def resume(self) -> bool:
        """Takes the place over; False when its turn has come and gone."""
        with self._mutex:
            self._wanted = not self._over.is_set()
            return self._wanted


class WriteGate:
    """Held by one thread of one process at a time; re-entrant; freed by the kernel when the holder dies."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout  # seconds
        self._reset()
        _gates.add(self)

    def _reset(self) -> None:
        self._threads = FairLock()
        self._fd: int | None = None
        self._place: Place | None = None
        self._owner = 0
        self._depth = 0

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Waits in line; raises StoreBusy naming the holder's pid when the time-out passes."""
        threads = self._threads  # a fork puts new ones in its place: then there is nothing of ours to give back
        if self._owner != threading.get_ident():
            self._enter()
        self._depth += 1
        try:
            yield
        finally:
            if threads is self._threads:
                self._depth -= 1
                if not self._depth:
                    self._leave()

    def holder(self) -> int | None:
        """The process id that last went through, which is the holder while the gate is shut."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        with open(fd, "rb") as file:
            text = file.read(PID_WIDTH).strip()
        return int(text) if text.isdigit() else None

    def close(self) -> None:
        if self._fd is not None and self._place is None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        if hasattr(self, "_place"):
            self.close()

    def _enter(self) -> None:
        deadline = time.monotonic() + self.timeout
        if not self._threads.acquire(self.timeout):
            raise self._busy()
        try:
            fd = self._lock(deadline)
            while not self._named(fd):  # removed behind our back: others stand at a new one
                os.close(fd)
                self._fd = None
                fd = self._lock(deadline)
            with contextlib.suppress(OSError):  # a full disk: the pid only makes a better message
                os.pwrite(fd, str(os.getpid()).ljust(PID_WIDTH).encode(), 0)
        except OSError as error:
            self._give_back()
            raise StoreError(
                f"The store cannot be written: {self.path} cannot be locked: {error.strerror}",
                hint=f"check the owner, the rights and the disk: ls -la {shlex.quote(str(self.path.parent))}",
            ) from error
        except BaseException:
            self._give_back()
            raise
        self._owner = threading.get_ident()

    def _lock(self, deadline: float) -> int:
        if self._fd is None:
            # Never deleted: a lock on a deleted file guards nothing.
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if self._place is None or not self._place.resume():
            self._place = None
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self._fd
            self._place = Place(self._fd)
        if not self._place.wait(deadline - time.monotonic()):
            if self._place.error is None:
                raise self._busy()
            error, self._place = self._place.error, None
            raise error
        self._place = None
        return self._fd

    def _named(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(fd))
        except FileNotFoundError:
            return False

    def _leave(self) -> None:
        self._owner = 0
        self._give_back()

    def _give_back(self) -> None:
        if self._fd is not None and self._place is None:  # else the descriptor is the waiting thread's
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._threads.release()

    def _busy(self) -> StoreBusy:
        pid = self.holder()
        who = "another thread of this process" if pid == os.getpid() else f"process {pid or 'unknown'}"
        return StoreBusy(
            f"The store was held by {who} for longer than {self.timeout:g} s ({self.path})",
            hint="wait for it to end, or stop it: " + (f"ps -p {pid}" if pid else "connectctl run list"),
        )

    def _forget(self) -> None:
        # In a forked child: the open file is shared with the parent. Unlocking would free the parent's lock, keeping it
        # open would keep the lock alive after the parent's death; closing does neither.
        if self._fd is not None:
            os.close(self._fd)
        self._reset()


_gates: weakref.WeakSet[WriteGate] = weakref.WeakSet()


def _after_fork() -> None:
    for gate in list(_gates):
        gate._forget()


os.register_at_fork(after_in_child=_after_fork)
