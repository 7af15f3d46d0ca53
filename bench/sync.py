"""`make bench`: what a sync costs in calls, time and memory, beside the least that any client needs.

Every figure is a ratio or a count from one run on one machine; the sandbox counts the calls, not the client.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from connectctl_sandbox import Clock, Sandbox

ROUNDS = 3
LATENCY = 0.02
THREADS = 8


def run(home: Path, *args: str) -> tuple[float, str]:
    """Seconds and stdout of one command in a process of its own; ends the benchmark when it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "connectctl", *args],
        env=os.environ | {"CONNECTCTL_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"connectctl {' '.join(args)}: {done.returncode}\n{done.stderr}")
    return time.perf_counter() - started, done.stdout


def ready(box: Sandbox, home: Path) -> None:
    """Settings, tables and dropdown, as a person would make them."""
    home.mkdir()
    config = home / "config.toml"
    config.touch(0o600)
    config.write_text(box.config_toml() + "[limits]\nmax_changes = 1000000\n")
    run(home, "credly", "sync-templates")
    run(home, "lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge")
    run(home, "lookup", "set", "integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2020-01-01")
    run(home, "credly", "sync-field")
    box.select_templates()


def issuing(box: Sandbox) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the first to the last issue request by the sandbox's clock, and their bodies."""
    posts = [e for e in box.log.entries if e.remote == "credly" and e.method == "POST" and e.path.endswith("/badges")]
    return max(e.at for e in posts) - min(e.at for e in posts), [e.body for e in posts]


def bare_loop(box: Sandbox, bodies: list[dict[str, Any]]) -> None:
    """The same requests from a plain thread pool with requests: the floor that nobody can go below."""
    url = f"{box.credly_url}/organizations/{box.credly.organization_id}/badges"
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        session.auth = (box.credly.token, "")

        def post(body: dict[str, Any]) -> None:
            session.post(url, json=body, timeout=30).raise_for_status()

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(post, bodies))


def sandbox(latency: float = 0.0) -> Sandbox:
    """The large world on a clock that runs with the real time."""
    return Sandbox(seed=1, size="large", latency=latency, clock=Clock(time.time(), running=True))


def calls_and_time() -> None:
    """A first sync of the large world and the one after it: calls beside the least that the lists need."""
    with sandbox() as box, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        ready(box, home)
        box.log.clear()
        seconds, out = run(home, "credly", "batch-sync", "--json")
        issued = json.loads(out)["done"]["issue"]
        docebo, credly = (box.log.count(remote=remote) for remote in ("docebo", "credly"))
        courses, people = len(box.docebo.courses), len(box.docebo.users)
        pages = box.log.count(remote="docebo", path=r"/courses/enrollments$")
        least = {
            "lists of fields and courses": 2 + ceil(courses / 200),
            "course details": courses,
            "pages of completions": pages,
            "pages of users": ceil(people / 200),
        }
        print(f"first sync, {issued} badges: {seconds:.1f} s, {docebo} Docebo calls, {credly} Credly calls")
        print(f"  Docebo at the least {sum(least.values())}: " + ", ".join(f"{n} {what}" for what, n in least.items()))
        print(f"  Credly beyond the badges themselves: {credly - issued}, one list per template that is due")
        print(f"  one look-up per completion would be {2 * issued} calls more")
        box.log.clear()
        seconds, out = run(home, "credly", "batch-sync", "--json")
        docebo, credly = (box.log.count(remote=remote) for remote in ("docebo", "credly"))
        planned = json.loads(out)["planned"] or "nothing to do"
        print(f"second sync, {planned}: {seconds:.1f} s, {docebo} Docebo calls, {credly} Credly calls")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory of the commands so far: {peak:.0f} MiB")


def against_the_floor() -> None:
    """Some 1,000 badges at 20 ms latency, ledger included, beside the bare loop with the same requests."""
    ratios = []
    count = 0
    for _ in range(ROUNDS):
        with sandbox(LATENCY) as box, tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            ready(box, home)
            out = run(home, "credly", "batch-sync", "--dry-run", "--json")[1]
            due = Counter(item["template"] for item in json.loads(out)["items"])
            chosen: list[str] = []
            for template, number in due.most_common():
                if sum(due[t] for t in chosen) + number <= 1100:
                    chosen.append(template)
            box.log.clear()
            run(home, "credly", "batch-sync", *(word for template in chosen for word in ("--template", template)))
            ours, bodies = issuing(box)
        with sandbox(LATENCY) as box:
            bare_loop(box, bodies)
            ratios.append(ours / issuing(box)[0])
            count = len(bodies)
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"issuing {count} badges at 20 ms with {THREADS} threads, beside a bare loop: "
        f"{statistics.median(ratios):.2f} x ({shown})"
    )


def start_up() -> None:
    """`--help` and `--version` beside bare Python, medians of 15 in turn."""
    commands = {
        "bare": ["-c", "pass"],
        "--version": ["-m", "connectctl", "--version"],
        "--help": ["-m", "connectctl", "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, arguments in commands.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            taken[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name in ("--version", "--help"):
        print(f"{name}: {medians[name] / medians['bare']:.1f} x bare Python ({medians[name] * 1000:.0f} ms)")


if __name__ == "__main__":
    calls_and_time()
    against_the_floor()
    start_up()
