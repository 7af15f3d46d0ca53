"""What a known rate limit costs: time beside calls / rate and refused calls, for one and two processes on one account.

The sandbox counts like the remotes do, over all processes. Ends with 1 when a bar is missed; takes under a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from connectctl.http.clock import SystemClock
from connectctl.http.limits import RateLimiter
from connectctl.http.shared import FileState
from connectctl_sandbox import Clock, RateLimit, Sandbox

MOST_TIME = 1.05  # of calls / rate
MOST_REFUSED = 0.005  # of the calls
MOST_OVERHEAD = 50e-6  # seconds a turn
THREADS = 8

SENDER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from connectctl.api import BasicAuth, Client, Secret
from connectctl.model import CallLimits

url, token, rate, folder, calls, threads = sys.argv[1:]
limits = CallLimits(rate, folder=Path(folder))
client = Client("credly", url, auth=BasicAuth(Secret(token)), threads=int(threads), limits=limits)
sys.stdin.readline()
with ThreadPoolExecutor(int(threads)) as pool:
    list(pool.map(lambda _: client.get(""), range(int(calls))))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A rate as it is configured, and the remote's limit."""

    title: str
    rate: str
    per_second: float
    limit: RateLimit
    calls: int


CASES = (
    Case("20/s against a leaky bucket of 20/s", "20/s", 20.0, RateLimit("credly", 20, 1, "bucket", burst=20), 240),
    Case("195/3s against 200 in periods of 3 s", "195/3s", 65.0, RateLimit("credly", 200, 3), 600),
)


def measure(case: Case, processes: int) -> bool:
    """Prints one line; whether both bars are kept."""
    with Sandbox(clock=Clock(time.time(), running=True)) as box, tempfile.TemporaryDirectory() as folder:
        box.limits.set(case.limit)
        url = f"{box.credly_url}/organizations/{box.credly.organization_id}"
        share = case.calls // processes
        command = [sys.executable, "-c", SENDER, url, box.credly.token, case.rate, f"{folder}/counts"]
        started = [
            subprocess.Popen([*command, str(share), str(THREADS)], stdin=subprocess.PIPE, env=os.environ)
            for _ in range(processes)
        ]
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.close()
        if any(process.wait() for process in started):
            sys.exit("a process failed")
        moments = [entry.at for entry in box.log.entries]
        refused = box.log.count(status=429)
    answered = len(moments) - refused
    ratio = (max(moments) - min(moments)) / ((answered - 1) / case.per_second)
    good = ratio <= MOST_TIME and refused <= MOST_REFUSED * answered
    who = "1 process  " if processes == 1 else f"{processes} processes"
    print(
        f"{case.title:38}  {who}  {answered} calls  time {ratio:.3f} of calls / rate  "
        f"refused {refused} ({refused / answered:.2%})  {'ok' if good else 'MISSED'}"
    )
    return good


def overhead() -> bool:
    """Prints what one turn costs where nobody has to wait."""
    with tempfile.TemporaryDirectory() as folder:
        limiter = RateLimiter("none", SystemClock(), state=FileState(Path(folder) / "credly"))
        started = time.perf_counter()
        for _ in range(20_000):
            limiter.acquire()
        each = (time.perf_counter() - started) / 20_000
        limiter.close()
    good = each <= MOST_OVERHEAD
    print(f"one turn, taken in the shared file: {each * 1e6:.0f} microseconds  {'ok' if good else 'MISSED'}")
    return good


if __name__ == "__main__":
    results = [measure(case, processes) for case in CASES for processes in (1, 2)]
    sys.exit(0 if all([*results, overhead()]) else 1)
