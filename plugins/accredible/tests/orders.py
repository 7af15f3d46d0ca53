"""What the tests ask Accredible for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectctl.api import IssueRequest

ISSUED = datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)
MARK = "connectctl-0123456789abcdef0123"


def order(group: str, **changes: Any) -> IssueRequest:
    """A request for one learner, with some values replaced."""
    fields: dict[str, Any] = {
        "template_id": group,
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Byron",
        "earner_id": "4711",
        "issued_at": ISSUED,
        "expires_at": None,
        "evidence_title": "connectctl flow",
        "evidence_text": "Assign: course Security (88)",
        "mark": MARK,
    }
    return IssueRequest(**(fields | changes))


def orders(group: str, count: int, **changes: Any) -> list[IssueRequest]:
    """Requests for as many learners, each with a mark of its own."""
    return [
        order(
            group,
            email=f"p{number}@example.org",
            earner_id=str(number),
            mark=f"connectctl-{number:020x}",
            **changes,
        )
        for number in range(count)
    ]


def shown(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A credential as v1 shows it."""
    return {
        "id": MARK,
        "accredible_internal_id": number,
        "group_id": 7,
        "name": "Empty",
        "approve": True,
        "complete": True,
        "issued_on": "2026-02-10",
        "expired_on": None,
        "url": "https://www.credential.example/u1",
        "recipient": {"name": "Ada Byron", "email": "ada@example.org", "id": "4711"},
        "meta_data": {"connectctl": MARK},
        **changes,
    }


def found(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A credential as the v2 search shows it."""
    return {
        "id": number,
        "license_id": None,
        "name": "Empty",
        "group": {"id": 7, "name": "empty"},
        "approve": True,
        "issued_on": "2026-02-10",
        "expired_on": None,
        "updated_at": "2026-02-10T17:31:05.000Z",
        "recipient_email": f"p{number}@example.org",
        "recipient_id": None,
        "meta_data": {},
        **changes,
    }
