"""What the awards of a certification ask for: issue, replace, revoke, or nothing, and why (CR-36, CR-59, GN-34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from connectctl.badging.award_changes import AwardChanges
from connectctl.badging.award_rules import (
    AwardView,
    again_reason,
    deciding,
    imported_reason,
    is_our_revocation,
    live,
    origin_reason,
    successor_reason,
    undecided_reason,
)
from connectctl.badging.award_versions import behind, is_newer, version
from connectctl.badging.existing import CREATE_NEW, SKIP, held_by, held_reason, is_adoptable, is_asked_again, is_ours
from connectctl.badging.leftovers import left_open, left_out, without_template
from connectctl.badging.plan import (
    ENDED,
    HELD,
    OPEN,
    change_mark,
    date_reason,
    holding,
    learner_reason,
    settled_reason,
)
from connectctl.badging.provider import Credential, all_of, current, newest
from connectctl.docebo.certifications import Award
from connectctl.model import Applied, Change, OpenItem, Outcome, Plan, Problem, Skip


@dataclass(frozen=True, slots=True)
class Decision:
    """What one user's awards come to: a change, or the reason for none, or an error that people have to look at."""

    change: Change | None = None
    reason: str = ""
    detail: str = ""
    error: str = ""
    version: str = ""
    found: tuple[Change, Outcome] | None = None


def plan(view: AwardView) -> Plan:
    """The changes by user, the skips, and credentials seen that the ledger did not know. Pure, whatever the order."""
    template = view.earning.template
    if template is None:
        return without_template(view)
    desk = _Desk(view, template)
    changes: list[Change] = []
    skipped: list[Skip] = []
    problems: list[Problem] = []
    seen: list[tuple[Change, Outcome]] = []
    left: list[OpenItem] = []
    for user in sorted({*view.awards, *view.revoked}):
        place, learner = holding(view.account, template, user), view.learners.get(user)
        decision = desk.decide(user)
        if decision.change is not None:
            changes.append(decision.change)
        if decision.found is not None:
            seen.append(decision.found)
        if decision.error:
            problems.append(Problem(place, decision.error, view.earning.source))
        if decision.reason:
            skipped.append(left_out(view, place, user, learner, decision.reason, decision.detail))
        if decision.reason in OPEN and decision.version:
            left.append(left_open(view, place, learner, user, decision.version))
    return Plan(
        tuple(changes),
        (),
        tuple(skipped),
        (*view.problems, *problems),
        tuple(seen),
        unbounded=view.unbounded,
        cursor=view.cursor,
        open=tuple(left),
    )


@dataclass(slots=True)
class _Desk:
    """Decides user by user."""

    view: AwardView
    template: str
    changes: AwardChanges = field(init=False)
    by_id: dict[str, Credential] = field(default_factory=dict)
    by_person: dict[str, list[Credential]] = field(default_factory=dict)  # by earner id and by address

    def __post_init__(self) -> None:
        self.changes = AwardChanges(self.view, self.template)
        for credential in sorted(self.view.held, key=lambda c: c.id):
            self.by_id[credential.id] = credential
        for credential in current(list(self.by_id.values())):
            for name in {*credential.emails, credential.earner_id or ""} - {""}:
                self.by_person.setdefault(name, []).append(credential)

    def decide(self, user: str) -> Decision:
        """The user's awards, then the ledger, then what the provider shows."""
        view = self.view
        awards = view.awards.get(user, ())
        applied = view.applied.get(holding(view.account, self.template, user))
        if user in view.revoked and not live(awards, view.now):
            return self._revoked(user, awards, applied)
        award = deciding(awards, view.now)
        if award is None or award.issued_at is None:
            return Decision(reason=undecided_reason(awards, view.now))
        known = version(award)
        reason = imported_reason(award, view.imported) or date_reason(award.issued_at, view.start, view.now)
        if reason is not None:
            return Decision(reason=reason, version=known)
        if applied is not None and applied.live and applied.state in ("done", "adopted"):
            return replace(self._renewed(user, award, applied), version=known)
        return replace(self._first(user, award, applied), version=known)

    def _renewed(self, user: str, award: Award, applied: Applied) -> Decision:
        """An award of somebody who has a credential of ours: it is replaced, for a newer version alone (CR-36)."""
        view = self.view
        reason = origin_reason(applied, view.earning.source)
        if reason is not None:
            return Decision(reason=reason, detail=f"earned by {applied.origin}")
        before = behind(applied.version)
        target = newest(self.by_id, applied.remote_id or "")
        shown = self.by_id.get(target)
        strange = successor_reason(shown, target, applied, user)
        ended = held_reason(shown, view.now) if shown is not None else ""
        if ended in ENDED and ENDED[ended] in view.reissue and strange is None:
            return self._ask(user, self._back(user, award, [target], applied), applied)
        if not is_newer(award, before):
            return Decision(reason="unchanged")
        if strange is not None:
            return Decision(reason=strange, detail=f"{applied.remote_id} was replaced by {target}")
        if ended == "revoked_before":
            reason = again_reason(award, before)
            again = self._back(user, award, [target], applied)
            return Decision(reason=reason) if reason else self._ask(user, again, applied)
        if ended == "rejected_before":
            return Decision(reason=ended)
        if view.overwrite == SKIP:
            return Decision(reason="overwrite_skip")
        if view.overwrite == CREATE_NEW:
            return self._ask(user, self.changes.beside(user, award, [target], applied), applied)
        return self._ask(user, self.changes.replace(user, award, target, shown, applied), applied)

    def _first(self, user: str, award: Award, applied: Applied | None) -> Decision:
        """An award of somebody for whom the ledger has nothing that lives (CR-36, CR-67)."""
        view = self.view
        change = self.changes.issue(user, award)
        reason = settled_reason(applied, change, view.retrying)
        if applied is not None and applied.live and applied.state == "foreign" and view.overwrite == CREATE_NEW:
            return self._ask(user, self.changes.beside(user, award, [str(applied.remote_id)], applied), applied)
        if reason is not None:
            return Decision(reason=reason)
        learner = view.learners.get(user)
        email = learner.email if learner else ""
        mine = self._of(user, email)
        allowed = set(view.reissue)
        if is_our_revocation(applied, view.earning.source) and applied is not None:
            reason = again_reason(award, behind(applied.version))
            if reason is None:
                allowed.add("revoked")
            elif "revoked" not in allowed:
                return Decision(reason=reason)
        found = held_by(mine, user, email, view.now, view.can)
        if found is None or is_asked_again(found, change, change_mark(change), applied, view.can):
            return self._ask(user, change, applied)
        reasons = sorted({held_reason(credential, view.now) for credential in mine})
        lasting = next((r for r in reasons if ENDED.get(r) not in allowed), None)
        if lasting is None:
            return self._ask(user, self._back(user, award, [credential.id for credential in mine], applied), applied)
        reason = held_reason(found, view.now)
        if reason != "already_assigned":
            return Decision(reason=lasting)
        own = is_adoptable(found, user, change.email or "", change_mark(change), view.can)
        if view.overwrite == CREATE_NEW and not own:
            return self._ask(user, self.changes.beside(user, award, [found.id], applied), applied)
        outcome = Outcome("adopted" if own else "foreign", found.id)
        return Decision(reason="overwrite_skip" if view.overwrite == SKIP else reason, found=(change, outcome))

    def _back(self, user: str, award: Award, ended: Sequence[str], applied: Applied | None) -> Change:
        """What follows credentials that have ended: another one, or in place the same, if it is ours (AC-60)."""
        known = {applied.remote_id} if applied is not None and applied.state in ("done", "adopted") else set()
        shown = [self.by_id[id] for id in ended if id in self.by_id]
        ours = [one for one in shown if one.id in known or is_ours(one, user, "", self.view.can)]
        if self.view.can.in_place and ours:
            target = next((one for one in ours if one.id in known), ours[0])
            return self.changes.replace(user, award, target.id, target, applied)
        return self.changes.issue(user, award, ended, applied)

    def _revoked(self, user: str, awards: Sequence[Award], applied: Applied | None) -> Decision:
        """A user without a live award, whose last an event calls revoked: our credential goes, on certainty (GN-34)."""
        view = self.view
        if not view.negative:
            return Decision(reason="negative_sync_off")
        if applied is None or not applied.live:
            return Decision(reason="unchanged", detail="no credential of ours lives")
        if applied.state not in HELD:
            return Decision(error="It is not settled yet whether the credential was issued; it is not revoked before.")
        if applied.state == "foreign":
            return Decision(reason="foreign")
        reason = origin_reason(applied, view.earning.source)
        if reason is not None:
            return Decision(reason=reason, detail=f"earned by {applied.origin}")
        before = behind(applied.version)
        if before is None or before.has_expired(view.now) or any(award.id == before.award for award in awards):
            return Decision(reason="award_expired")
        target = newest(self.by_id, applied.remote_id or "")
        shown = self.by_id.get(target)
        strange = successor_reason(shown, target, applied, user)
        if strange is not None:
            return Decision(reason=strange, detail=f"{applied.remote_id} was replaced by {target}")
        if shown is not None and shown.state == "revoked":
            return Decision(reason="revoked_before")
        return self._checked(self.changes.revoke(user, before, target, applied), applied)

    def _ask(self, user: str, change: Change, applied: Applied | None) -> Decision:
        """The change, unless the user's data do not do or the provider refused this very request before."""
        reason = learner_reason(self.view.learners.get(user))
        return Decision(reason=reason) if reason else self._checked(change, applied)

    def _checked(self, change: Change, applied: Applied | None) -> Decision:
        refused = applied is not None and change.key("") in applied.refused and change.action != "issue"
        again = (
            ("instead_of" in change.data or "beside" in change.data)
            and applied is not None
            and change.key("") in applied.refused
        )
        if (refused or again) and change.holding not in self.view.retrying:
            return Decision(reason="connectctl:failed_before")
        return Decision(change)

    def _of(self, user: str, email: str) -> list[Credential]:
        """The user's credentials that no other one has replaced, each once."""
        near = {c.id: c for name in (user, email) if name for c in self.by_person.get(name, ())}
        return all_of([near[key] for key in sorted(near)], user, email)
