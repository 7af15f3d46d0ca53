"""Credly's lists: the filter language, sorting, numbered pages and the bulk search's cursor (credly.md 2)."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from .credly import Credly
from .credly_records import PAGE
from .web import Call, Check, Refused, Response, positive, text

T = TypeVar("T")

Filters = dict[str, list[str]]
Test = Callable[[T, list[str]], bool]

PAGING: dict[str, Check] = {"filter": text, "page": positive, "sort": text}
"""Parameters of an ordinary list; `filter[key]` is taken out before (credly.md 2.3)."""

FILTER_KEY = re.compile(r"filter\[(.+)\]")


def read_filters(credly: Credly, call_query: Mapping[str, list[str]], known: Mapping[str, Test[T]]) -> Filters:
    """The filters as lists of values by key, from `filter=key::value|key::a,b` and `filter[key]=a,b`.

    An unknown key is ignored or refused by `flags.unknown_filter`; what is no filter at all is refused.
    """
    filters: Filters = {}
    pairs: list[tuple[str, str]] = []
    for part in (part for value in call_query.get("filter", ()) for part in value.split("|") if part):
        key, found, value = part.partition("::")
        if not found:
            raise Refused(400, f"Invalid filter: {part}")
        pairs.append((key, value))
    for name, values in call_query.items():
        match = FILTER_KEY.fullmatch(name)
        if match:
            pairs += [(match.group(1), value) for value in values]
    for key, value in pairs:
        if key in known:
            filters.setdefault(key, []).extend(value.split(","))
        elif credly.flags.unknown_filter == "refuse":
            raise Refused(400, f"Unknown filter: {key}")
    return filters


def without_filter_keys(query: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The query without its `filter[key]` parameters, for the check of the rest."""
    return {name: values for name, values in query.items() if not FILTER_KEY.fullmatch(name)}


def filtered(rows: Sequence[T], filters: Filters, known: Mapping[str, Test[T]]) -> list[T]:
    """The rows that pass every filter: keys combine with and, the values of one key with or."""
    return [row for row in rows if all(known[key](row, values) for key, values in filters.items())]


def ordered(rows: Sequence[T], sort: str | None, keys: Mapping[str, Callable[[T], Any]]) -> list[T]:
    """The rows by `sort=key1|-key2`; an unknown key is ignored (credly.md 2.2)."""
    result = list(rows)
    for part in reversed((sort or "").split("|")):
        key = keys.get(part.removeprefix("-"))
        if key is not None:
            result.sort(key=key, reverse=part.startswith("-"))
    return result


def listing(credly: Credly, call: Call, rows: Sequence[T], render: Callable[[T], dict[str, Any]]) -> Response:
    """One numbered page of 50 rows. The addresses of the neighbours are absolute, on this server's own origin."""
    page = call.params.get("page", 1)
    pages = max(1, math.ceil(len(rows) / PAGE))
    part = rows[(page - 1) * PAGE : page * PAGE]
    return Response(
        200,
        {
            "data": [render(row) for row in part],
            "metadata": {
                "count": len(part),
                "current_page": page,
                "total_count": len(rows),
                "total_pages": pages,
                "per": PAGE,
                "previous_page_url": _page_url(credly, call, page - 1) if page > 1 else None,
                "next_page_url": _page_url(credly, call, page + 1) if page < pages else None,
            },
        },
    )


def _page_url(credly: Credly, call: Call, page: int) -> str:
    kept = {} if credly.flags.drop_filter_in_next else call.request.query
    query = [(name, value) for name, values in kept.items() for value in values if name != "page"]
    return f"{call.request.origin}{call.request.path}?{urlencode([*query, ('page', str(page))], quote_via=quote)}"


def write_cursor(filters: Filters, position: int) -> str:
    """An opaque mark of where the bulk search goes on; it carries the filters."""
    return base64.urlsafe_b64encode(json.dumps([filters, position]).encode()).decode()


def read_cursor(cursor: str) -> tuple[Filters, int]:
    """The filters and the position in a mark; Refused 400 for one that was not made here."""
    try:
        filters, position = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        return dict(filters), int(position)
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(400, "Invalid cursor") from error


def any_of(value: Callable[[T], str | None]) -> Test[T]:
    """The value is one of those given, whatever the case."""
    return lambda row, values: (value(row) or "").lower() in {wanted.lower() for wanted in values}


def contains(*values_of: Callable[[T], str]) -> Test[T]:
    """One of the values contains one of those given, whatever the case."""
    return lambda row, values: any(
        wanted.lower() in value_of(row).lower() for wanted in values for value_of in values_of
    )
