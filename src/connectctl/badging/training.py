"""Credentials into completed external training: what is created, updated and deleted (CR-47 to CR-49, CR-63). Pure."""

from __future__ import annotations

import hashlib

from connectctl.badging.chains import FATES, Chain, date_reason, fate, origin_reason, user_reason
from connectctl.badging.inward_view import Draft, TrainingView, elsewhere, present, unsettled
from connectctl.docebo.training import Training
from connectctl.model import Applied, Change, Outcome, Plan

ENDED = ("revoked", "deleted", "moved")


def holding(account: str, template: str, user: str | None, root: str) -> str:
    """One external training: of a user, for the credentials of a template that replaced one another."""
    return "|".join((account, "training", template, user or "", root))


def place_of(view: TrainingView, chain: Chain) -> str:
    """The holding of a chain."""
    return holding(view.common.account, view.template, chain.user, chain.root)


def plan(view: TrainingView) -> Plan:
    """One decision per chain, in the order given."""
    draft = Draft(view.common, view.source)
    if view.reason and not view.chains:
        draft.nothing(view.reason)
    bearers = {one.code: user for user, trainings in view.trainings.items() for one in trainings}
    for chain in view.chains:
        place = place_of(view, chain)
        reason = first_reason(view, chain)
        if reason is not None:
            draft.skip(chain, place, reason)
        else:
            taken = any(id in bearers for id in chain.ids) or elsewhere(view, chain)
            _decide(view, draft, chain, place, taken=taken)
    return draft.done(view.problems, view.cursor)


def first_reason(view: TrainingView, chain: Chain) -> str | None:
    """Why a chain is left out before its state matters, in the order of CR-44: user, origin, mapping."""
    known = chain.deleted and chain.newest.issued_at is None  # of what is deleted the date may not be known any more
    dated = None if known else date_reason(chain.newest.issued_at, view.common.start, view.common.now)
    return dated or user_reason(chain) or origin_reason(chain, marked=view.common.own_ids) or view.reason


def asks(view: TrainingView, chain: Chain) -> bool:
    """Whether the user's trainings have to be read, because the ledger does not know of one for this chain."""
    applied = view.applied.get(place_of(view, chain))
    if first_reason(view, chain) or present(applied) or unsettled(applied) or _undone(applied, chain):
        return False
    return fate(chain, view.common.options) in (*ENDED, "live")


def _decide(view: TrainingView, draft: Draft, chain: Chain, place: str, *, taken: bool) -> None:
    """`taken`: somebody has a training of this chain, and when it is not its own user, nobody gets one (GN-36)."""
    applied, now = view.applied.get(place), fate(chain, view.common.options)
    if unsettled(applied):
        draft.skip(chain, place, "connectctl:unsettled")
    elif view.blind and asks(view, chain):
        draft.skip(chain, place, "connectctl:incomplete")
    elif now == "live":
        _keep(view, draft, chain, applied, taken=taken)
    elif now in ENDED:
        _end(view, draft, chain, applied)
    else:
        draft.skip(chain, place, FATES[now])


def _keep(view: TrainingView, draft: Draft, chain: Chain, applied: Applied | None, *, taken: bool) -> None:
    """A live credential: created once, updated when another one has taken its place (CR-47, CR-49)."""
    place, newest = place_of(view, chain), chain.newest
    found = _marked(view, chain)
    if present(applied) and applied is not None:
        if applied.version == _version(view, chain):
            draft.skip(chain, place, "unchanged")
        else:
            draft.change(chain, _change(view, chain, "update_training", applied.remote_id), applied)
    elif applied is not None and applied.live and applied.state == "foreign":
        draft.skip(chain, place, "foreign")
    elif found is not None and found.code == newest.id and not (view.common.in_place and _differs(found, chain)):
        change = _change(view, chain, "create_training", None)
        draft.seen.append((change, Outcome("adopted", found.id)))
        draft.skip(chain, place, "unchanged")
    elif found is not None:
        draft.change(chain, _change(view, chain, "update_training", found.id), applied)
    elif taken:
        draft.skip(chain, place, "identity_conflict", "another user has the training of this credential")
    elif _undone(applied, chain):
        draft.skip(chain, place, "revoked_before")
    else:
        draft.change(chain, _change(view, chain, "create_training", None), applied)


def _end(view: TrainingView, draft: Draft, chain: Chain, applied: Applied | None) -> None:
    """One that was revoked, deleted, or replaced by one of another template: its training goes, ours alone (CR-65)."""
    place, now = place_of(view, chain), fate(chain, view.common.options)
    found = _marked(view, chain)
    stands = applied.remote_id if present(applied) and applied is not None else found.id if found else None
    if stands is None:
        draft.skip(chain, place, FATES[now])
    elif not view.common.revokes:
        draft.skip(chain, place, "connectctl:never_inwards")
    elif not view.common.negative:
        draft.skip(chain, place, "negative_sync_off")
    else:
        draft.change(chain, _change(view, chain, "delete_training", stands), applied)


def _marked(view: TrainingView, chain: Chain) -> Training | None:
    """The user's training that bears the id of one of these credentials; that of the newest first."""
    ids = chain.ids
    found = [training for training in view.trainings.get(chain.user or "", ()) if training.code in ids]
    return min(found, key=lambda training: (training.code != chain.newest.id, training.id), default=None)


def _undone(applied: Applied | None, chain: Chain) -> bool:
    """Whether we deleted the training of this very credential."""
    if applied is None or applied.live or (applied.action, applied.state) != ("delete_training", "done"):
        return False
    return applied.version.partition("@")[0] == chain.newest.id


def _version(view: TrainingView, chain: Chain) -> str:
    """Which credential a training shows; where one id may show something else later, also what (AC-48)."""
    newest = chain.newest
    if not view.common.in_place:
        return newest.id
    shown = f"{newest.issued_at.date() if newest.issued_at else ''}|{newest.name}"
    return f"{newest.id}@{hashlib.sha256(shown.encode()).hexdigest()[:8]}"


def _differs(found: Training, chain: Chain) -> bool:
    """Whether a training shows something else than the credential does now."""
    newest = chain.newest
    day = newest.issued_at.date() if newest.issued_at else None
    return bool((day and found.from_date and found.from_date != day) or (newest.name and found.name != newest.name))


def _change(view: TrainingView, chain: Chain, action: str, training_id: str | None) -> Change:
    newest = chain.newest
    day = newest.issued_at.date().isoformat() if newest.issued_at else ""
    now = fate(chain, view.common.options)
    data = {
        "training_id": training_id,
        "user_id": chain.user,
        "name": newest.name or newest.template_id,
        "code": newest.id,
        "codes": sorted(chain.ids),
        "institute": view.institute,
        "from_date": day,
        "to_date": day,
        "link": newest.link,
        "moved": now == "moved",
    }
    words = {
        "create_training": f"{newest.id} issued {day}",
        "update_training": f"{newest.id} was updated"
        if view.common.in_place
        else f"replaced by {newest.id}, issued {day}",
        "delete_training": f"{newest.id} was {'replaced by another template' if now == 'moved' else now}",
    }
    version = f"{newest.id}@{now}" if action == "delete_training" else _version(view, chain)
    return Change(
        action,
        place_of(view, chain),
        data,
        words[action],
        view.source,
        version,
        chain.user,
        chain.email,
        newest.template_id,
        view.source,
    )
