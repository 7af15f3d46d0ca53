"""What an import costs: calls beside the formula, and memory and time from 10,000 to 100,000 badges.

The 100,000 are read and planned only: writing them would time the sandbox. What applying needs is measured from 2,000
to 10,000. Takes two or three minutes; ends with 1 when a bar is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from _command import Measured, command, compare, configure, counted

from connectctl_sandbox import Clock, Sandbox

APPLIED = (2_000, 10_000)
PLANNED = (10_000, 100_000)
TEMPLATES = 10
CERTIFIED = 2  # templates with a certification code each
EACH = 4  # badges of one user
MEMORY = 1.25  # peak, the largest beside the smallest
PACE = 2.0  # CPU seconds per badge, likewise: a busy machine changes them little
DAY = 86_400.0
IMPORT = ("credly", "batch-sync", "--direction", "inwards", "--yes", "--json")


@dataclass(frozen=True, slots=True)
class World:
    """A platform and an organization whose badges were all issued by somebody else; one in a hundred is of today."""

    box: Sandbox
    home: Path
    badges: int

    def pages(self) -> int:
        """Pages of 50 badges, of all templates that are mapped."""
        return TEMPLATES * ceil(self.badges / TEMPLATES / 50)

    def feed(self) -> int:
        """Pages of 50 events: those of the last day, up to the first that is older."""
        newest = max(event.occurred_at for event in self.box.credly.events)
        return ceil((1 + sum(event.occurred_at >= newest - DAY for event in self.box.credly.events)) / 50)


@contextmanager
def world(badges: int) -> Iterator[World]:
    """Ten templates; each user has four badges, in two of the templates with a certification too."""
    clock = Clock(time.time(), running=True)
    box = Sandbox(seed=1, size="small", clock=clock)
    people = badges // EACH
    users = [box.docebo.add_user(first_name="Pat", email=f"pat.{n}@acme.example") for n in range(people)]
    box.credly.events.clear()  # the seeded world's are not in order of time
    began = clock.now() - 300 * DAY
    templates = [
        box.credly.add_template(f"Import {n}", created_at=began, updated_at=began).id for n in range(TEMPLATES)
    ]
    old = badges - badges // 100
    for number in range(badges):
        at = began + 295 * DAY * number / old if number < old else clock.now()
        template = number % TEMPLATES
        email = users[(number // TEMPLATES + template * people // TEMPLATES) % people].email
        box.credly.issue(email, templates[template], issued_at=at, created_at=at, updated_at=at)
    codes = ["", *list(box.suggested)[:CERTIFIED]]
    rows = [
        ("integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge"),
        ("integration-settings", "CREDLY", "BATCH_SYNC_START_DATE", "Value=2020-01-01"),
        ("integration-settings", "CREDLY", "EXTERNAL_TRAINING_INSTITUTE_NAME", "Value=Credly"),
    ]
    for number, template in enumerate(templates):
        code = codes[number + 1] if number < CERTIFIED else ""
        flags = ("Import As External Training=true", "IsActive=true")
        rows.append(("credly-integration-mappings", template, "", code, *flags))
    with box, tempfile.TemporaryDirectory() as folder:
        configure(box, Path(folder), rows)
        box.log.clear()
        yield World(box, Path(folder), badges)


def calls(made: World) -> tuple[bool, Measured]:
    """A first import and the next one; whether calls, formula and prediction agree, and what the first took."""
    box, home, badges = made.box, made.home, made.badges
    awards = CERTIFIED * ceil(badges / TEMPLATES)
    reads = {
        "of users": ceil(len(box.docebo.users) / 200),
        "of certifications": 1,
        "of trainings": max(1, ceil(len(box.docebo.trainings) / 200)),
        "of awards": max(1, ceil(len(box.docebo.awards) / 200)),
    }
    first_reads = {"of badges": made.pages(), "of events": made.feed()}
    dry = command(home, *IMPORT, "--dry-run").report
    box.log.clear()
    first = command(home, *IMPORT)
    done = first.report["done"]
    print(f"{badges} badges imported: {first.seconds:.1f} s, peak {first.peak:.0f} MiB, {done}")
    writes = {"trainings": badges, "awards": awards}
    good = done == {"create_training": badges, "award": awards}
    good &= compare("first import", counted(box), dry, {"credly": first_reads, "docebo": reads | writes})
    dry = command(home, *IMPORT, "--dry-run").report
    box.log.clear()
    again = command(home, *IMPORT)
    print(
        f"the import after it: {again.seconds:.1f} s, peak {again.peak:.0f} MiB, {again.report['planned'] or 'nothing'}"
    )
    nothing = {"credly": {"of events": made.feed()}, "docebo": {}}
    return compare("nothing new", counted(box), dry, nothing) and good and not again.report["planned"], first


def main() -> int:
    good, applied, planned = True, list[Measured](), list[Measured]()
    for badges in APPLIED:
        with world(badges) as made:
            agree, first = calls(made)
            good &= agree
            applied.append(first)
    for badges in PLANNED:
        with world(badges) as made:
            one = command(made.home, *IMPORT, "--dry-run", "--plan-out", str(made.home / "plan"))
        planned.append(one)
        each = 1000 * one.cpu / badges
        print(
            f"{badges} badges planned: {one.seconds:.1f} s, {each:.2f} ms of CPU each, peak {one.peak:.0f} MiB",
            flush=True,
        )
    for what, sizes, (small, large) in (("applying", APPLIED, applied), ("planning", PLANNED, planned)):
        memory, pace = large.peak / small.peak, large.cpu / sizes[1] / (small.cpu / sizes[0])
        print(
            f"{what} {sizes[1]} beside {sizes[0]}: peak memory {memory:.2f} x (bar {MEMORY}), "
            f"CPU per badge {pace:.2f} x (bar {PACE})"
        )
        good &= memory <= MEMORY and pace <= PACE
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
