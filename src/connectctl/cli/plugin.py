"""`connectctl plugin`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import json_option, pass_session
from connectctl.cli.output import emit, emit_json
from connectctl.cli.session import Session


@click.group(cls=Group)
def plugin() -> None:
    """Installed plugins and their faults.

    Example: connectctl plugin list
    """


@plugin.command("list")
@json_option
@pass_session
def list_plugins(session: Session, as_json: bool) -> None:
    """List plugins, what each offers, and what is wrong.

    CONNECTCTL_BLOCK_PLUGINS=a,b leaves plugins out.

    Example: connectctl plugin list --json
    """
    infos = session.plugins.info
    if as_json:
        emit_json(
            [
                {
                    "name": info.name,
                    "version": info.version,
                    "distribution": info.distribution,
                    "state": info.state,
                    "contributions": [{"kind": found.kind, "name": found.name} for found in info.contributions],
                    "faults": [{"where": fault.where, "message": fault.message} for fault in info.faults],
                }
                for info in infos
            ]
        )
        return
    rows: list[dict[str, Any]] = [
        {
            "Name": info.name,
            "Version": info.version,
            "State": info.state,
            "Offers": _offers((found.kind, found.name) for found in info.contributions),
        }
        for info in infos
    ]
    emit(rows, ("Name", "Version", "State", "Offers"))
    for fault in session.plugins.faults:
        session.say(f"{fault.plugin}: {fault.where}: {fault.message}")


def _offers(contributions: Iterable[tuple[str, str]]) -> str:
    kinds: dict[str, list[str]] = {}
    for kind, name in contributions:
        kinds.setdefault(kind, []).append(name)
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())
