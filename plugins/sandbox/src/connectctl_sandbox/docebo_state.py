"""What every part of the simulated Docebo shares: lock, time, ids, people, and the list of what happened."""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from typing import Any

from .clock import Clock, mysql_time
from .docebo_records import DoceboEvent, DoceboFlags, User

KEPT_EVENTS = 10_000


class State:
    """The ground that the platform's parts stand on."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.flags = DoceboFlags()
        self.users: dict[int, User] = {}
        self.events: deque[DoceboEvent] = deque(maxlen=KEPT_EVENTS)
        """What happened since the world was seeded, oldest first; the oldest are forgotten."""
        self._random = random.Random(f"docebo {seed}")  # noqa: S311 - repeatable, not secret
        # A stream of its own, so that what awards and external training draw changes no other id.
        self._achievement_random = random.Random(f"docebo achievements {seed}")  # noqa: S311 - repeatable, not secret
        self._next = {
            "user": 4701,
            "course": 80,
            "field": 4,
            "option": 30,
            "plan": 11,
            "plan_field": 4,
            "plan_option": 30,
        }
        self._next |= {"certification": 6, "award": 900, "training": 554, "training_field": 2, "event": 0}

    def now(self) -> str:
        """The simulated time in Docebo's form."""
        return mysql_time(self.clock.now())

    def new_uuid(self) -> str:
        """A fresh random id, the same in every run with the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_id(self, kind: str) -> int:
        """The next number of a kind (user, course, field, option, plan, certification, award, training …)."""
        self._next[kind] += 1
        return self._next[kind]

    def tell(self, event: str, **payload: Any) -> None:
        """Note what happened, under the lock that the change is made under."""
        self.events.append(DoceboEvent(self.new_id("event"), event, {"fired_at": self.now(), **payload}))

    def forget_events(self) -> None:
        """Begin the list of events anew, counted from 1."""
        with self.lock:
            self.events.clear()
            self._next["event"] = 0
