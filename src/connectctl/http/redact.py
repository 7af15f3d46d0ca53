"""Secrets leave texts, control characters leave remote words. Light: the log handler uses it before any request."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4  # a shorter "secret" would blank half of every sentence

# C0 and C1 controls (ESC among them), zero-width and bidi marks, separators that start a line, lone surrogates.
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_CONTROLS}]")
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?")

_PATTERNS = (
    re.compile(r"(?i)(\b(?:proxy-)?authorization\b[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|token)\s+)?)[^\s\"',;}]+"),
    re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)(\bbasic\s+)[A-Za-z0-9+/=]{16,}"),
    re.compile(r"(?i)(\btoken\s+token=[\"']?)[^\s\"',;}]+"),
    re.compile(r"()\bxox[a-z]-[A-Za-z0-9-]{4,}"),
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
    re.compile(
        r"(?i)([\"']?\b(?:access_token|refresh_token|id_token|client_secret|client_assertion|assertion|password|passwd"
        r"|api_key|apikey|signing_secret|secret|token)[\"']?\s*[:=]\s*[\"']?)(?!token=)[^\s\"',;&}]+"
    ),
)


def clean(text: object, limit: int = 300) -> str:
    """Remote words made safe to print: one line, no control, escape or bidi characters, at most `limit` long."""
    raw = text if isinstance(text, str) else str(text)
    raw = _SEQUENCE.sub(" ", raw[: limit * 8])
    flat = " ".join(_UNPRINTABLE.sub(" ", raw).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def strip_controls(text: str) -> str:
    """Text of several lines without what could steer a terminal; line ends and tabs stay."""
    return _UNPRINTABLE.sub("", _SEQUENCE.sub("", text))


def forms(secret: str) -> set[str]:
    """The ways in which a secret may appear in a text: plain, in a URL, in JSON, as the password of Basic."""
    found = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found.add(base64.b64encode(f"{secret}:".encode()).decode())
    return {form for form in found if len(form) >= SHORTEST}


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with each known secret, and whatever looks like a credential, replaced by ***."""
    known: set[str] = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            known |= forms(secret)
    for form in sorted(known, key=len, reverse=True):  # a longer one first: one may contain another
        text = text.replace(form, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: match.group(1) + MASK, text)
    return text


class KnownSecrets:
    """The secrets this process has used so far; only ever asked in order to blank them out."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._lock = threading.Lock()

    def add(self, *secrets: str) -> None:
        with self._lock:
            self._values.update(secret for secret in secrets if len(secret) >= SHORTEST)

    def values(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._values)


KNOWN = KnownSecrets()
"""Filled by the auth objects, read by the filter. One per process, because the log handlers are."""


def known_secrets() -> tuple[str, ...]:
    """Every secret this process has resolved or been given by a remote."""
    from connectctl.config.secrets import known

    return (*KNOWN.values(), *known())


class RedactingFilter(logging.Filter):
    """The second net, on the log handler: blanks secrets in message, traceback and extra texts of each record."""

    def __init__(self, secrets: Callable[[], Iterable[str]] = known_secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        secrets = tuple(self._secrets())

        def safe(text: str) -> str:
            return strip_controls(redact(text, secrets))

        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a wrong format string must not stop a run nor let its arguments through
            message = f"unreadable log record from {record.name}:{record.lineno}"
        record.msg, record.args = safe(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = safe(record.exc_text)
        if record.stack_info:
            record.stack_info = safe(record.stack_info)
        for name, value in list(record.__dict__.items()):
            if name not in _STANDARD and isinstance(value, str):
                record.__dict__[name] = safe(value)
        return True


_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "asctime"}
