"""Issuing and replacing badges, with the duplicate rule (credly.md 5.5, 5.7, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import credly_body as body
from . import credly_render as render
from .credly import DAY, Credly
from .credly_body import Problem, RefusedItem
from .credly_records import BATCH, Badge, Evidence, Template
from .web import Call, Refused, Response, Route


def issue(credly: Credly, call: Call) -> Response:
    """201 with a new badge; 200 with the existing one when `duplicate_behavior=replace` had nothing to change."""
    status, badge = _issued(credly, call.body)
    return _answer(credly, status, badge)


def issue_batch(credly: Credly, call: Call) -> Response:
    """201 with the badges in the order of the request; the first item that is refused refuses all (5.6)."""
    if not credly.flags.enable_batch:
        raise Refused(404, "Not found")
    items = body.read_body(call.body, body.BATCH, ("badges",), strict=False)["badges"]
    if len(items) > BATCH:
        body.refuse(Problem("badges", f"holds more than {BATCH} badges"))
    made = []
    with credly.all_or_nothing():
        for index, item in enumerate(items):
            try:
                made.append(_issued(credly, item)[1])
            except Refused as refused:
                raise RefusedItem(refused, index) from refused
    return Response(201, {"data": [render.badge(credly, badge) for badge in made], "metadata": {}})


def _issued(credly: Credly, sent: Mapping[str, Any]) -> tuple[int, Badge]:
    """The status and the badge for one body; written with its events."""
    values = body.read_body(sent, body.ISSUE, body.ISSUE_REQUIRED, credly.flags.strict_dates)
    template = _issuable(credly, values["badge_template_id"])
    new = _new_badge(credly, template, values)
    wanted = values.get("duplicate_behavior", "deny")
    held = [] if template.allow_duplicate_badges else _duplicates(credly, new)
    if not held or wanted == "allow":
        credly.put(new, "badge.created")
        return 201, new
    if wanted == "deny":
        raise Refused(422, "The recipient already has this badge")
    return _replace_duplicate(credly, held[-1], new)


def _duplicates(credly: Credly, new: Badge) -> list[Badge]:
    """The badges that stand in the way: rejected ones do, replaced ones only through their successor (8.1)."""
    flags = credly.flags
    held = [
        badge
        for badge in credly.held_by(new.template_id, new.recipient_email, new.issuer_earner_id)
        if badge.live or (badge.state == "revoked" and flags.revoked_blocks and badge.replacement_badge_id is None)
    ]
    if not flags.old_duplicate_rule:
        return held
    return [
        badge
        for badge in held
        if badge.recipient_email.lower() == new.recipient_email.lower()
        and (badge.issued_at == new.issued_at or (badge.expires_at is not None and badge.expires_at == new.expires_at))
    ]


def _replace_duplicate(credly: Credly, old: Badge, new: Badge) -> tuple[int, Badge]:
    """The existing badge with the sent data: what is left out is erased, `issued_at` stays (8.1)."""
    same_email = old.recipient_email.lower() == new.recipient_email.lower()
    same_earner = old.issuer_earner_id is not None and old.issuer_earner_id == new.issuer_earner_id
    if not same_email and not (same_earner and old.state == "pending"):
        raise Refused(422, "The recipient email of this badge cannot be changed")
    if old.state == "revoked":
        raise Refused(422, "A revoked badge cannot be replaced")
    if _content(old) == _content(new):
        return 200, old
    return 201, _succeed(credly, old, replace(new, issued_at=old.issued_at))


def _content(badge: Badge) -> tuple[Any, ...]:
    """What makes two records identical for a duplicate replace; the time of issue is not part of it."""
    return (
        badge.recipient_email.lower(),
        badge.issuer_earner_id,
        badge.first_name,
        badge.middle_name,
        badge.last_name,
        badge.expires_at,
        badge.group,
        badge.country,
        badge.state_or_province,
        [item.content() for item in badge.evidence],
    )


def replace_badge(credly: Credly, call: Call) -> Response:
    """201 with the successor. What is optional and left out is erased; names and address stay (5.7)."""
    old = credly.badges.get(call.ids[0])
    if old is None:
        raise Refused(404, "Badge not found")
    given = body.read_body(call.body, body.REPLACE, body.REPLACE_REQUIRED, credly.flags.strict_dates)
    if old.state == "revoked":
        raise Refused(422, "A revoked badge cannot be replaced")
    if old.replacement_badge_id is not None:
        raise Refused(422, "This badge has already been replaced")
    template = _issuable(credly, given["badge_template_id"])
    values = _old_names(old, given) | {name: value for name, value in given.items() if value is not None}
    values.setdefault("recipient_email", old.recipient_email)
    if values["recipient_email"].lower() != old.recipient_email.lower() and old.state != "pending":
        body.refuse(Problem("recipient_email", "can only be changed while the badge is pending"))
    return _answer(credly, 201, _succeed(credly, old, _new_badge(credly, template, values)))


def _old_names(old: Badge, given: Mapping[str, Any]) -> dict[str, Any]:
    """The names a replacement keeps; `issued_to` of older bodies is split at its first space."""
    first, _, last = (given.get("issued_to") or "").partition(" ")
    return {"issued_to_first_name": first or old.first_name, "issued_to_last_name": last or old.last_name}


def _succeed(credly: Credly, old: Badge, new: Badge) -> Badge:
    """Link the two, keep the state, and write both with their events."""
    new = replace(
        new,
        state=old.state,
        state_updated_at=old.state_updated_at,
        account_id=old.account_id,
        public=old.public,
        replaces_badge_id=old.id,
    )
    credly.put(new, "badge.created")
    credly.put(replace(old, replacement_badge_id=new.id, updated_at=credly.clock.now()), "badge.state.changed")
    return new


def _issuable(credly: Credly, template_id: str) -> Template:
    template = credly.templates.get(template_id)
    if template is None:
        raise Refused(422, f"Invalid or missing Badge Template ID: {template_id}")
    if template.state != "active":
        raise Refused(422, f"The badge template is {template.state} and cannot issue badges")
    return template


def _new_badge(credly: Credly, template: Template, values: Mapping[str, Any]) -> Badge:
    now = credly.clock.now()
    expires_at = values.get("expires_at")
    if expires_at is None and template.expires_after_days is not None:
        expires_at = values["issued_at"] + template.expires_after_days * DAY
    return Badge(
        id=credly.new_id(),
        template_id=template.id,
        recipient_email=values["recipient_email"],
        first_name=values["issued_to_first_name"],
        middle_name=values.get("issued_to_middle_name"),
        last_name=values["issued_to_last_name"],
        issuer_earner_id=values.get("issuer_earner_id"),
        issued_at=values["issued_at"],
        expires_at=None if expires_at == body.NEVER else expires_at,
        created_at=now,
        updated_at=now,
        state="accepted" if credly.flags.auto_accept else "pending",
        locale=values.get("locale", "en"),
        suppressed=values.get("suppress_badge_notification_email", False),
        country=values.get("country_name"),
        state_or_province=values.get("state_or_province"),
        group=values.get("issuer_earner_group"),
        evidence=tuple(_evidence(credly, item) for item in values.get("evidence", ())),
    )


def _evidence(credly: Credly, item: Mapping[str, Any]) -> Evidence:
    """An item under an id of its own: the id that came with an IdEvidence is not the one that is answered (5.5)."""
    return Evidence(
        id=credly.new_id(),
        type=item["type"],
        name=item["name"] if item["type"] == "UrlEvidence" else item["title"],
        description=item.get("description"),
        value=item.get("value"),
        given_id=item.get("id"),
    )


def _answer(credly: Credly, status: int, badge: Badge) -> Response:
    return Response(status, {"data": render.badge(credly, badge), "metadata": {}})


ROUTES: tuple[Route[Credly], ...] = (
    Route("POST", r"/badges", issue, body="json"),
    Route("POST", r"/badges/batch", issue_batch, body="json"),
    Route("POST", r"/badges/([^/]+)/replace", replace_badge, body="json"),
)
