"""Whether what earned a credential is still there: asked again for those of whom the batch has seen nothing (GN-34)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectctl.badging.reconcile_plan import Standing, user_of
from connectctl.docebo import certifications, enrollments, plans
from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound, RemoteError
from connectctl.model import Applied, Recorded, RunContext


@dataclass(slots=True)
class Desk:
    """What one run has asked so far. `outward`: what the batch has read."""

    outward: Any
    emptied: dict[str, str]  # connection -> what it listed none of, where there have to be some
    codes: dict[str, list[str]] | None = None  # certification code -> ids; several may share one
    awards: dict[str, set[str]] = field(default_factory=dict)  # code -> users with an award of it
    any_award: bool | None = None  # whether Docebo lists an award of whatever certification


def standing(
    desk: Desk, ctx: RunContext, applied: Mapping[str, Applied], recorded: Mapping[str, Recorded]
) -> dict[str, Standing]:
    """By user, whether the completion or award behind the live credential is still there."""
    by_origin: dict[str, set[str]] = {}
    for place, entry in applied.items():
        if entry.live and entry.key in recorded and entry.origin:
            by_origin.setdefault(entry.origin, set()).add(user_of(place))
    found: dict[str, Standing] = {}
    for origin, users in sorted(by_origin.items()):
        kind, _, id = origin.partition(":")
        there = {user for user, at in desk.outward.spool.completions(origin) if at}
        missing = sorted(users - there)
        found |= dict.fromkeys(users & there, "stands")
        if not missing:
            continue
        try:
            asked = _asked(desk, ctx, kind, id, missing)
        except RemoteError as error:
            if not isinstance(error, NotFound | NotAllowed | BadAnswer):
                raise
            asked = None
        except DataError:
            asked = None
        for user in missing:
            found[user] = "unknown" if asked is None else "stands" if user in asked else "gone"
    return found


def _asked(desk: Desk, ctx: RunContext, kind: str, id: str, users: Sequence[str]) -> set[str] | None:
    """Who of these users has the completion or the award, by a listing of their own; None where none can be had."""
    docebo, bad = ctx.client("docebo"), list[str]()
    found: set[str] = set()
    if kind == "certification":
        return _awarded(desk, docebo, id, users)
    for start in range(0, len(users), enrollments.IDS_PER_CALL):
        some = users[start : start + enrollments.IDS_PER_CALL]
        if kind == "course":
            found |= {row.user_id for row in enrollments.completed(docebo, [id], None, users=some, on_bad=bad.append)}
        elif kind == "plan":
            found |= {row.user_id for row in plans.completed(docebo, [id], None, users=some, on_bad=bad.append)}
        else:
            return None
    return None if bad else found


def _lists_any(desk: Desk, docebo: Any, bad: list[str]) -> bool:
    """Whether the list of awards shows one of whatever certification: where it does, none of one is no outage."""
    if desk.any_award is None:
        known = sorted(id for ids in (desk.codes or {}).values() for id in ids)
        every = certifications.awards(docebo, known, on_bad=bad.append)
        desk.any_award = any(desk.awards.values()) or next(every, None) is not None
    return desk.any_award


def _awarded(desk: Desk, docebo: Any, code: str, users: Sequence[str]) -> set[str] | None:
    """Who has an award of the certification, be it an expired one: that is never a reason to revoke (GN-34)."""
    bad: list[str] = []
    if desk.codes is None:
        desk.codes = {}
        for one in certifications.walk(docebo, on_bad=bad.append):
            desk.codes.setdefault(one.code.strip(), []).append(one.id)
    ids = desk.codes.get(code, ())
    if bad or len(ids) != 1:  # not known, or of several with one code nobody can tell which is meant
        return None
    if code not in desk.awards:
        batch = desk.outward
        if any(earning.id == code for earning in batch.of("certification")):  # read already
            desk.awards[code] = {user for user, awards in batch.awards.spool.people(code) if awards}
        else:
            every = certifications.awards(docebo, ids, on_bad=bad.append)
            desk.awards[code] = {award.user_id for award in every}
    if not desk.awards[code] and not _lists_any(desk, docebo, bad):  # more likely an outage than the truth (GN-33)
        words = f"Docebo listed no award at all, the ledger has {len(users)} live credentials for those of {code}"
        desk.emptied.setdefault("docebo", words)
        return None
    if bad:
        return None
    found = desk.awards[code] & set(users)
    for user in sorted(set(users) - found):
        own = certifications.awards(docebo, ids, users=[user], on_bad=bad.append)
        if any(award.user_id == user for award in own):
            found.add(user)
    return None if bad else found
