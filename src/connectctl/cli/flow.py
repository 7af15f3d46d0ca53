"""`connectctl flow …`: what can be run, and running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import json_option, pass_session
from connectctl.cli.running import run_flow, run_options
from connectctl.errors import UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import FlowSpec

COLUMNS = ("id", "title", "plugin", "policy", "trigger", "state", "last_run", "next_run")


@click.group(cls=Group)
def flow() -> None:
    """List, show and run flows.

    Example: connectctl flow list
    """


@flow.command("list")
@click.option("--all", "everything", is_flag=True, help="Also function recipes and flows to run by hand.")
@json_option
@pass_session
def list_(session: Session, everything: bool, as_json: bool) -> None:
    """List the flows with trigger and last run.

    Example: connectctl flow list --all --json
    """
    from connectctl.cli.output import emit

    rows = [_row(session, spec) for spec in session.plugins.flows.values() if everything or spec.policy != "function"]
    emit(sorted(rows, key=lambda row: str(row["id"])), COLUMNS, "json" if as_json else None)


@flow.command()
@click.argument("id")
@json_option
@pass_session
def show(session: Session, id: str, as_json: bool) -> None:
    """Show what a flow reads, plans and writes.

    Example: connectctl flow show credly.batch-sync
    """
    from connectctl.cli.output import emit, emit_json

    spec = session.plugins.flow(id)
    callers = [other.title for other in session.plugins.flows.values() if spec.title and spec.title in other.calls]
    facts = _row(session, spec) | {
        "summary": spec.summary,
        "reads": list(spec.uses),
        "writes": list(spec.writes),
        "settings": list(spec.settings),
        "params": list(spec.params),
        "calls": list(spec.calls),
        "callers": callers,
    }
    if as_json:
        emit_json(facts)
    else:
        emit([{"fact": name, "value": value} for name, value in facts.items()], ("fact", "value"))


@flow.command()
@click.argument("id")
@click.option("--param", "params", multiple=True, metavar="K=V", help="A parameter of the flow; repeatable.")
@run_options
@pass_session
def run(session: Session, /, id: str, params: tuple[str, ...], **options: Any) -> None:
    """Run a flow now.

    Example: connectctl flow run credly.sync-templates --dry-run
    """
    run_flow(session, id, _params(session.plugins.flow(id), params), **options)


def _params(spec: FlowSpec, pairs: tuple[str, ...]) -> dict[str, Any]:
    """K=V pairs by name; UsageError for a name that the flow does not have."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in spec.params:
            known = ", ".join(spec.params) or "none"
            raise UsageError(
                f"--param {pair}: {spec.name} takes the parameters {known}, each as K=V",
                hint=f"connectctl flow show {spec.name}",
            )
        found[name] = [*_list(found[name]), value] if name in found else value
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _row(session: Session, spec: FlowSpec) -> dict[str, Any]:
    from connectctl.flows.runs import RunRecords

    last = RunRecords(session.store).last(spec.name)
    return {
        "id": spec.name,
        "title": spec.title,
        "plugin": session.plugins.flows.owner(spec.name),
        "policy": spec.policy,
        "trigger": spec.trigger,
        "state": "stopped",  # nothing starts by itself until there is a scheduler
        "last_run": last["started_at"] if last else None,
        "next_run": None,
    }
