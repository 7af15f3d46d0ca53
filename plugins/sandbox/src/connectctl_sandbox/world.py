"""The seeded world: people, courses, enrollments and badge templates, the same for the same seed and size."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from . import names
from .clock import mysql_time
from .credly import DAY, Credly
from .docebo import Docebo

Size = Literal["small", "large"]

FIRST_DAY = datetime(2025, 10, 1, tzinfo=UTC).timestamp()
LAST_DAY = datetime(2026, 2, 27, tzinfo=UTC).timestamp()
"""Completions lie between these: about six in ten before 2026-01-01, the start date the examples use."""
TEMPLATES_MADE = datetime(2025, 9, 1, 9, 0, tzinfo=UTC).timestamp()

FIRST_NAMES = names.FIRST.split()
LAST_NAMES = names.LAST.split()
TOPICS = names.TOPICS.split("|")
LEVELS = ("Foundation", "Practitioner", "Expert")

SMALL_COURSES = (
    ("Data Protection Essentials", "DP-101", "Data Protection Practitioner"),
    ("Forklift Safety", "FS-200", "Forklift Safety"),
    ("First Aid at Work", "FA-110", "First Aid Responder"),
    ("Security Awareness 2026", "SEC-101", "Security Awareness"),
    ("Leading Small Teams", "LEAD-1", "Team Leadership"),
    ("Cloud Foundations", "CLD-100", "Cloud Foundations"),
    ("Annual Fire Drill", "FIRE-26", "Fire Drill Participation"),
    ("Welcome to Acme", "WEL-1", None),
)
"""Name, code, and the template whose dropdown element belongs on the course; the last has none."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything a world holds."""

    users: int
    courses: int
    enrollments: int


SIZES: dict[Size, Sizes] = {"small": Sizes(30, 8, 96), "large": Sizes(2_000, 120, 20_000)}


def seed_world(docebo: Docebo, credly: Credly, size: Size, seed: int) -> dict[int, str]:
    """Fill both remotes; returns the template name that belongs on each course, by course id.

    No additional field exists yet: making it is the product's first step.
    """
    chance = random.Random(f"world {size} {seed}")  # noqa: S311 - repeatable, not secret
    _add_people(docebo, SIZES[size].users)
    if size == "small":
        _add_small_templates(credly)
        intended = _add_small_courses(docebo)
    else:
        titles = _add_large_templates(credly)
        intended = _add_large_courses(docebo, titles, SIZES[size].courses)
    _enroll_people(docebo, chance, SIZES[size].enrollments)
    _add_special_cases(docebo, credly, intended)
    _add_plans(docebo, chance)
    return intended


def _add_people(docebo: Docebo, count: int) -> None:
    """The administrator and the learners; two have no e-mail, two share one, one is deactivated."""
    joined = mysql_time(FIRST_DAY - 30 * DAY)
    docebo.add_user(
        user_id=13001,
        username=docebo.credentials.username,
        first_name="Sandbox",
        last_name="Admin",
        email="admin@acme.example",
        level="Superadmin",
        created_at=joined,
        updated_at=joined,
    )
    for number in range(count):
        first = FIRST_NAMES[number % len(FIRST_NAMES)]
        last = LAST_NAMES[(number + number // len(FIRST_NAMES)) % len(LAST_NAMES)]
        name = f"{first}.{last}".lower() + (f".{number}" if number >= len(FIRST_NAMES) else "")
        email = f"{name}@acme.example"
        if number in (count - 3, count - 2):
            email = ""
        elif number == count - 1:
            email = f"{FIRST_NAMES[4]}.{LAST_NAMES[4]}@acme.example".lower()
        docebo.add_user(
            first_name=first,
            last_name=last,
            username=name,
            email=email,
            active=number != count - 4,
            created_at=joined,
            updated_at=joined,
        )


def _add_template(credly: Credly, name: str, number: int, **details: Any) -> None:
    made = TEMPLATES_MADE + number * 3600.0
    credly.add_template(
        name,
        created_at=made,
        updated_at=made,
        description=f"Awarded for completing {name}.",
        skills=(name.split()[0],),
        **details,
    )


def _add_small_templates(credly: Credly) -> None:
    """Six ordinary ones, one archived, one whose name is taken already, one that allows duplicates."""
    wanted = [template for _, _, template in SMALL_COURSES if template is not None]
    for number, name in enumerate(wanted[:6]):
        _add_template(credly, name, number, **({"expires_after_days": 365} if name == "First Aid Responder" else {}))
    _add_template(credly, "Spreadsheet Skills 2019", 6, state="archived")
    _add_template(credly, "Cloud Foundations", 7)
    _add_template(credly, wanted[6], 8, allow_duplicate_badges=True)


def _add_small_courses(docebo: Docebo) -> dict[int, str]:
    made = mysql_time(FIRST_DAY - 20 * DAY)
    intended = {}
    for name, code, template in SMALL_COURSES:
        course = docebo.add_course(name, code=code, created_at=made, updated_at=made)
        if template is not None:
            intended[course.course_id] = template
    return intended


def _add_large_templates(credly: Credly) -> list[str]:
    """Sixty, of which two are archived, one is a namesake and one allows duplicates; returns the names to select."""
    titles = [f"{topic} {level}" for level, topic in itertools.product(LEVELS, TOPICS)]
    titles[-1] = titles[0]
    for number, name in enumerate(titles):
        archived = number in (len(titles) - 3, len(titles) - 2)
        _add_template(
            credly,
            name,
            number,
            state="archived" if archived else "active",
            allow_duplicate_badges=number == len(titles) - 4,
        )
    return titles[:-3]


def _add_large_courses(docebo: Docebo, titles: list[str], count: int) -> dict[int, str]:
    """Two courses or so for each template; the last course has none."""
    made = mysql_time(FIRST_DAY - 20 * DAY)
    intended = {}
    for number in range(count):
        name = titles[number % len(titles)]
        title = f"{name} {2025 + number // len(titles)}"
        course = docebo.add_course(title, code=f"C-{number + 1:03d}", created_at=made, updated_at=made)
        if number < count - 1:
            intended[course.course_id] = name
    return intended


def _enroll_people(docebo: Docebo, chance: random.Random, count: int) -> None:
    """Enrollments of the learners, no pair twice; six in ten completed."""
    learners = [user.user_id for user in docebo.users.values() if user.level == "User"]
    pairs = list(itertools.product(learners, docebo.courses))
    for user_id, course_id in chance.sample(pairs, count):
        started = chance.uniform(FIRST_DAY, LAST_DAY - 20 * DAY)
        status = chance.choices(("completed", "in_progress", "enrolled", "suspended"), (60, 22, 15, 3))[0]
        done = mysql_time(started + chance.uniform(1, 20) * DAY) if status == "completed" else None
        docebo.enroll(
            user_id,
            course_id,
            status,
            done,
            created_at=mysql_time(started),
            updated_at=done or mysql_time(started + DAY),
            score=float(chance.randint(60, 100)) if done else None,
            seconds_spent=chance.randint(300, 20_000),
        )


def _add_special_cases(docebo: Docebo, credly: Credly, intended: dict[int, str]) -> None:
    """Completions of the first course that every world has: with a shared, a missing and a foreign-held address."""
    learners = [user for user in docebo.users.values() if user.level == "User"]
    course_id = next(iter(intended))
    for number, user in enumerate((learners[3], learners[4], learners[-1], learners[-2], learners[-4])):
        docebo.enroll(user.user_id, course_id, "completed", f"2026-01-{15 + number} 10:30:00", score=88.0)
    docebo.enroll(learners[0].user_id, course_id, "completed", "2025-11-20 16:05:00", score=91.0)
    docebo.enroll(learners[1].user_id, course_id, "completed", "2026-01-01 00:00:00", score=75.0)
    docebo.enroll(learners[2].user_id, course_id, "in_progress", None)
    holder = learners[3]  # somebody issued this badge by hand, and it was accepted
    template = next(one for one in credly.templates.values() if one.name == intended[course_id])
    issued_at = datetime(2026, 1, 20, 14, 0, tzinfo=UTC).timestamp()
    credly.add_account(holder.email)
    badge = credly.issue(
        holder.email,
        template.id,
        first_name=holder.first_name,
        last_name=holder.last_name,
        issued_at=issued_at,
        created_at=issued_at,
        updated_at=issued_at,
    )
    accepted_at = issued_at + DAY
    credly.put(
        replace(badge, state="accepted", state_updated_at=accepted_at, updated_at=accepted_at), "badge.state.changed"
    )


def _add_plans(docebo: Docebo, chance: random.Random) -> None:
    """Two learning plans over the first courses, with a few people in each."""
    courses = list(docebo.courses)
    learners = [user.user_id for user in docebo.users.values() if user.level == "User"]
    made = mysql_time(FIRST_DAY - 20 * DAY)
    for title, code, course_ids in (
        ("New Starter Path", "LP-START", courses[:3]),
        ("Team Lead Path", "LP-LEAD", courses[3:6]),
    ):
        plan = docebo.add_plan(title, course_ids, code=code, created_at=made, updated_at=made)
        for user_id in chance.sample(learners, 8):
            done = mysql_time(chance.uniform(FIRST_DAY, LAST_DAY)) if chance.random() < 0.5 else None
            docebo.enroll_in_plan(user_id, plan.plan_id, "completed" if done else "in_progress", done)
