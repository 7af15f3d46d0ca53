"""Files that a person asked for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from connectctl.errors import UsageError


def put(file: Path, text: str) -> None:
    """Writes a file in one step; a device or pipe is written to directly. Raises UsageError when it cannot be.

    A new file is for its owner alone: exports name people. An existing one keeps its mode.
    """
    target = Path(os.path.realpath(file))
    data = text.encode("utf-8", "backslashreplace")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                Path(temporary).chmod(target.stat().st_mode & 0o7777)
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}", hint=f"ls -ld {file.parent}") from None
