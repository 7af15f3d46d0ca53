"""Integration settings as people type them: checked against what the integrations declare (GN-08 to GN-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectctl.errors import SettingInvalid
from connectctl.plugins.names import did_you_mean

if TYPE_CHECKING:
    from connectctl.cli.session import Session


def check_setting(session: Session, integration: str, key: str, value: object) -> None:
    """Refuses a value that the setting cannot have; remarks on a name that no integration knows.

    An unknown name is written nevertheless: it may belong to a plugin that is not installed here.
    """
    from connectctl.badging.settings import parse_setting

    declared = {spec.integration: spec.settings for spec in session.plugins.providers.values()}
    if integration not in declared:
        guess = did_you_mean(integration, declared)
        session.say(f"Remark: no installed plugin reads the settings of {integration!r}{guess}")
        return
    settings = {setting.name: setting for setting in declared[integration]}
    if key not in settings:
        session.say(f"Remark: {integration} has no setting {key!r}{did_you_mean(key, settings)}")
        return
    try:
        parse_setting(settings[key], str(value or "").strip(), "UTC")
    except ValueError as error:
        raise SettingInvalid(
            f"{integration} {key} {error}, not {value!r}",
            hint=f"connectctl lookup set integration-settings {integration} {key} Value=…",
        ) from error
