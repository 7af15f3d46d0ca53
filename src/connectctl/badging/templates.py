"""Provider templates into the template table (CR-23, CR-53 to CR-57, GN-33): read, and a pure plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.badging.accounts import check_account, keep_account
from connectctl.badging.columns import Columns
from connectctl.badging.provider import Provider, Template
from connectctl.model import Notice, Part, Plan, RowWrite, RunContext, Skip
from connectctl.plugins.specs import ProviderSpec


@dataclass(frozen=True, slots=True)
class TemplatesView:
    """A complete listing of the provider's templates, and the rows as they are."""

    table: str
    mapping_table: str
    columns: Columns
    templates: Sequence[Template]
    rows: Mapping[str, Mapping[str, Any]]
    mappings: Sequence[Mapping[str, Any]]
    mapping_key: tuple[str, ...] = ()
    integration: str = ""
    titles: tuple[str, str, str] = ("the provider", "the template table", "the mapping table")  # in words, for the mail
    sync_field: str = ""  # the command that brings the dropdown in line


def open_provider(spec: ProviderSpec, ctx: RunContext) -> Provider:
    """The provider, for the account this store was first used with; ConfigError for another one (GN-33)."""
    provider: Provider = ctx.client(spec.connection)
    check_account(ctx, spec.name, spec.title, provider.account)
    return provider


def read(spec: ProviderSpec, ctx: RunContext, _part: Part) -> TemplatesView:
    """One listing of all templates, and the two tables."""
    provider = open_provider(spec, ctx)
    templates = provider.templates()
    keep_account(ctx, spec.name, provider.account)
    ctx.step(spec.titles["sync-templates"], templates=len(templates))
    columns = Columns.of(spec)
    rows = {str(row[columns.id]): dict(row) for row in ctx.table(spec.template_table.name).all()}
    mappings = [dict(row) for row in ctx.table(spec.mapping_table.name).all()]
    return TemplatesView(
        spec.template_table.name,
        spec.mapping_table.name,
        columns,
        templates,
        rows,
        mappings,
        spec.mapping_table.key,
        spec.integration,
        (spec.title, spec.template_table.title, spec.mapping_table.title),
        f"connectctl {spec.name} sync-field",
    )


def plan(view: TemplatesView) -> Plan:
    """Rows to add, update and delete. Pure.

    A name belongs to the template that has it in the table already, else to the first by creation time and id; the
    others are skipped (CR-53). Archived: IsActive false, row kept (CR-54). Gone: row deleted, mappings off (CR-55).
    """
    columns = view.columns
    listed = {template.id: template for template in view.templates if template.state != "draft"}
    owners = _owners(view, listed)
    writes: list[RowWrite] = []
    skipped: list[Skip] = []
    removals = 0
    for template in sorted(listed.values(), key=lambda t: (t.created_at, t.id)):
        name = template.name.strip()
        if owners[name] != template.id:
            holder = owners[name]
            skipped.append(Skip(template.id, "duplicate_name", f"{name} is the name of {holder}", template=template.id))
            if template.id not in view.rows:
                continue
            name = str(view.rows[template.id][columns.name])  # keeps the name it had
        write, switched_off = _row(view, template, name)
        removals += switched_off
        if write is not None:
            writes.append(write)
        else:
            skipped.append(Skip(template.id, "unchanged", template=template.id))
    for gone in sorted(set(view.rows) - {t.id for t in view.templates if t.state != "draft"}):
        removals += 1
        writes.append(RowWrite("delete_row", view.table, (gone,), reason="the template is gone from the provider"))
        writes += _mappings_off(view, gone)
    return Plan(
        writes=tuple(writes),
        skipped=tuple(skipped),
        notices=_notice(view, writes, skipped),
        removals=removals,
        removal_base=len(view.rows),
        emptied=bool(view.rows) and not view.templates,
    )


def _notice(view: TemplatesView, writes: Sequence[RowWrite], skipped: Sequence[Skip]) -> tuple[Notice, ...]:
    """One mail per run about templates that were deleted, and what follows from it (CR-22, CR-55); none without."""
    deleted = [write.key[0] for write in writes if write.action == "delete_row"]
    if not deleted:
        return ()
    provider, table, mappings = view.titles
    lines = [f"{provider} does not have these templates any more; their rows were removed from {table}:", ""]
    lines += [f"  {view.rows[template][view.columns.name]} ({template})" for template in deleted]
    off = [write.key for write in writes if write.table == view.mapping_table]
    lines += ["", f"Switched off in {mappings}:" if off else f"No active row of {mappings} named them."]
    lines += ["", *(f"  {', '.join(cell or '-' for cell in key)}" for key in off)] if off else []
    doubles = [f"  {skip.key}: {skip.detail}" for skip in skipped if skip.reason == "duplicate_name"]
    lines += ["", "Left out, because another template has the name already:", "", *doubles] if doubles else []
    lines += ["", f"The next {view.sync_field} takes their elements out of the dropdown in Docebo;"]
    lines += ["courses that selected one fall back to the field's default value. Completions stay."]
    words = "1 badge template was deleted" if len(deleted) == 1 else f"{len(deleted)} badge templates were deleted"
    return (Notice(view.integration, f"{provider}: {words}", tuple(lines)),)


def _owners(view: TemplatesView, listed: Mapping[str, Template]) -> dict[str, str]:
    """Which template each name belongs to."""
    owners: dict[str, str] = {}
    names = {template_id: template.name.strip() for template_id, template in listed.items()}
    for template_id in sorted(view.rows):
        name = str(view.rows[template_id][view.columns.name]).strip()
        if names.get(template_id) == name:
            owners.setdefault(name, template_id)
    for template in sorted(listed.values(), key=lambda t: (t.id not in view.rows, t.created_at, t.id)):
        owners.setdefault(template.name.strip(), template.id)
    return owners


def _row(view: TemplatesView, template: Template, name: str) -> tuple[RowWrite | None, bool]:
    """The write that brings one row up to date, if any, and whether it switches the row off."""
    columns = view.columns
    active = template.state == "active"
    row = view.rows.get(template.id)
    if row is None:
        new = {columns.id: template.id, columns.name: name, columns.active: active, columns.element: None}
        return RowWrite("add_row", view.table, (template.id,), new, f"new template, {template.state}"), False
    changed: dict[str, str | bool] = {}
    reasons = []
    if row[columns.name] != name:
        changed[columns.name] = name
        reasons.append(f"renamed from {row[columns.name]}")
    if row[columns.active] is not active:
        changed[columns.active] = active
        reasons.append("active again" if active else template.state)
    if not changed:
        return None, False
    write = RowWrite("update_row", view.table, (template.id,), changed, ", ".join(reasons))
    return write, changed.get(columns.active) is False


def _mappings_off(view: TemplatesView, template_id: str) -> list[RowWrite]:
    """Mapping rows of a template that is gone are switched off, never removed (CR-55)."""
    return [
        RowWrite(
            "update_row",
            view.mapping_table,
            tuple(str(row[name] or "") for name in view.mapping_key),
            {view.columns.active: False},
            "its template is gone from the provider",
        )
        for row in view.mappings
        if str(row.get(view.columns.id)) == template_id and row.get(view.columns.active) is True
    ]
