"""The simulated Accredible on the wire: keys, routing, its many error bodies, and its own limits."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from . import accredible_evidence, accredible_groups, accredible_issue, accredible_search
from . import accredible_render as render
from .accredible import Accredible
from .accredible_records import Key
from .accredible_search import BadSearch
from .ratelimit import RateLimit, RateLimits
from .web import Call, Refused, Request, Response, Route, find_route, read_json, read_query

DENIED = "HTTP Token: Access denied.\n"
V1_SEARCH = ("POST", "/v1/credentials/search")


class AccredibleRemote:
    """Answers requests from what an `Accredible` holds. A trailing slash changes nothing."""

    name = "accredible"

    def __init__(self, accredible: Accredible) -> None:
        self.accredible = accredible
        self._all, self._search = RateLimits(), RateLimits()
        self._all.set(RateLimit(self.name, 200, 30))
        self._search.set(RateLimit(self.name, 100, 60))

    def handle(self, request: Request) -> Response:
        """The answer to one request, with its effect; the state is locked meanwhile."""
        with self.accredible.lock:
            try:
                response = self._routed(replace(request, path=request.path.rstrip("/")))
            except Unauthorized as refused:
                response = self._unauthorized(refused)
            except Refused as refused:
                response = replace(self._refusal(refused), headers=refused.headers)
            if self.accredible.flags.absent_nulls:
                response = replace(response, data=render.without_nulls(response.data))
            return response

    def _routed(self, request: Request) -> Response:
        self._count(request)
        key = self._key(request)
        route, ids = find_route(ROUTES, request.method, request.path)
        if route.body == "params":  # the server merges query and body, whichever clients send
            query = {name: values[-1] for name, values in request.query.items()}
            return route.handler(
                self.accredible,
                Call(request, {}, ids, query | (read_json(request) if request.body else {}), caller=key),
            )
        if route.body is None and request.body:
            raise Refused(400, "This request takes no body")
        params = read_query(request.query, route.query)
        body = read_json(request) if route.body else None
        return route.handler(self.accredible, Call(request, params, ids, body, caller=key))

    def _count(self, request: Request) -> None:
        """Refused 429 beyond what an address may ask for, when the flag is on (accredible.md 8)."""
        flags, now = self.accredible.flags, self.accredible.clock.now()
        if not flags.limits:
            return
        headers = self._all.refusal(self.name, now)
        if headers is None and (request.method, request.path) == V1_SEARCH:
            headers = self._search.refusal(self.name, now)
        if headers is not None:
            raise Refused(429, "Too many requests", headers=headers if flags.retry_after else {})

    def _key(self, request: Request) -> Key:
        """The key in any of the four forms that working clients send (accredible.md 1)."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not rest.strip():
            raise Unauthorized(unknown=False)
        match = re.fullmatch(r'(?:token=)?"?([^"\s]+)"?', rest.strip())
        key = self.accredible.keys.get(match.group(1)) if match else None
        if key is None:
            raise Unauthorized(unknown=True)
        return key

    def _unauthorized(self, refused: Unauthorized) -> Response:
        if refused.unknown and not self.accredible.flags.unknown_key_as_text:
            return Response(401, {"success": False, "data": refused.message})
        headers = {"WWW-Authenticate": 'Token realm="Application"', "Content-Type": "text/plain; charset=utf-8"}
        return Response(401, page=DENIED, headers=headers)

    def _refusal(self, refused: Refused) -> Response:
        if isinstance(refused, BadSearch):
            body = {"code": 400, "message": refused.message, "status": "invalid_search_query", "errors": {}}
            return Response(400, body)
        if refused.status == 404:
            match self.accredible.flags.not_found:
                case "success":
                    return Response(404, {"success": False, "data": refused.message})
                case "error":
                    return Response(404, {"error": refused.message})
        return Response(refused.status, {"errors": refused.errors or refused.message})

    def error(self, status: int, message: str) -> Response:
        """The error body that is common to most routes (accredible.md 8)."""
        return Response(status, {"errors": message})

    def misshapen(self) -> Any:
        """Texts where objects are due, a list where a number is due."""
        return {"credential": "none", "credentials": {}, "groups": "none", "results": {}, "meta": {"count": []}}

    def first_page(self, request: Request) -> Request:
        """The request for page 1, which is also what a cursor is answered with."""
        query = {name: values for name, values in request.query.items() if name != "page"}
        body = _object(request)
        page = body.pop("page", None)
        if isinstance(page, dict):
            body["page"] = {name: value for name, value in page.items() if name == "size"}
        return replace(request, query=query, body=json.dumps(body).encode() if request.body else b"")

    def promise_more(self, request: Request, data: Any) -> Any:
        """The page under the number asked for, with another one to come; the v2 search names one cursor for ever."""
        if not isinstance(data, dict) or not isinstance(data.get("meta"), dict):
            return data
        meta, page = data["meta"], _object(request).get("page")
        if "current_page" in meta:
            asked = page if isinstance(page, int) else int(request.query.get("page", ["1"])[0])
            return data | {"meta": meta | {"current_page": asked, "next_page": asked + 1, "total_pages": asked + 1}}
        start = page.get("from", 0) if isinstance(page, dict) else 0
        return data | {"meta": meta | {"from": start, "count": start + 2 * meta["size"], "cursor": "WzEsMV0="}}


class Unauthorized(Refused):
    """401: no key, or one that is `unknown`."""

    def __init__(self, *, unknown: bool) -> None:
        super().__init__(401, "Invalid API key")
        self.unknown = unknown


def _object(request: Request) -> dict[str, Any]:
    """The JSON object of a body, empty for anything else."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


ROUTES: tuple[Route[Accredible], ...] = (
    *accredible_groups.ROUTES,
    *accredible_issue.ROUTES,
    *accredible_search.ROUTES,
    *accredible_evidence.ROUTES,
)
