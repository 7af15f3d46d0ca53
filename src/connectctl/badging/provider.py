"""What a badge provider is to the kit: its records, and the few calls it has to offer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

TemplateState = Literal["active", "archived", "draft"]
ENDED = ("revoked", "rejected")
CredentialState = Literal["pending", "accepted", "rejected", "revoked"]


@dataclass(frozen=True, slots=True)
class Template:
    """What a credential is made from. `created_at` orders templates that share a name (CR-53)."""

    id: str
    name: str
    state: TemplateState
    created_at: str
    allows_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """One issued credential. E-mail addresses are trimmed and lower case; `marks` are the texts that may name us."""

    id: str
    template_id: str
    state: CredentialState
    emails: frozenset[str]
    earner_id: str | None
    expires_at: datetime | None = None
    replaced: bool = False
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """All that goes into a new credential. `expires_at`: a moment, None for the template's default, False for never.

    `again`: the learner has one that ended, and another is meant; the provider's own duplicate guard must let it pass.
    """

    template_id: str
    email: str
    first_name: str
    last_name: str
    earner_id: str
    issued_at: datetime
    expires_at: datetime | Literal[False] | None
    evidence_title: str
    evidence_text: str
    mark: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of held credentials; `pages` is the number of pages in all, 0 when the provider does not tell."""

    credentials: Sequence[Credential]
    pages: int


class Provider(Protocol):
    """The thin edge that a plugin writes. Each method is one kind of request; errors are those of `connectctl.api`.

    `account` names the account at the provider: it begins every holding, and the first one used is kept (GN-33).
    `search_lag` is how many seconds a write may stay invisible to `held` and `find`.
    """

    @property
    def account(self) -> str: ...
    @property
    def search_lag(self) -> float: ...

    def templates(self) -> list[Template]:
        """The complete listing, oldest first; raises BadAnswer when it cannot be known to be complete."""

    def template(self, template_id: str) -> Template | None:
        """One template as it is now, or None."""

    def held(self, template_id: str | None) -> Iterator[Page]:
        """All credentials of a template, or (None) of all templates, whatever their state, page by page."""

    def find(self, template_id: str, earner_id: str, email: str) -> list[Credential]:
        """The credentials of one learner by id and by address, each checked to be that learner's."""

    def issue(self, request: IssueRequest) -> Credential:
        """Issues one credential; raises AlreadyHeld when the provider's duplicate guard refuses it."""


def duplicate_of(
    credentials: Sequence[Credential], earner_id: str, email: str, now: datetime | None = None
) -> Credential | None:
    """The credential that counts as held by this learner: a live one before an ended one, else None (CR-34).

    With `now` one that has expired counts as ended.
    """
    matching = all_of(credentials, earner_id, email)
    matching.sort(key=lambda c: (c.state in ENDED, c.replaced, _expired(c, now), c.earner_id != earner_id))
    return matching[0] if matching else None


def all_of(credentials: Sequence[Credential], earner_id: str, email: str) -> list[Credential]:
    """The credentials that this learner has or had, in the order given."""
    return [c for c in credentials if c.earner_id == earner_id or email in c.emails]


def _expired(credential: Credential, now: datetime | None) -> bool:
    return now is not None and credential.expires_at is not None and credential.expires_at <= now
