"""`flow list`, `show`, `start` and `stop`: what is there, in which order it is started, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectctl.config.paths import profile_paths
from connectctl.flows.runs import RunRecords
from connectctl.store import open_store
from connectctl_credly import plugin as credly

FIELDS = {"id", "title", "plugin", "policy", "trigger", "state", "last_run", "next_run"}
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DISPATCHERS = ["credly.dispatch-provider", "credly.dispatch-docebo"]
Run = Callable[..., Any]


@pytest.fixture
def flow(run: Run) -> Run:
    """`flow("start", "credly")`: exit code, the JSON document, stderr."""

    def call(*args: str) -> tuple[int, Any, str]:
        result = run("flow", *args, "--json", plugins={"credly": credly})
        return result.code, json.loads(result.out) if result.out else None, result.err

    return call


@pytest.fixture
def finished(home: Path) -> Callable[..., None]:
    """`finished("credly.batch-sync")` puts a run into the store."""

    def put(
        flow: str, status: str = "succeeded", *, dry_run: bool = False, params: dict[str, Any] | None = None
    ) -> None:
        with open_store(profile_paths().data_dir / "connectctl.db") as store:
            records = RunRecords(store)
            run = f"r_{flow}_{len(records.list(flow=flow))}"
            records.start(run, flow, "", "command", dry_run=dry_run, params=params or {}, at=NOW)
            records.finish(run, status, NOW, {}, None)

    return put


def states(flow: Run) -> dict[str, str | None]:
    return {row["id"]: row["state"] for row in flow("list", "--all")[1]}
