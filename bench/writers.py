"""Writers that never pause, each in a process of its own: is the gate fair, and how long does the unluckiest wait?

Prints a table with the bar and what was measured; exits with 1 when a bar is missed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WRITERS = 4
SECONDS = 2.0
ROUNDS = 3
FAIR, LONGEST = 0.4, 0.5  # slowest / fastest; seconds

WRITER = """
import sys, time
from pathlib import Path
from connectctl.store import open_store
with open_store("sqlite:///store.db", Path(sys.argv[1])) as store:
    rows = store.documents("rows")
    rows.insert({})
    print("ready", flush=True)
    sys.stdin.readline()
    end, longest, count = time.monotonic() + float(sys.argv[2]), 0.0, 0
    while (begin := time.monotonic()) < end:
        rows.insert({"n": count, "text": "x" * 100})
        longest, count = max(longest, time.monotonic() - begin), count + 1
    print(count, longest)
"""


def saturated(folder: Path) -> tuple[float, float, int]:
    """Slowest to fastest, the longest wait in seconds, and the commits per second of all."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        if writer.stdout.readline() != "ready\n":
            sys.exit("a writer did not start")
    results = []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        out, _ = writer.communicate()
        results.append([float(word) for word in out.split()])
    counts = [count for count, _ in results]
    return min(counts) / max(counts), max(wait for _, wait in results), int(sum(counts) / SECONDS)


def main() -> int:
    """The exit code."""
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(saturated(Path(folder)))
    fair, longest, rate = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{WRITERS} writers that never pause, {SECONDS:g} s, every commit on the disk, median of {ROUNDS}")
    print(f"{'what':<22}{'bar':>12}{'measured':>12}")
    print(f"{'slowest / fastest':<22}{f'>= {FAIR}':>12}{fair:>12.2f}")
    print(f"{'longest wait':<22}{f'<= {LONGEST} s':>12}{f'{longest:.3f} s':>12}")
    print(f"{'commits per second':<22}{'':>12}{rate:>12.0f}")
    return 0 if fair >= FAIR and longest <= LONGEST else 1


if __name__ == "__main__":
    sys.exit(main())
