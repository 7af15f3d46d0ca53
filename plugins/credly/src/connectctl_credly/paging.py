"""What Credly's metadata say about the pages of a list (credly.md 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAGE = 50  # rows a page; Credly documents no way to ask for more


def more(metadata: Mapping[str, Any], page: int, rows: int) -> bool:
    """Whether there is another page; some lists do not say (credly.md 2.1), and then a full page means yes."""
    total = whole_number(metadata.get("total_pages"))
    if total is not None:
        return page < total
    if "next_page_url" in metadata:
        return bool(metadata["next_page_url"])
    return rows >= PAGE


def whole_number(value: object) -> int | None:
    """A whole number not below zero, also as text; None for anything else."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() else None
