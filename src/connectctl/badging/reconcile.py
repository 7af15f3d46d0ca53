"""Docebo, provider and ledger, read anew and in full, to be compared (reconcile_plan.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from connectctl.badging import importing, inward, issuing, outward, outward_plan, reconcile_inward, reconcile_plan
from connectctl.badging.accounts import keep_account
from connectctl.badging.columns import Columns
from connectctl.badging.people import read_people
from connectctl.badging.plan import holding
from connectctl.badging.provider import Credential, Provider
from connectctl.badging.recipe import OUTWARDS
from connectctl.badging.reconcile_import import PART as IMPORTS
from connectctl.badging.reconcile_import import Inward
from connectctl.badging.reconcile_inward import LAG, InwardView
from connectctl.badging.reconcile_plan import TemplateView, absent, user_of
from connectctl.badging.reconcile_plan import emptied as unlisted
from connectctl.badging.standing import Desk, standing
from connectctl.badging.window import switched
from connectctl.errors import BadAnswer, ConfirmationNeeded, ConnectctlError, DataError, NotAllowed, NotFound
from connectctl.model import Change, Look, Outcome, Part, Plan, Problem, RunContext, Skip
from connectctl.plugins.specs import ProviderSpec

TEMPLATE = "template:"
YOUNG = "young"


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
    desk: Desk
    names: Mapping[str, tuple[str, bool]]  # template -> its name, and whether it is active
    parts: dict[str, list[Part]] = field(default_factory=dict)  # template -> the batch's parts
    problems: list[Problem] = field(default_factory=list)
    emptied: dict[str, str] = field(default_factory=dict)  # connection -> what it listed none of, where there are some
    repair: bool = False
    revoke: bool = False
    inward: Inward | None = None
    young: int = 0  # entries that are passed over, because the provider's lists need not show them yet


def prepare(spec: ProviderSpec, ctx: RunContext) -> Shared:
    """Reads what the batch would read from the start date on, whatever earlier runs have read."""
    repair, revoke = switched(ctx, "repair"), switched(ctx, "revoke")  # before any call
    inside: Any = Within(ctx, {"full": True})
    inside.shared = outward.prepare(spec, inside)
    batch = inside.shared
    batch.held.whole = True  # every credential of a template counts, not only those of the learners in question
    columns = Columns.of(spec)
    rows = ctx.table(spec.template_table.name).all()
    names = {str(row[columns.id]): (str(row[columns.name]), row[columns.active] is True) for row in rows}
    emptied: dict[str, str] = {}
    shared = Shared(
        spec,
        batch.provider,
        inside,
        batch,
        Desk(batch, emptied),
        names,
        emptied=emptied,
        repair=repair,
        revoke=revoke,
    )
    by_part = {earning.part: earning.template for earning in batch.earned}
    for part in outward.parts(inside):
        shared.parts.setdefault(by_part.get(part.id) or "", []).append(part)
    if "batch-sync-inwards" in spec.titles:
        imports: Any = Within(ctx, {"full": True})
        imports.shared = inward.prepare(spec, imports)
        shared.inward = Inward(imports, emptied, shared.repair, shared.revoke)
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
    if shared.inward is not None:
        yield from shared.inward.parts()
    if _young(shared):
        yield Part(YOUNG, "what is too young to be compared")
    for connection, words in shared.emptied.items():
        raise ConfirmationNeeded(f"{words}: nothing was changed", hint=f"connectctl connection test {connection}")


def read(ctx: RunContext, part: Part) -> TemplateView | InwardView | Plan:
    """The view of one template, or of a block of the import; the problems that belong to none are a plan."""
    shared: Shared = ctx.shared
    if part.id.startswith(IMPORTS) and shared.inward is not None:
        return shared.inward.read(ctx, part)
    if part.id == YOUNG:
        return Plan(warnings=_young(shared))
    if not part.id:
        return _planned(shared, shared.parts.get("", []))
    template = part.id.removeprefix(TEMPLATE)
    planned = _planned(shared, shared.parts.get(template, []))
    held, _ = shared.outward.held.of(template, (), len(shared.names))
    keep_account(ctx, shared.spec.name, shared.provider.account)
    view = _view(shared, ctx, template, planned, held)
    shared.young += sum(entry.key in view.recorded for _, entry in absent(view, young=True))
    if count := unlisted(view):
        words = f"{shared.spec.title} listed no credential of {part.title} ({template}), the ledger has {count} live"
        shared.emptied.setdefault(shared.spec.connection, words)
        return view
    return _with_looks(shared, view)


def plan(view: TemplateView | InwardView | Plan) -> Plan:
    """The findings and repairs of a part."""
    if isinstance(view, Plan):
        return view
    return reconcile_inward.compare(view) if isinstance(view, InwardView) else reconcile_plan.compare(view)


def apply(spec: ProviderSpec, changes: list[Change], ctx: RunContext) -> list[issuing.Result]:
    """Carries out the repairs of one part as the batch, or the import, carries out its changes."""
    if changes[0].action in OUTWARDS:
        return issuing.apply(changes, ctx)
    return [_import(spec, change, ctx) for change in changes]


def _import(spec: ProviderSpec, change: Change, ctx: RunContext) -> issuing.Result:
    """One by one: what goes wrong with one is not true of those before it."""
    try:
        return importing.apply(spec, [change], ctx)[0]
    except ConnectctlError as error:
        return error


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """As the batch, or the import, looks for a change whose answer was lost."""
    return issuing.look(spec, change, ctx) if change.action in OUTWARDS else importing.look(change, ctx)


# -- one template --------------------------------------------------------------------------------------------------


def _young(shared: Shared) -> tuple[str, ...]:
    """A warning for each side whose lists need not show yet what was written."""
    imports = 0 if shared.inward is None else shared.inward.young
    sides = ((shared.young, shared.provider.search_lag, shared.spec.title), (imports, LAG.total_seconds(), "Docebo"))
    words = "that {} may take to list what was made there, and are not listed; they are not compared"
    return tuple(
        f"{count} {'entry is' if count == 1 else 'entries are'} younger than the {lag:g} seconds {words.format(title)}"
        for count, lag, title in sides
        if count
    )


def _prefix(shared: Shared, template: str) -> str:
    return holding(shared.provider.account, template, "")


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
    learners = {user: one for user in people if (one := batch.learner(user)) is not None}
    return TemplateView(
        template,
        shared.names[template][1],
        spec.title,
        replace(planned, problems=(*planned.problems, *problems)),
        held,
        applied,
        recorded,
        learners,
        standing(shared.desk, ctx, applied, recorded),
        {},
        ctx.made([credential.id for credential in held], f"{shared.provider.account}|"),
        ctx.now,
        shared.provider.search_lag,
        shared.repair,
        shared.revoke,
        not batch.values[spec.keys["revocation"]],
        spec.capabilities.can_replace,
        spec.capabilities.can_revoke,
        frozenset(ctx.retrying),
        spec.capabilities,
    )


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
