"""Reading page after page, in two steps: read the answer, then say what to ask next; never in a circle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.errors import BadAnswer

MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """The items of one answer and the next request (a page number, a cursor, a URL), None at the end.

    `pages` is how many there are in all, where the remote tells.
    """

    items: Sequence[Any]
    next: Hashable | None = None
    pages: int | None = None


def walk(
    read: Callable[[Any], Page], first: Hashable, *, where: str, connection: str = "", most: int = MOST_PAGES
) -> Iterator[Page]:
    """Page after page: `read(first)`, then `read` of what each page calls next.

    Raises BadAnswer when the remote leads in a circle: the same next request, the same content again, or more than
    `most` pages. `where` names the request in that message.
    """
    steps: set[Hashable] = {first}
    contents: set[bytes] = set()
    step: Hashable | None = first
    for _ in range(most):
        page = read(step)
        if page.items:
            print_ = fingerprint(page.items)
            if print_ in contents:
                raise endless(connection, where, "the same page came again")
            contents.add(print_)
        yield page
        step = page.next
        if step is None:
            return
        if step in steps:
            raise endless(connection, where, "the same next page was named again")
        steps.add(step)
    raise endless(connection, where, f"more than {most} pages")


def fingerprint(items: Sequence[Any]) -> bytes:
    """A short stand-in for a page's content."""
    text = json.dumps(items, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def endless(connection: str, where: str, what: str) -> BadAnswer:
    """The error for a listing that does not end."""
    name = connection[:1].upper() + connection[1:] or "The remote"
    return BadAnswer(
        f"{name} gave endless paging for {where}: {what}.",
        hint=f"connectctl connection test {connection}".rstrip(),
        connection=connection,
        method="GET",
        path=where.removeprefix("GET "),
    )
