"""What the rows of the mapping table make of a template's credentials inwards (CR-15, CR-16, CR-41). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectctl.badging.columns import MappingColumns


@dataclass(frozen=True, slots=True)
class Mapped:
    """One template: whether its credentials become external training, and which certifications they award.

    Active rows are OR-ed. `rows`: how many there are, active or not.
    """

    template: str
    name: str = ""
    training: bool = False
    codes: frozenset[str] = frozenset()
    active: bool = False
    rows: int = 0

    def reason(self, kind: str) -> str | None:
        """Why a credential of it becomes no training, or no award (CR-44, CR-47); None when it does."""
        if not self.rows:
            return "mapping_missing"
        if not self.active:
            return "mapping_inactive"
        return None if (self.training if kind == "training" else self.codes) else "import_flag_off"


def mapped(rows: Iterable[Mapping[str, Any]], columns: MappingColumns) -> dict[str, Mapped]:
    """The templates of the mapping table, by id."""
    found: dict[str, Mapped] = {}
    for row in rows:
        template = str(row[columns.id] or "").strip()
        if not template:
            continue
        before = found.get(template) or Mapped(template)
        active = row[columns.active] is True
        code = str(row[columns.certification] or "").strip() if active else ""
        found[template] = Mapped(
            template,
            before.name or str(row[columns.name] or "").strip(),
            before.training or (active and row[columns.training] is True),
            before.codes | ({code} if code else set()),
            before.active or active,
            before.rows + 1,
        )
    return found
