"""What a key may see, and Accredible's numbered pages (accredible.md 1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .accredible import Accredible
from .accredible_records import PAGE, Credential, Group, Key
from .clock import iso_time
from .web import Refused, Response

T = TypeVar("T")


def groups_of(accredible: Accredible, key: Key) -> list[Group]:
    """The groups of the account, or of the key's department."""
    return [one for one in accredible.groups.values() if key.department_id in (None, one.department_id)]


def group_of(accredible: Accredible, key: Key, group_id: str | int) -> Group:
    """One of these groups; Refused 404 for any other, as for one of another department."""
    group = accredible.groups.get(int(group_id)) if str(group_id).isdigit() else None
    if group is None or key.department_id not in (None, group.department_id):
        raise Refused(404, "Group not found")
    return group


def credential_of(accredible: Accredible, key: Key, credential_id: str) -> Credential:
    """A credential by its number or the caller's own id; Refused 404 for any other."""
    one = accredible.find(credential_id)
    if one is None or not visible(accredible, key, one):
        raise Refused(404, "Credential not found")
    return one


def visible(accredible: Accredible, key: Key, one: Credential) -> bool:
    """Whether a key may see a credential."""
    return key.department_id in (None, accredible.every_group[one.group_id].department_id)


def listing(
    accredible: Accredible,
    name: str,
    rows: Sequence[T],
    params: Mapping[str, Any],
    draw: Callable[[T], dict[str, Any]],
) -> Response:
    """One numbered page; asking for more rows than a page can have gives a full page, and `meta` says so."""
    page, size = params.get("page", 1), min(params.get("page_size", PAGE), accredible.flags.max_page)
    pages = max(1, math.ceil(len(rows) / size))
    return Response(
        200,
        {
            name: [draw(row) for row in rows[(page - 1) * size : page * size]],
            "meta": {
                "current_page": page,
                "next_page": page + 1 if page < pages else None,
                "prev_page": page - 1 if page > 1 else None,
                "total_pages": pages,
                "total_count": len(rows),
            },
        },
    )


def includes(values: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Whether every pair that is wanted is there."""
    return all((values or {}).get(name) == value for name, value in wanted.items())


def between(day: str, params: Mapping[str, Any], start: str, end: str) -> bool:
    """Whether a day lies between two parameters, both of them included (accredible.md 3.8)."""
    return bool(params.get(start, day) <= day <= params.get(end, day))


def day_of(seconds: float) -> str:
    """The day of a time, in UTC."""
    return iso_time(seconds)[:10]
