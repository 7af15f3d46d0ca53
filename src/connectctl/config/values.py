"""Whether a setting's text is one its declaration allows. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from connectctl.plugins.names import did_you_mean
from connectctl.plugins.specs import SettingSpec

RATE = re.compile(r"none|[1-9]\d{0,6} ?/ ?([1-9]\d{0,4})? ?(s|secs?|seconds?|m|mins?|minutes?|h|hours?)", re.ASCII)
AGE = re.compile(r"[1-9][0-9]{0,4}d|forever")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")  # GN-10


def check(setting: SettingSpec, text: str) -> str:
    """The text as it counts (trimmed). Raises ValueError with what is expected; the text itself is not in it."""
    value = text if setting.secret else text.strip()
    if not value:
        raise ValueError("must not be blank")
    if any(ord(letter) < 32 and letter not in "\r\n\t" for letter in value):
        raise ValueError("must not hold control characters")
    if setting.kind in _CHECKS:
        _CHECKS[setting.kind](value, setting)
    if setting.choices and value not in setting.choices:
        raise ValueError(f"must be one of {', '.join(setting.choices)}{did_you_mean(value, setting.choices)}")
    return value


def _boolean(value: str, setting: SettingSpec) -> None:
    if value not in ("true", "false"):
        raise ValueError("must be true or false, in lower case")


def _date(value: str, setting: SettingSpec) -> None:
    for form in _DATES:
        try:
            # strptime also takes 2026-1-1; writing it back tells.
            if datetime.strptime(value, form).strftime(form) == value:
                return
        except ValueError:
            continue
    raise ValueError("must be a date as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS")


def _integer(value: str, setting: SettingSpec) -> None:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("must be a whole number")
    if setting.minimum is not None and int(value) < setting.minimum:
        raise ValueError(f"must be at least {setting.minimum}")
    if setting.maximum is not None and int(value) > setting.maximum:
        raise ValueError(f"must be at most {setting.maximum}")


def _email(value: str, setting: SettingSpec) -> None:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be one e-mail address")


def _url(value: str, setting: SettingSpec) -> None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not parts.scheme or re.search(r"\s", value):
        raise ValueError("must be a whole address such as https://host.example")


def _rate(value: str, setting: SettingSpec) -> None:
    if not RATE.fullmatch(value.lower()):
        raise ValueError('must be a rate such as "90/min", "5/s" or "195/30s", or "none"')


def _age(value: str, setting: SettingSpec) -> None:
    if not AGE.fullmatch(value):
        raise ValueError('must be a number of days such as "730d", or "forever"')


def days(value: str) -> timedelta | None:
    """The time that a checked age stands for; None for `forever`."""
    return None if value == "forever" else timedelta(days=int(value.removesuffix("d")))


_CHECKS: dict[str, Callable[[str, SettingSpec], None]] = {
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "email": _email,
    "url": _url,
    "rate": _rate,
    "age": _age,
}
