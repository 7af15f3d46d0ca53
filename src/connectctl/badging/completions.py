"""Who has completed what, read in bulk: all since the start date, or only what changed since the last run (CR-32)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectctl.badging.earnings import Earning, Kind
from connectctl.badging.spool import Spool
from connectctl.badging.window import FILTERS, LATE, Window
from connectctl.docebo import enrollments, plans
from connectctl.docebo.client import FilterIgnored
from connectctl.docebo.enrollments import IDS_PER_CALL
from connectctl.model import Problem, RunContext

OVERLAP = timedelta(days=1)  # around the start date, because the remote's `updated_from` is in a zone of its own

Row = tuple[str, str, datetime | None]  # course or plan, user, completion


@dataclass(slots=True)
class Reading:
    """Reads the completions of earnings into the spool, and works out how far each part has been read by that."""

    ctx: RunContext
    window: Window
    account: str
    spool: Spool
    problems: list[Problem]
    positions: dict[str, datetime | None] = field(default_factory=dict)  # by part
    remembered: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by user: what an open item knew of them
    reopened: dict[tuple[Kind, str], set[str]] = field(default_factory=dict)  # by course or plan: who was left open
    newest: datetime | None = None  # the newest change seen so far, in the platform's own time
    complete: bool = True  # False: a row could not be read, so no cursor may move past it

    def read(self, kind: Kind, earned: Sequence[Earning]) -> None:
        """One listing for the parts that are new, one for those that go on; open items join them (GN-37)."""
        fresh: list[Earning] = []
        known: list[tuple[Earning, datetime]] = []
        for earning in earned:
            position = self.window.position(self.ctx, earning, self.account)
            if position is None:
                fresh.append(earning)
            else:
                known.append((earning, position))
        if fresh:
            # Without a completion there is still the platform's time at which something else was read before.
            before = max((position for position in [self.newest, *(p for _, p in known)] if position), default=None)
            newest = self._keep(kind, self._all(kind, fresh, self._earliest(), self.window.users)) or before
            self.positions |= {earning.part: newest for earning in fresh}
        if known:
            self._reopen(earning for earning, _ in known)
            seen = self._keep(kind, self._changed(kind, known))
            self.positions |= {earning.part: max(position, seen) if seen else position for earning, position in known}

    def _keep(self, kind: Kind, read: Callable[[Callable[[datetime], None]], Iterator[Row]]) -> datetime | None:
        """Into the spool; the newest change seen, as far as it is not to come by our clock."""
        newest: datetime | None = None

        def on_seen(changed: datetime) -> None:
            nonlocal newest
            if changed < self.ctx.now + OVERLAP and (newest is None or changed > newest):
                newest = changed  # a row from the far future says nothing about the platform's clock

        rows = read(on_seen)
        self.spool.add_completions((f"{kind}:{id}", user, at.isoformat() if at else "") for id, user, at in rows)
        if newest is not None:
            newest = min(newest, self.ctx.now)
            self.newest = newest if self.newest is None else max(self.newest, newest)
        return newest

    def _reopen(self, earned: Iterable[Earning]) -> None:
        """What earlier runs left open, as if it had been read now."""
        for earning in earned:
            items = self.ctx.open_items(earning.part)
            self.remembered |= {str(item.data["user"]): item.data for item in items if item.data.get("at")}
            # The version of a credential that follows ended ones names those behind slashes.
            moments = ((i.data["user"], datetime.fromisoformat(i.data["version"].partition("/")[0])) for i in items)
            rows = [(earning.source, str(user), at.isoformat()) for user, at in moments]
            self.spool.add_completions(rows)
            self.reopened.setdefault((earning.kind, earning.id), set()).update(user for _, user, _ in rows)

    def confirm(self, able: Callable[[str, str], bool]) -> None:
        """Reads again what was left open of the users whom `able` (course or plan, user) names as mended: it may have
        been reset meanwhile, and a list of completions does not show that.
        """
        for (kind, id), users in self.reopened.items():
            mended = sorted(user for user in users if able(f"{kind}:{id}", user))
            for start in range(0, len(mended), IDS_PER_CALL):
                some = mended[start : start + IDS_PER_CALL]
                self.spool.forget(f"{kind}:{id}", some)
                rows = self._all(kind, [Earning(kind, id, "", None)], None, some)(lambda _changed: None)
                now = ((f"{kind}:{id}", user, at.isoformat() if at else "") for _, user, at in rows)
                self.spool.add_completions(now)

    def _on_bad(self, description: str) -> None:
        self.complete = False
        self.problems.append(Problem("enrollment", description))

    def _earliest(self) -> datetime | None:
        return self.window.start - OVERLAP if self.window.start else None

    def _how(self, on_seen: Callable[[datetime], None]) -> dict[str, Any]:
        """What every listing of completions gets."""
        return {"earliest": self._earliest(), "on_bad": self._on_bad, "on_seen": on_seen}

    def _all(
        self, kind: Kind, earned: Sequence[Earning], since: datetime | None, users: Sequence[str] = ()
    ) -> Callable[[Callable[[datetime], None]], Iterator[Row]]:
        docebo, ids = self.ctx.client("docebo"), [earning.id for earning in earned]

        def some_rows(some: Sequence[str], how: Mapping[str, Any]) -> Iterator[Row]:
            if kind == "plan":
                for plan in plans.completed(docebo, ids, since, users=some, **how):
                    yield plan.plan_id, plan.user_id, plan.completed_at
            else:
                for done in enrollments.completed(docebo, ids, since, users=some, **how):
                    yield done.course_id, done.user_id, done.completed_at

        def rows(on_seen: Callable[[datetime], None]) -> Iterator[Row]:
            for start in range(0, max(1, len(users)), IDS_PER_CALL):
                some = users[start : start + IDS_PER_CALL]
                yield from (row for row in some_rows(some, self._how(on_seen)) if not some or row[1] in some)

        return rows

    def _changed(
        self, kind: Kind, known: Sequence[tuple[Earning, datetime]]
    ) -> Callable[[Callable[[datetime], None]], Iterator[Row]]:
        earned, since = [earning for earning, _ in known], min(position for _, position in known) - LATE
        if kind == "plan":
            return self._all(kind, earned, since)
        docebo, ids = self.ctx.client("docebo"), {earning.id for earning in earned}
        learnt, place = self.ctx.cached(FILTERS), f"{docebo.account}|enrollments"
        known_list = learnt.get(place)

        def rows(on_seen: Callable[[datetime], None]) -> Iterator[Row]:
            for name in sorted(("newer", "older"), key=lambda name: name != known_list) * (known_list != "neither"):
                try:
                    how = self._how(on_seen)
                    for done in enrollments.changed(docebo, ids, since, legacy=name == "older", **how):
                        yield done.course_id, done.user_id, done.completed_at
                except FilterIgnored:
                    continue
                if known_list != name:
                    learnt[place] = name
                return
            if known_list != "neither":
                learnt[place] = "neither"
            yield from self._all(kind, earned, since)(on_seen)

        return rows
