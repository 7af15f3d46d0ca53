"""What carrying certification awards over costs: the calls of a first sync of 10,000 awards beside the formula, and of
the next one. Takes a minute; ends with 1 when a bar is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from _command import command, compare, configure, counted

from connectctl_sandbox import Clock, Sandbox

AWARDS = 10_000
CERTIFICATIONS = 4
SYNC = ("credly", "batch-sync", "--json")


def world(box: Sandbox) -> list[tuple[str, ...]]:
    """Every user has one award of each certification, and nothing else has been achieved; the mapping table's rows."""
    box.docebo.awards.clear()
    box.docebo.enrollments.clear()
    box.docebo.plan_enrollments.clear()
    box.credly.badges.clear()
    box.credly.events.clear()
    rows = [
        ("integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge"),
        ("integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2020-01-01"),
    ]
    codes = []
    for number in range(CERTIFICATIONS):
        codes.append(box.docebo.add_certification(f"B-{number}", f"Certification {number}").code)
        template = box.credly.add_template(f"Certified {number}").id
        rows.append(("credly-integration-mappings", template, "-", codes[-1], "IsActive=true"))
    for number in range(AWARDS // CERTIFICATIONS):
        user = box.docebo.add_user(first_name="Pat", last_name=f"L{number}", email=f"pat.{number}@acme.example")
        at = (
            f"{datetime(2026, 3, 1) + number * timedelta(minutes=30)}"  # spread, as in life: a sync looks back a little
        )
        old = {"created_at": at, "updated_at": at}
        for code in codes:
            box.docebo.award(user.user_id, code, "2026-03-01 08:00:00", "2036-03-01 08:00:00", **old)
    return rows


def main() -> int:
    with Sandbox(seed=1, clock=Clock(time.time(), running=True)) as box, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        configure(box, home, world(box))
        command(home, "credly", "sync-field")
        lists = {
            "of courses": ceil(len(box.docebo.courses) / 200),
            "of course details": len(box.docebo.courses),
            "of the dropdown": 2,
            "of certifications": 1,
            "of awards": ceil(AWARDS / 200),
            "of users": ceil(len(box.docebo.users) / 200),
        }
        dry = command(home, *SYNC, "--dry-run").report
        box.log.clear()
        first = command(home, *SYNC)
        print(f"{AWARDS} awards: {first.seconds:.1f} s, peak {first.peak:.0f} MiB, {first.report['done']}")
        good = first.report["done"] == {"issue": AWARDS}
        good &= compare(
            "first sync", counted(box), dry, {"credly": {"of badges": 1, "issued": AWARDS}, "docebo": lists}
        )
        dry = command(home, *SYNC, "--dry-run").report
        box.log.clear()
        again = command(home, *SYNC)
        print(f"the sync after it: {again.seconds:.1f} s, peak {again.peak:.0f} MiB")
        changed = {"of courses": 1, "of the dropdown": 1, "of awards": 1, "of their users": 1}
        good &= compare("nothing new", counted(box), dry, {"credly": {}, "docebo": changed})
    return 0 if good and not again.report["planned"] else 1


if __name__ == "__main__":
    sys.exit(main())
