"""What is installed, straight from the folders of `sys.path`.

The answers are those of importlib.metadata, whose import takes longer than everything else that `--help` does. Where
something out of the ordinary is found (zip files, eggs, other finders), they come from there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

_METADATA = (".dist-info", ".egg-info")
_VALUE = r"[\w.]+\s*(:\s*[\w.]+\s*)?"


class Found:
    """An entry point in the shape of importlib.metadata's; `folder` is its distribution's metadata."""

    __slots__ = ("folder", "name", "value")

    def __init__(self, name: str, value: str, folder: str) -> None:
        self.name = name
        self.value = value
        self.folder = folder

    @property
    def module(self) -> str:
        """The module it is in."""
        return self.value.partition(":")[0].strip()

    @property
    def dist(self) -> Distribution:
        """Its distribution. Costs the import of importlib.metadata."""
        from importlib.metadata import PathDistribution
        from pathlib import Path

        return PathDistribution(Path(self.folder))

    def load(self) -> Any:
        """Imports the object; raises whatever the import raises."""
        attribute = self.value.partition(":")[2].strip()
        return reduce(getattr, filter(None, attribute.split(".")), import_module(self.module))


def entry_points(group: str) -> Iterable[Found | EntryPoint]:
    """What `importlib.metadata.entry_points(group=group)` gives, in its order."""
    try:
        return list(_entry_points(group))
    except (_Unusual, OSError, UnicodeError):
        from importlib import metadata

        return metadata.entry_points(group=group)


def survey(tops: Collection[str] = ()) -> list[list[Any]] | None:
    """What decides which plugins there are: every distribution on `sys.path` with the state of its entry_points.txt,
    and every place that has one of the top-level modules `tops`. None where that cannot be told from folders.

    Made of lists, texts and numbers only, so that it comes back from JSON as it was. Two surveys that are equal found
    the same plugins.
    """
    try:
        found = []
        for place, names in _places():
            rows: list[list[Any]] = [
                [name, *(stamp(os.path.join(place, name, "entry_points.txt")) or ())] if _is_metadata(name) else [name]
                for name in sorted(names)
                if _is_metadata(name) or name.partition(".")[0] in tops
            ]
            if rows:
                found.append([place, rows])
        return found
    except (_Unusual, OSError):
        return None


def stamp(path: str) -> list[int] | None:
    """What changes when a file is written or replaced; None where there is no file."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return [state.st_mtime_ns, state.st_size, state.st_ino]


class _Unusual(Exception):
    """Something that importlib.metadata has to be asked about."""


def _places() -> Iterator[tuple[str, list[str]]]:
    """The folders of `sys.path` and the names in them."""
    for finder in sys.meta_path:
        if hasattr(finder, "find_distributions") and getattr(finder, "__name__", "") != "PathFinder":
            raise _Unusual
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")
        except NotADirectoryError:
            raise _Unusual from None  # a zip file
        except OSError:
            continue
        if entry.lower().endswith(".egg"):
            raise _Unusual
        yield entry or os.getcwd(), names


def _is_metadata(name: str) -> bool:
    return name.lower().endswith(_METADATA)


def _entry_points(group: str) -> Iterator[Found]:
    seen = set()
    for place, names in _places():
        for name in filter(_is_metadata, names):
            distribution = re.sub(r"[-_.]+", "_", name.lower().rpartition(".")[0].partition("-")[0])
            if distribution in seen:  # the first one on the path counts
                continue
            seen.add(distribution)
            yield from _section(os.path.join(place, name), group)


def _section(folder: str, group: str) -> Iterator[Found]:
    try:
        with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    section = None
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == group and line and not line.startswith("#"):
            name, sign, value = (part.strip() for part in line.partition("="))
            if not sign or not re.fullmatch(_VALUE, value):
                raise _Unusual
            yield Found(name, value, folder)
