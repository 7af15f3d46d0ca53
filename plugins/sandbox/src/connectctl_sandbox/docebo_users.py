"""Users: the caller, the list with its search, and one user (docebo.md 3)."""

from __future__ import annotations

from typing import Any

from .docebo import Docebo
from .docebo_lists import PAGING, listing, single, sorted_by, sorting
from .docebo_records import NO_DATE, User
from .web import Call, Refused, Response, Route, choice, flag, moment, number, text

SORT_KEYS: dict[str, str | None] = {  # None: the same for everybody here, the order stays
    "username": "username",
    "first_name": "first_name",
    "status": "active",
    "level": "level",
    "email": "email",
    "last_access_date": "updated_at",
    "expiration_date": "expiration_date",
    "language": None,
    "email_validation_status": None,
}


def session(docebo: Docebo, call: Call) -> Response:
    """The caller: the administrator behind the token, whatever the grant (docebo.md 3.5)."""
    user = next(one for one in docebo.users.values() if one.username == docebo.credentials.username)
    return single(
        {
            "id": user.user_id,
            "username": user.username,
            "firstname": user.first_name,
            "lastname": user.last_name,
            "email": user.email,
            "user_level": user.level,
            "timezone": user.timezone,
            "language": "english",
        }
    )


def list_users(docebo: Docebo, call: Call) -> Response:
    """The users that contain `search_text`, or are equal to it with `match_type=full`; deactivated ones too."""
    params = call.params
    for name in params:
        if name.startswith("field_"):
            raise Refused(400, f"Parameter {name}: there is no such user field")
    wanted = params.get("search_text", "").lower()
    exact = params.get("match_type") == "full"
    attribute, direction = params.get("sort_attr"), params.get("sort_dir", "asc")

    def rows() -> list[User]:
        excluded = set(params.get("exclude[]", ()))
        found = [
            user
            for user in docebo.users.values()
            if _hit(user, wanted, exact)
            and user.user_id not in excluded
            and not params.get("pending")  # nobody waits for approval here
            and params.get("branch_id") in (None, user.branch_id)
            and (docebo.flags.ignore_date_filters or user.updated_at >= params.get("updated_from", ""))
            and not (params.get("exclude_power_users_and_super_admins") and user.level != "User")
        ]
        key = SORT_KEYS.get(attribute or "")
        if key is None:
            return found
        return sorted_by(found, lambda user: str(getattr(user, key) or "").lower(), direction)

    return listing(
        docebo,
        call,
        rows,
        lambda user: _item(docebo, user),
        default_size=200,
        always_total=False,
        sort=(attribute or "username", direction),
    )


def _hit(user: User, wanted: str, exact: bool) -> bool:
    if not wanted:
        return True
    values = [value.lower() for value in (user.first_name, user.last_name, user.username, user.email)]
    return wanted in values if exact else any(wanted in value for value in values)


def _item(docebo: Docebo, user: User) -> dict[str, Any]:
    """A user in the list: the id is a string (docebo.md 12.1)."""
    return {
        "user_id": str(user.user_id),
        "username": user.username,
        "encoded_username": user.username.replace("@", "%40"),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "fullname": f"{user.first_name} {user.last_name}",
        "email": user.email,
        "uuid": user.uuid,
        "level": user.level,
        "status": "1" if user.active else "0",
        "language": "English",
        "lang_code": "english",
        "timezone": user.timezone,
        "creation_date": user.created_at,
        "last_access_date": NO_DATE if docebo.flags.zero_dates else user.updated_at,
        "last_update": user.updated_at,
        "expiration_date": user.expiration_date,
        "expired": user.expiration_date is not None and user.expiration_date <= docebo.now(),
        "is_manager": False,
        "managers": [],
        "active_subordinates_count": 0,
        "email_validation_status": "1",
        "newsletter_optout": "0",
        "newsletter_optout_date": None,
        "send_notification": True,
        "multidomains": [],
        "actions": ["edit", "delete"],
    }


def one_user(docebo: Docebo, call: Call) -> Response:
    """One user, nested in `user_data` (docebo.md 3.2)."""
    user = docebo.users.get(int(call.ids[0]))
    if user is None:
        raise Refused(404, "User not found")
    return single(
        {
            "user_data": {
                "user_id": str(user.user_id),
                "username": user.username,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "email": user.email,
                "level": user.level,
                "valid": "1" if user.active else "0",
                "expiration": user.expiration_date,
                "timezone": user.timezone,
                "language": "english",
                "date_format": "",
                "avatar": "",
                "email_validation_status": "1",
                "role_id": None,
                "role_title": None,
                "force_change": "0",
            },
            "additional_fields": [],
            "branches": [{"id": user.branch_id, "name": "Acme", "code": "ROOT", "path": "/"}],
        }
    )


ROUTES: tuple[Route[Docebo], ...] = (
    Route("GET", r"/manage/v1/user/session", session),
    Route(
        "GET",
        r"/manage/v1/user",
        list_users,
        query=PAGING
        | sorting(*SORT_KEYS)
        | {
            "search_text": text,
            "match_type": choice("full"),
            "pending": flag,
            "branch_id": number,
            "selection_status": choice("1", "2"),
            "exclude[]": number,
            "exclude_power_users_and_super_admins": flag,
            "updated_from": moment,
            "field_*": text,
        },
    ),
    Route("GET", r"/manage/v1/user/(\d+)", one_user),
)
