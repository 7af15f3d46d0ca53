"""One command of connectctl in a process of its own: what it took and what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectctl_sandbox import Sandbox

# A process is born with the peak memory of the one that started it, which holds the sandbox: this small one is between.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "connectctl", *sys.argv[2:]]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as out:
    print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=out)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds by the clock and of the processor, the peak memory in MiB, and stdout."""

    seconds: float
    cpu: float
    peak: float
    out: str

    @property
    def report(self) -> dict[str, Any]:
        """The object of a run that was called with --json."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def command(home: Path, *args: str) -> Measured:
    """Runs one command; ends the benchmark when it fails."""
    started = time.perf_counter()
    env = os.environ | {"CONNECTCTL_HOME": str(home)}
    launcher = [sys.executable, "-c", LAUNCHER, str(home / "used"), *args]
    done = subprocess.run(launcher, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"connectctl {' '.join(args)}: {done.returncode}\n{done.stderr[-2000:]}")
    seconds = time.perf_counter() - started
    peak, cpu = (home / "used").read_text().split()
    return Measured(seconds, float(cpu), int(peak) / 1024, done.stdout)


def configure(box: Sandbox, home: Path, rows: list[tuple[str, ...]]) -> None:
    """A home with the sandbox's connections, its templates, and these rows of lookup tables."""
    config = home / "config.toml"
    config.touch(0o600)
    config.write_text(box.config_toml() + "[limits]\nmax_changes = 1000000\n")
    command(home, "credly", "sync-templates")
    for row in rows:
        command(home, "lookup", "set", *row)


def counted(box: Sandbox) -> Counter[str]:
    """The requests so far by remote, tokens left out."""
    return Counter(entry.remote for entry in box.log.entries if "/oauth2/" not in entry.path)


def compare(title: str, made: Counter[str], report: dict[str, Any], parts: dict[str, dict[str, int]]) -> bool:
    """Prints the calls beside the formula's parts and the dry run's word, by remote; whether all three agree."""
    predicted, good = report["predicted_calls"], True
    for remote, formula in parts.items():
        same = made[remote] == sum(formula.values()) == predicted.get(remote, 0)
        words = ", ".join(f"{count} {what}" for what, count in formula.items() if count) or "none"
        print(
            f"  {title}, {remote}: {made[remote]} calls, predicted {predicted.get(remote, 0)}, "
            f"formula {sum(formula.values())} ({words})  {'ok' if same else 'MISSED'}",
            flush=True,
        )
        good = good and same
    return good
