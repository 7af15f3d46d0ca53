"""`connectctl credly …`: the kit's flows as commands."""

from __future__ import annotations

from connectctl.api import provider_group
from connectctl_credly.plugin import PROVIDER

credly = provider_group(PROVIDER)
