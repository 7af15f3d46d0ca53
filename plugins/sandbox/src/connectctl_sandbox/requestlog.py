"""What the simulated remotes were asked, in order."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `status` is what the remote decided, even when a fault kept the answer from arriving; 0 when the
    request was lost before it was looked at. `at` is simulated seconds since 1970. `body` is the parsed JSON or None.
    """

    remote: str
    method: str
    path: str
    query: dict[str, list[str]]
    status: int
    at: float
    body: Any
    fault: str | None


class RequestLog:
    """The requests so far. An entry is there before its answer leaves, so a test sees it once it has the answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All requests in the order they were answered."""
        with self._lock:
            return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep one request."""
        with self._lock:
            self._entries.append(entry)

    def count(
        self,
        *,
        remote: str | None = None,
        method: str | None = None,
        path: str = "",
        status: int | None = None,
        fault: str | None = None,
    ) -> int:
        """How many requests match all that is given; `path` is a regular expression searched in the path."""
        return sum(
            1
            for entry in self.entries
            if remote in (None, entry.remote)
            and method in (None, entry.method)
            and status in (None, entry.status)
            and fault in (None, entry.fault)
            and re.search(path, entry.path)
        )

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._entries.clear()
