"""How an issue change is carried out at the provider, and how one whose answer was lost is found there (CR-37)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectctl.badging.plan import change_mark
from connectctl.badging.provider import IssueRequest, Provider, duplicate_of
from connectctl.badging.templates import open_provider
from connectctl.model import Change, Look, Outcome, RunContext
from connectctl.plugins.specs import ProviderSpec


def apply(changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Issues each credential with one request (CR-37)."""
    provider: Provider = ctx.shared.provider
    return [Outcome("done", provider.issue(_request(change)).id) for change in changes]


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """Whether the provider shows the credential of this change, ours or somebody else's (GN-32)."""
    provider = open_provider(spec, ctx)
    template, user, ended = str(change.template), str(change.user), change.data.get("instead_of", ())
    credentials = [c for c in provider.find(template, user, str(change.email or "")) if c.id not in ended]
    mark = change_mark(change)
    marked = next((c for c in credentials if mark in c.marks), None)
    found = marked or duplicate_of(credentials, user, str(change.email or ""))
    if found is not None:
        ours = found is marked or found.earner_id == user
        return Look(Outcome("adopted" if ours else "foreign", found.id), lag=provider.search_lag)
    now = provider.template(template)
    guarded = not ended and now is not None and not now.allows_duplicates
    return Look(None, repeatable=guarded, lag=provider.search_lag)


def _request(change: Change) -> IssueRequest:
    data = change.data
    expires: Any = data["expires_at"]
    return IssueRequest(
        data["template_id"],
        data["email"],
        data["first_name"],
        data["last_name"],
        data["earner_id"],
        _utc(data["issued_at"]),
        _utc(expires) if isinstance(expires, str) else expires,
        data["evidence_title"],
        data["evidence_text"],
        change_mark(change),
        again="instead_of" in data,
    )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
