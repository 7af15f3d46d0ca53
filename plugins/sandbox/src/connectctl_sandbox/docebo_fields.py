"""Definitions of additional fields: lists, one with its options, create, change options (docebo.md 4.3, 4.4, 4.7).

Those of learning plans have the shapes of the courses' own, and ids that count anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .docebo import Docebo
from .docebo_lists import PAGING, listing, single, sorted_by, sorting
from .docebo_records import FIELD_TYPES, MAX_OPTIONS, Field, Option
from .web import Call, Refused, Response, Route


def list_old(docebo: Docebo, call: Call) -> Response:
    """`GET /learn/v1/courses/field`: the name is an object with `value` (docebo.md 4.3)."""
    return listing(
        docebo,
        call,
        lambda: list(docebo.fields.values()),
        lambda field: {
            "id": field.field_id,
            "name": {"value": field.name},
            "type": field.type,
            "sequence": field.sequence,
        },
        default_size=200,
        always_total=False,
    )


def list_new(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses/fields`, or of learning plans: definitions without their options."""
    attribute, direction = call.params.get("sort_attr", "sequence"), call.params.get("sort_dir", "asc")
    keys: dict[str, Callable[[Field], Any]] = {
        "id": lambda field: field.field_id,
        "title": lambda field: field.name,
        "sequence": lambda field: field.sequence,
    }
    return listing(
        docebo,
        call,
        lambda: sorted_by(list(_table(docebo, call).values()), keys[attribute], direction),
        _definition,
        default_size=200,
        sort=(attribute, direction),
    )


def _definition(field: Field) -> dict[str, Any]:
    return {
        "id": field.field_id,
        "title": field.name,
        "type": field.type,
        "translations": field.translations,
        "mandatory": field.mandatory,
        "visible_to_user": field.visible_to_user,
        "sequence": field.sequence,
    }


def one(docebo: Docebo, call: Call) -> Response:
    """`GET /course/v1/courses/fields/{id}`: with `dropdown_options`, in order."""
    field = _field(docebo, call)
    data = _definition(field)
    if field.type == "dropdown":
        key = docebo.flags.option_read_key
        data["dropdown_options"] = [
            {
                key: str(option.option_id) if key == "option_id" else option.option_id,
                "translations": option.translations,
                "sequence": option.sequence,
            }
            for option in field.options
        ]
    return single(data)


def create(docebo: Docebo, call: Call) -> Response:
    """`POST /course/v1/courses/fields`: answers the new field's id."""
    body = call.body
    _only(body, "type", "translations", "mandatory", "visible_to_user", "dropdown_options")
    kind = body.get("type")
    if kind not in FIELD_TYPES:
        raise Refused(400, f"type must be one of {', '.join(FIELD_TYPES)}")
    translations = _translations(body.get("translations"))
    for name in ("mandatory", "visible_to_user"):
        if not isinstance(body.get(name, False), bool):
            raise Refused(400, f"{name} must be a boolean")
    new = _items(body, "dropdown_options")
    if new and kind != "dropdown":
        raise Refused(400, "dropdown_options are for dropdowns only")
    labels = []
    for item in new:
        _only(item, "translations")
        labels.append(_translations(item.get("translations")))
    _check_size(len(labels))
    table, option = _table(docebo, call), _counter(call, "option")
    field_id = docebo.new_id(_counter(call, "field"))
    table[field_id] = Field(
        field_id=field_id,
        type=kind,
        translations=translations,
        options=tuple(Option(docebo.new_id(option), label, number) for number, label in enumerate(labels, 1)),
        mandatory=body.get("mandatory", False),
        visible_to_user=body.get("visible_to_user", False),
        sequence=len(table) + 1,
    )
    return single({"id": field_id})


def change(docebo: Docebo, call: Call) -> Response:
    """`PUT /course/v1/courses/fields/{id}` as for user fields (docebo.md 3.7): options `new`, `updated`, `deleted`.

    An option is read under `id` and written under `id_option`. What is malformed, or would hold more than 300
    elements, is refused as a whole; an unknown option is told in `error_messages` while the rest is done (2.6).
    """
    field = _field(docebo, call)
    body = call.body
    _only(body, "translations", "sequence", "dropdown_options")
    translations = _translations(body["translations"]) if "translations" in body else field.translations
    sequence = _sequence(body["sequence"]) if "sequence" in body else field.sequence
    changes = body.get("dropdown_options", {})
    if not isinstance(changes, dict):
        raise Refused(400, "dropdown_options must be an object with new, updated, deleted")
    if "dropdown_options" in body and field.type != "dropdown":
        raise Refused(400, "dropdown_options are for dropdowns only")
    _only(changes, "new", "updated", "deleted")
    new, updated, deleted = (_items(changes, name) for name in ("new", "updated", "deleted"))
    labels = []
    for item in new:
        _only(item, "translations")
        labels.append(_translations(item.get("translations")))
    options = {option.option_id: option for option in field.options}
    errors: list[str] = []
    renamed: dict[int, Option] = {}
    for item in updated:
        _only(item, "id_option", "translations", "sequence")
        option_id = _option_id(item)
        label = _translations(item["translations"]) if "translations" in item else None
        position = _sequence(item["sequence"]) if "sequence" in item else None
        if option_id not in options:
            errors.append(f"Option {option_id} does not exist")
            continue
        before = renamed.get(option_id, options[option_id])
        renamed[option_id] = replace(
            before, translations=label or before.translations, sequence=position or before.sequence
        )
    gone: list[int] = []
    for item in deleted:
        _only(item, "id_option")
        option_id = _option_id(item)
        if option_id in options:
            gone.append(option_id)
        else:
            errors.append(f"Option {option_id} does not exist")
    kept = [renamed.get(option_id, option) for option_id, option in options.items() if option_id not in gone]
    _check_size(len(kept) + len(labels))
    table = _table(docebo, call)
    docebo.remove_options(field.field_id, gone, table)
    last = max((option.sequence for option in kept), default=0)
    added = [
        Option(docebo.new_id(_counter(call, "option")), label, last + number) for number, label in enumerate(labels, 1)
    ]
    ordered = tuple(sorted(kept + added, key=lambda option: option.sequence))
    table[field.field_id] = replace(field, translations=translations, sequence=sequence, options=ordered)
    return single({"field_id": field.field_id, "error_messages": errors})


def _of_plans(call: Call) -> bool:
    return call.request.path.startswith("/learningplan/")


def _table(docebo: Docebo, call: Call) -> dict[int, Field]:
    return docebo.plan_fields if _of_plans(call) else docebo.fields


def _counter(call: Call, name: str) -> str:
    return f"plan_{name}" if _of_plans(call) else name


def _field(docebo: Docebo, call: Call) -> Field:
    field = _table(docebo, call).get(int(call.ids[0]))
    if field is None:
        raise Refused(404, "Additional field not found")
    return field


def _only(body: dict[str, Any], *allowed: str) -> None:
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise Refused(400, f"Unknown attribute: {unknown[0]}")


def _items(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = body.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused(400, f"{name} must be a list of objects")
    return items


def _translations(given: Any) -> dict[str, str]:
    """Text by language name, or under `all`; the default language has to be there (docebo.md 3.7)."""
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, "translations must be an object of texts by language name")
    if not (given.get("english") or given.get("all") or "").strip():
        raise Refused(400, "translations: the default language (english) is mandatory")
    return dict(given)


def _sequence(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise Refused(400, "sequence must be a whole number from 1 on")
    return given


def _option_id(item: dict[str, Any]) -> int:
    given = item.get("id_option")
    if isinstance(given, bool) or not isinstance(given, int | str) or not str(given).isdigit():
        raise Refused(400, "id_option must be the id of an option")
    return int(given)


def _check_size(count: int) -> None:
    if count > MAX_OPTIONS:
        raise Refused(400, f"A dropdown can hold at most {MAX_OPTIONS} elements, this would be {count}")


ROUTES: tuple[Route[Docebo], ...] = (
    Route("GET", r"/learn/v1/courses/field", list_old, query=PAGING),
    Route("GET", r"/course/v1/courses/fields", list_new, query=PAGING | sorting("id", "title", "sequence")),
    Route("POST", r"/course/v1/courses/fields", create, body="json", exclusive=True),
    Route("GET", r"/course/v1/courses/fields/(\d+)", one),
    Route("PUT", r"/course/v1/courses/fields/(\d+)", change, body="json", exclusive=True),
    Route("GET", r"/learningplan/v1/learningplans/fields", list_new, query=PAGING | sorting("id", "title", "sequence")),
    Route("POST", r"/learningplan/v1/learningplans/fields", create, body="json", exclusive=True),
    Route("GET", r"/learningplan/v1/learningplans/fields/(\d+)", one),
    Route("PUT", r"/learningplan/v1/learningplans/fields/(\d+)", change, body="json", exclusive=True),
)
