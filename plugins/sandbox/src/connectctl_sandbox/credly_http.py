"""The simulated Credly on the wire: tokens and rights, routing, error envelope."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from . import credly_badges, credly_issue, credly_organization
from .credly import Credly
from .credly_body import RefusedItem
from .credly_lists import without_filter_keys
from .credly_records import Token
from .web import Call, Refused, Request, Response, Route, accepts_json, find_route, positive, read_json, read_query

PLACE = ("page", "cursor")
BELOW = r"/v1/organizations/([^/]+)"


class CredlyRemote:
    """Answers requests from what a `Credly` holds. A trailing slash changes nothing (credly.md 1.1)."""

    name = "credly"

    def __init__(self, credly: Credly) -> None:
        self.credly = credly

    def handle(self, request: Request) -> Response:
        """The answer to one request, with its effect; the state is locked meanwhile."""
        try:
            with self.credly.lock:
                return self._routed(replace(request, path=request.path.rstrip("/")))
        except Refused as refused:
            response = self.error(refused.status, refused.message)
            if refused.errors is not None:
                response.data["data"]["errors"] = refused.errors
            if isinstance(refused, RefusedItem):
                response.data["data"]["error_index"] = refused.index
            return replace(response, headers=refused.headers)

    def _routed(self, request: Request) -> Response:
        credly = self.credly
        token = self._token(request)
        right = {"GET": token.read, "DELETE": token.delete}.get(request.method, token.write)
        if not right:
            raise Refused(403, "This token is not allowed to do that")
        match = re.fullmatch(BELOW + "(.*)", request.path)
        if match is None:
            route, ids = find_route(TOP_ROUTES, request.method, request.path)
        else:
            if match.group(1) != credly.organization_id:
                raise Refused(404, "Organization not found")
            route, ids = find_route(ROUTES, request.method, match.group(2))
        if not accepts_json(request):
            raise Refused(406, "The client must accept JSON")
        if route.body is None and request.body:
            raise Refused(400, "This request takes no body")
        takes_filters = "filter" in route.query
        params = read_query(without_filter_keys(request.query) if takes_filters else request.query, route.query)
        body = read_json(request) if route.body else None
        return route.handler(credly, Call(request, params, ids, body, caller=token))

    def _token(self, request: Request) -> Token:
        """The token of HTTP Basic `TOKEN:`; Refused 401 when it is missing, unknown or past its 180 days."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            decoded = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        name, colon, password = decoded.partition(":")
        token = self.credly.tokens.get(name)
        bare_is_fine = self.credly.flags.accept_bare_token
        if token is None or password or not (colon or bare_is_fine):
            raise Refused(401, "Invalid authorization token")
        if token.expires_at <= self.credly.clock.now():
            raise Refused(401, "The authorization token has expired")
        return token

    def error(self, status: int, message: str) -> Response:
        """The error body (credly.md 5.10)."""
        return Response(status, {"data": {"message": message}, "metadata": None})

    def misshapen(self) -> Any:
        """A list where an object is due, a number where an id is due."""
        return {"data": {"id": 17, "state": ["pending"]}, "metadata": []}

    def first_page(self, request: Request) -> Request:
        """The request for page 1, which is also what a cursor is answered with."""
        return replace(request, query={key: values for key, values in request.query.items() if key not in PLACE})

    def promise_more(self, request: Request, data: Any) -> Any:
        """The page under the number asked for, with another one to come; the bulk search names one cursor for ever."""
        if not isinstance(data, dict) or not isinstance(data.get("data"), list):
            return data
        page = request.query.get("page", ["1"])[0]
        asked = int(page) if page.isdigit() else 1
        bulk = "current_page" not in data["metadata"]
        query = self.first_page(request).query | ({"cursor": ["again"]} if bulk else {"page": [str(asked + 1)]})
        next_page_url = f"{request.origin}{request.path}?{urlencode(query, doseq=True, quote_via=quote)}"
        endless = {} if bulk else {"current_page": asked, "total_pages": asked + 1}
        return data | {"metadata": data["metadata"] | endless | {"next_page_url": next_page_url}}


ROUTES: tuple[Route[Credly], ...] = (
    *credly_organization.ROUTES,
    *credly_badges.ROUTES,
    *credly_issue.ROUTES,
)
TOP_ROUTES: tuple[Route[Credly], ...] = (
    Route("GET", r"/v1/organizations", credly_organization.list_organizations, query={"page": positive}),
)
