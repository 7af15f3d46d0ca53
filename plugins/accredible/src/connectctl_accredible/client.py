"""The thin edge to Accredible's Credential.net API: as the kit's Provider (accredible.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectctl.api import (
    BadAnswer,
    Client,
    ConnectctlError,
    Credential,
    DataError,
    FeedEvent,
    HeaderAuth,
    IssueRequest,
    NotFound,
    Options,
    Page,
    Template,
)
from connectctl_accredible import bodies, records, search
from connectctl_accredible.writing import Writer

if TYPE_CHECKING:
    from connectctl.api import Clock, ConnectionSettings

BASES = {  # accredible.md 1
    "production": "https://api.accredible.com",
    "eu": "https://eu.api.accredible.com",
    "sandbox": "https://sandbox.api.accredible.com",
}
FEW = 100  # credits; below that every test of the connection says so


def make_client(settings: ConnectionSettings, clock: Clock | None = None) -> Accredible:
    """The client of one Accredible account."""
    return Accredible(settings, clock)


def test(client: Accredible) -> str:
    """Who we are: reads the account, the cheapest authenticated call (accredible.md 5.1)."""
    return client.organization()


class Accredible:
    """One account's groups and credentials. Safe for many threads."""

    def __init__(self, settings: ConnectionSettings, clock: Clock | None = None) -> None:
        self._environment = settings.require("environment")
        self.search_lag = float(settings.get("search_lag") or 0)
        # Unpublished ones and those in progress are pending, and nobody's to be imported (AC-45).
        self.options = Options(
            master_covers_everything=settings.get("master_covers") == "everything", only_accepted=True
        )
        self._http = Client(
            "accredible",
            settings.get("base_url") or BASES[self._environment],
            auth=HeaderAuth(settings.secret("api_key"), "Token token={}"),
            limits=settings.limits,
            threads=settings.threads,
            timeout=settings.timeout,
            clock=clock,
            sign_in_hint="connectctl connection set accredible api_key",
        )
        self._known: dict[str, tuple[Template, Mapping[str, Any]] | None] = {}
        self._issuer: Mapping[str, Any] | None = None
        self._whys: dict[str, str] = {}
        self._writer = Writer(self._http, self._credential, self._why_unpublished)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._http.calls

    @property
    def account(self) -> str:
        """The account behind the key; asked for once. Numbers repeat in other regions, so the region belongs to it."""
        return f"accredible:{self._environment}:{self._account_id()}"

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def organization(self) -> str:
        """The account's name, with the credits that are left when they are few."""
        issuer = self._details()
        name = records.words(issuer.get("name")) or self._account_id()
        left = search.whole_number(issuer.get("certificate_left"))
        if left is None or left >= FEW:
            return name
        return f"{name}; {left or 'no'} {'credit is' if left == 1 else 'credits are'} left to publish credentials"

    # -- groups -----------------------------------------------------------------------------------------------------

    def templates(self) -> list[Template]:
        """All groups, oldest first; BadAnswer when the pages do not add up to the stated total (GN-33)."""

        def ask(number: int) -> object:
            body = {"page": number, "page_size": search.SIZE}
            return self._http.post("v1/issuer/groups/search", json=body, repeatable=True)

        rows = (row for page in search.numbered(ask, "groups") for row in page.rows)
        found = {template.id: template for template in (self._record(records.group, row) for row in rows)}
        return sorted(found.values(), key=lambda t: (t.created_at, len(t.id), t.id))

    def template(self, template_id: str) -> Template | None:
        """The group as it was when this run first asked; None when Accredible has no such group."""
        known = self._group(template_id)
        return known and known[0]

    def _group(self, group_id: str) -> tuple[Template, Mapping[str, Any]] | None:
        if group_id not in self._known:
            try:
                answer = self._http.get(f"v1/issuer/groups/{_step(group_id)}")
            except NotFound:
                self._known[group_id] = None
            else:
                row = self._inside(answer, "group")
                template: Template = self._record(records.group, row)
                if template.id != group_id:
                    raise search.bad("the group", f"another one, {template.id}")
                self._known[group_id] = (template, row)
        return self._known[group_id]

    # -- credentials ------------------------------------------------------------------------------------------------

    def held(self, template_id: str | None) -> Iterator[Page]:
        """All credentials of a group, or of the account, oldest first, 100 a page.

        It comes from an index: what was just written may be missing for `search_lag` seconds. Rows show no link.
        """
        query = {} if template_id is None else {"group.id[in]": [bodies.number(template_id)]}
        for page in self._search(query):
            bad: list[str] = []
            found = list(_readable(page.rows, bad))
            # A query that is not understood may return everything: what is not of this group does not count.
            mine = [one for one in found if template_id in (None, one.template_id)]
            yield Page(mine, -(-(page.total or 0) // search.SIZE), tuple(bad))

    def find(self, template_id: str | None, earner_id: str, email: str, mark: str = "") -> list[Credential]:
        """One learner's credentials of a group, or of all, as they are now: by own id, recipient id, then address.

        None of it comes from the index of `held`. With `mark` the credential made by that very request is the first.
        """
        found: dict[str, Credential] = {}
        own = self.credential(mark) if mark else None
        if own is not None and template_id in (None, own.template_id) and mark in own.marks:
            found[own.id] = own
        if earner_id:
            rows = self._listed(template_id, {"recipient_id": earner_id})
            found |= {one.id: one for one in rows if one.earner_id == earner_id}
        if email and not found:
            rows = self._listed(template_id, {"email": email.lower()})  # stored and compared in lower case (3.8)
            found |= {one.id: one for one in rows if email.lower() in one.emails}
        return list(found.values())

    def credential(self, credential_id: str) -> Credential | None:
        """One credential with its link, by Accredible's id or ours; None when Accredible has no such credential."""
        row = self._credential(credential_id)
        return None if row is None else self._record(records.credential, row)

    def _credential(self, credential_id: str) -> Mapping[str, Any] | None:
        try:
            answer = self._http.get(f"v1/credentials/{_step(credential_id)}")
        except NotFound:
            return None
        row = self._inside(answer, "credential")
        return (
            row if row.get("url") else {**row, "url": f"https://www.credential.net/{records.identity(row.get('id'))}"}
        )

    def _listed(self, template_id: str | None, query: Mapping[str, str]) -> Iterator[Credential]:
        """The credentials of a v1 list. Its rows may lack what decides (accredible.md 3.8): then each is read alone."""

        def ask(number: int) -> object:
            params: dict[str, str | int] = {**query, "page": number, "page_size": search.SIZE}
            if template_id is not None:
                params["group_id"] = template_id
            return self._http.get("v1/all_credentials", params=params)

        for page in search.numbered(ask, "credentials"):
            for row in page.rows:
                data = self._record(records.mapping, row, "a credential")
                if not (records.group_of(data) and isinstance(data.get("approve"), bool) and data.get("url")):
                    key = records.identity(data.get("accredible_internal_id")) or records.identity(data.get("id"))
                    data = self._credential(key) or data
                one: Credential = self._record(records.credential, data)
                if template_id in (None, one.template_id):
                    yield one

    def _search(self, query: Mapping[str, Any]) -> Iterator[search.Rows]:
        def ask(cursor: str | None) -> object:
            page = {"size": search.SIZE} | ({} if cursor is None else {"cursor": cursor})
            body = {"query": query, "sort": {"id": "asc"}, "page": page}
            return self._http.post("v2/credentials/search", json=body, repeatable=True)

        return search.by_cursor(ask)

    # -- changes ----------------------------------------------------------------------------------------------------

    def issue(self, request: IssueRequest) -> Credential:
        """Creates and publishes one credential (AC-29).

        AlreadyHeld for Accredible's duplicate answer; RemoteUnsure for one without a credential. Rejected, naming it,
        when it was created and not published, or bears an expiry that is not wanted and cannot be removed (AC-55).
        Asked for again under the same mark it gives the credential that is there, and publishes it where it was not.
        """
        return self._writer.issue(request)

    def issue_many(self, requests: Sequence[IssueRequest]) -> list[Credential | ConnectctlError]:
        """As `issue`, 30 with one call: for each request, in order, its credential or the error that `issue` raises.

        One that fails keeps none of the others from being made. A lost answer leaves all of its call unsure: each is
        found by its own id then.
        """
        return self._writer.issue_many(requests)

    def replace(self, credential_id: str, request: IssueRequest) -> Credential:
        """Updates a credential in place: same id, same link, everything else as in the request (AC-57, AC-60)."""
        return self._writer.update(self._present(credential_id), request)

    def revoke(self, credential_id: str, reason: str) -> None:
        """Lets a credential expire with yesterday, UTC; it is never deleted (AC-60). One that has ended is no error."""
        row = self._present(credential_id)
        today = self._http.clock.now().astimezone(UTC).date()
        ended: Credential = self._record(records.credential, row)
        if ended.state == "revoked" or (ended.expires_at is not None and ended.expires_at.date() < today):
            return
        self._writer.end(row, (today - timedelta(days=1)).isoformat(), reason)

    def publish(self, credential_id: str) -> Credential:
        """Publishes a credential that was created and left unpublished. Rejected, saying why, when it stays so."""
        return self._writer.publish(self._present(credential_id))

    def _present(self, credential_id: str) -> Mapping[str, Any]:
        row = self._credential(credential_id)
        if row is None:
            message = f"Accredible has no credential {credential_id}."
            raise NotFound(message, connection="accredible", method="GET", path="v1/credentials", status=404)
        return row

    def _why_unpublished(self, group_id: str) -> str:
        """What keeps a group's credentials from being published, as far as Accredible tells (accredible.md 3.2)."""
        if group_id not in self._whys:
            self._issuer = None  # the credits of when the run began say nothing
            known = self._group(group_id)
            if search.whole_number(self._details().get("certificate_left")) == 0:
                self._whys[group_id] = "no credits are left"
            elif known is not None and not records.has_design(known[1]):
                self._whys[group_id] = "its group has no design"
            else:
                self._whys[group_id] = "sandbox mode is on, or publishing what the API creates is switched off"
        return self._whys[group_id]

    # -- events -----------------------------------------------------------------------------------------------------

    def feed(self, since: datetime) -> Iterator[FeedEvent]:
        """The published credentials that have changed since, by id; deletions are not among them (accredible.md 9).

        Accredible searches by whole days; what changed earlier on the first one is left out where times are shown. A
        row that cannot be read is an event without a subject.
        """
        query = {"updated_at[gte]": bodies.day(since), "approve": True}
        for page in self._search(query):
            for row in page.rows:
                try:
                    event = records.event(row)
                except DataError:  # an event that shows nothing: whoever reads it has to look for himself
                    event = FeedEvent(f"unreadable {row!s:.100}", since, "credential", "")
                if event.at >= since or event.at == records.day(event.at.isoformat(), "a day"):
                    yield event

    def event(self, event_id: str) -> FeedEvent | None:
        """None: Accredible has no events that could be asked for, and calls nobody (accredible.md 7)."""
        return None

    # -- plumbing ---------------------------------------------------------------------------------------------------

    def _details(self) -> Mapping[str, Any]:
        if self._issuer is None:
            self._issuer = self._inside(self._http.get("v1/issuer/details"), "issuer")
        return self._issuer

    def _account_id(self) -> str:
        key = records.identity(self._details().get("id"))
        if not key:
            raise search.bad("the account", "no id")
        return key

    def _inside(self, answer: object, root: str) -> Mapping[str, Any]:
        row = answer.get(root) if isinstance(answer, dict) else None
        if not isinstance(row, dict):
            raise search.bad(f"the {root}", f"an answer without an object in {root}")
        return row

    def _record(self, parse: Callable[..., Any], *row: object) -> Any:
        """A row as a record; a row that cannot be read makes the listing worthless for decisions."""
        try:
            return parse(*row)
        except DataError as error:
            raise _bad_record(error) from error


def _bad_record(error: DataError) -> BadAnswer:
    return BadAnswer(error.message + ".", hint="connectctl connection test accredible", connection="accredible")


def _readable(rows: Sequence[Any], bad: list[str]) -> Iterator[Credential]:
    """The credentials of a page; what is wrong with the rows that cannot be read goes to `bad`."""
    for row in rows:
        try:
            yield records.credential(row)
        except DataError as error:
            bad.append(error.message + ".")


def _step(name: str) -> str:
    """An id as one step of a path, whatever is in it."""
    return quote(name, safe="")
