"""config.toml and the environment, read once, checked, and given out by connection."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectctl.config import secrets
from connectctl.config.declared import COMMON, CORE, env_name
from connectctl.config.edit import Section
from connectctl.config.paths import ProfilePaths
from connectctl.config.reading import (
    URL_PASSWORD,
    literal_secret,
    parse_config,
    place_of,
    read_config,
    refuse_unknown,
)
from connectctl.config.secrets import Secret
from connectctl.config.values import check, days
from connectctl.errors import ConfigError, SettingInvalid, SettingMissing, UsageError
from connectctl.model import CallLimits
from connectctl.plugins.names import did_you_mean
from connectctl.plugins.specs import ConnectionSpec, SettingSpec

CONNECT_TIMEOUT = 5.0  # seconds; `timeout` is the wait for an answer
_IDENTITY = ("organization_id", "team_id")  # what tells two accounts on one host apart


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's text and where it came from: `environment`, `file`, `default`, or `` for no value."""

    text: str | None
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What a client is made from: the settings of one connection, each checked when it is asked for."""

    kind: str
    spec: ConnectionSpec
    data_dir: Path
    paths: Mapping[str, str] = field(default_factory=dict)
    _values: Mapping[str, Value] = field(default_factory=dict, repr=False)
    _base: Path | None = field(default=None, repr=False)
    _counts: Path | None = field(default=None, repr=False)

    def get(self, name: str) -> str | None:
        """The value, its default, or None. Raises SettingInvalid; SecretMissing for a reference to nothing."""
        declared = self._declared(name)
        if declared.secret:
            raise TypeError(f"{self.kind}.{name} is a secret: use secret()")
        found = self._values[name]
        if found.text is None:
            return None
        text = found.text
        if secrets.is_reference(text):
            text = secrets.resolve(text, found.place, base=self._base).reveal()
        return _checked(declared, text, found.place)

    def require(self, name: str) -> str:
        """The value; raises SettingMissing, naming where to put it, when there is none."""
        found = self.get(name)
        if found is None:
            raise self._missing(name)
        return found

    def secret(self, name: str) -> Secret:
        """The secret; raises SettingMissing or SecretMissing."""
        declared = self._declared(name)
        found = self._values[name]
        if found.text is None:
            raise self._missing(name)
        secret = secrets.resolve(found.text, found.place, base=self._base)
        _checked(declared, secret.reveal(), found.place)
        return secret

    def has(self, name: str) -> bool:
        """Whether there is a value, a default included."""
        return self._values[name].text is not None

    def value(self, name: str) -> Value:
        """The text as it was written, unresolved, for `connection list`."""
        return self._values[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The connection's own settings, then those every connection takes."""
        return tuple(setting.name for setting in (*self.spec.settings, *COMMON))

    @property
    def configured(self) -> bool:
        """Whether anybody has set anything."""
        return bool(self.paths) or any(value.source in ("file", "environment") for value in self._values.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """Required settings without a value."""
        return tuple(setting.name for setting in self.spec.settings if setting.required and not self.has(setting.name))

    @property
    def rate(self) -> str:
        return self.get("rate") or self.spec.rate

    @property
    def threads(self) -> int:
        return int(self.get("threads") or self.spec.threads)

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds: to connect, to wait for an answer."""
        return CONNECT_TIMEOUT, float(self.require("timeout"))

    @property
    def per_hour(self) -> int | None:
        found = self.get("per_hour")
        return int(found) if found else None

    @property
    def limits(self) -> CallLimits:
        """What the client's `limits` takes: rate and budget, counted by all processes of the profile together."""
        return CallLimits(self.rate, self.per_hour, self._counts, self.account)

    @property
    def account(self) -> str:
        """A short id of the account behind this connection, part of every holding, so it must outlive new credentials.

        The host of the address (without its port) or the environment's name, and the organization where there is one.
        """
        declared = {setting.name for setting in self.spec.settings}
        parts = [self._place_of_account(declared)]
        parts += [value for name in _IDENTITY if name in declared and (value := self.get(name))]
        return "/".join(part.replace("|", "-") for part in parts)

    def _place_of_account(self, declared: set[str]) -> str:
        for name in ("base_url", "url"):
            address = self.get(name) if name in declared else None
            if address:
                return (urlsplit(address).hostname or address).lower()
        return (self.get("environment") if "environment" in declared else None) or self.kind

    def _declared(self, name: str) -> SettingSpec:
        for setting in (*self.spec.settings, *COMMON):
            if setting.name == name:
                return setting
        raise LookupError(f"the connection {self.kind} declares no setting {name}")

    def _missing(self, name: str) -> SettingMissing:
        place = self._values[name].place
        return SettingMissing(
            f"{name} of the connection {self.kind} is not set: {place} or {env_name(self.kind, name)}",
            hint=f"connectctl connection set {self.kind} {name}",
        )


class Settings:
    """A profile's settings. The core's own are checked at loading, a connection's when it is used."""

    def __init__(self, paths: ProfilePaths, data: Mapping[str, Any], specs: Mapping[str, ConnectionSpec], text: str):
        self.paths = paths
        self._data = data
        self._specs = specs
        self._text = text
        self.store_url = str(self._core("store", "url"))
        self.keep_runs = days(str(self._core("store", "keep_runs")))
        self.timezone = self._zone()
        self.max_changes = int(str(self._core("limits", "max_changes")))
        self.max_removals = int(str(self._core("limits", "max_removals")))
        self.max_revocations = int(str(self._core("limits", "max_revocations")))
        self.public_url = self._core("webhooks", "public_url")

    def __repr__(self) -> str:
        return f"Settings({self.paths.config_file})"  # the data holds literal secrets

    @property
    def unused(self) -> tuple[str, ...]:
        """Connections in the file that no installed plugin offers."""
        return tuple(kind for kind in self._data.get("connections", {}) if kind not in self._specs)

    def connections(self) -> Iterator[ConnectionSettings]:
        """Every connection that a plugin offers, configured or not."""
        return (self.connection(kind) for kind in self._specs)

    def connection(self, kind: str) -> ConnectionSettings:
        """The settings of one connection; raises UsageError for an unknown one."""
        if kind not in self._specs:
            raise UsageError(
                f"There is no connection {kind!r}{did_you_mean(kind, self._specs)}", hint="connectctl connection list"
            )
        spec = self._specs[kind]
        table = self._data.get("connections", {}).get(kind, {})
        values = {
            setting.name: self._find(("connections", kind), setting, table, env_name(kind, setting.name))
            for setting in (*spec.settings, *COMMON)
        }
        paths = {name: str(path) for name, path in table.get("paths", {}).items()}
        base = self.paths.config_file.parent
        return ConnectionSettings(kind, spec, self.paths.data_dir, paths, values, base, self._counts())

    def _counts(self) -> Path:
        """The folder in which requests are counted, beside the store's file: whoever shares the store shares it."""
        scheme, _, file = self.store_url.partition(":///")
        return self.paths.data_dir / (f"{file}-limits" if scheme == "sqlite" and file else "limits")

    def _core(self, section: str, key: str) -> str | None:
        declared = next(setting for setting in CORE[section] if setting.name == key)
        found = self._find((section,), declared, self._data.get(section, {}), env_name(section, key))
        text = found.text
        if text is None:
            return None
        if secrets.is_reference(text):
            text = secrets.resolve(text, found.place, base=self.paths.config_file.parent).reveal()
        return _checked(declared, text, found.place)

    def _zone(self) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

        name = str(self._core("general", "timezone"))
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            hint = did_you_mean(name, available_timezones())
            raise SettingInvalid(
                f"general.timezone in {self.paths.config_file} is not a known time zone: {name!r}{hint}",
                hint='timezone = "Europe/Vienna"',
            ) from None
        return name

    def _find(self, section: Section, setting: SettingSpec, table: Mapping[str, Any], env: str) -> Value:
        if text := os.environ.get(env):  # an empty variable counts as absent, as compose files leave them
            return Value(text, "environment", env)
        place = place_of(self.paths.config_file, self._text, section, setting.name)
        if setting.name in table:
            return Value(_plain(table[setting.name], place), "file", place)
        default = None if setting.default is None else _plain(setting.default, place)
        return Value(default, "default" if default is not None else "", place)


def load_settings(paths: ProfilePaths, connections: Mapping[str, ConnectionSpec]) -> Settings:
    """Reads and checks a profile's settings; a missing file is an empty one.

    Raises ConfigError for a file that cannot be read or holds literal secrets that others can read, SettingInvalid for
    a section or key that does not exist, with the file, the line and the nearest right name.
    """
    text, mode = read_config(paths)
    data = parse_config(paths.config_file, text)
    refuse_unknown(paths.config_file, text, data, connections)
    if mode & 0o077 and (place := literal_secret(data, connections)):
        raise ConfigError(
            f"{paths.config_file} can be read by others (mode {mode:04o}) and holds a secret: {place}",
            hint=f"chmod 600 {paths.config_file}",
        )
    return Settings(paths, data, connections, text)


def _plain(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if hasattr(value, "isoformat"):  # TOML has dates of its own
        return str(value)
    raise SettingInvalid(f"{place} must be a text, a number, a date or true/false")


def _checked(setting: SettingSpec, text: str, place: str) -> str:
    try:
        return check(setting, text)
    except ValueError as error:
        shown = "" if setting.secret or URL_PASSWORD.search(text) else f", not {text!r}"
        raise SettingInvalid(f"{place} {error}{shown}", hint="connectctl connection list") from None
