"""`connectctl lookup check`: what is wrong with the lookup tables, and the command that mends each thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.options import json_option, pass_session
from connectctl.cli.output import cell, emit_json, write
from connectctl.cli.session import Session
from connectctl.errors import ConfigError

if TYPE_CHECKING:
    from connectctl.plugins.specs import Finding, TableSpec
    from connectctl.store.table import SqlTable

SETTINGS = "integration-settings"
LISTED = 50  # different findings of one table that people are shown
ROWS = 3  # rows named of those that have the same finding


@click.command("check")
@click.argument("table", required=False)
@click.option("--offline", is_flag=True, help="Ask no remote.")
@json_option
@pass_session
def check_tables(session: Session, table: str | None, offline: bool, as_json: bool) -> None:
    """Say what is wrong with tables, and how to mend it.

    Finds rows that do not fit, lead nowhere, do nothing or contradict each other, and settings that are missing or
    wrong; what connections can tell is asked of them. Ends with exit code 3 when one of the findings is an error.

    Example: connectctl lookup check

    Example: connectctl lookup check credly-integration-mappings --offline
    """
    plugins = session.plugins
    tables = [plugins.table(table)] if table else list(plugins.tables.values())
    order = {spec.name: number for number, spec in enumerate(tables)}
    found = sorted(findings(session, tables, offline=offline), key=lambda finding: order.get(finding.table, len(order)))
    if as_json:
        emit_json([as_document(session, finding) for finding in found])
    else:
        show(session, found)
    errors = [finding for finding in found if finding.severity == "error"]
    warnings = len(found) - len(errors)
    where = tables[0].title if len(tables) == 1 else f"{len(tables)} tables"
    summed = f"{_count(len(errors), 'error')} and {_count(warnings, 'warning')} in {where}"
    if errors:
        raise ConfigError(f"lookup check found {summed}", hint=session.command(errors[0].fix))
    session.say(f"Found {summed}" if found else f"Nothing is wrong with {where}")


def findings(session: Session, tables: Iterable[TableSpec], *, offline: bool = False) -> Iterator[Finding]:
    """Everything that is wrong with the tables, table by table, then what remotes say of them. Nothing is changed.

    A remote is asked only when its connection is configured and `offline` is false; one that does not answer is a
    finding itself.
    """
    from connectctl.store.findings import table_findings

    chosen = list(tables)
    references = _References(session)
    for spec in chosen:
        rows = session.store.table(spec)
        yield from table_findings(spec, rows, references.of(spec), partial(_has, rows))
        if spec.name == SETTINGS:
            yield from _settings(session)
    if not offline:
        yield from _asked(session, chosen)


def _has(rows: SqlTable, key: tuple[str, ...]) -> bool:
    return rows.get_row(key) is not None


class _References:
    """What the columns of tables refer to, each other table read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[Any, Any] = {}

    def of(self, spec: TableSpec) -> dict[str, Any]:
        from connectctl.store.findings import Known

        tables = self._session.plugins.tables
        known = {}
        for column in spec.columns:
            reference = column.refers_to
            if reference is None or reference.table not in tables:
                continue  # the plugin that brings the other table is not here
            if reference not in self._read:
                other = tables[reference.table]
                self._read[reference] = Known.of(other, reference, self._session.store.table(other))
            known[column.name] = self._read[reference]
        return known


def _settings(session: Session) -> Iterator[Finding]:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from connectctl.badging.effects import settings_findings

    rows = session.store.table(session.plugins.table(SETTINGS)).all()
    zone = session.settings.timezone
    declared, used = {}, {}
    for provider in session.plugins.providers.values():
        declared[provider.integration] = provider.settings
        used[provider.integration] = (
            any(row.get("Integration") == provider.integration for row in rows)
            or session.settings.connection(provider.connection).configured
            or any(len(session.store.table(table)) for table in provider.tables)
        )
    if not any(used.values()):  # somebody begins: everything is still to be done
        used = dict.fromkeys(used, True)
    yield from settings_findings(declared, rows, zone, datetime.now(UTC).astimezone(ZoneInfo(zone)), used)


def _asked(session: Session, tables: list[TableSpec]) -> Iterator[Finding]:
    from connectctl.flows.asking import ask, asked_of
    from connectctl.flows.context import Runtime

    runtime = Runtime(session.plugins, session.settings, session.store, session.paths.data_dir)
    asked = []
    for spec in session.plugins.checks.values():
        concerned = asked_of(spec, tables)
        absent = [kind for kind in spec.uses if not _configured(session, kind)]
        if concerned and absent:
            session.say(f"Not checked, as {' and '.join(absent)} is not configured: {spec.summary}")
        elif concerned:
            asked.append((spec, concerned))
    with session.progress("asking remotes"):
        yield from ask(runtime, asked)


def _configured(session: Session, kind: str) -> bool:
    return kind in session.plugins.connections and session.settings.connection(kind).configured


# --- output


def as_document(session: Session, finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "severity": finding.severity,
        "table": finding.table or None,
        "row": finding.row,
        "key": list(finding.key) or None,
        "column": finding.column or None,
        "message": finding.message,
        "fix": session.command(finding.fix),
    }


def show(session: Session, found: list[Finding]) -> None:
    """By table, as they come; rows with the same finding and fix share a line."""
    tables = session.plugins.tables
    blocks = []
    for table, group in groupby(found, lambda finding: finding.table):
        same: dict[tuple[str, str, tuple[str, ...]], list[Finding]] = {}
        for finding in group:
            same.setdefault((finding.severity, finding.message, finding.fix), []).append(finding)
        lines = [tables[table].title if table in tables else table or "Remotes"]
        for (severity, message, fix), alike in list(same.items())[:LISTED]:
            lines.append(f"  {severity:<7}  {cell(_rows(alike) + message)}")
            lines.append(f"           Fix: {session.command(fix)}")
        if len(same) > LISTED:
            lines.append(f"  and {len(same) - LISTED} more; --json lists them all")
        blocks.append("\n".join(lines) + "\n")
    if blocks:
        write("\n".join(blocks))


def _rows(alike: list[Finding]) -> str:
    places = [_row(finding) for finding in alike if finding.row is not None or finding.key]
    if not places:
        return ""
    more = f" and {len(places) - ROWS} more" if len(places) > ROWS else ""
    return f"{', '.join(places[:ROWS])}{more}: "


def _row(finding: Finding) -> str:
    number = f"#{finding.row}" if finding.row is not None else ""
    return " ".join([number] * bool(number) + [part or "-" for part in finding.key])


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
