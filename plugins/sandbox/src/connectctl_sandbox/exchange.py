"""One request and its answer, with the faults in between and the log entry behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from .clock import Clock
from .faults import Fault, Faults
from .ratelimit import RateLimits
from .requestlog import Entry, RequestLog
from .web import Request, Response

SIGN_IN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
BUSY_PAGE = "<html><head><title>503</title></head><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


class Remote(Protocol):
    """A simulated remote system, as the server sees it."""

    name: str

    def handle(self, request: Request) -> Response:
        """The honest answer, with its effect."""

    def error(self, status: int, message: str) -> Response:
        """An error in the remote's own envelope."""

    def misshapen(self) -> Any:
        """A JSON document that no endpoint of the remote would send."""

    def first_page(self, request: Request) -> Request:
        """The same list request, for its first page."""

    def promise_more(self, request: Request, data: Any) -> Any:
        """A list answer changed so that it promises another page."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire: the answer, or its first half, or nothing before the connection is closed."""

    response: Response | None
    sent: Literal["whole", "half", "half_json"] = "whole"


class Exchange:
    """Answers requests for one remote. `wait(seconds)` passes real time and ends early when the sandbox stops."""

    def __init__(
        self,
        remote: Remote,
        *,
        faults: Faults,
        limits: RateLimits,
        log: RequestLog,
        clock: Clock,
        wait: Callable[[float], object],
        latency: float = 0.0,
    ) -> None:
        self.remote = remote
        self.latency = latency
        self._faults = faults
        self._limits = limits
        self._log = log
        self._clock = clock
        self._wait = wait

    def reply(self, request: Request) -> Reply:
        """The reply to one request, logged, with at most one fault."""
        if self.latency:
            self._wait(self.latency)
        self._clock.tick()
        fault: Fault | None = None
        refusal = self._limits.refusal(self.remote.name, self._clock.now())
        if refusal is not None:
            reply = self._throttled(refusal)
        else:
            fault = self._faults.pick(self.remote.name, request.method, request.path.rstrip("/"))
            reply = self._spoiled(request, fault) if fault else Reply(self.remote.handle(request))
        self._log.add(
            Entry(
                remote=self.remote.name,
                method=request.method,
                path=request.path,
                query=request.query,
                status=reply.response.status if reply.response else 0,
                at=self._clock.now(),
                body=_parsed(request),
                fault=fault.kind if fault else None,
            )
        )
        if fault and fault.kind == "slow":
            self._wait(fault.delay)
        return Reply(None) if fault and fault.kind == "lose_answer" else reply

    def _throttled(self, headers: dict[str, str]) -> Reply:
        return Reply(replace(self.remote.error(429, "Too many requests"), headers=headers))

    def _spoiled(self, request: Request, fault: Fault) -> Reply:
        """The reply under a fault: first the kinds without effect, then those after it."""
        match fault.kind:
            case "lose_request":
                return Reply(None)
            case "http_429":
                return self._throttled({} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)})
            case "http_500_before":
                return Reply(self.remote.error(500, "An internal server error occurred."))
            case "http_503":
                return Reply(Response(503, page=BUSY_PAGE))
            case "html_200":
                return Reply(Response(200, page=SIGN_IN_PAGE))
            case "success_false":
                failure = {"success": False, "message": [{"id": None, "message": "The request could not be completed"}]}
                return Reply(Response(200, {"data": failure}))
            case "endless_pages":
                response = self.remote.handle(self.remote.first_page(request))
                if response.status != 200:
                    return Reply(response)
                return Reply(replace(response, data=self.remote.promise_more(request, response.data)))
        response = self.remote.handle(request)
        match fault.kind:
            case "cut_answer":
                return Reply(response, "half")
            case "truncated_json":
                return Reply(response, "half_json")
            case "http_500_after":
                return Reply(self.remote.error(500, "An internal server error occurred."))
            case "wrong_types":
                return Reply(Response(200, self.remote.misshapen()))
        return Reply(response)  # slow and lose_answer: the honest answer, kept back by the caller


def _parsed(request: Request) -> Any:
    if request.media_type != "application/json":
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return None
