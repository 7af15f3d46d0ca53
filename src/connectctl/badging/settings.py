"""Reads and checks an integration's settings, all of them, once per run (CR-42, GN-08 to GN-12)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from connectctl.errors import SettingInvalid, SettingMissing
from connectctl.plugins.specs import SettingSpec

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
# Years that no zone or day's overlap can carry out of the calendar.
_DATE = re.compile(r"(19[7-9]\d|2\d{3})-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(_DATE.pattern + r" \d{2}:\d{2}:\d{2}", re.ASCII)


def day_start(text: str, timezone: str) -> datetime:
    """The moment a date setting means, in the profile's zone: `YYYY-MM-DD` (its first moment) or with a time (GN-10).

    Raises ValueError for anything else.
    """
    zone = ZoneInfo(timezone)
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone)
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time(), zone)
    except ValueError:  # a month 13, a day 31 in April
        pass
    raise ValueError("is not a date of the form YYYY-MM-DD or YYYY-MM-DD HH:MM:SS")


def parse_setting(spec: SettingSpec, text: str, timezone: str) -> Any:
    """The typed value of a setting; None when blank. Raises ValueError with the reason."""
    if text == "":
        return None
    if spec.kind == "date":
        return day_start(text, timezone)
    if spec.kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("must be the word true or false, in lower case")
        return text == "true"
    if spec.kind == "integer":
        if not re.fullmatch(r"\d{1,9}", text):
            raise ValueError("must be a whole number, not negative")
        low, high = spec.minimum or 0, spec.maximum
        if int(text) < low or (high is not None and int(text) > high):
            raise ValueError(f"must lie between {low} and {high}")
        return int(text)
    if spec.kind == "email" and not _EMAIL.fullmatch(text):
        raise ValueError("must be one e-mail address")
    if spec.kind == "choice":
        if text.upper() not in spec.choices:
            raise ValueError("must be one of " + ", ".join(spec.choices) + " or blank")
        return text.upper()
    return text


def read_settings(
    integration: str, specs: Sequence[SettingSpec], rows: Mapping[str, str], timezone: str
) -> dict[str, Any]:
    """Every declared setting, typed, defaults filled in. Raises SettingInvalid naming every bad row at once."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    first = ""
    for spec in specs:
        try:
            value = parse_setting(spec, rows.get(spec.name, ""), timezone)
        except ValueError as error:
            wrong.append(f"{spec.name} {error}, it is {rows[spec.name]!r}")
            first = first or spec.name
            continue
        values[spec.name] = spec.default if value is None else value
    names = [spec.name for spec in specs]
    for name in sorted(set(rows) - set(names)):
        close = get_close_matches(name, names, 1)
        if close:
            wrong.append(f"{name} is no setting: is {close[0]} meant?")
    for spec in specs:
        meant = None if spec.alias is None else alias_text(spec, rows.get(spec.name, ""))
        if spec.alias is None or meant is None:
            continue
        other = next(found for found in specs if found.name == spec.alias.of)
        if rows.get(other.name, "") in ("", meant):
            values[other.name] = parse_setting(other, meant, timezone)
        else:
            wrong.append(f"{other.name} and {spec.name} say the opposite of each other")
            first = first or spec.name
    if wrong:
        command = f"lookup set integration-settings {integration} {first or names[0]} Value=…"
        raise SettingInvalid(
            f"Table integration-settings, integration {integration}: " + "; ".join(wrong), hint=f"connectctl {command}"
        )
    return values


def alias_text(spec: SettingSpec, text: str) -> str | None:
    """What the value of an alias means as a value of the setting that it stands for; None when it says nothing."""
    return spec.alias.values.get(text.upper()) if spec.alias else None


def required(integration: str, name: str, value: Any, example: str) -> Any:
    """The value, or SettingMissing with the command that sets it."""
    if value in (None, ""):
        raise SettingMissing(
            f"Table integration-settings has no value for {integration} {name}",
            hint=f'connectctl lookup set integration-settings {integration} {name} Value="{example}"',
        )
    return value
