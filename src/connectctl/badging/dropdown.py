"""Where a provider's dropdowns in Docebo are: that of the courses, and that of the learning plans (CR-18, AC-18)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectctl.badging.accounts import check_account, keep_account
from connectctl.badging.settings import read_settings, required
from connectctl.docebo import fields
from connectctl.docebo.fields import WORDS, FieldDef, Of
from connectctl.errors import ConfigError, DataError, NotFound
from connectctl.model import Call, RunContext
from connectctl.plugins.specs import ProviderSpec

_KEYS = {"course": "field", "plan": "plan_field"}


def find_field(
    spec: ProviderSpec, ctx: RunContext, *, remember: bool = False, of: Of = "course"
) -> tuple[str, FieldDef | None]:
    """The setting's name and the dropdown of that name with its options; ConfigError for another type (CR-18).

    `remember`: the field that had the name before is read without looking through the list, if it still has it.
    """
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    setting = spec.keys[_KEYS[of]]
    name = str(required(spec.integration, setting, values[setting], f"{spec.title} badge"))
    docebo = ctx.client("docebo")
    check_account(ctx, "docebo", "Docebo", docebo.account)
    ids = ctx.cached(f"{of}-fields")
    place = f"{docebo.account}|{name}"
    found = _remembered(docebo, ids.get(place), name, of) if remember else None
    if found is None:
        listed = fields.find(docebo, name, of)
        keep_account(ctx, "docebo", docebo.account)
        if listed is None:
            return name, None
        whole = fields.get(docebo, listed.id, of)
        found = replace(whole, type=whole.type or listed.type or "dropdown")  # some lists leave the type out
    if found.type != "dropdown":
        raise ConfigError(
            f"The Docebo {WORDS[of]} field {name!r} is of type {found.type}, not a dropdown; it is left as it is",
            hint=f'connectctl lookup set integration-settings {spec.integration} {setting} Value="another name"',
        )
    if ids.get(place) != found.id:
        ids[place] = found.id
    return name, found


def _remembered(docebo: Any, field_id: str | None, name: str, of: Of) -> FieldDef | None:
    """The field with this id, when it is there and still has the name."""
    if field_id is None:
        return None
    try:
        field = fields.get(docebo, field_id, of)
    except (NotFound, DataError):
        return None
    return replace(field, type=field.type or "dropdown") if field.name.strip() == name.strip() else None


def has_plan_field(spec: ProviderSpec, ctx: RunContext) -> bool:
    """Whether learning plans have a dropdown: the provider knows of one, and the setting names it (AC-18)."""
    if "plan_field" not in spec.keys:
        return False
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    return bool(values[spec.keys["plan_field"]])


def sync_calls(spec: ProviderSpec) -> tuple[Call, ...]:
    """The runs that bring the dropdowns in line: that of the courses first, then that of the learning plans (AC-65)."""
    flow = f"{spec.name}.sync-field"
    if "plan_field" not in spec.keys:
        return (Call(flow),)
    return (Call(flow, {"target": "course"}), Call(flow, {"target": "plan"}))
