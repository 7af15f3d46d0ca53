"""Locks that the kernel frees: one per flow (exit 7), one per run (is its process still alive?)."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connectctl.errors import RunLocked, StoreError

if TYPE_CHECKING:
    from connectctl.store.store import Store

try:
    import fcntl
except ImportError:  # Windows has no flock: a run there is alive until its lease ends
    fcntl = None  # type: ignore[assignment]


class Locks:
    """Lock files in one folder. A lock lives as long as the open file, so a killed process leaves none behind."""

    @classmethod
    def of(cls, store: Store, data_dir: Path) -> Locks:
        """The locks of a store, beside its file: whoever shares the store shares them."""
        return cls(store.path.with_name(f"{store.path.name}-locks") if store.path else data_dir / "locks")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def _path(self, name: str) -> Path:
        return self._folder / (re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".lock")

    def _try(self, name: str) -> int | None:
        """An open, locked file, or None when another process holds it."""
        while True:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise StoreError(
                    f"The lock {self._path(name)} cannot be made: {error.strerror}",
                    hint=f"check the owner, the rights and the disk: ls -la {self._folder.parent}",
                ) from error
            if fcntl is None:
                return descriptor
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            # The file may have been removed between open and lock: then the lock guards a nameless file.
            try:
                if os.stat(self._path(name)).st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
            except FileNotFoundError:
                pass
            os.close(descriptor)

    def take_flow(self, flow: str, run: str) -> None:
        """Holds the flow for this process; raises RunLocked naming the run that has it."""
        descriptor = self._try(f"flow-{flow}")
        if descriptor is None:
            holder = self._path(f"flow-{flow}").read_text(errors="replace").strip() or "another process"
            raise RunLocked(
                f"{flow} is already running ({holder})", hint=f"connectctl run list --flow {flow} --status running"
            )
        with suppress(OSError):  # a full disk: the words only make a better message
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"run {run}, process {os.getpid()}".encode())
        self._held[f"flow-{flow}"] = descriptor

    def take_run(self, run: str) -> None:
        """Shows other processes that this run is alive."""
        descriptor = self._try(f"run-{run}")
        if descriptor is None:
            raise RunLocked(f"The lock of the new run {run} is held by another process")
        self._held[f"run-{run}"] = descriptor

    def alive(self, run: str) -> bool:
        """Whether the process of this run still lives; always safe to ask."""
        name = f"run-{run}"
        if name in self._held:
            return True
        path = self._path(name)
        if fcntl is None:
            return path.exists()
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)  # while it is ours: a new one of this name is another file
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def gone(self, run: str) -> bool:
        """Whether the process of this run has surely ended; leaves everything as it is, unlike `alive`."""
        if fcntl is None:
            return not self._path(f"run-{run}").exists()
        try:
            descriptor = os.open(self._path(f"run-{run}"), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def free(self) -> None:
        """Gives everything back. The file of a run goes; the file of a flow stays, so that its lock has one inode."""
        for name, descriptor in self._held.items():
            if name.startswith("run-"):
                self._path(name).unlink(missing_ok=True)
            os.close(descriptor)
        self._held.clear()
