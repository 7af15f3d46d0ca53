"""Accredible's many ways to say no, and which of them mean that somebody has the credential already."""

from __future__ import annotations

import pytest
from hypothesis import given

from connectctl_accredible.refusals import refusal

from .test_records import JSON


@pytest.mark.parametrize(
    ("answer", "words", "duplicate"),
    [
        ({"errors": "Group does not exist"}, "Group does not exist", False),
        ({"error": "Credential not found"}, "Credential not found", False),
        ({"success": False, "data": "No such thing"}, "No such thing", False),
        ({"errors": {"course_name": ["can't be blank"]}}, "course_name: can't be blank", False),
        (
            {"errors": {"credential": ["Email has already been taken"]}},
            "credential: Email has already been taken",
            True,
        ),
        ({"errors": {"recipient.email": ["has already been taken in this group"]}}, "already been taken", True),
        ({"errors": "Recipient email has already been taken"}, "already been taken", True),
        ({"errors": {"recipient.email": ["is invalid"]}}, "recipient.email: is invalid", False),
        ({"errors": {"recipient.email": ["exists in this group"]}}, "exists", True),
        ({"errors": {"id": ["has already been taken"]}}, "id: has already been taken", True),
        (
            {
                "errors": {
                    "code": "credential_invalid",
                    "message": "Invalid",
                    "details": [{"property": "recipient.email", "message": "has already been taken"}],
                }
            },
            "Invalid; recipient.email: has already been taken",
            True,
        ),
        (
            {
                "error": {
                    "code": "credential_invalid",
                    "message": "Invalid",
                    "details": [{"property": "recipient_name", "reason": "blank"}],
                }
            },
            "Invalid; recipient_name: blank",
            False,
        ),
        (
            {"credential": {}, "errors": {"code": "insufficient_credits", "message": "Not enough credits"}},
            "Not enough credits",
            False,
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(answer: object, words: str, duplicate: bool) -> None:
    said = refusal(answer)
    assert said is not None
    assert words in said.words
    assert said.duplicate is duplicate


@pytest.mark.parametrize("answer", [None, [], "no", {}, {"errors": None}, {"errors": {}}, {"errors": []}])
def test_what_refuses_nothing_is_none(answer: object) -> None:
    assert refusal(answer) is None


def test_words_are_cut_and_cleaned() -> None:
    said = refusal({"errors": "\x1b[31mred\x00" + "x" * 5000})
    assert said is not None
    assert "\x1b" not in said.words
    assert len(said.words) <= 300


@given(JSON, JSON)
def test_whatever_is_said_is_words_or_nothing(errors: object, data: object) -> None:
    said = refusal({"errors": errors, "data": data, "success": False})
    assert said is not None
    assert said.words
    assert said.duplicate in (True, False)
