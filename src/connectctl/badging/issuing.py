"""How outward changes are carried out at the provider, how one whose answer was lost is found (CR-37 to CR-39)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any, cast

from connectctl.badging.existing import held_by, is_adoptable, is_finished
from connectctl.badging.plan import change_mark
from connectctl.badging.provider import ENDED, BulkProvider, Credential, IssueRequest, OwnIdProvider, Provider, current
from connectctl.badging.steps import note
from connectctl.badging.templates import open_provider
from connectctl.errors import AlreadyHeld, ConnectctlError, Rejected
from connectctl.model import Change, Look, Outcome, RunContext
from connectctl.plugins.specs import Capabilities, ProviderSpec

_VERBS = {
    "issue": "issue-credential",
    **dict.fromkeys(("replace", "update"), "replace-credential"),
    **dict.fromkeys(("revoke", "expire"), "revoke-credential"),
}
Result = Outcome | ConnectctlError
_NOTING = threading.Lock()  # changes are applied by several threads, the record of a run's steps is one


def apply(changes: list[Change], ctx: RunContext) -> list[Result]:
    """Issues credentials, many with one call where the provider can; replaces or revokes each by itself (CR-37 to 39).

    What goes wrong with one of several stands in its place.
    """
    provider: Provider = ctx.shared.provider
    spec: ProviderSpec = ctx.shared.spec
    new = [change for change in changes if change.action == "issue"]
    made = dict(zip(map(id, new), _issue_all(provider, spec, new), strict=True))
    outcomes = [made[id(change)] if id(change) in made else _attempt(provider, change) for change in changes]
    with _NOTING:
        for change, outcome in zip(changes, outcomes, strict=True):
            caller = "process-awards" if change.origin.startswith("certification:") else "assign-users"
            if isinstance(outcome, Outcome):
                note(spec, ctx, _VERBS[change.action], caller, credentials=1)
    return outcomes


def _issue_all(provider: Provider, spec: ProviderSpec, changes: list[Change]) -> list[Result]:
    if spec.capabilities.batch == 1 or not changes:
        return [_attempt(provider, change) for change in changes]
    many = cast("BulkProvider", provider)
    try:
        made = many.issue_many([_request(change) for change in changes])
    except ConnectctlError as error:  # nothing was sent, or nobody knows what: it is true of each
        return [error] * len(changes)
    return [
        _refused(change, one) if isinstance(one, ConnectctlError) else Outcome("done", one.id)
        for change, one in zip(changes, made, strict=True)
    ]


def _attempt(provider: Provider, change: Change) -> Result:
    try:
        return Outcome("done", _carry_out(provider, change))
    except ConnectctlError as error:
        return _refused(change, error)


def _refused(change: Change, error: ConnectctlError) -> ConnectctlError:
    """The error; one that was to stand beside others, and may not, is held by nobody else (AC-58)."""
    if not isinstance(error, AlreadyHeld) or "beside" not in change.data:
        return error
    words = f"{change.template} allows no second one beside {', '.join(change.data['beside'])}: {error.message}"
    return Rejected(words, hint="let it allow duplicates at the provider", connection=error.connection)


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """Whether the provider shows what this change was to bring about, ours or somebody else's (GN-32)."""
    provider, can = open_provider(spec, ctx), spec.capabilities
    who = (str(change.template), str(change.user), str(change.email or ""))
    more = {"mark": change_mark(change)} if can.own_ids else {}
    found = cast("OwnIdProvider", provider).find(*who, **more)
    if change.action in ("replace", "update"):
        successor = _look_for_updated if change.action == "update" else _look_for_successor
        return successor(change, found, provider.search_lag)
    if change.action in ("revoke", "expire"):
        return _look_for_revoked(change, found, provider.search_lag)
    return _look_for_issued(change, found, provider, can)


def _carry_out(provider: Provider, change: Change) -> str:
    """The id of the credential that was made or revoked."""
    if change.action in ("replace", "update"):
        return provider.replace(str(change.data["replaces"]), _request(change)).id
    if change.action in ("revoke", "expire"):
        provider.revoke(str(change.data["credential_id"]), str(change.data["reason"]))
        return str(change.data["credential_id"])
    return provider.issue(_request(change)).id


def _look_for_issued(change: Change, found: list[Credential], provider: Provider, can: Capabilities) -> Look:
    """What was made under our own id and is not finished is asked for again: that finishes it, or says why not."""
    user, ended = str(change.user), (*change.data.get("instead_of", ()), *change.data.get("beside", ()))
    # What has been replaced went with its successor: it is not what this change was to bring about.
    credentials = [c for c in current(found) if c.id not in ended]
    mark = change_mark(change)
    marked = next((c for c in credentials if mark in c.marks), None)
    if marked is not None and not is_finished(marked, change.data["expires_at"], can):
        return Look(None, repeatable=True, lag=provider.search_lag)
    held = marked or held_by(credentials, user, str(change.email or ""), None, can)
    if held is not None:
        ours = held is marked or is_adoptable(held, user, str(change.email or ""), mark, can)
        return Look(Outcome("adopted" if ours else "foreign", held.id), lag=provider.search_lag)
    if can.own_ids:
        return Look(None, repeatable=True, lag=provider.search_lag)
    now = provider.template(str(change.template))
    guarded = not ended and now is not None and now.allows_duplicates is False
    return Look(None, repeatable=guarded, lag=provider.search_lag)


def _look_for_updated(change: Change, found: list[Credential], lag: float) -> Look:
    """The credential itself bears the mark of the change; the same values once more do no harm."""
    target, mark = str(change.data["replaces"]), change_mark(change)
    changed = any(c.id == target and mark in c.marks for c in found)
    return Look(Outcome("adopted", target) if changed else None, repeatable=True, lag=lag)


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
        again="instead_of" in data or "beside" in data,
    )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
