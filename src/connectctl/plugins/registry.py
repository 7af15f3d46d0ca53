"""Names with owners: what each plugin offers of one kind, and which names two of them offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectctl.errors import NameTaken, UsageError
from connectctl.plugins.names import did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a plugin, and in which hook or step."""

    plugin: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing that a plugin offers."""

    kind: str
    name: str
    owner: str


class Registry(Mapping[str, T], Generic[T]):
    """The declarations of one kind by name, in the order core, then plugins by name.

    A name that two plugins offer belongs to neither: it is left out of the iteration, and asking for it raises
    NameTaken. `aliases` gives all the names that a declaration is found under, each compared in the form of `fold`.
    """

    def __init__(
        self,
        kind: str,
        offers: Iterable[tuple[str, T]],
        name: Callable[[T], str],
        aliases: Callable[[T], Iterable[str]] | None = None,
        fold: Callable[[str], str] = str,
        reserved: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.faults: list[Fault] = []
        self._fold = fold
        self._name = name
        self._kept = set(reserved.values()) if reserved else set()  # owners that cannot be left out
        offers = list(offers)
        by_alias: dict[str, list[int]] = {}
        for index, (_, spec) in enumerate(offers):
            for alias in {fold(found) for found in (name(spec), *(aliases(spec) if aliases else ()))}:
                by_alias.setdefault(alias, []).append(index)
        lost: set[int] = set()
        self._taken: dict[str, NameTaken] = {}
        for alias, indexes in by_alias.items():
            owners = [offers[index][0] for index in indexes]
            owners += [reserved[alias]] if reserved and alias in reserved else []
            if len(owners) > 1:
                lost.update(indexes)
                self._take(alias, owners)
        self._owners: dict[str, str] = {}
        self._specs: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        for alias, indexes in by_alias.items():
            if alias not in self._taken and indexes[0] not in lost:
                self._aliases[alias] = name(offers[indexes[0]][1])
            elif alias not in self._taken:  # another of its names is taken, so this one leads to the same message
                self._taken[alias] = next(
                    self._taken[other]
                    for other, found in by_alias.items()
                    if indexes[0] in found and other in self._taken
                )
        for index, (owner, spec) in enumerate(offers):
            if index not in lost:
                self._specs[name(spec)] = spec
                self._owners[name(spec)] = owner

    def __getitem__(self, name: str) -> T:
        alias = self._fold(name)
        if alias in self._taken:
            raise self._taken[alias]
        return self._specs[self._aliases[alias]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._fold(name) in self._aliases

    def find(self, name: str, hint: str = "connectctl plugin list") -> T:
        """The declaration; raises UsageError with the nearest name, or NameTaken."""
        try:
            return self[name]
        except KeyError:
            guess = did_you_mean(name, self._specs)
            raise UsageError(f"There is no {self.kind} {name!r}{guess}", hint=hint) from None

    def owner(self, name: str) -> str:
        """The plugin that offers a name; raises KeyError."""
        return self._owners[self._aliases[self._fold(name)]]

    @property
    def taken(self) -> Mapping[str, NameTaken]:
        """The names that more than one plugin offers."""
        return self._taken

    def contributions(self) -> list[Contribution]:
        """What there is, with owners."""
        return [Contribution(self.kind, name, owner) for name, owner in self._owners.items()]

    def _take(self, alias: str, owners: list[str]) -> None:
        unique = list(dict.fromkeys(owners))
        if len(unique) == 1:
            words = f"The {self.kind} {alias!r} is offered twice by the plugin {unique[0]}"
        else:
            words = f"The {self.kind} {alias!r} is offered by the plugins {' and '.join(unique)}"
        others = [owner for owner in unique if owner not in self._kept] or unique
        self._taken[alias] = NameTaken(words, hint=f"CONNECTCTL_BLOCK_PLUGINS={others[-1]} leaves one out")
        self.faults += [Fault(owner, f"{self.kind} {alias}", words) for owner in unique]
