"""Nothing that is secret or steers a terminal leaves."""

from __future__ import annotations

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.http.redact import MASK, RedactingFilter, clean, redact

SECRET = "s3cr+t/V@lue&1"


@pytest.mark.parametrize(
    "text",
    [
        "plain " + SECRET,
        "GET /x?key=s3cr%2Bt%2FV%40lue%261",
        '{"x": "' + SECRET + '"}',
        "Basic czNjcit0L1ZAbHVlJjE6",
    ],
)
def test_a_known_secret_is_masked_in_every_form(text: str) -> None:
    safe = redact(text, [SECRET])
    assert MASK in safe
    assert "s3cr" not in safe
    assert "czNjc" not in safe


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization='Token token=kkkk'", "kkkk"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("sent Bearer 0123456789abcdef", "0123456789abcdef"),
        ("Token token=abcdef", "abcdef"),
        ("xoxb-12345-abcdef failed", "12345-abcdef"),
        ("https://ada:hunter22@host/x", "hunter22"),
        ("?access_token=abcdef&x=1", "abcdef"),
        ('{"client_secret": "abcdef", "x": 1}', "abcdef"),
        ("password=abcdef", "abcdef"),
        ("api_key: abcdef", "abcdef"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, gone: str) -> None:
    assert gone not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize("text", ["the token endpoint of Docebo", "password wrong", "a course named Basic Security"])
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mred\x1b[0m b", "a red b"),
        ("a\x1b]0;title\x07b", "a b"),
        ("a\r\nb\tc", "a b c"),
        ("a\u202eb\u2066c\x9bd", "a b c d"),
        ("Übung ✓", "Übung ✓"),
        (17, "17"),
    ],
)
def test_remote_words_cannot_steer_a_terminal(text: object, expected: str) -> None:
    assert clean(text) == expected


@given(st.text())
def test_clean_is_one_short_printable_line(text: str) -> None:
    safe = clean(text, 50)
    assert len(safe) <= 50
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or sign in "\u202e\u2028\ud800" for sign in safe)


def test_the_log_filter_masks_message_arguments_traceback_and_extras() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(lambda: [SECRET]))
    handler.setFormatter(logging.Formatter("%(message)s %(place)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(f"no {SECRET}")
    except ValueError:
        logger.exception("with %s and \x1b[31m%d", SECRET, 5, extra={"place": f"at {SECRET}"}, stack_info=True)
    logger.info("wrong %d", SECRET, extra={"place": ""})
    text = stream.getvalue()
    assert "s3cr" not in text
    assert "\x1b" not in text
    assert "and 5 at ***" in text
    assert "ValueError: no ***" in text
    assert "unreadable log record" in text
