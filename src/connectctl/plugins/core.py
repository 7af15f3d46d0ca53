"""What the core itself contributes, through the same hooks as a plugin."""

from __future__ import annotations

from connectctl.plugins.hookspecs import hookimpl
from connectctl.plugins.specs import ColumnSpec, ConnectionSpec, TableSpec

NAME = "connectctl"

INTEGRATION_SETTINGS = TableSpec(
    name="integration-settings",
    title="integration-settings",
    columns=(
        ColumnSpec("Integration", summary="the integration's name in capitals, e.g. CREDLY"),
        ColumnSpec("Key", summary="the setting"),
        ColumnSpec("Value", summary="its value"),
    ),
    key=("Integration", "Key"),
    summary="Settings of the integrations, one row per integration and key",
)


@hookimpl
def register_connections() -> list[ConnectionSpec]:
    # Imports upwards: what the core itself connects to, each declared beside its client.
    from connectctl.docebo.spec import DOCEBO
    from connectctl.notify.spec import SMTP

    return [DOCEBO, SMTP]


@hookimpl
def register_tables() -> list[TableSpec]:
    return [INTEGRATION_SETTINGS]
