"""The simulated Docebo on the wire: sign-in, routing, error envelope."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from . import (
    docebo_auth,
    docebo_certifications,
    docebo_courses,
    docebo_enrollments,
    docebo_fields,
    docebo_plans,
    docebo_training,
    docebo_users,
)
from .docebo import Docebo
from .exchange import SIGN_IN_PAGE
from .web import Call, Refused, Request, Response, Route, accepts_json, find_route, read_json, read_query

ROUTES: tuple[Route[Docebo], ...] = (
    *docebo_auth.ROUTES,
    *docebo_users.ROUTES,
    *docebo_courses.ROUTES,
    *docebo_fields.ROUTES,
    *docebo_enrollments.ROUTES,
    *docebo_plans.ROUTES,
    *docebo_certifications.ROUTES,
    *docebo_training.ROUTES,
)


class DoceboRemote:
    """Answers requests from what a `Docebo` holds."""

    name = "docebo"

    def __init__(self, docebo: Docebo, wait: Callable[[float], object]) -> None:
        self.docebo = docebo
        self._wait = wait

    def handle(self, request: Request) -> Response:
        """The answer to one request, with its effect; the state is locked meanwhile."""
        try:
            response = self._routed(request)
        except Refused as refused:
            response = replace(self.error(refused.status, refused.message), headers=refused.headers)
        # Sent by every service, named after the first part of the path (docebo.md 2.6).
        service = request.path.split("/")[1] if request.path.startswith("/") else ""
        extra = {"X-Docebo-Api-Version": "1.0.0", "X-Docebo-Backyard": service}
        return replace(response, headers={**response.headers, **extra})

    def _routed(self, request: Request) -> Response:
        docebo = self.docebo
        if request.path != "/oauth2/token":
            with docebo.lock:
                docebo_auth.check_bearer(docebo, request)
            if docebo.flags.denied and re.search(docebo.flags.denied, request.path):
                if docebo.flags.denied_as_html:
                    return Response(200, page=SIGN_IN_PAGE)
                raise Refused(403, "You are not allowed to perform this action")
        route, ids = find_route(ROUTES, request.method, request.path)
        if not accepts_json(request):
            raise Refused(406, "The answer is JSON, which the Accept header does not allow")
        if route.body is None and request.body:
            raise Refused(400, "This simulation reads parameters of a GET from the query string only")
        params = read_query(request.query, route.query)
        body = read_json(request) if route.body == "json" else None
        call = Call(request, params, ids, body)
        if not route.exclusive:
            with docebo.lock:
                return route.handler(docebo, call)
        if not docebo.fields_busy.acquire(blocking=False):
            # Invented, so that clients that write options in parallel are caught (docebo.md 4.4, section 14).
            raise Refused(409, "Another change of the fields is running")
        try:
            self._wait(docebo.flags.field_write_seconds)
            with docebo.lock:
                return route.handler(docebo, call)
        finally:
            docebo.fields_busy.release()

    def error(self, status: int, message: str) -> Response:
        """The API layer's error: `message` is a list of strings unless the platform is of the other kind (2.6)."""
        as_string = self.docebo.flags.message_as_string
        return Response(
            status,
            {
                "name": HTTPStatus(status).phrase,
                "message": message if as_string else [message],
                "code": 1002 if status == 400 else 0,
                "status": status,
            },
        )

    def misshapen(self) -> Any:
        """A page whose items are a text and whose flags are numbers as words."""
        return {"data": {"items": "none", "has_more_data": "maybe", "count": "two", "id": [], "access_token": 17}}

    def first_page(self, request: Request) -> Request:
        """The request for page 1."""
        return replace(request, query=request.query | {"page": ["1"]}) if "page" in request.query else request

    def promise_more(self, request: Request, data: Any) -> Any:
        """The page under the number asked for, with another one to come; a cursor stays the same."""
        if not isinstance(data, dict) or not isinstance(data.get("data"), dict) or "items" not in data["data"]:
            return data
        page = request.query.get("page", ["1"])[0]
        asked = int(page) if page.isdigit() else 1
        endless = {"has_more_data": True, "current_page": asked, "total_page_count": asked + 1}
        return data | {"data": data["data"] | endless}
