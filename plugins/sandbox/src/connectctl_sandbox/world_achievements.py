"""The seeded certifications, awards and external training, drawn apart so that the rest of the world stays."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from .clock import mysql_time
from .credly import DAY, Credly
from .docebo import Docebo
from .world import FIRST_DAY, LAST_DAY, Size

LARGE_CERTIFICATIONS = 20
LARGE_AWARDS = 400

SMALL_CERTIFICATIONS = (
    ("FIRST-AID", "First Aider", 3, "First Aid Responder"),
    ("FORKLIFT", "Forklift Operator", 3, "Forklift Safety"),
    ("PRIVACY", "Privacy Officer", 0, "Data Protection Practitioner"),
)
"""Code, title, years (0: never ends), and the name of the template that fits."""


def seed_achievements(docebo: Docebo, credly: Credly, size: Size, seed: int) -> dict[str, str]:
    """Add them to a seeded world, and forget its events; returns the fitting template's id by certification code."""
    chance = random.Random(f"achievements {size} {seed}")  # noqa: S311 - repeatable, not secret
    docebo.add_training_field("Link to the credential")
    docebo.add_training_field("Credential id")
    by_name = {one.name: one.id for one in reversed(credly.templates.values()) if one.state == "active"}
    if size == "small":
        suggested = {}
        for code, title, years, template in SMALL_CERTIFICATIONS:
            docebo.add_certification(code, title, duration=years)
            suggested[code] = by_name[template]
        _small_awards(docebo)
    else:
        suggested = _large(docebo, list(by_name.items()), chance)
    docebo.forget_events()
    return suggested


def _small_awards(docebo: Docebo) -> None:
    """An always valid, an expiring, an expired and a renewed one; none of the four has finished the course as well."""
    first_aid, forklift, privacy = _outsiders(docebo, 83)[:2], _outsiders(docebo, 82), _outsiders(docebo, 81)
    renewed = next(user_id for user_id in forklift if user_id not in first_aid)
    valid = next(user_id for user_id in privacy if user_id not in {*first_aid, renewed})
    for user_id, code, issued, expires, course_id in (
        (first_aid[0], "FIRST-AID", "2026-01-15 10:00:00", None, 83),
        (first_aid[1], "FIRST-AID", "2022-12-01 10:00:00", None, 83),
        (renewed, "FORKLIFT", "2023-02-01 10:00:00", None, 82),
        (renewed, "FORKLIFT", "2026-01-25 10:00:00", None, 82),
        (valid, "PRIVACY", "2026-02-10 17:31:06", None, 81),
    ):
        docebo.award(user_id, code, issued, expires, origin_id=course_id, created_at=issued, updated_at=issued)
    training = {"from_date": "2025-11-03", "to_date": "2025-11-05", "institute": "Red Cross"}
    docebo.add_training(valid, "First aid refresher", course_code="RC-FA", **training)


def _outsiders(docebo: Docebo, course_id: int) -> list[int]:
    """Active learners with an address of their own who have nothing to do with a course."""
    emails = [user.email for user in docebo.users.values()]
    return [
        user.user_id
        for user in docebo.users.values()
        if user.level == "User"
        and user.active
        and user.email
        and emails.count(user.email) == 1
        and (user.user_id, course_id) not in docebo.enrollments
    ]


def _large(docebo: Docebo, templates: list[tuple[str, str]], chance: random.Random) -> dict[str, str]:
    """Twenty certifications, each fourth without an end; awards of the last six years, many of them renewed."""
    suggested, courses = {}, list(docebo.courses)
    for number, (name, template_id) in enumerate(templates[:LARGE_CERTIFICATIONS], 1):
        code = f"CERT-{number:02d}"
        docebo.add_certification(code, f"{name} Certified", duration=number % 4)
        suggested[code] = template_id
    learners = [user.user_id for user in docebo.users.values() if user.level == "User"]
    codes = list(suggested)
    begin = datetime(2020, 3, 1, tzinfo=UTC).timestamp()
    for number in range(LARGE_AWARDS):
        recent = number % 3 > 0
        first = chance.uniform(FIRST_DAY if recent else begin, LAST_DAY if recent else FIRST_DAY)
        user_id, code, course_id = chance.choice(learners), chance.choice(codes), chance.choice(courses)
        times = [first] if recent else [first, chance.uniform(first + 200 * DAY, LAST_DAY + 200 * DAY)]
        for moment in (mysql_time(one) for one in times if one < LAST_DAY):
            docebo.award(user_id, code, moment, origin_id=course_id, created_at=moment, updated_at=moment)
    return suggested
