"""Asks a plugin's `CheckSpec` its question; whatever goes wrong on the way is an answer too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectctl.errors import ConnectctlError, ContractBroken
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
    _clients: dict[str, Any] = field(default_factory=dict)

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

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def asked_of(spec: CheckSpec, tables: Sequence[TableSpec]) -> list[TableSpec]:
    """The tables that a check has something to say about; of one without `remote` all."""
    return [
        table for table in tables if not spec.remote or any(column.remote == spec.remote for column in table.columns)
    ]


def ask(runtime: Runtime, spec: CheckSpec, tables: Sequence[TableSpec]) -> list[Finding]:
    """The check's findings. A remote that cannot be read, and a check that is broken, are one finding each."""
    asking = Asking(runtime, spec, tables)
    place = tables[0].name if len(tables) == 1 else ""
    try:
        found: list[Finding] = []
        faults: list[str] = []
        failed: list[ConnectctlError] = []
        with guard.held(faults):
            try:
                found = list(runtime.plugins.resolve(spec.target)(asking))
                if not all(isinstance(finding, Finding) for finding in found):
                    raise TypeError("it returned something else than findings")
            except ConnectctlError as error:
                failed.append(error)
        if failed:
            message = f"could not be checked: {spec.summary}. {failed[0].message}"
            used = ("connection", "test", spec.uses[0]) if spec.uses else ("connection", "list")
            return [Finding("warning", message, used, place)]
        if faults:
            owner = runtime.plugins.checks.owner(spec.name)
            message = f"could not be checked: {spec.summary}. The check {spec.name} of the plugin {owner} failed: "
            return [Finding("warning", message + faults[0], ("plugin", "list"), place)]
        return found
    finally:
        asking.close()
