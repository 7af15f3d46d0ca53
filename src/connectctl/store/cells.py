"""Cells: the text that people type and read, and the value that the table holds."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.errors import SettingInvalid

if TYPE_CHECKING:
    from connectctl.plugins.specs import ColumnSpec

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
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
        if not INTEGER.fullmatch(text) or not -LIMIT <= int(text) < LIMIT:
            raise CellInvalid(f"{column.name} is {shown(text)}; it must be a whole number")
        return int(text)
    if column.type == "date" and not is_date(text):
        raise CellInvalid(
            f"{column.name} is {shown(text)}; it must be a date such as 2026-01-31 or 2026-01-31 08:30:00"
        )
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


def shown(text: str) -> str:
    """The text for a message: in quotes, control characters spelled out, cut to 40 characters."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _json_name(column: ColumnSpec) -> str:
    return {"boolean": "true or false without quotes", "integer": "a whole number"}.get(column.type, "a text in quotes")
