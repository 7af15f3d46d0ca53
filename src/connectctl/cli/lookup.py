"""`connectctl lookup`: the lookup tables as people see and change them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.check import SETTINGS, check_tables
from connectctl.cli.edit import edit
from connectctl.cli.explain import explain_table
from connectctl.cli.lazy import Group
from connectctl.cli.options import dry_run_option, json_option, limit_option, output_option, pass_session
from connectctl.cli.output import Form, emit, emit_json, emit_json_list, write_all
from connectctl.cli.rows import Target, cell_of, condition, merge, read_rows, refuse_if_read_only, save, target_of
from connectctl.cli.session import Session
from connectctl.errors import UsageError
from connectctl.store.cells import format_cell

if TYPE_CHECKING:
    from connectctl.plugins.specs import TableSpec


@click.group(cls=Group)
def lookup() -> None:
    """Show and change lookup tables.

    Example: connectctl lookup set integration-settings CREDLY COURSE_ADDITIONAL_FIELD Value="Credly badge"
    """


lookup.add_command(check_tables)
lookup.add_command(explain_table)
lookup.add_command(edit)


@lookup.command("list")
@json_option
@pass_session
def list_tables(session: Session, as_json: bool) -> None:
    """List tables: name, plugin, rows, who fills them.

    Example: connectctl lookup list --json
    """
    tables = session.plugins.tables
    rows = [
        {
            "name": name,
            "title": spec.title,
            "plugin": tables.owner(name),
            "rows": len(session.store.table(spec)),
            "filled_by": spec.filled_by,
            "editable": spec.editable,
        }
        for name, spec in tables.items()
    ]
    if as_json:
        emit_json(rows)
    else:
        emit(rows, ("name", "title", "plugin", "rows", "filled_by"))


@lookup.command()
@click.argument("table")
@click.option("--where", "wheres", multiple=True, metavar="COL=VALUE", help="Only rows with this cell; repeatable.")
@click.option("--search", metavar="TEXT", help="Only rows with this text in any cell.")
@limit_option
@output_option
@json_option
@pass_session
def show(
    session: Session,
    table: str,
    wheres: tuple[str, ...],
    search: str | None,
    limit: int | None,
    form: Form | None,
    as_json: bool,
) -> None:
    """Show the rows of a table.

    A row's stable number (#N) stands in front; `lookup set` and `lookup unset` take it. An empty VALUE finds blanks.

    Example: connectctl lookup show "Credly Badge Templates" --where IsActive=true --limit 20
    """
    spec = session.plugins.table(table)
    rows = session.store.table(spec)
    found = iter(rows if not wheres else rows.search(condition(spec, wheres)))
    if search is not None:
        sought = search.casefold()
        found = (row for row in found if sought in "\n".join(_texts(spec, row)).casefold())
    chosen = islice(found, limit)
    names = [column.name for column in spec.columns]
    if as_json or form == "json":
        emit_json_list(_json_row(spec, row) for row in chosen)
    elif form == "csv":
        from connectctl.store.transfer import csv_lines

        write_all(csv_lines(chosen, spec))
    else:
        shown = ({"#": f"#{row.doc_id}", **dict(zip(names, _texts(spec, row), strict=True))} for row in chosen)
        emit(shown, ("#", *names), form)


@lookup.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("table")
@click.argument("cells", nargs=-1, required=True, metavar="KEY…|#N COL=VALUE…", type=click.UNPROCESSED)
@dry_run_option
@pass_session
def set_row(session: Session, table: str, cells: tuple[str, ...], dry_run: bool) -> None:
    """Add or update one row.

    The row is named by its key cells in order, - standing for a blank one, or by its number #N. An empty VALUE makes a
    cell blank; columns that are not named stay as they are.

    Example: connectctl lookup set integration-settings CREDLY BATCH_SYNC_START_DATE Value=2026-01-01
    """
    spec = _editable(session, table)
    target, pairs = target_of(spec, cells)
    changes: dict[str, Any] = {}
    for pair in pairs:
        column, value = cell_of(spec, pair)
        if column.name in changes:
            raise UsageError(f"The column {column.name} is set twice")
        if target.number is None and column.name in spec.key:
            raise UsageError(f"The column {column.name} is part of the key: change it by the row's number, #N")
        changes[column.name] = value
    if not changes and (target.number is not None or len(spec.key) < len(spec.columns)):
        raise UsageError("There is nothing to set", hint=f"connectctl lookup set {spec.name} KEY… COL=VALUE")
    if spec.name == SETTINGS:
        from connectctl.cli.settings import check_setting

        row = {**(target.find(session.store.table(spec)) or dict(zip(spec.key, target.key, strict=False))), **changes}
        if row.get("Integration") and row.get("Key"):
            check_setting(session, row["Integration"], row["Key"], row.get("Value"))
    done, number = save(session.store, spec, target, changes, dry_run)
    words = f"Would be {done}" if dry_run else done.capitalize()
    session.say(f"{words}: {spec.title}" + (f" #{number}" if number else ""))


@lookup.command()
@click.argument("table")
@click.argument("key", nargs=-1, required=True, metavar="KEY…|#N")
@dry_run_option
@pass_session
def unset(session: Session, table: str, key: tuple[str, ...], dry_run: bool) -> None:
    """Remove one row.

    Example: connectctl lookup unset integration-settings CREDLY BATCH_SYNC_START_DATE
    """
    spec = _editable(session, table)
    target, rest = target_of(spec, key)
    if rest:
        raise UsageError(f"{rest[0]!r} is one cell too many: the key is {', '.join(spec.key)}")
    rows = session.store.table(spec)
    row = target.find(rows)
    if row is None:
        raise _no_row(spec, target)
    if not dry_run:
        rows.remove(doc_ids=[row.doc_id])
    session.say(f"{'Would remove' if dry_run else 'Removed'} {spec.title} #{row.doc_id}")


@lookup.command("import")
@click.argument("table")
@click.argument("file", type=click.Path(allow_dash=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Also remove the rows that are not in FILE.")
@dry_run_option
@pass_session
def import_rows(session: Session, table: str, file: Path, replace: bool, dry_run: bool) -> None:
    """Import rows from CSV or JSON, all or nothing.

    FILE may be - for standard input. Rows are matched by their key; rows that are not in FILE stay, unless --replace is
    given. A bad cell is named by line and column, and then nothing is imported.

    Example: connectctl lookup import credly-integration-mappings mappings.csv --dry-run
    """
    spec = _editable(session, table)
    check = None
    if spec.name == SETTINGS:
        from connectctl.cli.settings import settings_check

        check = settings_check(session)
    counts = merge(session.store, spec, read_rows(file, spec, check), replace, dry_run)
    words = ", ".join(f"{count} {what}" for what, count in counts.items())
    session.say(f"{'Would be in' if dry_run else 'In'} {spec.title}: {words}")


@lookup.command("export")
@click.argument("table")
@click.argument("file", required=False, type=click.Path(allow_dash=True, path_type=Path))
@click.option("-o", "--output", "form", type=click.Choice(["csv", "json"]), help="Else by FILE's name, else CSV.")
@json_option
@pass_session
def export_rows(session: Session, table: str, file: Path | None, form: str | None, as_json: bool) -> None:
    """Export a table as CSV or JSON, to FILE or stdout.

    Cells that a spreadsheet would run as a formula are protected, and come back unharmed on import.

    Example: connectctl lookup export credly-integration-mappings mappings.csv
    """
    from connectctl.cli.files import put
    from connectctl.store.transfer import csv_lines, json_lines

    spec = session.plugins.table(table)
    form = "json" if as_json else form or ("json" if file and file.suffix.lower() == ".json" else "csv")
    rows = session.store.table(spec)
    lines = (json_lines if form == "json" else csv_lines)(rows, spec)
    if file is None or str(file) == "-":
        write_all(lines)
    else:
        put(file, lines)
        session.say(f"Wrote {file}")


def _editable(session: Session, table: str) -> TableSpec:
    spec = session.plugins.table(table)
    refuse_if_read_only(spec)
    return spec


def _texts(spec: TableSpec, row: Any) -> list[str]:
    return [format_cell(column, row.get(column.name)) for column in spec.columns]


def _json_row(spec: TableSpec, row: Any) -> dict[str, Any]:
    """Blank is null, whichever way it is stored."""
    return {column.name: None if row.get(column.name) == "" else row.get(column.name) for column in spec.columns}


def _no_row(spec: TableSpec, target: Target) -> UsageError:
    return UsageError(f"{spec.title} has no row {target}", hint=f"connectctl lookup show {spec.name}")
