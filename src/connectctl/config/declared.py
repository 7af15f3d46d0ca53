"""The settings that exist without any plugin: the core's own, and those that every connection takes."""

from __future__ import annotations

import re

from connectctl.plugins.specs import SettingSpec

COMMON = (
    SettingSpec("rate", "requests per time, or none", kind="rate"),
    SettingSpec("threads", "requests at the same time", kind="integer", minimum=1, maximum=64),
    SettingSpec("timeout", "seconds to wait for an answer", kind="integer", default=30, minimum=1, maximum=3600),
    SettingSpec("per_hour", "requests per hour; off when absent", kind="integer", minimum=1),
)

CORE: dict[str, tuple[SettingSpec, ...]] = {
    "store": (
        SettingSpec("url", "where the data lives", default="sqlite:///store.db"),
        SettingSpec("keep_runs", "days that a run's record is kept, or forever", kind="age", default="730d"),
    ),
    "general": (SettingSpec("timezone", "zone of day bounds and of dates without one", default="UTC"),),
    "limits": (
        SettingSpec("max_changes", "a larger plan needs --yes", kind="integer", default=500, minimum=0),
        SettingSpec("max_removals", "rows and options a run may take away", kind="integer", default=5, minimum=0),
        SettingSpec("max_revocations", "revocations per run and per hour", kind="integer", default=10, minimum=0),
    ),
    "webhooks": (SettingSpec("public_url", "only used to print addresses", kind="url"),),
}
WEBHOOK_KEYS = ("username", "password")


def env_name(section: str, key: str) -> str:
    """The environment variable of a setting, e.g. CONNECTCTL_CREDLY_TOKEN."""
    return "CONNECTCTL_" + re.sub(r"[^A-Z0-9]", "_", f"{section}_{key}".upper())
