"""`connectctl apply FILE`: carries out a plan that was saved and reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectctl.cli.options import pass_session
from connectctl.cli.running import run_flow
from connectctl.errors import ConfigError

if TYPE_CHECKING:
    from connectctl.cli.session import Session


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check the plan against the world, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as one JSON document.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--max-changes", type=click.IntRange(min=0), metavar="N", help="Refuse a plan with more changes.")
@pass_session
def apply(session: Session, file: Path, dry_run: bool, as_json: bool, yes: bool, max_changes: int | None) -> None:
    """Carry out a saved plan.

    Items whose world has changed since are refused one by one, the others are carried out (exit 8).

    Example: connectctl apply plan.json
    """
    from connectctl.flows import planfile

    plan = planfile.read(file)
    spec = session.plugins.flow(plan.flow)
    strange = sorted(set(plan.params) - {*spec.params, *spec.preset})
    if strange:
        words = f"{file} is not a whole plan: {spec.name} does not take the parameter {', '.join(strange)}"
        raise ConfigError(words, hint=f"connectctl flow run {spec.name} --dry-run --plan-out FILE")
    run_flow(
        session,
        plan.flow,
        plan.params,
        dry_run=dry_run,
        as_json=as_json,
        yes=yes,
        max_changes=max_changes,
        plan=plan,
        trigger="apply",
    )
