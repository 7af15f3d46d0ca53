"""The seeded Accredible: groups for the courses and credentials of every state, from a random stream of its own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

from .accredible import Accredible
from .accredible_records import Group
from .clock import iso_time
from .credly import DAY
from .docebo import Docebo
from .world import FIRST_DAY, LAST_DAY, TEMPLATES_MADE, Size

CREDENTIALS: dict[Size, int] = {"small": 12, "large": 2_000}


def seed_accredible(
    accredible: Accredible, docebo: Docebo, intended: Mapping[int, str], size: Size, seed: int
) -> dict[int, str]:
    """Fill the account; returns the internal name of the group that belongs on each course, by course id.

    `intended` are Credly's template names by course id: courses that share one share a group.
    """
    chance = random.Random(f"accredible world {size} {seed}")  # noqa: S311 - repeatable, not secret
    accredible.add_department("Partners", meta_data={"region": "north"}, private_credentials=True)
    accredible.add_attribute_key("Site")
    accredible.add_attribute_key("Completed on", "date")
    groups = {
        name: _add_group(accredible, number, name) for number, name in enumerate(dict.fromkeys(intended.values()))
    }
    _add_group(accredible, len(groups), "Spreadsheet Skills 2019")
    _add_group(accredible, len(groups) + 1, "Partner Onboarding", department_id=2)
    _add_credentials(accredible, docebo, list(groups.values()), chance, CREDENTIALS[size])
    _add_special_cases(accredible, docebo, list(groups.values()))
    return {course_id: groups[name].name for course_id, name in intended.items()}


def _add_group(accredible: Accredible, number: int, name: str, **details: Any) -> Group:
    """The third expires after a year, the fourth has no design, the seventh allows duplicates."""
    made = TEMPLATES_MADE + number * 3600.0
    special: dict[int, dict[str, Any]] = {
        2: {"auto_expiry": 1},
        3: {"certificate_design_id": None},
        6: {"allow_duplicate_credentials": True},
    }
    return accredible.add_group(
        "-".join(name.lower().split()),
        course_name=name,
        course_description=f"Awarded for completing {name}.",
        created_at=made,
        updated_at=made,
        **(special.get(number, {}) | details),
    )


def _add_credentials(
    accredible: Accredible, docebo: Docebo, groups: list[Group], chance: random.Random, count: int
) -> None:
    """Issued by hand to learners who have an address, no pair of group and address twice; the first group is left."""
    people = {user.email: user for user in docebo.users.values() if user.level == "User" and user.email}
    pairs = list(itertools.product(groups[1:], list(people.values())[9:]))
    for group, user in chance.sample(pairs, count):
        name = f"{user.first_name} {user.last_name}"
        accredible.issue(group.id, user.email, name, created_at=float(int(chance.uniform(FIRST_DAY, LAST_DAY))))


def _add_special_cases(accredible: Accredible, docebo: Docebo, groups: list[Group]) -> None:
    """One of each: held by a learner who completed, expired, unpublished, in progress, a stranger's, and a second."""
    learners = [user for user in docebo.users.values() if user.level == "User"]
    first, made = groups[0].id, LAST_DAY - 30 * DAY
    cases: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (first, learners[3].email, {}),
        (first, learners[5].email, {"expired_on": iso_time(LAST_DAY)[:10]}),
        (first, learners[6].email, {"approve": False, "published_on": None}),
        (first, learners[7].email, {"complete": False}),
        (first, "stranger@elsewhere.example", {}),
        (groups[6].id, learners[8].email, {}),
        (groups[6].id, learners[8].email, {}),
    )
    for number, (group_id, email, details) in enumerate(cases):
        accredible.issue(group_id, email, f"Holder {number}", created_at=made + number * DAY, **details)
