"""`lookup edit` on a real terminal: questions, a real editor, Ctrl-C between two passes."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_edit import SETTINGS, Script, editor, kept, nothing_left

__all__ = ["editor"]  # a fixture

Start = Callable[..., Any]


@pytest.fixture
def settings(process: Start) -> Callable[[], list[str]]:
    """Twenty rows; called, it gives their values."""
    rows = "Integration,Key,Value\n" + "".join(f"X,K{number:02},v{number}\n" for number in range(20))
    done = process("lookup", "import", SETTINGS, "-", input=rows.encode())
    assert done.returncode == 0, done.stderr

    def values() -> list[str]:
        shown = process("lookup", "show", SETTINGS).stdout.decode().splitlines()[1:]
        return [line.split("\t")[3] for line in shown]

    return values


CONFLICT = f"""
if call == 0:
    other("set", "{SETTINGS}", "X", "K00", "Value=theirs\\x1b[31m")
    swap("v0\\n", "mine\\n")
elif call == 1:
    put(text.split("\\n", 1)[1])
"""


def test_their_rows_are_shown_and_the_text_opens_again(
    terminal: Start, settings: Callable[[], list[str]], editor: Script, home: Path
) -> None:
    editor(CONFLICT)
    session = terminal("lookup", "edit", SETTINGS)
    session.wait_for("with their rows shown? [Y/n]: ")
    assert "row 1, Value: yours is 'mine', theirs is" in session.text
    assert "\x1b[31m" not in session.text  # what they wrote steers no terminal
    assert settings()[0].startswith("theirs")
    session.send("\n")
    assert session.end() == 0
    assert "integration-settings: 0 added, 1 changed, 0 removed" in session.text
    assert "it is now: 1, X, K00, theirs{U+001B}[31m\n" in editor.seen(1)
    assert settings()[0] == "mine"
    assert nothing_left(home)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 3), ("", 130), ("\x04", 130)])
def test_their_rows_are_not_wanted(
    terminal: Start, settings: Callable[[], list[str]], editor: Script, home: Path, answer: str, code: int
) -> None:
    editor(CONFLICT)
    session = terminal("lookup", "edit", SETTINGS, columns=400)
    session.wait_for("[Y/n]: ")
    if answer:
        session.send(answer)
    while not answer and session.process.poll() is None:  # one that comes before the question is read waits with it
        session.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            session.process.wait(0.2)
    assert session.end() == code
    (file,) = kept(home)
    assert f"Hint: connectctl lookup edit {SETTINGS} --resume {file}" in session.text
    assert "mine" in file.read_text()
    assert settings()[0].startswith("theirs")


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 10), ("\n", 6, 20)])
def test_many_removals_are_asked_about(
    terminal: Start, settings: Callable[[], list[str]], editor: Script, answer: str, code: int, left: int
) -> None:
    editor("put('\\n'.join(text.splitlines()[:-10]))")
    session = terminal("lookup", "edit", SETTINGS)
    session.wait_for("Remove 10 of 20 rows of integration-settings? [y/N]: ")
    session.send(answer)
    assert session.end() == code
    assert len(settings()) == left


def test_more_attempts_than_a_script_has(terminal: Start, settings: Callable[[], list[str]], editor: Script) -> None:
    editor("put(text + 'X, K01, again\\n' if call < 12 else ''.join(text.splitlines(True)[:-12]) and '')")
    session = terminal("lookup", "edit", SETTINGS)
    assert session.end() == 0
    assert editor.calls == 13
    assert "given up" in session.text


@pytest.mark.skipif(shutil.which("vi") is None, reason="vi is not installed")
def test_a_real_editor_on_a_real_terminal(terminal: Start, settings: Callable[[], list[str]], home: Path) -> None:
    session = terminal("lookup", "edit", SETTINGS, "--search", "k07", env={"VISUAL": "vi", "TERM": "vt100"})
    session.wait_for("K07")
    session.send(":%s/v7$/by hand/\r")
    session.wait_for("by hand")
    session.process.send_signal(signal.SIGINT)  # means nothing to us while the editor runs
    session.send(":wq\r")
    assert session.end() == 0, session.text
    assert "integration-settings: 0 added, 1 changed, 0 removed" in session.text
    assert settings()[7] == "by hand"
    assert nothing_left(home)
