"""The index of the plugins' commands: what `--help` shows, without loading a plugin.

It holds names and summaries, and nothing from it is ever imported or run: a command that is called comes from its
plugin, freshly loaded. It counts only while everything that it was made from is as it was, and is only written when
no plugin had a fault; so a broken plugin is found and reported at each call, until it is mended or blocked.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connectctl import __version__
from connectctl.plugins import installed

if TYPE_CHECKING:
    from connectctl.plugins.manager import Plugins

BLOCK = "CONNECTCTL_BLOCK_PLUGINS"
FORMAT = 1
LARGEST = 1_000_000
KEPT = 16  # environments that the folder remembers
# A file younger than this could be written again without a change of its time stamp.
SETTLED = 2_000_000_000  # ns


def cache_folder() -> str | None:
    """Where the index is kept: `cache` in CONNECTCTL_HOME, else the platform's cache folder; None without a home."""
    home = os.environ.get("CONNECTCTL_HOME")
    if home:
        return os.path.join(os.path.abspath(os.path.expanduser(home)), "cache")
    if sys.platform == "linux":  # as platformdirs has it, which takes longer to import than the index to read
        base = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
        return os.path.join(base, "connectctl") if os.path.isabs(base) else None
    import platformdirs

    return platformdirs.user_cache_dir("connectctl", appauthor=False)


class Index:
    """The index of this environment in a folder. Reading and writing it raise nothing.

    `reserved`: names that no plugin can have; an index with one of them does not count.
    """

    def __init__(self, folder: str | None, reserved: Collection[str] = ()) -> None:
        self._folder = folder
        self._reserved = reserved

    @cached_property
    def commands(self) -> Mapping[str, str] | None:
        """Name and summary of the plugins' commands, in the order of the help; None when the plugins must be asked."""
        self._started = time.time_ns()
        self._before = installed.survey()
        if self._folder is None or self._before is None:
            return None
        try:
            return self._read()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None  # not there, or damaged in one way or another

    def write(self, plugins: Plugins) -> None:
        """Keeps what these plugins offer, unless one of them is faulty or has been changed only just now.

        `commands` is asked before the plugins are loaded, so that a change in between is noticed.
        """
        offered = plugins.commands
        if self._folder is None or self._before is None or plugins.load_faults or offered.faults:
            return
        tops = sorted({module.partition(".")[0] for module in plugins.sources})
        survey = installed.survey(tops)
        if survey is None or _distributions(survey) != _distributions(self._before):
            return
        files = {path: installed.stamp(path) for path in _files(tops)}
        stamps = [*files.values(), *(row[1:] for _, rows in survey for row in rows if len(row) > 1)]
        if any(found is None or found[0] > self._started - SETTLED for found in stamps):
            return
        found = {
            "about": _about(),
            "tops": tops,
            "survey": survey,
            "files": files,
            "commands": {name: spec.summary for name, spec in offered.items()},
        }
        with suppress(OSError, ValueError, TypeError):  # the summary of a plugin may be anything
            self._put(found)

    @property
    def _path(self) -> str:
        import zlib

        # One file per environment, wherever it is called from: the first entry is the script's or the current folder.
        # Two environments that share a number only take the file from each other.
        number = zlib.crc32("\n".join((__version__, sys.version, sys.prefix, *sys.path[1:])).encode(errors="replace"))
        return os.path.join(self._folder or "", f"plugins-{number:08x}.json")

    def _read(self) -> Mapping[str, str] | None:
        with open(self._path, "rb") as stream:
            state = os.fstat(stream.fileno())
            if sys.platform != "win32" and (state.st_uid != os.geteuid() or state.st_mode & 0o022):
                return None  # somebody else may have written it
            text = stream.read(LARGEST)
        import json

        found = json.loads(text)
        if found["about"] != _about() or found["survey"] != installed.survey(found["tops"]):
            return None
        commands = found["commands"]
        if not all(isinstance(text, str) for text in commands.values()) or not commands.keys().isdisjoint(
            self._reserved
        ):
            return None
        current = all(installed.stamp(path) == known for path, known in found["files"].items())
        return dict(commands) if current else None

    def _put(self, found: Mapping[str, Any]) -> None:
        import json

        text = json.dumps(found).encode()
        folder, path = self._folder or "", self._path
        if len(text) >= LARGEST or not _made(folder):
            return
        temporary = f"{path}.{os.getpid()}"
        with suppress(FileNotFoundError):  # left by a process that was killed
            os.unlink(temporary)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _tidy(folder)


def _about() -> list[Any]:
    return [FORMAT, __version__, sys.version, sys.prefix, os.environ.get(BLOCK, "")]


def _distributions(survey: Iterable[list[Any]]) -> list[list[Any]]:
    """A survey without the modules."""
    places = [[place, [row for row in rows if row[0].endswith("-info")]] for place, rows in survey]
    return [found for found in places if found[1]]


def _files(tops: Collection[str]) -> list[str]:
    """The files that the declarations came from: the plugins' modules, and all that were imported for them."""
    known = sys.stdlib_module_names
    found = set()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        top = name.partition(".")[0]
        if isinstance(path, str) and (top in tops or top not in known):
            found.add(path)
    return sorted(found)


def _made(folder: str) -> bool:
    """Whether the folder is there now. The home that CONNECTCTL_HOME names is not made for the sake of an index."""
    if os.path.isdir(folder):
        return True
    above = os.path.dirname(folder)
    if os.environ.get("CONNECTCTL_HOME") and not os.path.isdir(above):
        return False
    os.makedirs(above, 0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    return True


def _tidy(folder: str) -> None:
    """Leaves the newest files: environments come and go."""
    with os.scandir(folder) as entries:
        mine = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.startswith("plugins-")]
    for _, path in sorted(mine, reverse=True)[KEPT:]:
        with suppress(OSError):
            os.unlink(path)
