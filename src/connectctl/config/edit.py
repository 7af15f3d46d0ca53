"""Edits of config.toml that keep its comments: text in, text out, and proved by parsing both.

A line editor and not a TOML library: `init` writes placeholders such as `# client_id = "…"`, and a value belongs in
its placeholder's line. Whatever the editor did, the result must parse to the old data plus the one change, so forms it
does not understand (inline tables, dotted keys) are refused and never damaged.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from functools import lru_cache
from typing import Any

from connectctl.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAX_LINES = 400  # of one value: a PEM key in a multi-line string has some 50

Section = tuple[str, ...]


def header(line: str) -> Section | None:
    """The path that `[a.b]` or `[[a.b]]` names, or None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        found: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path = []
    while found:
        if isinstance(found, list):
            found = found[0]
            continue
        name, found = next(iter(found.items()))
        path.append(name)
    return tuple(path)


def lines_of(text: str) -> list[str]:
    """The lines as TOML counts them (`splitlines` also splits at U+0085 and the like)."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


@lru_cache(maxsize=8)
def headers(text: str) -> tuple[tuple[int, Section], ...]:
    """Index and path of every header line, those inside a text of several lines left out."""
    lines = lines_of(text)
    found = ((index, header(line)) for index, line in enumerate(lines))
    return tuple(
        (index, path)
        for index, path in found
        if path is not None and _parsed("\n".join(lines[:index])) is not None  # nothing is open where it stands
    )


def span(text: str, section: Section) -> tuple[int, int] | None:
    """First and last index (exclusive) of the lines below a section's header, or None without such a header."""
    known = headers(text)
    for number, (index, path) in enumerate(known):
        if path == section:
            return index + 1, known[number + 1][0] if number + 1 < len(known) else len(lines_of(text))
    return None


def line_of(text: str, section: Section, key: str | None = None) -> int | None:
    """The line number (from 1) of a section's header, or of a key in it, where that can be told."""
    lines = lines_of(text)
    where = span(text, section)
    if where is None:
        return None
    if key is None:
        return where[0]
    return next((index + 1 for index in range(*where) if _names(lines[index], key)), None)


def set_value(text: str, section: Section, key: str, value: str | int) -> str:
    """The text with one value set: in its own line, else in its placeholder's line, else at the end of the section."""
    before = tomllib.loads(text)
    wanted = copy.deepcopy(before)
    table = wanted
    for name in section:
        table = table.setdefault(name, {})
    table[key] = value
    new = f"{_key(key)} = {literal(value)}"

    ending = "\r\n" if "\r\n" in text else "\n"
    lines = lines_of(text)
    where = span(text, section)
    if where is None:
        head = f"[{'.'.join(_key(name) for name in section)}]"
        candidates = [[*lines, *([""] if lines and lines[-1].strip() else []), head, new]]
    else:
        candidates = _replacements(lines, where, key, new)
    for candidate in candidates:
        result = ending.join(candidate) + ending
        if _parsed(result) == wanted:
            return result
    raise ConfigError(
        f"{'.'.join(section)}.{key} is written in a form that connectctl does not edit; please write it by hand",
        hint=f"[{'.'.join(section)}] and below it {key} = …",
    )


def clear_section(text: str, section: Section) -> str:
    """The text without any value in a section and the sections inside it; headers and comment lines stay."""
    before = tomllib.loads(text)
    wanted = copy.deepcopy(before)
    table = wanted
    for name in section[:-1]:
        table = table.get(name, {})
    table.pop(section[-1], None)
    known = dict(headers(text))
    inside, kept = False, []
    for index, line in enumerate(lines_of(text)):
        if index in known:
            path = known[index]
            inside = path[: len(section)] == section
            if inside and path != section:
                continue
        elif inside and line.strip() and not line.lstrip().startswith("#"):
            continue
        kept.append(line)
    result = ("\r\n" if "\r\n" in text else "\n").join([*kept, ""])
    if _pruned(_parsed(result), section) != _pruned(wanted, section):
        raise ConfigError(
            f"{'.'.join(section)} is written in a form that connectctl does not edit; please remove it by hand",
            hint=f"remove [{'.'.join(section)}] from the file",
        )
    return result


def literal(value: str | int) -> str:
    """A value as TOML writes it."""
    if isinstance(value, int):
        return str(value)
    # A JSON string is a TOML basic string but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _replacements(lines: list[str], where: tuple[int, int], key: str, new: str) -> list[list[str]]:
    """The possible texts, best first; the caller takes the first that parses to what is wanted."""
    start, end = where
    for index in range(start, end):
        if _names(lines[index], key):
            with_comment = new + _trailing_comment(lines[index])
            last = min(end, index + _MAX_LINES)
            return [[*lines[:index], with_comment, *lines[after:]] for after in range(index + 1, last + 1)]
    placeholder = re.compile(rf"\s*#\s*{re.escape(key)}\s*=")
    for index in range(start, end):
        if placeholder.match(lines[index]):
            return [[*lines[:index], new, *lines[index + 1 :]], [*lines[:start], new, *lines[start:]]]
    values = [
        index for index in range(start, end) if lines[index].strip() and not lines[index].lstrip().startswith("#")
    ]
    last_value = values[-1] if values else start - 1
    return [[*lines[: last_value + 1], new, *lines[last_value + 1 :]], [*lines[:start], new, *lines[start:]]]


def _names(line: str, key: str) -> bool:
    return re.match(rf"""\s*(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')\s*=""", line) is not None


def _trailing_comment(line: str) -> str:
    for match in re.finditer(r"\s*#", line):
        if _parsed(line[: match.start()]):
            return "  " + line[match.start() :].strip()
    return ""


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else literal(name)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _pruned(data: dict[str, Any] | None, section: Section) -> dict[str, Any] | None:
    """The data without the section and without parents that it leaves empty: an empty header says nothing."""
    if data is None:
        return None
    data = copy.deepcopy(data)
    chain = [data]
    for name in section[:-1]:
        if name not in chain[-1]:
            return data
        chain.append(chain[-1][name])
    if not chain[-1].get(section[-1]):
        chain[-1].pop(section[-1], None)
    for parent, name in zip(reversed(chain[:-1]), reversed(section[:-1]), strict=True):
        if not parent[name]:
            del parent[name]
    return data
