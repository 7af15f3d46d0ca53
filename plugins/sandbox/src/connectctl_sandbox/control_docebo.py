"""What an administrator does in the simulated Docebo's pages, by name, for another process."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import docebo_body as body
from .docebo_records import DURATION_UNITS, TRAINING_STATUSES
from .web import Call, Refused, Response

if TYPE_CHECKING:
    from .sandbox import Sandbox

OPERATIONS: dict[str, tuple[dict[str, body.Check], set[str]]] = {
    "add_certification": (
        {
            "code": body.filled,
            "title": body.filled,
            "duration": body.whole,
            "duration_unit": body.one_of(*DURATION_UNITS),
        },
        {"code", "title"},
    ),
    "award": (
        {
            "user_id": body.whole,
            "code": body.filled,
            "issued_at": body.moment,
            "expires_at": body.moment,
            "always_valid": body.yes_or_no,
        },
        {"user_id", "code"},
    ),
    "renew_award": ({"award_id": body.whole, "issued_at": body.moment, "expires_at": body.moment}, {"award_id"}),
    "revoke_award": ({"award_id": body.whole}, {"award_id"}),
    "add_training": (
        {
            "user_id": body.whole,
            "course_name": body.filled,
            "course_code": body.words,
            "institute": body.words,
            "from_date": body.day,
            "to_date": body.day,
            "status": body.one_of(*TRAINING_STATUSES),
        },
        {"user_id", "course_name"},
    ),
    "delete_training": ({"training_id": body.whole}, {"training_id"}),
    "change_email": ({"user_id": body.whole, "email": body.words}, {"user_id", "email"}),
    "reset_completion": ({"user_id": body.whole, "course_id": body.whole}, {"user_id", "course_id"}),
}
"""Operations of `Docebo` by name: what each may be told, and what of it it needs."""


def administer(box: Sandbox, call: Call) -> Response:
    """`POST /docebo` with `{"do": operation, name: value …}`: the record that it made, changed or took away."""
    given = dict(call.body)
    operation = given.pop("do", None)
    if operation not in OPERATIONS:
        raise Refused(400, f"do is one of {', '.join(OPERATIONS)}")
    values = body.read_body(given, *OPERATIONS[operation])
    try:
        record: Any = getattr(box.docebo, operation)(**values)
    except LookupError as error:
        raise Refused(409, str(error.args[0])) from error
    return Response(200, {"done": operation, "record": asdict(record)})


def listed(box: Sandbox, call: Call) -> Response:
    """`GET /docebo`: certifications, awards, external trainings and events, as they are now."""
    docebo = box.docebo
    with docebo.lock:
        rows: dict[str, list[Any]] = {
            "certifications": list(docebo.certifications.values()),
            "awards": list(docebo.awards.values()),
            "trainings": list(docebo.trainings.values()),
            "events": list(docebo.events),
        }
    return Response(200, {name: [asdict(one) for one in records] for name, records in rows.items()})


def parsed(operation: str, words: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` words as the body for `administer`; numbers, true and false are read where they are expected."""
    checks, _ = OPERATIONS[operation]
    given: dict[str, Any] = {"do": operation}
    for word in words:
        name, _, value = word.partition("=")
        check = checks.get(name)
        if check is body.whole and value.isascii() and value.isdigit():
            given[name] = int(value)
        elif check is body.yes_or_no and value in ("true", "false"):
            given[name] = value == "true"
        else:
            given[name] = value
    return given
