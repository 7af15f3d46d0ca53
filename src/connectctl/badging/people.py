"""The learners a run needs, with the fewest calls: pages of the users list, or one look-up each (GN-16, GN-36)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from connectctl.badging.spool import Spool
from connectctl.badging.window import FILTERS, LATE
from connectctl.docebo import users
from connectctl.docebo.client import FilterIgnored
from connectctl.docebo.users import Person
from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound, Rejected, UsageError
from connectctl.model import Problem, RunContext

if TYPE_CHECKING:
    from connectctl.badging.badge_spool import BadgeSpool

FEW = 2  # pages of users that cost no more than asking who changed
_PAGES = "user-pages"  # cache: how many pages of users there are, by platform


def read_people(
    ctx: RunContext,
    spool: Spool,
    needed: set[str],
    problems: list[Problem],
    remembered: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Puts the needed users into the spool, and everybody who shares an address with one of them.

    Of those whom an earlier run left open only who changed since is read again. For the others the whole list costs a
    call per 200 users and shows shared addresses by itself; a look-up per learner costs two calls (the user, and who
    else has the address). The first page tells which is cheaper.
    """
    docebo = ctx.client("docebo")
    pages_before = ctx.cached(_PAGES)
    open_before = needed & remembered.keys() if pages_before.get(docebo.account, FEW) > FEW else set[str]()
    changed = _changed(ctx, docebo, [remembered[user]["at"] for user in open_before])
    if changed is not None:
        known = {user: remembered[user]["person"] for user in open_before - changed}
        needed = needed - known.keys() | _recall(docebo, spool, known)
    if not needed:
        return
    bad: list[str] = []
    pages = users.pages(docebo, on_bad=bad.append)
    first = next(pages, None)
    if first is not None and pages_before.get(docebo.account) != first.pages:
        pages_before[docebo.account] = first.pages
    if first is not None and first.pages - 1 > 2 * len(needed):
        _look_up(docebo, spool, needed, problems)
    elif first is not None:
        _keep(spool, first.people)
        for page in pages:
            _keep(spool, page.people)
    # A row that cannot be read matters when it may be one of those needed; the others are nobody's trouble today.
    missing = any(spool.person(user) is None for user in needed)
    for description in bad:
        if missing:
            problems.append(Problem("user", description))
        else:
            ctx.log.warning("%s", description)


def _changed(ctx: RunContext, docebo: Any, times: Sequence[str]) -> set[str] | None:
    """The users that changed since the earliest of these times; None where the list cannot tell."""
    if not times:
        return None
    since = min(map(datetime.fromisoformat, times)) - LATE
    found: set[str] = set()
    told = _walk_changed(ctx, docebo, since, lambda people: found.update(person.id for person in people))
    return found if told else None


def _walk_changed(ctx: RunContext, docebo: Any, since: datetime, keep: Callable[[Iterable[Person]], None]) -> bool:
    """Hands over the users that changed since; False where the list cannot tell, or not of everybody."""
    learnt = ctx.cached(FILTERS)
    if learnt.get(f"{docebo.account}|users") == "no":
        return False
    bad: list[str] = []
    try:
        keep(users.changed(docebo, since, on_bad=bad.append))
    except (FilterIgnored, Rejected):
        learnt[f"{docebo.account}|users"] = "no"
        return False
    return not bad


def _recall(docebo: Any, spool: Spool, known: Mapping[str, Sequence[Any] | None]) -> set[str]:
    """Puts users that did not change into the spool as they were; returns those that have to be read again.

    Whether an address is still shared is not theirs to say: one search per address tells.
    """
    again: set[str] = set()
    searched: dict[str, set[str]] = {}
    for user, person in sorted(known.items()):
        if person is None:
            continue
        email, first, last, shared = person
        if not shared:
            spool.add_people([(user, email, first, last)])
            continue
        if email not in searched:
            sharing = users.search(docebo, email)
            _keep(spool, sharing)
            searched[email] = {other.id for other in sharing}
        if user not in searched[email]:
            again.add(user)
    return again


def _look_up(docebo: Any, spool: Spool, needed: Iterable[str], problems: list[Problem]) -> None:
    for user in sorted(needed):
        try:
            person = users.get(docebo, user)
            sharing = users.search(docebo, person.email) if person is not None and person.email else []
        except (BadAnswer, DataError, NotAllowed, NotFound) as error:
            problems.append(Problem(f"user:{user}", error.message))  # known by halves is not known: others go on
            continue
        if person is not None:
            _keep(spool, [person, *sharing])


def _keep(spool: Spool, people: Iterable[Person]) -> None:
    spool.add_people((p.id, normal_email(p.email), p.first_name.strip(), p.last_name.strip()) for p in people)


def normal_email(text: str | None) -> str:
    """An address as it is compared: trimmed, lower case; '' for none (GN-16)."""
    return (text or "").strip().lower()


def find_people(ctx: RunContext, spool: BadgeSpool, problems: list[Problem]) -> int:
    """Puts the users with the addresses in question into the spool; returns how many addresses were looked for.

    One search per address, or the whole list where that is fewer calls (GN-16).
    """
    count = spool.count_addresses()
    if not count or spool.everybody:
        return count
    docebo, known = ctx.client("docebo"), ctx.cached(_PAGES)
    pages_before = known.get(docebo.account)
    bad: list[str] = []
    if count == 1 or (pages_before is not None and count <= pages_before):
        _search(docebo, spool, spool.addresses(), bad)
    else:
        pages = users.pages(docebo, on_bad=bad.append)
        first = next(pages, None)
        if first is not None and pages_before != first.pages:
            known[docebo.account] = first.pages
        if first is not None and first.pages - 1 > count:
            _search(docebo, spool, spool.addresses(), bad)
        else:
            _keep(spool, first.people if first is not None else ())
            for page in pages:
                _keep(spool, page.people)
            spool.everybody = True
    missing = bool(bad) and spool.unknown() > 0
    for description in bad:
        if missing:
            problems.append(Problem("user", description))
        else:
            ctx.log.warning("%s", description)
    return count


def changed_addresses(ctx: RunContext, since: datetime) -> set[str] | None:
    """The addresses of the users that changed since; None where the list cannot tell."""
    found: set[str] = set()

    def keep(people: Iterable[Person]) -> None:
        found.update(normal_email(person.email) for person in people)

    return found - {""} if _walk_changed(ctx, ctx.client("docebo"), since, keep) else None


def _search(docebo: Any, spool: BadgeSpool, emails: Iterable[str], bad: list[str]) -> None:
    for email in emails:
        _keep(spool, users.search(docebo, email, on_bad=bad.append))
        spool.add_looked([email])


def check_people(ctx: RunContext, named: Iterable[str]) -> None:
    """Raises UsageError for an id that Docebo has no user for; one look-up each."""
    for user in sorted(named):
        if users.get(ctx.client("docebo"), user) is None:
            raise UsageError(f"{user} is no user of Docebo", hint=f"connectctl flow show {ctx.flow}")


def keep_person(spool: Spool, person: Person) -> None:
    """Puts one user into the spool."""
    _keep(spool, [person])


def name_people(ctx: RunContext, spool: BadgeSpool, names: Iterable[str]) -> list[str]:
    """The addresses of users named by id or by address; one search each tells who has it.

    Raises UsageError for an id that Docebo does not know, or of somebody without an address.
    """
    docebo, found = ctx.client("docebo"), list[str]()
    for name in names:
        person = None if "@" in name else users.get(docebo, name)
        email = normal_email(name if "@" in name else person.email if person else "")
        if not email:
            known = "has no e-mail address in Docebo" if person else "is no user of Docebo"
            raise UsageError(f"{name} {known}", hint=f"connectctl flow show {ctx.flow}")
        found.append(email)
    return found
