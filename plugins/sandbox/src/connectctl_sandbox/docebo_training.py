"""External training and its additional fields (docebo.md 8); but for the list's path all is the sheet's assumption."""

from __future__ import annotations

from typing import Any

from . import docebo_body as body
from .docebo import Docebo
from .docebo_lists import PAGING, listing, single
from .docebo_records import TRAINING_STATUSES, Training, TrainingField
from .web import Call, Refused, Response, Route, number

REQUIRED = {"user_id", "course_name", "from_date", "to_date"}
RENAMED = {"training_institute": "institute", "ceus": "credits", "additional_fields": "values"}
"""Attributes whose record has another name."""
ALIASES = {
    "training_id": "external_training_id",
    "user_id": "id_user",
    "course_name": "title",
    "course_type": "training_type",
    "training_institute": "provider",
    "from_date": "date_from",
    "to_date": "date_to",
    "ceus": "credits",
    "certificate": "certificate_file",
}


def list_trainings(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/external_training`."""
    users = () if docebo.flags.ignore_user_filter else call.params.get("user_id[]", ())
    return listing(
        docebo,
        call,
        lambda: list(docebo.trainings_of(users) if users else docebo.trainings.values()),
        lambda training: _item(docebo, training),
        always_total=False,
    )


def one(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/external_training/{id}`."""
    return single(_item(docebo, _found(docebo, call.ids[0])))


def _item(docebo: Docebo, training: Training) -> dict[str, Any]:
    alias = docebo.flags.training_keys == "alias"
    item: dict[str, Any] = {
        "training_id": training.training_id,
        "uuid": training.uuid,
        "user_id": training.user_id,
        "course_name": training.course_name,
        "course_code": training.course_code,
        "course_type": "elearning",
        "training_institute": training.institute,
        "training_institute_code": "",
        "from_date": training.from_date,
        "to_date": training.to_date,
        "score": training.score,
        "ceus": training.credits,
        "status": training.status,
        "certificate": None,
    }
    if alias:
        item = {ALIASES.get(name, name): value for name, value in item.items()}
        return item | {"additional_fields": {str(key): value for key, value in training.values.items()}}
    fields = [
        _field(field) | {"value": training.values.get(field.field_id, "")} for field in docebo.training_fields.values()
    ]
    return item | {"additional_fields": fields}


def list_fields(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/external_training/fields`."""
    return listing(docebo, call, lambda: list(docebo.training_fields.values()), _field, always_total=False)


def _field(field: TrainingField) -> dict[str, Any]:
    return {"id": field.field_id, "title": field.title, "type": field.type}


@body.refusable
def create(docebo: Docebo, call: Call) -> Response:
    """`POST /learn/v1/external_training`: answers the new training's id. The same once more is no mistake."""
    given = _read(docebo, call.body, REQUIRED)
    training = docebo.add_training(given.pop("user_id"), given.pop("course_name"), **given)
    return single({"training_id": training.training_id})


@body.refusable
def change(docebo: Docebo, call: Call) -> Response:
    """`PUT /learn/v1/external_training/{id}` with the same attributes; what is optional and left out stays."""
    training = _found(docebo, call.ids[0])
    given = _read(docebo, call.body, REQUIRED - {"user_id"})
    if given.pop("user_id", training.user_id) != training.user_id:
        raise body.refusal("user_id", "user_id of an external training cannot be changed")
    if "values" in given:
        given["values"] = training.values | given["values"]
    docebo.update_training(training.training_id, **given)
    return single({"training_id": training.training_id})


def delete(docebo: Docebo, call: Call) -> Response:
    """`DELETE /learn/v1/external_training/{id}`."""
    docebo.delete_training(_found(docebo, call.ids[0]).training_id)
    return single({"success": True})


def _found(docebo: Docebo, training_id: str) -> Training:
    training = docebo.trainings.get(int(training_id))
    if training is None:
        raise Refused(404, "External training not found")
    return training


def _read(docebo: Docebo, given: dict[str, Any], required: set[str]) -> dict[str, Any]:
    def additional(value: Any) -> dict[int, str]:
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise ValueError("must be an object of texts by field id")
        for name in value:
            if not name.isdigit() or int(name) not in docebo.training_fields:
                raise ValueError(f"has no field {name}")
        return {int(name): one for name, one in value.items()}

    checks: dict[str, body.Check] = {
        "user_id": body.whole,
        "course_name": body.filled,
        "course_code": body.words,
        "training_institute": body.words,
        "from_date": body.day,
        "to_date": body.day,
        "score": body.amount,
        "ceus": body.amount,
        "status": body.one_of(*TRAINING_STATUSES),
        "additional_fields": additional,
    }
    found: dict[str, Any] = body.read_body(given, checks, required)
    if "user_id" in found and found["user_id"] not in docebo.users:
        raise body.refusal("user_id", f"User {found['user_id']} does not exist")
    if found["to_date"] < found["from_date"]:
        raise body.refusal("to_date", "to_date must not be before from_date")
    return {RENAMED.get(name, name): value for name, value in found.items()}


ROUTES: tuple[Route[Docebo], ...] = (
    Route("GET", r"/learn/v1/external_training", list_trainings, query=PAGING | {"user_id[]": number}),
    Route("POST", r"/learn/v1/external_training", create, body="json"),
    Route("GET", r"/learn/v1/external_training/fields", list_fields, query=PAGING),
    Route("GET", r"/learn/v1/external_training/(\d+)", one),
    Route("PUT", r"/learn/v1/external_training/(\d+)", change, body="json"),
    Route("DELETE", r"/learn/v1/external_training/(\d+)", delete),
)
