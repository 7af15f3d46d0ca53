"""Credly's list of events, whose order nobody has written down: newest first, oldest first or neither (credly.md 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from connectctl.api import FeedEvent

Order = Literal["unknown", "newest", "oldest", "none"]


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page in Credly's order. `pages`: how many there are, None when Credly does not say; `more`: one follows."""

    events: Sequence[FeedEvent]
    pages: int | None
    more: bool


@dataclass(slots=True)
class _Direction:
    """In which order the events seen so far came, taken in reading direction."""

    order: Order = "unknown"
    last: datetime | None = None

    def take(self, events: Sequence[FeedEvent]) -> None:
        for event in events:
            if self.last is not None and event.at != self.last:
                step: Order = "oldest" if event.at > self.last else "newest"
                self.order = step if self.order in ("unknown", step) else "none"
            self.last = event.at


@dataclass(slots=True)
class _Fresh:
    """Each event since the moment, once."""

    since: datetime
    seen: set[str] = field(default_factory=set)

    def of(self, events: Sequence[FeedEvent]) -> Iterator[FeedEvent]:
        for event in events:
            if event.at >= self.since and event.id not in self.seen:
                self.seen.add(event.id)
                yield event


def walk(page: Callable[[int], EventPage], since: datetime) -> Iterator[FeedEvent]:
    """The events since the moment, with as few pages as the order allows; all of them where there is no order.

    Where the newest come first it ends at the first older one; where they come last it starts at the last page.
    """
    fresh, direction = _Fresh(since), _Direction()
    number = 1
    while True:
        found = page(number)
        yield from fresh.of(found.events)
        direction.take(found.events)
        if not found.more:
            return
        if direction.order == "newest" and direction.last is not None and direction.last < since:
            return
        if number == 1 and direction.order == "oldest" and found.pages is not None:
            yield from _backwards(page, found.pages, fresh)
            return
        number += 1


def _backwards(page: Callable[[int], EventPage], pages: int, fresh: _Fresh) -> Iterator[FeedEvent]:
    """From the last page to the second, which ends at the first older event as long as they stay in order."""
    direction = _Direction()
    last = page(pages)
    yield from fresh.of(last.events)
    number, grown = pages, last
    while grown.more:  # events that came while we read
        number += 1
        grown = page(number)
        yield from fresh.of(grown.events)
    direction.take(last.events[::-1])
    for number in range(pages - 1, 1, -1):
        if direction.order in ("unknown", "newest") and direction.last is not None and direction.last < fresh.since:
            return
        found = page(number)
        yield from fresh.of(found.events)
        direction.take(found.events[::-1])
