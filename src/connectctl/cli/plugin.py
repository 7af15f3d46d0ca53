"""`connectctl plugin`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import json_option, pass_session
from connectctl.cli.output import emit, emit_json
from connectctl.cli.session import Session
from connectctl.errors import ConfigError, UsageError
from connectctl.plugins.guard import resolve
from connectctl.plugins.names import did_you_mean


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


@plugin.command("check")
@click.argument("name")
@click.option(
    "--trial",
    metavar="MODULE:NAME",
    help="A function that gives a connectctl.testing.contract.Trial: a badge provider's client over a fake remote.",
)
@json_option
@pass_session
def check(session: Session, name: str, trial: str | None, as_json: bool) -> None:
    """Run the conformance suite over a plugin.

    It looks at what the plugin declares; with --trial also at how a badge provider's client behaves, and that writes to
    the remote that the trial brings. Ends with exit code 3 when a check is failed.

    Example: connectctl plugin check credly
    """
    suite, plugins = "connectctl.testing.contract", session.plugins
    if name not in {info.name for info in plugins.info}:
        guess = did_you_mean(name, [info.name for info in plugins.info])
        raise UsageError(f"There is no plugin {name!r}{guess}", hint="connectctl plugin list")
    results = list(resolve(f"{suite}:declarations", "connectctl")(plugins, name))
    if trial is not None:
        made = resolve(trial, name)()
        for spec in plugins.providers.values():
            if plugins.providers.owner(spec.name) == name:
                results += resolve(f"{suite}:protocol", "connectctl")(spec, made)
    if as_json:
        emit_json([{"check": one.check, "problem": one.problem} for one in results])
    else:
        emit([{"Check": one.check, "Problem": one.problem or "-"} for one in results], ("Check", "Problem"))
    failed = sum(bool(one.problem) for one in results)
    if failed:
        words = "check" if failed == 1 else "checks"
        hint = f"connectctl plugin check {name} --json"
        raise ConfigError(f"The plugin {name} fails {failed} {words} of {len(results)}", hint=hint)


def _offers(contributions: Iterable[tuple[str, str]]) -> str:
    kinds: dict[str, list[str]] = {}
    for kind, name in contributions:
        kinds.setdefault(kind, []).append(name)
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())
