"""How outward changes are carried out at the provider, how one whose answer was lost is found (CR-37 to CR-39)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from connectctl.badging.plan import change_mark
from connectctl.badging.provider import ENDED, Credential, IssueRequest, Provider, current, duplicate_of
from connectctl.badging.steps import note
from connectctl.badging.templates import open_provider
from connectctl.model import Change, Look, Outcome, RunContext
from connectctl.plugins.specs import ProviderSpec

_VERBS = {"issue": "issue-credential", "replace": "replace-credential", "revoke": "revoke-credential"}
_NOTING = threading.Lock()  # changes are applied by several threads, the record of a run's steps is one


def apply(changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Issues, replaces or revokes each credential with one request (CR-37, CR-38, CR-39)."""
    provider: Provider = ctx.shared.provider
    outcomes = [Outcome("done", _carry_out(provider, change)) for change in changes]
    with _NOTING:
        for change in changes:
            caller = "process-awards" if change.origin.startswith("certification:") else "assign-users"
            note(ctx.shared.spec, ctx, _VERBS[change.action], caller, credentials=1)
    return outcomes


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """Whether the provider shows what this change was to bring about, ours or somebody else's (GN-32)."""
    provider = open_provider(spec, ctx)
    found = provider.find(str(change.template), str(change.user), str(change.email or ""))
    if change.action == "replace":
        return _look_for_successor(change, found, provider.search_lag)
    if change.action == "revoke":
        return _look_for_revoked(change, found, provider.search_lag)
    return _look_for_issued(change, found, provider)


def _carry_out(provider: Provider, change: Change) -> str:
    """The id of the credential that was made or revoked."""
    if change.action == "replace":
        return provider.replace(str(change.data["replaces"]), _request(change)).id
    if change.action == "revoke":
        provider.revoke(str(change.data["credential_id"]), str(change.data["reason"]))
        return str(change.data["credential_id"])
    return provider.issue(_request(change)).id


def _look_for_issued(change: Change, found: list[Credential], provider: Provider) -> Look:
    user, ended = str(change.user), change.data.get("instead_of", ())
    # What has been replaced went with its successor: it is not what this change was to bring about.
    credentials = [c for c in current(found) if c.id not in ended]
    mark = change_mark(change)
    marked = next((c for c in credentials if mark in c.marks), None)
    held = marked or duplicate_of(credentials, user, str(change.email or ""))
    if held is not None:
        ours = held is marked or held.earner_id == user
        return Look(Outcome("adopted" if ours else "foreign", held.id), lag=provider.search_lag)
    now = provider.template(str(change.template))
    guarded = not ended and now is not None and not now.allows_duplicates
    return Look(None, repeatable=guarded, lag=provider.search_lag)


def _look_for_successor(change: Change, found: list[Credential], lag: float) -> Look:
    """The successor bears our mark. One that bears another is somebody else's, and the credential stays as it is.

    Not every provider is known to refuse a second successor (credly.md 5.7). So it is sent again only when the
    credential to be replaced is seen to stand there, without a successor, after the provider's lag.
    """
    mark, old = change_mark(change), str(change.data["replaces"])
    marked = next((c for c in found if mark in c.marks), None)
    if marked is not None:
        return Look(Outcome("adopted", marked.id), lag=lag)
    successor = next((c for c in found if c.replaces == old), None)
    if successor is not None:
        ours = not successor.marks and successor.earner_id == change.user  # a provider may drop evidence
        return Look(Outcome("adopted" if ours else "foreign", successor.id), lag=lag)
    stands = any(c.id == old and not c.replaced and c.state not in ENDED for c in found)
    return Look(None, lag=lag, proves=stands)


def _look_for_revoked(change: Change, found: list[Credential], lag: float) -> Look:
    """Revoking twice does no harm. Yet it is sent again only after the lag: the provider may refuse it the second time,
    and only its list tells that from a refusal of the first.
    """
    target = str(change.data["credential_id"])
    gone = any(c.id == target and c.state == "revoked" for c in found)
    return Look(Outcome("adopted", target) if gone else None, lag=lag, proves=True)


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
