"""Options that several commands share, declared once."""

from __future__ import annotations

import click

from connectctl.cli.session import Session

pass_session = click.make_pass_decorator(Session)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Read everything, write nothing.")
limit_option = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many rows.")
output_option = click.option(
    "-o", "--output", "form", type=click.Choice(["table", "csv", "json"]), help="Form of the rows."
)
