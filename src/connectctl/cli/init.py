"""`connectctl init`."""

from __future__ import annotations

import click

from connectctl.cli.options import dry_run_option, pass_session
from connectctl.cli.session import Session


@click.command()
@dry_run_option
@pass_session
def init(session: Session, dry_run: bool) -> None:
    """Write a commented config.toml and make the store.

    What is there already stays as it is; a second call changes nothing.

    Example: connectctl --profile test init
    """
    from connectctl.config.paths import create_private
    from connectctl.config.template import render

    file = session.paths.config_file
    if file.exists():
        session.say(f"{file} is there already and stays as it is")
    elif dry_run:
        session.say(f"Would write {file}")
    elif create_private(file, render(session.plugins.connections.values())):
        session.say(f"Wrote {file}")
    if dry_run:
        session.say(f"Would make or open the store in {session.paths.data_dir}")
        return
    store = session.store
    session.say(f"The store is {store.path or store.url}")
    session.say(session.in_profile("Next: connectctl connection set docebo base_url"))
