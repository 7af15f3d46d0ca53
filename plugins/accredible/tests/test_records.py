"""Accredible's JSON into records, in every spelling that the documents and recordings have."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import DataError
from connectctl_accredible import records

from .orders import MARK, found, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def test_all_shapes_of_a_credential_give_the_same() -> None:
    alone = records.credential(shown(expired_on="2027-01-01"))
    listed = records.credential(
        found(
            expired_on="2027-01-01",
            license_id=MARK,
            recipient_email=" Ada@Example.org ",
            recipient_id="4711",
            meta_data={"connectctl": MARK},
        )
    )
    for one in (alone, listed):
        assert (one.id, one.template_id, one.state, one.earner_id) == ("1", "7", "accepted", "4711")
        assert (one.emails, one.marks, one.name) == ({"ada@example.org"}, (MARK,), "Empty")
        assert one.issued_at == datetime(2026, 2, 10, tzinfo=UTC)
        assert one.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert (alone.link, listed.link) == ("https://www.credential.example/u1", "")
    assert (alone.updated_at, listed.updated_at) == (None, datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({}, "1"),
        ({"accredible_internal_id": "12", "id": MARK}, "12"),
        ({"accredible_internal_id": None, "id": 900123}, "900123"),
        ({"accredible_internal_id": None, "id": "900123"}, "900123"),
        ({"accredible_internal_id": None, "id": MARK}, MARK),
    ],
)
def test_an_id_is_a_text_whatever_its_type(changes: dict[str, Any], id: str) -> None:
    assert records.credential(shown(**changes)).id == id


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "accepted"),
        ({"approve": False}, "draft"),
        ({"complete": False}, "pending"),
        ({"complete": None}, "accepted"),
        ({"expired_on": "2026-01-01"}, "accepted"),
        ({"expired_on": "2026-01-01", "meta_data": {records.ENDED: "2026-01-01"}}, "revoked"),
        ({"expired_on": "2026-01-02", "meta_data": {records.ENDED: "2026-01-01"}}, "accepted"),
        ({"expired_on": None, "meta_data": {records.ENDED: ""}}, "accepted"),
    ],
)
def test_a_state_follows_from_what_is_shown(changes: dict[str, Any], state: str) -> None:
    assert records.credential(shown(**changes)).state == state


@pytest.mark.parametrize("value", [None, "", 7.5, True, "0B6F2A52-6a0e-4f0e-9a55-5f3f3f0c1d11"])
def test_a_recipient_without_a_key_of_the_callers_has_none(value: object) -> None:
    assert records.credential(shown(recipient={"email": "a@b.example", "id": value})).earner_id is None


@pytest.mark.parametrize("text", ["2026-02-10", "2026-02-10T22:15:00.000Z", "2026-02-11T01:00:00+05:00"])
def test_of_a_timestamp_the_day_counts(text: str) -> None:
    assert records.credential(shown(issued_on=text)).issued_at == datetime(2026, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (None, "not an object"),
        ([], "not an object"),
        (shown(id=None, accredible_internal_id=None), "has no id"),
        (shown(id=True, accredible_internal_id=[]), "has no id"),
        (shown(group_id=None), "has no group"),
        (shown(approve=None), "published"),
        (shown(approve="true"), "published"),
        (shown(issued_on="10.02.2026"), "issued_on of credential 1"),
        (shown(expired_on=20270101), "expired_on of credential 1"),
    ],
)
def test_what_cannot_be_read_is_named(row: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        records.credential(row)


@pytest.mark.parametrize("meta", [None, [], "x", {"connectctl": 5}, {"other": MARK}])
def test_meta_data_of_others_is_no_mark(meta: object) -> None:
    assert records.credential(shown(id="900123", meta_data=meta)).marks == ()


def test_a_group_is_a_template() -> None:
    one = records.group({"id": 4101, "name": " fire ", "course_name": "Fire", "created_at": "2026-01-05T09:10:11.120Z"})
    assert (one.id, one.name, one.state, one.created_at) == ("4101", "fire", "active", "2026-01-05T09:10:11.120Z")
    assert not one.allows_duplicates
    assert records.group({"id": "1", "name": "a", "allow_duplicate_credentials": True}).allows_duplicates
    for row in ({"id": 1}, {"name": "a"}, {"id": 1, "name": " "}, {"id": None, "name": "a"}, 7):
        with pytest.raises(DataError, match="Accredible"):
            records.group(row)


@given(JSON, st.sampled_from(sorted({*shown(), *found()})))
def test_no_value_of_any_field_is_more_than_a_named_error(value: object, name: str) -> None:
    rows = ((records.credential, shown()), (records.event, found()), (records.group, {"id": 1, "name": "a"}))
    for parse, row in rows:
        with suppress(DataError):  # anything else fails the test
            parse({**row, name: value})
