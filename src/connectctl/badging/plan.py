"""What should be issued, and why or why not: a pure function of one course's view (CR-27 to CR-37, GN-17, GN-21)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from connectctl.badging.provider import Credential, duplicate_of
from connectctl.model import Applied, Change, Outcome, Plan, Problem, Skip

ADDRESS = re.compile(r"[^@\s,;|]+@[^@\s,;|]+\.[^@\s,;|]+")
Expiry = str | Literal[False] | None


@dataclass(frozen=True, slots=True)
class Learner:
    """A user who completed the course. `email` is trimmed and lower case, '' when there is none."""

    id: str
    email: str
    first_name: str
    last_name: str
    shared_email: bool = False


@dataclass(frozen=True, slots=True)
class CourseView:
    """One course and all that decides about its learners; plain data, no clock.

    `template` is None when `reason` says why the course earns nothing. `start` None means all history.
    `learners` holds whom the plan may need; a completer missing there is unknown to Docebo.
    """

    course: str
    course_name: str
    template: str | None
    template_name: str
    reason: str
    detail: str
    account: str
    completions: Sequence[tuple[str, datetime | None]]
    learners: Mapping[str, Learner]
    held: Sequence[Credential]
    applied: Mapping[str, Applied]
    start: datetime | None
    now: datetime
    expiration_days: int | None
    evidence_title: str
    flow_title: str
    retrying: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    unbounded: bool = False


def holding(account: str, template: str, user: str) -> str:
    """The holding of GN-21: at most one live credential of ours in it."""
    return "|".join((account, template, user))


def default_expiry(days: int | None, now: datetime) -> Expiry:
    """The frozen expiry of objects without one of their own, counted from the run's date (CR-61, CR-62, CR-78)."""
    if days is None:
        return None
    if days == 0:
        return False
    day = (now + timedelta(days=days)).date()
    return f"{day.isoformat()}T00:00:00Z"


MENDABLE = ("email", "first_name", "last_name")


def settled_reason(applied: Applied | None, change: Change | None, retrying: frozenset[str]) -> str | None:
    """Why the ledger keeps a holding from being issued: taken, on its way, or refused for good before.

    What was refused is planned again for another completion, on request, and when the learner's data were mended.
    """
    if applied is None:
        return None
    if applied.live and applied.state != "intended":
        return "already_assigned"
    if change is None or applied.state != "failed" or applied.key != change.key("") or applied.holding in retrying:
        return None
    mended = any(applied.data.get(name) != change.data[name] for name in MENDABLE)
    return None if mended else "connectctl:failed_before"


def held_reason(credential: Credential, now: datetime) -> str:
    """Why a credential at the provider counts as held, whatever its state (CR-34)."""
    if credential.state == "revoked":
        return "revoked_before"
    if credential.state == "rejected":
        return "rejected_before"
    if credential.expires_at is not None and credential.expires_at <= now and not credential.replaced:
        return "expired_before"
    return "already_assigned"


def learner_reason(learner: Learner | None) -> str | None:
    """Why somebody cannot be given a credential (GN-16, GN-17)."""
    if learner is None:
        return "user_not_found"
    if not ADDRESS.fullmatch(learner.email):
        return "no_email"
    if learner.shared_email:
        return "ambiguous_user"
    if not (learner.first_name and learner.last_name):
        return "connectctl:no_name"
    return None


def date_reason(completed_at: datetime | None, start: datetime | None, now: datetime) -> str | None:
    """Why a completion does not count (CR-32, CR-72, GN-12, GN-13): the bound itself is included."""
    if completed_at is None:
        return "not_completed"
    if completed_at > now + timedelta(days=1):
        return "connectctl:future_date"
    if start is not None and completed_at < start:
        return "before_start_date"
    return None


def plan(view: CourseView) -> Plan:
    """The course's changes in order of completion, its skips, and credentials seen that the ledger did not know.

    Pure: the same view always gives the same plan. Of several completions of one learner the first that counts earns
    the credential.
    """
    if view.template is None:
        skip = Skip(f"course:{view.course}", view.reason, view.detail, source=f"course:{view.course}")
        return Plan(skipped=(skip,) if view.reason else (), problems=view.problems, unbounded=view.unbounded)
    changes: list[Change] = []
    skipped: list[Skip] = []
    seen: list[tuple[Change, Outcome]] = []
    taken: set[str] = set()
    for user, completed_at in view.completions:
        place = holding(view.account, view.template, user)
        learner = view.learners.get(user)
        reason = date_reason(completed_at, view.start, view.now)
        if reason is None and place in taken:
            reason = "already_assigned"
        if reason is None and completed_at is not None:
            change = _change(view, place, user, learner, completed_at)
            reason = settled_reason(view.applied.get(place), change, view.retrying)
            found = None if reason else duplicate_of(view.held, user, learner.email if learner else "")
            if found is not None:
                reason = held_reason(found, view.now)
                if reason == "already_assigned":  # one that has ended may be wanted again one day
                    ours = found.earner_id == user or change_mark(change) in found.marks
                    seen.append((change, Outcome("adopted" if ours else "foreign", found.id)))
            reason = reason or learner_reason(learner)
            if reason is None:
                changes.append(change)
            if reason in (None, "already_assigned"):
                taken.add(place)
        if reason is not None:
            skipped.append(_skip(view, place, user, learner, reason))
    return Plan(tuple(changes), (), tuple(skipped), view.problems, tuple(seen), unbounded=view.unbounded)


def _change(view: CourseView, place: str, user: str, learner: Learner | None, completed_at: datetime) -> Change:
    origin, version = f"course:{view.course}", completed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    learner = learner or Learner(user, "", "", "")
    applied = view.applied.get(place)
    expiry: Any = default_expiry(view.expiration_days, view.now)
    if applied is not None and applied.origin == origin and applied.version == version and "expires_at" in applied.data:
        expiry = applied.data["expires_at"]
    data = {
        "template_id": view.template,
        "email": learner.email,
        "first_name": learner.first_name,
        "last_name": learner.last_name,
        "earner_id": user,
        "issued_at": version,
        "expires_at": expiry,
        "evidence_title": view.evidence_title,
        "evidence_text": f"{view.flow_title}: course {view.course_name} ({view.course})",
    }
    reason = f"course completed {completed_at.date().isoformat()}"
    return Change(
        "issue",
        place,
        data,
        reason,
        origin,
        version,
        user,
        learner.email or None,
        view.template,
        f"course:{view.course}",
    )


def change_mark(change: Change) -> str:
    """The text that lets us recognise the credential of exactly this change at the provider."""
    return "connectctl-" + hashlib.sha256(change.key("").encode()).hexdigest()[:20]


def _skip(view: CourseView, place: str, user: str, learner: Learner | None, reason: str) -> Skip:
    email = learner.email or None if learner else None
    return Skip(place, reason, "", user, email, view.template, f"course:{view.course}")
