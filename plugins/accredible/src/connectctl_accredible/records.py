"""Accredible's JSON into the kit's records (accredible.md 2, 3.1, 3.9). Unknown fields are ignored, wrong types named.

One reader for all shapes of a credential: alone and in lists of v1, flat in the search of v2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, cast

from connectctl.api import Credential, CredentialState, DataError, FeedEvent, Template

MARK = "connectctl"  # meta data: our mark, which names tool and change (AC-29)
ENDED = "connectctl_ended"  # meta data: the day of expiry that we wrote to end the credential (AC-60)
OURS = "connectctl-"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def mapping(value: object, place: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise DataError(f"Accredible: {place} is not an object")
    return cast("Mapping[str, Any]", value)


def identity(value: object) -> str:
    """An id as a text, whole number or text as it may be; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return ""
    return str(value).strip()


def group(row: object) -> Template:
    """A group; raises DataError naming the field that is wrong. Accredible knows no archived ones (accredible.md 2).

    Whether it allows duplicates is not shown by every version of the API.
    """
    data = mapping(row, "a group")
    key, name = identity(data.get("id")), words(data.get("name"))
    if not key or not name:
        raise DataError(f"Accredible: {f'group {key}' if key else 'a group'} has no {'name' if key else 'id'}")
    made = words(data.get("created_at"))
    allows = data.get("allow_duplicate_credentials")
    return Template(key, name, "active", made, allows if isinstance(allows, bool) else None)


def has_design(row: Mapping[str, Any]) -> bool:
    """Whether a group has anything to show; without a design nothing of it is published (accredible.md 3.2)."""
    names = ("primary_design_id", "certificate_design_id", "badge_design_id", "design_id", "design_name")
    return any(row.get(name) for name in names) or not any(name in row for name in names)


def credential(row: object) -> Credential:
    """A credential; raises DataError naming the field that is wrong.

    Its id is Accredible's own number wherever that is shown. Not published: draft; in progress: pending. `revoked` is
    one that we ended, as long as the expiry is the day that we wrote; any other expiry is an expiry.
    """
    data = mapping(row, "a credential")
    key = identity(data.get("accredible_internal_id")) or identity(data.get("id"))
    if not key:
        raise DataError("Accredible: a credential has no id")
    place = f"credential {key}"
    template = group_of(data)
    if not template:
        raise DataError(f"Accredible: {place} has no group")
    approve = data.get("approve")
    if not isinstance(approve, bool):
        raise DataError(f"Accredible: {place} does not say whether it is published")
    expires = day(data.get("expired_on"), f"expired_on of {place}")
    published: CredentialState = "pending" if data.get("complete") is False else "accepted"
    published = published if approve else "draft"
    return Credential(
        key,
        template,
        "revoked" if expires and meta_data(data).get(ENDED) == expires.date().isoformat() else published,
        frozenset({email} if (email := email_of(data)) else ()),
        person_of(data),
        expires,
        marks=marks(data),
        issued_at=day(data.get("issued_on"), f"issued_on of {place}"),
        updated_at=moment(data.get("updated_at"), f"updated_at of {place}"),
        link=words(data.get("url")),
        name=words(data.get("name")),
    )


def event(row: object) -> FeedEvent:
    """A credential of the search as news: that it changed then. The same change gives the same event (AC-64)."""
    one = credential(row)
    if one.updated_at is None:
        raise DataError(f"Accredible: credential {one.id} has no updated_at")
    return FeedEvent(f"{one.id}@{one.updated_at.isoformat()}", one.updated_at, "credential", one.id, credential=one)


def group_of(row: Mapping[str, Any]) -> str:
    """The id of a credential's group; "" where the row does not show it."""
    nested = row.get("group")
    return identity(row.get("group_id")) or identity(nested.get("id") if isinstance(nested, dict) else None)


def email_of(row: Mapping[str, Any]) -> str:
    """The recipient's address, trimmed and lower case."""
    return words(_recipient(row).get("email") or row.get("recipient_email")).lower()


def person_of(row: Mapping[str, Any]) -> str | None:
    """The caller's own id of the recipient. A UUID is the credential's, which stands in where there is no other."""
    value = identity(_recipient(row).get("id")) or identity(row.get("recipient_id"))
    return None if not value or _UUID.fullmatch(value) else value


def marks(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that may name us: the caller's own id of the credential, and our meta data."""
    found = (identity(row.get("license_id")), identity(row.get("id")), meta_data(row).get(MARK, ""))
    return tuple(dict.fromkeys(mark for mark in found if mark.startswith(OURS)))


def meta_data(row: Mapping[str, Any]) -> dict[str, str]:
    """The credential's meta data, texts alone."""
    value = row.get("meta_data")
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def words(value: object) -> str:
    """A text without the spaces around it, "" for anything else."""
    return value.strip() if isinstance(value, str) else ""


def day(value: object, place: str) -> datetime | None:
    """A day's first moment in UTC, in which Accredible counts; also from a timestamp, whose day counts. None: none."""
    at = moment(value, place)
    return at and datetime.combine(at.date(), time(), UTC)


def moment(value: object, place: str) -> datetime | None:
    """An ISO 8601 day or time in UTC, or None."""
    if value is None or value == "":
        return None
    try:
        parsed = datetime.fromisoformat(value if isinstance(value, str) else "no text")
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DataError(f"Accredible: {place} is not a day or time: {str(value)[:40]!r}") from error


def _recipient(row: Mapping[str, Any]) -> Mapping[str, Any]:
    value = row.get("recipient")
    return value if isinstance(value, dict) else {}
