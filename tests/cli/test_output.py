import csv
import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.cli.output import Progress, colours, csv_text, cut, emit, width

ROWS: list[dict[str, Any]] = [
    {"name": "Ada\tLovelace", "ok": True, "n": 1, "none": None},
    {"name": "日本\x1b[31m", "ok": False, "n": 20, "list": ["a", "b"]},
]
COLUMNS = ("name", "ok", "n", "none", "list")


def test_piped_rows_are_tab_separated_lines(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, COLUMNS)
    assert capsys.readouterr().out.split("\n") == [
        "name\tok\tn\tnone\tlist",
        "Ada Lovelace\ttrue\t1\t\t",
        "日本\tfalse\t20\t\ta, b",
        "",
    ]


def test_a_table_is_aligned_also_with_wide_letters(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, ("name", "ok"), "table")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name          ok", "Ada Lovelace  true", "日本          false"]
    assert (
        len({width(line[: line.index(word)]) for line, word in zip(lines, ("ok", "true", "false"), strict=True)}) == 1
    )


def test_json_is_one_document_without_anything_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": "\x1b[2J\x9b\u202e\u2028ü\ud800", "b": None}]
    emit(rows, ("a",), "json")
    out = capsys.readouterr().out
    assert json.loads(out) == rows
    assert not set(out) & set("\x1b\x9b\u202e\u2028")
    assert "ü" in out


def test_csv_protects_formulas() -> None:
    text = csv_text([{"a": "=1+1", "b": 'x"y,z\n'}], ("a", "b"))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], ["'=1+1", 'x"y,z\n']]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｆ", 2), ("\u200b", 0), ("", 0), ("😀", 2)]
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(max_size=20), st.integers(1, 20))
def test_what_is_cut_fits(text: str, room: int) -> None:
    assert width(cut(text, room)) <= room
    if width(text) <= room:
        assert cut(text, room) == text


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "tty", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
    ],
)
def test_colours(env: dict[str, str], tty: bool, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert colours(Tty() if tty else io.StringIO()) is expected
    assert colours(None) is (
        expected if "CLICOLOR_FORCE" in env and "NO_COLOR" not in env and env["CLICOLOR_FORCE"] == "1" else False
    )


class Steps:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(stream: io.StringIO, seconds: float, **options: Any) -> str:
    clock = Steps()
    with Progress("Reading", 100, stream=stream, clock=clock, **options) as progress:
        for _ in range(100):
            clock.now += seconds / 100
            progress.advance()
    return stream.getvalue()


def test_without_a_terminal_progress_is_a_line_every_ten_seconds() -> None:
    assert shown(io.StringIO(), 25) == "Reading: 40 of 100\nReading: 80 of 100\n"
    assert shown(io.StringIO(), 5) == ""


def test_on_a_terminal_progress_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(Tty(), 5)
    assert "\r[##########..........] Reading: 5" in text
    assert "\n" not in text
    assert text.endswith(" \r")
    assert text.count("\r") < 60
    monkeypatch.setenv("TERM", "dumb")
    assert shown(Tty(), 25).startswith("Reading: 40 of 100\n")


def test_quiet_silences_progress_and_a_lost_stderr_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(Tty(), 25, quiet=True) == ""
    assert shown(io.StringIO(), 25, quiet=True) == ""
    closed = io.StringIO()
    closed.close()
    with Progress("x", stream=closed, clock=Steps()) as progress:
        progress.advance()
    monkeypatch.setattr(sys, "stderr", None)
    with Progress("x") as progress:
        progress.advance()
