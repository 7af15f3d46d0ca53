"""Certifications and their awards (docebo.md 7); all about awards is the sheet's assumption."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from . import docebo_body as body
from .docebo import Docebo
from .docebo_enrollments import in_window, shown_date
from .docebo_lists import PAGING, listing, single
from .docebo_records import ORIGINS, Award, Certification
from .web import Call, Refused, Response, Route, moment, number

REQUIRED = {"certification_id", "user_id", "issued_at", "expiring_at", "awarded_from"}


def list_certifications(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/certification`: the newer plural is no endpoint (docebo.md 7.2)."""
    return listing(docebo, call, lambda: list(docebo.certifications.values()), _certification, always_total=False)


def _certification(one: Certification) -> dict[str, Any]:
    return {
        "id_cert": one.certification_id,
        "title": one.title,
        "code": one.code,
        "description": one.description,
        "duration": str(one.duration),
        "duration_unit": one.duration_unit,
        "allow_same_item": "1" if one.allow_same_item else "0",
    }


def list_awards(docebo: Docebo, call: Call) -> Response:
    """`GET /certification/v1/awards`: expired ones stay listed."""
    params = call.params
    users = () if docebo.flags.ignore_user_filter else params.get("user_id[]", ())
    wanted = set(params.get("certification_id[]", ()))

    def rows() -> list[Award]:
        found: Iterable[Award] = docebo.awards_of(users) if users else docebo.awards.values()
        if wanted:
            found = (one for one in found if one.certification_id in wanted)
        if "updated_from" in params:
            found = (one for one in found if in_window(docebo, params, one.updated_at, None))
        return list(found)

    return listing(docebo, call, rows, lambda award: _award(docebo, award))


def list_of_user(docebo: Docebo, call: Call) -> Response:
    """`GET /certification/v1/awards/users/{id}`; 404 for an unknown user."""
    user_id = int(call.ids[0])
    if user_id not in docebo.users:
        raise Refused(404, "User not found")
    return listing(docebo, call, lambda: list(docebo.awards_of([user_id])), lambda award: _award(docebo, award))


def _award(docebo: Docebo, award: Award) -> dict[str, Any]:
    """An award in one of the two forms that a reader has to take (docebo.md 7.3)."""
    flags = docebo.flags
    certification = docebo.certifications[award.certification_id]
    external: dict[str, Any] = {}
    if award.origin_type == "external_certification" and not flags.award_origin_hidden:
        external = {
            "source": award.source,
            "external_id": award.external_id,
            flags.external_link_key: award.link,
        }
    item: dict[str, Any] = {"id": award.award_id}
    if flags.award_rows == "nested":
        item["certification"] = {
            "id": certification.certification_id,
            "code": certification.code,
            "name": certification.title,
        }
        item["awarded_from"] = {"type": award.origin_type, "id": award.origin_id, **external}
    else:
        item["certification_id"] = certification.certification_id
        item["certification_code"] = certification.code
        item["certification_name"] = certification.title
        item |= {"awarded_from_type": award.origin_type, "awarded_from_id": award.origin_id, **external}
    item |= {
        "user_id": award.user_id,
        "issued_at": award.issued_at,
        "expiring_at": shown_date(docebo, award.expires_at),
        "renewable_from": shown_date(docebo, None),
        "renewal_started": False,
    }
    if not flags.award_changes_hidden:
        item |= {"created_at": award.created_at, "updated_at": award.updated_at}
    return item


@body.refusable
def create(docebo: Docebo, call: Call) -> Response:
    """`POST /certification/v1/awards`: answers the new award's id. A second one of the same kind is no mistake."""
    given = _read(docebo, call.body, REQUIRED)
    certification = docebo.certifications[given["certification_id"]]
    award = docebo.award(
        given["user_id"],
        certification.code,
        given["issued_at"],
        given["expiring_at"],
        always_valid=given["expiring_at"] is None,
        **given["awarded_from"],
    )
    return single({"id": award.award_id})


@body.refusable
def change(docebo: Docebo, call: Call) -> Response:
    """`PUT /certification/v1/awards/{id}` with the same attributes; an award stays with its user and certification."""
    award = _found(docebo, call.ids[0])
    given = _read(docebo, call.body, REQUIRED - {"certification_id", "user_id"})
    for name in ("certification_id", "user_id"):
        if given.get(name, getattr(award, name)) != getattr(award, name):
            raise body.refusal(name, f"{name} of an award cannot be changed")
    docebo.update_award(
        award.award_id, issued_at=given["issued_at"], expires_at=given["expiring_at"], **given["awarded_from"]
    )
    return single({"id": award.award_id})


def revoke(docebo: Docebo, call: Call) -> Response:
    """`DELETE /certification/v1/awards/{id}`."""
    docebo.revoke_award(_found(docebo, call.ids[0]).award_id)
    return single({"success": True})


def _found(docebo: Docebo, award_id: str) -> Award:
    award = docebo.awards.get(int(award_id))
    if award is None:
        raise Refused(404, "Award not found")
    return award


def _read(docebo: Docebo, given: dict[str, Any], required: set[str]) -> dict[str, Any]:
    checks: dict[str, body.Check] = {
        "certification_id": body.whole,
        "user_id": body.whole,
        "issued_at": body.moment,
        "expiring_at": body.moment_or_none,
        "awarded_from": lambda value: value,
    }
    found: dict[str, Any] = body.read_body(given, checks, required)
    if "certification_id" in found and found["certification_id"] not in docebo.certifications:
        raise body.refusal("certification_id", f"Certification {found['certification_id']} does not exist")
    if "user_id" in found and found["user_id"] not in docebo.users:
        raise body.refusal("user_id", f"User {found['user_id']} does not exist")
    if found["expiring_at"] is not None and found["expiring_at"] <= found["issued_at"]:
        raise body.refusal("expiring_at", "expiring_at must be after issued_at")
    return found | {"awarded_from": _origin(docebo, found["awarded_from"])}


def _origin(docebo: Docebo, given: Any) -> dict[str, Any]:
    """The association: a thing of the platform by its id, or an external certification (docebo.md 7.4, 7.5)."""
    if not isinstance(given, dict):
        raise body.refusal("awarded_from", "awarded_from must be an object")
    kind = given.get("type")
    if kind not in ORIGINS:
        raise body.refusal("awarded_from.type", f"awarded_from.type must be one of {', '.join(ORIGINS)}")
    if kind != "external_certification":
        checks: dict[str, body.Check] = {"type": body.words, "id": body.whole}
        found = body.read_body(given, checks, {"id"}, "awarded_from.")
        places: dict[str, Container[int]] = {
            "course": docebo.courses,
            "learning_plan": docebo.plans,
            "external_training": docebo.trainings,
        }
        if found["id"] not in places[kind]:
            raise body.refusal("awarded_from.id", f"awarded_from: there is no {kind} {found['id']}")
        return {"origin_type": kind, "origin_id": found["id"], "source": "", "link": "", "external_id": ""}
    if not docebo.flags.external_certifications_active:
        raise body.refusal("awarded_from.type", "External certifications are not active on this platform")
    key = docebo.flags.external_link_key
    checks = {"type": body.words, "source": body.filled, key: body.address, "external_id": body.filled}
    found = body.read_body(given, checks, {"source", key}, "awarded_from.")
    return {
        "origin_type": kind,
        "origin_id": None,
        "source": found["source"],
        "link": found[key],
        "external_id": found.get("external_id", ""),
    }


ROUTES: tuple[Route[Docebo], ...] = (
    Route("GET", r"/learn/v1/certification", list_certifications, query=PAGING),
    Route(
        "GET",
        r"/certification/v1/awards",
        list_awards,
        query=PAGING | {"certification_id[]": number, "user_id[]": number, "updated_from": moment},
    ),
    Route("GET", r"/certification/v1/awards/users/(\d+)", list_of_user, query=PAGING),
    Route("POST", r"/certification/v1/awards", create, body="json"),
    Route("PUT", r"/certification/v1/awards/(\d+)", change, body="json"),
    Route("DELETE", r"/certification/v1/awards/(\d+)", revoke),
)
