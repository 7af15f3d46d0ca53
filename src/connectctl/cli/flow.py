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
    from connectctl.flows.starting import Switched
    from connectctl.plugins.specs import FlowSpec

COLUMNS = ("id", "title", "plugin", "policy", "trigger", "state", "last_run", "next_run")
SWITCHED = ("id", "title", "state", "note")


@click.group(cls=Group)
def flow() -> None:
    """List, show, run, start and stop flows.

    Example: connectctl flow list
    """


@flow.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the functions that other flows call.")
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
    """Show what a flow reads, writes, calls and needs.

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
        "inputs": {name: spec.types.get(name, "text") for name in spec.params},
        "outputs": dict(spec.gives),
        "function": spec.function or (spec.read if isinstance(spec.read, str) else None),
        "calls": list(spec.calls),
        "callers": callers,
    }
    if as_json:
        emit_json(facts)
    else:
        emit([{"fact": name, "value": _lines(value)} for name, value in facts.items()], ("fact", "value"))


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


@flow.command()
@click.argument("id", metavar="ID|PLUGIN")
@click.option("--force", is_flag=True, help="Also a flow that is meant to be run by hand.")
@json_option
@pass_session
def start(session: Session, id: str, force: bool, as_json: bool) -> None:
    """Switch the schedule or webhook of flows on.

    With a plugin's name its flows are started in the order that its makers give. The event dispatchers wait until each
    batch has finished once.

    Example: connectctl flow start credly
    """
    from datetime import UTC, datetime

    from connectctl.flows import starting

    specs = starting.find(session.plugins, id)
    if force and id not in session.plugins.flows:
        raise UsageError("--force goes with the id of one flow", hint=f"connectctl flow start {id}")
    _show_switched(session, starting.start(session.store, specs, datetime.now(UTC), force=force), as_json=as_json)
    refused = starting.refusal(session.store, specs)
    if refused is not None:
        raise refused


@flow.command()
@click.argument("id", metavar="ID|PLUGIN")
@json_option
@pass_session
def stop(session: Session, id: str, as_json: bool) -> None:
    """Switch the schedule or webhook of flows off.

    A run that is under way goes on. Events that come meanwhile are kept, and functions stay callable.

    Example: connectctl flow stop credly.dispatch-docebo
    """
    from datetime import UTC, datetime

    from connectctl.flows import starting

    specs = starting.find(session.plugins, id)
    _show_switched(session, starting.stop(session.store, specs, datetime.now(UTC)), as_json=as_json)


def _show_switched(session: Session, switched: list[Switched], *, as_json: bool) -> None:
    """What became of each; for people the functions of a plugin, which have no state, are counted only."""
    from connectctl.cli.output import emit

    functions = 0 if as_json or len(switched) == 1 else sum(one.state is None for one in switched)
    rows = [
        {"id": one.spec.name, "title": one.spec.title, "state": one.state, "note": one.note or None}
        for one in switched
        if not functions or one.state is not None
    ]
    emit(rows, SWITCHED, "json" if as_json else None)
    if functions:
        session.say(f"{functions} functions are callable at any time")


def _lines(value: Any) -> Any:
    """A mapping in words, for a cell."""
    return [f"{name}: {words}" for name, words in value.items()] if isinstance(value, dict) else value


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
    from connectctl.flows.states import FlowStates

    last = RunRecords(session.store).last(spec.name)
    return {
        "id": spec.name,
        "title": spec.title,
        "plugin": session.plugins.flows.owner(spec.name),
        "policy": spec.policy,
        "trigger": spec.trigger,
        # A function has no state: it can be called at any time (GN-02).
        "state": None if spec.policy == "function" else FlowStates(session.store).get(spec.name),
        "last_run": last["started_at"] if last else None,
        "next_run": None,
    }
