"""A toy flow whose parts, answers and looks a test chooses, run by the real runner on a real store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectctl.api import ConnectionSpec, FlowSpec, Look, Outcome, Part, Plan, SettingSpec, hookimpl
from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.errors import ConnectctlError
from connectctl.flows.clock import RunClock
from connectctl.flows.context import Runtime
from connectctl.flows.options import RunOptions, RunResult
from connectctl.flows.runner import execute
from connectctl.model import Change
from connectctl.plugins.manager import Plugins
from connectctl.store import open_store
from connectctl.store.store import Store

Row = dict[str, Any]


def change(user: str, **more: Any) -> Change:
    """An issue of the template t1 to a user."""
    fields: dict[str, Any] = {"origin": "course:1", "version": "v1", "user": user, "template": "t1"}
    return Change("issue", f"toy|t1|{user}", {"n": user}, "because", **(fields | more))


def issues(*users: str) -> Plan:
    return Plan(changes=tuple(change(user) for user in users))


def dump(store: Store, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a store, but those named."""
    names = [row[0] for row in store.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: store.query(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names if name not in without}  # noqa: S608


def code(error: ConnectctlError | None) -> int:
    return 0 if error is None else error.exit_code


def answers(*given: Outcome | Exception) -> Any:
    """Each answer once, in order; then `done`."""
    left = list(given)

    def answer(one: Change) -> Outcome:
        found = left.pop(0) if left else Outcome("done", f"id-{one.user}")
        if isinstance(found, Exception):
            raise found
        return found

    return answer


class Remote:
    """The toy's client: it only counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


@dataclass
class Toy:
    """What the flow `toy.go` reads and meets. `parts`: what each part's plan is, or the error it raises."""

    data: Path
    store: Store
    parts: dict[str, Plan | Exception] = field(default_factory=dict)
    answer: Callable[[Change], Outcome] = lambda change: Outcome("done", f"id-{change.user}")
    found: Callable[[Change], Look] = lambda _change: Look()
    groups: list[list[str]] = field(default_factory=list)
    remote: Remote = field(default_factory=Remote)
    clock: RunClock = field(default_factory=RunClock)
    spec: dict[str, Any] = field(default_factory=dict)
    limits: str = ""
    blocks: list[tuple[str, Plan | Exception]] = field(default_factory=list)  # parts, where several have one id
    _lock: Any = field(default_factory=threading.Lock)

    @property
    def sent(self) -> list[str]:
        """The users in the order their requests left."""
        return [user for group in self.groups for user in group]

    def _read(self, ctx: Any, part: Part) -> str:
        ctx.client("toy").calls += 1
        ctx.step("Reading", part=part.id)
        return part.title or part.id

    def _plan(self, view: str) -> Plan:
        planned = self.blocks[int(view)][1] if self.blocks else self.parts[view]
        if isinstance(planned, Exception):
            raise planned
        return planned

    def _apply(self, changes: list[Change], _ctx: Any) -> list[Outcome]:
        with self._lock:
            self.groups.append([str(one.user) for one in changes])
        return [self.answer(one) for one in changes]

    def runtime(self) -> Runtime:
        """The profile at work with this toy as its only plugin."""
        flow = FlowSpec(
            "toy.go",
            "a toy",
            read=self._read,
            plan=self._plan,
            apply=self._apply,
            look=lambda one, _ctx: self.found(one),
            parts=lambda _ctx: (
                [Part(name) for name in self.parts]
                + [Part(name, str(number)) for number, (name, _) in enumerate(self.blocks)]
            ),
            uses=("toy",),
            applies_to="toy",
            title="Toy - Go",
            parallel=False,
        )
        connection = ConnectionSpec(
            "toy", "a toy", (SettingSpec("mode", "how"),), client=lambda _settings, _clock: self.remote
        )
        module: Any = ModuleType("toy")
        module.register_flows = hookimpl(lambda: [replace(flow, **self.spec)])
        module.register_connections = hookimpl(lambda: [connection])
        plugins = Plugins.from_modules({"toy": module})
        file = self.data / "config.toml"
        file.write_text(self.limits)
        paths = ProfilePaths("default", file, self.data, self.data, self.data)
        return Runtime(plugins, load_settings(paths, plugins.connections), self.store, self.data)

    def run(self, **options: Any) -> RunResult:
        """One run of the flow."""
        runtime = self.runtime()
        self.clock = RunClock()
        return execute(runtime, runtime.plugins.flow("toy.go"), {}, RunOptions(**options), self.clock)

    def states(self) -> dict[str, tuple[str, int]]:
        """State and whether live, by user, of everything in the ledger."""
        rows = self.store.query("SELECT holding, state, live FROM ledger ORDER BY holding")
        return {row[0].rpartition("|")[2]: (row[1], row[2]) for row in rows}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("sqlite:///store.db", tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def toy(store: Store, tmp_path: Path) -> Toy:
    return Toy(tmp_path / "data", store)
