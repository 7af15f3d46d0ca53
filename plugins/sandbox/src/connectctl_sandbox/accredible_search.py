"""Reading, searching and deleting credentials (accredible.md 3.5, 3.7 to 3.9)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from . import accredible_body as body
from . import accredible_render as render
from .accredible import Accredible
from .accredible_lists import between, credential_of, day_of, includes, listing, visible
from .accredible_records import PAGE, WINDOW, Credential
from .web import Call, Refused, Response, Route


def one_credential(accredible: Accredible, call: Call) -> Response:
    """One credential by its number or the caller's own id (3.5)."""
    return _answer(accredible, credential_of(accredible, call.caller, call.ids[0]))


def delete(accredible: Accredible, call: Call) -> Response:
    """200 with what was deleted (3.7)."""
    answer = one_credential(accredible, call)
    accredible.delete(credential_of(accredible, call.caller, call.ids[0]).id)
    return answer


def _answer(accredible: Accredible, one: Credential) -> Response:
    return Response(200, {"credential": render.credential(accredible, one)})


# Version 1, deprecated

LISTED = body.PAGING | body.ISSUED | body.UPDATED | {"group_id": body.whole, "license_id": body.text}
RECIPIENT = {"name": body.text, "email": body.text, "id": body.text, "meta_data": body.strings}


def all_credentials(accredible: Accredible, call: Call) -> Response:
    """The list by query parameters (3.8)."""
    names = {"email": "recipient.email", "recipient_id": "recipient.id"}
    params = body.parameters(call.body, LISTED | dict.fromkeys(names, body.text))
    return _listed(accredible, call, {names.get(name, name): value for name, value in params.items()})


def search_v1(accredible: Accredible, call: Call) -> Response:
    """The search by a body, its keys written with a dot, or as an object `recipient` (3.8)."""
    dotted = {f"recipient.{name}": reader for name, reader in RECIPIENT.items()}
    known = LISTED | dotted | {"meta_data": body.strings, "recipient": body.thing}
    params = body.parameters(call.body, known)
    nested = body.parameters(params.pop("recipient", {}), RECIPIENT)
    return _listed(accredible, call, params | {f"recipient.{name}": value for name, value in nested.items()})


def _listed(accredible: Accredible, call: Call, params: Mapping[str, Any]) -> Response:
    """Addresses are compared as they are kept, in lower case: one in mixed case is found nowhere."""
    exact: dict[str, Callable[[Credential], Any]] = {
        "group_id": lambda one: one.group_id,
        "license_id": lambda one: one.license_id,
        "recipient.name": lambda one: one.recipient_name,
        "recipient.email": lambda one: one.recipient_email,
        "recipient.id": lambda one: one.recipient_id,
    }
    rows = [
        one
        for one in list(accredible.credentials.values())
        if visible(accredible, call.caller, one)
        and all(value(one) == params[name] for name, value in exact.items() if name in params)
        and includes(one.meta_data, params.get("meta_data", {}))
        and includes(one.recipient_meta_data, params.get("recipient.meta_data", {}))
        and between(one.issued_on, params, "start_date", "end_date")
        and between(day_of(one.updated_at), params, "start_updated_date", "end_updated_date")
    ]
    return listing(accredible, "credentials", rows, params, lambda one: render.credential(accredible, one, listed=True))


# Version 2


class BadSearch(Refused):
    """400: the query, sort or page makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


Value = Callable[[Credential], Any]
EXACT, RANGE = ("eq", "in"), ("eq", "in", "lt", "lte", "gt", "gte")
KEYS: dict[str, tuple[tuple[str, ...], body.Reader, Value]] = {
    "uuid": (EXACT, body.own_id, lambda one: one.uuid),
    "group.id": (EXACT, body.whole, lambda one: one.group_id),
    "recipient_name": (EXACT, body.own_id, lambda one: one.recipient_name),
    "recipient_email": (EXACT, body.own_id, lambda one: one.recipient_email),
    "recipient_id": (EXACT, body.own_id, lambda one: one.recipient_id),
    "license_id": (EXACT, body.own_id, lambda one: one.license_id),
    "approve": (("eq",), body.boolean, lambda one: one.approve),
    "issued_on": (RANGE, body.day, lambda one: one.issued_on),
    "expired_on": (RANGE, body.day, lambda one: one.expired_on),
    "updated_at": (RANGE, body.day, lambda one: day_of(one.updated_at)),
    "created_at": (RANGE, body.day, lambda one: day_of(one.created_at)),
}
MAPS: dict[str, Value] = {
    "meta_data": lambda one: one.meta_data,
    "custom_attributes": lambda one: one.custom_attributes,
    "recipient_meta_data": lambda one: one.recipient_meta_data,
}
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "in": lambda value, wanted: value in wanted,
    "lt": lambda value, wanted: value is not None and value < wanted,
    "lte": lambda value, wanted: value is not None and value <= wanted,
    "gt": lambda value, wanted: value is not None and value > wanted,
    "gte": lambda value, wanted: value is not None and value >= wanted,
}


def search_v2(accredible: Accredible, call: Call) -> Response:
    """The search over the index: by offset within its window, or by cursor without end (3.9)."""
    unknown = sorted(set(call.body) - {"query", "sort", "page"})
    if unknown or not isinstance(call.body.get("query"), dict):
        raise BadSearch(f"unknown key {unknown[0]}" if unknown else "query is missing")
    tests = [_test(name, wanted) for name, wanted in call.body["query"].items()]
    start, size, cursor = _page(accredible, call.body.get("page", {}))
    value, descending = _sort(accredible, call.body.get("sort", {"id": "asc"}))
    known = [one for one in accredible.searchable() if visible(accredible, call.caller, one)]
    rows = [one for one in known if all(test(one) for test in tests)]
    rows.sort(key=lambda one: _rank(value(one)), reverse=descending)
    if descending:  # what has no value stands last either way
        rows.sort(key=lambda one: value(one) is None)
    if cursor is not None:
        start = _after(rows, cursor, value, descending)
    shown = rows[start : start + size]
    meta: dict[str, Any] = {"count": len(rows), "from": start if cursor is None else 0, "size": size}
    last = start + size >= len(rows)
    meta["cursor"] = None if not shown else _write_cursor(value(shown[-1]), shown[-1].id)
    match accredible.flags.last_cursor:
        case "null" if last:
            meta["cursor"] = None
        case "absent" if last:
            del meta["cursor"]
        case "same" if last and cursor is not None:
            meta["cursor"] = call.body["page"]["cursor"]
    return Response(200, {"credentials": [render.found(accredible, one) for one in shown], "meta": meta})


def _test(name: str, wanted: Any) -> Callable[[Credential], bool]:
    """One key of the query with its operator, `eq` when it has none."""
    if name in MAPS:
        if not isinstance(wanted, dict):
            raise BadSearch(f"{name} must be an object")
        held = MAPS[name]
        return lambda one: includes(held(one), wanted)
    match = re.fullmatch(r"([a-z_.]+)(?:\[([a-z]+)\])?", name)
    key, operator = (match.group(1), match.group(2) or "eq") if match else (name, "eq")
    if key not in KEYS or operator not in KEYS[key][0]:
        raise BadSearch(f"unknown key {name}")
    _, reader, value = KEYS[key]
    try:
        read = [reader(item) for item in body.array(wanted)] if operator == "in" else reader(wanted)
    except ValueError as error:
        raise BadSearch(f"{name} {error}") from error
    return lambda one: TESTS[operator](value(one), read)


def _sort(accredible: Accredible, sent: Any) -> tuple[Value, bool]:
    """The value that orders, and whether downwards; by one key of a short list, which `updated_at` is not on."""
    values: dict[str, Value] = {
        "id": lambda one: one.id,
        "recipient_name": lambda one: one.recipient_name,
        "group.name": lambda one: accredible.every_group[one.group_id].name,
        "issued_on": lambda one: one.issued_on,
        "expired_on": lambda one: one.expired_on,
    }
    pairs = list(sent.items()) if isinstance(sent, dict) else []
    if len(pairs) != 1 or pairs[0][0] not in values or pairs[0][1] not in ("asc", "desc"):
        raise BadSearch("sort takes one of " + ", ".join(values) + " with asc or desc")
    return values[pairs[0][0]], pairs[0][1] == "desc"


def _page(accredible: Accredible, sent: Any) -> tuple[int, int, list[Any] | None]:
    """Offset, size and cursor; an offset and a cursor do not go together."""
    if not isinstance(sent, dict) or set(sent) - {"from", "size", "cursor"} or {"from", "cursor"} <= set(sent):
        raise BadSearch("page takes from and size, or cursor and size")
    try:
        start, size = body.whole(sent.get("from", 0)), body.counted(sent.get("size", PAGE))
    except ValueError as error:
        raise BadSearch(f"page {error}") from error
    if start < 0 or start + size > WINDOW:
        raise BadSearch(f"from and size reach {WINDOW} rows at most: use the cursor")
    size = min(size, accredible.flags.max_page)
    return start, size, _read_cursor(sent["cursor"]) if "cursor" in sent else None


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is None, value if value is not None else 0)


def _after(rows: list[Credential], cursor: list[Any], value: Value, descending: bool) -> int:
    """Where the rows behind a cursor begin: found by what the last row was sorted by, not by its place."""
    last, last_id = cursor
    for position, one in enumerate(rows):
        own = value(one)
        if own == last:
            behind = one.id > last_id
        elif own is None or last is None:
            behind = own is None
        else:
            behind = own < last if descending else own > last
        if behind:
            return position
    return len(rows)


def _write_cursor(value: Any, credential_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, credential_id]).encode()).decode()


def _read_cursor(cursor: Any) -> list[Any]:
    try:
        value, credential_id = json.loads(base64.b64decode(str(cursor).encode(), altchars=b"-_", validate=True))
        return [value, int(credential_id)]
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadSearch("the cursor is not valid") from error


ROUTES: tuple[Route[Accredible], ...] = (
    Route("GET", r"/v1/all_credentials", all_credentials, body="params"),
    Route("POST", r"/v1/credentials/search", search_v1, body="params"),
    Route("POST", r"/v2/credentials/search", search_v2, body="json"),
    Route("GET", r"/v1/credentials/([^/]+)", one_credential),
    Route("DELETE", r"/v1/credentials/([^/]+)", delete),
)
