"""The thin edge to Credly's Web Service API: one method per endpoint, as the kit's Provider (credly.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectctl.api import (
    AlreadyHeld,
    BadAnswer,
    BasicAuth,
    Client,
    Credential,
    DataError,
    FeedEvent,
    IssueRequest,
    NotFound,
    Options,
    Page,
    Rejected,
    RemoteUnsure,
    Template,
)
from connectctl_credly import bodies, feed, paging, records

if TYPE_CHECKING:
    from datetime import datetime

    from connectctl.api import Clock, ConnectionSettings

BASES = {"production": "https://api.credly.com/v1", "sandbox": "https://sandbox-api.credly.com/v1"}  # credly.md 1.1
MOST_PAGES = 20_000
ENDED = ("rejected", "revoked")
DUPLICATE = "already has this badge"  # credly.md 5.10


def make_client(settings: ConnectionSettings, clock: Clock | None = None) -> Credly:
    """The client of one Credly organization."""
    return Credly(settings, clock)


def test(client: Credly) -> str:
    """Who we are: reads the organization, the cheapest authenticated call (credly.md 3)."""
    return client.organization()


class Credly:
    """One organization's templates and badges. Safe for many threads."""

    def __init__(self, settings: ConnectionSettings, clock: Clock | None = None) -> None:
        base = settings.get("base_url") or BASES[settings.require("environment")]
        self.search_lag = float(settings.get("search_lag") or 0)
        self._organization = settings.require("organization_id")
        self.account = f"credly:{self._organization}"  # unique at Credly, whatever the address; part of every holding
        self._http = Client(
            "credly",
            base,
            auth=BasicAuth(settings.secret("token")),
            limits=settings.limits,
            threads=settings.threads,
            timeout=settings.timeout,
            clock=clock,
            sign_in_hint="connectctl connection set credly token (Credly's tokens live 180 days)",
        )
        self.options = Options(
            master_covers_everything=settings.get("master_covers") == "everything",
            rejected_is_revoked=settings.get("rejected_counts_as_revoked") == "true",
            only_accepted=settings.get("import_when") == "accepted",
        )
        self._known: dict[str, Template | None] = {}

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._http.calls

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def organization(self) -> str:
        """The organization's name."""
        data = self._data(self._http.get(self._path("")), "the organization")
        return str(data.get("name") or self._organization)

    # -- templates --------------------------------------------------------------------------------------------------

    def templates(self) -> list[Template]:
        """All templates, oldest first; BadAnswer when the pages do not add up to the stated total (GN-33)."""
        rows: dict[str, Template] = {}
        total: int | None = None
        for data, metadata in self._pages("badge_templates", {"sort": "created_at"}):
            total = paging.whole_number(metadata.get("total_count"))
            for row in data:
                template = self._record(records.template, row)
                rows[template.id] = template
        if total is not None and total != len(rows):
            raise BadAnswer(
                f"Credly listed {len(rows)} badge templates and says there are {total}: the listing is not complete.",
                hint="connectctl credly sync-templates, again",
                connection="credly",
            )
        return sorted(rows.values(), key=lambda t: (t.created_at, t.id))

    def template(self, template_id: str) -> Template | None:
        """The template as it was when this run first asked; None when Credly has no such template."""
        if template_id not in self._known:
            try:
                answer = self._http.get(self._path(f"badge_templates/{_step(template_id)}"))
            except NotFound:
                self._known[template_id] = None
            else:
                self._known[template_id] = self._record(records.template, self._data(answer, "the badge template"))
        return self._known[template_id]

    # -- badges -----------------------------------------------------------------------------------------------------

    def held(self, template_id: str | None) -> Iterator[Page]:
        """All badges of a template, or of the organization, oldest first, 50 a page."""
        query = {"sort": "created_at"}
        if template_id is not None:
            query["filter"] = f"badge_template_id::{template_id}"
        for data, metadata in self._pages("badges", query):
            bad: list[str] = []
            badges = list(_readable(data, bad))
            # An unknown filter may return everything (credly.md 2.3): what is not of this template does not count.
            mine = [badge for badge in badges if template_id in (None, badge.template_id)]
            yield Page(mine, paging.whole_number(metadata.get("total_pages")) or 0, tuple(bad))

    def find(self, template_id: str | None, earner_id: str, email: str) -> list[Credential]:
        """One learner's badges of a template or of all, by issuer earner id, then by any address of theirs (CR-34)."""
        found: list[Credential] = []
        if earner_id:
            found = self._find(template_id, "issuer_earner_id", earner_id, lambda b: b.earner_id == earner_id)
        # One that has ended does not say that there is no other, made by somebody who sent no id along.
        lives = any(badge.state not in ENDED and not badge.replaced for badge in found)
        if not lives and email and not set(email) & set(",|"):  # those signs cannot be escaped in a filter
            ids = {badge.id for badge in found}
            more = self._find(template_id, "recipient_email_all", email, lambda b: email in b.emails)
            found += [badge for badge in more if badge.id not in ids]
        return found

    def _find(self, template_id: str | None, key: str, value: str, fits: Any) -> list[Credential]:
        of = "" if template_id is None else f"badge_template_id::{template_id}|"
        query = {"filter": f"{of}{key}::{value}"}
        found: list[Credential] = []
        for data, _ in self._pages("badges", query):
            badges = [self._record(records.credential, row) for row in data]
            found += [badge for badge in badges if template_id in (None, badge.template_id) and fits(badge)]
        return found

    def issue(self, request: IssueRequest) -> Credential:
        """Issues one badge (CR-37). AlreadyHeld for Credly's duplicate answer; RemoteUnsure for one without an id."""
        try:
            answer = self._http.post(self._path("badges"), json=bodies.issue(request))
        except Rejected as error:
            if error.status == 422 and DUPLICATE in error.detail.lower():
                raise AlreadyHeld(error.message, connection="credly", status=422, detail=error.detail) from error
            raise
        return self._made(answer, "issued a badge")

    def replace(self, credential_id: str, request: IssueRequest) -> Credential:
        """Puts a new badge in the place of one (CR-39). RemoteUnsure for an answer that names no successor of it."""
        answer = self._http.post(self._path(f"badges/{_step(credential_id)}/replace"), json=bodies.replacement(request))
        made = self._made(answer, f"replaced badge {credential_id}")
        if made.replaces != credential_id or made.id == credential_id:
            message = (
                f"Credly may have replaced badge {credential_id}: the answer names badge {made.id}, not its successor"
            )
            raise RemoteUnsure(message, connection="credly")
        return made

    def revoke(self, credential_id: str, reason: str) -> None:
        """Revokes a badge (CR-38). A refusal counts as done when Credly lists the badge as revoked (credly.md 5.8)."""
        path = self._path(f"badges/{_step(credential_id)}/revoke")
        try:
            # Not sent again by itself: a second one is refused, and the list that tells why may lag behind.
            answer = self._http.put(path, json={"reason": reason}, repeatable=False)
        except Rejected:
            if not self._is_revoked(credential_id):
                raise
            return
        try:
            badge = records.credential(self._data(answer, "the revoked badge"))
        except (DataError, BadAnswer) as error:
            raise RemoteUnsure(f"Credly may have revoked a badge: {error.message}", connection="credly") from error
        if (badge.id, badge.state) != (credential_id, "revoked"):
            message = f"Credly may have revoked badge {credential_id}: the answer shows {badge.id} as {badge.state}"
            raise RemoteUnsure(message, connection="credly")

    def _is_revoked(self, credential_id: str) -> bool:
        """Whether the badge is among the revoked ones; Credly offers no reading of one badge (credly.md 5.4)."""
        for data, _ in self._pages("badges", {"filter": "state::revoked"}):
            for badge in (self._record(records.credential, row) for row in data):
                if badge.id == credential_id:
                    return bool(badge.state == "revoked")
        return False

    def _made(self, answer: object, what: str) -> Credential:
        """The badge of an answer; without one nobody knows what happened."""
        try:
            return records.credential(self._data(answer, "the new badge"))
        except (DataError, BadAnswer) as error:
            raise RemoteUnsure(f"Credly may have {what}: {error.message}", connection="credly") from error

    # -- events -----------------------------------------------------------------------------------------------------

    def feed(self, since: datetime) -> Iterator[FeedEvent]:
        """What has happened since, each event once, in Credly's order (credly.md 7).

        A list may show an event without its subject: `subject` is "" then, and `event` knows more. Raises NotFound or
        NotAllowed where the token or the organization has no events, BadAnswer for pages that make no sense.
        """
        seen = set[str]()

        def page(number: int) -> feed.EventPage:
            rows, metadata = self._page("events", {}, number)
            ids = {str(row.get("id")) for row in rows if isinstance(row, dict)}
            if rows and ids <= seen:
                raise self._bad("events", "endless paging: a page came again")
            seen.update(ids)
            more = paging.more(metadata, number, len(rows))
            if more and (not rows or number >= MOST_PAGES):
                raise self._bad("events", f"pages without an end, or none on page {number}")
            return feed.EventPage(self._events(rows), paging.whole_number(metadata.get("total_pages")), more)

        return feed.walk(page, since)

    def _events(self, rows: Sequence[Any]) -> list[FeedEvent]:
        """The rows that are events. One that is not costs a hint; a page without any is no list of events."""
        found: list[FeedEvent] = []
        wrong = ""
        for row in rows:
            try:
                found.append(records.event(row))
            except DataError as error:
                wrong = error.message
        if wrong and not found:
            raise BadAnswer(wrong + ".", hint="connectctl connection test credly", connection="credly")
        return found

    def event(self, event_id: str) -> FeedEvent | None:
        """One event with its subject; None when Credly does not know it."""
        try:
            answer = self._http.get(self._path(f"events/{_step(event_id)}"))
        except NotFound:
            return None
        found: FeedEvent = self._record(records.event, self._data(answer, "the event"))
        if found.id != event_id:
            raise self._bad("the event", f"another one, {found.id}")
        return found

    # -- plumbing ---------------------------------------------------------------------------------------------------

    def _path(self, rest: str) -> str:
        return f"organizations/{self._organization}/{rest}".rstrip("/")

    def _pages(self, what: str, query: Mapping[str, str]) -> Iterator[tuple[Sequence[Any], Mapping[str, Any]]]:
        """Rows and metadata of every page, counted by ourselves (credly.md 2.1); BadAnswer for pages without an end."""
        number, seen = 1, set[str]()
        while True:
            rows, metadata = self._page(what, query, number)
            ids = {str(row.get("id")) for row in rows if isinstance(row, dict)}
            if rows and ids and ids <= seen:
                raise self._bad(what, "endless paging: a page came again")
            seen |= ids
            yield rows, metadata
            more = paging.more(metadata, number, len(rows))
            if more and not rows:
                raise self._bad(what, f"an empty page {number} where more were promised: the listing is not complete")
            if not more:
                return
            number += 1
            if number > MOST_PAGES:
                raise self._bad(what, f"endless paging: more than {MOST_PAGES} pages")

    def _page(self, what: str, query: Mapping[str, str], number: int) -> tuple[list[Any], Mapping[str, Any]]:
        answer = self._http.get(self._path(what), params={**query, "page": number})
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise self._bad(what, "an answer without a list in data")
        metadata = answer.get("metadata")
        return answer["data"], metadata if isinstance(metadata, dict) else {}

    def _data(self, answer: object, place: str) -> Mapping[str, Any]:
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise self._bad(place, "an answer without an object in data")
        return data

    def _record(self, parse: Any, row: object) -> Any:
        """A row as a record; a row that cannot be read makes the listing worthless for decisions."""
        try:
            return parse(row)
        except DataError as error:
            raise BadAnswer(
                error.message + ".", hint="connectctl connection test credly", connection="credly"
            ) from error

    def _bad(self, what: str, how: str) -> BadAnswer:
        return BadAnswer(
            f"Credly answered {what} with {how}.",
            hint="connectctl connection test credly",
            connection="credly",
            method="GET",
            path=f"/{what}",
        )


def _readable(rows: Sequence[Any], bad: list[str]) -> Iterator[Credential]:
    """The badges of a page; what is wrong with the rows that cannot be read goes to `bad`."""
    for row in rows:
        try:
            yield records.credential(row)
        except DataError as error:
            bad.append(error.message + ".")


def _step(name: str) -> str:
    """An id as one step of a path, whatever is in it."""
    return quote(name, safe="")
