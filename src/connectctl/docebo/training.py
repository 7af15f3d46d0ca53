"""External training (docebo.md 8): what users learned elsewhere; listed, and written for badges that are imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from connectctl.docebo.client import Docebo, OnBad, Source
from connectctl.docebo.enrollments import chunks
from connectctl.docebo.parse import accepted, created, field_values, ident, moment, number, text
from connectctl.errors import NotFound

if TYPE_CHECKING:
    from connectctl.http.session import Params


@dataclass(frozen=True, slots=True)
class Training:
    """One external training of one user. `code` is the badge's id in those that we wrote; dates are the platform's."""

    id: str
    user_id: str
    name: str
    code: str
    institute: str
    from_date: date | None
    to_date: date | None
    link: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """All that goes into an external training of ours; it never expires (CR-63)."""

    user_id: str
    name: str
    code: str
    institute: str
    from_date: date
    to_date: date
    link: str


def walk(docebo: Docebo, *, users: Sequence[str] = (), on_bad: OnBad | None = None) -> Iterator[Training]:
    """The external trainings of all users or of those named, whatever their status; each once.

    Docebo's filter is asked for and then done again here. A missing list, a web page or an answer of another shape
    raises NotFound or BadAnswer; a row that cannot be read goes to `on_bad`.
    """
    wanted = frozenset(users)

    def read(row: Mapping[str, Any]) -> Training | None:
        one = _training(docebo, row)
        return None if wanted and one.user_id not in wanted else one

    seen: set[str] = set()
    for some in chunks(users) or [[]]:
        assumed: Params = {"user_id[]": some} if some else {}
        source = Source("external_training", read, {}, ("external_training",), assumed=assumed, strict=True)
        for one in docebo.walk(source, on_bad=on_bad):
            if one.id not in seen:
                seen.add(one.id)
                yield one
        if "assumed" in docebo.refused.get("external_training", ()):
            return  # the list was read without the filter, so it was the whole


def create(docebo: Docebo, request: TrainingRequest) -> str:
    """Creates an external training and returns its id.

    Not to be repeated without a look: raises RemoteUnsure when the answer is lost or names no id.
    """
    place = docebo.place("POST", "external_training")
    answer = docebo.http.post(place.path, _body(docebo, request))
    return created(answer, place, "training_id", "external_training_id", "id", inner=("external_training",))


def update(docebo: Docebo, training_id: str, request: TrainingRequest) -> None:
    """Writes everything of an external training anew; safe to repeat. Raises NotFound when there is no such one."""
    place = docebo.place("PUT", "external_training_one", training_id)
    accepted(docebo.http.put(place.path, _body(docebo, request)), place)


def delete(docebo: Docebo, training_id: str) -> bool:
    """Deletes an external training; False when it was gone already. Safe to repeat."""
    place = docebo.place("DELETE", "external_training_one", training_id)
    try:
        accepted(docebo.http.delete(place.path), place)
    except NotFound:
        return False
    return True


def _training(docebo: Docebo, row: Mapping[str, Any]) -> Training:
    """A training from a row under any of the names of docebo.md 8.2. Raises DataError."""
    form = docebo.training_form
    values = field_values(row.get("additional_fields")) if form.id_field or form.link_field else {}
    return Training(
        id=ident(row, "training_id", "external_training_id", "id"),
        user_id=ident(row, "user_id", "id_user"),
        name=text(row, "course_name", "course", "title") or "",
        code=values.get(form.id_field or "") or text(row, "course_code") or "",
        institute=text(row, "training_institute", "institute", "provider") or "",
        from_date=_day(docebo, row, "from_date", "date_from", "start_date"),
        to_date=_day(docebo, row, "to_date", "date_to", "end_date", "date"),
        link=values.get(form.link_field or "") or "",
        status=(text(row, "status") or "").lower(),
    )


def _day(docebo: Docebo, row: Mapping[str, Any], *names: str) -> date | None:
    value = next((row[name] for name in names if row.get(name) is not None), None)
    found = moment(value, docebo.zone)
    return found.astimezone(docebo.zone).date() if found else None


def _body(docebo: Docebo, request: TrainingRequest) -> dict[str, Any]:
    form = docebo.training_form
    fields = {form.link_field: request.link, form.id_field: request.code}
    values = {name: value for name, value in fields.items() if name}
    body: dict[str, Any] = {
        "user_id": number(request.user_id),
        "course_name": request.name,
        "training_institute": request.institute,
        "from_date": request.from_date.isoformat(),
        "to_date": request.to_date.isoformat(),
        "status": form.status,
    }
    if not form.id_field:
        body["course_code"] = request.code
    if form.score is not None:
        body["score"] = form.score
    return {**body, "additional_fields": values} if values else body
