"""The strict reading of Accredible's bodies and parameters (accredible.md 2 to 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .web import Refused

EMAIL = re.compile(r"[^@\s,|]+@[^@\s,|]+\.[^@\s,|]+")
BLANK = "can't be blank"

Reader = Callable[[Any], Any]
"""Turns a value into what is kept; ValueError says what is wrong. Null is never asked: it stands for nothing."""


class Invalid(Refused):
    """422 with what is wrong by property; `plain` words it as one text (accredible.md 8)."""

    def __init__(self, problems: Mapping[str, list[str]], *, plain: bool = False) -> None:
        said = [
            f"{name.replace('.', ' ').replace('_', ' ').capitalize()} {words[0]}" for name, words in problems.items()
        ]
        super().__init__(422, ", ".join(said), errors=None if plain else dict(problems))
        self.problems = problems


def wrapped(body: Mapping[str, Any], root: str) -> dict[str, Any]:
    """What stands under the root key; Refused 400 without it."""
    value = body.get(root)
    if not isinstance(value, dict) or not value or set(body) != {root}:
        raise Refused(400, f"param is missing or the value is empty: {root}")
    return value


def read(
    sent: Mapping[str, Any], allowed: Mapping[str, Reader], required: tuple[str, ...] = (), *, strict: bool = True
) -> dict[str, Any]:
    """The values by name, null for null; Invalid with every problem. `strict`: unknown attributes are problems."""
    problems = {name: [BLANK] for name in required if blank(sent.get(name))}
    values: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in allowed:
            if strict:
                problems[name] = ["is not permitted"]
            continue
        try:
            values[name] = None if value is None else allowed[name](value)
        except ValueError as error:
            problems.setdefault(name, [str(error)])
    if problems:
        raise Invalid(problems)
    return values


def parameters(sent: Mapping[str, Any], allowed: Mapping[str, Reader]) -> dict[str, Any]:
    """The parameters of a list or search; what does not fit is a bad request."""
    try:
        values = read(sent, allowed)
    except Invalid as refused:
        raise Refused(400, refused.message) from refused
    return {name: value for name, value in values.items() if value is not None}


def blank(value: Any) -> bool:
    """Nothing, or nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def text(value: Any) -> str | None:
    """A text; an empty one is nothing."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value or None


def email(value: Any) -> str:
    """An e-mail address, in lower case as it is kept."""
    if not isinstance(value, str) or not EMAIL.fullmatch(value):
        raise ValueError("is invalid")
    return value.lower()


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def whole(value: Any) -> int:
    """A whole number, also as text, which older documents and query strings have."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is not a number")
    return value


def counted(value: Any) -> int:
    """A whole number from 1 on."""
    if whole(value) < 1:
        raise ValueError("must be greater than 0")
    return whole(value)


def wholes(value: Any) -> list[int]:
    """Whole numbers."""
    return [whole(item) for item in array(value)]


def texts(value: Any) -> tuple[str, ...]:
    """Texts."""
    if not all(isinstance(item, str) for item in array(value)):
        raise ValueError("must be an array of strings")
    return tuple(value)


def array(value: Any) -> list[Any]:
    """An array."""
    if not isinstance(value, list):
        raise ValueError("must be an array")
    return value


def ids(value: Any) -> tuple[int, ...]:
    """Objects with an id."""
    if not all(isinstance(item, dict) and set(item) == {"id"} for item in array(value)):
        raise ValueError("must be an array of objects with id")
    return tuple(whole(item["id"]) for item in value)


def thing(value: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


def strings(value: Any) -> dict[str, str]:
    """A map of strings, as all meta data is."""
    if not all(isinstance(item, str) for item in thing(value).values()):
        raise ValueError("must be an object of strings")
    return dict(value)


def attributes(value: Any) -> dict[str, Any]:
    """Custom attributes: texts and numbers by name, known or not (accredible.md 3.2)."""
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in thing(value).values()):
        raise ValueError("must be an object of strings")
    return dict(value)


def grade(value: Any) -> str | int | float:
    """A grade, which clients send as text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is invalid")
    return value


def own_id(value: Any) -> str:
    """The caller's own id."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a string")
    return value


def day(value: Any) -> str:
    """A day as `YYYY-MM-DD`."""
    return _day(value, "%Y-%m-%d")


def old_day(value: Any) -> str:
    """A day, also in the deprecated form `DD/MM/YYYY` of v1 (accredible.md 1)."""
    return _day(value, "%Y-%m-%d", "%d/%m/%Y")


def loose_day(value: Any) -> str:
    """A day or a timestamp, of which the day counts."""
    try:
        return old_day(value)
    except ValueError:
        return _day(value, "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f%z")


def _day(value: Any, *forms: str) -> str:
    for form in forms if isinstance(value, str) else ():
        try:
            read_time = datetime.strptime(value, form)
        except ValueError:
            continue
        if form == "%Y-%m-%d" and len(value) != 10:  # strptime takes 2026-2-1, the documents do not
            continue
        return read_time.strftime("%Y-%m-%d")
    raise ValueError("is not a valid date")


def choice(*allowed: str) -> Reader:
    """One of the given words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError("is not included in the list")
        return str(value)

    return check


def language(value: Any) -> str:
    """A language code; which 21 there are is not known."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2}(-[A-Za-z]{2,4})?", value):
        raise ValueError("is not included in the list")
    return value


GROUP: dict[str, Reader] = {
    "name": text,
    "course_name": text,
    "course_description": text,
    "course_link": text,
    "language": language,
    "attach_pdf": boolean,
    "blockchain": boolean,
    "design_id": whole,
    "certificate_design_id": whole,
    "badge_design_id": whole,
    "primary_design_id": whole,
    "department_id": whole,
    "meta_data": strings,
    "learning_outcomes": texts,
    "generate_private_credential": boolean,
    "auto_expiry": whole,
    "allow_duplicate_credentials": boolean,
    "achievement_type": text,
    "skill_category_id": whole,
    "collections": ids,
    "signup_url": text,
    "signup_url_show": boolean,
    "course_link_show": boolean,
    "organization_link_show": boolean,
}
GROUP_REQUIRED = ("name", "course_name", "course_description")

RECIPIENT: dict[str, Reader] = {
    "name": text,
    "email": email,
    "id": text,
    "phone_number": text,
    "meta_data": strings,
}

CREDENTIAL: dict[str, Reader] = {
    "recipient": thing,
    "group_id": whole,
    "group_name": text,
    "id": own_id,
    "name": text,
    "description": text,
    "issued_on": old_day,
    "expired_on": old_day,
    "course_link": text,
    "grade": grade,
    "complete": boolean,
    "private": boolean,
    "approve": boolean,
    "custom_attributes": attributes,
    "meta_data": strings,
    "allow_supplemental_evidence": boolean,
    "allow_supplemental_references": boolean,
    "evidence_items": array,
    "references": array,
}

EVIDENCE: dict[str, Reader] = {
    "description": text,
    "category": choice("file", "url", "video", "grade", "transcript", "course_duration"),
    "url": text,
    "file": text,
    "string_object": text,
    "preview": text,
    "position": whole,
    "custom_insight": boolean,
    "hidden": boolean,
}
EVIDENCE_REQUIRED = ("description", "category")

REFERENCE: dict[str, Reader] = {
    "description": text,
    "relationship": choice("taught", "managed", "mentored", "worked", "studied", "friends", "stranger", "professor"),
    "referee": thing,
    "position": whole,
}
REFERENCE_REQUIRED = ("description", "relationship")

PAGING: dict[str, Reader] = {"page": counted, "page_size": counted}
ISSUED: dict[str, Reader] = {"start_date": old_day, "end_date": old_day}
UPDATED: dict[str, Reader] = {"start_updated_date": old_day, "end_updated_date": old_day}
