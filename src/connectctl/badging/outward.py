"""Docebo completions and awards to the provider: what a run reads before it plans (CR-26, CR-29, CR-71)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from connectctl.badging.award_rules import needed
from connectctl.badging.awards import AwardReading
from connectctl.badging.completions import Reading
from connectctl.badging.earnings import BY_FIELD, Earning, Kind
from connectctl.badging.existing import asks_again
from connectctl.badging.gathered import Shared, as_moment
from connectctl.badging.held import Held
from connectctl.badging.master import directions
from connectctl.badging.people import check_people, read_people
from connectctl.badging.plan import date_reason, settled_reason, stamp
from connectctl.badging.refusals import keep_refusals, recall_refusals
from connectctl.badging.scope import EVERYTHING, Scope
from connectctl.badging.selections import (
    Rows,
    Selections,
    barred_certifications,
    mapped_certifications,
    mapped_plans,
)
from connectctl.badging.settings import read_settings
from connectctl.badging.spool import Spool
from connectctl.badging.steps import note
from connectctl.badging.templates import check_templates, open_provider
from connectctl.badging.views import ASSIGNS
from connectctl.badging.views import read as read
from connectctl.badging.window import FILTERS, WALK, numbered, window
from connectctl.model import Applied, Part, RunContext
from connectctl.plugins.specs import ProviderSpec


def prepare(
    spec: ProviderSpec,
    ctx: RunContext,
    scope: Scope = EVERYTHING,
    *,
    real_time: bool = False,
    instead: Sequence[Earning] = (),
) -> Shared:
    """Checks every setting, reads selections, mappings, completions, awards and learners in bulk.

    `scope` narrows it to what one recipe is responsible for; the parameters narrow it further. `real_time`: an event
    has started it. `instead` is what the run reports without reading anything.
    """
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    note(spec, ctx, "read-settings", settings=len(values))
    looked = window(spec, values, ctx)
    if looked.whole and looked.walks:
        ctx.cached(FILTERS).clear()
    provider = open_provider(spec, ctx)
    rows = [dict(row) for row in ctx.table(spec.template_table.name).all()]
    check_templates(spec, ctx, looked.templates)
    recall_refusals(ctx, anew=looked.whole and looked.walks)
    spool = Spool()
    reading = Reading(ctx, looked, provider.account, spool, [])
    held = Held(ctx, provider, spool, whole=bool(looked.reissue))
    awards = AwardReading(ctx, reading)
    shared = Shared(spec, provider, values, looked, spool, reading.problems, reading, awards, held, scope)
    key = spec.keys.get("overwrite_real_time" if real_time else "overwrite")
    shared.overwrite = values[key] if key else ""
    outwards, _ = directions(spec, values)
    note(spec, ctx, "check-master", outwards=outwards)
    if instead:
        shared.earned = list(instead)
        return shared
    _read_earned(shared, ctx, rows, outwards=outwards)
    if not looked.revoked:  # somebody whose award was taken may be gone altogether
        check_people(ctx, set(numbered(ctx, "user")) - _seen(shared))
    keep_refusals(ctx)
    shared.asking = {
        template for template, users in shared.needy.items() if any(shared.is_able(user) for user in users)
    }
    return shared


def parts(ctx: RunContext) -> Iterator[Part]:
    """One part per course, or plan or certification and template (CR-71); one template's together: its credentials are
    read once.
    """
    shared: Shared = ctx.shared
    for earning in sorted(shared.earned, key=lambda e: (e.template or "", e.kind, e.id)):
        shared.unread += 1
        yield Part(earning.part, earning.name)
    if shared.problems or shared.warnings:  # nothing came after them to report them
        shared.unread += 1
        yield Part("", "what could not be read")
    complete = shared.reading.complete and shared.awards.complete
    if shared.window.walks and shared.window.whole and complete and not shared.unread:
        yield Part(WALK, "everything was read")


def _read_earned(shared: Shared, ctx: RunContext, rows: Rows, *, outwards: bool) -> None:
    """What earns something, who has earned it, and who of them has to be looked at."""
    everything = outwards or not shared.provider.options.master_covers_everything
    courses: list[Earning] = []
    mapped: list[Earning] = []
    read_now: set[str] = set()
    selections: Selections | None = None
    plans_again: Callable[[set[str]], list[Earning]] | None = None
    if not everything:
        kinds: tuple[Kind, ...] = ("course", "plan")
        mapped += [
            Earning(kind, "", f"every {kind}", None, reason="master_direction") for kind in kinds if shared.has(kind)
        ]
    elif shared.has("course") or (shared.has("plan") and shared.window.courses):
        selections = Selections.of(shared, ctx, rows)
        courses, read_now = selections.first()
        courses = courses if shared.has("course") else []
        _note_assigned(shared, ctx, "course", courses)
    if everything and shared.has("plan"):
        planned, plans_again = mapped_plans(shared, ctx, rows)
        mapped += planned
        _note_assigned(shared, ctx, "plan", mapped)
    shared.earned = [*courses, *mapped]
    _read_completions(shared, ctx, shared.earned)
    if shared.has("certification"):
        shared.earned += _read_awards(shared, ctx, rows, outwards=outwards)
    _find_needy(shared, ctx)
    read_people(ctx, shared.spool, shared.everybody(), shared.problems, shared.reading.remembered)
    shared.reading.confirm(lambda source, user: _is_able(shared, source, user))
    due = _due(shared, "course") - read_now
    plans_due = {id for id in _due(shared, "plan", BY_FIELD) if id not in shared.plans_read}
    if (due and selections is not None) or (plans_due and plans_again is not None):
        # A selection may change without a trace in the course list: whatever is about to issue is read again.
        before, decided = shared.everybody(), {_decision(earning) for earning in shared.earned}
        if due and selections is not None:
            shared.earned = [*selections.again(courses, due), *(e for e in shared.earned if e.kind != "course")]
        if plans_due and plans_again is not None:
            shared.earned = [*(e for e in shared.earned if e.kind != "plan"), *plans_again(plans_due)]
        # What is decided otherwise than the completions were read for begins at the start date (GN-37).
        moved = [e for e in shared.earned if e.kind != "certification" and _decision(e) not in decided]
        if moved:
            _read_completions(shared, ctx, moved)
        shared.needy.clear()
        _find_needy(shared, ctx)
        read_people(ctx, shared.spool, shared.everybody() - before, shared.problems)


def _read_awards(shared: Shared, ctx: RunContext, rows: Rows, *, outwards: bool) -> list[Earning]:
    """What the mapped certifications earn, with their awards read; nothing is read where the master forbids it."""
    if not outwards:
        return barred_certifications(shared, ctx)
    earned, known = mapped_certifications(shared, ctx, rows)
    earning = [one for one in earned if one.template]
    if earning:
        shared.awards.read(earning, known)
    collects = "read-awards" in (shared.spec.calls.get(ctx.flow.partition(".")[2], ()))
    if collects:
        note(shared.spec, ctx, "read-awards", certifications=len(known), awards=shared.awards.spool.count())
    caller = "read-awards" if collects else ""
    note(shared.spec, ctx, "process-awards", caller, awards=shared.awards.spool.count())
    return earned


def _note_assigned(shared: Shared, ctx: RunContext, kind: Kind, earned: Sequence[Earning]) -> None:
    templates = {earning.template for earning in earned if earning.kind == kind and earning.template}
    note(shared.spec, ctx, ASSIGNS[kind], templates=len(templates))


def _decision(earning: Earning) -> tuple[str, str | None, str]:
    """A part and what decides it."""
    return earning.part, earning.template, earning.element


def _read_completions(shared: Shared, ctx: RunContext, earnings: Sequence[Earning]) -> None:
    """Pages over many courses and plans at once into the spool (CR-32, CR-35)."""
    kinds: tuple[Kind, ...] = ("course", "plan")
    for kind in kinds:
        earned = [earning for earning in earnings if earning.kind == kind and earning.template]
        if not earned:
            continue
        before = shared.spool.count()
        shared.reading.read(kind, earned)
        found = shared.spool.count() - before
        note(shared.spec, ctx, "list-completions", ASSIGNS[kind], sources=len(earned), completions=found)
        note(shared.spec, ctx, "assign-users", ASSIGNS[kind], completions=found)
        if kind == "plan":
            note(shared.spec, ctx, "match-plans", "assign-users", plans=len(earned), completions=found)


def _find_needy(shared: Shared, ctx: RunContext) -> None:
    """Which learners the ledger does not answer for; only they cost a look at users and credentials."""
    same: dict[str, str] = {}  # one text per learner, however many templates ask about them
    for earning in sorted(shared.earned, key=lambda e: e.template or ""):
        for user in _asking(shared, ctx, earning) if earning.template else ():
            shared.needy.setdefault(str(earning.template), set()).add(same.setdefault(user, user))


def _asking(shared: Shared, ctx: RunContext, earning: Earning) -> Iterator[str]:
    """The learners of one part whom the ledger does not answer for."""
    template, looked = str(earning.template), shared.window
    if earning.kind == "certification":
        applied = shared.ledger(ctx, template)
        for user, awards in shared.awards.spool.people(earning.id):
            entry = applied.get(shared.place(template, user))
            if looked.reissue or needed(awards, entry, earning.source, looked.start, ctx.now, shared.overwrite):
                yield user
        if looked.revoked:
            yield from (u for u in looked.users if (e := applied.get(shared.place(template, u))) and e.live)
        return
    completions = list(shared.spool.completions(earning.source))
    if not completions:
        return  # the ledger's word on a template is long; it is not asked for nothing
    applied = shared.ledger(ctx, template)
    for user, text in completions:
        counts = date_reason(as_moment(text), looked.start, ctx.now) is None
        if counts and (
            looked.reissue or not _answered(shared, earning, applied.get(shared.place(template, user)), text)
        ):
            yield user


def _due(shared: Shared, kind: Kind, by: str = "") -> set[str]:
    """The courses, or plans that earn by their dropdown, for which somebody is about to get a credential."""
    due = set()
    for earning in shared.of(kind):
        if by not in earning.by:
            continue
        needy = shared.needy.get(earning.template or "", set())
        completers = {user for user, _ in shared.spool.completions(earning.source)} if needy else set()
        if any(shared.is_able(user) for user in needy & completers):
            due.add(earning.id)
    return due


def _is_able(shared: Shared, source: str, user: str) -> bool:
    """Whether somebody whom an earlier run left open could be given a credential now."""
    templates = (earning.template for earning in shared.earned if earning.source == source and earning.template)
    needy = any(user in shared.needy.get(template, ()) for template in templates)
    return needy and shared.is_able(user)


def _seen(shared: Shared) -> set[str]:
    """The users of whom the run has read anything."""
    found = {user for earning in shared.earned for user, _ in shared.spool.completions(earning.source)}
    found |= {user for one in shared.of("certification") for user, _ in shared.awards.spool.people(one.id)}
    return found | {user for user in shared.window.users if shared.spool.person(user) is not None}


def _answered(shared: Shared, earning: Earning, applied: Applied | None, completed_at: str) -> bool:
    """Whether the ledger answers for a completion."""
    if settled_reason(applied, None, frozenset()) is None:
        return False
    at = as_moment(completed_at)
    return at is None or not asks_again(shared.overwrite, applied, earning.source, stamp(at))
