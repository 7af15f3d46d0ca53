"""Writes docs/commands.md from the commands themselves. `make docs` runs it; a test compares the page with the result.

The text is made here and not by click's help formatter, so that it does not change with the version of click.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from connectctl.cli import NAME, group
from connectctl.cli.lazy import COMMANDS
from connectctl.cli.session import Session
from connectctl.plugins.manager import Plugins

PAGE = Path(__file__).with_name("commands.md")
PLUGINS = ("accredible", "credly", "sandbox")  # those of this repository, whatever else is installed

HEAD = """\
# Commands

<!-- Made by docs/generate.py from the commands themselves: change those, then run `make docs`. -->

`connectctl [global options] GROUP COMMAND [options]`

Data goes to standard output; progress, remarks and errors go to standard error. `--json` prints exactly one JSON
document. Without a terminal nothing ever waits for input. What the exit codes mean stands in
[Errors and exit codes](errors.md).
"""


def context() -> click.Context:
    """The top of the command line, with the plugins of this repository and no others."""
    plugins = Plugins.from_modules({name: import_module(f"connectctl_{name}.plugin") for name in PLUGINS})
    return click.Context(group, info_name=NAME, obj=Session(plugins))


def render() -> str:
    """The whole page."""
    top = context()
    blocks = [HEAD, "## Global options\n\n" + _options(top)]
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is not None:
            owner = "" if name in COMMANDS else f"\n\nFrom the plugin `{top.obj.plugins.commands.owner(name)}`."
            blocks += _blocks(click.Context(command, info_name=name, parent=top), owner)
    return "\n".join(block.rstrip() + "\n" for block in blocks)


def _blocks(ctx: click.Context, note: str = "") -> Iterator[str]:
    """A command and, below it, its subcommands."""
    command = ctx.command
    level = "#" * (ctx.command_path.count(" ") + 1)
    yield f"{level} {ctx.command_path}{note}"
    yield from _prose(command.help or command.short_help or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            if child is not None and not child.hidden:
                yield from _blocks(click.Context(child, info_name=name, parent=ctx))
        return
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    words = " ".join([ctx.command_path, *filter(None, arguments), "[options]"])
    yield f"Usage: `{words}`"
    table = _options(ctx)
    if table:
        yield table


def _prose(text: str) -> Iterator[str]:
    """The paragraphs of a help text; an example becomes a code block."""
    for paragraph in " \n".join(line.strip() for line in text.strip().splitlines()).split("\n \n"):
        words = " ".join(paragraph.split())
        if words.startswith("Example: "):
            command, remark, told = words.removeprefix("Example: ").partition(" (")
            yield f"```sh\n{command}" + (f"  # {told.removesuffix(')')}" if remark else "") + "\n```"
        elif words:
            yield words.replace("<", "&lt;").replace("*", "\\*")


def _argument(param: click.Argument) -> str:
    """How an argument is written in the usage line; '' for one that help does not show either."""
    name = (param.name or "").upper() if param.metavar is None else param.metavar.strip("[]")
    if not name:
        return ""
    return name if param.required else f"[{name}]"


def _options(ctx: click.Context) -> str:
    rows = []
    for param in ctx.command.params:
        if not isinstance(param, click.Option) or param.hidden:
            continue
        names = ", ".join(f"`{name}`" for name in param.opts)
        value = "" if param.is_flag or param.count else f" {_value(param)}"
        help_text = param.help or ""
        if isinstance(param.show_default, bool) and param.show_default:
            help_text = f"{help_text} Default: {param.default}.".strip()
        if param.multiple and "repeatable" not in help_text:
            help_text = f"{help_text} Repeatable.".strip()
        rows.append(f"| {names}{value} | {help_text} |".replace("<", "&lt;"))
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows]) if rows else ""


def _value(param: click.Option) -> str:
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        return "\\|".join(str(choice) for choice in param.type.choices)
    return (param.type.name or "text").upper().removesuffix(" RANGE")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
