"""The store's file: made private from its first moment, never through a link, never on a network file system."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
from pathlib import Path

from connectctl.errors import StoreCorrupt, StoreError

BESIDE = ("-wal", "-shm", "-gate")  # the ends of the names of the files that belong to a store
NETWORK_TYPES = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|davfs|fuse\.(sshfs|s3fs|rclone|gcsfuse|davfs)")


def make_file(path: Path) -> None:
    """Makes the file (0600) and its folders (0700) where they are missing; refuses whatever is not a plain file.

    An existing file is looked at, not opened: closing any descriptor of it would drop SQLite's locks on it (POSIX).
    """
    try:
        make_folder(path.parent)
        refuse_odd(path)
        if not os.path.lexists(path):
            with contextlib.suppress(FileExistsError):
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                os.close(os.open(path, flags, 0o600))
                sync_folder(path.parent)  # the name has to outlast a power cut as the rows do
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be made: {error.strerror}",
            hint=f"make {path.parent} a folder that you can write to, or set [store] url in config.toml",
        ) from error


def refuse_odd(path: Path) -> None:
    """Raises StoreError for what is there and no plain file, and for a log whose file is gone; OSError from the disk.

    SQLite would throw such a log away, and with it the latest commits.
    """
    log = _size(path.with_name(path.name + "-wal"))  # before the file: a new store's log comes after its first page
    mode = path.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG
    if stat.S_ISLNK(mode):
        raise StoreError(
            f"The store {path} is a symbolic link; it is not followed",
            hint="set [store] url in config.toml to the place that is meant, or remove the link",
        )
    if not stat.S_ISREG(mode):
        raise StoreError(f"The store {path} is not a file", hint="set [store] url in config.toml to another place")
    if log and not _size(path):
        raise StoreCorrupt(
            f"The store {path} is {'empty' if path.exists() else 'missing'}, and what was written last is still in "
            f"{path.name}-wal: something else has removed or emptied the file",
            hint=f"restore it from a backup, or move {shlex.quote(f'{path}-wal')} away and run `connectctl init`",
        )


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def make_folder(path: Path) -> None:
    """Makes the folder and its missing parents, each readable by its owner only."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def refuse_network(path: Path) -> None:
    """Raises StoreError on NFS, SMB and the like: their locks are not sound, and WAL needs shared memory."""
    kind = file_system(path)
    if kind:
        raise StoreError(
            f"The store {path} lies on a network file system ({kind}), where SQLite can lose data",
            hint="set [store] url in config.toml to a path on a local disk",
        )


def removal(path: Path) -> str:
    """The shell command that removes a store with the files that belong to it, and nothing that merely begins alike."""
    return shlex.join(["rm", "-f", *(f"{path}{end}" for end in ("", *BESIDE))])


def sync_folder(path: Path) -> None:
    """Brings the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_system(path: Path) -> str | None:
    """The type of the network file system that holds the path; None on a local one, and where nobody can be asked."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None  # not Linux, or no /proc
    return network_type(path.resolve(), mounts)


def network_type(path: Path, mounts: str) -> str | None:
    """The type of the file system that holds the path when it is a network one; `mounts` as in /proc/self/mounts."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
        # The last of several mounts on one point is the one seen.
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind if NETWORK_TYPES.fullmatch(kind) else None


def lock_holder(path: Path) -> int | None:
    """The process that holds a lock of SQLite on the file, as far as /proc/locks tells; for programs past the gate."""
    try:
        found = path.with_name(path.name + "-shm").stat()
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    inode = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in lines:
        fields = line.split()
        if len(fields) > 6 and fields[1] == "POSIX" and fields[3] == "WRITE" and fields[5] == inode:
            return int(fields[4])
    return None
