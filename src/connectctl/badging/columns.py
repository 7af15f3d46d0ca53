"""The columns of a provider's two tables by what they hold; each provider names them in words of its own."""

from __future__ import annotations

from dataclasses import dataclass

from connectctl.plugins.specs import ProviderSpec


@dataclass(frozen=True, slots=True)
class Columns:
    """The template table's first columns, in their order; `element` is that of the dropdown in question."""

    id: str
    name: str
    active: str
    element: str

    @classmethod
    def of(cls, spec: ProviderSpec, target: str = "course") -> Columns:
        """The columns of a provider's table; the fifth holds the elements of the learning plans' dropdown (AC-69)."""
        names = [column.name for column in spec.template_table.columns]
        return cls(names[0], names[1], names[2], names[4 if target == "plan" else 3])


@dataclass(frozen=True, slots=True)
class MappingColumns:
    """The mapping table's columns, in their order (CR-15, AC-20)."""

    id: str
    name: str
    plan: str
    training: str
    certification: str
    active: str

    @classmethod
    def of(cls, spec: ProviderSpec) -> MappingColumns:
        """The columns of a provider's table."""
        return cls(*[column.name for column in spec.mapping_table.columns[:6]])
