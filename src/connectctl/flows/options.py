"""How a door wants a run carried out, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from connectctl.errors import ConnectctlError
from connectctl.flows.planfile import PlanFile
from connectctl.model import Notice


class Progress(Protocol):
    """Where a run tells how far it is."""

    def start(self, label: str, total: int | None) -> None: ...
    def advance(self, count: int) -> None: ...
    def finish(self) -> None: ...


class Silent:
    """A Progress that says nothing."""

    def start(self, label: str, total: int | None) -> None: ...
    def advance(self, count: int) -> None: ...
    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`plan`: carry out this saved plan. `retry`: what this run left. `confirm` asks a person; None: nobody to ask.

    `parent`: the id of the run that starts this one (a dispatcher's, `ctx.run`).
    """

    trigger: str = "command"
    dry_run: bool = False
    yes: bool = False
    max_changes: int | None = None
    plan_out: Path | None = None
    skips: bool = False
    plan: PlanFile | None = None
    retry: str | None = None
    parent: str | None = None
    confirm: Callable[[str], bool] | None = None
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The run's object (cli.md 4), the error that ended it early, if any, and what a dry run would have mailed."""

    report: dict[str, Any]
    error: ConnectctlError | None
    notices: tuple[Notice, ...] = ()
