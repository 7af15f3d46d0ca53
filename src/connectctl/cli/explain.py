"""`connectctl lookup explain`: settings and columns in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.check import SETTINGS
from connectctl.cli.options import json_option, pass_session
from connectctl.cli.output import cell, emit_json, write
from connectctl.cli.session import Session

if TYPE_CHECKING:
    from connectctl.plugins.specs import TableSpec


@click.command("explain")
@click.argument("table", required=False)
@json_option
@pass_session
def explain_table(session: Session, table: str | None, as_json: bool) -> None:
    """Say what each setting does, or each column of TABLE.

    Without TABLE, or for integration-settings: every setting of every integration with its value, its default, what
    it may be, and its effect as things stand.

    Example: connectctl lookup explain

    Example: connectctl lookup explain credly-integration-mappings
    """
    spec = session.plugins.table(table or SETTINGS)
    if spec.name == SETTINGS:
        rows = settings_explained(session)
        fields = ("value", "default", "allowed", "effect")
        blocks = [
            # Of a blank one the effect says it already.
            _block(f"{row['integration']} {row['key']}", row, (*fields, "blank") if row["value"] else fields)
            for row in rows
        ]
    else:
        rows = columns_explained(spec)
        blocks = [_block(str(row["column"]), row, ("type", "filled_by", "meaning")) for row in rows]
        about = spec.summary and f": {spec.summary[:1].lower()}{spec.summary[1:]}"
        blocks.insert(0, cell(f"{spec.title}{about}; filled by {spec.filled_by}") + "\n")
    if as_json:
        emit_json(rows)
    elif blocks:
        write("\n".join(blocks))
    if table is None and not as_json:
        session.say(session.in_profile("connectctl lookup explain TABLE explains the columns of a table"))


def settings_explained(session: Session) -> list[dict[str, Any]]:
    """Every setting of every integration, as JSON has it."""
    from connectctl.badging.effects import explained

    found = session.store.table(session.plugins.table(SETTINGS)).all()
    rows: list[dict[str, Any]] = []
    for provider in session.plugins.providers.values():
        texts = {
            str(row.get("Key") or "").strip(): "" if row.get("Value") is None else str(row.get("Value")).strip()
            for row in found
            if row.get("Integration") == provider.integration
        }
        for effect in explained(provider.settings, texts, session.settings.timezone):
            spec = effect.spec
            default = spec.default
            rows.append(
                {
                    "integration": provider.integration,
                    "key": spec.name,
                    "summary": spec.summary,
                    "kind": spec.kind,
                    "value": effect.text or None,
                    "valid": effect.valid,
                    "default": default if default is None or isinstance(default, bool) else str(default),
                    "required": spec.required,
                    "allowed": effect.allowed,
                    "effect": effect.effect,
                    "blank": effect.blank,
                }
            )
    return rows


def columns_explained(spec: TableSpec) -> list[dict[str, Any]]:
    """The columns of a table in order, as JSON has it."""
    return [
        {
            "column": column.name,
            "type": column.type,
            "required": column.required,
            "key": column.name in spec.key,
            "filled_by": column.filled_by or spec.filled_by,
            "refers_to": column.refers_to.table if column.refers_to else None,
            "meaning": column.summary,
        }
        for column in spec.columns
    ]


_TYPES = {
    "text": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "date": "date, YYYY-MM-DD or YYYY-MM-DD HH:MM:SS",
}


def _block(head: str, row: dict[str, Any], fields: tuple[str, ...]) -> str:
    """A heading and a line per field, wrapped to what people can read."""
    import textwrap

    lines = [cell(head)]
    for name in fields:
        value = row[name]
        text = "-" if value in (None, "") else cell(value)
        if name == "type":
            text = _TYPES[text]
            text += ", part of the key" if row["key"] else ""
            text += "" if row["required"] else ", may be blank"
            text += f", a row of {row['refers_to']}" if row["refers_to"] else ""
        if name == "value" and not row["valid"]:
            text += "  (not valid)"
        label = name.replace("_", " ")
        lines.append(textwrap.fill(text, 100, initial_indent=f"  {label:<10}", subsequent_indent=" " * 12))
    return "\n".join(lines) + "\n"
