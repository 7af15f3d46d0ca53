"""`connectctl lookup edit`: what the editor is given, from the table or from a text that was kept."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectctl.cli.options import dry_run_option, pass_session
from connectctl.cli.session import Session
from connectctl.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from connectctl.cli.work import Work
    from connectctl.plugins.specs import TableSpec


@click.command()
@click.argument("table")
@click.option("--where", "wheres", multiple=True, metavar="COL=VALUE", help="Only rows with this cell; repeatable.")
@click.option("--search", metavar="TEXT", help="Only rows with this text in any cell.")
@click.option(
    "--resume", metavar="FILE", type=click.Path(path_type=Path), help="Open a text again that was kept and not saved."
)
@click.option("--yes", is_flag=True, help="Remove many rows without asking.")
@dry_run_option
@pass_session
def edit(
    session: Session,
    table: str,
    wheres: tuple[str, ...],
    search: str | None,
    resume: Path | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Change a table in your editor.

    Opens $VISUAL, $EDITOR or what there is. One line is one row: change cells, add lines, delete lines, save, close. A
    mistake opens the text again and names the line. What somebody else changes meanwhile is shown, never overwritten.
    Until it is saved, your text is kept in a file; --resume FILE goes on with it.

    Example: connectctl lookup edit credly-integration-mappings --where IsActive=true
    """
    from connectctl.cli.editor import find_editor
    from connectctl.cli.rows import refuse_if_read_only

    spec = session.plugins.table(table)
    refuse_if_read_only(spec)
    command = find_editor(os.environ)
    if resume is not None:
        if wheres or search is not None:
            raise UsageError("--resume goes with neither --where nor --search: the text says which rows are meant")
        work, given = _resumed(session, spec, resume, command)
    else:
        work, given = _opened(session, spec, wheres, search, command)
    work.yes, work.dry_run = yes, dry_run
    try:
        work.loop(given)
    except (KeyboardInterrupt, click.Abort):
        if work.kept.read() == given and not work.resumed:
            work.kept.discard()
            raise Interrupted("Interrupted", hint=f"connectctl lookup edit {spec.name}") from None
        raise Interrupted("Interrupted; your text is kept", hint=work.again) from None
    except Exception as error:
        if work.again not in getattr(error, "hint", "") and work.kept.file.exists():
            session.say(f"Your text is kept: {work.again}")
        raise
    finally:
        work.kept.close()


# --- beginnings


def _opened(
    session: Session, spec: TableSpec, wheres: tuple[str, ...], search: str | None, command: list[str]
) -> tuple[Work, list[str]]:
    from connectctl.cli.kept import Kept, left_behind
    from connectctl.cli.remarks import preamble
    from connectctl.cli.rows import condition
    from connectctl.cli.saving import Basis
    from connectctl.cli.sheet import Shown, render, texts_of
    from connectctl.cli.work import Work

    rows = session.store.table(spec)
    filtered = bool(wheres) or search is not None
    last_id = 0
    found: list[tuple[int, int, list[str]]] = []
    sought = None if search is None else search.casefold()
    wanted = condition(spec, wheres) if wheres else None
    for row in rows:
        last_id = row.doc_id
        texts = texts_of(spec, row)
        matches = wanted is None or wanted(row)
        if matches and (sought is None or any(sought in text.casefold() for text in texts)):
            found.append((row.doc_id, getattr(row, "rev", 1), texts))
    head, *lines = render(((number, texts) for number, _, texts in found), spec)
    shown = {number: Shown(rev, line) for (number, rev, _), line in zip(found, lines, strict=True)}
    for file in left_behind(session.paths.data_dir, spec.name):
        again = session.command(("lookup", "edit", spec.name, "--resume", str(file)))
        session.say(f"Remark: an earlier text was not saved: {again}")
    remark = f"Only {len(found)} of {len(rows)} rows are shown; the others stay as they are." if filtered else ""
    basis = Basis(shown, last_id, filtered, session.store.store_id)
    kept = Kept.new(session.paths.data_dir, spec.name)
    given = [*preamble(spec, remark), head, *lines]
    given = kept.write(given)
    kept.write_basis(spec.name, basis)
    return Work(session, spec, kept, basis, command, resumed=False), given


def _resumed(session: Session, spec: TableSpec, file: Path, command: list[str]) -> tuple[Work, list[str]]:
    """The kept text brought up to date. A copy from elsewhere is worked on as a new file: then rows that it does not
    have are left alone, as nothing says whether it ever had them.
    """
    from connectctl.cli.changes import compare, differences, rebase
    from connectctl.cli.kept import FOLDER, Kept
    from connectctl.cli.remarks import noted, without_notes
    from connectctl.cli.saving import Basis, now_of, save
    from connectctl.cli.sheet import Shown, one_line, parse, with_commas
    from connectctl.cli.work import ACCEPT, LISTED, Work

    kept = Kept(file.absolute())
    if not kept.file.is_file():
        raise UsageError(
            f"There is no file {file}", hint=shlex.join(["ls", "-l", str(session.paths.data_dir / FOLDER)])
        )
    text = with_commas(without_notes(kept.read()), spec)
    rows = session.store.table(spec)
    basis = kept.read_basis(spec.name, session.store.store_id)
    if kept.file.parent.resolve() != (session.paths.data_dir / FOLDER).resolve():
        kept.close()
        kept = Kept.new(session.paths.data_dir, spec.name)
    top = [ACCEPT]
    if basis is None:
        numbers = [line.number for line in parse(text, spec, {}).lines if line.number is not None]
        now = [now_of(spec, row) for row in rows.get(doc_ids=numbers)]
        basis = Basis(
            {row.number: Shown(row.rev, one_line(row.number, row.texts)) for row in now},
            2**63,
            True,
            session.store.store_id,
        )
    changes = compare(parse(text, spec, basis.shown), spec, basis.shown)
    saved = save(session.store, spec, changes, basis, dry_run=True)
    rebased = rebase(text, spec, basis.shown, saved.conflicts)
    touched = [line for line in parse(rebased.lines, spec, rebased.shown).lines if line.number and line.cells]
    current = {row.doc_id: now_of(spec, row) for row in rows.get(doc_ids=[line.number or 0 for line in touched])}
    notes = rebased.notes | differences(touched, current, rebased.notes)
    if changes.removed:
        more = f" and {len(changes.removed) - LISTED} more" if len(changes.removed) > LISTED else ""
        top.append(f"The text removes row {', '.join(map(str, changes.removed[:LISTED]))}{more}.")
    lines, said = noted(rebased.lines, notes, (*changes.faults, *saved.faults), top)
    basis = replace(basis, shown=rebased.shown)
    lines = kept.write(lines)
    kept.write_basis(spec.name, basis)
    work = Work(session, spec, kept, basis, command, resumed=True)
    work.said, work.merged = said, bool(saved.conflicts)
    return work, lines
