"""Commits the row writes of plans and outcomes into lookup tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from connectctl.errors import ContractBroken
from connectctl.model import RowWrite

if TYPE_CHECKING:
    from connectctl.flows.context import Context
    from connectctl.store.table import SqlTable


def write_rows(ctx: Context, writes: Iterable[RowWrite]) -> None:
    """Adds, updates or deletes the rows, inside the caller's transaction; safe to repeat."""
    for write in writes:
        table = cast("SqlTable", ctx.table(write.table))
        if write.action == "delete_row":
            table.delete_row(write.key)
            continue
        if write.action not in ("add_row", "update_row"):
            raise ContractBroken(f"{ctx.flow} planned the unknown row action {write.action}")
        row: dict[str, Any] = dict(table.get_row(write.key) or {})
        table.put_row(write.key, row | dict(write.row))
