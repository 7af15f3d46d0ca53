"""All that plugin authors import. What is not here is private and may change without notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectctl.errors import (
    AlreadyHeld,
    AuthFailed,
    BadAnswer,
    ConfigError,
    ConnectctlError,
    DataError,
    NotAllowed,
    NotFound,
    PluginError,
    Rejected,
    RemoteDown,
    RemoteError,
    RemoteRefused,
    RemoteUnsure,
    UsageError,
)
from connectctl.plugins.hookspecs import hookimpl
from connectctl.plugins.specs import (
    Alias,
    Capabilities,
    CheckSpec,
    ColumnSpec,
    CommandSpec,
    ConnectionSpec,
    Finding,
    FlowSpec,
    ProviderSpec,
    Reference,
    SettingSpec,
    TableSpec,
)

if TYPE_CHECKING:
    from connectctl.badging.provider import (
        Credential,
        CredentialState,
        FeedEvent,
        IssueRequest,
        Options,
        Page,
        Provider,
        Template,
        TemplateState,
    )
    from connectctl.cli.provider import provider_group
    from connectctl.config.paths import profile_paths
    from connectctl.config.secrets import Secret
    from connectctl.config.settings import ConnectionSettings
    from connectctl.http.answers import refusal_words
    from connectctl.http.auth import BasicAuth, HeaderAuth
    from connectctl.http.session import Client
    from connectctl.model import (
        Applied,
        Change,
        CheckContext,
        Clock,
        Cursor,
        Discrepancy,
        Look,
        Notice,
        OpenItem,
        Outcome,
        Part,
        Plan,
        Problem,
        RowWrite,
        RunContext,
        Skip,
    )

# Imported when first asked for: declarations need none of it, and every call of the tool reads them.
_LATER = {
    "BasicAuth": "connectctl.http.auth",
    "Client": "connectctl.http.session",
    "Clock": "connectctl.model",
    "Credential": "connectctl.badging.provider",
    "CredentialState": "connectctl.badging.provider",
    "FeedEvent": "connectctl.badging.provider",
    "HeaderAuth": "connectctl.http.auth",
    "IssueRequest": "connectctl.badging.provider",
    "Options": "connectctl.badging.provider",
    "Page": "connectctl.badging.provider",
    "Provider": "connectctl.badging.provider",
    "Template": "connectctl.badging.provider",
    "TemplateState": "connectctl.badging.provider",
    "provider_group": "connectctl.cli.provider",
    "refusal_words": "connectctl.http.answers",
    "ConnectionSettings": "connectctl.config.settings",
    "Secret": "connectctl.config.secrets",
    "profile_paths": "connectctl.config.paths",
    **dict.fromkeys(
        (
            "Applied",
            "Change",
            "CheckContext",
            "Cursor",
            "Discrepancy",
            "Look",
            "Notice",
            "OpenItem",
            "Outcome",
            "Part",
            "Plan",
            "Problem",
            "RowWrite",
            "RunContext",
            "Skip",
        ),
        "connectctl.model",
    ),
}

__all__ = [
    "Alias",
    "AlreadyHeld",
    "Applied",
    "AuthFailed",
    "BadAnswer",
    "BasicAuth",
    "Capabilities",
    "Change",
    "CheckContext",
    "CheckSpec",
    "Client",
    "Clock",
    "ColumnSpec",
    "CommandSpec",
    "ConfigError",
    "ConnectctlError",
    "ConnectionSettings",
    "ConnectionSpec",
    "Credential",
    "CredentialState",
    "Cursor",
    "DataError",
    "Discrepancy",
    "FeedEvent",
    "Finding",
    "FlowSpec",
    "HeaderAuth",
    "IssueRequest",
    "Look",
    "NotAllowed",
    "NotFound",
    "Notice",
    "OpenItem",
    "Options",
    "Outcome",
    "Page",
    "Part",
    "Plan",
    "PluginError",
    "Problem",
    "Provider",
    "ProviderSpec",
    "Reference",
    "Rejected",
    "RemoteDown",
    "RemoteError",
    "RemoteRefused",
    "RemoteUnsure",
    "RowWrite",
    "RunContext",
    "Secret",
    "SettingSpec",
    "Skip",
    "TableSpec",
    "Template",
    "TemplateState",
    "UsageError",
    "hookimpl",
    "profile_paths",
    "provider_group",
    "refusal_words",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
