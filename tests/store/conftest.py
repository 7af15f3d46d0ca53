"""Stores in temporary folders, and real processes that use them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectctl.api import ColumnSpec, TableSpec
from connectctl.store import open_store
from connectctl.store.store import Store

URL = "sqlite:///store.db"
Script = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spec() -> TableSpec:
    return TableSpec(
        name="badge-mappings",
        title="Badge mappings",
        columns=(
            ColumnSpec("Course", required=True),
            ColumnSpec("Template"),
            ColumnSpec("Active", "boolean"),
            ColumnSpec("Count", "integer"),
            ColumnSpec("Since", "date"),
        ),
        key=("Course", "Template"),
        indexes=("Count",),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(URL, tmp_path) as opened:
        yield opened


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    """Starts Python with this code after `store = open_store(...)` on the folder; it is killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *, timeout: float = 30.0) -> subprocess.Popen[str]:
        head = (
            "import os, sys\nfrom pathlib import Path\nfrom connectctl.store import open_store\n"
            f"def opened(): return open_store({URL!r}, Path({str(tmp_path)!r}), timeout={timeout})\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", head + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def finished() -> Callable[[subprocess.Popen[str]], str]:
    """Waits for a process that has to succeed; what it printed."""

    def wait(process: subprocess.Popen[str]) -> str:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out.strip()

    return wait
