"""The person's own editor: which one it is, and how it is run."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from connectctl.errors import ConfigError

FALLBACKS = ("editor", "nano", "vi")
_HINT = "export EDITOR=nano"


def find_editor(environ: Mapping[str, str]) -> list[str]:
    """The command of `$VISUAL`, else of `$EDITOR`, else the first of `FALLBACKS` there is; no shell reads it.

    Raises ConfigError when a variable names a program that is not there, and when there is no editor at all.
    """
    for name in ("VISUAL", "EDITOR"):
        value = environ.get(name, "").strip()
        if not value:
            continue
        if shutil.which(value):  # a path with blanks in it, and no arguments
            return [value]
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ConfigError(f"${name} cannot be read: {value!r} ({error})", hint=_HINT) from None
        if not words or not shutil.which(words[0]):
            raise ConfigError(f"${name} names an editor that is not there: {value!r}", hint=_HINT)
        return words
    for program in FALLBACKS:
        if shutil.which(program):
            return [program]
    raise ConfigError(
        f"There is no editor: neither $VISUAL nor $EDITOR is set, and there is no {', '.join(FALLBACKS)}", hint=_HINT
    )


def run_editor(command: list[str], file: Path) -> int:
    """Its exit code once it has ended; negative when a signal ended it.

    Ctrl-C belongs to the editor meanwhile. A SIGTERM to us ends it, and leaves here as KeyboardInterrupt.
    """
    import subprocess

    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    with _terminal_kept(), _ctrl_c_left_alone():
        try:
            process = subprocess.Popen([*command, str(file)])  # noqa: S603 - the person's own editor, without a shell
        except OSError as error:
            words = f"The editor {command[0]!r} cannot be started: {error.strerror or error}"
            raise ConfigError(words, hint=_HINT) from None
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise


@contextmanager
def _ctrl_c_left_alone() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A function and not SIG_IGN: the editor would inherit that.
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = [signal.signal(number, _nothing) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _nothing(number: int, frame: Any) -> None:
    """The editor has got the same signal from the terminal."""


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """An editor that is killed leaves the terminal without echo; put back, as there may be a question next."""
    import termios

    try:
        number = sys.stdin.fileno()
        before = termios.tcgetattr(number) if os.isatty(number) else None
    except (OSError, ValueError, AttributeError, termios.error):
        before = None
    try:
        yield
    finally:
        if before is not None:
            with suppress(termios.error, OSError):
                termios.tcsetattr(number, termios.TCSADRAIN, before)
