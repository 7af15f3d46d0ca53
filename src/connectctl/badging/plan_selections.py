"""What the learning plans earn by the value of their dropdown, where a provider has one for them (AC-18, AC-70)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectctl.badging.columns import Columns
from connectctl.badging.courses import decide_values
from connectctl.badging.dropdown import find_field, has_plan_field
from connectctl.badging.earnings import Earning, plan_field_earnings
from connectctl.badging.plan_fields import list_plans, read_plan_values, read_plans
from connectctl.docebo.fields import FieldDef
from connectctl.docebo.plans import PlanRow
from connectctl.errors import ConfigError
from connectctl.model import Problem, RunContext
from connectctl.plugins.specs import ProviderSpec


class PlanSelections:
    """The learning plans' values in their dropdown, and what they earn by that; nothing without a dropdown.

    `among` limits it to these plans. Raises ConfigError when the setting names a dropdown that Docebo has not.
    """

    def __init__(
        self,
        spec: ProviderSpec,
        ctx: RunContext,
        rows: Sequence[Mapping[str, Any]],
        problems: list[Problem],
        among: Collection[str] | None = None,
    ) -> None:
        self.spec, self.ctx, self.rows, self.problems = spec, ctx, rows, problems
        self.mode = ""
        self.plans: list[PlanRow] = []
        self.definition: FieldDef | None = None
        if not has_plan_field(spec, ctx):
            return
        name, self.definition = find_field(spec, ctx, of="plan")
        if self.definition is None:
            hint = f"connectctl flow run {spec.name}.sync-field --param target=plan"
            raise ConfigError(f"Docebo has no learning plan field {name!r} yet", hint=hint)
        self.plans = [plan for plan in list_plans(ctx, problems) if among is None or plan.id in among]

    @property
    def some(self) -> bool:
        """Whether there is a dropdown."""
        return self.definition is not None

    def first(self, *, fresh: bool) -> tuple[list[Earning], set[str]]:
        """What the plans earn, and which of them were read for it now."""
        if self.definition is None:
            return [], set()
        selected, read_now = read_plans(self.ctx, self.plans, self.definition, self.problems, fresh=fresh)
        sync = f"connectctl {self.spec.name} sync-field"
        configured = self.ctx.client("docebo").field_value
        self.mode = decide_values(self.definition, selected, configured, sync, "learning plan")
        columns = Columns.of(self.spec, "plan")
        return plan_field_earnings(self.definition, self.mode, selected, self.rows, columns), read_now

    def again(self, due: Collection[str]) -> list[Earning]:
        """What the plans earn with those in `due` read once more."""
        rows = [plan for plan in self.plans if plan.id in due]
        if self.definition is None:
            return []
        read_plan_values(self.ctx, rows, self.definition.id, self.problems, fresh=True)
        return self.first(fresh=False)[0]
