"""Credentials into certification awards: what is awarded, updated and revoked (CR-50, CR-51, CR-59, CR-60). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectctl.badging.chains import FATES, Chain, Fate, date_reason, fate, origin_reason, user_reason
from connectctl.badging.inward_view import AwardView, Draft, elsewhere, present, unsettled
from connectctl.docebo.certifications import Award
from connectctl.model import Applied, Change, Outcome, Plan

ENDED: tuple[Fate, ...] = ("revoked", "deleted")
STANDING: tuple[Fate, ...] = ("live", "waiting", "unknown")  # what stands, or may: nothing is revoked beside it


@dataclass(frozen=True, slots=True)
class Claim:
    """One user's chains for one certification: `chains` are those that count, `others` are left out but not gone."""

    user: str
    chains: tuple[Chain, ...]
    others: tuple[Chain, ...]


def holding(account: str, code: str, user: str | None) -> str:
    """One award: of a certification to a user."""
    return "|".join((account, "award", code, user or ""))


def version(badge: str, expires_at: datetime | None) -> str:
    """Which credential an award shows, and until when."""
    return f"{badge}@{expires_at.isoformat() if expires_at else 'never'}"


def plan(view: AwardView) -> Plan:
    """One decision per user, over all credentials that award the certification (CR-50)."""
    draft = Draft(view.common, view.source)
    if view.reason and not view.chains:
        draft.nothing(view.reason)
    for chain in view.chains:
        reason = first_reason(view, chain)
        if reason is not None:
            draft.skip(chain, holding(view.common.account, view.code, chain.user), reason)
    for claim in claims(view):
        _decide(view, draft, claim)
    return draft.done(view.problems, view.cursor)


def first_reason(view: AwardView, chain: Chain) -> str | None:
    """Why a chain is left out before its state matters, in the order of CR-44: user, origin, mapping."""
    known = chain.deleted and chain.newest.issued_at is None
    dated = None if known else date_reason(chain.newest.issued_at, view.common.start, view.common.now)
    return dated or user_reason(chain) or origin_reason(chain, marked=view.common.own_ids) or view.reason


def claims(view: AwardView) -> list[Claim]:
    """The chains that count, by user, in the order of the users' ids."""
    good: dict[str, list[Chain]] = {}
    others: dict[str, list[Chain]] = {}
    for chain in view.chains:
        for user in chain.owners or ():  # one of several who share the address may be the one
            (others if first_reason(view, chain) else good).setdefault(user, []).append(chain)
    return [Claim(user, tuple(good[user]), tuple(others.get(user, ()))) for user in sorted(good)]


def asks(view: AwardView, claim: Claim) -> bool:
    """Whether the user's awards have to be read, because the ledger does not know of one of ours."""
    applied = view.applied.get(holding(view.common.account, view.code, claim.user))
    if present(applied) or unsettled(applied):
        return False
    decider = _decider(view, claim)
    if decider is None:
        return any(fate(chain, view.common.options) in ENDED for chain in claim.chains)
    return not _is_over(view, decider.newest.expires_at) and not _undone(applied, decider)


def _decide(view: AwardView, draft: Draft, claim: Claim) -> None:
    place = holding(view.common.account, view.code, claim.user)
    applied = view.applied.get(place)
    decider = _decider(view, claim)
    if unsettled(applied) or (view.blind and asks(view, claim)):
        for chain in claim.chains:
            draft.skip(chain, place, "connectctl:unsettled" if unsettled(applied) else "connectctl:incomplete")
        return
    handled = _keep(view, draft, decider, claim, applied) if decider else _end(view, draft, claim, applied)
    for chain in claim.chains:
        if chain is handled:
            continue
        now = fate(chain, view.common.options)
        draft.skip(chain, place, "already_assigned" if now == "live" else FATES[now])


def _decider(view: AwardView, claim: Claim) -> Chain | None:
    """The live credential issued last; one that has expired only where there is no other."""
    live = [chain for chain in claim.chains if fate(chain, view.common.options) == "live"]
    return max(live, key=lambda chain: (not _is_over(view, chain.newest.expires_at), *_age(chain)), default=None)


def _keep(view: AwardView, draft: Draft, chain: Chain, claim: Claim, applied: Applied | None) -> Chain:
    """A live credential: awarded once, updated when another one counts or its expiry is another (CR-59)."""
    place, newest = holding(view.common.account, view.code, claim.user), chain.newest
    standing = [award for award in view.awards.get(claim.user, ()) if not _is_over(view, award.expires_at)]
    marked = _marked(view, standing, claim)
    if present(applied) and applied is not None:
        if applied.version == _version(view, chain):
            draft.skip(chain, place, "unchanged")
        elif not view.common.revokes and _is_over(view, newest.expires_at):  # AC-61
            draft.skip(chain, place, "connectctl:never_inwards")
        else:
            draft.change(chain, _change(view, chain, "update_award", applied.remote_id), applied)
    elif applied is not None and applied.live and applied.state == "foreign":
        draft.skip(chain, place, "foreign")
    elif marked is not None and (marked.external_id, marked.expires_at) == (newest.id, newest.expires_at):
        draft.seen.append((_change(view, chain, "award", None), Outcome("adopted", marked.id)))
        draft.skip(chain, place, "unchanged")
    elif marked is not None and not view.common.revokes and _is_over(view, newest.expires_at):
        draft.skip(chain, place, "connectctl:never_inwards")
    elif marked is not None:
        draft.change(chain, _change(view, chain, "update_award", marked.id), applied)
    elif standing:
        draft.skip(chain, place, "foreign" if any(award.source for award in standing) else "came_from_docebo")
    elif _is_over(view, newest.expires_at):
        draft.skip(chain, place, "expired_before")
    elif elsewhere(view, chain):
        draft.skip(chain, place, "identity_conflict", "another user has the award of this credential")
    elif _undone(applied, chain):
        draft.skip(chain, place, "revoked_before")
    else:
        draft.change(chain, _change(view, chain, "award", None), applied)
    return chain


def _end(view: AwardView, draft: Draft, claim: Claim, applied: Applied | None) -> Chain | None:
    """No live one is left: the award of one that was revoked or deleted goes, ours alone (CR-50, CR-65, GN-34)."""
    place = holding(view.common.account, view.code, claim.user)
    marked = _marked(view, view.awards.get(claim.user, ()), claim)
    stands, badge = (
        (applied.remote_id, applied.version.partition("@")[0]) if applied and present(applied) else (None, "")
    )
    if stands is None and marked is not None:
        stands, badge = marked.id, marked.external_id or marked.link
    ended = [c for c in claim.chains if fate(c, view.common.options) in ENDED]
    chain = next((c for c in ended if badge in c.ids or badge in _links(c)), None)
    if stands is None or chain is None:
        return None
    if not view.common.revokes:
        draft.skip(chain, place, "connectctl:never_inwards")
    elif not view.common.negative:
        draft.skip(chain, place, "negative_sync_off")
    elif not view.whole or any(fate(c, view.common.options) in STANDING for c in (*claim.chains, *claim.others)):
        draft.skip(chain, place, "connectctl:incomplete", "another credential of the certification may stand")
    else:
        draft.change(chain, _change(view, chain, "revoke_award", stands), applied)
    return chain


def _marked(view: AwardView, awards: Sequence[Award], claim: Claim) -> Award | None:
    """The award that bears our source and the id of one of these credentials, or the link of one (GN-31)."""
    ids = {id for chain in claim.chains for id in chain.ids}
    links = {link for chain in claim.chains for link in _links(chain)}
    ours = [a for a in awards if a.source == view.brand and (a.external_id in ids or a.link in links)]
    return max(ours, key=lambda award: (award.issued_at.isoformat() if award.issued_at else "", award.id), default=None)


def _links(chain: Chain) -> set[str]:
    return {credential.link for credential in chain.credentials if credential.link}


def _undone(applied: Applied | None, chain: Chain) -> bool:
    """Whether we revoked the award of this very credential."""
    if applied is None or applied.live or (applied.action, applied.state) != ("revoke_award", "done"):
        return False
    return applied.version.partition("@")[0] == chain.newest.id


def _is_over(view: AwardView, expires_at: datetime | None) -> bool:
    return expires_at is not None and expires_at <= view.common.now


def _age(chain: Chain) -> tuple[str, str]:
    issued_at = chain.newest.issued_at
    return (issued_at.isoformat() if issued_at else "", chain.newest.id)


def _version(view: AwardView, chain: Chain) -> str:
    """Which credential an award shows and until when; where the id stays with an update, also since when (AC-49)."""
    newest = chain.newest
    text = version(newest.id, newest.expires_at)
    return f"{text}@{newest.issued_at.date()}" if view.common.in_place and newest.issued_at else text


def _change(view: AwardView, chain: Chain, action: str, award_id: str | None) -> Change:
    newest = chain.newest
    data = {
        "award_id": award_id,
        "certification_id": view.certification_id,
        "user_id": chain.user,
        "issued_at": newest.issued_at.isoformat() if newest.issued_at else None,
        "expires_at": newest.expires_at.isoformat() if newest.expires_at else None,
        "source": view.brand,
        "link": newest.link,
        "external_id": newest.id,
        "external_ids": sorted(chain.ids),
    }
    until = f"until {newest.expires_at.date()}" if newest.expires_at else "always valid"
    words = {
        "award": f"{newest.id} issued, {until}",
        "update_award": f"{newest.id} counts now, {until}",
        "revoke_award": f"{newest.id} was {fate(chain, view.common.options)}, and no other is live",
    }
    return Change(
        action,
        holding(view.common.account, view.code, chain.user),
        data,
        words[action],
        f"template:{newest.template_id}",
        _version(view, chain),
        chain.user,
        chain.email,
        newest.template_id,
        view.source,
    )
