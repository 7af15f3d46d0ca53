"""Docebo, provider and ledger, read anew and in full, to be compared (reconcile_plan.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from connectctl.badging import issuing, outward
from connectctl.badging import plan as outward_plan
from connectctl.badging.accounts import keep_account
from connectctl.badging.columns import Columns
from connectctl.badging.people import read_people
from connectctl.badging.plan import Learner
from connectctl.badging.provider import Credential, Provider
from connectctl.badging.reconcile_plan import Standing, TemplateView, absent, compare, emptied, user_of
from connectctl.badging.window import switched
from connectctl.docebo import certifications, enrollments, plans
from connectctl.errors import BadAnswer, ConfirmationNeeded, DataError, NotAllowed, NotFound, RemoteError
from connectctl.model import Applied, Change, Look, Outcome, Part, Plan, Problem, Recorded, RunContext, Skip
from connectctl.plugins.specs import FlowSpec, ProviderSpec

TEMPLATE = "template:"


class Within:
    """The same run as another flow sees it: with parameters and shared state of its own, and no cursor."""

    def __init__(self, ctx: RunContext, params: Mapping[str, Any]) -> None:
        self._ctx, self.params, self.shared = ctx, params, cast(Any, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def cursor(self, _part: str, _fingerprint: str) -> None:
        """Everything is read."""

    def open_items(self, _part: str) -> Sequence[Any]:
        """Nothing is left from before."""
        return ()


@dataclass(slots=True)
class Shared:
    """What all parts of one run share. `outward`: what the batch has read; `inside`: the run as the batch sees it."""

    spec: ProviderSpec
    provider: Provider
    inside: Any
    outward: Any
    names: Mapping[str, tuple[str, bool]]  # template -> its name, and whether it is active
    parts: dict[str, list[Part]] = field(default_factory=dict)  # template -> the batch's parts
    problems: list[Problem] = field(default_factory=list)
    emptied: dict[str, str] = field(default_factory=dict)  # connection -> what it listed none of, where there are some
    repair: bool = False
    revoke: bool = False
    codes: dict[str, str] | None = None  # certification code -> id
    awards: dict[str, set[str]] = field(default_factory=dict)  # code -> users with an award of it


def flow(spec: ProviderSpec) -> FlowSpec:
    """The flow that compares, and repairs where it is told to."""
    return FlowSpec(
        name=f"{spec.name}.reconcile",
        title=f"Reconcile - Docebo, {spec.title} and ledger",
        summary=f"Docebo, {spec.title} and the ledger compared; with repair=true brought in line",
        policy="manual",
        trigger="by hand",
        prepare=partial(prepare, spec),
        parts=parts,
        read=read,
        plan=plan,
        apply=apply,
        look=partial(look, spec),
        integration=spec.integration,
        uses=("docebo", spec.connection),
        applies_to=spec.connection,
        writes=(f"{spec.title} credentials, only with repair=true",),
        settings=tuple(setting.name for setting in spec.settings),
        params=("repair", "revoke"),
        batch=spec.capabilities.batch,
    )


def prepare(spec: ProviderSpec, ctx: RunContext) -> Shared:
    """Reads what the batch would read from the start date on, whatever earlier runs have read."""
    inside: Any = Within(ctx, {"full": True})
    inside.shared = outward.prepare(spec, inside)
    batch = inside.shared
    batch.held.whole = True  # every credential of a template counts, not only those of the learners in question
    columns = Columns.of(spec)
    rows = ctx.table(spec.template_table.name).all()
    names = {str(row[columns.id]): (str(row[columns.name]), row[columns.active] is True) for row in rows}
    shared = Shared(
        spec,
        batch.provider,
        inside,
        batch,
        names,
        repair=switched(ctx, "repair"),
        revoke=switched(ctx, "revoke"),
    )
    by_part = {earning.part: earning.template for earning in batch.earned}
    for part in outward.parts(inside):
        shared.parts.setdefault(by_part.get(part.id) or "", []).append(part)
    return shared


def parts(ctx: RunContext) -> Iterator[Part]:
    """One part per template that something earns, or of which the ledger knows. Raises ConfirmationNeeded at the end
    when the provider listed nothing where there have to be credentials: nothing is changed then (GN-33).
    """
    shared: Shared = ctx.shared
    for template, (name, _) in sorted(shared.names.items()):
        if shared.parts.get(template) or ctx.applied(_prefix(shared, template)):
            yield Part(TEMPLATE + template, name)
    yield Part("", "what could not be read")
    for connection, words in shared.emptied.items():
        raise ConfirmationNeeded(f"{words}: nothing was changed", hint=f"connectctl connection test {connection}")


def read(ctx: RunContext, part: Part) -> TemplateView | Plan:
    """One template's view; of the last part the problems that belong to none."""
    shared: Shared = ctx.shared
    if not part.id:
        return _planned(shared, shared.parts.get("", []))
    template = part.id.removeprefix(TEMPLATE)
    planned = _planned(shared, shared.parts.get(template, []))
    held, _ = shared.outward.held.of(template, (), len(shared.names))
    keep_account(ctx, shared.spec.name, shared.provider.account)
    view = _view(shared, ctx, template, planned, held)
    if count := emptied(view):
        words = f"{shared.spec.title} listed no credential of {part.title} ({template}), the ledger has {count} live"
        shared.emptied.setdefault(shared.spec.connection, words)
        return view
    return _with_looks(shared, view)


def plan(view: TemplateView | Plan) -> Plan:
    """The findings and repairs of a part."""
    return view if isinstance(view, Plan) else compare(view)


def apply(changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Carries out the repairs as the batch carries out its changes."""
    return issuing.apply(changes, ctx)


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """As the batch looks for a change whose answer was lost."""
    return issuing.look(spec, change, ctx)


# -- one template --------------------------------------------------------------------------------------------------


def _prefix(shared: Shared, template: str) -> str:
    return outward_plan.holding(shared.provider.account, template, "")


def _planned(shared: Shared, batch: Iterable[Part]) -> Plan:
    """What the batch would do for one template, all its courses, plans and certifications together."""
    changes: dict[str, Change] = {}
    problems: list[Problem] = []
    seen: dict[str, tuple[Change, Outcome]] = {}
    skipped: list[Skip] = []  # courses and rows that point to nothing; who has one already is nobody's trouble
    for part in batch:
        found = outward_plan.plan(outward.read(shared.inside, part))
        problems += found.problems
        skipped += [skip for skip in found.skipped if skip.user is None]
        for change in found.changes:
            changes.setdefault(change.holding, change)
        for one in found.seen:
            seen.setdefault(one[0].holding, one)
    return Plan(tuple(changes.values()), (), tuple(skipped), tuple(problems), tuple(seen.values()))


def _view(shared: Shared, ctx: RunContext, template: str, planned: Plan, held: Sequence[Credential]) -> TemplateView:
    batch, spec = shared.outward, shared.spec
    applied = dict(ctx.applied(_prefix(shared, template)))
    recorded = ctx.recorded([entry.key for entry in applied.values() if entry.live])
    people = {user_of(place) for place, entry in applied.items() if entry.live}
    problems: list[Problem] = []
    read_people(ctx, batch.spool, {user for user in people if batch.spool.person(user) is None}, problems)
    learners = {user: one for user in people if (one := _learner(shared, user)) is not None}
    standing = _standing(shared, ctx, applied, recorded)
    return TemplateView(
        template,
        shared.names[template][1],
        spec.title,
        replace(planned, problems=(*planned.problems, *problems)),
        held,
        applied,
        recorded,
        learners,
        standing,
        {},
        ctx.made([credential.id for credential in held]),
        ctx.now,
        shared.provider.search_lag,
        shared.repair,
        shared.revoke,
        _negative(shared),
        spec.capabilities.can_replace,
        spec.capabilities.can_revoke,
        frozenset(ctx.retrying),
    )


def _negative(shared: Shared) -> bool:
    """Whether revocations are carried over (CR-64)."""
    key = shared.spec.keys.get("revocation", "SYNC_REVOCATION")
    return shared.outward.values.get(key) is False


def _learner(shared: Shared, user: str) -> Learner | None:
    person = shared.outward.spool.person(user)
    if person is None:
        return None
    email, first, last = person
    return Learner(user, email, first, last, bool(email) and shared.outward.spool.sharing(email) > 1)


def _with_looks(shared: Shared, view: TemplateView) -> TemplateView:
    """A look at each learner whose credential should be listed and is not; without an answer nothing is issued."""
    looked: dict[str, Sequence[Credential]] = {}
    problems = list(view.planned.problems)
    for user, entry in absent(view):
        learner, recorded = view.learners.get(user), view.recorded[entry.key]
        addresses = {learner.email if learner else "", str(recorded.change.data.get("email") or "")}
        try:
            found = [c for email in sorted(addresses) for c in shared.provider.find(view.template, user, email)]
        except (NotFound, NotAllowed, BadAnswer, DataError) as error:
            problems.append(Problem(entry.holding, error.message, entry.origin))
            continue
        looked[user] = list({credential.id: credential for credential in found}.values())
    return replace(view, looked=looked, planned=replace(view.planned, problems=tuple(problems)))


# -- what stands behind a credential -------------------------------------------------------------------------------


def _standing(
    shared: Shared, ctx: RunContext, applied: Mapping[str, Applied], recorded: Mapping[str, Recorded]
) -> dict[str, Standing]:
    """By user, whether the completion or award behind the live credential is still there."""
    by_origin: dict[str, set[str]] = {}
    for place, entry in applied.items():
        if entry.live and entry.key in recorded and entry.origin:
            by_origin.setdefault(entry.origin, set()).add(user_of(place))
    found: dict[str, Standing] = {}
    for origin, users in sorted(by_origin.items()):
        kind, _, id = origin.partition(":")
        there = {user for user, at in shared.outward.spool.completions(origin) if at}
        missing = sorted(users - there)
        found |= dict.fromkeys(users & there, "stands")
        if not missing:
            continue
        try:
            asked = _asked(shared, ctx, kind, id, missing)
        except RemoteError as error:
            if not isinstance(error, NotFound | NotAllowed | BadAnswer):
                raise
            asked = None
        except DataError:
            asked = None
        for user in missing:
            found[user] = "unknown" if asked is None else "stands" if user in asked else "gone"
    return found


def _asked(shared: Shared, ctx: RunContext, kind: str, id: str, users: Sequence[str]) -> set[str] | None:
    """Who of these users has the completion or the award, by a listing of their own; None where none can be had."""
    docebo, bad = ctx.client("docebo"), list[str]()
    found: set[str] = set()
    if kind == "certification":
        return _awarded(shared, docebo, id, users)
    for start in range(0, len(users), enrollments.IDS_PER_CALL):
        some = users[start : start + enrollments.IDS_PER_CALL]
        if kind == "course":
            found |= {row.user_id for row in enrollments.completed(docebo, [id], None, users=some, on_bad=bad.append)}
        elif kind == "plan":
            found |= {row.user_id for row in plans.completed(docebo, [id], None, users=some, on_bad=bad.append)}
        else:
            return None
    return None if bad else found


def _awarded(shared: Shared, docebo: Any, code: str, users: Sequence[str]) -> set[str] | None:
    """Who has an award of the certification, be it an expired one: that is never a reason to revoke (GN-34)."""
    bad: list[str] = []
    if shared.codes is None:
        shared.codes = {one.code: one.id for one in certifications.walk(docebo, on_bad=bad.append)}
    if bad or code not in shared.codes:
        return None
    if code not in shared.awards:
        every = certifications.awards(docebo, [shared.codes[code]], on_bad=bad.append)
        shared.awards[code] = {award.user_id for award in every}
    if not shared.awards[code]:  # nobody has it any more: more likely an outage than the truth
        words = f"Docebo listed no award of {code}, the ledger has {len(users)} live credentials for some"
        shared.emptied.setdefault("docebo", words)
    if bad or not shared.awards[code]:
        return None
    found = shared.awards[code] & set(users)
    for user in sorted(set(users) - found):
        own = certifications.awards(docebo, [shared.codes[code]], users=[user], on_bad=bad.append)
        if any(award.user_id == user for award in own):
            found.add(user)
    return None if bad else found
