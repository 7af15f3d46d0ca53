"""Credentials that replaced one another, and what the import decides about them whatever becomes of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from connectctl.badging.provider import Credential, CredentialState, Options

Successor = Literal["", "other", "unknown"]
Fate = Literal["live", "waiting", "rejected", "revoked", "deleted", "moved", "unknown"]


@dataclass(frozen=True, slots=True)
class Chain:
    """Credentials of one template of which each took the place of the one before; the oldest first, at least one.

    `root` is the id of the oldest. `owners` are the Docebo users with an address of the newest, None when nobody was
    looked for. `ours`: one of them was issued by us, by the ledger's word or its mark. `earner_known`: the newest one's
    issuer earner id is that of a Docebo user. `successor`: what replaced the newest, a credential of another template
    or one that was not seen. `deleted`: the newest is gone from the provider, which has said so.
    """

    root: str
    credentials: tuple[Credential, ...]
    owners: tuple[str, ...] | None = None
    ours: bool = False
    earner_known: bool = False
    successor: Successor = ""
    deleted: bool = False

    @property
    def newest(self) -> Credential:
        """The one that counts."""
        return self.credentials[-1]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all of them."""
        return frozenset({self.root, *(credential.id for credential in self.credentials)})

    @property
    def user(self) -> str | None:
        """The one Docebo user it belongs to."""
        return self.owners[0] if self.owners and len(self.owners) == 1 else None

    @property
    def email(self) -> str | None:
        """An address of the newest, for reports."""
        return min(self.newest.emails, default=None)


def fate(chain: Chain, options: Options) -> Fate:
    """What has become of the newest (CR-49, CR-82, CR-83). Absence alone tells nothing."""
    newest = chain.newest
    if chain.deleted:
        return "deleted"
    if newest.state == "revoked":
        return "revoked"
    if newest.state == "rejected":
        return "revoked" if options.rejected_is_revoked else "rejected"
    if chain.successor:
        return "moved" if chain.successor == "other" else "unknown"
    if newest.state == "draft" or (newest.state == "pending" and options.only_accepted):
        return "waiting"
    return "live"


def date_reason(issued_at: datetime | None, start: datetime | None, now: datetime) -> str | None:
    """Why a credential is too old or too new to be looked at (CR-06, CR-43, GN-12): the bound itself is included."""
    if issued_at is None:
        return "connectctl:no_issue_date"
    if start is not None and issued_at < start:
        return "before_start_date"
    return "connectctl:future_date" if issued_at > now + timedelta(days=1) else None


def user_reason(chain: Chain) -> str | None:
    """Why it belongs to nobody, or to nobody in particular (CR-45, GN-16)."""
    if not chain.newest.emails:
        return "no_email"
    if chain.owners is None:  # one of ours, for whom nobody is looked
        return None
    if not chain.owners:
        return "user_not_found"
    return "ambiguous_user" if len(chain.owners) > 1 else None


def origin_reason(chain: Chain, *, marked: bool = False) -> str | None:
    """Why it came from Docebo, or says that it is somebody else's (CR-46, CR-68). Ids are compared as texts.

    `marked`: each of ours bears our mark, so that the user's id alone does not make it ours (GN-32).
    """
    earner = (chain.newest.earner_id or "").strip()
    if chain.ours or (earner and earner == chain.user and not marked):
        return "issued_by_us"
    return "identity_conflict" if earner and chain.earner_known else None


FATES = {
    "waiting": "connectctl:not_accepted",
    "rejected": "rejected_before",
    "unknown": "connectctl:successor_unknown",
    "moved": "connectctl:moved_template",
    "revoked": "revoked_before",
    "deleted": "revoked_before",
}

# What may change without a word from the provider: looked at again by the next run (GN-37).
OPEN = frozenset(
    {
        "no_email",
        "user_not_found",
        "ambiguous_user",
        "identity_conflict",
        "connectctl:failed_before",
        "connectctl:future_date",
        "connectctl:successor_unknown",
        "connectctl:unsettled",
        "connectctl:incomplete",
    }
)


def linked(credentials: Sequence[Credential]) -> tuple[Credential, ...]:
    """The credentials of one chain, the oldest first: by their links, by date where those are missing."""
    rest = {credential.id: credential for credential in sorted(credentials, key=_age)}
    ordered: list[Credential] = []
    while rest:
        first = next((c for c in rest.values() if c.replaces not in rest or c.replaces == c.id), None)
        first = first or next(iter(rest.values()))  # a ring: somewhere it has to begin
        ordered.append(rest.pop(first.id))
    return tuple(ordered)


def _age(credential: Credential) -> tuple[str, str]:
    return (credential.issued_at.isoformat() if credential.issued_at else "", credential.id)


def to_json(credential: Credential) -> dict[str, Any]:
    """A credential as JSON, without what is blank."""
    values: dict[str, Any] = {
        "id": credential.id,
        "template_id": credential.template_id,
        "state": credential.state,
        "emails": sorted(credential.emails),
        "earner_id": credential.earner_id,
        "expires_at": _text(credential.expires_at),
        "replaced": credential.replaced,
        "marks": list(credential.marks),
        "issued_at": _text(credential.issued_at),
        "updated_at": _text(credential.updated_at),
        "replaces": credential.replaces,
        "replaced_by": credential.replaced_by,
        "link": credential.link,
        "name": credential.name,
    }
    return {name: value for name, value in values.items() if value}


def from_json(values: dict[str, Any]) -> Credential:
    """The credential that `to_json` wrote down."""
    state: CredentialState = values["state"]
    return Credential(
        values["id"],
        values["template_id"],
        state,
        frozenset(values.get("emails", ())),
        values.get("earner_id"),
        _moment(values.get("expires_at")),
        bool(values.get("replaced")),
        tuple(values.get("marks", ())),
        _moment(values.get("issued_at")),
        _moment(values.get("updated_at")),
        values.get("replaces"),
        values.get("replaced_by"),
        values.get("link", ""),
        values.get("name", ""),
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
