"""Reads config.toml: its text and mode, its data, and what must not be in it."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from connectctl.config.declared import COMMON, CORE, WEBHOOK_KEYS
from connectctl.config.edit import Section, line_of
from connectctl.config.paths import ProfilePaths
from connectctl.config.secrets import is_reference
from connectctl.errors import ConfigError, SettingInvalid
from connectctl.plugins.names import did_you_mean
from connectctl.plugins.specs import ConnectionSpec

URL_PASSWORD = re.compile(r"://[^/@:\s]*:[^/@\s]+@")
_LOOKS_SECRET = re.compile(r"(password|secret|token|api_key|private_key|assertion)$")


def read_config(paths: ProfilePaths) -> tuple[str, int]:
    """The file's text and mode; `("", 0)` when there is none. Raises ConfigError."""
    file = paths.config_file
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode) if os.name == "posix" else 0
            return stream.read().decode("utf-8-sig"), mode
    except (FileNotFoundError, NotADirectoryError):
        if paths.config_given:
            raise ConfigError(
                f"{file} does not exist", hint=f"connectctl --config {shlex.quote(str(file))} init"
            ) from None
        return "", 0
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}", hint=f"ls -l {file}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text (byte {error.start})", hint=f"file {file}") from None


def parse_config(file: Path, text: str) -> dict[str, Any]:
    """The file's data; raises ConfigError with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint=f"$EDITOR {file}") from None


def place_of(file: Path, text: str, section: Section, key: str) -> str:
    """A setting's place in the reader's words: key, file and, where it can be told, line."""
    line = line_of(text, section, key)
    return f"{'.'.join(section)}.{key} in {file}" + (f", line {line}" if line else "")


def refuse_unknown(file: Path, text: str, data: dict[str, Any], connections: Mapping[str, ConnectionSpec]) -> None:
    for name, value in data.items():
        _known(file, text, (), name, ("connections", *CORE))
        _table(file, text, (name,), value)
    for section, declared in CORE.items():
        extra = [key for key, value in data.get(section, {}).items() if not isinstance(value, dict)]
        tables = [key for key, value in data.get(section, {}).items() if isinstance(value, dict)]
        for key in extra if section == "webhooks" else [*extra, *tables]:
            _known(file, text, (section,), key, [setting.name for setting in declared])
        for source in tables if section == "webhooks" else ():
            for key in data[section][source]:
                _known(file, text, (section, source), key, WEBHOOK_KEYS)
    for kind, table in data.get("connections", {}).items():
        _table(file, text, ("connections", kind), table)
        if kind in connections:
            allowed = [setting.name for setting in (*connections[kind].settings, *COMMON)]
            for key in table:
                _known(file, text, ("connections", kind), key, [*allowed, "paths"])
            _table(file, text, ("connections", kind, "paths"), table.get("paths", {}))
        elif did_you_mean(kind, connections, cutoff=0.75):
            # A near miss is a slip; anything else may belong to a plugin that is not installed or could not be loaded.
            _known(file, text, ("connections",), kind, connections)


def _known(file: Path, text: str, section: Section, key: str, allowed: Collection[str]) -> None:
    if key not in allowed:
        name = ".".join((*section, key))
        line = line_of(text, section, key) or line_of(text, (*section, key))
        at = f"{file}, line {line}" if line else str(file)
        raise SettingInvalid(f"{at}: there is no setting {name}{did_you_mean(key, allowed)}", hint=f"$EDITOR {file}")


def _table(file: Path, text: str, section: Section, value: Any) -> None:
    if not isinstance(value, dict):
        raise SettingInvalid(f"{file}: {'.'.join(section)} must be a section", hint=f"[{'.'.join(section)}]")


def literal_secret(data: Mapping[str, Any], connections: Mapping[str, ConnectionSpec]) -> str | None:
    """The place of the first secret that stands in the file itself; of unknown connections, by the look of the name."""
    declared = {(kind, setting.name): setting.secret for kind, spec in connections.items() for setting in spec.settings}
    for section, values in (("webhooks", data.get("webhooks", {})), ("connections", data.get("connections", {}))):
        for kind, table in values.items():
            for key, value in table.items() if isinstance(table, dict) else ():
                secret = declared.get((kind, key), _LOOKS_SECRET.search(key) is not None)
                plain = isinstance(value, str) and value and not is_reference(value)
                if plain and (secret or URL_PASSWORD.search(value)):
                    return f"{section}.{kind}.{key}"
    url = data.get("store", {}).get("url", "")
    return "store.url" if isinstance(url, str) and URL_PASSWORD.search(url) else None
