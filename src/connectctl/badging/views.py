"""The view of one part, out of what the run has gathered: all that its plan is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectctl.badging.award_rules import AwardView
from connectctl.badging.awards import imported
from connectctl.badging.earnings import Earning
from connectctl.badging.gathered import Shared, as_moment
from connectctl.badging.plan import EarningView, Learner
from connectctl.badging.window import WALK
from connectctl.docebo.certifications import Award
from connectctl.model import Applied, Cursor, Part, RunContext

ASSIGNS = {"course": "assign-course", "plan": "assign-plans", "certification": "process-awards"}


def read(ctx: RunContext, part: Part) -> EarningView | AwardView:
    """One part's view, out of what `prepare` read; the template's credentials on first need."""
    shared: Shared = ctx.shared
    if part.id == WALK:
        return replace(_view(shared, ctx, Earning("course", "", "", None)), cursor=Cursor(WALK, ctx.now.isoformat()))
    earning = next((e for e in shared.earned if e.part == part.id), Earning("course", "", part.title, None))
    awarded = earning.kind == "certification" and earning.template
    view = _award_view(shared, ctx, earning) if awarded else _view(shared, ctx, earning)
    shared.unread -= 1
    view = replace(view, warnings=tuple(shared.warnings))
    shared.problems.clear()
    shared.warnings.clear()
    return view


def _view(shared: Shared, ctx: RunContext, earning: Earning) -> EarningView:
    completions = [(user, as_moment(text)) for user, text in shared.spool.completions(earning.source)]
    learners: dict[str, Learner] = {}
    applied: Mapping[str, Applied] = {}
    if earning.template and completions:
        applied = shared.ledger(ctx, earning.template)
        learners = _learners(shared, earning.template, {user for user, _ in completions})
    able = any(shared.is_able(user) for user in learners)
    held = shared.credentials(ctx, earning) if able and earning.template else ()
    return EarningView(
        earning,
        shared.provider.account,
        completions,
        learners,
        held,
        applied,
        shared.window.start,
        ctx.now,
        shared.values[shared.spec.keys["expiration_days"]],
        _evidence_title(shared),
        shared.spec.titles[ASSIGNS[earning.kind]],
        frozenset(ctx.retrying),
        tuple(shared.problems),
        shared.window.unbounded,
        shared.window.reissue,
        _cursor(shared, earning) if shared.reading.complete else None,
        _read_at(shared),
        shared.spec.capabilities.named(shared.scope.actions),
        _refused(ctx, applied.values()) if shared.window.reissue else {},
        shared.spec.capabilities,
        shared.overwrite,
        shared.duplicates(earning.template) if able and earning.template else None,
    )


def _refused(ctx: RunContext, entries: Iterable[Applied]) -> dict[str, Mapping[str, Any]]:
    """The data of what the provider refused to issue in the place of something of ours that is live."""
    keys = [key for entry in entries if entry.live for key in sorted(entry.refused)]
    return {key: recorded.change.data for key, recorded in ctx.recorded(keys).items()}


def _award_view(shared: Shared, ctx: RunContext, earning: Earning) -> AwardView:
    template, spec, looked = str(earning.template), shared.spec, shared.window
    awards: Mapping[str, Sequence[Award]] = dict(shared.awards.spool.people(earning.id))
    revoked = frozenset(looked.users if looked.revoked and earning.id not in shared.awards.unread else ())
    applied = shared.ledger(ctx, template) if awards or revoked else {}
    learners = _learners(shared, template, {*awards, *revoked})
    theirs = [award for mine in awards.values() for award in mine]
    lives = any((entry := applied.get(shared.place(template, user))) and entry.live for user in revoked)
    looks = lives or any(shared.is_able(user) for user in learners)
    return AwardView(
        earning=earning,
        account=shared.provider.account,
        awards=awards,
        learners=learners,
        held=shared.credentials(ctx, earning) if looks else (),
        applied=applied,
        start=looked.start,
        now=ctx.now,
        evidence_title=_evidence_title(shared),
        flow_title=spec.titles[ASSIGNS["certification"]],
        imported=imported(ctx, theirs, spec.title) if theirs else frozenset(),
        revoked=revoked,
        negative=shared.values[spec.keys["revocation"]] is False,
        retrying=frozenset(ctx.retrying),
        problems=tuple(shared.problems),
        unbounded=looked.unbounded,
        reissue=looked.reissue,
        cursor=_cursor(shared, earning) if shared.awards.complete else None,
        read_at=_read_at(shared),
        actions=spec.capabilities.named(shared.scope.actions),
        can=spec.capabilities,
        overwrite=shared.overwrite,
        duplicates=shared.duplicates(template) if looks else None,
    )


def _evidence_title(shared: Shared) -> str:
    """What the evidence of a credential is called; "" for a provider without evidence."""
    key = shared.spec.keys.get("evidence_title")
    return str(shared.values[key]) if key else ""


def _learners(shared: Shared, template: str, users: set[str]) -> dict[str, Learner]:
    needy = users & shared.needy.get(template, set())
    return {user: learner for user in needy if (learner := shared.learner(user)) is not None}


def _cursor(shared: Shared, earning: Earning) -> Cursor | None:
    position = shared.reading.positions.get(earning.part)
    return shared.window.cursor(earning, shared.provider.account, position)


def _read_at(shared: Shared) -> str:
    return shared.reading.newest.isoformat() if shared.reading.newest else ""
