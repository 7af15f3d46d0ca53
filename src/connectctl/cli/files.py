"""Files that a person asked for."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable
from pathlib import Path

from connectctl.errors import UsageError


def put(file: Path, text: str | Iterable[str]) -> None:
    """Writes a file in one step, a long text piece by piece. Raises UsageError when it cannot be.

    A device or pipe is written to directly. A new file is for its owner alone: exports name people. An existing one
    keeps its mode.
    """
    target = Path(os.path.realpath(file))
    pieces = [text] if isinstance(text, str) else text
    data = (piece.encode("utf-8", "backslashreplace") for piece in pieces)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                stream.writelines(data)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(data)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                Path(temporary).chmod(target.stat().st_mode & 0o7777)
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror or error}", hint=f"ls -ld {shlex.quote(str(file.parent))}"
        ) from None
