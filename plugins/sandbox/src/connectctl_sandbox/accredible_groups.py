"""Groups, and what else belongs to the account: issuer, departments, attribute keys (accredible.md 2, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import accredible_body as body
from . import accredible_render as render
from .accredible import Accredible
from .accredible_body import BLANK, Invalid
from .accredible_lists import between, day_of, group_of, groups_of, includes, listing
from .accredible_records import Group, Key
from .web import Call, Refused, Response, Route

DESIGNS = ("certificate_design_id", "badge_design_id", "primary_design_id")
NULLABLE = (
    *DESIGNS,
    "course_link",
    "meta_data",
    "learning_outcomes",
    "generate_private_credential",
    "auto_expiry",
    "skill_category_id",
    "signup_url",
    "achievement_type",
)
SEARCH = (
    body.PAGING
    | body.UPDATED
    | {"ids": body.wholes, "name": body.text, "course_name": body.text, "meta_data": body.strings}
)


def _found(accredible: Accredible, call: Call, known: Mapping[str, body.Reader]) -> Response:
    params = body.parameters(call.body, known)

    def fits(one: Group) -> bool:
        return (
            one.id in params.get("ids", (one.id,))
            and all(
                params.get(name, "").lower() in (getattr(one, name) or "").lower() for name in ("name", "course_name")
            )
            and includes(one.meta_data, params.get("meta_data", {}))
            and between(day_of(one.updated_at), params, "start_updated_date", "end_updated_date")
        )

    rows = [one for one in groups_of(accredible, call.caller) if fits(one)]
    return listing(accredible, "groups", rows, params, lambda one: render.group(accredible, one))


def search_groups(accredible: Accredible, call: Call) -> Response:
    """The groups that pass all that is given; names by a part of them (2.2)."""
    return _found(accredible, call, SEARCH)


def all_groups(accredible: Accredible, call: Call) -> Response:
    """The deprecated list, by name at most (2.1)."""
    return _found(accredible, call, body.PAGING | {"name": body.text})


def one_group(accredible: Accredible, call: Call) -> Response:
    """One group (2.3)."""
    return _answer(accredible, group_of(accredible, call.caller, call.ids[0]))


def create_group(accredible: Accredible, call: Call) -> Response:
    """200 with the new group; 422 for blank required fields or a name that is taken (2.4)."""
    values = _read(accredible, call, body.GROUP_REQUIRED)
    department = _department(accredible, call.caller, values.pop("department_id", None))
    _check(accredible, values, None)
    given = {"certificate_design_id": None} | {name: value for name, value in values.items() if value is not None}
    return _answer(accredible, accredible.add_group(department_id=department, **given))


def update_group(accredible: Accredible, call: Call) -> Response:
    """200 with the changed group; only what is sent changes (2.5)."""
    old = group_of(accredible, call.caller, call.ids[0])
    values = _read(accredible, call, ())
    for name in body.GROUP_REQUIRED:
        if name in values and values[name] is None:
            raise Invalid({name: [BLANK]})
    if values.get("department_id") is not None:
        values["department_id"] = _department(accredible, call.caller, values["department_id"])
    _check(accredible, values, old)
    changes = {name: value for name, value in values.items() if value is not None or name in NULLABLE}
    return _answer(accredible, accredible.update_group(old.id, **changes))


def delete_group(accredible: Accredible, call: Call) -> Response:
    """200 with what was deleted; 422 while it holds credentials (2.6)."""
    group = group_of(accredible, call.caller, call.ids[0])
    try:
        return _answer(accredible, accredible.delete_group(group.id))
    except ValueError as error:
        raise Refused(422, str(error)) from error


def _read(accredible: Accredible, call: Call, required: tuple[str, ...]) -> dict[str, Any]:
    strict = accredible.flags.unknown_attribute == "refuse"
    values: dict[str, Any] = body.read(body.wrapped(call.body, "group"), body.GROUP, required, strict=strict)
    if "design_id" in values:  # the deprecated name
        values.setdefault("primary_design_id", values.pop("design_id"))
    return values


def _department(accredible: Accredible, key: Key, wanted: int | None) -> int:
    """The department a group goes to; Refused 404 for one that the key does not see."""
    own = key.department_id
    department_id = wanted or own or accredible.department_id
    if department_id not in accredible.departments or own not in (None, department_id):
        raise Refused(404, "Department not found")
    return department_id


def _check(accredible: Accredible, values: Mapping[str, Any], old: Group | None) -> None:
    others = [one.name for one in accredible.groups.values() if old is None or one.id != old.id]
    if accredible.flags.unique_group_names and values.get("name") in others:
        raise Invalid({"name": ["has already been taken"]})
    for name in DESIGNS:
        if values.get(name) is not None and values[name] not in accredible.designs:
            raise Invalid({name: ["is invalid"]})
    if old is not None and values.get("allow_duplicate_credentials") is False:
        emails = [one.recipient_email for one in accredible.in_group(old.id)]
        if len(emails) != len(set(emails)):
            raise Invalid({"allow_duplicate_credentials": ["can't be switched off: the group holds duplicates"]})


def _answer(accredible: Accredible, group: Group) -> Response:
    return Response(200, {"group": render.group(accredible, group)})


def details(accredible: Accredible, call: Call) -> Response:
    """The account with its credits (5.1)."""
    return Response(200, {"issuer": render.issuer(accredible)})


def search_departments(accredible: Accredible, call: Call) -> Response:
    """The departments; none for the key of a department (5.3)."""
    params = body.parameters(call.body, body.PAGING | {"meta_data": body.strings})
    rows = [
        one
        for one in accredible.departments.values()
        if call.caller.department_id is None and includes(one.meta_data, params.get("meta_data", {}))
    ]
    answer = listing(accredible, "departments", rows, params, render.department)
    if accredible.flags.single_department and rows:
        answer.data["departments"] = answer.data["departments"][0]
    return answer


KINDS = body.choice("text", "date", "email", "image")


def search_attribute_keys(accredible: Accredible, call: Call) -> Response:
    """The names of custom attributes (5.2)."""
    known = {"name": body.text, "kind": KINDS, "department_id": body.whole}
    params = body.parameters(call.body, body.PAGING | known)
    rows = [
        one
        for one in accredible.attribute_keys.values()
        if call.caller.department_id in (None, one.department_id)
        and all(params.get(name, getattr(one, name)) == getattr(one, name) for name in known)
    ]
    return listing(accredible, "attribute_keys", rows, params, render.attribute_key)


def create_attribute_key(accredible: Accredible, call: Call) -> Response:
    """200 with the new name (5.2)."""
    known = {"name": body.text, "kind": KINDS, "department_id": body.whole}
    values = body.read(body.wrapped(call.body, "attribute_key"), known, tuple(known))
    department = _department(accredible, call.caller, values["department_id"])
    one = accredible.add_attribute_key(values["name"], values["kind"], department)
    return Response(200, {"attribute_key": render.attribute_key(one)})


ROUTES: tuple[Route[Accredible], ...] = (
    Route("GET", r"/v1/issuer/details", details),
    Route("GET", r"/v1/issuer/all_groups", all_groups, body="params"),
    Route("POST", r"/v1/issuer/groups/search", search_groups, body="params"),
    Route("POST", r"/v1/issuer/groups", create_group, body="json"),
    Route("GET", r"/v1/issuer/groups/([^/]+)", one_group),
    Route("PUT", r"/v1/issuer/groups/([^/]+)", update_group, body="json"),
    Route("DELETE", r"/v1/issuer/groups/([^/]+)", delete_group),
    Route("POST", r"/v1/departments/search", search_departments, body="params"),
    Route("POST", r"/v1/attribute_keys/search", search_attribute_keys, body="params"),
    Route("POST", r"/v1/attribute_keys", create_attribute_key, body="json"),
)
