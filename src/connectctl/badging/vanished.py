"""Credentials that the provider says are gone, without a word on what they were: Docebo still shows it (CR-82)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from connectctl.badging import awarding
from connectctl.badging.people import normal_email
from connectctl.badging.provider import Credential
from connectctl.docebo import certifications, training, users
from connectctl.model import RunContext

if TYPE_CHECKING:
    from connectctl.badging.inward import Shared

Found = tuple[str, str, str, str]  # badge, template, root, user


def read_vanished(shared: Shared, ctx: RunContext, templates: Sequence[str]) -> None:
    """Puts what is gone into the spool as deleted, where we made something from it and a whole list lacks it."""
    lost = set(shared.arrivals.lost)
    if not lost:
        return
    for badge, template, root, user in sorted({*_trained(shared, ctx, lost, templates), *_awarded(shared, ctx, lost)}):
        shared.arrivals.read_list(template, f"template:{template}")
        if template in shared.arrivals.failed or template in shared.arrivals.broken or shared.spool.knows(badge):
            continue
        person = users.get(ctx.client("docebo"), user)
        emails = frozenset({normal_email(person.email)} if person is not None else set())
        one = Credential(badge, template, "accepted", emails - {""}, None, replaces=None if root == badge else root)
        shared.spool.add_badges([(one, False, True)], deleted=True)


def _trained(shared: Shared, ctx: RunContext, lost: set[str], templates: Sequence[str]) -> Iterator[Found]:
    """The trainings of ours that bear the id of one of these."""
    bad: list[str] = []
    for one in training.walk(ctx.client("docebo"), on_bad=bad.append):
        for template in templates if one.code in lost else ():
            prefix = f"{shared.common.account}|training|{template}|{one.user_id}|"
            for place, applied in ctx.applied(prefix).items():
                if applied.live and applied.version == one.code:
                    yield one.code, template, place.removeprefix(prefix), one.user_id


def _awarded(shared: Shared, ctx: RunContext, lost: set[str]) -> Iterator[Found]:
    """The awards of ours that show one of these."""
    codes = {source.code for source in shared.sources.values() if source.kind == "award" and source.readable}
    if not codes:
        return
    docebo, bad = ctx.client("docebo"), list[str]()
    ids = {one.id: one.code for one in certifications.walk(docebo, on_bad=bad.append) if one.code in codes}
    for award in certifications.awards(docebo, sorted(ids), on_bad=bad.append) if ids else ():
        badge = award.external_id
        if badge not in lost:
            continue
        place = awarding.holding(shared.common.account, ids[award.certification_id], award.user_id)
        applied = ctx.applied_to([place]).get(place)
        if applied is not None and applied.live and applied.version.partition("@")[0] == badge:
            yield badge, applied.origin.removeprefix("template:"), badge, award.user_id
