"""The accounts a store belongs to, the first ones used: no other account's listing is taken for theirs (GN-33)."""

from __future__ import annotations

from connectctl.errors import ConfigError
from connectctl.model import RunContext


def check_account(ctx: RunContext, name: str, title: str, account: str) -> None:
    """Raises ConfigError when the store was first used with another account."""
    pinned = ctx.cached("accounts").get(name)
    if pinned not in (None, account):
        raise ConfigError(
            f"This store belongs to the {title} account {pinned}, the settings name {account}",
            hint="connectctl --profile NAME init, for another account",
        )


def keep_account(ctx: RunContext, name: str, account: str) -> None:
    """Binds the store to the account; called once it has answered, so that a mistyped one is not kept."""
    ctx.cached("accounts").setdefault(name, account)
