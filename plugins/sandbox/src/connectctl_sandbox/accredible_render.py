"""Accredible's objects as JSON (accredible.md 2, 3.1, 3.9, 4, 5)."""

from __future__ import annotations

import json
from typing import Any

from .accredible import Accredible
from .accredible_records import Attachment, AttributeKey, Credential, Department, Group
from .clock import iso_time

IMAGES = "https://images.accredible.example"
SITE = "https://www.credential.example"


def issuer(accredible: Accredible) -> dict[str, Any]:
    """The account (accredible.md 5.1)."""
    return _issuer(accredible) | {
        "email": "issuer@acme.example",
        "certificate_left": accredible.credits,
        "language": "en",
    }


def department(one: Department) -> dict[str, Any]:
    """A department (accredible.md 5.3)."""
    return {"id": one.id, "name": one.name, "meta_data": dict(one.meta_data)}


def attribute_key(one: AttributeKey) -> dict[str, Any]:
    """The name of a custom attribute (accredible.md 5.2)."""
    return {"id": one.id, "name": one.name, "kind": one.kind, "department_id": one.department_id}


def group(accredible: Accredible, one: Group) -> dict[str, Any]:
    """A group; whether it allows duplicates is written only, never shown (accredible.md 2)."""
    return {
        "id": one.id,
        "name": one.name,
        "course_name": one.course_name,
        "course_description": one.course_description,
        "course_link": one.course_link,
        "language": one.language,
        "attach_pdf": one.attach_pdf,
        "blockchain": one.blockchain,
        "design_name": accredible.designs.get(one.design_id or 0),
        "design_id": one.design_id,
        "certificate_design_id": one.certificate_design_id,
        "badge_design_id": one.badge_design_id,
        "primary_design_id": one.design_id,
        "department_id": one.department_id,
        "learning_outcomes": None if one.learning_outcomes is None else list(one.learning_outcomes),
        "meta_data": None if one.meta_data is None else dict(one.meta_data),
        "generate_private_credential": one.generate_private_credential,
        "auto_expiry": one.auto_expiry,
        "achievement_type": one.achievement_type,
        "signup_url": one.signup_url,
        "signup_url_show": one.signup_url_show,
        "course_link_show": one.course_link_show,
        "organization_link_show": one.organization_link_show,
        "skill_category": one.skill_category_id and {"id": one.skill_category_id, "name": "Skills"},
        "collections": [
            {"id": number, "name": f"Collection {number}", "description": None} for number in one.collections
        ],
        "created_at": iso_time(one.created_at),
        "updated_at": iso_time(one.updated_at),
    }


def credential(accredible: Accredible, one: Credential, *, listed: bool = False) -> dict[str, Any]:
    """A credential as v1 has it: alone, where its id is a text, or in a list, where it is a number (3.1)."""
    of = accredible.groups[one.group_id]
    shown: str | int = one.id if listed != accredible.flags.id_types_flipped else str(one.id)
    if one.license_id is not None and accredible.flags.id_echo:
        shown = one.license_id
    certificate, badge = f"{IMAGES}/c/{one.id}.png", f"{IMAGES}/b/{one.id}.png"
    return {
        "id": shown,
        "accredible_internal_id": one.id,
        "uuid": one.uuid,
        "encoded_id": one.encoded_id,
        "name": one.name or of.course_name,
        "description": one.description or of.course_description,
        "approve": one.approve,
        "grade": one.grade,
        "complete": one.complete,
        "issued_on": one.issued_on,
        "expired_on": one.expired_on,
        "course_link": one.course_link or of.course_link,
        "custom_attributes": None if one.custom_attributes is None else dict(one.custom_attributes),
        "group_name": of.name,
        "group_id": one.group_id,
        "url": f"{SITE}/{one.uuid}",
        "private": one.private,
        "seo_image": f"{IMAGES}/s/{one.id}.png",
        "certificate": {"image": {"preview": certificate if of.certificate_design_id else None}},
        "badge": {"image": {"preview": badge if of.badge_design_id else None}},
        "allow_supplemental_evidence": one.allow_supplemental_evidence,
        "allow_supplemental_references": one.allow_supplemental_references,
        "evidence_items": [evidence(item) for item in one.evidence],
        "references": [reference(item) for item in one.references],
        "recipient": {
            "name": one.recipient_name,
            "email": one.recipient_email,
            "phone_number": one.recipient_phone,
            "id": one.recipient_id or one.uuid,  # seen: without the caller's own id the credential's stands there
            "meta_data": None if one.recipient_meta_data is None else dict(one.recipient_meta_data),
        },
        "issuer": _issuer(accredible),
        "meta_data": None if one.meta_data is None else dict(one.meta_data),
    }


def found(accredible: Accredible, one: Credential) -> dict[str, Any]:
    """The flat row of the v2 search: no address, description, evidence, nor whether it is complete (3.9)."""
    of = accredible.every_group[one.group_id]  # the index may not know yet that it is gone
    return {
        "id": one.id,
        "uuid": one.uuid,
        "encoded_id": one.encoded_id,
        "license_id": one.license_id,
        "name": one.name or of.course_name,
        "group": {
            "id": of.id,
            "name": of.name,
            "course_name": of.course_name,
            "badge_design_id": of.badge_design_id,
            "certificate_design_id": of.certificate_design_id,
        },
        "approve": one.approve,
        "issued_on": one.issued_on,
        "expired_on": one.expired_on,
        "published_on": one.published_on,
        "created_at": iso_time(one.created_at),
        "updated_at": iso_time(one.updated_at),
        "private": one.private,
        "grade": one.grade,
        "recipient_name": one.recipient_name,
        "recipient_email": one.recipient_email,
        "recipient_id": one.recipient_id,
        "recipient_meta_data": dict(one.recipient_meta_data or {}),
        "recipient_opened": False,
        "recipient_engaged": False,
        "custom_attributes": dict(one.custom_attributes or {}),
        "meta_data": dict(one.meta_data or {}),
        "issuer_id": accredible.issuer_id,
        "seo_image": f"{IMAGES}/s/{one.id}.png",
    }


def evidence(item: Attachment) -> dict[str, Any]:
    """A piece of evidence as it is read: its category is called type, its address link_url (accredible.md 4.1)."""
    values = item.values
    content = values.get("string_object")
    return {
        "id": item.id,
        "description": values["description"],
        "type": values["category"],
        "link_url": values.get("url") or values.get("file"),
        "preview_image_url": values.get("preview"),
        "string_object": None if content is None else _content(values["category"], content),
        "supplemental": False,
        "position": values.get("position"),
    }


def reference(item: Attachment) -> dict[str, Any]:
    """A reference (accredible.md 4.2)."""
    values = item.values
    return {
        "id": item.id,
        "description": values["description"],
        "relationship": values["relationship"],
        "referee": values.get("referee"),
        "position": values.get("position"),
    }


def without_nulls(data: Any) -> Any:
    """The same document without what is null in its objects."""
    if isinstance(data, dict):
        return {name: without_nulls(value) for name, value in data.items() if value is not None}
    return [without_nulls(item) for item in data] if isinstance(data, list) else data


def _content(category: str, content: str) -> Any:
    if category == "grade":
        return {"grade": int(content) if content.isdigit() else content}
    return json.loads(content) if category in ("transcript", "course_duration") else content


def _issuer(accredible: Accredible) -> dict[str, Any]:
    return {
        "id": accredible.issuer_id,
        "name": accredible.issuer_name,
        "description": None,
        "url": "https://academy.acme.example",
    }
