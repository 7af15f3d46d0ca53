"""Creating credentials, one or many, and changing them (accredible.md 3.2 to 3.4, 3.6, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from . import accredible_body as body
from . import accredible_render as render
from .accredible import Accredible
from .accredible_body import BLANK, Invalid
from .accredible_evidence import evidence_from, reference_from
from .accredible_lists import credential_of
from .accredible_records import BULK_V1, BULK_V2, Credential, Group, Key
from .web import Call, Refused, Response, Route


def create(accredible: Accredible, call: Call) -> Response:
    """200 with the new credential, whether or not it could be published: `approve` tells (3.2)."""
    one = _created(accredible, call.caller, body.wrapped(call.body, "credential"))
    return Response(200, {"credential": render.credential(accredible, one)})


def _created(accredible: Accredible, key: Key, sent: Mapping[str, Any], *, v2: bool = False) -> Credential:
    values = _read(accredible, sent, v2=v2)
    if values.get("recipient") is None:
        raise Invalid({"recipient": [BLANK]}, plain=True)
    person = _person(accredible, values["recipient"], ("name", "email"))
    group = _group(accredible, key, values)
    if group is None:
        raise Invalid({"group_id": ["does not exist"]}, plain=True)
    texts = (("name", group.course_name), ("description", group.course_description))
    missing = {name: [BLANK] for name, own in texts if body.blank(values.get(name)) and body.blank(own)}
    if missing:
        raise Invalid(missing)
    evidence = tuple(evidence_from(accredible, item) for item in values.get("evidence_items") or ())
    references = tuple(reference_from(accredible, item) for item in values.get("references") or ())
    _refuse_duplicate(accredible, group, person["email"], None)
    _refuse_used_id(accredible, values.get("id"), None)
    private = group.generate_private_credential
    if private is None:
        private = accredible.departments[group.department_id].private_credentials
    now, issued_on = accredible.clock.now(), values.get("issued_on") or accredible.today
    one = accredible.new_credential(
        group.id,
        person["email"],
        person["name"],
        issued_on=issued_on,
        expired_on=values.get("expired_on") or _auto_expiry(group, issued_on),
        created_at=now,
        updated_at=now,
        license_id=values.get("id"),
        name=values.get("name"),
        description=values.get("description"),
        course_link=values.get("course_link"),
        complete=_given(values, "complete", True),
        private=_given(values, "private", private),
        grade=values.get("grade"),
        recipient_id=person.get("id"),
        recipient_phone=person.get("phone_number"),
        recipient_meta_data=person.get("meta_data"),
        custom_attributes=values.get("custom_attributes"),
        meta_data=values.get("meta_data"),
        allow_supplemental_evidence=_given(values, "allow_supplemental_evidence", True),
        allow_supplemental_references=_given(values, "allow_supplemental_references", True),
        evidence=evidence,
        references=references,
    )
    if _given(values, "approve", True):
        one = accredible.publish(one)
    accredible.put(one)
    return one


def update(accredible: Accredible, call: Call) -> Response:
    """200 with the whole credential; only what is sent changes, and null clears (3.6)."""
    old = credential_of(accredible, call.caller, call.ids[0])
    values = _read(accredible, body.wrapped(call.body, "credential"), v2=False)
    person = _person(accredible, values["recipient"] or {}, ()) if "recipient" in values else {}
    blank = {f"recipient.{name}": [BLANK] for name in ("name", "email") if name in person and person[name] is None}
    if values.get("issued_on", old.issued_on) is None:
        blank["issued_on"] = [BLANK]
    if blank:
        raise Invalid(blank)
    changes = _changes(accredible, old, values) | {
        {"phone_number": "recipient_phone"}.get(name, f"recipient_{name}"): value for name, value in person.items()
    }
    if "group_id" in values or "group_name" in values:
        group = _group(accredible, call.caller, values)
        if group is None:
            raise Invalid({"group_id": ["does not exist"]}, plain=True)
        if group.id != old.group_id:  # it takes the texts of its new group
            changes = {"name": None, "description": None, "course_link": None} | changes | {"group_id": group.id}
    new = replace(old, **changes, updated_at=accredible.clock.now())
    if (new.group_id, new.recipient_email) != (old.group_id, old.recipient_email):
        _refuse_duplicate(accredible, accredible.groups[new.group_id], new.recipient_email, old)
    _refuse_used_id(accredible, new.license_id, old)
    if values.get("approve") is False:
        new = replace(new, approve=False, published_on=None)
    elif values.get("approve"):
        new = accredible.publish(new)
    accredible.put(new)
    return Response(200, {"credential": render.credential(accredible, new)})


def _changes(accredible: Accredible, old: Credential, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a PUT changes besides recipient, group and publication."""
    clearable = ("name", "description", "course_link", "grade", "expired_on")
    kept = ("issued_on", "complete", "private", "allow_supplemental_evidence", "allow_supplemental_references")
    changes = {name: values[name] for name in clearable if name in values}
    changes |= {name: values[name] for name in kept if values.get(name) is not None}
    if "id" in values:
        changes["license_id"] = values["id"]
    for name in ("custom_attributes", "meta_data"):
        if name in values:
            merged = {**(getattr(old, name) or {}), **(values[name] or {})}
            changes[name] = merged if accredible.flags.maps_on_put == "merge" else values[name]
    added = tuple(evidence_from(accredible, item) for item in values.get("evidence_items") or ())
    named = tuple(reference_from(accredible, item) for item in values.get("references") or ())
    return changes | {"evidence": old.evidence + added, "references": old.references + named}


def _read(accredible: Accredible, sent: Mapping[str, Any], *, v2: bool) -> dict[str, Any]:
    fields, strict = dict(body.CREDENTIAL), accredible.flags.unknown_attribute == "refuse"
    if v2:  # DD/MM/YYYY is deprecated, and tolerated in v1 alone
        fields |= {"issued_on": body.day, "expired_on": body.day}
    if accredible.flags.timestamps:
        fields |= {"issued_on": body.loose_day, "expired_on": body.loose_day}
    return body.read(sent, fields, strict=strict)


def _person(accredible: Accredible, sent: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    strict = accredible.flags.unknown_attribute == "refuse"
    try:
        return body.read(sent, body.RECIPIENT, required, strict=strict)
    except Invalid as refused:
        raise Invalid({f"recipient.{name}": said for name, said in refused.problems.items()}) from refused


def _group(accredible: Accredible, key: Key, values: Mapping[str, Any]) -> Group | None:
    """The group by id, or by its internal name as older clients send it; None for one the key does not see."""
    named = (one for one in accredible.groups.values() if one.name == values.get("group_name"))
    group = next(named, None) if values.get("group_id") is None else accredible.groups.get(values["group_id"])
    return group if group is not None and key.department_id in (None, group.department_id) else None


def _refuse_duplicate(accredible: Accredible, group: Group, email: str, own: Credential | None) -> None:
    flags = accredible.flags
    held = [
        one
        for one in accredible.held_by(group.id, email)
        if (own is None or one.id != own.id)
        and (one.approve or flags.unpublished_blocks)
        and (not accredible.expired(one) or flags.expired_blocks)
    ]
    if held and not group.allow_duplicate_credentials:
        said = {"recipient.email": ["has already been taken in this group"]}
        raise Invalid(said, plain=flags.duplicate_error == "text")


def _refuse_used_id(accredible: Accredible, wanted: str | None, own: Credential | None) -> None:
    used = None if wanted is None else accredible.find(wanted)
    if used is not None and (own is None or used.id != own.id) and accredible.flags.unique_license_ids:
        raise Invalid({"id": ["has already been taken"]})


def _auto_expiry(group: Group, issued_on: str) -> str | None:
    """The day so many years later, the last of February for the 29th; None without years (accredible.md 2)."""
    if not group.auto_expiry or group.auto_expiry < 0:
        return None
    issued = date.fromisoformat(issued_on)
    year = issued.year + group.auto_expiry
    leap_day_lost = (issued.month, issued.day) == (2, 29) and (year % 4 or (year % 100 == 0 and year % 400))
    return issued.replace(year=year, day=28 if leap_day_lost else issued.day).isoformat()


def _given(values: Mapping[str, Any], name: str, default: Any) -> Any:
    return default if values.get(name) is None else values[name]


def bulk_v1(accredible: Accredible, call: Call) -> Response:
    """200 with the credentials that could be made; `errors` beside them tells of the others (3.3)."""
    made, errors = [], []
    for item in _items(call, BULK_V1):
        try:
            made.append(_created(accredible, call.caller, item))
        except Refused as refused:
            errors.append(refused.message)
    if accredible.flags.v1_bulk_bare:
        return Response(200, [{"credential": render.credential(accredible, one)} for one in made])
    rows = [render.credential(accredible, one, listed=True) for one in made]
    return Response(200, {"credentials": rows} | ({"errors": errors} if errors else {}))


def bulk_v2(accredible: Accredible, call: Call) -> Response:
    """One result for each item: 200 when all went well, 422 when all were refused, 207 in between (3.4)."""
    results: list[dict[str, Any]] = []
    well = refused_items = 0
    for item in _items(call, BULK_V2):
        try:
            one = _created(accredible, call.caller, item, v2=True)
        except Refused as refused:
            refused_items += 1
            results.append(_error(accredible, "credential_invalid", refused.message, _details(refused)))
            continue
        result = {"credential": render.credential(accredible, one, listed=True)}
        if one.approve or item.get("approve") is False:
            well += 1
        elif accredible.unpublishable(one.group_id) == "insufficient_credits":
            result |= _error(accredible, "insufficient_credits", "There are not enough credits to publish it")
        results.append(result)
    status = 200 if well == len(results) else 422 if refused_items == len(results) else 207
    return Response(status, {"results": results})


def _items(call: Call, most: int) -> list[dict[str, Any]]:
    """The credentials of a bulk call; 422 when there are none or too many."""
    items: list[dict[str, Any]] = body.read(call.body, {"credentials": body.array}, ("credentials",))["credentials"]
    if not items or not all(isinstance(item, dict) for item in items):
        raise Invalid({"credentials": [BLANK if not items else "must be an array of objects"]}, plain=True)
    if len(items) > most:
        raise Invalid({"credentials": [f"can't be more than {most}"]}, plain=True)
    return items


def _details(refused: Refused) -> list[dict[str, str]]:
    problems = refused.problems if isinstance(refused, Invalid) else {}
    return [{"property": name, "message": words} for name, said in problems.items() for words in said]


def _error(
    accredible: Accredible, code: str, message: str, details: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The error of one item, in either of the two forms that the documents have."""
    said: dict[str, Any] = {"code": code, "message": message}
    if accredible.flags.v2_errors == "endpoint":
        return {"errors": said | ({} if details is None else {"details": details})}
    reasons = [{"property": one["property"].replace(".", "_"), "reason": one["message"]} for one in details or ()]
    return {"error": said | ({} if details is None else {"details": reasons})}


ROUTES: tuple[Route[Accredible], ...] = (
    Route("POST", r"/v1/credentials", create, body="json"),
    Route("POST", r"/v1/credentials/bulk_create", bulk_v1, body="json"),
    Route("POST", r"/v2/credentials/bulk_create", bulk_v2, body="json"),
    Route("PUT", r"/v1/credentials/([^/]+)", update, body="json"),
    Route("PATCH", r"/v1/credentials/([^/]+)", update, body="json"),
)
