"""The strict reading of the bodies of issue, batch, replace and revoke (credly.md 5.5 to 5.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .credly_records import LOCALES
from .web import Refused

DOCUMENTED = "%Y-%m-%d %H:%M:%S %z"
LENIENT = (
    DOCUMENTED,
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %I:%M:%S %p %z",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d",
)
EMAIL = re.compile(r"[^@\s,|]+@[^@\s,|]+\.[^@\s,|]+")

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one attribute."""

    attribute: str
    message: str

    def as_data(self) -> dict[str, Any]:
        """As it stands in `data.errors` (credly.md 5.10)."""
        label = self.attribute.replace("_", " ").capitalize()
        return {"attribute": self.attribute, "attribute_label": label, "messages": [self.message]}


Reader = Callable[[Any, bool], Any]
"""Turns a body value into what is stored (second argument: strict dates); ValueError says what is wrong."""


def read_body(body: Mapping[str, Any], allowed: Mapping[str, Reader], required: tuple[str, ...], strict: bool) -> Any:
    """The values by name. Refused 422 with every problem: unknown or missing attributes, values that do not fit."""
    problems = [Problem(name, "is not an attribute") for name in body if name not in allowed]
    problems += [Problem(name, "can't be blank") for name in required if body.get(name) in (None, "")]
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name not in allowed or (name in required and value in (None, "")):
            continue
        try:
            values[name] = allowed[name](value, strict)
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    if problems:
        refuse(*problems)
    return values


def refuse(*problems: Problem) -> None:
    """Raise the 422 of a body that does not validate."""
    said = [one.as_data() for one in problems]
    message = "; ".join(f"{item['attribute_label']} {item['messages'][0]}" for item in said)
    raise Refused(422, message, errors=said)


class RefusedItem(Refused):
    """One item of a batch was refused, and with it the whole; `index` counts from 0 (credly.md 5.6)."""

    def __init__(self, refused: Refused, index: int) -> None:
        super().__init__(refused.status, refused.message, errors=refused.errors)
        self.index = index


def string(value: Any, strict: bool) -> str | None:
    """A text or null."""
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a string")
    return value or None


def email(value: Any, strict: bool) -> str:
    """An e-mail address."""
    if not isinstance(value, str) or not EMAIL.fullmatch(value):
        raise ValueError("is not a valid email address")
    return value


def boolean(value: Any, strict: bool) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be a boolean")
    return value


def locale(value: Any, strict: bool) -> str:
    """A language of Credly's mails; null is the default."""
    if value is None:
        return "en"
    if value not in LOCALES:
        raise ValueError(f"must be one of {', '.join(LOCALES)}")
    return str(value)


def behavior(value: Any, strict: bool) -> str:
    """What to do about a duplicate."""
    if value not in ("replace", "allow", "deny"):
        raise ValueError("must be replace, allow or deny")
    return str(value)


def group(value: Any, strict: bool) -> str | None:
    """The group tag: an object with a name."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"name"} or not isinstance(value["name"], str):
        raise ValueError("must be an object with name")
    return value["name"]


def moment(value: Any, strict: bool) -> float:
    """A time in seconds since 1970. Without an offset it is taken as UTC; strict takes only the documented form."""
    if not isinstance(value, str):
        raise ValueError("must be a date")
    for form in (DOCUMENTED,) if strict else LENIENT:
        try:
            return _seconds(datetime.strptime(value, form))
        except ValueError:
            continue
    if not strict:
        try:
            return _seconds(datetime.fromisoformat(value))
        except ValueError:
            pass
    raise ValueError("is not a valid date")


def expiry(value: Any, strict: bool) -> float | None:
    """When the badge ends: None for the template's default, NEVER for false (credly.md 5.5)."""
    if value is None:
        return None
    if value is False:
        return NEVER
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return moment(value, False)
    return moment(value, strict)


def evidence(value: Any, strict: bool) -> list[dict[str, Any]]:
    """UrlEvidence or IdEvidence items as they were sent."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("must be an array")
    return [_evidence_item(item) for item in value]


def _evidence_item(item: Any) -> dict[str, Any]:
    needed = {"UrlEvidence": ("name", "value"), "IdEvidence": ("title", "id")}
    if not isinstance(item, dict) or item.get("type") not in needed:
        raise ValueError("holds an item that is neither UrlEvidence nor IdEvidence")
    must = needed[item["type"]]
    unknown = sorted(set(item) - {"type", "description", *must})
    if unknown:
        raise ValueError(f"holds an item with the unknown attribute {unknown[0]}")
    if not all(isinstance(item.get(name), str) and item[name] for name in must):
        raise ValueError(f"holds an item without {' or '.join(must)}")
    if not isinstance(item.get("description", ""), str | None):
        raise ValueError("holds an item whose description is not a string")
    if item["type"] == "UrlEvidence" and not re.match(r"https?://\S+$", item["value"]):
        raise ValueError("holds an item whose value is not a URL")
    return dict(item)


def batch(value: Any, strict: bool) -> list[dict[str, Any]]:
    """The bodies of a batch, one at least."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ValueError("must be an array of badges")
    return value


def _seconds(moment_read: datetime) -> float:
    return (moment_read if moment_read.tzinfo else moment_read.replace(tzinfo=UTC)).timestamp()


PERSON: dict[str, Reader] = {
    "issued_to_first_name": string,
    "issued_to_middle_name": string,
    "issued_to_last_name": string,
    "issuer_earner_id": string,
    "recipient_email": email,
    "badge_template_id": string,
    "issued_at": moment,
    "expires_at": expiry,
    "locale": locale,
    "suppress_badge_notification_email": boolean,
    "country_name": string,
    "state_or_province": string,
    "evidence": evidence,
    "issuer_earner_group": group,
}

ISSUE: dict[str, Reader] = PERSON | {"duplicate_behavior": behavior}
ISSUE_REQUIRED = (
    "recipient_email",
    "issued_to_first_name",
    "issued_to_last_name",
    "badge_template_id",
    "issued_at",
)

REPLACE: dict[str, Reader] = PERSON | {"issued_to": string, "notification_message": string}
REPLACE_REQUIRED = ("badge_template_id", "issued_at")

BATCH: dict[str, Reader] = {"badges": batch}

REVOKE: dict[str, Reader] = {"reason": string, "suppress_revoke_notification_email": boolean}
REVOKE_REQUIRED = ("reason",)
