"""What a plan leaves out: why, and what the next run has to look at again (GN-17, GN-37)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from connectctl.badging.earnings import Earning
from connectctl.model import Cursor, OpenItem, Plan, Problem, Skip

if TYPE_CHECKING:
    from connectctl.badging.plan import Learner


class AnyView(Protocol):
    """What the views of all parts have in common."""

    @property
    def earning(self) -> Earning: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...
    @property
    def unbounded(self) -> bool: ...
    @property
    def cursor(self) -> Cursor | None: ...
    @property
    def read_at(self) -> str: ...


def without_template(view: AnyView) -> Plan:
    """The plan of a part that earns nothing: its reason, and what could not be read."""
    earning = view.earning
    skip = Skip(earning.part, earning.reason, earning.detail, source=earning.source)
    skipped = (skip,) if earning.reason else ()
    return Plan(skipped=skipped, problems=view.problems, unbounded=view.unbounded, cursor=view.cursor)


def left_open(view: AnyView, place: str, learner: Learner | None, user: str, version: str) -> OpenItem:
    """Who was left out, with what was known of them at that time: the next run asks only who has changed since."""
    person = [learner.email, learner.first_name, learner.last_name, learner.shared_email] if learner else None
    return OpenItem(f"{place}|{version}", {"user": user, "version": version, "person": person, "at": view.read_at})


def left_out(view: AnyView, place: str, user: str, learner: Learner | None, reason: str, detail: str = "") -> Skip:
    """Somebody who gets nothing by this part, and why."""
    email = learner.email or None if learner else None
    return Skip(place, reason, detail, user, email, view.earning.template, view.earning.source)
