"""What should be issued, and why or why not: a pure function of the view of one course or plan (CR-27 to CR-37)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from connectctl.badging.earnings import Earning
from connectctl.badging.existing import (
    CREATE_NEW,
    MARK,
    PLAIN,
    SKIP,
    Overwrite,
    beside,
    held_by,
    held_reason,
    is_adoptable,
    is_asked_again,
    is_later,
    is_ours,
    newest_of,
    once_more,
    updated,
)
from connectctl.badging.leftovers import left_open, left_out, without_template
from connectctl.badging.provider import Credential, all_of, current
from connectctl.model import Applied, Change, Cursor, OpenItem, Outcome, Plan, Problem, Skip
from connectctl.plugins.specs import Capabilities

ADDRESS = re.compile(r"[^@\s,;|]+@[^@\s,;|]+\.[^@\s,;|]+")
HELD = ("done", "adopted", "foreign")  # states of the ledger
ENDED = {
    "revoked_before": "revoked",
    "rejected_before": "rejected",
    "expired_before": "expired",
}  # what --reissue names
Expiry = str | Literal[False] | None


@dataclass(frozen=True, slots=True)
class Learner:
    """A user who completed the course or plan. `email` is trimmed and lower case, '' when there is none."""

    id: str
    email: str
    first_name: str
    last_name: str
    shared_email: bool = False


@dataclass(frozen=True, slots=True)
class EarningView:
    """One course or learning plan and all that decides about its learners; plain data, no clock.

    `earning.template` is None when its reason says why it earns nothing. `start` None means all history.
    `learners` holds whom the plan may need; a completer missing there is unknown to Docebo. `reissue` names the ended
    states (expired, revoked, rejected) after which another credential is wanted (CR-34).
    """

    earning: Earning
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
    reissue: frozenset[str] = frozenset()
    cursor: Cursor | None = None
    read_at: str = ""  # the platform's own time up to which it was read, '' when it is not known
    actions: frozenset[str] | None = None  # that may be planned; None: all
    refused: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by key, the data of refused reissues
    can: Capabilities = PLAIN
    overwrite: Overwrite = ""
    duplicates: bool | None = None  # whether the template allows several for one learner, as far as it is known
    warnings: tuple[str, ...] = ()


def holding(account: str, template: str, user: str) -> str:
    """The holding of GN-21: at most one live credential of ours in it."""
    return "|".join((account, template, user))


def default_expiry(days: int | None, now: datetime) -> Expiry:
    """The frozen expiry of objects without one of their own, counted from a date (CR-61, CR-62, CR-78, AC-68)."""
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
    if change is None or change.key("") not in {*applied.refused, applied.key} or applied.holding in retrying:
        return None
    if applied.key != change.key(""):
        return "connectctl:failed_before"
    if applied.state != "failed":
        return None
    mended = any(applied.data.get(name) != change.data[name] for name in MENDABLE)
    return None if mended else "connectctl:failed_before"


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


# What people can mend: looked at again by the next run (GN-37). A date to come mends itself.
OPEN = frozenset(
    {
        "no_email",
        "user_not_found",
        "ambiguous_user",
        "connectctl:no_name",
        "connectctl:failed_before",
        "connectctl:future_date",
    }
)


def plan(view: EarningView) -> Plan:
    """The changes in order of completion, the skips, and credentials seen that the ledger did not know.

    Pure: the same view always gives the same plan. Of several completions of one learner the first that counts earns
    the credential.
    """
    template = view.earning.template
    if template is None:
        return without_template(view)
    changes: list[Change] = []
    skipped: list[Skip] = []
    seen: list[tuple[Change, Outcome]] = []
    left: list[OpenItem] = []
    taken: set[str] = set()
    view = replace(view, held=current(view.held))
    counting = [(user, at) for user, at in view.completions if at and date_reason(at, view.start, view.now) is None]
    last = newest_of(counting, view.overwrite)
    for user, completed_at in view.completions:
        place = holding(view.account, template, user)
        learner = view.learners.get(user)
        reason = date_reason(completed_at, view.start, view.now)
        if reason is None and (place in taken or last.get(user, completed_at) != completed_at):
            reason = "already_assigned"
        if reason is None and completed_at is not None:
            change, reason, found = _decide(view, place, user, learner, completed_at)
            if reason is None:
                changes.append(change)
            if found is not None:
                seen.append((change, found))
            if reason in (None, "already_assigned", "overwrite_skip"):
                taken.add(place)
        if reason is not None:
            skipped.append(left_out(view, place, user, learner, reason))
        if reason in OPEN and completed_at is not None:
            left.append(left_open(view, place, learner, user, stamp(completed_at)))
    return Plan(
        tuple(changes),
        (),
        tuple(skipped),
        view.problems,
        tuple(seen),
        unbounded=view.unbounded,
        cursor=view.cursor,
        open=tuple(left),
    )


def _decide(
    view: EarningView, place: str, user: str, learner: Learner | None, completed_at: datetime
) -> tuple[Change, str | None, Outcome | None]:
    """The change that a completion asks for, why it is not made, and what was found in its place."""
    change = _change(view, place, user, learner, completed_at)
    applied = view.applied.get(place)
    reason = settled_reason(applied, change, view.retrying)
    ours = reason == "already_assigned" and applied is not None and applied.state in HELD
    if ours and applied is not None:
        if view.overwrite == SKIP and is_later(applied, change.origin, str(change.version)):
            return change, "overwrite_skip", None
        more = once_more(change, applied, view.held, view.overwrite, view.can, allowed=view.duplicates)
        if more is not None:
            return _asked(view, more, applied, learner)
    if reason is not None and not (ours and view.reissue):
        return change, reason, None
    found = held_by(view.held, user, learner.email if learner else "", view.now, view.can)
    if found is None or (not ours and is_asked_again(found, change, change_mark(change), applied, view.can)):
        return change, reason or learner_reason(learner), None
    reason = held_reason(found, view.now)
    if view.reissue and reason in ENDED:
        gone = all_of(view.held, user, learner.email if learner else "")
        reason = _lasting_reason(view, gone, applied)
        if reason is None:
            again = _again(view, change, gone, applied)
            if again is None:
                return change, held_reason(found, view.now), None
            refused = _refused_before(view, again, applied) if ours else settled_reason(applied, again, view.retrying)
            return again, refused or learner_reason(learner), None
    if ours or reason != "already_assigned":  # one that has ended may be wanted again one day
        return change, reason, None
    own = is_adoptable(found, user, learner.email if learner else "", change_mark(change), view.can)
    if view.overwrite == CREATE_NEW and not own:
        return _asked(view, beside(change, [found.id], applied, allowed=view.duplicates), applied, learner)
    outcome = Outcome("adopted" if own else "foreign", found.id)
    return change, "overwrite_skip" if view.overwrite == SKIP else reason, outcome


Decided = tuple[Change, str | None, Outcome | None]


def _asked(view: EarningView, change: Change, applied: Applied | None, learner: Learner | None) -> Decided:
    """The change, unless the provider has refused just this, or the learner's data do not do."""
    refused = applied is not None and change.key("") in applied.refused and change.holding not in view.retrying
    return change, "connectctl:failed_before" if refused else learner_reason(learner), None


def _refused_before(view: EarningView, again: Change, applied: Applied | None) -> str | None:
    """Why a change that would follow a live entry of ours is not sent: the provider refused this very one before."""
    key = again.key("")
    if applied is None or key not in applied.refused or again.holding in view.retrying:
        return None
    before = view.refused.get(key)
    mended = before is not None and any(before.get(name) != again.data[name] for name in MENDABLE)
    return None if mended else "connectctl:failed_before"


def _lasting_reason(view: EarningView, gone: Sequence[Credential], applied: Applied | None) -> str | None:
    """Why a learner whose credentials have all ended gets no other one; None when `reissue` names how they ended.

    The one that the ledger holds is the newest, and decides alone; where the ledger knows none, each of them decides:
    whose last one was revoked does not get another because an earlier one has expired.
    """
    newest = [c for c in gone if applied is not None and c.id == applied.remote_id] or gone
    reasons = [reason for c in newest if (reason := held_reason(c, view.now)) in ENDED]
    return next((reason for reason in reasons if ENDED[reason] not in view.reissue), None)


def _again(view: EarningView, change: Change, gone: Sequence[Credential], applied: Applied | None) -> Change | None:
    """The change that follows ended credentials: a key of its own, and the holding is handed over (GN-21).

    The key names all of them, so that whichever ends next gives another key. Where the provider changes credentials in
    place, one of ours is brought back; None where it would be over again at once.
    """
    ours = [one for one in gone if is_ours(one, str(change.user), "", view.can)] if view.can.in_place else []
    if ours:
        target = next((one for one in ours if applied is not None and one.id == applied.remote_id), ours[0])
        days = view.expiration_days
        if days is None and target.state != "revoked":
            return None  # the template's own period is for new ones alone
        data = {**change.data, "expires_at": default_expiry(days, view.now)}
        return updated(replace(change, data=data), target, applied, view.can)
    ids = sorted({credential.id for credential in gone})
    words = f"{change.reason}; again, after {', '.join(ids)} ended"
    supersedes = applied.key if applied is not None and applied.live else None
    version = "/".join((str(change.version), *ids))
    return replace(
        change, version=version, data={**change.data, "instead_of": ids}, reason=words, supersedes=supersedes
    )


def _change(view: EarningView, place: str, user: str, learner: Learner | None, completed_at: datetime) -> Change:
    earning, version = view.earning, stamp(completed_at)
    learner = learner or Learner(user, "", "", "")
    applied = view.applied.get(place)
    since = completed_at if view.can.expiry_from_issue else view.now
    expiry: Any = default_expiry(view.expiration_days, since)
    frozen = applied is not None and (applied.origin, applied.version) == (earning.source, version)
    if frozen and applied is not None and "expires_at" in applied.data:
        expiry = applied.data["expires_at"]
    what = "course" if earning.kind == "course" else "learning plan"
    data = {
        "template_id": earning.template,
        "email": learner.email,
        "first_name": learner.first_name,
        "last_name": learner.last_name,
        "earner_id": user,
        "issued_at": version,
        "expires_at": expiry,
        "evidence_title": view.evidence_title,
        "evidence_text": f"{view.flow_title}: {what} {earning.name} ({earning.id})",
    }
    return Change(
        "issue",
        place,
        data,
        f"{what} completed {completed_at.date().isoformat()}" + (f", by {earning.by}" if earning.by else ""),
        earning.source,
        version,
        user,
        learner.email or None,
        earning.template,
        earning.source,
    )


def stamp(moment: datetime) -> str:
    """A completion's moment as the version of what it earns (GN-21)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def change_mark(change: Change) -> str:
    """The text that lets us recognise the credential of exactly this change at the provider."""
    return MARK + hashlib.sha256(change.key("").encode()).hexdigest()[:20]
