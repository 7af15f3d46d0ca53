"""What is sent to Accredible (accredible.md 3.2, 3.6, 3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectctl.api import IssueRequest
from connectctl_accredible.records import ENDED, MARK

SOURCE = "connectctl_source"  # meta data: the flow and what in Docebo earned the credential
REASON = "connectctl_reason"  # meta data: why we ended it


def issue(request: IssueRequest) -> dict[str, Any]:
    """A new credential under our own id, so that it can be found whatever becomes of the answer (accredible.md 6)."""
    body: dict[str, Any] = {
        "id": request.mark,
        "group_id": number(request.template_id),
        "recipient": _recipient(request) | {"email": request.email},
        "issued_on": day(request.issued_at),
        "meta_data": origin(request),
    }
    if request.expires_at:
        body["expired_on"] = day(request.expires_at)
    return body


def update(request: IssueRequest, meta_data: Mapping[str, str], *, ended: bool) -> dict[str, Any]:
    """The full set of one that is there (AC-57); `meta_data` is what it holds, because maps may be replaced as a whole.

    Without an address it keeps the one it has. Without an expiry it keeps that too, unless we had `ended` it (AC-60).
    """
    recipient = _recipient(request) | ({"email": request.email} if request.email else {})
    body: dict[str, Any] = {
        "recipient": recipient,
        "issued_on": day(request.issued_at),
        "meta_data": {**meta_data, **origin(request)},
    }
    if request.expires_at is not None or ended:
        body["expired_on"] = day(request.expires_at) if request.expires_at else None
    return body


def end(today: str, reason: str, meta_data: Mapping[str, str]) -> dict[str, Any]:
    """Expired on a day that is over, with the day written down, by which the end is known as ours (AC-60)."""
    return {"expired_on": today, "meta_data": {**meta_data, ENDED: today, REASON: reason[:200]}}


def origin(request: IssueRequest) -> dict[str, str]:
    """The origin marker: this tool with its change, the flow and the source object (AC-29)."""
    return {MARK: request.mark, SOURCE: request.evidence_text}


def day(moment: datetime) -> str:
    """A day as Accredible has it, in UTC."""
    return moment.astimezone(UTC).date().isoformat()


def _recipient(request: IssueRequest) -> dict[str, str]:
    return {"name": f"{request.first_name} {request.last_name}".strip(), "id": request.earner_id}


def number(group_id: str) -> int | str:
    """Accredible's groups have whole numbers; anything else it may refuse itself."""
    return int(group_id) if group_id.isascii() and group_id.isdigit() else group_id
