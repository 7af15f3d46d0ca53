"""Accredible's many ways to say no, read as one (accredible.md 3.2, 3.4, 8). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectctl.api import refusal_words

_TAKEN = ("taken", "duplicate", "already")
_MALFORMED = ("invalid", "blank", "missing", "valid", "format")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was wrong: `words` for people, cleaned; `code`, "" without one; `properties` with what is said of each."""

    words: str
    code: str = ""
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def duplicate(self) -> bool:
        """Whether it says that the credential, or our own id, is there already.

        By the property alone a malformed address would look the same, and full texts are not promised by anybody.
        """
        said = [(name, text.lower()) for name, text in self.properties] or [("", self.words.lower())]
        return any(
            any(word in text for word in _TAKEN)
            or (name in ("recipient.email", "recipient_email") and not any(word in text for word in _MALFORMED))
            for name, text in said
        )


def refusal(answer: object) -> Refusal | None:
    """The refusal in an answer or in one result of a bulk call; None when it holds none."""
    if not isinstance(answer, dict):
        return None
    said = answer.get("errors") or answer.get("error")
    if not said and answer.get("success") is False:
        said = answer.get("data") or answer.get("message") or "success is false"
    if not said:
        return None
    if not isinstance(said, dict):
        return Refusal(refusal_words(said) or "no explanation")
    properties = tuple(_properties(said))
    texts = [refusal_words(said.get("message")), *(f"{name}: {text}" for name, text in properties)]
    code = said.get("code")
    words = "; ".join(dict.fromkeys(text for text in texts if text)) or refusal_words(said)
    return Refusal(words or "no explanation", code if isinstance(code, str) else "", properties)


def _properties(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Property and text, from `details` of v2 and from the lists by field of v1."""
    details = said.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict):
            yield str(one.get("property") or ""), refusal_words(one.get("message"), one.get("reason"))
    for name, texts in said.items():
        if isinstance(texts, list) and name != "details":
            yield str(name), refusal_words(texts)
