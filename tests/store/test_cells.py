"""Cells: what people may type, column type by column type."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import ColumnSpec
from connectctl.errors import ConfigError
from connectctl.plugins.specs import ColumnType
from connectctl.store.cells import check_value, date_guesses, format_cell, is_date, mended, parse_cell, value_problem

TEXT, BOOLEAN, INTEGER, DATE = (ColumnSpec("C", kind) for kind in ("text", "boolean", "integer", "date"))


@pytest.mark.req("GN-09", "GN-10")
@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (TEXT, "a b", "a b"),
        (TEXT, " \t\u00a0 a b \n", "a b"),
        (TEXT, "true", "true"),
        (TEXT, "007", "007"),
        (BOOLEAN, "true", True),
        (BOOLEAN, " false ", False),
        (INTEGER, "12", 12),
        (INTEGER, "-3", -3),
        (INTEGER, "+3", 3),
        (INTEGER, "007", 7),
        (INTEGER, "9223372036854775807", 2**63 - 1),
        (DATE, "2026-01-31", "2026-01-31"),
        (DATE, "2024-02-29 23:59:59", "2024-02-29 23:59:59"),
        *((column, blank, None) for column in (TEXT, BOOLEAN, INTEGER, DATE) for blank in ("", "  ", "\u00a0", None)),
    ],
)
def test_a_good_cell(column: ColumnSpec, text: str | None, value: Any) -> None:
    parsed = parse_cell(column, text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.req("GN-09", "GN-10")
@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        *((BOOLEAN, word, "must be true or false") for word in
          ("True", "TRUE", "yes", "no", "1", "0", "on", "False", "truе", "true false", "t")),
        *((INTEGER, word, "must be a whole number") for word in
          ("1.0", "1e3", "1_000", "1,000", "0x10", "٣", "- 3", "--3", "9223372036854775808", "9" * 30, "one")),
        *((DATE, word, "must be a date such as") for word in
          ("2026-02-29", "2026-13-01", "2026-1-1", "01.02.2026", "2026-01-31T08:00:00", "2026-01-31 08:00",
           "2026-01-31  08:00:00", "2026-01-31 24:00:00", "2026-01-31 08:00:00Z", "0000-00-00", "20260131",
           "2026-01-31 08:00:60", "２０２６-01-31", "today")),
    ],
)  # fmt: skip
def test_a_bad_cell(column: ColumnSpec, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        parse_cell(column, text)
    assert refused.value.message.startswith("C is '")


@pytest.mark.parametrize("kind", ["text", "boolean", "integer", "date"])
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_required_cell_must_not_be_blank(kind: ColumnType, blank: str | None) -> None:
    with pytest.raises(ConfigError, match="C must not be blank"):
        parse_cell(ColumnSpec("C", kind, required=True), blank)


def test_a_message_shows_no_control_characters_and_stays_short() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_cell(INTEGER, "\x1b[2J" + "x" * 1000)
    assert "\x1b" not in refused.value.message
    assert len(refused.value.message) < 120


VALUES = st.one_of(
    st.tuples(st.just(TEXT), st.text().map(str.strip).filter(bool)),
    st.tuples(st.just(BOOLEAN), st.booleans()),
    st.tuples(st.just(INTEGER), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(DATE), st.dates().map(str)),
    st.tuples(st.just(DATE), st.datetimes().map(lambda moment: str(moment.replace(microsecond=0)))),
    st.tuples(st.sampled_from([TEXT, BOOLEAN, INTEGER, DATE]), st.none()),
)


@given(VALUES)
def test_a_value_survives_as_text(case: tuple[ColumnSpec, Any]) -> None:
    column, value = case
    assert parse_cell(column, format_cell(column, value)) == value
    assert check_value(column, value) == value


@given(st.text())
def test_a_date_is_a_day_that_exists(text: str) -> None:
    if is_date(text):
        assert str(datetime.fromisoformat(text)).startswith(text)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (TEXT, 5, "is '5'; it must be a text in quotes"),
        (TEXT, True, "it must be a text in quotes"),
        (TEXT, ["a"], "it must be a text in quotes"),
        (BOOLEAN, "true", "is the text 'true'; it must be true or false without quotes"),
        (BOOLEAN, 1, "it must be true or false without quotes"),
        (INTEGER, True, "it must be a whole number"),
        (INTEGER, 1.0, "it must be a whole number"),
        (INTEGER, "1", "is the text '1'; it must be a whole number"),
        (INTEGER, 2**70, "it must be a whole number"),
        (DATE, "yesterday", "it must be a date such as"),
        (DATE, 20260131, "it must be a text in quotes"),
    ],
)
def test_a_typed_value_of_the_wrong_type(column: ColumnSpec, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_value(column, value)


@pytest.mark.req("GN-10")
@pytest.mark.parametrize(
    ("text", "guesses"),
    [
        ("31.12.2026", ("2026-12-31",)),
        ("1.2.2026", ("2026-02-01",)),  # dots: the day comes first everywhere
        ("1/2/2026", ("2026-02-01", "2026-01-02")),
        ("1/31/2026", ("2026-01-31",)),
        ("31/1/2026", ("2026-01-31",)),
        ("2026/1/2", ("2026-01-02",)),
        ("2026-1-2", ("2026-01-02",)),
        ("20260102", ("2026-01-02",)),
        ("2026-01-02T08:30:00", ("2026-01-02 08:30:00",)),
        ("2026-01-02 08:30", ("2026-01-02 08:30:00",)),
        ("2026-01-02T00:00:00Z", ("2026-01-02",)),
        ("2.1.2026 8:30", ("2026-01-02 08:30:00",)),
        ("46024", ("2026-01-02",)),  # the number under the date's format
        ("2026-02-30", ()),
        ("30.2.2026", ()),
        ("today", ()),
        ("", ()),
    ],
)
def test_what_date_was_meant(text: str, guesses: tuple[str, ...]) -> None:
    assert date_guesses(text) == guesses
    if guesses:
        with pytest.raises(ConfigError, match=f"write {' or '.join(guesses)}$"):
            parse_cell(DATE, text)


@given(st.text(st.sampled_from("0123456789-/.: TZ")))
def test_every_guess_is_a_date(text: str) -> None:
    assert all(is_date(guess) for guess in date_guesses(text))


@pytest.mark.parametrize(
    ("column", "value", "problem", "text"),
    [
        (TEXT, 12, "is 12; it must be a text", "12"),
        (TEXT, True, "is true; it must be a text", "true"),
        (TEXT, ["a"], 'is ["a"]; it must be a text', ""),
        (BOOLEAN, "TRUE", "is the text 'TRUE'; it must be true or false", "true"),
        (BOOLEAN, 0, "is 0; it must be true or false", "false"),
        (BOOLEAN, "maybe", "is the text 'maybe'; it must be true or false", ""),
        (INTEGER, "12", "is the text '12'; it must be a whole number", "12"),
        (INTEGER, True, "is true; it must be a whole number", ""),
        (INTEGER, 1.5, "is 1.5; it must be a whole number", ""),
        (INTEGER, 2**63, "is 9223372036854775808; it must be a whole number", ""),
        (DATE, "31.12.2026", "is the text '31.12.2026'; it must be a date", "2026-12-31"),
        (DATE, "1/2/2026", "is the text '1/2/2026'; it must be a date", ""),
        (DATE, 20260131, "is 20260131; it must be a date", "2026-01-31"),
        (ColumnSpec("C", "boolean", required=True), "maybe", "is the text 'maybe'; it must be true or false", None),
        (ColumnSpec("C", required=True), None, "must not be blank", None),
        (ColumnSpec("C", required=True), "  ", "must not be blank", None),
    ],
)
def test_what_an_older_version_left_and_what_it_meant(
    column: ColumnSpec, value: Any, problem: str, text: str | None
) -> None:
    assert value_problem(column, value) == problem
    assert mended(column, value) == text
    if text is not None:
        assert value_problem(column, parse_cell(column, text)) is None


@given(VALUES)
def test_nothing_is_wrong_with_what_a_cell_can_hold(case: tuple[ColumnSpec, Any]) -> None:
    assert value_problem(*case) is None
