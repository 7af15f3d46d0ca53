"""`make bench`: what a sync costs in calls, time and memory, beside the least that any client needs.

Every figure is a ratio or a count from one run on one machine; the sandbox counts the calls, not the client.
"""

from __future__ import annotations

import json
import os
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
FLOOR = 1.15  # times the bare loop


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


def calls() -> bool:
    """A first sync of the large world, the next one, and what dry runs predict of both; counted by the sandbox."""
    with sandbox() as box, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        ready(box, home)
        template = next(t.id for t in box.credly.templates.values() if t.state == "active")
        for plan in box.docebo.plans:
            run(home, "lookup", "set", "credly-integration-mappings", template, str(plan), "-", "IsActive=true")
        dry = json.loads(run(home, "credly", "batch-sync", "--dry-run", "--json")[1])
        box.log.clear()
        seconds, out = run(home, "credly", "batch-sync", "--json")
        issued = json.loads(out)["done"]["issue"]
        first = counted(box)
        pages = box.log.count(remote="docebo", path=r"/courses/enrollments$")
        touched = len({item["template"] for item in dry["items"]})
        before = [b for b in box.credly.badges.values() if not b.issuer_earner_id]
        held = min(max(1, ceil(len(before) / 50)), touched)
        formula = {
            "courses": ceil(len(box.docebo.courses) / 200),
            "details": len(box.docebo.courses),
            "plans": 1,
            "completions": pages,
            "plan enrollments": ceil(len(box.docebo.plan_enrollments) / 200),
            "users": ceil(len(box.docebo.users) / 200),
            "held": held,
            "badges": issued,
        }
        least = sum(formula.values())
        print(f"first sync, {issued} badges: {seconds:.1f} s, {first} calls; the formula gives {least}:")
        print("  " + ", ".join(f"{count} {what}" for what, count in formula.items()))
        good = first <= 1.02 * least and abs(sum(dry["predicted_calls"].values()) - first) <= 0.02 * first
        predicted = sum(dry["predicted_calls"].values())
        print(f"  {first / least:.3f} x the formula (bar 1.02); a dry run predicted {predicted}")
        dry = json.loads(run(home, "credly", "batch-sync", "--dry-run", "--json")[1])
        box.log.clear()
        seconds, out = run(home, "credly", "batch-sync", "--json")
        report = json.loads(out)
        lists = Counter(f"{e.method} {e.path}" for e in box.log.entries if "/oauth2/" not in e.path)
        again, predicted = sum(lists.values()), sum(dry["predicted_calls"].values())
        print(f"second sync, {report['planned'] or 'nothing to do'}: {seconds:.1f} s, {again} calls (bar 6)")
        print(f"  {', '.join(lists)}; a dry run predicted {predicted}")
        return good and again <= 6 and predicted == again


def counted(box: Sandbox) -> int:
    """The requests so far, tokens left out."""
    return sum("/oauth2/" not in entry.path for entry in box.log.entries)


def against_the_floor() -> bool:
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
        f"{statistics.median(ratios):.2f} x ({shown}; bar {FLOOR})"
    )
    return statistics.median(ratios) <= FLOOR


def main() -> int:
    good = calls()
    return 0 if against_the_floor() and good else 1


if __name__ == "__main__":
    sys.exit(main())
