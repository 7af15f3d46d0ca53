"""Requests, answers and routes as plain data, and the strict reading of query strings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

StateT = TypeVar("StateT")

Check = Callable[[str], Any]
"""Turns one query value into what the handler wants; ValueError says what was expected."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came. Header names are lower case; `origin` is the address of the server that got it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    origin: str

    @property
    def media_type(self) -> str:
        """The content type without its parameters, lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `data` is sent as JSON; `page` as it is, as text/html unless a header says otherwise; or no body."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None

    def payload(self) -> tuple[bytes, str | None]:
        """The body and its content type, None when there is no body."""
        if self.page is not None:
            return self.page.encode(), self.headers.get("Content-Type", "text/html; charset=utf-8")
        if self.data is None:
            return b"", None
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"


class Refused(Exception):
    """The remote says no. Each remote writes it in its own envelope."""

    def __init__(self, status: int, message: str, *, errors: Any = None, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets: the checked query, the ids from the path, the body (see `Route.body`), and who asks."""

    request: Request
    params: dict[str, Any]
    ids: tuple[str, ...]
    body: Any
    caller: Any = None


@dataclass(frozen=True, slots=True)
class Route(Generic[StateT]):
    """A method and a path. `query` names every parameter that is allowed: `name[]` is a list, `name_*` a prefix.

    `body`: "json" (an object is required), "form" (left to the handler), "params" (an object may come, and is merged
    with the query), or None (a body is refused).
    """

    method: str
    path: str
    handler: Callable[[StateT, Call], Response]
    query: Mapping[str, Check] = field(default_factory=dict)
    body: str | None = None
    exclusive: bool = False


def find_route(routes: Sequence[Route[StateT]], method: str, path: str) -> tuple[Route[StateT], tuple[str, ...]]:
    """The route for a request and the ids in its path; Refused 404 for an unknown path, 405 for a wrong method."""
    allowed: list[str] = []
    for route in routes:
        match = re.fullmatch(route.path, path)
        if match is None:
            continue
        if route.method == method:
            return route, match.groups()
        allowed.append(route.method)
    if allowed:
        raise Refused(405, f"Method {method} is not allowed here", headers={"Allow": ", ".join(sorted(set(allowed)))})
    raise Refused(404, f"Page not found: {path}")


def read_query(query: Mapping[str, list[str]], allowed: Mapping[str, Check]) -> dict[str, Any]:
    """The checked parameters; lists under `name[]`. Refused 400 for what is unknown, repeated or of the wrong type.

    PHP writes lists as `name[]=1&name[]=2` or `name[0]=1&name[1]=2` (docebo.md 2.1).
    """
    params: dict[str, Any] = {}
    for name, values in query.items():
        listed = re.sub(r"\[\d*\]$", "[]", name)
        check = allowed.get(listed) or _prefixed(name, allowed)
        if check is None:
            raise Refused(400, f"Unknown parameter: {name}")
        try:
            checked = [check(value) for value in values]
        except ValueError as error:
            raise Refused(400, f"Parameter {name}: {error}") from error
        if listed.endswith("[]"):
            params.setdefault(listed, []).extend(checked)
        elif len(checked) > 1:
            raise Refused(400, f"Parameter {name} is given {len(checked)} times")
        else:
            params[name] = checked[0]
    return params


def _prefixed(name: str, allowed: Mapping[str, Check]) -> Check | None:
    for pattern, check in allowed.items():
        if pattern.endswith("_*") and name.startswith(pattern[:-1]) and name[len(pattern) - 1 :].isdigit():
            return check
    return None


def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in a body; Refused 415 for another content type, 400 for what is not an object."""
    if request.media_type != "application/json":
        raise Refused(415, f"Content-Type must be application/json, not {request.media_type or 'absent'}")
    try:
        data = json.loads(request.body)
    except ValueError as error:
        raise Refused(400, f"The body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise Refused(400, "The body must be a JSON object")
    return data


def accepts_json(request: Request) -> bool:
    """Whether the caller takes JSON: a missing Accept header takes anything."""
    accept = request.headers.get("accept", "*/*").lower()
    return any(kind in accept for kind in ("application/json", "application/*", "*/*"))


def text(value: str) -> str:
    """Any text."""
    return value


def number(value: str) -> int:
    """A whole number without sign."""
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def positive(value: str) -> int:
    """A whole number from 1 on, as pages are counted (docebo.md 2.4)."""
    if number(value) < 1:
        raise ValueError("must be 1 or more")
    return int(value)


def flag(value: str) -> bool:
    """0 or 1, or the words."""
    try:
        return {"0": False, "1": True, "false": False, "true": True}[value]
    except KeyError:
        raise ValueError(f"{value!r} is not 0 or 1") from None


def choice(*allowed: str) -> Check:
    """One of the given words."""

    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
        return value

    return check


def moment(value: str) -> str:
    """`YYYY-MM-DD HH:MM:SS` or a bare date, returned with its time so that it can be compared as text."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(value, form).strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            continue
    raise ValueError(f"{value!r} is not YYYY-MM-DD HH:MM:SS")
