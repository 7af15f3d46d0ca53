"""Settings of integrations in plain words, and what is wrong with their rows (GN-08 to GN-10, CR-77, AC-66). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectctl.badging.settings import alias_text, day_start, parse_setting
from connectctl.plugins.names import nearest
from connectctl.plugins.specs import Finding, SettingSpec
from connectctl.store.cells import date_guesses, shown

TABLE = "integration-settings"
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Effect:
    """One setting as it stands: its text ("" for blank), whether it is valid, and what follows from it."""

    spec: SettingSpec
    text: str
    valid: bool
    allowed: str
    effect: str
    blank: str


def explained(specs: Sequence[SettingSpec], rows: Mapping[str, str], timezone: str) -> list[Effect]:
    """Every setting of an integration; `rows` are its texts by key, trimmed."""
    return [_effect(spec, specs, rows, timezone) for spec in specs]


def _effect(spec: SettingSpec, specs: Sequence[SettingSpec], rows: Mapping[str, str], timezone: str) -> Effect:
    text = rows.get(spec.name, "")
    blank = _meaning(spec, None, timezone)
    problem = _problem(spec, text, timezone)
    if problem is not None:
        effect = f"{shown(text)} {problem}. A run that reads the settings ends before anything is sent (exit code 3)."
    else:
        effect = _meaning(spec, text or None, timezone)
        for other in specs:
            said = alias_text(other, rows.get(other.name, "")) if other.alias and other.alias.of == spec.name else None
            if said is not None and text not in ("", said):
                effect = f"{other.name} says the opposite: a run that reads the settings ends with exit code 3."
            elif said is not None and not text:
                effect = f"{other.name} decides, as if this were {said}. {_meaning(spec, said, timezone)}"
    return Effect(spec, text, problem is None, allowed(spec, timezone), effect, blank)


def _meaning(spec: SettingSpec, text: str | None, timezone: str) -> str:
    """The plugin's own words, with the moment that a date means."""
    if spec.explain is not None:
        words = spec.explain(text)
    elif text is None:
        words = "Nothing is set." if spec.default is None else f"As if it were {_word(spec.default)}."
    else:
        words = f"{spec.summary[:1].upper()}{spec.summary[1:]}."
    if text is not None and spec.kind == "date":
        start = day_start(text, timezone)
        utc = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        words += f" The moment meant is {start.strftime('%Y-%m-%d %H:%M:%S')} in {timezone}, which is {utc}."
    return words


def allowed(spec: SettingSpec, timezone: str) -> str:
    """Which values a setting can have, in words."""
    if spec.kind == "integer":
        low = spec.minimum or 0
        return f"a whole number from {low} to {spec.maximum}" if spec.maximum else f"a whole number, {low} or more"
    return {
        "boolean": "true or false, in lower case",
        "date": f"YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, in the zone {timezone}",
        "email": "one e-mail address",
        "choice": f"{' or '.join(spec.choices)}, capitals or not",
    }.get(spec.kind, "any text")


def _problem(spec: SettingSpec, text: str, timezone: str) -> str | None:
    try:
        parse_setting(spec, text, timezone)
    except ValueError as error:
        return str(error)
    return None


# --- findings


def settings_findings(
    declared: Mapping[str, Sequence[SettingSpec]],
    rows: Sequence[Any],
    timezone: str,
    now: datetime,
    in_use: Mapping[str, bool],
) -> Iterator[Finding]:
    """What is wrong with the rows of integration-settings, then what is missing there.

    `declared` are the settings by integration; of one that is not in use a missing setting is a warning.
    """
    places: dict[tuple[str, str], Any] = {}
    meant: set[tuple[str, str]] = set()  # what misspelt rows will be when they are mended
    for row in rows:
        places.setdefault((_cell(row, "Integration"), _cell(row, "Key")), row)
    for (integration, key), row in places.items():
        if not integration or not key:
            continue  # a row that does not fit its columns
        if integration not in declared:
            meant.add((nearest(integration, declared) or "", key))
            yield _unknown(row, "Integration", integration, declared, places)
            continue
        spec = next((spec for spec in declared[integration] if spec.name == key), None)
        if spec is None:
            names = [spec.name for spec in declared[integration]]
            meant.add((integration, nearest(key, names) or ""))
            yield _unknown(row, "Key", key, names, places)
            continue
        problem = _problem(spec, _cell(row, "Value"), timezone)
        if problem is not None:
            message = f"{shown(_cell(row, 'Value'))} {problem}"
            yield _about(row, "error", message, _mending(spec, row, timezone, now), "Value")
    for integration, specs in declared.items():
        texts = {key: _cell(row, "Value") for (owner, key), row in places.items() if owner == integration}
        used = in_use.get(integration, True)
        yield from _disagreements(integration, specs, texts, places)
        missing = _missing(integration, specs, texts, used, now)
        yield from (finding for finding in missing if finding.key not in meant)


def _unknown(row: Any, column: str, word: str, known: Any, places: Mapping[tuple[str, str], Any]) -> Finding:
    near = nearest(word, known, 0.6)
    what = "No installed plugin reads the settings of" if column == "Integration" else "There is no setting"
    if near is None:
        message = f"{what} {shown(word)}: install the plugin that does, or remove the row"
        return _about(row, "warning", message, ("lookup", "unset", TABLE, f"#{row.doc_id}"), column)
    cells = {name: _cell(row, name) for name in ("Integration", "Key")} | {column: near}
    taken = (cells["Integration"], cells["Key"]) in places
    place = (TABLE, f"#{row.doc_id}")
    fix = ("lookup", "unset", *place) if taken else ("lookup", "set", *place, f"{column}={near}")
    more = ", which has a row of its own" if taken else ""
    return _about(row, "error", f"{what} {shown(word)}; is {near} meant{more}?", fix, column)


def _disagreements(
    integration: str, specs: Sequence[SettingSpec], texts: Mapping[str, str], places: Mapping[tuple[str, str], Any]
) -> Iterator[Finding]:
    for spec in specs:
        said = alias_text(spec, texts.get(spec.name, ""))
        other = texts.get(spec.alias.of, "") if spec.alias else ""
        if spec.alias and said is not None and other not in ("", said):
            message = f"says the opposite of {spec.alias.of}, which is {shown(other)}"
            row = places[integration, spec.name]
            yield _about(row, "error", message, ("lookup", "unset", *_place(row)), "Value")


def _missing(
    integration: str, specs: Sequence[SettingSpec], texts: Mapping[str, str], used: bool, now: datetime
) -> Iterator[Finding]:
    aliased = {spec.alias.of for spec in specs if spec.alias and alias_text(spec, texts.get(spec.name, "")) is not None}
    for spec in specs:
        if texts.get(spec.name) or spec.name in aliased:
            continue
        key = (integration, spec.name)
        if spec.required:
            value = _example(spec, now)
            words = f"has no value: {spec.summary}"
            fix = ("lookup", "set", TABLE, *key, f"Value={value}")
            yield Finding("error" if used else "warning", words, fix, TABLE, None, key, "Value")
        elif spec.advised and used:
            default = None if spec.default is None else _word(spec.default)
            effect = spec.explain(default) if spec.explain else spec.summary
            means = "is not set" if default is None else f"is not set, which means {default}"
            fix = ("lookup", "set", TABLE, *key, f"Value={default or _example(spec, now)}")
            yield Finding("warning", f"{means}. {effect}", fix, TABLE, None, key, "Value")


def _mending(spec: SettingSpec, row: Any, timezone: str, now: datetime) -> tuple[str, ...]:
    """Sets what was surely meant, else an example where there has to be a value, else nothing."""
    text = _cell(row, "Value")
    guesses: tuple[str, ...] = ()
    if spec.kind == "date":
        guesses = date_guesses(text)
    elif spec.kind == "email":
        guesses = tuple(_ADDRESS.findall(text))
    elif spec.kind == "boolean":
        guesses = (text.lower(),)
    elif spec.kind == "integer":
        guesses = (text.removesuffix(".0"),)
    elif spec.kind == "choice":
        guesses = tuple(near for near in [nearest(text, spec.choices)] if near)
    good = [guess for guess in guesses if guess.isprintable() and guess and _problem(spec, guess, timezone) is None]
    if len(good) != 1 and not spec.required:
        return ("lookup", "unset", *_place(row))
    return ("lookup", "set", *_place(row), f"Value={good[0] if len(good) == 1 else _example(spec, now)}")


def _example(spec: SettingSpec, now: datetime) -> str:
    # Today, so that whoever runs the command unread sends nothing for what is past.
    return spec.example or (now.strftime("%Y-%m-%d") if spec.kind == "date" else _word(spec.default or ""))


def _place(row: Any) -> tuple[str, ...]:
    """Table and row as a command names them: by key where that is plain, else by number."""
    raw = (row.get("Integration"), row.get("Key"))
    plain = all(isinstance(part, str) and _PLAIN.fullmatch(part) for part in raw)
    return (TABLE, *(raw if plain else (f"#{row.doc_id}",)))


def _about(row: Any, severity: Any, message: str, fix: tuple[str, ...], column: str) -> Finding:
    return Finding(severity, message, fix, TABLE, row.doc_id, (_cell(row, "Integration"), _cell(row, "Key")), column)


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _word(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
