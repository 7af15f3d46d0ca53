"""What `lookup check` asks for each badge provider: is the template table up to date, and is the dropdown there?"""

from __future__ import annotations

from collections import Counter
from functools import partial

from connectctl.badging.columns import Columns
from connectctl.badging.effects import TABLE
from connectctl.badging.templates import TemplatesView, plan
from connectctl.docebo import fields
from connectctl.model import CheckContext
from connectctl.plugins.specs import CheckSpec, Finding, ProviderSpec

_WORDS = {"add_row": "to add", "update_row": "to update", "delete_row": "to remove"}


def provider_checks(spec: ProviderSpec) -> tuple[CheckSpec, ...]:
    """The questions about one provider's tables."""
    return (
        CheckSpec(
            f"{spec.name}-templates",
            f"{spec.template_table.title} is what {spec.title} has",
            partial(template_findings, spec),
            uses=(spec.connection,),
            tables=(spec.template_table.name,),
        ),
        CheckSpec(
            f"{spec.name}-dropdown",
            f"{spec.integration} {spec.keys['field']} names a dropdown in Docebo",
            partial(field_findings, spec),
            uses=("docebo",),
            tables=(TABLE,),
        ),
    )


def template_findings(spec: ProviderSpec, ctx: CheckContext) -> list[Finding]:
    """What the next sync would do, in one finding, and the templates that it leaves out for their names (CR-53)."""
    name = spec.template_table.name
    columns = Columns.of(spec)
    rows = {str(row.get(columns.id)): dict.fromkeys(_names(spec)) | row for row in ctx.table(name)}
    if not rows:
        return []  # never filled: whatever needs it says so
    listed = ctx.client(spec.connection).templates()
    planned = plan(TemplatesView(name, spec.mapping_table.name, columns, listed, rows, []))
    sync = (spec.name, f"sync-{spec.noun}s")
    findings = []
    if planned.writes:
        counts = Counter(_WORDS[write.action] for write in planned.writes)
        words = ", ".join(f"{count} {what}" for what, count in counts.items())
        findings.append(Finding("warning", f"is not what {spec.title} has: {words}", sync, name))
    for skip in planned.skipped:
        if skip.reason == "duplicate_name":
            message = (
                f"{skip.detail} in {spec.title} already: rename one of the two there; until then this one is left out"
            )
            findings.append(Finding("warning", message, sync, name, None, (skip.key,), columns.name))
    return findings


def field_findings(spec: ProviderSpec, ctx: CheckContext) -> list[Finding]:
    """The dropdown that the setting names: not there yet, or a field of another type (CR-18)."""
    key = (spec.integration, spec.keys["field"])
    name = ctx.settings(spec.integration).get(spec.keys["field"], "")
    if not name:
        return []
    known = list(fields.walk(ctx.client("docebo")))
    types = {field.type or "dropdown" for field in known if field.name.strip() == name}
    if types == set():
        alike = [field.name.strip() for field in known if _folded(field.name) == _folded(name)]
        fix: tuple[str, ...] = (spec.name, "sync-field")
        message = f"Docebo has no course field {name!r} yet"
        if len(alike) == 1:
            fix = ("lookup", "set", TABLE, *key, f"Value={alike[0]}")
            message = f"Docebo has no course field {name!r}; is {alike[0]!r} meant?"
        return [Finding("warning", message, fix, TABLE, None, key, "Value")]
    if "dropdown" not in types:
        message = f"the Docebo course field {name!r} is of type {', '.join(sorted(types))}, not a dropdown"
        fix = ("lookup", "set", TABLE, *key, f"Value={spec.title} badge")
        return [Finding("error", message, fix, TABLE, None, key, "Value")]
    return []


def _names(spec: ProviderSpec) -> list[str]:
    return [column.name for column in spec.template_table.columns]


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
