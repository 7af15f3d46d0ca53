"""What the core itself contributes, through the same hooks as a plugin."""

from __future__ import annotations

from connectctl.plugins.hookspecs import hookimpl
from connectctl.plugins.specs import CheckSpec, ColumnSpec, ConnectionSpec, TableSpec

NAME = "connectctl"

INTEGRATION_SETTINGS = TableSpec(
    name="integration-settings",
    title="integration-settings",
    columns=(
        ColumnSpec("Integration", required=True, summary="the integration's name in capitals, e.g. CREDLY"),
        ColumnSpec("Key", required=True, summary="the setting; lookup explain lists them"),
        ColumnSpec("Value", summary="its value; blank: the default"),
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


@hookimpl
def register_checks() -> list[CheckSpec]:
    return [
        CheckSpec(
            "docebo-learning-plans",
            "Learning plans that tables name exist in Docebo",
            "connectctl.docebo.checks:learning_plans",
            uses=("docebo",),
            remote="docebo-learning-plan",
        ),
        CheckSpec(
            "docebo-certifications",
            "Certifications that tables name exist in Docebo",
            "connectctl.docebo.checks:certifications",
            uses=("docebo",),
            remote="docebo-certification",
        ),
    ]
