"""The strict reading of what is written to awards and external training, and the two ways to refuse it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .docebo import Docebo
from .docebo_lists import single
from .web import Call, Refused, Response

Check = Callable[[Any], Any]
"""Turns one attribute into what the handler wants; ValueError says what was expected."""

Handler = Callable[[Docebo, Call], Response]


def refusable(handler: Handler) -> Handler:
    """The handler; what it refuses for the body's sake can answer 200 with `success: false` inside (docebo.md 2.6)."""

    def handle(docebo: Docebo, call: Call) -> Response:
        try:
            return handler(docebo, call)
        except Refused as refused:
            if refused.status != 400 or not docebo.flags.soft_failures:
                raise
            return single({"success": False, "message": [{"id": refused.errors, "message": refused.message}]})

    handle.__doc__ = handler.__doc__
    return handle


def read_body(body: Mapping[str, Any], checks: Mapping[str, Check], required: set[str], within: str = "") -> Any:
    """The checked attributes. Refused 400 for one that is unknown, absent or of the wrong type."""
    for name in sorted(set(body) - set(checks)):
        raise refusal(within + name, f"Unknown attribute: {within}{name}")
    for name in sorted(required - set(body)):
        raise refusal(within + name, f"{within}{name} is required")
    found = {}
    for name, value in body.items():
        try:
            found[name] = checks[name](value)
        except ValueError as error:
            raise refusal(within + name, f"{within}{name} {error}") from error
    return found


def refusal(attribute: str, message: str) -> Refused:
    """400 because of one attribute of the body."""
    return Refused(400, message, errors=attribute)


def whole(value: Any) -> int:
    """An id: a JSON number, as in the assumed bodies (docebo.md 7.4, 8.3)."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number")
    return value


def amount(value: Any) -> float:
    """A number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("must be a number from 0 on")
    return value


def yes_or_no(value: Any) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def words(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def filled(value: Any) -> str:
    """A text that is not blank."""
    if not words(value).strip():
        raise ValueError("must not be empty")
    return str(value)


def address(value: Any) -> str:
    """A web address."""
    if not words(value).startswith(("https://", "http://")):
        raise ValueError("must be a web address")
    return str(value)


def one_of(*allowed: str) -> Check:
    """One of the given words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return check


def moment(value: Any) -> str:
    """`YYYY-MM-DD HH:MM:SS`, nothing else."""
    return _dated(value, "%Y-%m-%d %H:%M:%S", "YYYY-MM-DD HH:MM:SS")


def moment_or_none(value: Any) -> str | None:
    """`YYYY-MM-DD HH:MM:SS`, or null for always valid."""
    return None if value is None else moment(value)


def day(value: Any) -> str:
    """`YYYY-MM-DD`, nothing else."""
    return _dated(value, "%Y-%m-%d", "YYYY-MM-DD")


def _dated(value: Any, form: str, shown: str) -> str:
    try:
        if datetime.strptime(words(value), form).strftime(form) == value:  # 2026-1-2 is read as well, but not meant
            return str(value)
    except ValueError:
        pass
    raise ValueError(f"must be {shown}")
