"""The command group that knows names and one-line summaries, and imports a command when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from connectctl.cli.session import Session
from connectctl.errors import ContractBroken, NameTaken
from connectctl.plugins.guard import resolve
from connectctl.plugins.names import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

NAME = "connectctl"


class Entry(NamedTuple):
    """A command of the core: `target` is "module:name"."""

    section: str
    summary: str
    target: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("Set up", "Write a commented config.toml and make the store", "connectctl.cli.init:init"),
    "connection": Entry("Set up", "Set, list and test connections", "connectctl.cli.connection:connection"),
    "lookup": Entry("Set up", "Show and change lookup tables", "connectctl.cli.lookup:lookup"),
    "plugin": Entry("Set up", "Installed plugins and their faults", "connectctl.cli.plugin:plugin"),
    "flow": Entry("Work", "List, show and run flows", "connectctl.cli.flow:flow"),
    "apply": Entry("Work", "Carry out a saved plan", "connectctl.cli.apply:apply"),
    "run": Entry("Look back", "What runs did, and what they left undone", "connectctl.cli.run:run"),
    "coverage": Entry("Look back", "What has no mapping, and mappings to nothing", "connectctl.cli.coverage:coverage"),
    "ledger": Entry("Look back", "Every remote change ever intended or made", "connectctl.cli.ledger:ledger"),
    "store": Entry("Care", "Check, export and copy the store", "connectctl.cli.store:store"),
}

# Stays usable even when a plugin claims its name: it is where the clash is explained.
_DIAGNOSIS = "plugin"


class Group(click.Group):
    """A group whose refusals guess what was meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            guess = did_you_mean(name, self.list_commands(ctx))
            remark = "" if guess else self.remark(ctx)
            note = f"; {remark}" if remark else ""
            raise click.UsageError(f"There is no command {name!r}{guess}{note}", ctx=ctx)
        return super().resolve_command(ctx, args)

    def remark(self, ctx: click.Context) -> str:
        """What else the reader of "no such command" should know."""
        return ""


class LazyGroup(Group):
    """The top level: the core's commands from the table above, then those of the plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(name for name in _offered(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is not None and _indexed(ctx) is not None:
            return _checked(resolve(entry.target, NAME), cmd_name)
        plugins = _plugins(ctx)
        taken: NameTaken | None = plugins.commands.taken.get(cmd_name)
        if taken is not None and cmd_name != _DIAGNOSIS:
            raise taken
        if entry is not None:
            return _checked(plugins.resolve(entry.target), cmd_name)
        if cmd_name not in plugins.commands:
            return None
        return _checked(plugins.resolve(plugins.commands[cmd_name].target), cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        # click would import every command for its summary.
        known = {**{name: entry.summary for name, entry in COMMANDS.items()}, **_offered(ctx)}
        found = [CompletionItem(name, help=text) for name, text in known.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        for name, summary in _offered(ctx).items():
            sections.setdefault("Plugins", []).append((name, summary))
        # One width for all sections, so that the summaries stand in one column.
        width = max(len(name) for rows in sections.values() for name, _ in rows)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if note := self.remark(ctx):
            formatter.write_paragraph()
            formatter.write_text(f"{note[0].upper()}{note[1:]}.")

    def remark(self, ctx: click.Context) -> str:
        if _indexed(ctx) is not None:
            return ""
        faulty = _names(fault.plugin for fault in (*_plugins(ctx).load_faults, *_plugins(ctx).commands.faults))
        return f"these plugins are faulty: {faulty} (connectctl plugin list)" if faulty else ""


def _plugins(ctx: click.Context) -> Any:
    return ctx.ensure_object(Session).plugins


def _indexed(ctx: click.Context) -> Mapping[str, str] | None:
    return ctx.ensure_object(Session).indexed


def _offered(ctx: click.Context) -> Mapping[str, str]:
    """The commands of the plugins and their summaries."""
    indexed = _indexed(ctx)
    return {name: spec.summary for name, spec in _plugins(ctx).commands.items()} if indexed is None else indexed


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _checked(found: Any, name: str) -> click.Command:
    if not isinstance(found, click.Command):
        raise ContractBroken(f"The command {name} is not a click command but {type(found).__name__}")
    return found
