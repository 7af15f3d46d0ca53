"""The comparison of a badge provider with Docebo and the ledger, as a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.options import pass_session
from connectctl.cli.running import run_flow, run_options
from connectctl.errors import UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import ProviderSpec


def reconcile_command(spec: ProviderSpec) -> click.Command:
    """`reconcile` of one provider."""
    name = spec.name

    @click.command(
        "reconcile",
        help=f"""Compare Docebo, {spec.title} and the ledger, and repair on request.

        It reads all three anew and names every disagreement: what is missing, what has nothing behind it any more,
        what expires otherwise or is with another address, what was revoked on one side. Nothing is changed without
        --repair; nothing is revoked or deleted without --revoke as well; what others made is never touched.

        Example: connectctl {name} reconcile

        Example: connectctl {name} reconcile --repair --dry-run""",
        short_help=f"Compare Docebo, {spec.title} and the ledger",
    )
    @click.option("--repair", is_flag=True, help="Carry out what the findings say would mend them.")
    @click.option("--revoke", is_flag=True, help="With --repair: also revoke and delete what has nothing behind it.")
    @run_options
    @pass_session
    def reconcile(session: Session, /, repair: bool, revoke: bool, **options: Any) -> None:
        if revoke and not repair:
            raise UsageError("--revoke goes with --repair alone", hint=f"connectctl {name} reconcile --repair --revoke")
        wanted = {key: True for key, on in {"repair": repair, "revoke": revoke}.items() if on}
        report = run_flow(session, f"{name}.reconcile", wanted, **options)
        mendable = sum(bool(finding["repair"]) for finding in report.get("findings", ()))
        if mendable and not repair:
            session.say(session.in_profile(f"To mend {mendable} of them: connectctl {name} reconcile --repair"))

    return reconcile
