"""Provider templates into the template table, all or one (CR-21 to CR-23, CR-53 to CR-57, GN-33); a pure plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectctl.badging.accounts import check_account, keep_account
from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.dropdown import sync_calls
from connectctl.badging.provider import Provider, Template
from connectctl.badging.steps import note
from connectctl.badging.window import listed
from connectctl.errors import UsageError
from connectctl.model import Call, Notice, Part, Plan, RowWrite, RunContext, Skip
from connectctl.plugins.specs import ProviderSpec


@dataclass(frozen=True, slots=True)
class TemplatesView:
    """A complete listing of the provider's templates, and the rows as they are.

    `only`: not a listing, but a look at this template; nothing is said of the others. `stale` says why the look is not
    to be acted upon. `follow` are the runs to be made when a row changes.
    """

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
    only: str | None = None
    stale: str = ""
    follow: tuple[Call, ...] = ()
    mapped: tuple[str, str] = ("", "")  # the mapping table's columns that name the template, and whether the row counts


def open_provider(spec: ProviderSpec, ctx: RunContext) -> Provider:
    """The provider, for the account this store was first used with; ConfigError for another one (GN-33)."""
    provider: Provider = ctx.client(spec.connection)
    check_account(ctx, spec.name, spec.title, provider.account)
    return provider


def check_templates(spec: ProviderSpec, ctx: RunContext, named: Sequence[str]) -> None:
    """Raises UsageError for a template that the template table has no row for."""
    known = {str(row[Columns.of(spec).id]) for row in ctx.table(spec.template_table.name).all()} if named else set()
    for template in named:
        if template not in known:
            hint = f"connectctl lookup show {spec.template_table.name}"
            raise UsageError(f"The table {spec.template_table.title} has no {spec.noun} {template}", hint=hint)


def read(spec: ProviderSpec, ctx: RunContext, _part: Part) -> TemplatesView:
    """One listing of all templates, and the two tables."""
    provider = open_provider(spec, ctx)
    templates = provider.templates()
    keep_account(ctx, spec.name, provider.account)
    ctx.step(spec.titles["sync-templates"], templates=len(templates))
    view, calls = _view(spec, ctx, templates), spec.calls.get("sync-templates", ())
    if templates:
        _remember(ctx, provider, view, view.rows)
    if "notify-deletions" in calls and (gone := sum(_gone(view, template_id) for template_id in view.rows)):
        note(spec, ctx, "notify-deletions", "sync-templates", templates=gone)
    named = bool((ctx.settings(spec.integration).get(spec.keys["field"]) or "").strip())
    return replace(view, follow=sync_calls(spec)) if "sync-field" in calls and named else view


def read_one(spec: ProviderSpec, ctx: RunContext, _part: Part) -> TemplatesView:
    """One template as it is now, whatever the event says (CR-21): a deleted one is one that the provider has not."""
    template_id, event = str(ctx.params["template"]).strip(), str(ctx.params.get("event") or "changed")
    if event not in ("changed", "deleted"):
        raise UsageError(f"event is changed or deleted, not {event!r}", hint=f"connectctl flow show {ctx.flow}")
    provider = open_provider(spec, ctx)
    at, versions = _moment(ctx), ctx.cached(f"template-versions/{provider.account}")
    newest = versions.get(template_id)
    if at is not None and newest is not None and at < datetime.fromisoformat(newest):
        view = replace(_view(spec, ctx, ()), only=template_id)
        return replace(view, stale=f"an event of {newest} was carried out before this one of {at.isoformat()}")
    found = provider.template(template_id)
    keep_account(ctx, spec.name, provider.account)
    if at is not None:
        versions[template_id] = at.isoformat()
    view = _view(spec, ctx, () if found is None else (found,))
    _remember(ctx, provider, view, {template_id} & set(view.rows))
    ctx.step(spec.titles["sync-template"], templates=len(view.templates))
    if template_id in view.rows and _gone(view, template_id) and "notify-deletions" in spec.titles:
        ctx.step(spec.titles["notify-deletions"], spec.titles["sync-template"], templates=1)
    follow = sync_calls(spec) if "sync-field" in spec.titles else ()
    return replace(view, only=template_id, follow=follow)


def _remember(ctx: RunContext, provider: Provider, view: TemplatesView, looked: Iterable[str]) -> None:
    """Keeps the ids of those looked at whose rows are about to go: `notify-deletions` tells of no others."""
    there, gone = {one.id for one in view.templates if one.state != "draft"}, _deleted(ctx, provider)
    for template in sorted(set(looked) - there):
        if template not in gone:
            gone[template] = True


def _deleted(ctx: RunContext, provider: Provider) -> MutableMapping[str, Any]:
    """Ids of templates that had a row once and were gone from the provider."""
    return ctx.cached(f"templates-gone/{provider.account}")


def _moment(ctx: RunContext) -> datetime | None:
    """When the event happened, as far as it is known."""
    text = str(ctx.params.get("at") or "")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        at = None
    if text and (at is None or at.tzinfo is None):
        raise UsageError(f"at is a moment with its zone, not {text!r}", hint="--param at=2026-01-31T12:00:00+00:00")
    return at


def _gone(view: TemplatesView, template_id: str) -> bool:
    return all(template.id != template_id or template.state == "draft" for template in view.templates)


def _view(spec: ProviderSpec, ctx: RunContext, templates: Sequence[Template]) -> TemplatesView:
    columns, mapping = Columns.of(spec), MappingColumns.of(spec)
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
        mapped=(mapping.id, mapping.active),
    )


def plan(view: TemplatesView) -> Plan:
    """Rows to add, update and delete. Pure.

    A name belongs to the template that has it in the table already, else to the first by creation time and id; the
    others are skipped (CR-53). Archived: IsActive false, row kept (CR-54). Gone: row deleted, mappings off (CR-55).
    """
    if view.stale:
        return Plan(skipped=(Skip(str(view.only), "unchanged", view.stale, template=view.only),))
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
    if view.only is not None and view.only not in {*view.rows, *(one.id for one in view.templates)}:
        words = f"neither {view.titles[0]} nor {view.titles[1]} has it"
        skipped.append(Skip(view.only, "template_unknown", words, template=view.only))
    looked = set(view.rows) if view.only is None else {view.only} & set(view.rows)
    for gone in sorted(looked - set(listed)):
        removals += 1
        writes.append(RowWrite("delete_row", view.table, (gone,), reason="the template is gone from the provider"))
        writes += _mappings_off(view, gone)
    return Plan(
        writes=tuple(writes),
        skipped=tuple(skipped),
        notices=_notice(view, writes, skipped),
        removals=removals,
        removal_base=len(view.rows),
        emptied=view.only is None and bool(view.rows) and not view.templates,
        calls=view.follow if writes else (),
    )


def _notice(view: TemplatesView, writes: Sequence[RowWrite], skipped: Sequence[Skip]) -> tuple[Notice, ...]:
    """One mail per run about templates that were deleted, and what follows from it (CR-22, CR-55); none without."""
    deleted = [write.key[0] for write in writes if write.action == "delete_row"]
    off = [write.key for write in writes if write.table == view.mapping_table]
    doubles = [f"  {skip.key}: {skip.detail}" for skip in skipped if skip.reason == "duplicate_name"]
    return _mail(view, deleted, off, doubles)


def _mail(
    view: TemplatesView, deleted: Sequence[str], off: Sequence[Sequence[str]], doubles: Sequence[str] = ()
) -> tuple[Notice, ...]:
    if not deleted:
        return ()
    provider, table, mappings = view.titles
    names = {template: str(view.rows.get(template, {}).get(view.columns.name) or "") for template in deleted}
    lines = [f"{provider} does not have these templates any more; their rows were removed from {table}:", ""]
    lines += [f"  {name} ({template})" if name else f"  {template}" for template, name in names.items()]
    lines += ["", f"Switched off in {mappings}:" if off else f"No active row of {mappings} named them."]
    lines += ["", *(f"  {', '.join(cell or '-' for cell in key)}" for key in off)] if off else []
    lines += ["", "Left out, because another template has the name already:", "", *doubles] if doubles else []
    lines += ["", f"The next {view.sync_field} takes their elements out of the dropdown in Docebo;"]
    lines += ["courses that selected one fall back to the field's default value. Completions stay."]
    words = "1 template was deleted" if len(deleted) == 1 else f"{len(deleted)} templates were deleted"
    return (Notice(view.integration, f"{provider}: {words}", tuple(lines)),)


def _owners(view: TemplatesView, listed: Mapping[str, Template]) -> dict[str, str]:
    """Which template each name belongs to."""
    owners: dict[str, str] = {}
    known = view.rows.items() if view.only is not None else ()  # what was not looked at is as its row says
    names = {template_id: str(row[view.columns.name]).strip() for template_id, row in known if template_id != view.only}
    names |= {template_id: template.name.strip() for template_id, template in listed.items()}
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
    id, active = view.mapped
    return [
        RowWrite(
            "update_row",
            view.mapping_table,
            tuple(str(row[name] or "") for name in view.mapping_key),
            {active: False},
            "its template is gone from the provider",
        )
        for row in view.mappings
        if str(row.get(id)) == template_id and row.get(active) is True
    ]


@dataclass(frozen=True, slots=True)
class DeletedView:
    """Templates that somebody says are deleted, and which of them the provider still has."""

    tables: TemplatesView
    named: tuple[str, ...]
    there: frozenset[str]


def read_deleted(spec: ProviderSpec, ctx: RunContext, _part: Part) -> DeletedView:
    """The templates that the run names, each looked for at the provider: no mail says what is not so.

    Raises UsageError for one that the provider does not have and that nothing here has ever named.
    """
    named = tuple(dict.fromkeys(listed(ctx, "template")))
    provider = open_provider(spec, ctx)
    there = frozenset(template for template in named if provider.template(template) is not None)
    view = _view(spec, ctx, ())
    known = {*there, *view.rows, *_deleted(ctx, provider), *(str(row.get(view.mapped[0])) for row in view.mappings)}
    for template in named:
        if template not in known:
            hint = f"connectctl lookup show {spec.template_table.name}"
            raise UsageError(f"Nothing here knows of a {spec.noun} {template} that was deleted", hint=hint)
    ctx.step(spec.titles["notify-deletions"], templates=len(named) - len(there))
    return DeletedView(view, named, there)


def plan_notice(view: DeletedView) -> Plan:
    """One mail about all deleted templates and the mapping rows that are off; none when nothing is (CR-22). Pure."""
    tables = view.tables
    gone = [template for template in view.named if template not in view.there]
    off = [
        tuple(str(row[name] or "") for name in tables.mapping_key)
        for row in tables.mappings
        if str(row.get(tables.mapped[0])) in gone and row.get(tables.mapped[1]) is not True
    ]
    still = (Skip(key, "unchanged", f"{tables.titles[0]} still has it", template=key) for key in sorted(view.there))
    return Plan(skipped=tuple(still), notices=_mail(tables, gone, off))
