"""`connectctl store …`: is the store sound, what is in it, and how it moves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import dry_run_option, json_option, pass_session
from connectctl.errors import StoreError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.store.check import Finding
    from connectctl.store.engine import Engine


@click.group(cls=Group)
def store() -> None:
    """Check, export and copy the store.

    Example: connectctl store check
    """


@store.command()
@json_option
@pass_session
def check(session: Session, as_json: bool) -> None:
    """Look for everything that may be wrong with the store.

    Integrity of the database, indexes, one live entry per holding, the ledger's digests, runs whose process is gone,
    cells that do not fit their column, rights and disk. It changes nothing. Exit code 0 means that nothing is wrong;
    remarks do not count.

    Example: connectctl store check --json
    """
    from connectctl.cli.output import emit, emit_json

    findings = _findings(session)
    wrong = [finding for finding in findings if finding.wrong]
    rows = [{**asdict(finding), "fix": session.in_profile(finding.fix)} for finding in findings]
    if as_json:
        emit_json({"ok": not wrong, "findings": rows})
    elif findings:
        shown = [{**row, "level": "wrong" if row["wrong"] else "remark"} for row in rows]
        emit(shown, ("level", "check", "message", "fix"))
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise StoreError(f"The store is not sound: {wrong[0].message}{more}", hint=wrong[0].fix)
    if not as_json:
        session.say("The store is sound")


@store.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@dry_run_option
@json_option
@pass_session
def export(session: Session, folder: Path, dry_run: bool, as_json: bool) -> None:
    """Write everything in the store as readable files.

    One CSV per lookup table, JSON lines for ledger, runs and the rest, and manifest.json with rows and SHA-256 of each
    file. All of one moment in time. DIR must be empty or not there yet.

    Example: connectctl store export backup-2026-11-01
    """
    from connectctl.cli.output import emit_json
    from connectctl.store.copy import counts
    from connectctl.store.export import export as write
    from connectctl.store.export import refuse_full

    if dry_run:
        refuse_full(folder)
        _say_counts(session, counts(session.store), f"Would write {folder}", as_json)
        return
    with session.progress("exporting") as progress:
        manifest = write(session.store, folder, session.plugins.tables, lambda _file: progress.advance())
    if as_json:
        emit_json(manifest)
        return
    rows = sum(file["rows"] for file in manifest["files"])
    session.say(f"Wrote {folder}: {len(manifest['files'])} files, {rows} rows, and manifest.json")


@store.command()
@click.option("--to", "url", required=True, metavar="URL", help="Where to; sqlite:///FILE as in [store] url.")
@dry_run_option
@json_option
@pass_session
def copy(session: Session, url: str, dry_run: bool, as_json: bool) -> None:
    """Copy the store, as it is now, to another place.

    Every row keeps its number and revision, and both sides are compared before the copy counts. The target must be
    empty or not there yet; the store itself stays as it is. What is changed from now on is not in the copy: to move,
    stop all runs first, and set [store] url in config.toml afterwards.

    Example: connectctl store copy --to sqlite:////var/lib/connectctl/store.db
    """
    from connectctl.store.copy import copy as carry
    from connectctl.store.copy import counts, refuse_taken

    data_dir = session.paths.data_dir
    refuse_taken(url, data_dir)
    tables = counts(session.store)
    if dry_run:
        _say_counts(session, tables, "Would copy", as_json)
        return
    for finding in _runs(session):
        session.say(f"Careful: {finding}; what it does from now on is not in the copy")
    with session.progress("copying", sum(rows for _, rows in tables)) as progress:
        copied = carry(session.store, url, data_dir, progress.advance)
    _say_counts(session, [(table.table, table.rows) for table in copied], "Copied and compared", as_json)
    session.say(f'To use the copy: url = "{url}" below [store] in {session.paths.config_file}')


def _say_counts(session: Session, tables: list[tuple[str, int]], words: str, as_json: bool) -> None:
    from connectctl.cli.output import emit_json

    if as_json:
        emit_json([{"table": table, "rows": rows} for table, rows in tables])
    else:
        session.say(f"{words}: {len(tables)} tables, {sum(rows for _, rows in tables)} rows")


def _findings(session: Session) -> list[Finding]:
    from connectctl.store import open_engine, store_file
    from connectctl.store.check import Finding, database_findings, file_findings

    url, data_dir = session.settings.store_url, session.paths.data_dir
    path = store_file(url, data_dir)
    found = file_findings(path)
    if not path.is_file() or path.is_symlink():
        return found
    try:
        engine = open_engine(url, data_dir, read_only=True)
    except StoreError as error:
        known = {finding.message for finding in found}
        return found if error.message in known else [*found, Finding.of("file", error)]
    with closing(engine):
        database = database_findings(engine, session.plugins.tables)
        found += database
        if not any(finding.check in ("database", "copy") for finding in database):
            found += _work(session, engine)
    return found


def _work(session: Session, engine: Engine) -> Iterator[Finding]:
    """What the layers above the store promise: the ledger's digests, and runs that live."""
    from connectctl.flows.locks import Locks
    from connectctl.flows.proof import broken
    from connectctl.flows.runs import RunRecords
    from connectctl.store.check import Finding
    from connectctl.store.store import Store

    opened = Store(engine)
    locks = Locks.of(opened, session.paths.data_dir)
    try:
        for line in broken(opened):
            yield Finding("ledger", line, "connectctl ledger verify --json; restore the store from a backup")
        for run, flow, host in RunRecords(opened).running():
            if host != socket.gethostname():
                text = f"The run {run} of {flow} says that it is running on {host}"
                yield Finding("runs", text, f"connectctl run show {run}", wrong=False)
            elif locks.gone(run):
                text = f"The run {run} of {flow} says that it is running, but its process is gone"
                yield Finding("runs", text, f"connectctl flow run {flow} --dry-run closes its record")
    except StoreError as error:
        yield Finding.of("database", error)


def _runs(session: Session) -> Iterator[str]:
    from connectctl.flows.locks import Locks
    from connectctl.flows.runs import RunRecords

    locks = Locks.of(session.store, session.paths.data_dir)
    for run, flow, _ in RunRecords(session.store).running():
        if not locks.gone(run):
            yield f"the run {run} of {flow} is going on"
