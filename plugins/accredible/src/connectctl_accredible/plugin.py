"""What the accredible plugin declares; its code is imported when it is used."""

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
from connectctl_accredible.recipes import CALLS as CALLS
from connectctl_accredible.recipes import START_ORDER
from connectctl_accredible.recipes import TITLES as TITLES
from connectctl_accredible.settings import SETTINGS as SETTINGS

ENVIRONMENTS = ("production", "eu", "sandbox")

CONNECTION = ConnectionSpec(
    kind="accredible",
    summary="Accredible, the credential provider",
    settings=(
        SettingSpec("environment", "production (US), eu or sandbox", "choice", "production", ENVIRONMENTS),
        SettingSpec("base_url", "address of the API; overrides environment", "url"),
        SettingSpec("api_key", "API key of the account, not of one department", required=True, secret=True),
        SettingSpec("search_lag", "seconds a new credential may be missing in searches", "integer", "60", minimum=0),
        SettingSpec(
            "master_covers",
            "what ACCREDIBLE_INTEGRATION_MASTER limits: certifications, or everything (courses, plans, training)",
            "choice",
            "certifications",
            ("certifications", "everything"),
        ),
    ),
    client="connectctl_accredible.client:make_client",
    test="connectctl_accredible.client:test",
    rate="195/30s",  # 2,000 in 5 minutes, counted in periods of 30 s (accredible.md 8)
    threads=8,
)

GROUPS = TableSpec(
    name="accredible-credential-groups",
    title="Accredible Credential Groups",
    columns=(
        ColumnSpec("Accredible Group ID", required=True, summary="Accredible's id"),
        ColumnSpec(
            "Accredible Group Name (Identifier)",
            required=True,
            summary="its identifier, not what recipients see; label in the dropdown",
            unique=True,
        ),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the integration skips the row"),
        ColumnSpec(
            "Dropdown Element ID",
            "integer",
            summary="Docebo's id of the element in the course dropdown",
            filled_by=TITLES["sync-field"],
            fill="accredible sync-field",
        ),
        ColumnSpec(
            "Learning Plan Dropdown Element ID",
            "integer",
            summary="Docebo's id of the element in the learning plan dropdown, blank without one",
            filled_by=TITLES["sync-field"],
        ),
    ),
    key=("Accredible Group ID",),
    summary="The credential groups of the Accredible account",
    filled_by=TITLES["sync-templates"],
    editable=False,
    active="IsActive",
    fill="accredible sync-groups",
)

MAPPINGS = TableSpec(
    name="accredible-integration-mappings",
    title="Accredible Integration Mappings",
    columns=(
        ColumnSpec(
            "Credential Group ID",
            required=True,
            summary="Accredible's id",
            refers_to=Reference(
                GROUPS.name,
                "Accredible Group ID",
                ("Credential Group Name (Identifier)", "Accredible Group Name (Identifier)"),
            ),
        ),
        ColumnSpec("Credential Group Name (Identifier)", summary="its identifier, for people; the id counts"),
        ColumnSpec(
            "Learning Plan ID", summary="plan whose completion earns the credential", remote="docebo-learning-plan"
        ),
        ColumnSpec("Import As External Training", "boolean", summary="true: a credential becomes external training"),
        ColumnSpec("Certification Code", summary="Docebo certification tied to the group"),
        ColumnSpec("IsActive", "boolean", required=True, summary="false: the row is skipped"),
    ),
    key=("Credential Group ID", "Learning Plan ID", "Certification Code"),
    summary="Which learning plans and certifications belong to which credential group",
    active="IsActive",
    maps=("Learning Plan ID", "Import As External Training", "Certification Code"),
)

PROVIDER = ProviderSpec(
    name="accredible",
    title="Accredible",
    integration="ACCREDIBLE",
    connection="accredible",
    template_table=GROUPS,
    mapping_table=MAPPINGS,
    settings=SETTINGS,
    keys={
        "start": "DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE",
        "start_inwards": "ACCREDIBLE_TO_DOCEBO_BATCH_SYNC_START_DATE",
        "field": "COURSE_ADDITIONAL_FIELD",
        "plan_field": "LEARNING_PLAN_ADDITIONAL_FIELD",
        "expiration_days": "ACCREDIBLE_DEFAULT_EXPIRATION_DAYS",
        "institute": "EXTERNAL_TRAINING_INSTITUTE_NAME",
        "master": "ACCREDIBLE_INTEGRATION_MASTER",
        "revocation": "SYNC_REVOCATION",
        "overwrite": "BATCH_OVERWRITE_BEHAVIOUR",
        "overwrite_real_time": "REAL_TIME_OVERWRITE_BEHAVIOUR",
    },
    titles=TITLES,
    calls=CALLS,
    capabilities=Capabilities(
        can_revoke=True,
        can_replace=True,
        has_feed=True,
        batch=30,
        revokes_inwards=False,
        lists_partly=True,
        change_requests=2,  # it is read before it is changed, because what PUT does to meta data is written nowhere
        in_place=True,
        expires=True,
        own_ids=True,
        expiry_from_issue=True,
        whole_days=True,
        updates_in_real_time=False,
    ),
    noun="group",
    start_order=START_ORDER,
)


@hookimpl
def register_connections() -> Iterable[ConnectionSpec]:
    """Accredible's account."""
    return [CONNECTION]


@hookimpl
def register_providers() -> Iterable[ProviderSpec]:
    """Accredible as a badge provider: the kit adds its tables and flows."""
    return [PROVIDER]


@hookimpl
def register_commands() -> Iterable[CommandSpec]:
    """`connectctl accredible …`."""
    return [
        CommandSpec(
            "accredible", "Accredible credentials for Docebo completions", "connectctl_accredible.commands:accredible"
        )
    ]
