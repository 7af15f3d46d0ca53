"""What is wrong with a declaration. Pure; a plugin's author reads the answers in `connectctl plugin list`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from connectctl.plugins.specs import (
    TABLE_NAME,
    CheckSpec,
    ColumnSpec,
    ColumnType,
    CommandSpec,
    ConnectionSpec,
    FlowSpec,
    ProviderSpec,
    Reference,
    SettingSpec,
    TableSpec,
)

_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FLOW = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SETTING_KINDS = ("text", "boolean", "date", "integer", "email", "choice", "url", "rate")
_COMMON = ("rate", "threads", "timeout", "per_hour", "paths")


def problems(spec: object) -> list[str]:
    """Sentences; none for a sound declaration."""
    checks: dict[type, Any] = {
        ConnectionSpec: _connection,
        TableSpec: _table,
        FlowSpec: _flow,
        ProviderSpec: _provider,
        CommandSpec: _named,
        CheckSpec: _asking,
    }
    check = checks.get(type(spec))
    return list(check(spec)) if check else []


def _connection(spec: ConnectionSpec) -> Iterator[str]:
    yield from _name("kind", spec.kind, _KIND)
    yield from _target("client", spec.client)
    if spec.test is not None:
        yield from _target("test", spec.test)
    if (yield from _all("settings", spec.settings, SettingSpec)):
        yield from _settings(spec.settings)
        for setting in spec.settings:
            if setting.name in _COMMON:
                yield f"setting {setting.name} is one that every connection has"


def _table(spec: TableSpec) -> Iterator[str]:
    yield from _name("name", spec.name, TABLE_NAME)
    if not (isinstance(spec.title, str) and spec.title.strip()):
        yield "title must be a text"
    if not (yield from _all("columns", spec.columns, ColumnSpec)):
        return
    names = [column.name for column in spec.columns]
    if not names:
        yield "columns must not be empty"
    yield from _unique("column", names)
    for column in spec.columns:
        if column.type not in get_args(ColumnType):
            yield f"column {column.name} has the unknown type {column.type!r}"
    for field, value in (("key", spec.key), ("indexes", spec.indexes)):
        if (yield from _all(field, value, str)):
            for name in value:
                if name not in names:
                    yield f"{field} names {name!r}, which is not a column"
    if spec.key == ():
        yield "key must name at least one column"
    yield from _declared_for_checks(spec, names)


def _declared_for_checks(spec: TableSpec, names: list[str]) -> Iterator[str]:
    """What `lookup check` relies on; whether the other table is there is seen when it is asked for."""
    if spec.active and not any(column.name == spec.active and column.type == "boolean" for column in spec.columns):
        yield f"active names {spec.active!r}, which is not a boolean column"
    yield from (f"maps names {name!r}, which is not a column" for name in spec.maps if name not in names)
    for column in spec.columns:
        reference = column.refers_to
        if reference is not None and not isinstance(reference, Reference):
            yield f"refers_to of the column {column.name} must be a Reference"
        elif reference is not None and reference.label and reference.label[0] not in names:
            yield f"refers_to of the column {column.name} names {reference.label[0]!r}, which is not a column"


def _flow(spec: FlowSpec) -> Iterator[str]:
    yield from _name("name", spec.name, _FLOW)
    for field in ("read", "plan"):
        yield from _target(field, getattr(spec, field))
    for field in ("apply", "look", "parts", "prepare"):
        if getattr(spec, field) is not None:
            yield from _target(field, getattr(spec, field))
    if spec.policy not in ("start", "function", "manual"):
        yield f"policy {spec.policy!r} is not one of start, function, manual"
    yield from _all("uses", spec.uses, str)
    if not (isinstance(spec.batch, int) and spec.batch >= 1):
        yield "batch must be at least 1"


def _provider(spec: ProviderSpec) -> Iterator[str]:
    yield from _name("name", spec.name, _KIND)
    for field in ("template_table", "mapping_table"):
        table = getattr(spec, field)
        if isinstance(table, TableSpec):
            yield from (f"{field}: {problem}" for problem in _table(table))
        else:
            yield f"{field} must be a TableSpec, not {type(table).__name__}"
    if (yield from _all("settings", spec.settings, SettingSpec)):
        yield from _settings(spec.settings)


def _named(spec: CommandSpec | CheckSpec) -> Iterator[str]:
    yield from _name("name", spec.name, _KIND)
    yield from _target("target", spec.target)


def _asking(spec: CheckSpec) -> Iterator[str]:
    yield from _named(spec)
    yield from _all("uses", spec.uses, str)
    yield from _all("tables", spec.tables, str)


def _settings(settings: Iterable[SettingSpec]) -> Iterator[str]:
    yield from _unique("setting", [setting.name for setting in settings])
    for setting in settings:
        yield from _name("setting", setting.name, _SETTING)
        if setting.kind not in _SETTING_KINDS:
            yield f"setting {setting.name} has the unknown kind {setting.kind!r}"
        if setting.alias is not None and setting.alias.of not in {other.name for other in settings}:
            yield f"setting {setting.name} is an alias of {setting.alias.of}, which is not a setting"


def _name(field: str, value: object, pattern: re.Pattern[str]) -> Iterator[str]:
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        yield f"{field} {value!r} does not have the form {pattern.pattern}"


def _target(field: str, value: object) -> Iterator[str]:
    if not (callable(value) or (isinstance(value, str) and ":" in value)):
        yield f"{field} must be a function or 'module:name', not {value!r}"


def _all(field: str, value: object, kind: type) -> Any:
    """Yields what is wrong; its value says whether the field can be looked into."""
    if not isinstance(value, tuple | list) or not all(isinstance(item, kind) for item in value):
        yield f"{field} must be a tuple of {kind.__name__}"
        return False
    return True


def _unique(what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} {name!r} is there twice"
