"""Locks that the kernel frees, between real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectctl.errors import RunLocked
from connectctl.flows.locks import Locks

HOLDER = """
import sys
from pathlib import Path
from connectctl.flows.locks import Locks
locks = Locks(Path(sys.argv[1]))
locks.take_run("r_1")
locks.take_flow("toy.go", "r_1")
print("held", flush=True)
sys.stdin.read()
locks.free()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds run r_1 and flow toy.go until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_flow_that_runs_elsewhere_is_refused_naming_run_and_process(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    locks = Locks(tmp_path)
    with pytest.raises(RunLocked, match=rf"toy\.go is already running \(run r_1, process {holder.pid}\)") as caught:
        locks.take_flow("toy.go", "r_2")
    assert (caught.value.exit_code, "--status running" in caught.value.hint) == (7, True)
    locks.take_flow("toy.other", "r_2")
    locks.free()


@pytest.mark.req("GN-21")
def test_kill_9_frees_flow_and_run(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    assert locks.alive("r_1")
    assert locks.alive("r_1")  # asking frees nothing
    holder.kill()
    holder.wait()
    assert not locks.alive("r_1")
    locks.take_flow("toy.go", "r_2")
    assert (tmp_path / "flow-toy.go.lock").read_text() == f"run r_2, process {os.getpid()}"
    locks.free()


def test_a_run_that_ended_is_not_alive_and_leaves_no_file(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.communicate("")
    assert not Locks(tmp_path).alive("r_1")
    assert [path.name for path in tmp_path.glob("*.lock")] == ["flow-toy.go.lock"]


def test_ones_own_run_is_alive_until_it_is_freed(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "new" / "locks")
    assert not locks.alive("r_1")
    locks.take_run("r_1")
    assert locks.alive("r_1")
    assert Locks(tmp_path / "new" / "locks").alive("r_1")
    locks.free()
    assert not locks.alive("r_1")


def test_a_name_from_outside_stays_in_the_folder(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    locks.take_flow("../../etc/passwd", "r_1")
    assert [path.parent for path in tmp_path.rglob("*.lock")] == [tmp_path / "locks"]
    locks.free()


def test_the_lock_files_are_private(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    locks.take_run("r_1")
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "locks" / "run-r_1.lock").stat().st_mode & 0o777 == 0o600
    locks.free()
