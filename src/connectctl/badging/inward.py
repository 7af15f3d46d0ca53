"""A provider's credentials to Docebo: what an import reads before it plans (CR-41, CR-43, CR-44, architecture 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectctl.badging import awarding, training
from connectctl.badging.accounts import keep_account
from connectctl.badging.badge_spool import BadgeSpool
from connectctl.badging.chains import Chain
from connectctl.badging.columns import MappingColumns
from connectctl.badging.completed import completed
from connectctl.badging.feed import EVENTS, Arrivals
from connectctl.badging.inward_view import AwardView, Common, MarkerView, TrainingView, View
from connectctl.badging.inward_window import OVERLAP, InwardWindow, inward_window
from connectctl.badging.mapped import Mapped, mapped
from connectctl.badging.master import directions
from connectctl.badging.moved import read_moved
from connectctl.badging.owners import find_owners, read_docebo
from connectctl.badging.people import name_people
from connectctl.badging.provider import Provider
from connectctl.badging.scope import EVERYTHING, Scope
from connectctl.badging.settings import read_settings, required
from connectctl.badging.sources import Source, sources
from connectctl.badging.steps import note, top
from connectctl.badging.templates import check_templates, open_provider
from connectctl.badging.vanished import read_vanished
from connectctl.badging.window import FILTERS, WALK
from connectctl.errors import UsageError
from connectctl.model import Cursor, OpenItem, Part, Problem, RunContext
from connectctl.plugins.specs import ProviderSpec


@dataclass(slots=True)
class Shared:
    """What all parts of one run share."""

    spec: ProviderSpec
    provider: Provider
    window: InwardWindow
    common: Common
    spool: BadgeSpool
    problems: list[Problem]
    arrivals: Arrivals
    sources: dict[str, Source]
    institute: str = ""
    certifications: dict[str, str] = field(default_factory=dict)  # code -> id
    twins: dict[str, list[str]] = field(default_factory=dict)  # code -> ids of those that share it
    codes_read: bool = False  # whether Docebo's certifications were listed
    blind: set[str] = field(default_factory=set)  # lists of Docebo's with rows that could not be read
    block: View = field(default_factory=MarkerView)  # what `parts` has just named
    unread: bool = False  # whether some part could not be read


def prepare(spec: ProviderSpec, ctx: RunContext, scope: Scope = EVERYTHING) -> Shared:
    """Checks every setting, reads mappings, credentials, their owners, and what Docebo has of those already."""
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    note(spec, ctx, "read-settings", settings=len(values))
    window = inward_window(spec, values, ctx)
    if window.whole and window.keeps:
        ctx.cached(FILTERS).clear()
    if not ctx.params.get("event"):  # what an event is about may be known to nobody here
        check_templates(spec, ctx, window.templates)
    provider = open_provider(spec, ctx)
    rows = mapped((dict(row) for row in ctx.table(spec.mapping_table.name).all()), MappingColumns.of(spec))
    _, inwards = directions(spec, values)
    everything = provider.options.master_covers_everything
    found = sources(rows, window, scope, outwards_only=not inwards, everything=everything)
    note(spec, ctx, "check-master", imports=len(found))
    institute = values[spec.keys["institute"]]
    if any(source.kind == "training" and source.reason is None for source in found.values()):
        institute = required(spec.integration, spec.keys["institute"], institute, spec.title)
    common = Common(
        ctx.client("docebo").account,
        window.start,
        ctx.now,
        not values[spec.keys["revocation"]],
        provider.options,
        frozenset(ctx.retrying),
        scope,
        window.unbounded,
        spec.capabilities.in_place,
        spec.capabilities.revokes_inwards,
        spec.capabilities.own_ids,
    )
    spool, problems = BadgeSpool(), list[Problem]()
    codes = {source.code: source.templates for source in found.values() if source.kind == "award"}
    arrivals = Arrivals(ctx, provider, spool, window.start, problems, _families(rows, found), codes)
    shared = Shared(spec, provider, window, common, spool, problems, arrivals, found, str(institute or ""))
    _read_credentials(shared, ctx)
    _check_badges(shared, ctx)
    collected = not (window.badges or ctx.params.get("event"))
    if collected:
        shares = "import-flow" in spec.calls.get(top(ctx), ())
        if shares:
            note(spec, ctx, "import-flow", imports=len(found))
        note(spec, ctx, "read-credentials", "import-flow" if shares else "", credentials=spool.count_badges())
    note(spec, ctx, "import-credential", "read-credentials" if collected else "", credentials=spool.count_badges())
    if spool.count_badges():
        keep_account(ctx, spec.name, provider.account)
    looked = find_owners(shared, ctx)
    read_moved(shared, ctx)
    note(spec, ctx, "find-user", "import-credential", addresses=looked)
    note(spec, ctx, "check-origin", "import-credential", credentials=spool.count_badges())
    read_docebo(shared, ctx, lambda: (view for source in found.values() for view in blocks(shared, ctx, source)))
    note(spec, ctx, "import-training", "import-credential", users=len(spool.needy("training")))
    note(spec, ctx, "import-award", "import-credential", users=len(spool.needy("award")))
    note(spec, ctx, "find-award", "import-award", users=len(spool.needy("award")))
    return shared


def _families(rows: Mapping[str, Mapped], found: Mapping[str, Source]) -> dict[str, frozenset[str]]:
    """By template, the templates whose credentials count together with its own: those of the same certifications."""
    together: dict[str, set[str]] = {template: {template} for template in rows}
    for source in found.values():
        for template in source.templates:
            together.setdefault(template, {template}).update(source.templates)
    return {template: frozenset(others) for template, others in together.items()}


def _read_credentials(shared: Shared, ctx: RunContext) -> None:
    """Whole lists for what is new, events for what goes on, look-ups for what is named (CR-43, GN-37)."""
    window, arrivals = shared.window, shared.arrivals
    wanted = {source.part: source for source in shared.sources.values() if source.readable}
    event = shared.provider.event(str(ctx.params["event"])) if ctx.params.get("event") else None
    templates = {template for source in wanted.values() for template in source.templates}
    if event is not None and arrivals.follow([event], templates):
        read_vanished(shared, ctx, sorted(templates))
        return
    if window.users:
        for email in _named(shared, ctx):
            for template in sorted(templates):
                arrivals.find(template, email)
        return
    positions = {part: window.position(ctx, part, fingerprint(shared, source)) for part, source in wanted.items()}
    going = {part: at for part, at in positions.items() if at is not None}
    feeds, fresh = shared.spec.capabilities.has_feed and window.keeps, set(wanted)
    events = arrivals.remember(arrivals.since(min(going.values()))) if feeds and going else None
    if events is not None:
        left = [item for part in sorted(going) for item in ctx.open_items(part)]
        arrivals.reopen(left, min(going.values()))
        if arrivals.follow(events, templates):
            fresh -= set(going)
        read_vanished(shared, ctx, sorted(templates))
    for part in sorted(fresh):
        for template in wanted[part].templates:
            arrivals.read_list(template, part)
    if feeds and events is None and wanted:
        arrivals.catch_up(templates)
        read_vanished(shared, ctx, sorted(templates))


def _check_badges(shared: Shared, ctx: RunContext) -> None:
    """Raises UsageError for a credential that somebody names and no list has; one of an event may be gone."""
    arrivals = shared.arrivals
    if ctx.params.get("event") or arrivals.failed or arrivals.broken:
        return
    for badge in shared.window.badges:
        if not shared.spool.knows(badge):
            words = f"None of the templates that this run reads has a credential {badge}"
            raise UsageError(words, hint=f"connectctl lookup show {shared.spec.mapping_table.name}")


def _named(shared: Shared, ctx: RunContext) -> list[str]:
    """The addresses of the users that the run is about."""
    return name_people(ctx, shared.spool, shared.window.users)


def fingerprint(shared: Shared, source: Source) -> str:
    """What decides a part: another template, start date or switch starts it again (GN-37)."""
    start = shared.window.start.isoformat() if shared.window.start else ""
    options = shared.common.options
    switches = (shared.common.negative, options.rejected_is_revoked, options.only_accepted)
    words = (shared.provider.account, shared.common.account, *source.templates, start, *map(str, switches))
    return "|".join(words)


# -- parts ---


def parts(ctx: RunContext) -> Iterator[Part]:
    """One part per template and per certification, block by block (CR-73); then what the run remembers."""
    shared: Shared = ctx.shared
    spec = shared.spec
    for source in shared.sources.values():
        if set(source.templates) & shared.arrivals.failed.keys():
            yield Part(source.part, source.name)
            continue
        for view in blocks(shared, ctx, source):
            shared.block = completed(shared.provider, view) if spec.capabilities.lists_partly else view
            yield Part(source.part, source.name)
    for marker in _markers(shared, ctx):
        shared.block = marker
        yield Part(marker.cursor.fingerprint if marker.cursor else "unread", "what the run remembers")


def read(ctx: RunContext, part: Part) -> View:
    """The block that `parts` has just named. Raises what kept a template of it from being read (GN-19)."""
    shared: Shared = ctx.shared
    source = shared.sources.get(part.id)
    for template in source.templates if source is not None else ():
        if template in shared.arrivals.failed:
            shared.unread = True
            raise shared.arrivals.failed[template]
    return shared.block


def blocks(shared: Shared, ctx: RunContext, source: Source) -> Iterator[TrainingView | AwardView]:
    """The views of one part, out of what has been read by now."""
    if set(source.templates) & shared.arrivals.failed.keys():
        return
    whole = not set(source.templates) & shared.arrivals.broken
    cursor = shared.window.cursor(fingerprint(shared, source), shared.arrivals.newest) if whole else None
    if not source.readable:  # the events of this time count as seen: once it is read again, it is read from the start
        cursor = shared.window.cursor("", None)
    if source.kind == "training":
        for chains in shared.spool.chains_of(source.templates[0]) if source.readable else [[]]:
            yield _training_view(shared, ctx, source, _named_only(shared, chains), cursor)
        return
    for chains in shared.spool.claims_of(source.templates) if source.readable else [[]]:
        yield _award_view(shared, ctx, source, _named_only(shared, chains), cursor, whole=whole)


def _named_only(shared: Shared, chains: Sequence[Chain]) -> Sequence[Chain]:
    """The chains of the credentials that the run is about, and all others of their users."""
    badges = set(shared.window.badges)
    if not badges:
        return chains
    users = {chain.user for chain in chains if chain.user and badges & chain.ids}
    return [chain for chain in chains if chain.user in users or badges & chain.ids]


def _training_view(
    shared: Shared, ctx: RunContext, source: Source, chains: Sequence[Chain], cursor: Cursor | None
) -> TrainingView:
    account, template = shared.common.account, source.templates[0]
    if shared.window.badges:
        chains = [chain for chain in chains if set(shared.window.badges) & chain.ids]
    return TrainingView(
        shared.common,
        source.part,
        template,
        chains,
        ctx.applied_to([training.holding(account, template, chain.user, chain.root) for chain in chains]),
        shared.spool.trainings(chains),
        shared.institute,
        source.reason,
        "external training" in shared.blind,
        shared.spool.bearers(source.part, chains),
        cursor=cursor,
    )


def _award_view(
    shared: Shared, ctx: RunContext, source: Source, chains: Sequence[Chain], cursor: Cursor | None, *, whole: bool
) -> AwardView:
    certification, users = shared.certifications.get(source.code, ""), _users(chains)
    reason = source.reason
    if reason is None and shared.codes_read and not certification:
        # It may come to be, or to be the only one, or be in a row that could not be read: the part is read anew then.
        doubt = "ambiguous" if source.code in shared.twins else "unknown"
        unread = doubt == "unknown" and "certification" in shared.blind
        reason, cursor = "connectctl:incomplete" if unread else f"connectctl:certification_{doubt}", None
    return AwardView(
        shared.common,
        source.part,
        source.code,
        certification,
        chains,
        ctx.applied_to([awarding.holding(shared.common.account, source.code, user) for user in users]),
        {user: shared.spool.awards(user, certification) for user in users},
        shared.spec.title,
        whole,
        reason,
        "award" in shared.blind,
        shared.spool.bearers(source.part, chains),
        cursor=cursor,
    )


def _users(chains: Sequence[Chain]) -> list[str]:
    return sorted({chain.user for chain in chains if chain.user})


def _markers(shared: Shared, ctx: RunContext) -> Iterator[MarkerView]:
    """What could not be read, then the events that were seen, then that everything was read."""
    problems = tuple(shared.problems)
    if problems:
        yield MarkerView(problems=problems)
    if shared.unread or problems or not shared.window.keeps:
        return
    if shared.arrivals.fed:
        read_before = ctx.cursor(EVENTS, EVENTS)
        newest = shared.arrivals.newest.isoformat() if shared.arrivals.newest else read_before or ctx.now.isoformat()
        cursor = Cursor(EVENTS, newest)  # in the provider's own time
        for events in shared.spool.events((shared.arrivals.newest or ctx.now) - OVERLAP):
            yield MarkerView(cursor, tuple(OpenItem(event, {}) for event in events))
    if shared.window.whole:
        yield MarkerView(Cursor(WALK, ctx.now.isoformat()))
