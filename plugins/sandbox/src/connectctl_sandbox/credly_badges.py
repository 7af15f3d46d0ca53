"""Reading, revoking and deleting badges: the list, the bulk search, one badge (credly.md 5.2 to 5.4, 5.8, 5.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from . import credly_body as body
from . import credly_render as render
from .credly import Credly
from .credly_lists import (
    PAGING,
    Filters,
    Test,
    any_of,
    contains,
    filtered,
    listing,
    ordered,
    read_cursor,
    read_filters,
    write_cursor,
)
from .credly_records import Badge
from .web import Call, Refused, Response, Route, choice, text

SORT_KEYS: dict[str, Callable[[Badge], Any]] = {
    "issued_at": lambda badge: badge.issued_at,
    "created_at": lambda badge: badge.created_at,
}


def _filters(credly: Credly) -> Mapping[str, Test[Badge]]:
    """The filter keys seen in clients (credly.md 2.3)."""
    return {
        "query": contains(
            lambda badge: badge.recipient_email,
            lambda badge: f"{badge.first_name} {badge.last_name}",
            lambda badge: credly.every_template[badge.template_id].name,
        ),
        "state": any_of(lambda badge: badge.state),
        "badge_template_id": any_of(lambda badge: badge.template_id),
        "recipient_email": any_of(lambda badge: badge.recipient_email),
        "recipient_email_all": lambda badge, values: any(value.lower() in credly.addresses(badge) for value in values),
        "issuer_earner_id": lambda badge, values: badge.issuer_earner_id in values,
        "user_id": any_of(credly.account_of),
        "public": lambda badge, values: str(badge.public).lower() in values,
        "badge_templates[reporting_tags]": lambda badge, values: any(
            value in credly.every_template[badge.template_id].reporting_tags for value in values
        ),
    }


def _found(credly: Credly, filters: Filters) -> list[Badge]:
    """The badges that pass, revoked and replaced ones too (5.2), as far as the search index knows them."""
    rows = credly.searchable(filters.get("badge_template_id"))
    others = {key: values for key, values in filters.items() if key != "badge_template_id"}
    return filtered(rows, others, _filters(credly)) if others else rows


def list_badges(credly: Credly, call: Call) -> Response:
    """Numbered pages; in the order of issue unless sorted."""
    filters = read_filters(credly, call.request.query, _filters(credly))
    rows = ordered(_found(credly, filters), call.params.get("sort"), SORT_KEYS)
    return listing(credly, call, rows, lambda badge: render.badge(credly, badge))


def bulk_search(credly: Credly, call: Call) -> Response:
    """`next_page_url` is all there is to go on; its cursor carries the filters (5.3)."""
    position = 0
    if "cursor" in call.params:
        filters, position = read_cursor(call.params["cursor"])
    else:
        filters = read_filters(credly, call.request.query, _filters(credly))
    badge_format = call.params.get("badge_format", "default")
    rows = _found(credly, filters)
    end = position + credly.flags.high_volume_page
    draw = render.minimal_badge if badge_format == "minimal" else render.badge
    next_page_url = None
    if end < len(rows):
        query = urlencode({"badge_format": badge_format, "cursor": write_cursor(filters, end)}, quote_via=quote)
        next_page_url = f"{call.request.origin}{call.request.path}?{query}"
    return Response(
        200,
        {
            "data": [draw(credly, badge) for badge in rows[position:end]],
            "metadata": {"next_page_url": next_page_url},
        },
    )


def one_badge(credly: Credly, call: Call) -> Response:
    """One badge; 404 unless the platform offers it (5.4)."""
    if not credly.flags.enable_badge_get:
        raise Refused(404, "Not found")
    badge = _badge(credly, call.ids[0])
    return Response(200, {"data": render.badge(credly, badge), "metadata": {}})


def revoke(credly: Credly, call: Call) -> Response:
    """200 with the revoked badge; 422 for one that was replaced, or revoked before (5.8)."""
    badge = _badge(credly, call.ids[0])
    values = body.read_body(call.body, body.REVOKE, body.REVOKE_REQUIRED, strict=False)
    if badge.replacement_badge_id is not None:
        raise Refused(422, "A badge that has been replaced cannot be revoked")
    if badge.state != "revoked":
        badge = credly.revoke(badge.id, values["reason"])
    elif not credly.flags.revoke_idempotent:
        raise Refused(422, "This badge has already been revoked")
    return Response(200, {"data": render.badge(credly, badge), "metadata": {}})


def delete(credly: Credly, call: Call) -> Response:
    """204 (5.9)."""
    credly.delete(_badge(credly, call.ids[0]).id)
    return Response(204)


def _badge(credly: Credly, badge_id: str) -> Badge:
    badge = credly.badges.get(badge_id)
    if badge is None:
        raise Refused(404, "Badge not found")
    return badge


ROUTES: tuple[Route[Credly], ...] = (
    Route("GET", r"/badges", list_badges, query=PAGING),
    Route(
        "GET",
        r"/high_volume_issued_badge_search",
        bulk_search,
        query={"filter": text, "badge_format": choice("default", "minimal"), "cursor": text},
    ),
    Route("GET", r"/badges/([^/]+)", one_badge),
    Route("PUT", r"/badges/([^/]+)/revoke", revoke, body="json"),
    Route("DELETE", r"/badges/([^/]+)", delete),
)
