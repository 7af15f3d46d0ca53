"""What is sent to Credly when a badge is issued or takes another one's place (credly.md 5.5 and 5.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectctl.api import IssueRequest


def issue(request: IssueRequest) -> dict[str, Any]:
    """A new badge; Credly's own guard refuses a second one, unless another is meant (credly.md 8.1)."""
    return {
        "recipient_email": request.email,
        **_content(request),
        "duplicate_behavior": "allow" if request.again else "deny",
    }


def replacement(request: IssueRequest) -> dict[str, Any]:
    """The successor of a badge: with everything on it, because Credly erases what is left out (CR-39).

    Without an address it keeps the one it has: that of an accepted badge cannot change.
    """
    return {"recipient_email": request.email, **_content(request)} if request.email else _content(request)


def _content(request: IssueRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "issued_to_first_name": request.first_name,
        "issued_to_last_name": request.last_name,
        "badge_template_id": request.template_id,
        "issued_at": _time(request.issued_at),
        "issuer_earner_id": request.earner_id,
        "evidence": [
            {
                "type": "IdEvidence",
                "title": request.evidence_title,
                # Credly may give evidence an id of its own, so the mark stands in the text as well.
                "description": f"{request.evidence_text} [{request.mark}]",
                "id": request.mark,
            }
        ],
    }
    if request.expires_at is not None:
        body["expires_at"] = _time(request.expires_at) if request.expires_at else False
    return body


def _time(moment: datetime) -> str:
    """Credly's own form, with the offset: without it the zone would be guessed (credly.md 5.5)."""
    return moment.strftime("%Y-%m-%d %H:%M:%S +0000")
