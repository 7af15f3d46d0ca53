"""What the credly plugin declares; its code is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable

from connectctl.api import (
    Capabilities,
    ColumnSpec,
    CommandSpec,
    ConnectionSpec,
    ProviderSpec,
    Reference,
    SettingSpec,
    TableSpec,
    hookimpl,
)
from connectctl_credly.recipes import CALLS as CALLS
from connectctl_credly.recipes import TITLES as TITLES
from connectctl_credly.settings import SETTINGS as SETTINGS

CONNECTION = ConnectionSpec(
    kind="credly",
    summary="Credly, the badge provider",
    settings=(
        SettingSpec("environment", "production or sandbox", "choice", "production", ("production", "sandbox")),
        SettingSpec("base_url", "address of the API; overrides environment", "url"),
        SettingSpec("organization_id", "Credly > Organization > Details", required=True),
        SettingSpec("token", "authorization token (Developers > Authorization Tokens)", required=True, secret=True),
        SettingSpec("search_lag", "seconds a new badge may be missing in Credly's lists", "integer", "60", minimum=0),
        SettingSpec(
            "master_covers",
            "what CREDLY_INTEGRATION_MASTER limits: certifications, or everything (courses, plans, training as well)",
            "choice",
            "certifications",
            ("certifications", "everything"),
        ),
        SettingSpec(
            "rejected_counts_as_revoked",
            "true: a badge that its earner rejected is removed from Docebo like a revoked one",
            "boolean",
            "false",
        ),
        SettingSpec(
            "import_when",
            "issued: a badge comes to Docebo at once; accepted: only after its earner has accepted it",
            "choice",
            "issued",
            ("issued", "accepted"),
        ),
    ),
    client="connectctl_credly.client:make_client",
    test="connectctl_credly.client:test",
    rate="5/s",
    threads=8,
)

TEMPLATES = TableSpec(
    name="credly-badge-templates",
    title="Credly Badge Templates",
    columns=(
        ColumnSpec("Badge Template ID", required=True, summary="Credly's id"),
        ColumnSpec("Badge Template Name", required=True, summary="label in the dropdown", unique=True),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the integration skips the row"),
        ColumnSpec(
            "Dropdown Element ID",
            "integer",
            summary="Docebo's id of the dropdown element",
            filled_by="Synchronisation from Credly Lookup table to Docebo LMS",
            fill="credly sync-field",
        ),
    ),
    key=("Badge Template ID",),
    summary="The badge templates of the Credly organization",
    filled_by="Synchronisation from Credly to Lookup table",
    editable=False,
    active="IsActive",
    fill="credly sync-templates",
)

MAPPINGS = TableSpec(
    name="credly-integration-mappings",
    title="Credly Integration Mappings",
    columns=(
        ColumnSpec(
            "Badge Template ID",
            required=True,
            summary="Credly's id",
            refers_to=Reference(
                "credly-badge-templates", "Badge Template ID", ("Badge Template Name", "Badge Template Name")
            ),
        ),
        ColumnSpec("Badge Template Name", summary="its name, for people; the id counts"),
        ColumnSpec("Learning Plan ID", summary="plan whose completion earns the badge", remote="docebo-learning-plan"),
        ColumnSpec("Import As External Training", "boolean", summary="true: a badge becomes external training"),
        ColumnSpec(
            "Certification Code", summary="Docebo certification tied to the template", remote="docebo-certification"
        ),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the row is skipped"),
    ),
    key=("Badge Template ID", "Learning Plan ID", "Certification Code"),
    summary="Which learning plans and certifications belong to which badge template",
    active="IsActive",
    maps=("Learning Plan ID", "Import As External Training", "Certification Code"),
)

PROVIDER = ProviderSpec(
    name="credly",
    title="Credly",
    integration="CREDLY",
    connection="credly",
    template_table=TEMPLATES,
    mapping_table=MAPPINGS,
    settings=SETTINGS,
    keys={
        "start": "BATCH_SYNC_START_DATE",
        "field": "COURSE_ADDITIONAL_FIELD",
        "expiration_days": "CREDLY_DEFAULT_EXPIRATION_DAYS",
        "evidence_title": "EVIDENCE_TITLE",
        "institute": "EXTERNAL_TRAINING_INSTITUTE_NAME",
        "master": "CREDLY_INTEGRATION_MASTER",
        "revocation": "SYNC_REVOCATION",
    },
    titles=TITLES,
    calls=CALLS,
    capabilities=Capabilities(can_revoke=True, can_replace=True, has_webhooks=True, has_feed=True),
)


@hookimpl
def register_connections() -> Iterable[ConnectionSpec]:
    """Credly's account."""
    return [CONNECTION]


@hookimpl
def register_providers() -> Iterable[ProviderSpec]:
    """Credly as a badge provider: the kit adds its tables and flows."""
    return [PROVIDER]


@hookimpl
def register_commands() -> Iterable[CommandSpec]:
    """`connectctl credly …`."""
    return [CommandSpec("credly", "Credly badges for Docebo completions", "connectctl_credly.commands:credly")]
