"""What the credly plugin declares; its code is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable

from connectctl.api import (
    Capabilities,
    ColumnSpec,
    CommandSpec,
    ConnectionSpec,
    ProviderSpec,
    SettingSpec,
    TableSpec,
    hookimpl,
)

CONNECTION = ConnectionSpec(
    kind="credly",
    summary="Credly, the badge provider",
    settings=(
        SettingSpec("environment", "production or sandbox", "choice", "production", ("production", "sandbox")),
        SettingSpec("base_url", "address of the API; overrides environment", "url"),
        SettingSpec("organization_id", "Credly > Organization > Details", required=True),
        SettingSpec("token", "authorization token (Developers > Authorization Tokens)", required=True, secret=True),
        SettingSpec("search_lag", "seconds a new badge may be missing in Credly's lists", "integer", "60", minimum=0),
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
        ColumnSpec("Badge Template Name", required=True, summary="label in the dropdown"),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the integration skips the row"),
        ColumnSpec("Dropdown Element ID", "integer", summary="Docebo's id of the dropdown element"),
    ),
    key=("Badge Template ID",),
    summary="The badge templates of the Credly organization",
    filled_by="Synchronisation from Credly to Lookup table",
    editable=False,
)

MAPPINGS = TableSpec(
    name="credly-integration-mappings",
    title="Credly Integration Mappings",
    columns=(
        ColumnSpec("Badge Template ID", required=True, summary="Credly's id"),
        ColumnSpec("Badge Template Name", summary="its name"),
        ColumnSpec("Learning Plan ID", summary="plan whose completion earns the badge"),
        ColumnSpec("Import As External Training", "boolean", summary="true: a badge becomes external training"),
        ColumnSpec("Certification Code", summary="Docebo certification tied to the template"),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the row is skipped"),
    ),
    key=("Badge Template ID", "Learning Plan ID", "Certification Code"),
    summary="Which learning plans and certifications belong to which badge template",
)

SETTINGS = (
    SettingSpec("BATCH_SYNC_START_DATE", "oldest completion or issue date the batches look at", "date"),
    SettingSpec("NOTIFICATION_MAIL_ID", "receiver of error notifications", "email"),
    SettingSpec("SYNC_REVOCATION", "true switches revocations and deletions off", "boolean", True),
    SettingSpec(
        "CREDLY_DEFAULT_EXPIRATION_DAYS",
        "days until a badge expires; 0 never; blank the template's default",
        "integer",
        minimum=0,
        maximum=36500,
    ),
    SettingSpec("EXTERNAL_TRAINING_INSTITUTE_NAME", "institute of imported external training"),
    SettingSpec("COURSE_ADDITIONAL_FIELD", "name of the Docebo course dropdown that holds the templates"),
    SettingSpec("CREDLY_INTEGRATION_MASTER", "direction of certifications", "choice", choices=("DOCEBO", "CREDLY")),
    SettingSpec("EVIDENCE_TITLE", "title of the evidence that names the flow", default="connectctl flow"),
    SettingSpec("NEGATIVE_SYNC", "alias of SYNC_REVOCATION in plain words", "choice", choices=("ENABLED", "DISABLED")),
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
    },
    titles={
        "sync-templates": "Synchronisation from Credly to Lookup table",
        "sync-field": "Synchronisation from Credly Lookup table to Docebo LMS",
        "batch-sync": "Batch Sync - Docebo to Credly",
        "settings": "Retrieve lookup table values",
        "field": "Retrieve course additional field from Docebo LMS",
        "course": "Assign Credly badge for Course Additional Field element",
        "plan": "Assign Credly badges for Learning Plans",
        "plans_of_course": "Retrieve Learning Plan from Course",
        "mapped_plans": "Filter learning plans retrieved from course",
        "plans_completed": "Retrieve Credly batch template ids for user completed LPs",
        "enrolled": "Retrieve enrolled users by course ID",
        "assign": "Assign Credly badge to users",
        "filter": "Filter unassigned badge templates",
        "issue": "Issue Badge in Credly",
    },
    capabilities=Capabilities(can_revoke=True, can_replace=True, has_webhooks=True),
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
