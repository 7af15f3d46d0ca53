"""`connectctl coverage`: what in Docebo no mapping names, and mappings that point nowhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from connectctl.cli.options import json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectctl.badging.gaps import Gap
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import ProviderSpec

KINDS = ("course", "plan", "certification", "mapping")  # as in badging/gaps.py, which help does not load
COLUMNS = ("kind", "id", "name", "provider", "finding", "fix")


@click.command()
@click.option("--provider", multiple=True, metavar="NAME", help="Only this badge provider; repeatable.")
@click.option("--kind", multiple=True, type=click.Choice(KINDS), help="Only these; repeatable.")
@json_option
@pass_session
def coverage(session: Session, provider: tuple[str, ...], kind: tuple[str, ...], as_json: bool) -> None:
    """Show what no mapping covers, and mappings to nothing.

    Lists courses with nothing selected, learning plans and certifications that no row names, and rows in use whose
    template, plan or certification does not exist, each with what to do about it. Nothing is changed.

    Example: connectctl coverage

    Example: connectctl coverage --kind plan --kind mapping --json
    """
    from connectctl.cli.output import emit

    providers = _providers(session, provider)
    with session.progress("reading Docebo"):
        found = _find(session, providers, kind or KINDS)
    rows = [
        {
            "kind": gap.kind,
            "id": gap.id or None,
            "name": gap.name or None,
            "provider": gap.provider or None,
            "finding": gap.finding,
            "fix": session.in_profile(gap.fix),
        }
        for gap in found
    ]
    if rows or as_json:
        emit(rows, COLUMNS, "json" if as_json else None)
    counts = Counter[str](gap.kind for gap in found)
    words = ", ".join(f"{counts[name]} {name}{'' if counts[name] == 1 else 's'}" for name in KINDS if counts[name])
    session.say(f"Without effect: {words}" if words else "Everything is mapped, and every mapping leads somewhere")


def _providers(session: Session, names: Sequence[str]) -> list[ProviderSpec]:
    """The named providers, else those in use, whose templates were read, else those configured, else all."""
    known = session.plugins.providers
    if names:
        return [known.find(name) for name in dict.fromkeys(names)]
    used = [spec for spec in known.values() if session.settings.connection(spec.connection).configured]
    filled = [spec for spec in used if len(session.store.table(spec.template_table))]
    return filled or used or list(known.values())


def _find(session: Session, providers: Sequence[ProviderSpec], kinds: Sequence[str]) -> list[Gap]:
    from connectctl.badging import coverage as reading
    from connectctl.badging.gaps import KINDS as ALL
    from connectctl.flows.clock import RunClock, stoppable
    from connectctl.flows.context import Context, Runtime
    from connectctl.flows.ledger import Ledger
    from connectctl.flows.locks import Locks
    from connectctl.plugins.specs import FlowSpec

    runtime = Runtime(session.plugins, session.settings, session.store, session.paths.data_dir)
    clock = RunClock()
    ledger = Ledger(session.store, Locks.of(session.store, session.paths.data_dir).alive, clock.now)
    spec = FlowSpec("coverage", "What no mapping covers", reading.find, reading.find, uses=("docebo",))
    # What it learns of courses is not kept: like a dry run it leaves the store as it was.
    ctx = Context(runtime, spec, "", clock.now(), {}, clock, ledger)
    try:
        with stoppable(clock):
            return reading.find(ctx, providers, [name for name in ALL if name in kinds])
    finally:
        ctx.close()
