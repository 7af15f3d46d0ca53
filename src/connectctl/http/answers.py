"""What a remote sent, read with suspicion: bounded, parsed, its words cleaned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import responses
from typing import Any

from connectctl.http.redact import clean, known_secrets, redact

MOST_BYTES = 64 * 1024 * 1024
MOST_DEPTH = 64

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})", re.IGNORECASE)

# The order of apis/docebo.md 2.6, with the keys of Credly and Accredible behind it.
_WORDS = ("message", "error_description", "errors", "error", "detail", "title", "name")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `data` is parsed JSON, None when the body was empty; header names are case-insensitive."""

    status: int
    data: Any
    headers: Mapping[str, str]


class Unreadable(ValueError):
    """A body that is not the JSON it should be; says why. `page`: it is a web page."""

    def __init__(self, why: str, *, page: bool = False) -> None:
        super().__init__(why)
        self.page = page


def parse_json(raw: bytes) -> Any:
    """The body as JSON; NaN and Infinity become None, lone surrogates a replacement mark. Raises Unreadable.

    What begins with `<` is a web page whatever its content type says, and JSON sent as text/html is still JSON
    (seen with PHP back ends), so the body decides.
    """
    text = raw.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return None
    if text.startswith(b"<"):
        raise Unreadable("a web page instead of JSON", page=True)
    try:
        data = json.loads(text.decode("utf-8"), parse_constant=lambda word: None)
    except UnicodeDecodeError:
        raise Unreadable("a text that is not UTF-8") from None
    except RecursionError:
        raise Unreadable("JSON that is nested too deeply") from None
    except ValueError:
        raise Unreadable("broken or cut off JSON") from None
    if _too_deep(data):
        raise Unreadable("JSON that is nested too deeply")
    if _SURROGATE.search(text):
        data = _whole_characters(data)
    return data


def remote_words(status: int, raw: bytes) -> str:
    """The remote's own explanation of an error, cleaned, without secrets, at most 300 characters."""
    words = ""
    try:
        words = "; ".join(dict.fromkeys(_words(parse_json(raw))))
    except Unreadable as error:
        if error.page:
            title = _TITLE.search(raw[:20_000].decode("utf-8", "replace"))
            words = title[1] if title else ""
        else:
            words = raw[:300].decode("utf-8", "replace")
    safe = clean(redact(clean(words, 2000), known_secrets()))
    return safe or responses.get(status, "no explanation")


def refusal_words(*parts: Any) -> str:
    """The explanation inside parsed answers, the first that has one; cleaned like `remote_words`."""
    for part in parts:
        words = "; ".join(dict.fromkeys(_words(part)))
        if words:
            return clean(redact(clean(words, 2000), known_secrets())).rstrip(".")
    return ""


def _words(data: Any, depth: int = 0) -> Iterator[str]:
    """The explaining texts of an error body, the most telling first."""
    if isinstance(data, str):
        if data.strip():
            yield data
    elif isinstance(data, list):
        for item in data[:10]:
            if depth < 5:
                yield from _words(item, depth + 1)
    elif isinstance(data, dict) and depth < 5:
        for key in _WORDS:
            found = list(_words(data.get(key), depth + 1))
            if found:
                about = data.get("attribute") or data.get("field") or (depth and data.get("id"))
                prefix = f"{about}: " if isinstance(about, str) and about else ""
                yield prefix + "; ".join(found)
                if key == "message":
                    # Credly: "message" says that something is wrong, "errors" what.
                    yield from _words(data.get("errors"), depth + 1)
                return
        if "messages" in data:
            about = data.get("attribute")
            prefix = f"{about} " if isinstance(about, str) else ""
            yield from (prefix + word for word in _words(data["messages"], depth + 1))
        elif "data" in data:
            yield from _words(data["data"], depth + 1)
        else:  # {"email": ["is invalid"]}
            for key, value in list(data.items())[:10]:
                if isinstance(value, (list, dict)):
                    yield from (f"{key}: {word}" for word in _words(value, depth + 1))


def _too_deep(data: Any) -> bool:
    level: list[Any] = [data]
    for _ in range(MOST_DEPTH + 1):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _whole_characters(data: Any) -> Any:
    """The same data without lone surrogates, which no database or terminal can encode."""
    if isinstance(data, str):
        return data.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(data, list):
        return [_whole_characters(item) for item in data]
    if isinstance(data, dict):
        return {_whole_characters(key): _whole_characters(value) for key, value in data.items()}
    return data
