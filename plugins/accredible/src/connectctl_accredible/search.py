"""Accredible's two ways to page: numbered lists of v1, and the cursor of the v2 search (accredible.md 1, 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.api import BadAnswer
from connectctl_accredible.records import identity

SIZE = 100  # rows a page; the most that anybody was seen to ask for without trouble
MOST_PAGES = 20_000


@dataclass(frozen=True, slots=True)
class Rows:
    """One page; `total`: how many rows there are in all, None when Accredible does not say."""

    rows: Sequence[Any]
    total: int | None


def numbered(ask: Callable[[int], object], name: str) -> Iterator[Rows]:
    """The pages of a v1 list. Raises BadAnswer when they make no sense or do not add up to the stated total (GN-33)."""
    seen: set[str] = set()
    for number in range(1, MOST_PAGES + 1):
        rows, meta = _read(ask(number), name)
        _refuse_again(rows, seen, name)
        total = whole_number(meta.get("total_count"))
        yield Rows(rows, total)
        following = meta.get("next_page")
        pages = whole_number(meta.get("total_pages"))
        more = bool(following) or (following is None and pages is not None and number < pages)
        if more and not rows:
            raise bad(name, f"an empty page {number} where more were promised: the listing is not complete")
        if not more:
            _require_all(total, seen, name)
            return
    raise bad(name, f"endless paging: more than {MOST_PAGES} pages")


def by_cursor(ask: Callable[[str | None], object]) -> Iterator[Rows]:
    """The pages of a v2 search, until all that it counts were seen. Raises BadAnswer as `numbered` does.

    How the last page looks is written nowhere: it may name no cursor, the one that was sent, or one that leads to
    nothing, and a server may give fewer rows than were asked for.
    """
    name = "credentials"
    seen: set[str] = set()
    used: set[str] = set()
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        rows, meta = _read(ask(cursor), name)
        _refuse_again(rows, seen, name)
        total = whole_number(meta.get("count"))
        yield Rows(rows, total)
        following = meta.get("cursor")
        following = following if isinstance(following, str) and following not in (cursor, "") else None
        size = whole_number(meta.get("size")) or SIZE
        if not rows or following is None or (len(seen) >= total if total is not None else len(rows) < size):
            _require_all(total, seen, name)
            return
        if following in used:
            raise bad(name, "endless paging: a cursor came again")
        used.add(following)
        cursor = following
    raise bad(name, f"endless paging: more than {MOST_PAGES} pages")


def whole_number(value: object) -> int | None:
    """A whole number not below zero, also as text; None for anything else."""
    text = identity(value)
    return int(text) if text.isascii() and text.isdigit() else None


def bad(what: str, how: str) -> BadAnswer:
    """An answer that is not what Accredible's API promises."""
    hint = "connectctl connection test accredible"
    return BadAnswer(f"Accredible answered {what} with {how}.", hint=hint, connection="accredible")


def _read(answer: object, name: str) -> tuple[list[Any], Mapping[str, Any]]:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
        raise bad(name, f"an answer without a list in {name}")
    meta = answer.get("meta")
    return answer[name], meta if isinstance(meta, dict) else {}


def _refuse_again(rows: Sequence[Any], seen: set[str], name: str) -> None:
    """Ids of this page join those seen; a page that brings nothing new would go on for ever."""
    ids = {_id(row) or f"{len(seen)} {place}" for place, row in enumerate(rows)}  # one without an id counts as well
    if ids and ids <= seen:
        raise bad(name, "endless paging: a page came again")
    seen |= ids


def _require_all(total: int | None, seen: set[str], name: str) -> None:
    if total is not None and len(seen) < total:
        raise bad(name, f"{len(seen)} rows and a total of {total}: the listing is not complete")


def _id(row: object) -> str:
    return identity(row.get("accredible_internal_id")) or identity(row.get("id")) if isinstance(row, dict) else ""
