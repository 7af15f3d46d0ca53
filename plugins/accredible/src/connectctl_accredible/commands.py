"""`connectctl accredible …`: the kit's flows as commands."""

from __future__ import annotations

from connectctl.api import provider_group
from connectctl_accredible.plugin import PROVIDER

accredible = provider_group(PROVIDER)
