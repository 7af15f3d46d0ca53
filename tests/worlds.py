"""A home and a sandbox ready for `credly batch-sync`, for the tests that run the whole product."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectctl.cli import main
from connectctl_sandbox import Sandbox

Key = tuple[str, str]  # template id, Docebo user id


@dataclass(frozen=True, slots=True)
class World:
    """A sandbox whose dropdown is filled and selected, the home that points at it, and what has to come out."""

    box: Sandbox
    home: Path
    expected: frozenset[Key]

    def start(self, *args: str) -> subprocess.Popen[str]:
        """The real command line in a process of its own."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTCTL_")}
        return subprocess.Popen(
            [sys.executable, "-m", "connectctl", *args],
            env=env | {"CONNECTCTL_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr of one command, in this process: to start one takes longer than most commands."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("CONNECTCTL_")]:
                patch.delenv(name)
            patch.setenv("CONNECTCTL_HOME", str(self.home))
            for name, stream in (("stdin", io.TextIOWrapper(io.BytesIO())), ("stdout", out), ("stderr", err)):
                patch.setattr(sys, name, stream)
            code = main(args)
        return code, _text(out), _text(err)

    def report(self, *args: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the run's object."""
        code, out, err = self.run(*args, "--json")
        assert out, err
        found: dict[str, Any] = json.loads(out)
        return code, found

    def badges(self) -> Counter[Key]:
        """How many live badges each learner has of each template, those made by hand left out."""
        return Counter(
            (b.template_id, str(b.issuer_earner_id)) for b in self.box.credly.live_badges() if b.issuer_earner_id
        )


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def make_world(box: Sandbox, home: Path, *, search_lag: int = 1, extra: str = "") -> World:
    """Fills tables and dropdown by the product's own commands, then asks a dry run what is to come."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "config.toml"
    config.touch(0o600)
    text = box.config_toml().replace("[connections.credly]", f"[connections.credly]\nsearch_lag = {search_lag}")
    config.write_text(text + extra)
    world = World(box, home, frozenset())
    for command in (
        ("credly", "sync-templates"),
        ("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge"),
        ("lookup", "set", "integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2026-01-01"),
        ("credly", "sync-field"),
    ):
        code, _, err = world.run(*command)
        assert code == 0, err
    box.select_templates()
    code, planned = world.report("credly", "batch-sync", "--dry-run")
    assert code == 0
    expected = frozenset((item["template"], item["user"]) for item in planned["items"])
    assert len(expected) == planned["planned"]["issue"]
    return World(box, home, expected)


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9, and nothing left behind."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
