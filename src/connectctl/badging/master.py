"""Which directions the master setting allows (CR-19, CR-75, CR-76)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectctl.plugins.specs import ProviderSpec


def directions(spec: ProviderSpec, values: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether certifications go to the provider, and whether they come from it; blank means both."""
    key = spec.keys.get("master")
    value = values.get(key) if key else None
    choices = next((setting.choices for setting in spec.settings if setting.name == key), ())
    return value in (None, "", *choices[:1]), value in (None, "", *choices[1:2])
