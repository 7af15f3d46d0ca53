"""`connectctl ledger …`: every remote change ever intended or made, and the proof of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import json_option, limit_option, output_option, pass_session
from connectctl.errors import StoreCorrupt, UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.flows.entries import Entry
    from connectctl.flows.ledger import Ledger

STATES = ("intended", "sent", "done", "failed", "unsure", "adopted", "foreign")
COLUMNS = ("key", "state", "action", "user", "email", "template", "remote_id", "run", "updated_at", "error")


@click.group(cls=Group)
def ledger() -> None:
    """Look up and verify what was ever sent.

    Example: connectctl ledger verify
    """


@ledger.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only entries in this state.")
@click.option("--flow", metavar="ID", help="Only entries of this flow.")
@limit_option
@json_option
@pass_session
def list_(session: Session, state: str | None, flow: str | None, limit: int | None, as_json: bool) -> None:
    """List entries, newest first.

    Example: connectctl ledger list --state unsure
    """
    from connectctl.cli.output import emit

    found = _ledger(session).entries(state=state, flow=flow, limit=limit or (None if as_json else 100))
    emit((_row(entry) for entry in found), COLUMNS, "json" if as_json else None)


@ledger.command()
@click.argument("key")
@json_option
@pass_session
def show(session: Session, key: str, as_json: bool) -> None:
    """Show one entry with every state it has had.

    The key is the first column of connectctl ledger list.

    Example: connectctl ledger show "credly:ORG|TEMPLATE|4711|issue|course:88|2026-02-10T17:31:05Z"
    """
    from connectctl.cli.output import emit, emit_json

    book = _ledger(session)
    entry = book.get(key)
    if entry is None:
        raise UsageError(f"The ledger has no entry {key}", hint="connectctl ledger list")
    history = book.history(key)
    if as_json:
        emit_json(asdict(entry) | {"history": history})
        return
    emit([{"fact": name, "value": value} for name, value in _row(entry).items()], ("fact", "value"))
    emit(history, ("at", "state", "run", "detail"))


@ledger.command()
@json_option
@pass_session
def verify(session: Session, as_json: bool) -> None:
    """Prove one live credential per holding and unbroken digests.

    Example: connectctl ledger verify
    """
    from connectctl.cli.output import emit_json
    from connectctl.flows import proof

    findings = proof.verify(session.store)
    if as_json:
        emit_json({"ok": not findings, "findings": findings})
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise StoreCorrupt(f"The ledger does not hold: {findings[0]}{more}", hint="connectctl ledger verify --json")
    if not as_json:
        session.say("The ledger holds: one live credential per holding, all digests unbroken")


@ledger.command()
@output_option
@pass_session
def export(session: Session, form: str | None) -> None:
    """Write all entries to stdout.

    Example: connectctl ledger export -o csv > ledger.csv
    """
    from connectctl.cli.output import emit

    chosen: Any = form or "json"
    emit((_row(entry) for entry in _ledger(session).entries()), COLUMNS, chosen)


def _ledger(session: Session) -> Ledger:
    from connectctl.flows.clock import RunClock
    from connectctl.flows.ledger import Ledger
    from connectctl.flows.locks import Locks

    return Ledger(session.store, Locks.of(session.store, session.paths.data_dir).alive, RunClock().now)


def _row(entry: Entry) -> dict[str, Any]:
    change = entry.change
    return {
        "key": entry.key,
        "holding": entry.holding,
        "state": entry.state,
        "live": entry.live,
        "action": entry.action,
        "user": change.user,
        "email": change.email,
        "template": change.template,
        "source": change.source,
        "reason": change.reason,
        "remote_id": entry.remote_id,
        "error": entry.error,
        "attempts": entry.attempts,
        "flow": entry.flow,
        "run": entry.run,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
    }
