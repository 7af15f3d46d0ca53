"""What planning costs as the world grows: peak memory and seconds of a dry run over 10,000 to 200,000 completions."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from _command import command

from connectctl_sandbox import Clock, Sandbox

SIZES = (10_000, 50_000, 200_000)
COURSES = 50
MEMORY = 150  # MiB at the peak (issue 4)
GROWTH = 1.3  # seconds per completion, the largest beside the smallest


def world(completions: int) -> Sandbox:
    """Every learner has completed every one of fifty courses with a template each: every completion earns a badge."""
    box = Sandbox(seed=1, size="small", clock=Clock(time.time(), running=True))
    for number in range(COURSES):
        course = box.docebo.add_course(f"Course {number}", code=f"B-{number}")
        box.intended[course.course_id] = box.credly.add_template(f"Badge {number}").name
    courses = list(box.intended)[-COURSES:]
    for number in range(completions // COURSES):
        user = box.docebo.add_user(first_name="Pat", last_name=f"Learner {number}", email=f"pat.{number}@acme.example")
        for course_id in courses:
            box.docebo.enroll(user.user_id, course_id, "completed", "2026-02-01 08:00:00")
    return box


def main() -> int:
    pace: list[float] = []
    peak = 0.0
    for completions in SIZES:
        with world(completions) as box, tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            config = home / "config.toml"
            config.touch(0o600)
            config.write_text(box.config_toml() + "[limits]\nmax_changes = 1000000\n")
            for args in (
                ("credly", "sync-templates"),
                ("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge"),
                ("lookup", "set", "integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2020-01-01"),
                ("credly", "sync-field"),
            ):
                command(home, *args)
            box.select_templates()
            made = command(home, "credly", "batch-sync", "--dry-run", "--plan-out", str(home / "plan"))
            seconds, peak = made.seconds, made.peak
        pace.append(seconds / completions)
        print(
            f"{completions:7} completions: {seconds:6.1f} s, {1000 * pace[-1]:.2f} ms each, peak {peak:.0f} MiB",
            flush=True,
        )
    grown = pace[-1] / pace[0]
    print(
        f"peak memory at {SIZES[-1]}: {peak:.0f} MiB (bar {MEMORY}); cost per completion {grown:.2f} x (bar {GROWTH})"
    )
    return 0 if peak <= MEMORY and grown <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
