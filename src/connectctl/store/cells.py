"""Cells: the text that people type and read, and the value that the table holds. The one place that decides it.

A boolean is one of the words true and false (GN-09), a date a day that exists (GN-10), an integer plain digits of 64
bits (no 1e3, no 1_000). A text may hold anything, control characters too: remotes send them, and exports must come
back unharmed; what people see is cleaned when it is shown.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectctl.errors import SettingInvalid

if TYPE_CHECKING:
    from connectctl.plugins.specs import ColumnSpec

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")
INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
LIMIT = 2**63


class CellInvalid(SettingInvalid):
    """A cell's text does not fit its column."""


def parse_cell(column: ColumnSpec, text: str | None) -> Any:
    """The value: str, bool, int, a date as text (GN-10), or None for a blank. Raises CellInvalid."""
    text = (text or "").strip()
    if not text:
        if column.required:
            raise CellInvalid(f"{column.name} must not be blank")
        return None
    if column.type == "boolean":
        if text not in ("true", "false"):
            raise CellInvalid(f"{column.name} is {shown(text)}; it must be true or false")  # GN-09
        return text == "true"
    if column.type == "integer":
        if not INTEGER.fullmatch(text):
            raise CellInvalid(f"{column.name} is {shown(text)}; it must be a whole number")
        if not -LIMIT <= int(text) < LIMIT:
            raise CellInvalid(f"{column.name} is {shown(text)}; it must be a whole number of at most 64 bits")
        return int(text)
    if column.type == "date" and not is_date(text):
        raise CellInvalid(f"{column.name} is {shown(text)}; {_date_words(text)}")
    return text


def format_cell(column: ColumnSpec, value: Any) -> str:
    """The text of a value; `parse_cell` gives the value back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check_value(column: ColumnSpec, value: Any) -> Any:
    """The same as `parse_cell` for a value that has a type already, as in JSON. Raises CellInvalid."""
    if value is None or isinstance(value, str):
        if isinstance(value, str) and value.strip() and column.type in ("boolean", "integer"):
            raise CellInvalid(f"{column.name} is the text {shown(value)}; it must be {_json_name(column)}")
        if value and column.type == "text" and (value.strip() or not column.required):
            return value  # it stands in quotes, so its spaces are meant
        return parse_cell(column, value)
    if column.type == "boolean" and isinstance(value, bool):
        return value
    if column.type == "integer" and isinstance(value, int) and not isinstance(value, bool):
        return parse_cell(column, str(value))
    raise CellInvalid(f"{column.name} is {shown(repr(value))}; it must be {_json_name(column)}")


def is_date(text: str) -> bool:
    """GN-10: `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`, and a day that exists."""
    if not DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


# How spreadsheets and other programs write a day: year first, day first with dots, slashes in either order.
_YEAR_FIRST = re.compile(
    r"([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(?:[T ]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)Z?)?"
)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(?: ([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?")
_SERIAL = re.compile(r"[2-6][0-9]{4}")  # days since 1899-12-30: what is left when a spreadsheet drops the format


def date_guesses(text: str) -> tuple[str, ...]:
    """The dates (GN-10) that a text of another form may mean, likeliest first; two where day and month could swap."""
    text = text.strip()
    found: list[str] = []
    if _SERIAL.fullmatch(text):
        found.append((date(1899, 12, 30) + timedelta(days=int(text))).isoformat())
    elif match := _YEAR_FIRST.fullmatch(text):
        found.append(_written(match[1], match[2], match[3], match[4]))
    elif match := _YEAR_LAST.fullmatch(text):
        found.append(_written(match[4], match[3], match[1], match[5]))
        if match[2] == "/":
            found.append(_written(match[4], match[1], match[3], match[5]))
    return tuple(dict.fromkeys(guess for guess in found if is_date(guess)))


def _written(year: str, month: str, day: str, clock: str | None) -> str:
    text = f"{year}-{int(month):02}-{int(day):02}"
    if clock:
        hours, _, rest = clock.partition(":")
        text += f" {int(hours):02}:{rest if ':' in rest else f'{rest}:00'}"
    return text.removesuffix(" 00:00:00")  # midnight was not meant but filled in


def _date_words(text: str) -> str:
    guesses = date_guesses(text)
    meant = f"; write {' or '.join(guesses)}" if guesses else ""
    return f"it must be a date such as 2026-01-31 or 2026-01-31 08:30:00{meant}"


def value_problem(column: ColumnSpec, value: Any) -> str | None:
    """What is wrong with a value that a table holds, such as one left by an older version; None when it fits."""
    if value is None or value == "":
        return "must not be blank" if column.required else None
    fits = {
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool) and -LIMIT <= value < LIMIT,
        "date": isinstance(value, str) and is_date(value),
    }[column.type]
    if fits:
        return "must not be blank" if column.required and isinstance(value, str) and not value.strip() else None
    if isinstance(value, str):
        return f"is the text {shown(value)}; it must be {_TYPE_WORDS[column.type]}"
    return f"is {json.dumps(value, ensure_ascii=False)[:40]}; it must be {_TYPE_WORDS[column.type]}"


def mended(column: ColumnSpec, value: Any) -> str | None:
    """The text that makes the cell fit: what the value surely meant, else a blank; None where that is not allowed."""
    word = str(value if value is not None else "").strip()
    guess = ""
    if column.type == "text":
        guess = format_cell(column, value).strip() if isinstance(value, (str, int, float)) else ""
    elif column.type == "boolean":
        guess = {"true": "true", "1": "true", "false": "false", "0": "false"}.get(word.lower(), "")
    elif column.type == "integer":
        guess = str(int(word)) if INTEGER.fullmatch(word) and -LIMIT <= int(word) < LIMIT else ""
    elif len(guesses := date_guesses(word)) == 1:
        guess = guesses[0]
    return guess if guess or not column.required else None


_TYPE_WORDS = {"text": "a text", "boolean": "true or false", "integer": "a whole number", "date": "a date"}


def shown(text: str) -> str:
    """The text for a message: in quotes, control characters spelled out, cut to 40 characters."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _json_name(column: ColumnSpec) -> str:
    return {"boolean": "true or false without quotes", "integer": "a whole number"}.get(column.type, "a text in quotes")
