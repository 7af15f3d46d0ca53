"""One pace for several commands, as real processes against the sandbox."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connectctl_sandbox import Sandbox

TEST = [sys.executable, "-m", "connectctl", "connection", "test", "credly"]


@pytest.fixture
def ready(home: Path) -> Path:
    home.mkdir()
    config = home / "config.toml"
    config.touch(0o600)
    return config


def test_an_hourly_budget_is_one_for_all_commands_and_ctrl_c_ends_the_wait(ready: Path) -> None:
    with Sandbox() as box:
        ready.write_text(box.config_toml(accredible=False) + "per_hour = 1\n")
        assert subprocess.run(TEST, capture_output=True, timeout=60, check=False).returncode == 0
        waiting = subprocess.Popen(TEST, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        assert "Credly: the hourly budget (per_hour = 1) is used up; going on at" in line
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=60)
        assert waiting.returncode == 130
        assert box.log.count(remote="credly") == 1


def test_each_command_counts_in_the_same_private_file(ready: Path) -> None:
    with Sandbox() as box:
        ready.write_text(box.config_toml())
        for _ in range(2):
            subprocess.run(TEST, env=os.environ, capture_output=True, timeout=60, check=True)
    folder = ready.parent / "store.db-limits"
    (file,) = folder.iterdir()
    assert file.name.startswith("credly-")
    assert box.credly.token not in file.name + file.read_bytes().decode("latin-1")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]
