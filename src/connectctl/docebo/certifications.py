"""Certifications and their awards (docebo.md 7): listed, read, and written as external certifications (GN-31)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.docebo.client import Docebo, OnBad, Source
from connectctl.docebo.enrollments import OnSeen, chunks
from connectctl.docebo.parse import accepted, created, ident, kind, moment, number, text
from connectctl.errors import DataError, NotFound

if TYPE_CHECKING:
    from connectctl.http.session import Params

_ISSUED = ("issued_at", "issued_on")
_EXPIRES = ("expiring_at", "expires_at", "expiration_date")
_LINKS = ("external_url", "external_link")


@dataclass(frozen=True, slots=True)
class Certification:
    """A certification that users can be awarded."""

    id: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Award:
    """One award of a certification to one user, who may have had several. `expires_at` None: always valid.

    `origin_type` and `origin_id` say what it was awarded for; `source`, `link` and `external_id` stand only in
    external certifications. `changed_at` is in the platform's own time.
    """

    id: str
    certification_id: str
    code: str
    user_id: str
    issued_at: datetime | None
    expires_at: datetime | None
    origin_type: str = ""
    origin_id: str = ""
    source: str = ""
    link: str = ""
    external_id: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AwardRequest:
    """All that goes into an award of ours. `expires_at` None: always valid."""

    certification_id: str
    user_id: str
    issued_at: datetime
    expires_at: datetime | None
    source: str
    link: str
    external_id: str


def walk(docebo: Docebo, *, on_bad: OnBad | None = None) -> Iterator[Certification]:
    """All certifications, each once. Raises BadAnswer for a list that cannot be known to be one."""
    seen: set[str] = set()
    source = Source("certifications", _certification, {}, ("certifications",), strict=True)
    for one in docebo.walk(source, on_bad=on_bad):
        if one.id not in seen:
            seen.add(one.id)
            yield one


def awards(
    docebo: Docebo,
    certification_ids: Sequence[str],
    *,
    users: Sequence[str] = (),
    updated_from: datetime | None = None,
    on_bad: OnBad | None = None,
    on_seen: OnSeen | None = None,
) -> Iterator[Award]:
    """The awards of the certifications, or those changed since, of all users or of those named; each once.

    Docebo's filters are asked for and then done again here. A row that does not show when it changed is never left out
    for its age. An empty result means that there is none: a missing list, a web page or an answer of another shape
    raises NotFound or BadAnswer. A row that cannot be read goes to `on_bad`; whoever decides a revocation by what is
    absent here (GN-34) must not do so when it was called. `on_seen` gets the moment at which each row last changed.
    """
    wanted, people = list(dict.fromkeys(certification_ids)), list(dict.fromkeys(users))
    certifications, persons = frozenset(wanted), frozenset(people)

    def read(row: Mapping[str, Any]) -> Award | None:
        one = _award(docebo, row)
        if on_seen and one.changed_at:
            on_seen(one.changed_at)
        if one.certification_id not in certifications or (persons and one.user_id not in persons):
            return None
        old = updated_from is not None and one.changed_at is not None and one.changed_at < updated_from
        return None if old else one

    assumed: Params = {"updated_from": docebo.stamp(updated_from)} if updated_from else {}
    seen: set[str] = set()
    for ids in chunks(wanted):
        for some in chunks(people) or [[]]:
            params: Params = {"certification_id[]": ids, "user_id[]": some}
            source = Source("certification_awards", read, params, ("awards",), assumed=assumed, strict=True)
            for one in docebo.walk(source, on_bad=on_bad):
                if one.id not in seen:
                    seen.add(one.id)
                    yield one


def give(docebo: Docebo, request: AwardRequest) -> str:
    """Awards a certification and returns the award's id.

    Not to be repeated without a look: raises RemoteUnsure when the answer is lost or names no id.
    """
    place = docebo.place("POST", "certification_awards")
    return created(docebo.http.post(place.path, _body(docebo, request)), place, "id", "award_id", inner=("award",))


def update(docebo: Docebo, award_id: str, request: AwardRequest) -> None:
    """Writes everything of an award anew; safe to repeat. Raises NotFound when there is no such award."""
    place = docebo.place("PUT", "certification_award", award_id)
    accepted(docebo.http.put(place.path, _body(docebo, request)), place)


def revoke(docebo: Docebo, award_id: str) -> bool:
    """Takes an award away; False when it was gone already. Safe to repeat."""
    place = docebo.place("DELETE", "certification_award", award_id)
    try:
        accepted(docebo.http.delete(place.path), place)
    except NotFound:
        return False
    return True


def _certification(row: Mapping[str, Any]) -> Certification:
    return Certification(
        ident(row, "id_cert", "certification_id", "id"), text(row, "code") or "", text(row, "title", "name") or ""
    )


def _award(docebo: Docebo, row: Mapping[str, Any]) -> Award:
    """An award from a row with flat or nested keys (docebo.md 7.3). Raises DataError.

    The dates have to be there, be it as null: one of another name would read as "always valid".
    """
    form = docebo.award_form
    about, origin = _part(row, "certification"), _part(row, "awarded_from")
    if not row.get("awarded_from"):
        origin = {**row, **origin, "type": origin.get("type"), "id": origin.get("id")}
    return Award(
        id=ident(row, "id", "award_id"),
        certification_id=_id(row, "certification", "id_cert"),
        code=text(about, "code") or "",
        user_id=_id(row, "user", "id_user"),
        issued_at=_moment(docebo, row, _ISSUED),
        expires_at=_moment(docebo, row, _EXPIRES),
        origin_type=text(origin, "type") or "",
        origin_id=text(origin, "id") or "",
        source=text(origin, form.source_key, "source") or "",
        link=text(origin, form.link_key, *_LINKS) or "",
        external_id=text(origin, form.external_id_key, "external_id") or "",
        changed_at=moment(row.get("updated_at"), docebo.zone),
    )


def _part(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a row says of one thing, `{"user": {"id": 7}}` or `{"user_id": 7}`."""
    start = f"{name}_"
    flat = {key.removeprefix(start): value for key, value in row.items() if key.startswith(start)}
    nested = row.get(name) or {}  # PHP shows an empty object as an empty list
    if not isinstance(nested, Mapping):
        raise DataError(f"{name} is {kind(nested)}, not an object")
    return flat | dict(nested)


def _id(row: Mapping[str, Any], name: str, older: str) -> str:
    """The id of one thing, under its older name as well."""
    said, full = _part(row, name), f"{name}_id"
    return ident({full: said.get("id", said.get(full)), older: said.get(older, row.get(older))}, full, older)


def _moment(docebo: Docebo, row: Mapping[str, Any], names: Sequence[str]) -> datetime | None:
    for name in names:
        if name in row:
            return moment(row[name], docebo.zone)
    raise DataError(f"{names[0]} is missing")


def _body(docebo: Docebo, request: AwardRequest) -> dict[str, Any]:
    form = docebo.award_form
    return {
        "certification_id": number(request.certification_id),
        "user_id": number(request.user_id),
        "issued_at": docebo.stamp(request.issued_at),
        "expiring_at": docebo.stamp(request.expires_at) if request.expires_at else None,
        "awarded_from": {
            "type": form.type,
            form.source_key: request.source,
            form.external_id_key: request.external_id,
            form.link_key: request.link,
        },
    }
