"""docs/requirements.md against the code and the tests: every number is there, and no row claims what is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
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


def problems(row: Row, proven: Mapping[str, set[str]], numbers: Collection[str]) -> Iterator[str]:
    """What a row claims and is not so."""
    if not row.what:
        yield "says nothing"
    if not STATE.fullmatch(row.state):
        yield f"has the unknown state {row.state!r}"
    for path in (*row.code, *row.tests):
        if not (ROOT / path).is_file():
            yield f"names {path}, which is not there"
    for path in row.tests:
        if path not in proven.get(row.number, ()):
            yield f'names {path}, where no test is marked @pytest.mark.req("{row.number}")'
    if not row.code and row.state.startswith(("done", "partly")):
        yield "is built and names no code"
    if not row.tests and row.state == "done":
        yield "is done and names no test"
    if row.code and row.state == "open":
        yield "is open and names code: is it partly done?"
    if row.number in proven and row.state == "open":
        yield f"is listed open, and proven in {', '.join(sorted(proven[row.number]))}"
    if row.state.startswith("replaced by") and row.state.removeprefix("replaced by ") not in numbers:
        yield "is replaced by a number that is not there"


def test_no_row_claims_what_is_not_so() -> None:
    assert [f"{row.number} {problem}" for row in ROWS for problem in problems(row, MARKED, BY_NUMBER)] == []


CODE, TEST = "src/connectctl/model.py", "tests/test_requirements.py"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row("GN-01", "it", "done", (CODE,), (TEST,)), ""),
        (Row("GN-02", "it", "open", (), ()), ""),
        (Row("GN-02", "it", "partly: batch", (CODE,), ()), ""),
        (Row("GN-02", "it", "replaced by GN-01", (), ()), ""),
        (Row("GN-02", "", "open", (), ()), "says nothing"),
        (Row("GN-02", "it", "nearly", (), ()), "unknown state"),
        (Row("GN-02", "it", "partly:", (CODE,), ()), "unknown state"),
        (Row("GN-01", "it", "done", ("src/gone.py",), (TEST,)), "src/gone.py, which is not there"),
        (Row("GN-01", "it", "done", (CODE,), ("tests/gone.py",)), "tests/gone.py, which is not there"),
        (Row("GN-02", "it", "done", (CODE,), (TEST,)), 'no test is marked @pytest.mark.req("GN-02")'),
        (Row("GN-01", "it", "done", (), (TEST,)), "names no code"),
        (Row("GN-02", "it", "done", (CODE,), ()), "names no test"),
        (Row("GN-02", "it", "open", (CODE,), ()), "is it partly done?"),
        (Row("GN-01", "it", "open", (), ()), f"proven in {TEST}"),
        (Row("GN-02", "it", "replaced by GN-99", (), ()), "replaced by a number that is not there"),
    ],
)
def test_the_checks_see_a_false_row(row: Row, words: str) -> None:
    found = "; ".join(problems(row, {"GN-01": {TEST}}, ("GN-01", "GN-02")))
    assert words in found if words else not found


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
