"""The file that an editor works on. It stays until its rows are saved or given up, so no crash loses a text."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from connectctl.cli.rows import MAX_FILE
from connectctl.cli.saving import Basis
from connectctl.cli.sheet import Shown, file_of, lines_of
from connectctl.config.paths import private_dir
from connectctl.errors import ConfigError, UsageError

FOLDER = "edits"


class Kept:
    """A text in the folder `edits` (0600), and beside it what it was made from (`.json`), by which it is resumed.

    The second file is locked while an editor has the first one open.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock: int | None = None

    @classmethod
    def new(cls, data_dir: Path, table: str, now: datetime | None = None) -> Kept:
        """A file that is not there yet, named by table and time. Raises ConfigError."""
        stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        try:
            folder = private_dir(data_dir / FOLDER)
            for number in range(1, 1000):
                file = folder / (f"{table}-{stamp}.csv" if number == 1 else f"{table}-{stamp}-{number}.csv")
                with suppress(FileExistsError):
                    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
                    return cls(file)
        except OSError as error:
            raise _unwritable(data_dir / FOLDER, error) from None
        raise ConfigError(f"{folder} is full of texts of {table}", hint=f"ls -l {shlex.quote(str(folder))}")

    @property
    def _beside(self) -> Path:
        return self.file.with_suffix(".json")

    # --- the text

    def read(self) -> list[str]:
        """Its lines; none when the editor has left no file. Raises ConfigError, also for what has no end."""
        hint = f"ls -l {shlex.quote(str(self.file))}"
        try:
            handle = os.open(self.file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer opens too
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise ConfigError(f"{self.file} is not a file any more", hint=hint)
            with open(handle, "rb") as stream:
                raw = stream.read(MAX_FILE + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be read: {error.strerror or error}", hint=hint) from None
        if len(raw) > MAX_FILE:
            raise ConfigError(f"{self.file} is larger than {MAX_FILE // 1024**2} MiB", hint=hint)
        return lines_of(raw)

    def protect(self) -> None:
        """Makes it private again: an editor may have put a new file there. What a link leads to is not ours."""
        with suppress(OSError):
            if stat.S_ISREG(self.file.lstat().st_mode):
                self.file.chmod(0o600)

    def write(self, lines: Sequence[str]) -> list[str]:
        """Puts the lines there in one step, and gives them as `read` would. Raises ConfigError."""
        data = file_of(lines)
        os.close(self._put(self.file, data))
        return lines_of(data)

    # --- what it was made from

    def write_basis(self, table: str, basis: Basis) -> None:
        """Remembers with what the text is to be compared, and holds its lock. Raises ConfigError."""
        document = {
            "table": table,
            "store": basis.store_id,
            "last_id": basis.last_id,
            "filtered": basis.filtered,
            "rows": [[number, row.rev, row.line] for number, row in basis.shown.items()],
        }
        handle = self._put(self._beside, json.dumps(document, ensure_ascii=False).encode())
        self.close()
        self._lock = handle

    def read_basis(self, table: str, store_id: str) -> Basis | None:
        """None where there is none, as for a copy. Raises UsageError for the text of another table or store, and for
        one that is in use.
        """
        try:
            handle = os.open(self._beside, os.O_RDONLY | os.O_CLOEXEC)
            with os.fdopen(os.dup(handle), encoding="utf-8") as stream:
                document = json.load(stream)
            rows = {int(number): Shown(int(rev), str(line)) for number, rev, line in document["rows"]}
            basis = Basis(rows, int(document["last_id"]), bool(document["filtered"]), str(document["store"]))
            of = document["table"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if of != table:
            os.close(handle)
            raise UsageError(
                f"{self.file} is a text of the table {of}",
                hint=shlex.join(["connectctl", "lookup", "edit", of, "--resume", str(self.file)]),
            )
        if basis.store_id != store_id:  # its row numbers and revisions mean other rows here
            os.close(handle)
            raise UsageError(
                f"{self.file} is a text of another profile, or of a store that is no longer there",
                hint=f"connectctl --profile NAME lookup edit {table} --resume {shlex.quote(str(self.file))}",
            )
        if not _lock(handle):
            os.close(handle)
            raise UsageError(f"{self.file} is open in the editor of another process")
        self._lock = handle
        return basis

    def discard(self) -> None:
        """Removes both files. Safe to repeat."""
        for file in (self.file, self._beside):
            with suppress(OSError):
                file.unlink()
        self.close()

    def close(self) -> None:
        """Gives the lock back. Safe to repeat."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _put(self, target: Path, data: bytes) -> int:
        """Replaces the file; a locked descriptor of the new one, which the caller closes."""
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(os.dup(handle), "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                _lock(handle)
                os.replace(temporary, target)
            except BaseException:
                os.close(handle)
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unwritable(target, error) from None
        return handle


def left_behind(data_dir: Path, table: str) -> Iterator[Path]:
    """Texts of the table that were kept and that nobody has open, oldest first.

    Also one without the file beside it: an editor that did not wait has saved there after all.
    """
    for file in sorted((data_dir / FOLDER).glob(f"{table}-[0-9]*Z*.csv")):
        try:
            handle = os.open(file.with_suffix(".json"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            yield file
            continue
        free = _lock(handle)
        os.close(handle)
        if free:
            yield file


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be written: {error.strerror or error}", hint=f"ls -ld {shlex.quote(str(path.parent))}"
    )
