"""What the sandbox adds to connectctl: two commands."""

from __future__ import annotations

from collections.abc import Iterable

from connectctl.api import CommandSpec, hookimpl


@hookimpl
def register_commands() -> Iterable[CommandSpec]:
    """`connectctl sandbox` and `connectctl demo`."""
    return [
        CommandSpec(
            name="sandbox",
            summary="Simulated Docebo, Credly and Accredible on this machine",
            target="connectctl_sandbox.commands:sandbox",
        ),
        CommandSpec(
            name="demo",
            summary="The whole main job on this machine, without any account",
            target="connectctl_sandbox.demo:demo",
        ),
    ]
