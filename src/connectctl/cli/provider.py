"""The commands of a badge provider: the kit's flows under the provider's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import pass_session
from connectctl.cli.running import run_flow, run_options
from connectctl.errors import UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import ProviderSpec


def provider_group(spec: ProviderSpec) -> click.Group:
    """A click group with the commands of one provider."""
    name = spec.name

    @click.group(name, cls=Group, help=f"{spec.title} credentials for what is completed in Docebo.")
    def group() -> None: ...

    @group.command(
        "sync-templates",
        help=f"""{spec.title} {spec.noun}s into the table {spec.template_table.title}.

        Example: connectctl {name} sync-templates --dry-run""",
        short_help=f"{spec.title} into {spec.template_table.title}",
    )
    @run_options
    @pass_session
    def sync_templates(session: Session, /, **options: Any) -> None:
        run_flow(session, f"{name}.sync-templates", {}, **options)

    @group.command(
        "sync-field",
        help=f"""Table {spec.template_table.title} into the dropdown of Docebo's courses.

        Example: connectctl {name} sync-field --dry-run""",
        short_help=f"{spec.template_table.title} into Docebo's dropdown",
    )
    @run_options
    @pass_session
    def sync_field(session: Session, /, **options: Any) -> None:
        run_flow(session, f"{name}.sync-field", {}, **options)

    @group.command(
        "batch-sync",
        help=f"""Issue {spec.title} credentials for completed courses and learning plans.

        It reads what is new since its last run, once a week everything from the start date on, and sends nothing
        twice: run it as often as you like.

        Example: connectctl {name} batch-sync --dry-run

        Example: connectctl {name} batch-sync --course 88 --since 2026-06-01

        Example: connectctl {name} batch-sync --reissue expired --dry-run""",
        short_help="Issue what completed courses and plans have earned",
    )
    @click.option("--since", metavar="DATE", help="Completions on or after this day, instead of the start date.")
    @click.option("--course", multiple=True, metavar="ID", help="Only this course; repeatable.")
    @click.option("--template", multiple=True, metavar="ID", help=f"Only this {spec.noun}; repeatable.")
    @click.option("--full", is_flag=True, help="Trust nothing remembered: read everything since the start date.")
    @click.option("--all-history", is_flag=True, help="No start date at all; needs --max-changes N.")
    @click.option(
        "--reissue",
        multiple=True,
        type=click.Choice(["expired", "revoked", "rejected"]),
        help="Also issue again where the learner's last one has ended so; repeatable.",
    )
    @run_options
    @pass_session
    def batch_sync(
        session: Session,
        /,
        since: str | None,
        course: tuple[str, ...],
        template: tuple[str, ...],
        full: bool,
        all_history: bool,
        reissue: tuple[str, ...],
        **options: Any,
    ) -> None:
        params = {
            "since": since,
            "course": list(course) or None,
            "template": list(template) or None,
            "full": full or None,
            "all_history": all_history or None,
            "reissue": list(reissue) or None,
        }
        wanted = {key: value for key, value in params.items() if value is not None}
        run_flow(session, f"{name}.batch-sync", wanted, **options)

    @group.command(
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

    return group
