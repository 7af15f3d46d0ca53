"""The tree of errors, grouped by who must act and whether trying again helps.

    ConnectctlError(message, *, hint=None)                         exit  who acts
    +- UsageError          unknown flow, table, connection            2  the caller
    +- ConfigError         SettingMissing, SecretMissing, SettingInvalid   3  the operator
    +- PluginError         ContractBroken, NameTaken                  3  the plugin's author
    +- StoreError          StoreBusy, StoreCorrupt, SchemaTooNew      3  the operator
    +- RemoteError         connection, method, path, status
    |  +- RemoteRefused    AuthFailed, NotAllowed, NotFound, Rejected, …   4  the operator; do not retry
    |  +- RemoteDown       429, 5xx, timeout, after the retries       5  nobody; try later
    |  +- RemoteUnsure     a write whose answer was lost              8  the next run looks before it writes
    +- ConfirmationNeeded  the plan is larger than allowed            6  the operator
    +- RunLocked           the same flow runs elsewhere               7  try later
    +- RunIncomplete       the run finished, some items failed        8  read the report
    +- Interrupted         Ctrl-C or SIGTERM                        130  the next run goes on from there
    +- DataError           one record is malformed                    8  one item of a run, never the whole run

Messages are sentences for the operator. They carry no secret: whoever raises with remote text cleans it first.
"""

from __future__ import annotations


class ConnectctlError(Exception):
    """Anything connectctl can explain: what happened, and the next command to run."""

    exit_code = 1
    default_hint = "connectctl --help"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class UsageError(ConnectctlError):
    """The command names something that does not exist or does not fit."""

    exit_code = 2


class ConfigError(ConnectctlError):
    """A setting, secret or table row is missing or invalid."""

    exit_code = 3
    default_hint = "connectctl connection list"


class SettingMissing(ConfigError):
    """A required setting has no value."""


class SettingInvalid(ConfigError):
    """A setting's value is not one of those allowed."""


class SecretMissing(ConfigError):
    """A reference such as env:NAME leads to nothing."""


class PluginError(ConnectctlError):
    """A plugin could not be used."""

    exit_code = 3
    default_hint = "connectctl plugin list"


class ContractBroken(PluginError):
    """A plugin declared or returned something that the API does not allow."""


class NameTaken(PluginError):
    """Two plugins offer the same name."""


class StoreError(ConnectctlError):
    """The store cannot be read or written."""

    exit_code = 3
    default_hint = "restore the store from a backup, or set [store] url in config.toml to another place"


class StoreBusy(StoreError):
    """Another process held the store for longer than the time-out."""


class StoreCorrupt(StoreError):
    """The store's file is not a readable database."""


class SchemaTooNew(StoreError):
    """The store was written by a newer connectctl."""


class RemoteError(ConnectctlError):
    """A remote system did not do what it was asked."""

    exit_code = 4
    default_hint = "connectctl connection test"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        connection: str = "",
        method: str = "",
        path: str = "",
        status: int | None = None,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.connection = connection
        self.method = method
        self.path = path
        self.status = status
        self.detail = detail  # the remote's own words, cleaned
        self.retry_after = retry_after  # seconds


class RemoteRefused(RemoteError):
    """The remote answered and said no; the same request will be refused again."""


class AuthFailed(RemoteRefused):
    """The remote does not know us: wrong or expired credentials."""


class NotAllowed(RemoteRefused):
    """The remote knows us, but we lack the right for this request."""


class NotFound(RemoteRefused):
    """The remote has no such thing."""


class Rejected(RemoteRefused):
    """The remote found the request itself wrong."""


class AlreadyHeld(Rejected):
    """The remote's own duplicate guard says that the holding is taken."""


class BadAnswer(RemoteRefused):
    """The remote answered with something that is not what its API promises."""


class RemoteDown(RemoteError):
    """The remote could not be reached or kept throttling, after all retries; nothing was changed by this request."""

    exit_code = 5


class RemoteUnsure(RemoteError):
    """A write may have taken effect: its answer was lost."""

    exit_code = 8


class ConfirmationNeeded(ConnectctlError):
    """The plan is larger than may be carried out unasked."""

    exit_code = 6


class RunLocked(ConnectctlError):
    """The same flow is running in another process."""

    exit_code = 7
    default_hint = "connectctl run list --status running"


class RunIncomplete(ConnectctlError):
    """The run finished, but some items failed or are unsure."""

    exit_code = 8
    default_hint = "connectctl run list"


class Interrupted(ConnectctlError):
    """The run was stopped by Ctrl-C or SIGTERM; what was applied is recorded."""

    exit_code = 130
    default_hint = "run the same command again: it goes on from there"


class DataError(ConnectctlError):
    """One record is malformed; it is reported and the others go on."""

    exit_code = 8
