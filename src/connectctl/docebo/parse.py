"""Docebo's answers made regular (docebo.md 12): ids, dates, booleans, envelopes. Pure; believes nothing.

A wrong row raises DataError, which its reader reports before it goes on; a wrong envelope raises BadAnswer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from connectctl.errors import BadAnswer, DataError, Rejected, RemoteUnsure
from connectctl.http.answers import refusal_words
from connectctl.http.redact import clean

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_EPOCH = re.compile(r"\d{9,13}")
_TRUE = frozenset({"1", "true", "yes", "active"})
_FALSE = frozenset({"0", "false", "no", "inactive", "suspended", ""})


@dataclass(frozen=True, slots=True)
class Place:
    """The request an answer belongs to, for messages."""

    method: str
    path: str
    connection: str = "docebo"

    def bad(self, what: str) -> BadAnswer:
        """The error for an answer that is not what the API promises."""
        return BadAnswer(
            f"Docebo answered {self.method} {self.path} with something unexpected: {what}.",
            hint=f"connectctl connection test {self.connection}",
            connection=self.connection,
            method=self.method,
            path=self.path,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: its items, whether more is to come, the cursor, and how many pages and rows there are in all.

    `told`: the answer says whether there is more; where it does not, a full page may have others behind it. `bare`: the
    items came without a name, so that an empty list may be anything.
    """

    items: Sequence[Any]
    more: bool
    cursor: str | None = None
    pages: int | None = None
    total: int | None = None
    told: bool = True
    bare: bool = False


def kind(value: Any) -> str:
    """What a JSON value is, in a reader's words."""
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def ident(row: Mapping[str, Any], *names: str) -> str:
    """The first id found under the names, as text: Docebo gives 13903 in one list and "13903" in the next."""
    for name in names:
        if row.get(name) is not None:
            found = as_id(row[name])
            if found is None:
                raise DataError(f"{name} is not an id: {clean(row[name], 60)}")
            return found
    raise DataError(f"{names[0]} is missing")


def as_id(value: Any) -> str | None:
    """An id as text, or None when the value cannot be one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value == int(value) and value < 2**53 else None
    text = str(value).strip() if isinstance(value, str | int) and (isinstance(value, str) or value >= 0) else ""
    return text if _ID.fullmatch(text) else None


def number(id: str) -> int | str:
    """An id as Docebo's own requests write it: a number where it is one."""
    return int(id) if id.isdecimal() and as_id(id) else id


def text(row: Mapping[str, Any], *names: str) -> str | None:
    """The first text found under the names, trimmed; None for blank or absent. Raises DataError for a list or object.

    A name may be an object with `value` (docebo.md 4.3).
    """
    for name in names:
        value = row.get(name)
        if isinstance(value, Mapping) and "value" in value:
            value = value["value"]
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise DataError(f"{name} is {kind(value)}, not a text")
        found = str(value).strip()
        if found:
            return found
    return None


def moment(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """A date of any of Docebo's forms as an aware moment in UTC; None for null, blank and zero dates.

    `zone` is where dates without one are meant. Raises DataError for anything else.
    """
    if value is None or (isinstance(value, str) and (not value.strip() or value.strip().startswith("0000-00-00"))):
        return None
    try:
        if isinstance(value, str):
            text = value.strip()
            if _EPOCH.fullmatch(text):
                return _from_epoch(int(text))
            if len(text) > 40:
                raise ValueError
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_epoch(value) if value else None
    except (ValueError, OverflowError, OSError):
        pass
    raise DataError(f"not a date: {clean(value, 60)}")


def _from_epoch(value: float) -> datetime:
    seconds = value / 1000 if value > 10**11 else value
    if not 0 < seconds < 10**11:
        raise ValueError
    return datetime.fromtimestamp(seconds, UTC)


def flag(value: Any) -> bool | None:
    """true/false, 1/0, "1"/"0" and their like; None for null or what is no boolean."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def envelope(answer: Any, place: Place, page: int = 1, names: Sequence[str] = ()) -> Listing:
    """The list in an answer (docebo.md 2.2); `names` are keys that stand in for `items`.

    There is more unless it says otherwise: no `has_more_data`, no items, or the last of `total_page_count` pages
    end the list, because `has_more_data` has been seen to stay true.
    """
    if isinstance(answer, list):
        return Listing(answer, more=False, told=False, bare=True)
    if not isinstance(answer, dict):
        raise place.bad(f"the answer is {kind(answer)}, not an object")
    succeeded(answer, place)
    data = answer.get("data", answer)
    if isinstance(data, list):
        return Listing(data, more=False, told=False, bare=True)
    if not isinstance(data, dict):
        raise place.bad(f"field data is {kind(data)}, not an object or a list")
    key = next((name for name in ("items", *names) if name in data), None)
    if key is None:
        raise place.bad("field data.items is missing")
    items = data[key]
    if not isinstance(items, list):
        raise place.bad(f"field data.{key} is {kind(items)}, not a list")
    pages, total = (_count(data, name, place) for name in ("total_page_count", "total_count"))
    told = data.get("has_more_data") is not None or pages is not None
    if data.get("has_more_data") is None:
        more = pages is not None and page < pages
    else:
        said = flag(data["has_more_data"])
        if said is None:
            raise place.bad(f"field data.has_more_data is {clean(data['has_more_data'], 40)}, not a boolean")
        more = said and (pages is None or page < pages)
    cursor = data.get("cursor")
    if cursor is not None and (
        isinstance(cursor, bool) or not isinstance(cursor, str | int) or len(str(cursor)) > 2000
    ):
        raise place.bad(f"field data.cursor is {kind(cursor)}, not a short text")
    return Listing(items, bool(items) and more, str(cursor) if cursor else None, pages, total, told)


def _count(data: Mapping[str, Any], name: str, place: Place) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise place.bad(f"field data.{name} is {clean(value, 40)}, not a count")
    return value


def record(answer: Any, place: Place, *inner: str) -> dict[str, Any]:
    """The object in an answer; `inner` names objects it may be wrapped in once more (docebo.md 2.3)."""
    if not isinstance(answer, dict):
        raise place.bad(f"the answer is {kind(answer)}, not an object")
    succeeded(answer, place)
    data = answer.get("data", answer)
    for name in inner:
        if isinstance(data, dict) and isinstance(data.get(name), dict):
            data = data[name]
    if not isinstance(data, dict):
        raise place.bad(f"field data is {kind(data)}, not an object")
    return data


def succeeded(answer: Any, place: Place) -> None:
    """Raises Rejected when a 200 says `success: false` inside (docebo.md 2.6)."""
    data = answer.get("data") if isinstance(answer, dict) else None
    for part in (answer, data):
        if isinstance(part, dict) and "success" in part and flag(part["success"]) is False:
            words = refusal_words(part, answer) or "success is false"
            raise _refused(place, words)


def accepted(answer: Any, place: Place) -> None:
    """Raises Rejected when the answer to a write says inside that it was not done; no answer at all is a yes."""
    succeeded(answer, place)
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    problems = (data.get("error_messages") or data.get("errors")) if isinstance(data, dict) else None
    if problems:
        raise _refused(place, refusal_words(problems) or "it names errors")


def created(answer: Any, place: Place, *names: str, inner: Sequence[str] = ()) -> str:
    """The id of what a POST made. Raises Rejected for a refusal inside, RemoteUnsure when no id can be read: whatever
    was asked for may be there.
    """
    try:
        return ident(record(answer, place, *inner), *names)
    except (BadAnswer, DataError) as error:
        accepted(answer, place)
        raise RemoteUnsure(
            f"Docebo may have carried out {place.method} {place.path}: its answer names no id ({error.message}).",
            hint=f"connectctl connection test {place.connection}",
            connection=place.connection,
            method=place.method,
            path=place.path,
        ) from None


def _refused(place: Place, words: str) -> Rejected:
    return Rejected(
        f"Docebo refused {place.method} {place.path}: {words}.",
        hint=f"connectctl connection test {place.connection}",
        connection=place.connection,
        method=place.method,
        path=place.path,
        status=200,
        detail=words,
    )


def field_values(value: Any) -> dict[str, str | None]:
    """The values of additional fields by field id; blank is None. A list of objects or a map (docebo.md 3.3, 4.2).

    Raises DataError when it is neither, or an entry has no id: a value that cannot be read is not "no value".
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        pairs = [(as_id(key), found) for key, found in value.items()]
    elif isinstance(value, list):
        pairs = []
        for item in value:
            if not isinstance(item, dict):
                raise DataError(f"additional_fields holds {kind(item)}, not an object")
            pairs.append((ident(item, "id", "field_id", "id_field"), item.get("value")))
    else:
        raise DataError(f"additional_fields is {kind(value)}, not a list")
    result: dict[str, str | None] = {}
    for name, found in pairs:
        if name is None:
            raise DataError("additional_fields has a value without a field id")
        result[name] = _field_value(found)
    return result


def _field_value(value: Any) -> str | None:
    if isinstance(value, dict) and ("id" in value or "value" in value):
        value = value.get("id", value.get("value"))
    if isinstance(value, list) and len(value) <= 1:
        value = value[0] if value else None
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, str | int | float):
        return str(value).strip() or None
    return json.dumps(value, ensure_ascii=False)  # of a kind nobody selects by
