"""Asks a plugin's `CheckSpec` its question; whatever goes wrong on the way is an answer too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectctl.errors import ConfigError, ConnectctlError, ContractBroken, RemoteError
from connectctl.http.clock import SystemClock
from connectctl.plugins import guard
from connectctl.plugins.specs import CheckSpec, Finding, TableSpec

if TYPE_CHECKING:
    from tinydb.table import Table

    from connectctl.flows.context import Runtime


@dataclass(slots=True)
class Asking:
    """The CheckContext of `connectctl.api`."""

    runtime: Runtime
    spec: CheckSpec
    tables: Sequence[TableSpec]
    _clients: dict[str, Any]  # shared by all checks

    @property
    def timezone(self) -> str:
        return self.runtime.settings.timezone

    def client(self, kind: str) -> Any:
        if kind not in self.spec.uses:
            raise ContractBroken(f"The check {self.spec.name} uses the connection {kind} without declaring it")
        if kind not in self._clients:
            plugins = self.runtime.plugins
            make = plugins.resolve(plugins.connection(kind).client)
            self._clients[kind] = make(self.runtime.settings.connection(kind), SystemClock())
        return self._clients[kind]

    def table(self, name: str) -> Table:
        return self.runtime.store.table(self.runtime.plugins.table(name))

    def settings(self, integration: str) -> dict[str, str]:
        rows = self.table("integration-settings").all()
        return {
            str(row.get("Key") or "").strip(): str(row.get("Value") or "").strip()
            for row in rows
            if row.get("Integration") == integration
        }


def asked_of(spec: CheckSpec, tables: Sequence[TableSpec]) -> list[TableSpec]:
    """Those of the tables that a check has something to say about."""
    if spec.tables:
        return [table for table in tables if table.name in spec.tables]
    return [
        table for table in tables if not spec.remote or any(column.remote == spec.remote for column in table.columns)
    ]


def ask(runtime: Runtime, asked: Sequence[tuple[CheckSpec, Sequence[TableSpec]]]) -> Iterator[Finding]:
    """The findings of the checks, each with the tables that it concerns.

    A connection that cannot be used is one finding for all that was to be asked of it, and is not tried again; a
    check that is broken is one finding.
    """
    clients: dict[str, Any] = {}
    failed: dict[str, tuple[ConnectctlError, list[CheckSpec], set[str]]] = {}
    try:
        for spec, tables in asked:
            down = next((kind for kind in spec.uses if kind in failed), None)
            if down is None:
                try:
                    yield from _answers(Asking(runtime, spec, tables, clients))
                    continue
                except ConnectctlError as error:
                    down = getattr(error, "connection", "") or (spec.uses[0] if spec.uses else "")
                    failed.setdefault(down, (error, [], set()))
            failed[down][1].append(spec)
            failed[down][2].update(table.name for table in tables)
    finally:
        for client in clients.values():
            client.close()
    for kind, (reason, specs, names) in failed.items():
        message = f"could not be checked: {'; '.join(spec.summary for spec in specs)}. {reason.message}"
        fix = ("connection", "test", kind) if kind in runtime.plugins.connections else ("plugin", "list")
        yield Finding("warning", message, fix, names.pop() if len(names) == 1 else "")


def _answers(asking: Asking) -> list[Finding]:
    """One check's findings; raises ConnectctlError for what its clients raise."""
    spec, plugins = asking.spec, asking.runtime.plugins
    found: list[Finding] = []
    faults: list[str] = []
    errors: list[ConnectctlError] = []
    with guard.held(faults):
        try:
            found = list(plugins.resolve(spec.target)(asking))
            if not all(isinstance(finding, Finding) for finding in found):
                raise TypeError("it returned something else than findings")
        except (RemoteError, ConfigError) as error:
            errors.append(error)
    if errors:
        raise errors[0]
    if faults:
        owner = plugins.checks.owner(spec.name)
        message = f"could not be checked: {spec.summary}. The check {spec.name} of the plugin {owner} failed: "
        place = asking.tables[0].name if len(asking.tables) == 1 else ""
        return [Finding("warning", message + faults[0], ("plugin", "list"), place)]
    return found
