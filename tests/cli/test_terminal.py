"""What happens on a real terminal: tables, colours, hidden prompts, questions, the bar."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Start = Callable[..., Any]


def test_rows_are_a_table_with_a_bold_head_that_fits(terminal: Start, process: Start) -> None:
    process("lookup", "set", "integration-settings", "CREDLY", "KEY", "Value=" + "日本 long " * 30)
    for columns in (40, 80):
        session = terminal("lookup", "show", "integration-settings", columns=columns)
        assert session.end() == 0
        head, row = session.text.replace("\r\n", "\n").splitlines()
        assert head.startswith("\x1b[1m#   Integration  Key  Value")
        assert row.startswith("#1  CREDLY       KEY  日本 long")
        assert row.endswith("…")
        assert len(row) <= columns


def test_no_colour_where_it_is_not_wanted(terminal: Start) -> None:
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        session = terminal("plugin", "list", env=env)
        assert session.end() == 0
        assert "\x1b" not in session.text
    session = terminal("lookpu")
    assert session.end() == 2
    assert "\x1b[31mError:\x1b[0m" in session.text


def test_colour_can_be_forced_into_a_pipe_but_not_into_json(process: Start) -> None:
    force = {"CLICOLOR_FORCE": "1"}
    assert b"\x1b[31mError:" in process("lookpu", env=force).stderr
    assert b"\x1b" not in process("plugin", "list", "--json", env=force).stdout


def test_a_secret_is_asked_for_and_not_echoed(terminal: Start, home: Path) -> None:
    session = terminal("connection", "set", "docebo", "password")
    session.wait_for("docebo.password")
    session.send("hunter2-hunter2\n")
    assert session.end() == 0
    assert "hunter2" not in session.text
    assert tomllib.loads((home / "config.toml").read_text())["connections"]["docebo"]["password"] == "hunter2-hunter2"


def test_what_is_no_secret_is_asked_for_openly(terminal: Start) -> None:
    session = terminal("connection", "set", "docebo", "client_id")
    session.wait_for("docebo.client_id")
    session.send("the-client\n")
    assert session.end() == 0
    assert "the-client" in session.text


def test_an_answer_refused_with_ctrl_d(terminal: Start, home: Path) -> None:
    session = terminal("connection", "set", "docebo", "client_id")
    session.wait_for("docebo.client_id")
    session.send("\x04")
    assert session.end() == 130
    assert not (home / "config.toml").exists()


BAR = """
import time
from connectctl.cli.session import Session
session = Session()
with session.progress("Reading courses", 3) as progress:
    for _ in range(3):
        progress.advance()
        progress._shown = 0
    session.say("a remark")
    print("answer", session.confirm("Go on?", False))
"""


def test_a_remark_and_a_question_do_not_stand_in_the_bar(terminal: Start) -> None:
    session = terminal(code=BAR)
    session.wait_for("Go on? [y/N]: ")
    session.send("y\n")
    assert session.end() == 0
    assert "[####################] Reading courses: 3 of 3" in session.text
    assert "\r" + " " * 46 + "\ra remark\r\n" in session.text
    assert "answer True" in session.text


def test_nobody_is_asked_without_a_terminal(process: Start) -> None:
    import subprocess
    import sys

    code = (
        "from connectctl.cli.session import Session; s = Session(); print(s.confirm('?', False), s.confirm('?', True))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, stdin=subprocess.DEVNULL, check=True)
    assert done.stdout == b"False True\n"
