"""The learners a run needs, with the fewest calls: pages of the users list, or one look-up each (GN-16, GN-36)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectctl.badging.spool import Spool
from connectctl.docebo import users
from connectctl.docebo.users import Person
from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound
from connectctl.model import Problem, RunContext


def read_people(ctx: RunContext, spool: Spool, needed: set[str], problems: list[Problem]) -> None:
    """Puts the needed users into the spool, and everybody who shares an address with one of them.

    The whole list costs a call per 200 users and shows shared addresses by itself; a look-up per learner costs two
    calls (the user, and who else has the address). The first page tells which is cheaper.
    """
    if not needed:
        return
    docebo = ctx.client("docebo")
    bad: list[str] = []
    pages = users.pages(docebo, on_bad=bad.append)
    first = next(pages, None)
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
