"""Docebo's users (docebo.md 3): listed, read, and found by e-mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectctl.docebo.client import ZONE_DOUBT, Docebo, FilterIgnored, OnBad, Source, says_missing
from connectctl.docebo.parse import flag, ident, moment, text
from connectctl.errors import DataError, NotFound, Rejected


@dataclass(frozen=True, slots=True)
class Person:
    """A user. `email` is as written in Docebo, trimmed; `username` is never taken for one (GN-36)."""

    id: str
    email: str | None
    first_name: str
    last_name: str
    username: str
    active: bool
    changed_at: datetime | None = None  # in the platform's own time


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of users, and how many pages there are."""

    people: tuple[Person, ...]
    pages: int


def walk(docebo: Docebo, *, on_bad: OnBad | None = None) -> Iterator[Person]:
    """All users, deactivated ones too; one who turns up on two pages comes once."""
    for page in pages(docebo, on_bad=on_bad):
        yield from page.people


def pages(docebo: Docebo, *, on_bad: OnBad | None = None) -> Iterator[PeoplePage]:
    """All users page by page; the first page tells how many there are."""
    seen: set[str] = set()
    for page in docebo.pages(_source(docebo, {}), on_bad=on_bad):
        people = tuple(person for person in page.rows if person.id not in seen)
        seen.update(person.id for person in people)
        yield PeoplePage(people, page.pages)


def changed(docebo: Docebo, updated_from: datetime, *, on_bad: OnBad | None = None) -> Iterator[Person]:
    """The users that changed since. The effect of `updated_from` is not proven (docebo.md 3.1): FilterIgnored where a
    row is older, or does not say when it changed.
    """
    for one in docebo.walk(_source(docebo, {"updated_from": docebo.stamp(updated_from)}), on_bad=on_bad):
        if one.changed_at is None or one.changed_at < updated_from - ZONE_DOUBT:
            raise FilterIgnored
        yield one


def get(docebo: Docebo, user: str) -> Person | None:
    """One user, None when there is no such user. Raises DataError for a user that cannot be read."""
    try:
        found = docebo.one("user", user, inner=("user_data",))
    except (NotFound, Rejected) as error:
        if says_missing(error):
            return None
        raise
    try:
        one = person(docebo, found)
    except DataError as error:
        raise DataError(f"Docebo user {user}: {error.message}") from None
    if one.id != user:
        raise DataError(f"Docebo answered with user {one.id} instead of {user}")
    return one


def search(docebo: Docebo, email: str, *, on_bad: OnBad | None = None) -> list[Person]:
    """The users with exactly this e-mail after trimming and lower-casing (GN-16); several mean it is ambiguous.

    Docebo's search is one for texts that contain the words, over names and user names as well (docebo.md 3.1).
    """
    wanted = email.strip().lower()
    if not wanted:
        return []
    found: dict[str, Person] = {}
    for one in docebo.walk(_source(docebo, {"search_text": wanted}), on_bad=on_bad):
        if one.email is not None and one.email.lower() == wanted:
            found.setdefault(one.id, one)
    return list(found.values())


def person(docebo: Docebo, row: Mapping[str, Any]) -> Person:
    """A user from a row of the list or from a detail. Raises DataError."""
    email = text(row, "email")
    return Person(
        id=ident(row, "user_id", "id_user", "id", "idst"),
        email=email,
        first_name=text(row, "first_name", "firstname") or "",
        last_name=text(row, "last_name", "lastname") or "",
        username=text(row, "username", "userid") or "",
        active=_active(docebo, row),
        changed_at=moment(row.get("last_update"), docebo.zone),
    )


def _active(docebo: Docebo, row: Mapping[str, Any]) -> bool:
    """False when the platform says so in any way: `status` or `valid` 0, `expired`, an expiry that is over."""
    for name in ("status", "valid"):
        if row.get(name) is not None:
            said = flag(row[name])
            if said is None:
                raise DataError(f"{name} is not 0 or 1")
            if not said:
                return False
    if flag(row.get("expired")):
        return False
    end = moment(row.get("expiration_date", row.get("expiration")), docebo.zone)
    return end is None or end > docebo.http.clock.now()


def _source(docebo: Docebo, params: Mapping[str, str]) -> Source[Person]:
    return Source("users", lambda row: person(docebo, row), dict(params))
