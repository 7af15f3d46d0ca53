"""Whose the credentials are, and what Docebo has of those people, with the fewest calls (CR-45, CR-47, CR-51)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from connectctl.badging import awarding, training
from connectctl.badging.chains import Chain
from connectctl.badging.inward_view import AwardView, TrainingView
from connectctl.badging.people import find_people, keep_person
from connectctl.docebo import certifications, users
from connectctl.docebo import training as trainings
from connectctl.docebo.enrollments import IDS_PER_CALL
from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound
from connectctl.model import Problem, RunContext

if TYPE_CHECKING:
    from connectctl.badging.inward import Shared

ROWS = "import-rows"  # cache: how many rows Docebo's lists of trainings and awards had, by platform and list
PAGE = 200  # rows of such a list that one call shows


def find_owners(shared: Shared, ctx: RunContext) -> int:
    """Links the chains up and finds their owners; returns how many addresses were looked for."""
    spool = shared.spool
    spool.link_up()
    looked = find_people(ctx, spool, shared.problems)
    spool.assign()
    if shared.arrivals.renew():  # somebody whom an earlier run could not find is there now
        spool.link_up()
        looked += find_people(ctx, spool, shared.problems)
        spool.assign()
    return looked


def read_docebo(shared: Shared, ctx: RunContext, views: Callable[[], Iterator[TrainingView | AwardView]]) -> None:
    """The trainings and awards of those users whom the ledger does not answer for, and the certifications' ids."""
    spool = shared.spool
    earners: set[str] = set()
    written = False  # whether an award is about to be given or updated
    asked: dict[str, str] = {}  # part -> the beginning of its holdings
    for view in views():
        if isinstance(view, TrainingView):
            asking = [chain for chain in view.chains if training.asks(view, chain)]
            spool.add_needy("training", {chain.user for chain in asking if chain.user})
        else:
            claims = [claim for claim in awarding.claims(view) if awarding.asks(view, claim)]
            asking = [chain for claim in claims for chain in claim.chains]
            spool.add_needy("award", {claim.user for claim in claims})
            written = written or any(change.action != "revoke_award" for change in awarding.plan(view).changes)
        earners |= _strangers(asking)
        if asking:
            asked[view.source] = _beginning(shared.common.account, view)
    for source, beginning in asked.items():
        spool.add_bearers(source, _bearers(ctx, beginning))
    if written or spool.needy("award"):
        _read_certifications(shared, ctx)
    if not spool.everybody:
        _read_earners(shared, ctx, earners)
    _read_trainings(shared, ctx, spool.needy("training"))
    _read_awards(shared, ctx, spool.needy("award"))


def _beginning(account: str, view: TrainingView | AwardView) -> str:
    """What the holdings of all users of a part begin with."""
    if isinstance(view, TrainingView):
        return "|".join((account, "training", view.template, ""))
    return awarding.holding(account, view.code, "")


def _bearers(ctx: RunContext, beginning: str) -> Iterator[tuple[str, str]]:
    """(Credential, user) of all that the ledger has standing: another address never makes a second one (GN-36)."""
    for place, version in ctx.standing(beginning):
        user, _, root = place.removeprefix(beginning).partition("|")
        for badge in {version.partition("@")[0], root} - {""}:
            yield badge, user


def _strangers(chains: Sequence[Chain]) -> set[str]:
    """Issuer earner ids that may be those of other Docebo users; theirs are whole numbers (docebo.md 3)."""
    earners = {chain.newest.earner_id or "" for chain in chains if chain.newest.earner_id != chain.user}
    return {earner for earner in earners if earner.isascii() and earner.isdigit()}


def _read_earners(shared: Shared, ctx: RunContext, earners: set[str]) -> None:
    docebo = ctx.client("docebo")
    for earner in sorted(earners):
        if shared.spool.person(earner) is not None:
            continue
        try:
            person = users.get(docebo, earner)
        except (BadAnswer, DataError, NotAllowed, NotFound) as error:
            shared.problems.append(Problem(f"user:{earner}", error.message))
            continue
        if person is not None:
            keep_person(shared.spool, person)


def _read_certifications(shared: Shared, ctx: RunContext) -> None:
    """The certifications by code; which of several with one code is meant nobody can tell, so it is none of them."""
    codes = {source.code for source in shared.sources.values()}
    found: dict[str, set[str]] = {}
    for one in certifications.walk(ctx.client("docebo"), on_bad=_problem(shared, "certification")):
        if (code := one.code.strip()) in codes:
            found.setdefault(code, set()).add(one.id)
    shared.certifications = {code: min(ids) for code, ids in found.items() if len(ids) == 1}
    shared.twins = {code: sorted(ids) for code, ids in found.items() if len(ids) > 1}
    shared.codes_read = True


def _read_trainings(shared: Shared, ctx: RunContext, needy: Sequence[str]) -> None:
    if not needy:
        return
    docebo, on_bad = ctx.client("docebo"), _problem(shared, "external training")
    shared.spool.add_trainings(
        one
        for some in _shares(ctx, "trainings", needy)
        for one in _counted(ctx, "trainings", some, trainings.walk(docebo, users=some, on_bad=on_bad))
    )


def _read_awards(shared: Shared, ctx: RunContext, needy: Sequence[str]) -> None:
    ids = sorted(shared.certifications.values())
    if not needy or not ids:
        return
    docebo, on_bad = ctx.client("docebo"), _problem(shared, "award")
    shared.spool.add_awards(
        one
        for some in _shares(ctx, "awards", needy)
        for one in _counted(ctx, "awards", some, certifications.awards(docebo, ids, users=some, on_bad=on_bad))
    )


def _shares(ctx: RunContext, name: str, needy: Sequence[str]) -> list[Sequence[str]]:
    """The needy users in one share, or nobody named, where the whole list is no more calls."""
    known = ctx.cached(ROWS).get(f"{ctx.client('docebo').account}|{name}")
    by_user = -(-len(needy) // IDS_PER_CALL)
    whole = by_user > 1 and (known is None or -(-known // PAGE) < by_user)
    return [()] if whole else [needy]


def _counted(ctx: RunContext, name: str, some: Sequence[str], rows: Iterator[Any]) -> Iterator[Any]:
    """The rows; how many there are in all is kept for the next run."""
    count = 0
    for row in rows:
        count += 1
        yield row
    known, place = ctx.cached(ROWS), f"{ctx.client('docebo').account}|{name}"
    if not some and known.get(place) != count:
        known[place] = count


def _problem(shared: Shared, what: str) -> Callable[[str], None]:
    """A row of Docebo's that could not be read: whose it is is not known, so nothing is given or taken (GN-34)."""

    def on_bad(description: str) -> None:
        shared.problems.append(Problem(what, description))
        shared.blind.add(what)

    return on_bad
