"""`make bench`: what 3,000 credentials cost with bulk calls, beside the formula, and what the next sync costs.

The sandbox counts the calls, not the client.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from math import ceil
from pathlib import Path

from sync import run

from connectctl_sandbox import Clock, Sandbox

PEOPLE, BULK, SEARCH, PAGE = 3000, 30, 100, 200
SETTINGS = {
    "COURSE_ADDITIONAL_FIELD": "Accredible group",
    "DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE": "2020-01-01",
}


def ready(box: Sandbox, home: Path) -> None:
    """Settings, table and dropdown, and one new course that so many people have completed."""
    home.mkdir()
    config = home / "config.toml"
    config.touch(0o600)
    config.write_text(box.config_toml(accredible=True) + "[limits]\nmax_changes = 1000000\n")
    group = box.accredible.add_group("everybody", course_name="Everybody", course_description="For all.")
    for name, value in SETTINGS.items():
        run(home, "lookup", "set", "integration-settings", "ACCREDIBLE", name, f"Value={value}")
    run(home, "accredible", "sync-groups")
    run(home, "accredible", "sync-field")
    course = box.docebo.add_course("For everybody")
    for number in range(PEOPLE):
        user = box.docebo.add_user(email=f"p{number}@example.org", first_name="Pat", last_name=f"Number {number}")
        box.docebo.enroll(user.user_id, course.course_id, completed_at="2026-02-20 10:00:00")
    box.docebo.select_by_label({course.course_id: group.name})


def counted(box: Sandbox) -> Counter[str]:
    """The requests so far by what they are, tokens left out."""
    return Counter(f"{one.method} {one.path}" for one in box.log.entries if "/oauth2/" not in one.path)


def main() -> int:
    """A first sync and the next; exit code 1 when one of them costs more than it has to."""
    with (
        Sandbox(seed=1, clock=Clock(time.time(), running=True)) as box,
        tempfile.TemporaryDirectory() as folder,
    ):
        home = Path(folder) / "home"
        ready(box, home)
        dry = json.loads(run(home, "accredible", "batch-sync", "--dry-run", "--json")[1])
        box.log.clear()
        seconds, out = run(home, "accredible", "batch-sync", "--json")
        report, calls = json.loads(out), counted(box)
        bulk = calls["POST /v2/credentials/bulk_create"]
        courses = len(box.docebo.courses)
        formula = {
            "bulk calls": ceil(PEOPLE / BULK),
            "courses": ceil(courses / PAGE),
            "details": courses,
            "completions": ceil(len(box.docebo.enrollments) / PAGE),
            "users": ceil(len(box.docebo.users) / PAGE),
            "account": 1,
            "held": 1,
        }
        total, least = sum(calls.values()), sum(formula.values())
        predicted = sum(dry["predicted_calls"].values())
        print(f"{report['done']['issue']} credentials: {seconds:.1f} s, {total} calls, {bulk} of them bulk calls")
        print(f"  the formula gives {least}: " + ", ".join(f"{count} {what}" for what, count in formula.items()))
        print(f"  a dry run predicted {predicted}")
        box.log.clear()
        seconds, out = run(home, "accredible", "batch-sync", "--json")
        again = json.loads(out)
        print(
            f"second sync, {again['planned'] or 'nothing to do'}: {seconds:.1f} s, {sum(counted(box).values())} calls"
        )
        good = bulk == ceil(PEOPLE / BULK) and total <= 1.02 * least and predicted == total
        good = good and report["done"] == {"issue": PEOPLE} and not again["planned"]
        if not good:
            print(calls)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
