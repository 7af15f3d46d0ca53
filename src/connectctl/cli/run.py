"""`connectctl run …`: what runs did, and going on with what they left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import json_option, pass_session
from connectctl.cli.running import run_flow, show_run
from connectctl.errors import UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session

COLUMNS = ("run", "flow", "status", "trigger", "dry_run", "started_at", "finished_at", "done", "failed", "unsure")
STATUSES = ("succeeded", "failed", "aborted", "refused", "running")


@click.group(cls=Group)
def run() -> None:
    """Look at earlier runs, and retry what failed.

    Example: connectctl run list --status failed
    """


@run.command("list")
@click.option("--flow", metavar="ID", help="Only runs of this flow.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs that ended so.")
@click.option("--since", metavar="T", help="Only runs since this day or time (UTC).")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="The newest N.")
@json_option
@pass_session
def list_(session: Session, flow: str | None, status: str | None, since: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first.

    Example: connectctl run list --flow credly.batch-sync --limit 5
    """
    from connectctl.cli.output import emit
    from connectctl.flows.report import run_head
    from connectctl.flows.runs import RunRecords

    if flow:
        session.plugins.flow(flow)
    records = RunRecords(session.store).list(flow=flow, status=status, since=_since(since), limit=limit)
    rows = [run_head(record) for record in records]
    if not as_json:
        rows = [row | {"done": sum(row["done"].values())} for row in rows]
    emit(rows, COLUMNS, "json" if as_json else None)


@run.command()
@click.argument("run_id", metavar="RUN")
@click.option("--skips", is_flag=True, help="Also list what was left out.")
@json_option
@pass_session
def show(session: Session, run_id: str, skips: bool, as_json: bool) -> None:
    """Show a run: items, failures, calls, steps.

    Example: connectctl run show r_01JD0000000000000000000000 --json
    """
    from connectctl.cli.output import emit
    from connectctl.flows.report import run_detail, run_object
    from connectctl.flows.runs import RunRecords

    records = RunRecords(session.store)
    record = records.get(run_id)
    if record is None:
        raise UsageError(f"There is no run {run_id}", hint="connectctl run list")
    report = run_object(records, record, skips=skips)
    if as_json:
        show_run(session, report | run_detail(record), as_json=True)
        return
    show_run(session, report, as_json=False)
    steps = [step | {"counts": _counts(step)} for step in run_detail(record)["steps"]]
    if steps:
        emit(steps, ("at", "recipe", "caller", "times", "counts"))
    if record["parent"]:
        session.say(f"It was started by the run {record['parent']}")
    if record["error"]:
        session.say(f"It ended with: {record['error']}")


@run.command()
@click.argument("run_id", metavar="RUN")
@click.option("--dry-run", is_flag=True, help="Show what would be tried again, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the new run as one JSON document.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--max-changes", type=click.IntRange(min=0), metavar="N", help="Refuse a plan with more changes.")
@pass_session
def retry(session: Session, run_id: str, dry_run: bool, as_json: bool, yes: bool, max_changes: int | None) -> None:
    """Carry out again what a run left failed or unsure.

    Each unsure item is looked for at the provider until its search lag has passed, and sent again only when it is
    certainly not there.

    Example: connectctl run retry r_01JD0000000000000000000000
    """
    from connectctl.flows.runs import RunRecords

    record = RunRecords(session.store).get(run_id)
    if record is None:
        raise UsageError(f"There is no run {run_id}", hint="connectctl run list")
    if record["dry_run"]:
        raise UsageError(f"{run_id} was a dry run: it left nothing to retry", hint=f"connectctl run show {run_id}")
    run_flow(
        session,
        record["flow"],
        record["params"],
        dry_run=dry_run,
        as_json=as_json,
        yes=yes,
        max_changes=max_changes,
        retry=run_id,
        trigger="retry",
    )


def _counts(step: dict[str, Any]) -> str:
    facts = ("recipe", "caller", "at", "times")
    return ", ".join(f"{name} {value}" for name, value in step.items() if name not in facts)


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    from connectctl.flows.clock import rfc3339

    try:
        moment = datetime.fromisoformat(text)
        return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text} is not a day or a time", hint="connectctl run list --since 2026-11-01"
        ) from None
