"""Bodies and their words, read with suspicion."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.http.answers import Unreadable, parse_json, remote_words


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"\xef\xbb\xbf [1]", [1]),
        (b"", None),
        (b" \n ", None),
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"\\ud800": ["\\udfff"]}', {"\ufffd": ["\ufffd"]}),
        (b"[" * 60 + b"]" * 60, json.loads("[" * 60 + "]" * 60)),
    ],
)
def test_readable(raw: bytes, expected: Any) -> None:
    assert parse_json(raw) == expected


@pytest.mark.parametrize(
    ("raw", "why", "page"),
    [
        (b"<!DOCTYPE html><html>", "a web page", True),
        (b"\xef\xbb\xbf\n<html>", "a web page", True),
        (b'{"a": ', "broken or cut off", False),
        (b"{'a': 1}", "broken or cut off", False),
        (b'{"a": "\xe9"}', "not UTF-8", False),
        (b"\xff\xfe{\x00}\x00", "not UTF-8", False),
        (b"[" * 100_000, "nested too deeply", False),
        (b"[" * 100 + b"]" * 100, "nested too deeply", False),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested too deeply", False),
        (b"9" * 10_000, "broken or cut off", False),
        (b'{"a": 1} {"b": 2}', "broken or cut off", False),
    ],
)
def test_unreadable(raw: bytes, why: str, page: bool) -> None:
    with pytest.raises(Unreadable, match=why) as caught:
        parse_json(raw)
    assert caught.value.page is page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"name": "Bad Request", "message": ["Wrong credentials provided"], "code": 1002},
            "Wrong credentials provided",
        ),
        ({"message": "one"}, "one"),
        ({"message": ["one", "two"]}, "one; two"),
        ({"error": "invalid_client", "error_description": "The client is invalid"}, "The client is invalid"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"name": "Not Found"}, "Not Found"),
        ({"data": {"success": False, "message": [{"id": "userid", "message": "taken"}]}}, "userid: taken"),
        (
            {"data": {"message": "Invalid", "errors": [{"attribute": "recipient_email", "messages": ["is bad"]}]}},
            "Invalid; recipient_email is bad",
        ),
        ({"errors": {"email": ["is invalid"]}}, "email: is invalid"),
        ({"message": None, "error": 7}, "Bad Request"),
        ([], "Bad Request"),
        ("plain", "plain"),
        ({"message": "x\x1b[2Jy\nz"}, "x y z"),
        ({"message": "bad access_token=abcdef"}, "bad access_token=***"),
    ],
)
def test_the_remotes_words(data: Any, words: str) -> None:
    assert remote_words(400, json.dumps(data).encode()) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"<html><title> Sign in </title>", "Sign in"),
        (b"<html>", "Bad Gateway"),
        (b"upstream down", "upstream down"),
        (b"", "Bad Gateway"),
    ],
)
def test_words_of_other_bodies(raw: bytes, words: str) -> None:
    assert remote_words(502, raw) == words


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["message", "errors", "data", "x"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_error_body_crashes(data: Any) -> None:
    words = remote_words(400, json.dumps(data).encode())
    assert 0 < len(words) <= 300


@given(st.binary(max_size=200))
def test_no_bytes_crash(raw: bytes) -> None:
    assert remote_words(500, raw)
    with contextlib.suppress(Unreadable):
        parse_json(raw)
