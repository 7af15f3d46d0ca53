"""Credly's JSON into records: whatever comes, a record or a DataError that names the place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.api import Credential, DataError, Template
from connectctl_credly import records

BADGE = {"id": "b1", "state": "accepted", "badge_template": {"id": "t1"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    *("id", "name", "state", "created_at", "allow_duplicate_badges", "badge_template", "user", "recipient_email"),
    *("issuer_earner_id", "expires_at", "replacement_badge_id", "evidence", "email", "title", "description"),
)
LIKELY = st.recursive(
    JSON | st.sampled_from(["active", "archived", "accepted", "pending", "2026-01-01T00:00:00Z"]),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@given(JSON | LIKELY)
def test_arbitrary_json_raises_nothing_but_a_data_error(value: Any) -> None:
    for parse, kind in ((records.template, Template), (records.credential, Credential)):
        try:
            found = parse(value)
        except DataError as error:
            assert error.message.startswith("Credly: ")  # noqa: PT017 - whichever of the two comes
        else:
            assert isinstance(found, kind)


@given(st.dictionaries(st.sampled_from(NAMES), LIKELY))
def test_a_badge_with_any_field_spoiled(spoiled: dict[str, Any]) -> None:
    try:
        found = records.credential(BADGE | spoiled)
    except DataError:
        return
    assert all(isinstance(email, str) and email == email.strip().lower() for email in found.emails)
    assert found.expires_at is None or found.expires_at.tzinfo is UTC
    assert found.earner_id is None or found.earner_id.strip()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (None, None),
        ("", None),
        (False, None),
        ("2026-02-10T17:31:05.123Z", datetime(2026, 2, 10, 17, 31, 5, 123000, tzinfo=UTC)),
        ("2026-02-10T12:31:05-05:00", datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)),
        ("2026-02-10 17:31:05", datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)),
        ("2026-02-10", datetime(2026, 2, 10, tzinfo=UTC)),
    ],
)
def test_a_moment(value: Any, moment: datetime | None) -> None:
    assert records.moment(value, "here") == moment


@pytest.mark.parametrize(
    "value", ["soon", 5, True, [], {"at": 1}, "2026-13-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
)
def test_no_moment(value: Any) -> None:
    with pytest.raises(DataError, match="here is not a time"):
        records.moment(value, "here")


def test_the_addresses_of_a_badge_are_all_that_name_the_learner() -> None:
    found = records.credential(
        BADGE | {"recipient_email": " Ada@Example.ORG ", "user": {"email": "a.byron@example.org"}}
    )
    assert found.emails == {"ada@example.org", "a.byron@example.org"}


@pytest.mark.parametrize(
    ("evidence", "marks"),
    [
        ([{"id": "connectctl-1"}], ("connectctl-1",)),
        ([{"id": "x", "description": "a course (88) [connectctl-2]"}], ("connectctl-2",)),
        ([{"description": "made by connectctl"}], ()),
        (None, ()),
        ("connectctl-3", ()),
        ([None, "connectctl-3", {"id": 7}], ()),
    ],
)
def test_marks_are_read_from_id_and_description(evidence: Any, marks: tuple[str, ...]) -> None:
    assert records.credential(BADGE | {"evidence": evidence}).marks == marks


@pytest.mark.parametrize(("given_id", "earner"), [(4711, "4711"), (" 4711 ", "4711"), ("", None), (None, None)])
def test_an_earner_id_is_a_text(given_id: Any, earner: str | None) -> None:
    assert records.credential(BADGE | {"issuer_earner_id": given_id}).earner_id == earner
