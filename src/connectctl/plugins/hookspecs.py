"""The hooks, on one screen. They return declarations; they do no I/O and import nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from connectctl.plugins.specs import CheckSpec, CommandSpec, ConnectionSpec, FlowSpec, ProviderSpec, TableSpec

PROJECT = "connectctl"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_connections() -> Iterable[ConnectionSpec]:
    """Called when connections are listed, set up or opened."""
    return ()


@hookspec
def register_tables() -> Iterable[TableSpec]:
    """Called when the store is opened for lookup tables."""
    return ()


@hookspec
def register_flows() -> Iterable[FlowSpec]:
    """Called when flows are listed or run."""
    return ()


@hookspec
def register_providers() -> Iterable[ProviderSpec]:
    """Called with the above: a badge provider brings its tables, settings and the kit's flows with it."""
    return ()


@hookspec
def register_checks() -> Iterable[CheckSpec]:
    """Called by `lookup check`."""
    return ()


@hookspec
def register_commands() -> Iterable[CommandSpec]:
    """Called when the command line is built; a command's code is imported only when the command is called."""
    return ()
