"""`connectctl connection`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.lazy import Group
from connectctl.cli.options import dry_run_option, json_option, pass_session
from connectctl.cli.output import emit, emit_json
from connectctl.cli.session import Session
from connectctl.config import edit, secrets
from connectctl.config.declared import COMMON, env_name
from connectctl.config.paths import ProfilePaths, locked, write_private
from connectctl.config.reading import parse_config, read_config
from connectctl.config.values import check
from connectctl.errors import ConfigError, ConnectctlError, PluginError, SettingInvalid, UsageError
from connectctl.plugins.names import did_you_mean

if TYPE_CHECKING:
    from connectctl.config.settings import ConnectionSettings
    from connectctl.plugins.specs import ConnectionSpec, SettingSpec

_MAX_VALUE = 64 * 1024


@click.group(cls=Group)
def connection() -> None:
    """Set, list and test connections to remote systems.

    Example: connectctl connection list
    """


@connection.command("list")
@json_option
@pass_session
def list_connections(session: Session, as_json: bool) -> None:
    """List connections and what is set; secrets show as ***.

    Example: connectctl connection list --json
    """
    found = [_shown(session, settings) for settings in session.settings.connections()]
    if as_json:
        emit_json(found)
    else:
        rows = [
            {"Connection": entry["name"], "State": entry["state"]}
            | {"Setting": row["name"], "Value": row["value"], "From": row["source"]}
            for entry in found
            for row in entry["settings"] or [{"name": "", "value": "", "source": ""}]
        ]
        emit(rows, ("Connection", "State", "Setting", "Value", "From"))
    for kind in session.settings.unused:
        session.say(f"connections.{kind} is set, but no plugin that could be loaded offers it")


@connection.command("set")
@click.argument("name")
@click.argument("field")
@click.argument("surplus", nargs=-1, metavar="")
@dry_run_option
@pass_session
def set_field(session: Session, name: str, field: str, surplus: tuple[str, ...], dry_run: bool) -> None:
    """Write one field into config.toml, from a prompt or stdin.

    The value is asked for, hidden where it is a secret, or read from standard input; never given as an argument. It may
    be a reference: env:NAME, file:PATH or keyring:SERVICE. Comments in the file stay.

    Example: pass show docebo | connectctl connection set docebo client_secret
    """
    if surplus:  # not click's own refusal: that would print the value
        raise UsageError(
            "A value is never an argument, where others could see it: it is asked for, or read from standard input",
            hint=f"connectctl connection set {name} {field}",
        )
    spec = session.plugins.connection(name)
    setting = _setting(spec, field)
    value = _asked(session, spec, setting)
    place = f"{name}.{field}"
    if not secrets.is_reference(value):
        try:
            value = check(setting, value)
        except ValueError as error:
            raise SettingInvalid(f"{place} {error}", hint=f"connectctl connection set {name} {field}") from None
    number = setting.kind == "integer" and not secrets.is_reference(value)
    written = int(value) if number else value
    _change(session.paths, dry_run, lambda text: edit.set_value(text, ("connections", name), field, written))
    session.say(f"{'Would set' if dry_run else 'Set'} {place} in {session.paths.config_file}")
    if os.environ.get(env_name(name, field)):
        session.say(f"Note: {env_name(name, field)} is set too, and the environment comes first")


@connection.command()
@click.argument("name", required=False)
@json_option
@pass_session
def test(session: Session, name: str | None, as_json: bool) -> None:
    """Try out a connection, or all that are configured.

    Makes the cheapest signed-in request and says who we are there.

    Example: connectctl connection test docebo
    """
    settings = session.settings
    if name is None:
        chosen = [found for found in settings.connections() if found.configured]
        if not chosen:
            raise ConfigError("No connection is configured", hint="connectctl connection set docebo base_url")
    else:
        chosen = [settings.connection(session.plugins.connection(name).kind)]
    results, failed = [], None
    for found in chosen:
        try:
            answer = _tried(session, found)
            results.append({"name": found.kind, "ok": True, "detail": answer})
        except ConnectctlError as error:
            failed = failed or error
            results.append({"name": found.kind, "ok": False, "detail": error.message})
    if as_json:
        emit_json(results)
    else:
        rows = [{"Connection": row["name"], "OK": row["ok"], "Detail": row["detail"]} for row in results]
        emit(rows, ("Connection", "OK", "Detail"))
    if failed is not None:
        raise failed


@connection.command()
@click.argument("name")
@dry_run_option
@pass_session
def remove(session: Session, name: str, dry_run: bool) -> None:
    """Take all fields of a connection out of config.toml.

    Comments in the file stay, and so does what the environment sets.

    Example: connectctl connection remove docebo
    """
    text, _ = read_config(session.paths)
    there = parse_config(session.paths.config_file, text).get("connections", {})
    if name not in there:
        session.plugins.connection(name)  # says what was meant, if there is no such connection at all
    if not there.get(name):
        session.say(f"{name} is not set in {session.paths.config_file}: nothing to remove")
        return
    _change(session.paths, dry_run, lambda now: edit.clear_section(now, ("connections", name)))
    session.say(f"{'Would remove' if dry_run else 'Removed'} {name} from {session.paths.config_file}")
    if set_outside := sorted(key for key in os.environ if key.startswith(env_name(name, ""))):
        session.say(f"Note: the environment still sets {', '.join(set_outside)}")


def _shown(session: Session, settings: ConnectionSettings) -> dict[str, Any]:
    state = "missing " + ", ".join(settings.missing) if settings.missing else "ready"
    rows = list(_values(settings))
    return {
        "name": settings.kind,
        "summary": settings.spec.summary,
        "plugin": session.plugins.connections.owner(settings.kind),
        "state": state if settings.configured else "not configured",
        "settings": rows,
    }


def _values(settings: ConnectionSettings) -> Iterator[dict[str, str]]:
    hidden = {setting.name for setting in settings.spec.settings if setting.secret}
    for name in settings.names:
        value = settings.value(name)
        if value.source in ("file", "environment") and value.text is not None:
            yield {"name": name, "value": _safe(value.text, name in hidden), "source": value.source}
    for name, path in settings.paths.items():
        yield {"name": f"paths.{name}", "value": path, "source": "file"}


def _safe(text: str, hidden: bool) -> str:
    from connectctl.http.redact import redact

    return secrets.MASK if hidden else redact(text)


def _setting(spec: ConnectionSpec, field: str) -> SettingSpec:
    declared = {setting.name: setting for setting in (*spec.settings, *COMMON)}
    if field not in declared:
        raise UsageError(
            f"The connection {spec.kind} has no field {field!r}{did_you_mean(field, declared)}",
            hint=f"its fields are {', '.join(declared)}",
        )
    return declared[field]


def _asked(session: Session, spec: ConnectionSpec, setting: SettingSpec) -> str:
    """The value, from a prompt or from a stdin that is not a terminal. It never waits where nobody could answer."""
    place = f"{spec.kind}.{setting.name}"
    if session.interactive:
        return str(click.prompt(f"{place} ({setting.summary})", hide_input=setting.secret, err=True)).strip()
    text = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        try:
            raw = sys.stdin.buffer.read(_MAX_VALUE + 1)
            text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise UsageError(f"The value of {place} on standard input is not UTF-8 text") from None
        if len(raw) > _MAX_VALUE:
            raise UsageError(f"The value of {place} on standard input is larger than {_MAX_VALUE // 1024} KiB")
    if not text.strip():
        hint = f"printf %s VALUE | connectctl connection set {spec.kind} {setting.name}"
        raise UsageError(f"There is no value for {place} on standard input", hint=hint)
    return text


def _change(paths: ProfilePaths, dry_run: bool, change: Callable[[str], str]) -> None:
    if dry_run:
        change(_current(paths))
        return
    with locked(paths.config_file.parent):
        write_private(paths.config_file, change(_current(paths)))


def _current(paths: ProfilePaths) -> str:
    text, _ = read_config(paths)
    parse_config(paths.config_file, text)
    return text


def _tried(session: Session, settings: ConnectionSettings) -> str:
    from connectctl.http.clock import SystemClock

    spec, plugins = settings.spec, session.plugins
    if spec.test is None:
        return "no test is offered"
    for missing in settings.missing:
        settings.require(missing)
    make, ask = plugins.resolve(spec.client), plugins.resolve(spec.test)
    try:
        client = make(settings, SystemClock())
        try:
            return str(ask(client))
        finally:
            getattr(client, "close", lambda: None)()
    except ConnectctlError:
        raise
    except Exception as error:  # the plugin border
        owner = plugins.connections.owner(settings.kind)
        raise PluginError(f"The plugin {owner} failed: {type(error).__name__}: {error}") from error
