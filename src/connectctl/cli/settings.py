"""Integration settings as people type them: checked against what the integrations declare (GN-08 to GN-10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from connectctl.errors import SettingInvalid
from connectctl.plugins.names import did_you_mean
from connectctl.store.cells import date_guesses, shown

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import SettingSpec
    from connectctl.store.transfer import RowCheck

TABLE = "integration-settings"


def check_setting(session: Session, integration: str, key: str, value: object) -> None:
    """Refuses a value that the setting cannot have; remarks on a name that no integration knows.

    An unknown name is written nevertheless: it may belong to a plugin that is not installed here.
    """
    declared = _declared(session)
    if integration not in declared:
        guess = did_you_mean(integration, declared)
        session.say(f"Remark: no installed plugin reads the settings of {integration!r}{guess}")
        return
    settings = declared[integration]
    if key not in settings:
        session.say(f"Remark: {integration} has no setting {key!r}{did_you_mean(key, settings)}")
        return
    problem = _problem(settings[key], value)
    if problem is not None:
        raise SettingInvalid(
            f"{integration} {key} cannot be {shown(str(value))}: it {problem}",
            hint=f"connectctl lookup explain {TABLE}",
        )


def settings_check(session: Session) -> RowCheck:
    """The same for the rows of a file: what is wrong with a row's Value."""
    declared = _declared(session)

    def check(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        spec = declared.get(row["Integration"], {}).get(row["Key"])
        problem = None if spec is None else _problem(spec, row["Value"])
        if problem is not None:
            yield "Value", f"is {shown(row['Value'])}; {row['Key']} {problem}"

    return check


def _declared(session: Session) -> dict[str, dict[str, SettingSpec]]:
    return {
        spec.integration: {setting.name: setting for setting in spec.settings}
        for spec in session.plugins.providers.values()
    }


def _problem(spec: SettingSpec, value: object) -> str | None:
    from connectctl.badging.settings import parse_setting

    try:
        parse_setting(spec, str(value or "").strip(), "UTC")
    except ValueError as error:
        guesses = date_guesses(str(value)) if spec.kind == "date" else ()
        return f"{error}; write {' or '.join(guesses)}" if guesses else str(error)
    return None
