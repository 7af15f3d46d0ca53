"""Credly's JSON into the kit's records (credly.md 4 and 5.1). Unknown fields are ignored, wrong types are named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, cast

from connectctl.api import Credential, CredentialState, DataError, FeedEvent, Template, TemplateState

STATES = ("pending", "accepted", "rejected", "revoked")


def text(row: Mapping[str, Any], name: str, place: str) -> str:
    """A field that has to be a text with something in it."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"Credly: {place} has no {name}, or one that is not a text")
    return value.strip()


def mapping(value: object, place: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise DataError(f"Credly: {place} is not an object")
    return cast("Mapping[str, Any]", value)


def template(row: object, place: str = "a badge template") -> Template:
    """A badge template; raises DataError naming the field that is wrong."""
    data = mapping(row, place)
    key = text(data, "id", place)
    state = data.get("state")
    if state not in ("active", "archived", "draft"):
        raise DataError(f"Credly: badge template {key} has the unknown state {state!r}")
    return Template(
        key,
        text(data, "name", f"badge template {key}"),
        cast("TemplateState", state),
        str(data.get("created_at") or ""),
        data.get("allow_duplicate_badges") is True,
    )


def credential(row: object, place: str = "a badge") -> Credential:
    """An issued badge; raises DataError naming the field that is wrong."""
    data = mapping(row, place)
    key = text(data, "id", place)
    state = data.get("state")
    if state not in STATES:
        raise DataError(f"Credly: badge {key} has the unknown state {state!r}")
    user = data.get("user")
    addresses = [data.get("recipient_email"), user.get("email") if isinstance(user, dict) else None]
    emails = frozenset(a.strip().lower() for a in addresses if isinstance(a, str) and a.strip())
    earner = data.get("issuer_earner_id")
    made_from = mapping(data.get("badge_template"), f"badge_template of badge {key}")
    successor = _words(data.get("replacement_badge_id"))
    return Credential(
        key,
        text(made_from, "id", f"badge {key}"),
        cast("CredentialState", state),
        emails,
        str(earner).strip() or None if earner is not None else None,
        moment(data.get("expires_at"), f"expires_at of badge {key}"),
        bool(successor),
        tuple(_marks(data.get("evidence"))),
        moment(data.get("issued_at"), f"issued_at of badge {key}"),
        moment(data.get("updated_at"), f"updated_at of badge {key}"),
        _words(data.get("replaces_badge_id")) or None,
        successor or None,
        _words(data.get("badge_url")) or _words(data.get("accept_badge_url")),  # a revoked one has neither
        _words(made_from.get("name")),
    )


def event(row: object, place: str = "an event") -> FeedEvent:
    """Something that happened; raises DataError naming the field that is wrong.

    An event of a kind that is not known is "other". What it shows of a badge may be missing or cut short: it is a hint.
    """
    data = mapping(row, place)
    key, what = text(data, "id", place), text(data, "event_type", place)
    at = moment(data.get("occurred_at"), f"occurred_at of event {key}")
    if at is None:
        raise DataError(f"Credly: event {key} has no occurred_at")
    family, _, change = what.partition(".")
    if family not in ("badge", "badge_template"):
        return FeedEvent(key, at, "other", "")
    subject = data.get(family)
    shown = subject if isinstance(subject, dict) else {}
    badge = None
    if family == "badge" and shown:
        try:
            badge = credential(shown)
        except DataError:
            badge = None
    kind: Literal["credential", "template"] = "credential" if family == "badge" else "template"
    return FeedEvent(key, at, kind, _words(shown.get("id")), change == "deleted", badge)


def _words(value: object) -> str:
    """A text without the spaces around it, "" for anything else."""
    return value.strip() if isinstance(value, str) else ""


def _marks(evidence: object) -> list[str]:
    """Every word that may be our mark: Credly gives evidence ids of its own, so the description carries it too."""
    words: list[str] = []
    for item in evidence if isinstance(evidence, list) else ():
        if isinstance(item, dict):
            words.append(str(item.get("id") or ""))
            words += str(item.get("description") or "").strip("]").replace("[", " ").split()
    return [word for word in words if word.startswith("connectctl-")]


def moment(value: object, place: str) -> datetime | None:
    """An ISO 8601 time in UTC, or None."""
    if value in (None, "", False):
        return None
    try:
        parsed = datetime.fromisoformat(str(value))
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DataError(f"Credly: {place} is not a time: {str(value)[:40]!r}") from error
