"""What disagrees between Docebo, the provider and the ledger, and what would mend it: a pure function (GN-32, GN-34).

Per template three sides are compared: what Docebo has earned, what the provider holds, and what the ledger says is
ours. Every disagreement is a finding; the changes are there only when the repair was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from connectctl.badging.existing import MARK, PLAIN, same_expiry
from connectctl.badging.plan import ADDRESS, Learner, learner_reason
from connectctl.badging.provider import ENDED, Credential, duplicate_of
from connectctl.badging.reasons import sentence
from connectctl.badging.repairs import content, follow, moment, not_replaced, replacement
from connectctl.model import Applied, Change, Discrepancy, Outcome, Plan, Recorded
from connectctl.plugins.specs import Capabilities

OURS = ("done", "adopted")  # states of the ledger
GIVING = ("issue", "replace", "update")
Standing = Literal["stands", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class TemplateView:
    """One template and all that is known of its credentials; plain data, no clock.

    `planned` is what the batch would do for it. `held` is the provider's complete listing. `applied` is the ledger by
    holding, `recorded` its live entries by key. By Docebo user: `learners`, `standing` (whether what earned the live
    credential is still there, and for an award that is gone: whether that user's own listing says so too) and `looked`
    (what a look at the provider found for a learner whose credential is not listed). `made` are the holdings of the
    listed credentials that are or were ours by the ledger.
    """

    template: str
    active: bool
    provider: str
    planned: Plan
    held: Sequence[Credential]
    applied: Mapping[str, Applied]
    recorded: Mapping[str, Recorded]
    learners: Mapping[str, Learner]
    standing: Mapping[str, Standing]
    looked: Mapping[str, Sequence[Credential]]
    made: Mapping[str, str]
    now: datetime
    lag: float = 0.0
    repair: bool = False
    revoke: bool = False
    negative: bool = False
    can_replace: bool = False
    can_revoke: bool = False
    retrying: frozenset[str] = frozenset()
    can: Capabilities = PLAIN


@dataclass(slots=True)
class _Found:
    """Findings and repairs, at most one repair for each holding."""

    findings: list[Discrepancy] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    seen: list[tuple[Change, Outcome]] = field(default_factory=list)

    def add(self, finding: Discrepancy, change: Change | None = None) -> None:
        self.findings.append(finding)
        if change is not None:
            self.changes.setdefault(change.holding, change)


def emptied(view: TemplateView) -> int:
    """How many live credentials of ours the ledger has where the provider lists none at all: more likely an outage
    than the truth (GN-33). 0 where nothing is wrong.
    """
    return 0 if view.held else sum(_is_live(entry) for entry in view.applied.values())


def compare(view: TemplateView) -> Plan:
    """The findings of one template, with the repairs when they were asked for.

    Nothing of somebody else's is ever in a change, and nothing follows from a listing that is empty where the ledger
    knows better.
    """
    if emptied(view):
        return Plan(skipped=view.planned.skipped, problems=view.planned.problems)
    found = _Found()
    by_id = {credential.id: credential for credential in view.held}
    for place, entry in sorted(view.applied.items()):
        if _is_live(entry):
            _compare_one(view, found, place, entry, by_id)
    _compare_unlisted(view, found)
    _compare_planned(view, found)
    _leave_refused(view, found)
    keep = view.repair
    return Plan(
        changes=tuple(found.changes.values()) if keep else (),
        skipped=view.planned.skipped,
        problems=view.planned.problems,
        seen=tuple(found.seen) if keep else (),
        findings=tuple(found.findings),
    )


def _leave_refused(view: TemplateView, found: _Found) -> None:
    """What the provider has refused before is not sent again unasked."""
    for place, change in list(found.changes.items()):
        entry = view.applied.get(place)
        if entry is None or place in view.retrying or change.key("") not in entry.refused:
            continue
        del found.changes[place]
        why = f"; left alone: {sentence('connectctl:failed_before').rstrip('.')}"
        found.findings = [
            replace(f, repair="", detail=f.detail + why) if (f.key, f.repair) == (place, change.action) else f
            for f in found.findings
        ]


def absent(view: TemplateView, *, young: bool = False) -> list[tuple[str, Applied]]:
    """The users whose live credential is not in the listing, and is old enough, or too `young`, to have to be there."""
    listed = {credential.id for credential in view.held}
    return [
        (user_of(place), entry)
        for place, entry in sorted(view.applied.items())
        if _is_live(entry) and entry.remote_id not in listed and _is_recent(view, entry) is young
    ]


def user_of(holding: str) -> str:
    """The Docebo user of a holding."""
    return holding.rpartition("|")[2]


def _is_live(entry: Applied) -> bool:
    return entry.live and entry.state in OURS and entry.action in GIVING and bool(entry.remote_id)


def _is_recent(view: TemplateView, entry: Applied) -> bool:
    """Whether it was written so lately that the provider's lists need not show it."""
    recorded = view.recorded.get(entry.key)
    return recorded is None or recorded.at > view.now - timedelta(seconds=view.lag)


# -- what the ledger says is ours and live -------------------------------------------------------------------------


def _compare_one(
    view: TemplateView, found: _Found, place: str, entry: Applied, by_id: Mapping[str, Credential]
) -> None:
    user, recorded = user_of(place), view.recorded.get(entry.key)
    if recorded is None:
        return  # it has moved between two reads; the next comparison sees it
    credential = by_id.get(str(entry.remote_id))
    if credential is None:
        credential = next((c for c in view.looked.get(user, ()) if c.id == entry.remote_id), None)
    if credential is None:
        if not _is_recent(view, entry):
            _missing(view, found, place, entry, recorded)
        return
    if credential.state in ENDED:
        hint = f"; batch-sync --reissue {credential.state} issues another"
        found.add(_finding(view, "revoked", place, f"{credential.id} is {credential.state} there{hint}", entry))
        return
    if credential.replaced:
        successor = by_id.get(credential.replaced_by or "")
        by = f" by {credential.replaced_by}" if credential.replaced_by else ""
        if successor is None or view.made.get(successor.id) != place:
            found.add(_finding(view, "unknown", place, f"{credential.id} was replaced there{by}, not by us", entry))
        return
    if credential.expires_at is not None and credential.expires_at <= view.now:
        return  # what has ended needs no address, and nothing is taken away that is over
    if view.standing.get(user) == "gone":
        _extra(view, found, place, entry, credential, recorded)
    _email(view, found, place, entry, credential, recorded)
    _expiry(view, found, place, entry, credential, recorded)


def _missing(view: TemplateView, found: _Found, place: str, entry: Applied, recorded: Recorded) -> None:
    """Recorded as done, and neither listed nor found by a look at the learner's own."""
    user, words = user_of(place), f"the ledger has {entry.remote_id}, the provider does not show it"
    learner, looked = view.learners.get(user), view.looked.get(user)
    expiry = moment(recorded.change.data.get("expires_at"))
    other = duplicate_of(view.held, user, learner.email if learner else "", view.now)
    if looked:
        other = other or duplicate_of(looked, user, learner.email if learner else "", view.now)
    why = ""
    if looked is None:
        why = "the look at the learner's own gave no answer"
    elif other is not None:
        why = f"the learner has {other.id}, which is {other.state}"
    elif view.standing.get(user) != "stands":
        why = "nothing in Docebo earns it now" if view.standing.get(user) == "gone" else "what earned it is not known"
    elif not view.active:
        why = sentence("template_inactive")
    elif (reason := learner_reason(learner)) is not None:
        why = sentence(reason)
    elif expiry is not None and expiry <= view.now:
        why = "it would have expired by now"
    if why or learner is None:
        found.add(_finding(view, "missing", place, f"{words}; left alone: {why.rstrip('.')}", entry))
        return
    data = content(recorded.change, learner)
    reason = f"{entry.remote_id} is gone from {view.provider}"
    change = follow(recorded.change, "issue", data, reason, entry, learner)
    found.add(_finding(view, "missing", place, words, entry, "issue"), change)


def _extra(
    view: TemplateView, found: _Found, place: str, entry: Applied, credential: Credential, recorded: Recorded
) -> None:
    """Live, and nothing in Docebo behind it any more."""
    words, why = f"{credential.id} is live, and {entry.origin} does not stand behind it any more", ""
    if not entry.origin.startswith("certification:"):
        why = "taking a completion back never revokes (CR-66)"
    elif not view.can_revoke:
        why = f"{view.provider} revokes nothing"
    elif not view.negative:
        why = "negative synchronization is off"
    elif not view.revoke:
        why = "it takes --repair --revoke"
    if why:
        found.add(_finding(view, "extra", place, f"{words}; left alone: {why}", entry))
        return
    data = {
        "template_id": view.template,
        "credential_id": credential.id,
        "earner_id": user_of(place),
        "reason": f"The certification {entry.origin.partition(':')[2]} was revoked in Docebo",
    }
    change = follow(recorded.change, view.can.revoking, data, words, entry, None)
    found.add(_finding(view, "extra", place, words, entry, change.action), change)


def _email(
    view: TemplateView, found: _Found, place: str, entry: Applied, credential: Credential, recorded: Recorded
) -> None:
    """Sent to another address than the learner has now (GN-36)."""
    learner = view.learners.get(user_of(place))
    if learner is None or not ADDRESS.fullmatch(learner.email) or learner.email in credential.emails:
        return
    words = f"{credential.id} is with {', '.join(sorted(credential.emails)) or 'no address'}, not {learner.email}"
    if credential.state != "pending":
        why = "it is accepted, and moves with its owner's account alone"
    else:
        why = not_replaced(view.can_replace, view.active, learner, recorded.change)
    if why:
        found.add(_finding(view, "email", place, f"{words}; left alone: {why}", entry))
        return
    why = f"the learner's address is {learner.email} now"
    change = replacement(recorded.change, credential, learner, entry, why, view.can.replacing)
    found.add(_finding(view, "email", place, words, entry, change.action), change)


def _expiry(
    view: TemplateView, found: _Found, place: str, entry: Applied, credential: Credential, recorded: Recorded
) -> None:
    """Another expiry than the one that was frozen when it was planned (CR-59, CR-61)."""
    wanted = recorded.change.data.get("expires_at")
    if wanted is None or same_expiry(wanted, credential.expires_at, whole_days=view.can.whole_days):
        return
    shown = "never" if credential.expires_at is None else credential.expires_at.date().isoformat()
    meant = str(wanted)[:10] if wanted else "never"
    words = f"{credential.id} expires {shown} there, {meant} was meant"
    learner, expiry = view.learners.get(user_of(place)), moment(wanted)
    why = not_replaced(view.can_replace, view.active, learner, recorded.change)
    if expiry is not None and expiry <= view.now:
        why = "it would have expired by now"
    if why or learner is None:
        found.add(_finding(view, "expiry", place, f"{words}; left alone: {why}", entry))
        return
    change = replacement(recorded.change, credential, learner, entry, f"its expiry is {meant}", view.can.replacing)
    found.add(_finding(view, "expiry", place, words, entry, change.action), change)


# -- what the provider holds besides -------------------------------------------------------------------------------


def _compare_unlisted(view: TemplateView, found: _Found) -> None:
    """Held, and not what the ledger has live: ours by mark, a second one, or somebody else's beside ours."""
    live = {place: entry for place, entry in view.applied.items() if _is_live(entry)}
    known = {entry.remote_id for entry in view.applied.values() if entry.live}
    seen = {outcome.remote_id: (change, outcome) for change, outcome in view.planned.seen}
    by_email = {learner.email: learner.id for learner in view.learners.values() if learner.email}
    for credential in view.held:
        if credential.id in known or credential.replaced or credential.state in ENDED:
            continue
        if credential.expires_at is not None and credential.expires_at <= view.now:
            continue
        place = view.made.get(credential.id)
        if place is not None:
            entry = live.get(place)
            first = f"the learner has {entry.remote_id} as well" if entry else "the ledger has it as ended"
            kind = "duplicate" if entry else "revoked"
            found.add(_held(view, kind, place, credential, f"{credential.id} of ours is live, and {first}"))
            continue
        user = credential.earner_id or next((by_email[e] for e in sorted(credential.emails) if e in by_email), None)
        place = next((p for p in view.applied if user is not None and user_of(p) == user), None)
        adopted = seen.get(credential.id)
        if adopted is not None and adopted[1].status == "adopted":
            words = f"{credential.id} is ours, and the ledger does not have it"
            found.add(_held(view, "unknown", adopted[0].holding, credential, words, "adopt"))
            found.seen.append(adopted)
        elif any(mark.startswith(MARK) for mark in credential.marks):
            words = f"{credential.id} carries our mark, and the ledger does not have it; left alone: nothing earns it"
            found.add(_held(view, "unknown", place or credential.id, credential, words))
        elif place is not None and place in live:
            words = (
                f"{credential.id} was made by somebody else, the learner has {live[place].remote_id} of ours as well"
            )
            found.add(_held(view, "foreign", place, credential, words))


def _held(
    view: TemplateView, kind: str, place: str, credential: Credential, words: str, repair: str = ""
) -> Discrepancy:
    user = user_of(place) if "|" in place else credential.earner_id
    email = next(iter(sorted(credential.emails)), None)
    return Discrepancy(kind, place, words, user, email, view.template, None, credential.id, repair)


# -- what is earned and not there ----------------------------------------------------------------------------------


def _compare_planned(view: TemplateView, found: _Found) -> None:
    """What the batch would do, as findings; its changes are the repairs, as they are."""
    newer = ("expiry", "what is behind it is newer")
    words = {"issue": ("missing", "it is earned, and there is none"), view.can.replacing: newer}
    for change in view.planned.changes:
        if change.holding in found.changes or change.action not in words:
            continue
        if change.action != "issue" and not view.can_replace:
            continue
        kind, detail = words[change.action]
        entry = view.applied.get(change.holding)
        held = entry.remote_id if entry is not None and entry.live else None
        finding = Discrepancy(
            *(kind, change.holding, f"{change.reason}: {detail}", change.user, change.email, view.template),
            *(change.source, held, change.action),
        )
        found.add(finding, change)


def _finding(view: TemplateView, kind: str, place: str, words: str, entry: Applied, repair: str = "") -> Discrepancy:
    user = user_of(place)
    learner = view.learners.get(user)
    email = learner.email or None if learner else None
    return Discrepancy(kind, place, words, user, email, view.template, entry.origin or None, entry.remote_id, repair)
