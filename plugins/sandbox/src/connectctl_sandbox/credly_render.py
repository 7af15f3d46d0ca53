"""Credly's objects as JSON (credly.md 3 to 7)."""

from __future__ import annotations

from typing import Any

from .clock import iso_time
from .credly import Credly
from .credly_records import Badge, Event, Evidence, Template, Token

IMAGES = "https://images.credly.example"
SITE = "https://www.credly.example"


def organization(credly: Credly) -> dict[str, Any]:
    """The one organization a token sees (credly.md 3)."""
    return {
        "id": credly.organization_id,
        "name": credly.organization_name,
        "vanity_slug": "acme",
        "webhook_url": None,
        "allowed_webhooks": [],
        "verified": True,
        "workforce_enabled": False,
    }


def template(credly: Credly, one: Template) -> dict[str, Any]:
    """A badge template (credly.md 4)."""
    image = {"id": one.id, "url": f"{IMAGES}/{one.id}.png"}
    slug = "-".join(one.name.lower().split())
    count = credly.badge_count(one.id)
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "state": one.state,
        "public": one.public,
        "visibility": "public" if one.public else "private",
        "allow_duplicate_badges": one.allow_duplicate_badges,
        "recipient_type": "User",
        "badges_count": count,
        "get_issue_count": count,
        "vanity_slug": slug,
        "level": "Foundational",
        "type_category": "Learning",
        "time_to_earn": None,
        "cost": None,
        "certification": False,
        "lock_badge_state": False,
        "send_expiring_badge_notifications": False,
        "printing_disabled": False,
        "global_activity_url": None,
        "criteria_url": None,
        "criteria_url_name": None,
        "state_updated_at": None,
        "created_at": iso_time(one.created_at),
        "updated_at": iso_time(one.updated_at),
        "image": image,
        "image_url": image["url"],
        "url": f"{SITE}/org/acme/badge/{slug}",
        "owner": _owner(credly) | {"vanity_slug": "acme", "verified": True, "viewable": True},
        "alignments": [],
        "recommendations": [],
        "required_badge_templates": [],
        "badge_template_activities": [],
        "skills": list(one.skills),
        "reporting_tags": list(one.reporting_tags),
    }


def badge(credly: Credly, one: Badge) -> dict[str, Any]:
    """An issued badge with a full copy of its template (credly.md 5.1)."""
    image_url = f"{IMAGES}/{one.template_id}.png"
    data: dict[str, Any] = _names(one) | {
        "id": one.id,
        "state": one.state,
        "public": one.public,
        "locale": one.locale,
        "recipient_email": one.recipient_email,
        "issuer_earner_id": one.issuer_earner_id,
        "issued_at": iso_time(one.issued_at),
        "issued_at_date": iso_time(one.issued_at)[:10],
        "expires_at": _time(one.expires_at),
        "expires_at_date": None if one.expires_at is None else iso_time(one.expires_at)[:10],
        "state_updated_at": _time(one.state_updated_at),
        "created_at": iso_time(one.created_at),
        "updated_at": iso_time(one.updated_at),
        "replacement_badge_id": one.replacement_badge_id,
        "replaces_badge_id": one.replaces_badge_id,
        "revocation_reason": one.revocation_reason,
        "suppress_badge_notification_email": one.suppressed,
        "country": one.country,
        "country_code": None if one.country is None else one.country[:2].upper(),
        "state_or_province": one.state_or_province,
        "printing_enabled": False,
        "print_method": None,
        "image": {"id": one.template_id, "url": image_url},
        "image_url": image_url,
        "alignments": [],
        "evidence": [evidence(item) for item in one.evidence],
        "user": _user(credly, one),
        "badge_template": template(credly, credly.every_template[one.template_id]),
        "created_by": _owner(credly),
        "issuer": {
            "summary": f"issued by {credly.organization_name}",
            "entities": [
                {"label": "Issued by", "primary": True, "entity": _owner(credly) | {"verified": True}},
            ],
        },
    }
    page = f"{SITE}/badges/{one.id}"
    # Pending: only the accept address; accepted: the page, and after a replacement both; revoked: neither (5.1).
    if one.state == "pending" or (one.state == "accepted" and one.replaces_badge_id is not None):
        data["accept_badge_url"] = f"{page}/accept"
    if one.state == "accepted":
        data["badge_url"] = page
    return data


def minimal_badge(credly: Credly, one: Badge) -> dict[str, Any]:
    """The short row of the bulk search: no replacement and no revocation reason (credly.md 5.3)."""
    full = badge(credly, one)
    kept = ("id", "issuer_earner_id", "public", "recipient_email", "state", "created_at", "updated_at", "expires_at")
    return _names(one) | {
        **{name: full[name] for name in (*kept, "issued_at", "state_updated_at")},
        "badge_url": full.get("badge_url"),
        "badge_template": {"id": one.template_id, "name": full["badge_template"]["name"]},
        "user": {"id": full["user"]["id"]} if full["user"] else {},
    }


def evidence(item: Evidence) -> dict[str, Any]:
    """A piece of evidence under Credly's own id (credly.md 5.5); the id an IdEvidence was sent with is not shown."""
    if item.type == "UrlEvidence":
        return {
            "id": item.id,
            "type": item.type,
            "name": item.name,
            "description": item.description,
            "value": item.value,
        }
    return {"id": item.id, "type": item.type, "title": item.name, "description": item.description}


def event(credly: Credly, one: Event, *, subject: bool) -> dict[str, Any]:
    """An event: the header, and its subject beside it under its own name when asked for (credly.md 7)."""
    header = {
        "id": one.id,
        "event_type": one.event_type,
        "organization_id": credly.organization_id,
        "occurred_at": iso_time(one.occurred_at),
    }
    if not subject:
        return header
    gone = {"id": one.subject.id}
    if isinstance(one.subject, Badge):
        shown = one.subject if credly.flags.event_state == "snapshot" else credly.badges.get(one.subject.id)
        return header | {"badge": gone if shown is None else badge(credly, shown)}
    was = one.subject if credly.flags.event_state == "snapshot" else credly.templates.get(one.subject.id)
    return header | {"badge_template": gone if was is None else template(credly, was)}


def token(one: Token) -> dict[str, Any]:
    """An authorization token with its secret, as the real list shows it (credly.md 1.2)."""
    return {
        "id": one.id,
        "token": one.token,
        "name": one.name,
        "read_enabled": one.read,
        "write_enabled": one.write,
        "delete_enabled": one.delete,
        "created_at": iso_time(one.created_at),
        "expires_at": iso_time(one.expires_at),
    }


def _names(one: Badge) -> dict[str, Any]:
    parts = [one.first_name, one.middle_name, one.last_name]
    return {
        "issued_to": " ".join(part for part in parts if part),
        "issued_to_first_name": one.first_name,
        "issued_to_middle_name": one.middle_name,
        "issued_to_last_name": one.last_name,
    }


def _user(credly: Credly, one: Badge) -> dict[str, Any]:
    """The earner's account; an empty object when the address has none (credly.md 5.1)."""
    account_id = credly.account_of(one)
    if account_id is None:
        return {}
    return {
        "id": account_id,
        "email": credly.accounts.addresses(account_id)[0],
        "first_name": one.first_name,
        "middle_name": one.middle_name,
        "last_name": one.last_name,
        "confirmed": True,
        "photo_url": None,
        "url": f"{SITE}/users/{account_id}",
    }


def _owner(credly: Credly) -> dict[str, Any]:
    return {"type": "Organization", "id": credly.organization_id, "name": credly.organization_name}


def _time(value: float | None) -> str | None:
    return None if value is None else iso_time(value)
