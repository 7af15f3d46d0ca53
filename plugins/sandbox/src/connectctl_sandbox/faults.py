"""What can go wrong on the wire, chosen by remote, method, path, count and seeded chance."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, fields
from typing import Any

REMOTES = ("docebo", "credly", "accredible")

KINDS: dict[str, str] = {
    "lose_request": "the connection is closed before anything happened",
    "lose_answer": "the change is made, then the connection is closed before the first byte of the answer",
    "cut_answer": "the change is made, half of the body is sent, then the connection is closed",
    "http_429": "429 and no effect; with Retry-After when retry_after is set",
    "http_500_before": "500 and no effect",
    "http_500_after": "the change is made, then 500",
    "http_503": "503 with an HTML page and no effect",
    "html_200": "an HTML sign-in page with status 200 and no effect",
    "success_false": "200 with `success: false` inside and no effect, as Docebo sometimes refuses",
    "truncated_json": "the change is made; the answer is whole for HTTP and half a document for JSON",
    "wrong_types": "the change is made; the answer is JSON of another shape, with status 200",
    "endless_pages": "a list never ends: the first page again and again, each promising a next one",
    "slow": "the change is made at once, the answer comes after `delay` real seconds",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. What is None or left out matches everything.

    `path` is a regular expression searched in the path (without query and trailing slash), `times` how often it
    strikes at most, `after` how many matching requests pass unharmed first, `delay` real seconds (slow),
    `retry_after` the header's seconds (http_429).
    """

    kind: str
    remote: str | None = None
    method: str | None = None
    path: str = ""
    probability: float = 1.0
    times: int | None = None
    after: int = 0
    seed: int = 0
    retry_after: int | None = None
    delay: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known are {', '.join(KINDS)}")
        if self.remote not in (None, *REMOTES):
            raise ValueError(f"unknown remote {self.remote!r}; known are {', '.join(REMOTES)}")
        if self.method is not None and not isinstance(self.method, str):
            raise ValueError("method is a word such as POST")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability is a number from 0 to 1")
        for name, least in (("times", 1), ("after", 0), ("seed", None), ("retry_after", 0)):
            value = getattr(self, name)
            optional = value is None and name in ("times", "retry_after")
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not optional and not (whole and (least is None or value >= least)):
                raise ValueError(f"{name} is a whole number" + ("" if least is None else f" from {least} on"))
        if self.delay < 0:
            raise ValueError("delay is a number of seconds")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error

    def matches(self, remote: str, method: str, path: str) -> bool:
        """Whether a request is one that this fault may strike."""
        return (
            self.remote in (None, remote)
            and (self.method is None or self.method.upper() == method)
            and re.search(self.path, path) is not None
        )


def fault_from(data: dict[str, Any]) -> Fault:
    """A fault from plain data (the control address); ValueError names what is wrong with it."""
    unknown = set(data) - {field.name for field in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown fault settings: {', '.join(sorted(unknown))}")
    if not isinstance(data.get("kind"), str):
        raise ValueError("a fault needs a kind")
    try:
        return Fault(**data)
    except TypeError as error:
        raise ValueError(f"a setting has the wrong type: {error}") from error


class _Armed:
    """A fault with its counters."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.chance = random.Random(fault.seed)  # noqa: S311 - repeatable, not secret
        self.seen = 0
        self.struck = 0

    def strikes(self) -> bool:
        """Count one matching request; whether it is hit."""
        if self.fault.times is not None and self.struck >= self.fault.times:
            return False
        self.seen += 1
        if self.seen <= self.fault.after or self.chance.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults in force. At most one strikes a request: the first added that matches and is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force, behind those already there."""
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._armed.clear()

    def active(self) -> list[Fault]:
        """The faults that can still strike, in the order they were added."""
        with self._lock:
            return [one.fault for one in self._armed if one.fault.times is None or one.struck < one.fault.times]

    def pick(self, remote: str, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, counted; None when it passes unharmed."""
        with self._lock:
            for one in self._armed:
                if one.fault.matches(remote, method, path) and one.strikes():
                    return one.fault
        return None
