"""Docebo's shapes made regular; nonsense is named, never a crash (docebo.md 12)."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectctl.docebo import enrollments, fields
from connectctl.docebo.parse import (
    Place,
    as_id,
    envelope,
    field_values,
    flag,
    ident,
    moment,
    record,
    succeeded,
    text,
)
from connectctl.docebo.token import parse_token
from connectctl.errors import BadAnswer, DataError, Rejected

PLACE = Place("GET", "/x")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4711, "4711"),
        ("13903", "13903"),
        (" 7 ", "7"),
        (7.0, "7"),
        ("5e0c1b7e-0000-4000-8000-000000004711", "5e0c1b7e-0000-4000-8000-000000004711"),
        (True, None),
        (None, None),
        ("", None),
        (-1, None),
        (1.5, None),
        (float("inf"), None),
        (["7"], None),
        ("..", None),
        ("1/2", None),
        ("1|2", None),
        ("1\x1b", None),
        ("٣", None),
        ("x" * 65, None),
    ],
)
def test_ids_are_texts(value: Any, expected: str | None) -> None:
    assert as_id(value) == expected


def test_an_id_is_looked_for_under_each_name() -> None:
    assert ident({"id": None, "course_id": 7}, "id", "course_id") == "7"
    with pytest.raises(DataError, match="id is missing"):
        ident({}, "id", "course_id")
    with pytest.raises(DataError, match="id is not an id"):
        ident({"id": {}}, "id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-02-10 17:31:05", datetime(2025, 2, 10, 17, 31, 5, tzinfo=UTC)),
        ("2025-02-10T17:31:05Z", datetime(2025, 2, 10, 17, 31, 5, tzinfo=UTC)),
        ("2025-02-10T17:31:05+02:00", datetime(2025, 2, 10, 15, 31, 5, tzinfo=UTC)),
        ("2025-02-10", datetime(2025, 2, 10, tzinfo=UTC)),
        (1627384473, datetime(2021, 7, 27, 11, 14, 33, tzinfo=UTC)),
        ("1627384473", datetime(2021, 7, 27, 11, 14, 33, tzinfo=UTC)),
        (1627384473000, datetime(2021, 7, 27, 11, 14, 33, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
        ("", None),
        ("  ", None),
        (None, None),
        (0, None),
    ],
)
def test_dates(value: Any, expected: datetime | None) -> None:
    assert moment(value) == expected


def test_dates_without_zone_are_in_the_platforms() -> None:
    assert moment("2025-07-01 12:00:00", ZoneInfo("Europe/Rome")) == datetime(2025, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", ["yesterday", "2025-02-30", "2025-13-01 00:00:00", True, [], {}, -5, 1e300, "9" * 60])
def test_other_dates_are_named(value: Any) -> None:
    with pytest.raises(DataError, match="not a date"):
        moment(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (1, True),
        ("1", True),
        ("Active", True),
        (False, False),
        (0, False),
        ("0", False),
        ("", False),
        (None, None),
        (2, None),
        ("maybe", None),
        ([], None),
    ],
)
def test_booleans(value: Any, expected: bool | None) -> None:
    assert flag(value) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"name": " A "}, "A"),
        ({"name": {"value": "A"}}, "A"),
        ({"name": {"value": None}, "title": "B"}, "B"),
        ({"name": "", "title": "B"}, "B"),
        ({"name": 5}, "5"),
        ({}, None),
    ],
)
def test_texts(row: dict[str, Any], expected: str | None) -> None:
    assert text(row, "name", "title") == expected


@pytest.mark.parametrize(
    ("data", "page", "items", "more"),
    [
        ({"data": {"items": [1], "has_more_data": False}}, 1, [1], False),
        ({"data": {"items": [1], "has_more_data": True}}, 1, [1], True),
        ({"data": {"items": [1], "has_more_data": 1}}, 1, [1], True),
        ({"data": {"items": [1], "has_more_data": "0"}}, 1, [1], False),
        ({"data": {"items": [1], "has_more_data": True, "total_page_count": 3}}, 3, [1], False),
        ({"data": {"items": [1], "has_more_data": True, "total_page_count": "3"}}, 2, [1], True),
        ({"data": {"items": [], "has_more_data": True}}, 1, [], False),
        ({"data": {"items": [1]}}, 1, [1], False),
        ({"data": {"items": [1], "total_page_count": 2}}, 1, [1], True),
        ({"data": [1, 2]}, 1, [1, 2], False),
        ([1], 1, [1], False),
        ({"items": [1]}, 1, [1], False),
        ({"data": {"plans": [1]}}, 1, [1], False),
    ],
)
def test_envelopes(data: Any, page: int, items: list[int], more: bool) -> None:
    found = envelope(data, PLACE, page, ("plans",))
    assert (list(found.items), found.more) == (items, more)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("text", "the answer is a text"),
        (None, "the answer is null"),
        ({"data": "text"}, "field data is a text"),
        ({"data": None}, "field data is null"),
        ({"data": 5}, "field data is a number"),
        ({"data": {}}, "field data.items is missing"),
        ({"data": {"items": {}}}, "field data.items is an object"),
        ({"data": {"items": None}}, "field data.items is null"),
        ({"data": {"items": [1], "has_more_data": "maybe"}}, "field data.has_more_data is maybe"),
        ({"data": {"items": [1], "total_page_count": -1}}, "field data.total_page_count is -1"),
        ({"data": {"items": [1], "total_page_count": []}}, "field data.total_page_count"),
        ({"data": {"items": [1], "cursor": {"a": 1}}}, "field data.cursor is an object"),
    ],
)
def test_a_malformed_envelope_names_request_and_field(data: Any, what: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        envelope(data, PLACE)
    assert what in caught.value.message
    assert "Docebo answered GET /x" in caught.value.message
    assert (caught.value.connection, caught.value.path) == ("docebo", "/x")
    assert caught.value.hint == "connectctl connection test docebo"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"success": False}, "success is false"),
        ({"data": {"success": False, "message": [{"id": "userid", "message": "taken"}]}}, "userid: taken"),
        ({"data": {"success": "0", "message": "no"}}, "no"),
        ({"success": False, "message": ["a", "b"]}, "a; b"),
    ],
)
def test_success_false_inside_a_200_is_a_refusal(data: Any, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        succeeded(data, PLACE)


def test_records_may_be_wrapped_once_more() -> None:
    assert record({"data": {"user_data": {"id": 1}}}, PLACE, "user_data") == {"id": 1}
    assert record({"data": {"id": 1}}, PLACE, "user_data") == {"id": 1}
    with pytest.raises(BadAnswer, match="field data is a list"):
        record({"data": []}, PLACE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ([], {}),
        ([{"id": "5", "value": "31"}, {"id": 6, "value": None}], {"5": "31", "6": None}),
        ({"5": 31, "6": " "}, {"5": "31", "6": None}),
        ([{"field_id": 5, "value": {"id": 31, "label": "Gold"}}], {"5": "31"}),
        ([{"id": 5, "value": ["31"]}, {"id": 6, "value": []}], {"5": "31", "6": None}),
        ([{"id": 5, "value": True}, {"id": 6, "value": 31.0}], {"5": "1", "6": "31"}),
        ([{"id": 5, "value": ["a", "b"]}], {"5": '["a", "b"]'}),
    ],
)
def test_field_values(value: Any, expected: dict[str, str | None]) -> None:
    assert field_values(value) == expected


@pytest.mark.parametrize("value", ["x", 5, [5], [{"value": 1}], [{"id": [], "value": 1}], {"../": 1}])
def test_field_values_that_cannot_be_read_are_not_blank(value: Any) -> None:
    with pytest.raises(DataError):
        field_values(value)


KEYS = [
    "data", "items", "has_more_data", "total_page_count", "cursor", "success", "message", "id", "value", "name", "type",
    "translations", "dropdown_options", "english", "access_token", "expires_in", "user_data",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("1"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(JSON, st.integers(1, 5))
def test_no_answer_crashes_an_envelope(data: Any, page: int) -> None:
    try:
        found = envelope(data, PLACE, page)
    except (BadAnswer, Rejected):
        return
    assert isinstance(found.items, list)
    assert not (found.more and not found.items)


@given(JSON)
def test_no_value_crashes_a_row_parser(data: Any) -> None:
    for parse in (moment, field_values):
        with contextlib.suppress(DataError):
            parse(data)
    assert as_id(data) is None or isinstance(as_id(data), str)
    assert flag(data) in (True, False, None)
    assert enrollments.is_completed(data) in (True, False)


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_no_row_crashes_a_field_definition(row: dict[str, Any]) -> None:
    try:
        found = fields.definition(row)
    except DataError:
        return
    assert as_id(found.id) == found.id


@given(JSON)
@example({"access_token": "1", "expires_in": 7.5e-230})
def test_no_answer_crashes_the_token_parser(data: Any) -> None:
    try:
        token = parse_token(data, PLACE, NOW)
    except BadAnswer:
        return
    assert token.renew_at > NOW
