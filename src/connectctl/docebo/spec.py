"""The connection to Docebo as a declaration; light, because `connectctl --help` may read it."""

from __future__ import annotations

from connectctl.plugins.specs import ConnectionSpec, SettingSpec

MAX_PAGE_SIZE = 200  # docebo.md 2.4
MAX_DROPDOWN_ELEMENTS = 300  # docebo.md 4.4

DOCEBO = ConnectionSpec(
    kind="docebo",
    summary="The Docebo learning platform",
    settings=(
        SettingSpec("base_url", "address of the platform", kind="url", required=True),
        SettingSpec(
            "grant", "how to sign in", kind="choice", default="password", choices=("password", "client_credentials")
        ),
        SettingSpec("client_id", "client id of the OAuth2 app", required=True),
        SettingSpec("client_secret", "client secret of the OAuth2 app", required=True, secret=True),
        SettingSpec("username", "user to act as (grant password)"),
        SettingSpec("password", "that user's password (grant password)", secret=True),
        SettingSpec("scope", "OAuth2 scope; none for the user's own rights", default="api"),
        SettingSpec("timezone", "zone of the API's dates, which carry none", default="UTC"),
        SettingSpec(
            "page_size", "rows per page", kind="integer", default=MAX_PAGE_SIZE, minimum=1, maximum=MAX_PAGE_SIZE
        ),
        SettingSpec(
            "field_value",
            "what the API shows as a dropdown's value",
            kind="choice",
            default="auto",
            choices=("auto", "id", "label"),
        ),
        SettingSpec(
            "max_dropdown_elements",
            "elements a dropdown can hold",
            kind="integer",
            default=MAX_DROPDOWN_ELEMENTS,
            minimum=1,
        ),
        SettingSpec("language", "language of names and labels that are written", default="english"),
        SettingSpec("award_type", "type of the awards that we write", default="external_certification"),
        SettingSpec("award_source_key", "key of an award's source, such as Credly", default="source"),
        SettingSpec("award_link_key", "key of the link to the badge", default="external_url"),
        SettingSpec("award_external_id_key", "key of the badge's id", default="external_id"),
        SettingSpec("training_id_field", "additional field for the badge's id; unset: the course code"),
        SettingSpec("training_link_field", "additional field for the badge's link; unset: none is sent"),
        SettingSpec(
            "training_score", "score of imported training; unset: none is sent", kind="integer", minimum=0, maximum=100
        ),
        SettingSpec("training_status", "status that imported training gets", default="approved"),
    ),
    client="connectctl.docebo.client:make_client",
    test="connectctl.docebo.client:whoami",
    rate="90/min",
    threads=4,
)
