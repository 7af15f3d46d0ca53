"""Docebo's envelopes: single objects, pages, cursors, and the query parameters that all lists share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .docebo import Docebo
from .web import Call, Check, Refused, Response, choice, flag, positive, text

T = TypeVar("T")

MAX_PAGE_SIZE = 200
KEPT_CURSORS = 1000

PAGING: dict[str, Check] = {
    "page": positive,
    "page_size": positive,
    "get_cursor": flag,
    "cursor": text,
    "get_total_count": flag,
}
"""Parameters of every list (docebo.md 2.4)."""


def sorting(*attributes: str) -> dict[str, Check]:
    """The newer generation's sort parameters (docebo.md 2.5)."""
    return {"sort_attr": choice(*attributes), "sort_dir": choice("asc", "desc")}


def single(data: Any) -> Response:
    """200 with one object (docebo.md 2.3)."""
    return Response(200, {"data": data, "version": "1.0.0", "permissions": [], "_links": []})


def listing(
    docebo: Docebo,
    call: Call,
    rows: Callable[[], Sequence[T]],
    render: Callable[[T], dict[str, Any]],
    *,
    default_size: int = 20,
    always_total: bool = True,
    sort: tuple[str, str] | None = None,
) -> Response:
    """One page of a list (docebo.md 2.2). An oversized `page_size` is cut to 200, not refused.

    With `get_cursor=1` the whole result is kept under a cursor; a later page that brings the cursor is cut from what
    was kept, whatever has changed since. Records are frozen, so keeping them keeps their contents too.
    """
    params = call.params
    if docebo.flags.refuse_cursor and (params.get("get_cursor") or "cursor" in params):
        raise Refused(400, "Unknown parameter get_cursor")
    page = params.get("page", 1)
    size = min(params.get("page_size", default_size), MAX_PAGE_SIZE)
    cursor = params.get("cursor")
    if cursor is not None:
        if cursor not in docebo.cursors:
            raise Refused(400, "Invalid cursor")
        found = docebo.cursors[cursor]
    else:
        found = rows()
        if params.get("get_cursor"):
            cursor = docebo.new_uuid()
            docebo.cursors[cursor] = tuple(found)
            while len(docebo.cursors) > KEPT_CURSORS:
                del docebo.cursors[next(iter(docebo.cursors))]
    part = found[(page - 1) * size : page * size]
    more = page * size < len(found) or docebo.flags.has_more_always_true_on_last_page
    data: dict[str, Any] = {
        "count": len(part),
        "has_more_data": more,
        "cursor": cursor,
        "current_page": page,
        "current_page_size": size,
        "total_page_count": math.ceil(len(found) / size),
        "sort": [{"sort_attr": sort[0], "sort_dir": sort[1]}] if sort else [],
        "items": [render(row) for row in part],
    }
    if always_total or params.get("get_total_count"):  # older services only count when asked (docebo.md 2.2)
        data["total_count"] = len(found)
    return single(data)


def sorted_by(rows: Sequence[T], key: Callable[[T], Any], direction: str) -> list[T]:
    """The rows in the order asked for; equal keys keep their order."""
    return sorted(rows, key=key, reverse=direction == "desc")
