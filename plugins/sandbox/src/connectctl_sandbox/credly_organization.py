"""What is not a badge: the organization, its templates, events and tokens (credly.md 1.2, 3, 4, 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import credly_render as render
from .clock import iso_time
from .credly import Credly
from .credly_lists import PAGING, Test, any_of, contains, filtered, listing, ordered, read_filters
from .credly_records import Template, Token
from .web import Call, Refused, Response, Route, positive

SORT_KEYS: dict[str, Callable[[Credly], Callable[[Template], Any]]] = {
    "name": lambda credly: lambda one: one.name.lower(),
    "created_at": lambda credly: lambda one: one.created_at,
    "badges_count": lambda credly: lambda one: credly.badge_count(one.id),
}


def _name(one: Template, values: list[str]) -> bool:
    """Partial, exact inside double quotes (credly.md 2.3)."""
    return any(
        one.name.lower() == value.strip('"').lower()
        if len(value) > 1 and value[0] == value[-1] == '"'
        else value.lower() in one.name.lower()
        for value in values
    )


def _day(value: Callable[[Template], float], *, at_least: bool) -> Test[Template]:
    """A day as YYYY-MM-DD, inclusive on both sides."""

    def test(one: Template, values: list[str]) -> bool:
        day = iso_time(value(one))[:10]
        return all(day >= wanted if at_least else day <= wanted for wanted in values)

    return test


def _filters(credly: Credly) -> Mapping[str, Test[Template]]:
    """The documented keys; recommendations and collections are empty here."""
    return {
        "query": contains(lambda one: one.name, lambda one: one.description),
        "name": _name,
        "public": any_of(lambda one: str(one.public)),
        "reporting_tags": lambda one, values: any(value in one.reporting_tags for value in values),
        "skills": lambda one, values: any(value in one.skills for value in values),
        "state": any_of(lambda one: one.state),
        "created_at_min": _day(lambda one: one.created_at, at_least=True),
        "created_at_max": _day(lambda one: one.created_at, at_least=False),
        "updated_at_min": _day(lambda one: one.updated_at, at_least=True),
        "updated_at_max": _day(lambda one: one.updated_at, at_least=False),
        "owner_id": lambda one, values: credly.organization_id in values,
        "recommendation_ids": lambda one, values: False,
        "collection_id": lambda one, values: False,
    }


def list_organizations(credly: Credly, call: Call) -> Response:
    """The one organization of the token."""
    return listing(credly, call, [credly], render.organization)


def one_organization(credly: Credly, call: Call) -> Response:
    """The organization."""
    return Response(200, {"data": render.organization(credly), "metadata": {}})


def list_templates(credly: Credly, call: Call) -> Response:
    """All states unless filtered; in the order of creation unless sorted."""
    known = _filters(credly)
    rows = filtered(list(credly.templates.values()), read_filters(credly, call.request.query, known), known)
    keys = {name: key(credly) for name, key in SORT_KEYS.items()}
    return listing(credly, call, ordered(rows, call.params.get("sort"), keys), lambda one: render.template(credly, one))


def one_template(credly: Credly, call: Call) -> Response:
    """One template."""
    template = credly.templates.get(call.ids[0])
    if template is None:
        raise Refused(404, "Badge template not found")
    return Response(200, {"data": render.template(credly, template), "metadata": {}})


def list_events(credly: Credly, call: Call) -> Response:
    """50 a page, newest first unless the platform has it the other way round."""
    rows = credly.events if credly.flags.events_order == "asc" else credly.events[::-1]
    subject = credly.flags.event_subject == "always"
    return listing(credly, call, rows, lambda one: render.event(credly, one, subject=subject))


def one_event(credly: Credly, call: Call) -> Response:
    """One event with its subject."""
    event = credly.event(call.ids[0])
    if event is None:
        raise Refused(404, "Event not found")
    subject = credly.flags.event_subject in ("always", "by_id")
    return Response(200, {"data": render.event(credly, event, subject=subject), "metadata": {}})


def list_tokens(credly: Credly, call: Call) -> Response:
    """Every token with its secret; one without write or delete right sees only read-only ones (1.2)."""
    asking: Token = call.caller
    rows = [one for one in credly.tokens.values() if asking.write or asking.delete or not (one.write or one.delete)]
    return listing(credly, call, rows, render.token)


ROUTES: tuple[Route[Credly], ...] = (
    Route("GET", r"", one_organization),
    Route("GET", r"/badge_templates", list_templates, query=PAGING),
    Route("GET", r"/badge_templates/([^/]+)", one_template),
    Route("GET", r"/events", list_events, query={"page": positive}),
    Route("GET", r"/events/([^/]+)", one_event),
    Route("GET", r"/authorization_tokens", list_tokens, query={"page": positive}),
)
