"""The log on stderr, and the file that keeps the traceback of a bug."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connectctl.cli.session import Session

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_LOGGER = "connectctl"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "at": _moment(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text or record.exc_info:
            row["traceback"] = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        return json.dumps(row, ensure_ascii=False)


class _Masked(logging.Filter):
    """The filter against secrets, imported when there is a first record: most commands log nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        from connectctl.http.redact import RedactingFilter

        return RedactingFilter().filter(record)


@contextmanager
def set_up(verbose: int, quiet: bool, form: str) -> Iterator[None]:
    """The log of `connectctl` goes to stderr while a command runs: warnings, more with -v, errors alone with -q."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if form == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    handler.addFilter(_Masked())
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR if quiet else _LEVELS[min(verbose, 2)])
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def keep_traceback(
    session: Session, error: BaseException, args: Sequence[str], masked: Callable[[str], str]
) -> Path | None:
    """Adds the traceback to logs/errors.log (0600); returns the file, or None where it cannot be written."""
    from connectctl.config.paths import private_dir

    text = "".join(traceback.format_exception(error))
    # Arguments may hold anything, so only the command words are kept.
    words = " ".join(word for word in args[:3] if word.replace("-", "").isalnum())
    try:
        file = private_dir(session.paths.log_dir) / "errors.log"
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"{_moment(datetime.now(UTC))} {_LOGGER} {words}\n{masked(text)}\n")
    except Exception:  # noqa: BLE001 - the bug itself matters more than where it is kept
        return None
    return file


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
