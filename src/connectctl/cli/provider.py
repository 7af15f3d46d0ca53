"""The commands of a badge provider: the kit's flows under the provider's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.batch_sync import batch_sync_command
from connectctl.cli.lazy import Group
from connectctl.cli.options import pass_session
from connectctl.cli.reconcile import reconcile_command
from connectctl.cli.running import run_flow, run_options

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import ProviderSpec


def provider_group(spec: ProviderSpec) -> click.Group:
    """A click group with the commands of one provider."""
    name, sync = spec.name, f"sync-{spec.noun}s"
    field = "run-sync-field" if "plan_field" in spec.keys else "sync-field"  # that runs it for both dropdowns
    both = "the dropdown of Docebo's courses, then that of its learning plans"
    dropdowns = both if "plan_field" in spec.keys else "the dropdown of Docebo's courses"

    @click.group(name, cls=Group, help=f"{spec.title} credentials for what is completed in Docebo.")
    def group() -> None: ...

    @group.command(
        sync,
        help=f"""{spec.title} {spec.noun}s into the table {spec.template_table.title}.

        Example: connectctl {name} {sync} --dry-run""",
        short_help=f"{spec.title} into {spec.template_table.title}",
    )
    @run_options
    @pass_session
    def sync_templates(session: Session, /, **options: Any) -> None:
        run_flow(session, f"{name}.sync-templates", {}, **options)

    @group.command(
        "sync-field",
        help=f"""Table {spec.template_table.title} into {dropdowns}.

        Example: connectctl {name} sync-field --dry-run""",
        short_help=f"{spec.template_table.title} into Docebo's dropdown",
    )
    @run_options
    @pass_session
    def sync_field(session: Session, /, **options: Any) -> None:
        run_flow(session, f"{name}.{field}", {}, **options)

    group.add_command(batch_sync_command(spec))
    group.add_command(reconcile_command(spec))
    return group
