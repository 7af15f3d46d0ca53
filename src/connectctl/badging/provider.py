"""What a badge provider is to the kit: its records, and the few calls it has to offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from connectctl.errors import BadAnswer, ConnectctlError

TemplateState = Literal["active", "archived", "draft"]
ENDED = ("revoked", "rejected")
CredentialState = Literal["draft", "pending", "accepted", "rejected", "revoked"]  # draft: nobody can see it


@dataclass(frozen=True, slots=True)
class Template:
    """What a credential is made from. `created_at` orders templates that share a name (CR-53)."""

    id: str
    name: str
    state: TemplateState
    created_at: str
    allows_duplicates: bool | None = False  # None: the provider does not say


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
    issued_at: datetime | None = None
    updated_at: datetime | None = None
    replaces: str | None = None  # the id of the credential that this one took the place of
    replaced_by: str | None = None
    link: str = ""  # where people see it
    name: str = ""  # of the template, as the credential shows it


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
    """One page of held credentials; `pages` is the number of pages in all, 0 when the provider does not tell.

    `bad` says in words which rows could not be read: who decides by what is not there must not use such a page.
    """

    credentials: Sequence[Credential]
    pages: int
    bad: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a profile decides about a provider, in `[connections.<kind>]`.

    `master_covers_everything`: the master setting limits courses, plans and training as well (CR-75).
    `rejected_is_revoked`: a rejected credential counts as a revoked one inwards (CR-82). `only_accepted`: nothing is
    imported before the learner has accepted it (CR-83).
    """

    master_covers_everything: bool = False
    rejected_is_revoked: bool = False
    only_accepted: bool = False


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Something that happened at the provider, with an id of its own. It is a hint: what is true now has to be read.

    `kind` says what `subject` is the id of; `gone`: it was deleted. `credential` is what the event itself shows of it,
    as it was then or is now, None when it shows nothing.
    """

    id: str
    at: datetime
    kind: Literal["credential", "template", "other"]
    subject: str
    gone: bool = False
    credential: Credential | None = None


class Provider(Protocol):
    """The thin edge that a plugin writes. Each method is one kind of request; errors are those of `connectctl.api`.

    `account` names the account at the provider: it begins every holding, and the first one used is kept (GN-33).
    `search_lag` is how many seconds a write may stay invisible to `held` and `find`.
    """

    @property
    def account(self) -> str: ...
    @property
    def search_lag(self) -> float: ...
    @property
    def options(self) -> Options: ...

    def templates(self) -> list[Template]:
        """The complete listing, oldest first; raises BadAnswer when it cannot be known to be complete."""

    def template(self, template_id: str) -> Template | None:
        """One template as it is now, or None."""

    def held(self, template_id: str | None) -> Iterator[Page]:
        """All credentials of a template, or (None) of all templates, whatever their state, page by page."""

    def find(self, template_id: str | None, earner_id: str, email: str) -> list[Credential]:
        """The credentials of one learner by id and by address, each checked to be that learner's.

        Of a template, or (None) of all templates.
        """

    def issue(self, request: IssueRequest) -> Credential:
        """Issues one credential; raises AlreadyHeld when the provider's duplicate guard refuses it."""

    def replace(self, credential_id: str, request: IssueRequest) -> Credential:
        """Puts a new credential in the place of one, with everything that is to stand in it (CR-39)."""

    def revoke(self, credential_id: str, reason: str) -> None:
        """Revokes a credential. What is revoked already is no error."""

    def feed(self, since: datetime) -> Iterator[FeedEvent]:
        """What has happened since, each event once, in no order that could be relied on.

        Raises NotFound, NotAllowed or Rejected where there is no such list.
        """

    def event(self, event_id: str) -> FeedEvent | None:
        """One event; None when the provider does not know it."""


class ReadsAlone(Protocol):
    """What the client of a provider has as well whose lists leave out what an import needs."""

    def credential(self, credential_id: str) -> Credential | None:
        """One credential with everything that it shows; None when the provider has no such credential."""


class OwnIdProvider(Provider, Protocol):
    """A provider that can `own_ids`."""

    def find(self, template_id: str | None, earner_id: str, email: str, mark: str = "") -> list[Credential]:
        """With a mark also the credential that was made under it, which is seen at once."""


class BulkProvider(Provider, Protocol):
    """A provider that can make several credentials with one call (`batch`)."""

    def issue_many(self, requests: Sequence[IssueRequest]) -> list[Credential | ConnectctlError]:
        """For each request, in order, its credential or the error that `issue` raises.

        One that fails keeps none of the others from being made. A lost answer makes all of its call unsure.
        """


def sound(page: Page) -> Page:
    """The page, when all of it could be read. Raises BadAnswer: what is not there may be in a row that is broken."""
    if page.bad:
        raise BadAnswer(page.bad[0])
    return page


def duplicate_of(
    credentials: Sequence[Credential], earner_id: str, email: str, now: datetime | None = None
) -> Credential | None:
    """The credential that counts as held by this learner: a live one before an ended one, else None (CR-34).

    With `now` one that has expired counts as ended.
    """
    matching = all_of(credentials, earner_id, email)
    matching.sort(
        key=lambda c: (c.state in ENDED, c.state == "draft", c.replaced, _expired(c, now), c.earner_id != earner_id)
    )
    return matching[0] if matching else None


def all_of(credentials: Sequence[Credential], earner_id: str, email: str) -> list[Credential]:
    """The credentials that this learner has or had, in the order given."""
    return [c for c in credentials if c.earner_id == earner_id or email in c.emails]


def current(credentials: Sequence[Credential]) -> list[Credential]:
    """Those that no other one of them has taken the place of."""
    ids = {credential.id for credential in credentials}
    return [c for c in credentials if c.replaced_by not in ids]


def newest(credentials: Mapping[str, Credential], credential_id: str) -> str:
    """The id at the end of the chain of replacements that begins with this one; `credentials` by id."""
    seen = {credential_id}
    while (one := credentials.get(credential_id)) is not None and one.replaced_by and one.replaced_by not in seen:
        credential_id = one.replaced_by
        seen.add(credential_id)
    return credential_id


def _expired(credential: Credential, now: datetime | None) -> bool:
    return now is not None and credential.expires_at is not None and credential.expires_at <= now
