"""What has come at the provider: whole lists of credentials, or only what its events name (CR-43, CR-82, GN-37)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectctl.badging.badge_spool import BadgeSpool
from connectctl.badging.chains import from_json
from connectctl.badging.inward_window import OVERLAP
from connectctl.badging.people import changed_addresses, normal_email
from connectctl.badging.provider import Credential, FeedEvent, Provider
from connectctl.docebo import users
from connectctl.errors import BadAnswer, ConnectctlError, DataError, NotAllowed, NotFound, Rejected
from connectctl.model import OpenItem, Problem, RunContext

EVENTS = "events"  # the part that remembers which events were seen
PAGES = "import-pages"  # cache: how many pages of credentials a template has, by account and template
UNREADABLE = (BadAnswer, DataError, NotAllowed, NotFound, Rejected)
CARRIED = ("user_not_found", "no_email")  # what stays as it is while the user does not change


@dataclass(slots=True)
class Arrivals:
    """Reads credentials into the spool. `failed`: templates whose credentials could not be read, and why. `broken`:
    those with rows that could not be read. `family`: by template, the templates that have to be read with it; `codes`:
    by certification, the templates that award it.
    """

    ctx: RunContext
    provider: Provider
    spool: BadgeSpool
    start: datetime | None
    problems: list[Problem]
    family: Mapping[str, frozenset[str]]
    codes: Mapping[str, Sequence[str]]
    failed: dict[str, ConnectctlError] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    fed: bool = False  # whether the provider's events were read in full
    newest: datetime | None = None  # the newest change seen, in the provider's own time
    lost: list[str] = field(default_factory=list)  # credentials that are gone, and nobody says of which template
    _asked: set[tuple[str, str]] = field(default_factory=set)
    _listed: set[str] = field(default_factory=set)
    _carried: set[str] = field(default_factory=set)  # of earlier runs, while the users' list tells no changes

    # -- lists ------------------------------------------------------------------------------------------------------

    def read_list(self, template: str, source: str) -> None:
        """All credentials of a template; a row that cannot be read is a problem of its own (GN-19)."""
        if template in self._listed:
            return
        self._listed.add(template)
        pages = 0
        try:
            for page in self.provider.held(template):
                pages += 1
                self._keep(page.credentials)
                for row in page.bad:
                    self.broken.add(template)
                    self.problems.append(Problem(source, row, source))
        except UNREADABLE as error:
            self.failed[template] = error
            return
        known, place = self.ctx.cached(PAGES), f"{self.provider.account}|{template}"
        if known.get(place) != pages:
            known[place] = pages

    def find(self, template: str, email: str, earner: str = "") -> None:
        """The credentials of one address, or of one issuer earner id, of a template."""
        if template in self._listed or (template, email or earner) in self._asked:
            return
        self._asked.add((template, email or earner))
        try:
            found = self.provider.find(template, earner if not email else "", email)
            self._keep(found)
            if any(one.replaces and not self.spool.knows(one.replaces) for one in found):
                # Its predecessor had another address, and without it the chain's beginning is not known.
                self.read_list(template, f"template:{template}")
        except UNREADABLE as error:
            self.failed[template] = error

    def find_successor(self, one: Credential) -> None:
        """What took the place of a credential, among all that its learner holds, whatever the template."""
        try:
            for email in sorted(one.emails):
                found = self.provider.find(None, "", email)
                self._keep([other for other in found if other.id == one.replaced_by])
        except UNREADABLE as error:
            self.problems.append(Problem(f"badge:{one.id}", error.message))

    def _keep(self, credentials: Sequence[Credential]) -> None:
        for one in credentials:
            self._move(one.updated_at)
        made = self._made([one.id for one in credentials])
        self.spool.add_badges((one, self._is_ours(one, made), self._wanted(one, made)) for one in credentials)

    def _made(self, ids: Collection[str]) -> set[str]:
        """Which of these credentials we issued, by the ledger's word; other remotes may use the same ids."""
        return set(self.ctx.made(list(ids), f"{self.provider.account}|"))

    def _is_ours(self, one: Credential, made: Collection[str]) -> bool:
        return one.id in made or any(mark.startswith("connectctl-") for mark in one.marks)

    def _wanted(self, one: Credential, made: Collection[str]) -> bool:
        """Whether its owner has to be found: for what is ours or too old nobody is looked for."""
        old = one.issued_at is None or (self.start is not None and one.issued_at < self.start)
        return not old and not self._is_ours(one, made)

    # -- events -----------------------------------------------------------------------------------------------------

    def remember(self, since: datetime) -> list[FeedEvent] | None:
        """The events since the moment that were not seen before; None where the provider has no such list.

        What the next run will be shown again is kept, so that it costs nothing then.
        """
        seen = {item.key for item in self.ctx.open_items(EVENTS)}
        new: list[FeedEvent] = []
        try:
            for event in self.provider.feed(since):
                self._move(event.at)
                self.spool.add_event(event.id, event.at)
                if event.id not in seen:
                    new.append(event)
        except (NotFound, NotAllowed, Rejected):
            return None
        self.fed = True
        return new

    def since(self, position: datetime) -> datetime:
        """From when on the events have to be read: a run without them may have moved the position past some."""
        read = self.ctx.cursor(EVENTS, EVENTS)
        return min(position, datetime.fromisoformat(read) if read else position) - OVERLAP

    def catch_up(self, templates: Collection[str]) -> None:
        """After whole lists: the events that these show to be over, so that the next run need not look at them.

        What was deleted since the events were read last is in no list, and no later run asks for it again (CR-82).
        """
        known = self.ctx.cursor(EVENTS, EVENTS) is not None
        try:
            for event in self.provider.feed(self.since(self.newest or self.ctx.now)):
                if event.gone and event.subject and known and not self.spool.knows(event.subject):
                    self._miss(event, templates)
                    self.spool.add_event(event.id, event.at)
                one = self.spool.credential(event.subject)
                shown = one.updated_at if one is not None else None
                foreign = event.credential is not None and event.credential.template_id not in templates
                if event.kind != "credential" or foreign or (shown is not None and shown >= event.at):
                    self.spool.add_event(event.id, event.at)
        except (NotFound, NotAllowed, Rejected):
            return
        self.fed = True

    def _miss(self, event: FeedEvent, templates: Collection[str]) -> None:
        """Keeps what an event calls deleted, and what a whole list does not show."""
        one, made = event.credential, self._made([event.subject])
        if one is None:
            self.lost += [event.subject] if not made else []
        elif one.template_id in templates and not self.failed.keys() & self.family.get(one.template_id, set()):
            self.spool.add_badges([(one, self._is_ours(one, made), self._wanted(one, made))], deleted=True)

    def _move(self, at: datetime | None) -> None:
        """Notes how far the provider's own time has got; what lies in the far future says nothing about it."""
        if at is not None and at < self.ctx.now + OVERLAP:
            self.newest = max(self.newest or at, min(at, self.ctx.now))

    def follow(self, events: Sequence[FeedEvent], templates: Collection[str]) -> bool:
        """Reads again what the events are about; False when one does not say enough for that.

        An event is a hint. Of what we issued ourselves nothing is read (CR-70).
        """
        named = self._named(events)
        if named is None:
            return False
        events = named
        subjects = {event.subject: event for event in sorted(events, key=lambda e: (e.at, e.id)) if _is_about(event)}
        gone = {event.subject for event in events if _is_about(event) and event.gone}
        made = self._made(subjects)
        shown: dict[str, Credential] = {}
        for subject, event in subjects.items():
            credential = event.credential if subject not in made else None
            if credential is None and subject not in made and subject not in gone:
                told = self.provider.event(event.id)
                credential = told.credential if told is not None else None
                if credential is None:
                    return False
            if credential is None:
                self.lost += [subject] if subject not in made else []
            elif credential.template_id in templates:
                shown[subject] = credential
            elif credential.replaces:  # it may have taken the place of one that was imported
                self.find(credential.template_id, min(credential.emails, default=""), credential.earner_id or "")
        self.reread(shown.values())
        for subject in sorted(gone & shown.keys()):
            one = shown[subject]
            if not self.spool.knows(subject) and not self.failed.keys() & self.family.get(one.template_id, set()):
                self.spool.add_badges([(one, self._is_ours(one, made), self._wanted(one, made))], deleted=True)
        return True

    def _named(self, events: Sequence[FeedEvent]) -> list[FeedEvent] | None:
        """The events, each with what it is about: a list may keep that to itself. None when one does not say."""
        named: list[FeedEvent] = []
        for event in events:
            told = self.provider.event(event.id) if _is_about(event) and not event.subject else event
            if told is None or (_is_about(told) and not told.subject):
                return None
            named.append(told)
        return named

    def reread(self, credentials: Iterable[Credential]) -> None:
        """Reads what their learners hold now: by address, or the template's list where that is fewer calls."""
        wanted: dict[str, set[tuple[str, str]]] = {}
        for one in credentials:
            for template in self.family.get(one.template_id, frozenset({one.template_id})):
                for email in one.emails or {""}:
                    wanted.setdefault(template, set()).add((email, "" if email else one.earner_id or ""))
        known = self.ctx.cached(PAGES)
        for template in sorted(wanted):
            pages = known.get(f"{self.provider.account}|{template}")
            if ("", "") in wanted[template] or (pages is not None and pages < len(wanted[template])):
                self.read_list(template, f"template:{template}")
                continue
            for email, earner in sorted(wanted[template]):
                self.find(template, email, earner)

    # -- what earlier runs left open --------------------------------------------------------------------------------

    def reopen(self, items: Sequence[OpenItem], since: datetime) -> None:
        """What was left open joins what is new; who could not be found costs nothing until a user changes."""
        left = [([from_json(dict(b)) for b in item.data["badges"]], item) for item in items if "badges" in item.data]
        gone = [badges[-1] for badges, item in left if item.data.get("deleted")]  # nothing will say so again
        left = [(badges, item) for badges, item in left if not item.data.get("deleted")]
        carried = [(badges, item) for badges, item in left if item.data["reason"] in CARRIED]
        changed = changed_addresses(self.ctx, since - OVERLAP) if carried else set()
        again = [badges[-1] for badges, item in left if item.data["reason"] not in CARRIED]
        again += [one for one in gone if one.emails]
        for badges, _ in carried:
            emails = badges[-1].emails
            if changed is not None and emails & changed:
                again.append(badges[-1])
                continue
            self.spool.add_badges((one, False, changed is None) for one in badges)
            if changed is None:
                self._carried.add(badges[-1].id)
            else:
                self.spool.add_looked(emails)
        self.reread(again)
        for one in gone:
            if not self.spool.knows(one.id):
                self.spool.add_badges([(one, False, True)], deleted=True)
        for item in items:
            if "badges" not in item.data and "user" in item.data:
                self._again(item)

    def renew(self) -> bool:
        """Reads again what was carried along and turns out to have an owner now; whether there was any."""
        found = [one for badge in sorted(self._carried) if (one := self.spool.owned(badge)) is not None]
        self._carried.clear()
        for one in found:  # it may be gone by now
            self.spool.forget_badge(one.id)
        self.reread(found)
        return bool(found)

    def _again(self, item: OpenItem) -> None:
        """A change that was not carried out: what its user holds is read again."""
        template = item.key.split("|")[2] if item.key.split("|")[1:2] == ["training"] else ""
        person = users.get(self.ctx.client("docebo"), str(item.data["user"]))
        email = normal_email(person.email) if person is not None else ""
        for one in self._templates_of(template, item) if email else ():
            self.find(one, email)

    def _templates_of(self, template: str, item: OpenItem) -> Iterable[str]:
        if template:
            return sorted(self.family.get(template, frozenset({template})))
        return sorted(self.codes.get(item.key.split("|")[2], ()))


def _is_about(event: FeedEvent) -> bool:
    return event.kind == "credential"
