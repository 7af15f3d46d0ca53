"""Paging ends, whatever the remote says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectctl.errors import BadAnswer
from connectctl.http.pages import Page, walk


def items(read: Callable[[int], Page], most: int = 1000) -> list[int]:
    return [item for page in walk(read, 1, where="GET /x", connection="acme", most=most) for item in page.items]


def test_pages_follow_each_other() -> None:
    assert items(lambda step: Page([step], step + 1 if step < 3 else None)) == [1, 2, 3]


def test_empty_pages_are_no_circle() -> None:
    assert items(lambda step: Page([], step + 1 if step < 5 else None)) == []


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (lambda step: Page([step], 1), "the same next page was named again"),
        (lambda step: Page([step], 3 if step == 2 else 2), "the same next page was named again"),
        (lambda step: Page(["same"], step + 1), "the same page came again"),
        (lambda step: Page([step % 3], step + 1), "the same page came again"),
        (lambda step: Page([step], step + 1), "more than 1000 pages"),
    ],
)
def test_a_circle_is_named(read: Callable[[int], Page], what: str) -> None:
    with pytest.raises(BadAnswer, match=f"Acme gave endless paging for GET /x: {what}") as caught:
        items(read)
    assert (caught.value.connection, caught.value.path) == ("acme", "/x")
