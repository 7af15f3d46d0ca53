"""The commented config.toml that `init` writes, with the settings of every installed plugin."""

from __future__ import annotations

from collections.abc import Iterable

from connectctl.config.declared import CORE, env_name
from connectctl.config.edit import literal
from connectctl.plugins.specs import ConnectionSpec, SettingSpec

_HEAD = """\
# connectctl: the settings of one profile. Lines that begin with "# name =" show the default or an example.
#
# A value may be a reference, so that no secret stands here:
#   env:NAME (environment), file:PATH (a file's content), keyring:SERVICE (the system's keyring).
# Every field can also come from the environment as CONNECTCTL_<CONNECTION>_<FIELD>, e.g. CONNECTCTL_DOCEBO_PASSWORD.
# "connectctl connection set NAME FIELD" fills in a field from a prompt; "connectctl connection test" tries it out.
"""

_CONNECTION_NOTE = """\
# Also: rate = "{rate}" (requests, or "none"), threads = {threads}, timeout = 30 (seconds), per_hour = N.
"""

_EXAMPLES = {"url": "https://host.example", "email": "name@host.example", "date": "2026-01-01"}


def render(connections: Iterable[ConnectionSpec]) -> str:
    """The file's text: valid TOML that sets nothing, every setting shown with its meaning."""
    blocks = [_HEAD, _section("store", "Where the data lives; relative to the data folder.", CORE["store"])]
    for spec in connections:
        block = _section(f"connections.{spec.kind}", spec.summary, spec.settings)
        blocks.append(block + _CONNECTION_NOTE.format(rate=spec.rate, threads=spec.threads))
    blocks.append(_section("general", "", CORE["general"]))
    blocks.append(_section("limits", "What a run may do unasked.", CORE["limits"]))
    return "\n".join(blocks)


def _section(name: str, summary: str, settings: Iterable[SettingSpec]) -> str:
    lines = [f"# {line}" for line in summary.splitlines()]
    lines.append(f"[{name}]")
    shown = [(f"# {setting.name} = {_example(name, setting)}", _remark(setting)) for setting in settings]
    width = max((len(text) for text, _ in shown), default=0)
    lines += [f"{text:<{width}}  # {remark}".rstrip(" #") if remark else text for text, remark in shown]
    return "\n".join(lines) + "\n"


def _example(section: str, setting: SettingSpec) -> str:
    if setting.default is not None:
        if isinstance(setting.default, int) and not isinstance(setting.default, bool):
            return literal(setting.default)
        text = str(setting.default)
        return literal(text.lower() if setting.kind == "boolean" else text)
    if setting.example:
        return literal(setting.example)
    if setting.secret:
        return literal("env:" + env_name(section, setting.name).replace("CONNECTCTL_CONNECTIONS_", ""))
    if setting.choices:
        return literal(setting.choices[0])
    return literal(0) if setting.kind == "integer" else literal(_EXAMPLES.get(setting.kind, "…"))


def _remark(setting: SettingSpec) -> str:
    words = [" ".join(setting.summary.split())]
    if setting.choices:
        words.append(f"one of {', '.join(setting.choices)}")
    if setting.required:
        words.append("required")
    return "; ".join(word for word in words if word)
