"""What one call of the command line works with; each part is made when it is first needed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from connectctl.cli.output import Progress
    from connectctl.config.paths import ProfilePaths
    from connectctl.config.settings import Settings
    from connectctl.plugins.index import Index
    from connectctl.plugins.manager import Plugins
    from connectctl.store.store import Store


class Session:
    """The global options, and the profile's paths, plugins, settings and store.

    It raises and never exits. `plugins` replaces the installed ones, for tests and hosts.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self.profile: str | None = None
        self.config: Path | None = None
        self.verbose = 0
        self.quiet = False
        self.debug = False
        self.log_format = "text"
        self._given = plugins
        self._progress: Progress | None = None

    @cached_property
    def plugins(self) -> Plugins:
        from connectctl.cli.lazy import COMMANDS

        if self._given is not None:
            self._given.reserve(COMMANDS)
            return self._given
        from connectctl.plugins.manager import load_plugins

        outdated = self._index.commands is None  # asked before the plugins are loaded
        plugins = load_plugins()
        plugins.reserve(COMMANDS)
        if outdated:
            self._index.write(plugins)
        self._given = plugins
        return plugins

    @property
    def indexed(self) -> Mapping[str, str] | None:
        """The plugins' commands and their summaries from the index; None when the plugins have to be asked.

        Where there is an answer, no plugin has a fault and no name is offered twice.
        """
        return self._index.commands if self._given is None else None

    @cached_property
    def _index(self) -> Index:
        from connectctl.cli.lazy import COMMANDS
        from connectctl.plugins.index import Index, cache_folder

        return Index(cache_folder(), COMMANDS)

    @cached_property
    def paths(self) -> ProfilePaths:
        from connectctl.config.paths import profile_paths

        return profile_paths(self.profile, self.config)

    @cached_property
    def settings(self) -> Settings:
        from connectctl.config.settings import load_settings

        return load_settings(self.paths, self.plugins.connections)

    @cached_property
    def store(self) -> Store:
        from connectctl.store import open_store

        return open_store(self.settings.store_url, self.paths.data_dir)

    def command(self, words: Iterable[str]) -> str:
        """The command line that does this in the same profile, ready for a shell."""
        import shlex

        return shlex.join(["connectctl", *self._place, *words])

    def in_profile(self, hint: str) -> str:
        """The hint with its commands meant for the same profile; as they stand they would change another one."""
        import shlex

        place = shlex.join(self._place)
        return re.sub(r"\bconnectctl (?=[a-z])", lambda _: f"connectctl {place} ", hint) if place else hint

    @property
    def _place(self) -> list[str]:
        profile = ["--profile", self.profile] if self.profile else []
        return profile + (["--config", str(self.config)] if self.config else [])

    @property
    def interactive(self) -> bool:
        """Whether a question may be asked: stdin and stdout are both terminals."""
        return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))

    def confirm(self, question: str, yes: bool) -> bool:
        """True when `--yes` was given or the person agrees; False when there is nobody to ask."""
        self._clear()
        return yes or (self.interactive and click.confirm(question, err=True))

    def say(self, text: str) -> None:
        """A line to the person, on stderr; `--quiet` drops it."""
        if not self.quiet:
            self._clear()
            from connectctl.cli.output import talk

            talk(text)

    def progress(self, label: str, total: int | None = None) -> Progress:
        """A progress display on stderr; use it with `with`."""
        from connectctl.cli.output import Progress

        self._progress = Progress(label, total, quiet=self.quiet)
        return self._progress

    def _clear(self) -> None:
        if self._progress is not None:
            self._progress.clear()

    def close(self) -> None:
        """Closes the store where it was opened. Safe to repeat."""
        store: Any = self.__dict__.pop("store", None)
        if store is not None:
            store.close()
