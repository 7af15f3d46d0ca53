"""docs/requirements.md against the code and the tests: every number is there, and no row claims what is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "requirements.md"

NUMBER = re.compile(r"(?:GN|CR|AC|EX|SL|UF)-\d{2,}")
RANGE = re.compile(r"## .*\(([A-Z]{2})-01 to \1-(\d{2,})\)")
STATE = re.compile(r"done|open|partly: \S.*|replaced by (?:GN|CR|AC|EX|SL|UF)-\d{2,}")
NOTHING = "–"


@dataclass(frozen=True)
class Row:
    number: str
    what: str
    state: str
    code: tuple[str, ...]
    tests: tuple[str, ...]


def read_page(text: str) -> tuple[dict[str, int], list[Row]]:
    """How many numbers each series has by its heading, and the rows."""
    series = {match[1]: int(match[2]) for match in RANGE.finditer(text)}
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and NUMBER.fullmatch(cells[0]):
            assert len(cells) == 5, f"{cells[0]}: {len(cells)} cells, five are expected"
            rows.append(Row(cells[0], cells[1], cells[2], paths(cells[3]), paths(cells[4])))
    return series, rows


def paths(cell: str) -> tuple[str, ...]:
    found = tuple(re.findall(r"`([^`]+)`", cell))
    assert found or cell == NOTHING, f"{cell!r}: paths in backticks, or {NOTHING}"
    return found


def marks(source: str) -> Iterator[str]:
    """The numbers in every `pytest.mark.req(...)` of a file, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.req":
            for argument in node.args:
                assert isinstance(argument, ast.Constant), f"line {node.lineno}: a mark takes literal numbers"
                yield str(argument.value)


def marked(files: Iterable[Path]) -> dict[str, set[str]]:
    """Test files by the number they are marked with."""
    found: dict[str, set[str]] = {}
    for file in files:
        for number in marks(file.read_text(encoding="utf-8")):
            found.setdefault(number, set()).add(file.relative_to(ROOT).as_posix())
    return found


SERIES, ROWS = read_page(PAGE.read_text(encoding="utf-8"))
BY_NUMBER = {row.number: row for row in ROWS}
MARKED = marked(sorted([*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]))


def test_every_number_of_every_series_is_listed_once_and_in_order() -> None:
    assert set(SERIES) == {"GN", "CR", "AC", "EX", "SL", "UF"}
    wanted = [f"{name}-{number:02d}" for name, last in SERIES.items() for number in range(1, last + 1)]
    assert [row.number for row in ROWS] == wanted


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_a_row_says_what_is_true(row: Row) -> None:
    assert row.what
    assert STATE.fullmatch(row.state), row.state
    for path in (*row.code, *row.tests):
        assert (ROOT / path).is_file(), f"{row.number} names {path}, which is not there"
    without = [path for path in row.tests if path not in MARKED.get(row.number, ())]
    assert not without, f'no test in {without} is marked @pytest.mark.req("{row.number}")'
    if row.state == "done":
        assert row.code, f"{row.number} is done and names no code"
        assert row.tests, f"{row.number} is done and names no test"
    if row.state.startswith("partly"):
        assert row.code, f"{row.number} is partly done and names no code"
    if row.state == "open":
        assert not row.code, f"{row.number} is open and names code: is it partly done?"
        assert row.number not in MARKED, f"{row.number} is listed open, and proven in {MARKED[row.number]}"
    if row.state.startswith("replaced by"):
        assert row.state.removeprefix("replaced by ") in BY_NUMBER


def test_marks_name_known_numbers() -> None:
    assert {number: files for number, files in MARKED.items() if number not in BY_NUMBER} == {}


def test_marks_are_found_wherever_they_stand() -> None:
    source = """
pytestmark = pytest.mark.req("GN-01")
@pytest.mark.req("GN-02", "GN-03")
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.req("GN-04"))])
def test(x): ...
"""
    assert sorted(marks(source)) == ["GN-01", "GN-02", "GN-03", "GN-04"]


def test_a_mark_that_is_not_literal_is_refused() -> None:
    with pytest.raises(AssertionError, match="literal"):
        list(marks("pytest.mark.req(NUMBER)"))
