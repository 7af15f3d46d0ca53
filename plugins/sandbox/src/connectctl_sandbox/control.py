"""The control address: faults, state, log, clock and selections of a running sandbox, for another process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .clock import iso_time
from .control_docebo import administer, listed
from .exchange import Reply
from .faults import fault_from
from .ratelimit import limit_from
from .web import Call, Refused, Request, Response, Route, find_route, read_json, read_query

if TYPE_CHECKING:
    from .sandbox import Sandbox


class Control:
    """Answers the control address of one sandbox; errors are `{"error": text}`."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def reply(self, request: Request) -> Reply:
        """The reply to one control request; no fault ever strikes here."""
        try:
            route, ids = find_route(ROUTES, request.method, request.path)
            # The content type keeps web pages from posting here: a browser would have to ask first.
            body = read_json(request) if route.body else None
            return Reply(route.handler(self._box, Call(request, read_query(request.query, route.query), ids, body)))
        except Refused as refused:
            return Reply(Response(refused.status, {"error": refused.message}))


def _add_fault(box: Sandbox, call: Call) -> Response:
    try:
        fault = fault_from(call.body)
    except ValueError as error:
        raise Refused(400, str(error)) from error
    box.faults.add(fault)
    return Response(200, {"faults": [asdict(one) for one in box.faults.active()]})


def _clear_faults(box: Sandbox, call: Call) -> Response:
    box.faults.clear()
    box.credly.flags.search_lag = 0.0
    return Response(200, {"faults": []})


def _add_limit(box: Sandbox, call: Call) -> Response:
    try:
        limit = limit_from(call.body)
    except ValueError as error:
        raise Refused(400, str(error)) from error
    box.limits.set(limit)
    return Response(200, {"limits": [asdict(one) for one in box.limits.active()]})


def _clear_limits(box: Sandbox, call: Call) -> Response:
    box.limits.clear()
    return Response(200, {"limits": []})


def _state(box: Sandbox, call: Call) -> Response:
    return Response(200, box.state())


def _log(box: Sandbox, call: Call) -> Response:
    entries = [asdict(entry) | {"at": iso_time(entry.at)} for entry in box.log.entries]
    return Response(200, {"entries": entries})


def _advance(box: Sandbox, call: Call) -> Response:
    seconds = call.body.get("advance")
    if set(call.body) != {"advance"} or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Refused(400, 'expected {"advance": seconds}')
    if seconds < 0:
        raise Refused(400, "the clock only moves forward")
    return Response(200, {"now": iso_time(box.clock.advance(seconds))})


def _lag(box: Sandbox, call: Call) -> Response:
    """Seconds until Credly's lists show a write."""
    seconds = call.body.get("seconds")
    if set(call.body) != {"seconds"} or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Refused(400, 'expected {"seconds": number}')
    box.credly.flags.search_lag = max(0.0, float(seconds))
    return Response(200, {"search_lag": box.credly.flags.search_lag})


def _expire(box: Sandbox, call: Call) -> Response:
    """Ends the tokens of one remote: Docebo gives a new one when asked, the others are replaced by a person."""
    remote = call.body.get("remote")
    if remote == "docebo":
        box.docebo.expire_tokens()
    elif remote == "credly":
        box.credly.expire_token()
    elif remote == "accredible":
        box.accredible.revoke_key()
    else:
        raise Refused(400, 'expected {"remote": "docebo"}, or credly, or accredible')
    return Response(200, {"expired": remote})


def _select_intended(box: Sandbox) -> dict[int, int]:
    """Selects what is meant for each seeded course, in the dropdowns that are filled; LookupError when none is."""
    try:
        selected = box.select_templates()
    except LookupError as error:
        try:
            return box.docebo.select_by_label(box.intended_groups)
        except LookupError:
            raise error from None
    with suppress(LookupError):  # Accredible's dropdown is not filled: Credly's alone is in use
        box.docebo.select_by_label(box.intended_groups)
    return selected


def _select(box: Sandbox, call: Call) -> Response:
    """`{}` sets every seeded course to its intended template and group, `{"88": "Label"}` the named courses."""
    wanted: dict[int, str] = {}
    for course_id, label in call.body.items():
        if not course_id.isdigit() or not isinstance(label, str):
            raise Refused(400, 'expected {"course id": "label"}')
        wanted[int(course_id)] = label
    try:
        selected: Any = box.docebo.select_by_label(wanted) if wanted else _select_intended(box)
    except LookupError as error:
        raise Refused(409, str(error.args[0])) from error
    return Response(200, {"selected": {str(course_id): option for course_id, option in selected.items()}})


ROUTES: tuple[Route[Sandbox], ...] = (
    Route("POST", r"/fault", _add_fault, body="json"),
    Route("DELETE", r"/fault", _clear_faults),
    Route("POST", r"/limit", _add_limit, body="json"),
    Route("DELETE", r"/limit", _clear_limits),
    Route("GET", r"/state", _state),
    Route("GET", r"/log", _log),
    Route("POST", r"/clock", _advance, body="json"),
    Route("POST", r"/lag", _lag, body="json"),
    Route("POST", r"/expire", _expire, body="json"),
    Route("POST", r"/select", _select, body="json"),
    Route("GET", r"/docebo", listed),
    Route("POST", r"/docebo", administer, body="json"),
)
