"""Finds plugins, asks them for their declarations, and keeps apart what is theirs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from connectctl import __version__
from connectctl.errors import ContractBroken
from connectctl.plugins import core, guard, hookspecs
from connectctl.plugins.checks import problems
from connectctl.plugins.names import slug
from connectctl.plugins.registry import Contribution, Fault, Registry
from connectctl.plugins.specs import (
    CheckSpec,
    CommandSpec,
    ConnectionSpec,
    FlowSpec,
    ProviderSpec,
    TableSpec,
    Target,
)

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "connectctl"
BLOCK = "CONNECTCTL_BLOCK_PLUGINS"
MAKE_FLOWS = "connectctl.badging.flows:provider_flows"  # (ProviderSpec) -> tuple[FlowSpec, ...]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One installed plugin. `state`: loaded, faulty (something of it is left out) or blocked."""

    name: str
    version: str
    distribution: str
    state: str
    contributions: tuple[Contribution, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    dist: Distribution | None = None
    blocked: bool = False

    @property
    def distribution(self) -> str:
        return self.dist.name if self.dist else ""

    @property
    def version(self) -> str:
        # Read when asked for: it means opening the distribution's metadata.
        return self.dist.version if self.dist else ""


class Plugins:
    """What core and plugins offer, collected hook by hook when it is first asked for.

    Use `load_plugins`, or `from_modules` in tests.
    """

    def __init__(self, found: Iterable[_Found], modules: Mapping[str, Any], faults: Iterable[Fault]) -> None:
        self._found = list(found)
        self._load_faults = list(faults)
        self._hook_faults: dict[str, list[Fault]] = {}
        self._owners: dict[str, str] = {}  # of "module:attr" targets
        self._reserved: dict[str, str] = {}
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for name, module in {core.NAME: core, **modules}.items():
            self._register(name, module)

    @classmethod
    def from_modules(cls, modules: Mapping[str, Any]) -> Plugins:
        """Core and these plugins alone, by name: for tests, and for a host that brings its own."""
        return cls([_Found(name) for name in modules], modules, [])

    def reserve(self, commands: Iterable[str]) -> None:
        """Names of the core's own commands, which no plugin can have. Called before `commands` is first asked for."""
        self._reserved = dict.fromkeys(commands, core.NAME)

    @cached_property
    def connections(self) -> Registry[ConnectionSpec]:
        return Registry("connection", self._collect("register_connections", ConnectionSpec), lambda spec: spec.kind)

    @cached_property
    def providers(self) -> Registry[ProviderSpec]:
        return Registry("provider", self._collect("register_providers", ProviderSpec), lambda spec: spec.name)

    @cached_property
    def tables(self) -> Registry[TableSpec]:
        """Lookup tables, those of the badge providers among them; found by name or title, however written."""
        offers = self._collect("register_tables", TableSpec)
        for name, provider in self.providers.items():
            owner = self.providers.owner(name)
            offers += [(owner, table) for table in provider.tables]
        return Registry("table", offers, lambda spec: spec.name, lambda spec: (spec.title,), slug)

    @cached_property
    def flows(self) -> Registry[FlowSpec]:
        """Flows, with those that the badging kit makes for each provider."""
        offers = self._collect("register_flows", FlowSpec)
        for name, provider in self.providers.items():
            owner = self.providers.owner(name)
            faults: list[str] = []
            made: tuple[FlowSpec, ...] = ()
            with guard.held(faults):
                made = tuple(guard.resolve(MAKE_FLOWS, core.NAME)(provider))
                made = tuple(replace(flow, integration=flow.integration or provider.integration) for flow in made)
            self._hook_faults.setdefault("flows", []).extend(Fault(owner, f"provider {name}", why) for why in faults)
            offers += self._sound(owner, f"provider {name}", made, FlowSpec)
        return Registry("flow", offers, lambda spec: spec.name)

    @cached_property
    def commands(self) -> Registry[CommandSpec]:
        offers = self._collect("register_commands", CommandSpec)
        return Registry("command", offers, lambda spec: spec.name, reserved=self._reserved)

    @cached_property
    def checks(self) -> Registry[CheckSpec]:
        return Registry("check", self._collect("register_checks", CheckSpec), lambda spec: spec.name)

    def connection(self, kind: str) -> ConnectionSpec:
        """Raises UsageError for an unknown kind."""
        return self.connections.find(kind, "connectctl connection list")

    def table(self, name: str) -> TableSpec:
        """By name or title; raises UsageError for an unknown one."""
        return self.tables.find(name, "connectctl lookup list")

    def flow(self, name: str) -> FlowSpec:
        """Raises UsageError for an unknown flow."""
        return self.flows.find(name, "connectctl flow list")

    def resolve(self, target: Target) -> Any:
        """The object behind a declared target, imported now; raises ContractBroken naming its owner."""
        owner = self._owners.get(target, core.NAME) if isinstance(target, str) else getattr(target, "__module__", "?")
        return guard.resolve(target, owner)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that is wrong with any plugin; asks all hooks."""
        registries = self._registries()
        hooks = [fault for found in self._hook_faults.values() for fault in found]
        return (*self._load_faults, *hooks, *(fault for registry in registries for fault in registry.faults))

    @property
    def load_faults(self) -> tuple[Fault, ...]:
        """What is known to be wrong so far, without asking any hook."""
        return (*self._load_faults, *(fault for found in self._hook_faults.values() for fault in found))

    @property
    def info(self) -> tuple[PluginInfo, ...]:
        """Every plugin found, core first, with what it offers and what is wrong with it; asks all hooks."""
        offered = [contribution for registry in self._registries() for contribution in registry.contributions()]
        faults = self.faults
        rows = []
        for found in (_Found(core.NAME), *self._found):
            mine = tuple(fault for fault in faults if fault.plugin == found.name)
            state = "blocked" if found.blocked else "faulty" if mine else "loaded"
            gives = tuple(contribution for contribution in offered if contribution.owner == found.name)
            version, dist = (__version__, core.NAME) if found.name == core.NAME else (found.version, found.distribution)
            rows.append(PluginInfo(found.name, version, dist, state, gives, mine))
        return tuple(rows)

    def _registries(self) -> tuple[Registry[Any], ...]:
        return self.connections, self.tables, self.flows, self.providers, self.checks, self.commands

    def _register(self, name: str, module: Any) -> None:
        faults: list[str] = []
        with guard.held(faults):
            self._manager.register(module, name=name)
        if faults:
            # Left out as a whole: pluggy stops at the first bad hook.
            if self._manager.get_plugin(name) is module:
                self._manager.unregister(module)
            self._load_faults.append(Fault(name, "hooks", faults[0]))
            return
        for caller in self._manager.get_hookcallers(module) or ():
            if not caller.has_spec():
                known = ", ".join(sorted(hook for hook in vars(hookspecs) if hook.startswith("register_")))
                self._load_faults.append(Fault(name, caller.name, f"there is no hook {caller.name}; there are {known}"))

    def _collect(self, hook: str, kind: type[T]) -> list[tuple[str, T]]:
        """What each plugin's hook returns, owner first; every failure is held to its plugin."""
        order = [name for name, _ in self._manager.list_name_plugin()]
        impls = sorted(
            getattr(self._manager.hook, hook).get_hookimpls(), key=lambda impl: order.index(impl.plugin_name)
        )
        offers: list[tuple[str, T]] = []
        for impl in impls:
            faults: list[str] = []
            returned: Any = ()
            with guard.held(faults):
                returned = impl.function()
                if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
                    raise ContractBroken(f"must return a list of {kind.__name__}, not {type(returned).__name__}")
                returned = tuple(returned)
            if faults:
                self._hook_faults.setdefault(hook, []).append(Fault(impl.plugin_name, hook, faults[0]))
            else:
                offers += self._sound(impl.plugin_name, hook, returned, kind)
        return offers

    def _sound(self, owner: str, where: str, specs: Iterable[Any], kind: type[T]) -> list[tuple[str, T]]:
        sound = []
        for spec in specs:
            found = problems(spec) if isinstance(spec, kind) else [f"{type(spec).__name__} is not a {kind.__name__}"]
            if found:
                name = getattr(spec, "name", None) or getattr(spec, "kind", None)
                self._hook_faults.setdefault(where, []).append(
                    Fault(owner, where, (f"{name}: " if name else "") + "; ".join(found))
                )
                continue
            sound.append((owner, spec))
            for field in spec.__dataclass_fields__:
                target = getattr(spec, field)
                if isinstance(target, str) and ":" in target:
                    self._owners.setdefault(target, owner)
        return sound


def load_plugins(block: Collection[str] = (), entry_points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Imports the installed plugins, or those of `entry_points`, without the blocked ones.

    `block` and the environment's CONNECTCTL_BLOCK_PLUGINS=a,b name plugins or their distributions. A plugin that
    cannot be imported is left out and has a Fault; nothing but Ctrl-C is raised.
    """
    from importlib import metadata

    if entry_points is None:
        entry_points = metadata.entry_points(group=GROUP)
    unwanted = {slug(name) for name in (*block, *os.environ.get(BLOCK, "").split(",")) if name.strip()}
    found: dict[str, _Found] = {}
    modules: dict[str, Any] = {}
    faults: list[Fault] = []
    for entry in sorted(entry_points, key=lambda entry: entry.name):
        if entry.name in found or entry.name == core.NAME:
            other = found[entry.name].distribution if entry.name in found else core.NAME
            words = f"The plugin name {entry.name!r} is offered by {other} and by {entry.value}; the first one counts"
            faults.append(Fault(entry.name, "name", words))
            continue
        names = {slug(entry.name), slug(entry.dist.name)} if entry.dist and unwanted else {slug(entry.name)}
        blocked = bool(names & unwanted)
        found[entry.name] = _Found(entry.name, entry.dist, blocked)
        if blocked:
            continue
        failures: list[str] = []
        with guard.held(failures):
            modules[entry.name] = entry.load()
        faults += [Fault(entry.name, "import", why) for why in failures]
    return Plugins(found.values(), modules, faults)
