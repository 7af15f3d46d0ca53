"""`make bench`: how long the quick commands take, as multiples of a Python that does nothing, and beside hatch.

The commands take turns, so that a busy moment of the machine meets all of them. Exits 1 when a bar is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 21
VERSION_BAR = 4.5  # times `python -c pass`
# In a folder that git ignores; what is installed there is used again.
HATCH = Path(__file__).parents[1] / "build" / "bench" / "hatch"

HERE = Path(sys.executable).parent


def hatch() -> Path | None:
    """The program hatch, installed into an environment of its own; None, after a line that says why, without it."""
    program = HATCH / ("Scripts/hatch.exe" if sys.platform == "win32" else "bin/hatch")
    if not program.exists():
        for command in (["-m", "venv", str(HATCH)], ["-m", "pip", "--python", str(HATCH), "install", "-q", "hatch"]):
            done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
            if done.returncode:
                why = (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]
                print(f"hatch cannot be installed, so nothing is compared with it: {why}")
                return None
    return program


def measure(commands: dict[str, list[str]], env: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of every round; ends the benchmark when a command fails."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            took = (time.perf_counter() - started) * 1000
            if done.returncode:
                sys.exit(f"{name}: exit {done.returncode}\n{done.stderr}")
            if number:  # the first round fills the caches
                times[name].append(took)
    return times


def main() -> int:
    tool = str(HERE / "connectctl")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "connectctl --version": [tool, "--version"],
        "connectctl --help": [tool, "--help"],
        "connectctl lookup --help": [tool, "lookup", "--help"],
        "connectctl credly --help": [tool, "credly", "--help"],
        "connectctl lookup list": [tool, "lookup", "list"],
    }
    if (other := hatch()) is not None:
        commands["hatch --help"] = [str(other), "--help"]
    with tempfile.TemporaryDirectory() as home:
        times = measure(commands, os.environ | {"CONNECTCTL_HOME": home})
    middle = {name: statistics.median(found) for name, found in times.items()}
    bare = middle["python -c pass"]
    print(f"Start-up, {ROUNDS} rounds: milliseconds, and the medians as multiples of `python -c pass`")
    for name, found in times.items():
        print(f"  {name:26} min {min(found):6.1f}  median {middle[name]:6.1f}  {middle[name] / bare:5.2f} x")
    return report(middle, bare)


def report(middle: dict[str, float], bare: float) -> int:
    """Prints the bars; 1 when one is missed."""
    ratio = middle["connectctl --version"] / bare
    bars = [(f"--version: {ratio:.2f} x python -c pass, at most {VERSION_BAR}", ratio <= VERSION_BAR)]
    if "hatch --help" in middle:
        ratio = middle["connectctl --help"] / middle["hatch --help"]
        bars.append((f"--help: {ratio:.2f} x hatch --help, at most 1", ratio <= 1))
    for words, met in bars:
        print(f"{'met   ' if met else 'MISSED'}  {words}")
    return 0 if all(met for _, met in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
