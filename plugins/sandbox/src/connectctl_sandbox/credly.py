"""The simulated Credly as its administrator and its earners see it: what it holds, and what people do there."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .clock import Clock
from .credly_accounts import Accounts
from .credly_records import Badge, CredlyFlags, Event, Evidence, Template, Token

DAY = 86_400.0
TOKEN_DAYS = 180
EMAIL, EARNER, ACCOUNT = "email", "earner", "account"


class Credly:
    """Everything the organization holds. Records are frozen: a change puts a new record in its place.

    `put` is the only way a badge changes: it keeps the index, the history behind the search lag, and the event
    together. Every method takes `lock`; take it yourself to walk the dicts while requests are running.
    """

    def __init__(self, clock: Clock, seed: int = 1) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.flags = CredlyFlags()
        self._random = random.Random(f"credly {seed}")  # noqa: S311 - repeatable, not secret
        self.organization_id = self.new_id()
        self.organization_name = "Acme"
        self.templates: dict[str, Template] = {}
        self.badges: dict[str, Badge] = {}
        self.events: list[Event] = []
        self.tokens: dict[str, Token] = {}
        self.accounts = Accounts()
        self.every_template: dict[str, Template] = {}
        self._by_person: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._by_template: defaultdict[str, list[str]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._history: dict[str, list[tuple[float, Badge | None]]] = {}
        self._event_by_id: dict[str, Event] = {}
        self._undo: list[tuple[Badge, Badge | None]] | None = None
        self.token = self.add_token("connectctl").token

    def new_id(self) -> str:
        """A fresh random id, the same in every run with the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # Tokens

    def add_token(self, name: str, *, read: bool = True, write: bool = True, delete: bool = True) -> Token:
        """A new authorization token with the given rights."""
        with self.lock:
            secret = f"sandbox-{self._random.getrandbits(128):032x}"
            now = self.clock.now()
            token = Token(self.new_id(), secret, name, now, now + TOKEN_DAYS * DAY, read, write, delete)
            self.tokens[secret] = token
            return token

    def expire_token(self, token: str | None = None) -> None:
        """Let a token's days be over; the one of the configuration unless another is named."""
        with self.lock:
            name = token or self.token
            self.tokens[name] = replace(self.tokens[name], expires_at=self.clock.now())

    # Templates

    def add_template(
        self, name: str, state: str = "active", allow_duplicate_badges: bool = False, **details: Any
    ) -> Template:
        """A new badge template."""
        with self.lock:
            now = self.clock.now()
            template = Template(
                id=details.pop("id", None) or self.new_id(),
                name=name,
                state=state,
                allow_duplicate_badges=allow_duplicate_badges,
                created_at=details.pop("created_at", now),
                updated_at=details.pop("updated_at", now),
                **details,
            )
            self._put_template(template, "badge_template.created")
            return template

    def update_template(self, template_id: str, **changes: Any) -> Template:
        """Change parts of a template."""
        with self.lock:
            template = replace(self.templates[template_id], **({"updated_at": self.clock.now()} | changes))
            self._put_template(template, "badge_template.changed")
            return template

    def archive(self, template_id: str) -> Template:
        """Archive a template: it can issue no more."""
        return self.update_template(template_id, state="archived")

    def delete_template(self, template_id: str) -> None:
        """Delete a template; badges made from it keep their copy of it."""
        with self.lock:
            template = self.templates.pop(template_id)
            self._record("badge_template.deleted", template, self.clock.now())

    def _put_template(self, template: Template, event_type: str) -> None:
        self.templates[template.id] = self.every_template[template.id] = template
        self._record(event_type, template, template.updated_at)

    # Earners

    def add_account(self, *emails: str) -> str:
        """A Credly account with one or more addresses, of which it shows the first; returns its id."""
        with self.lock:
            account_id = self.new_id()
            self.accounts.put(account_id, emails)
            return account_id

    def change_account(self, account_id: str, *emails: str) -> None:
        """The earner's addresses are now these. A badge keeps the one it was sent to; there is no event (6.2)."""
        with self.lock:
            self.accounts.put(account_id, emails)

    def account_of(self, badge: Badge) -> str | None:
        """The account that accepted a badge, else the one that has the address it was sent to."""
        return badge.account_id or self.accounts.of(badge.recipient_email)

    def addresses(self, badge: Badge) -> set[str]:
        """Every address a badge is found by, in lower case: the one it was sent to, and those of its account."""
        return {badge.recipient_email.lower(), *self.accounts.addresses(self.account_of(badge))}

    def accept(self, badge_id: str) -> Badge:
        """The earner accepts a badge, which takes an account."""
        with self.lock:
            badge = self.badges[badge_id]
            account_id = self.account_of(badge) or self.add_account(badge.recipient_email)
            return self._set_state(replace(badge, account_id=account_id), "accepted")

    def reject(self, badge_id: str) -> Badge:
        """The earner rejects a badge."""
        with self.lock:
            return self._set_state(self.badges[badge_id], "rejected")

    def set_public(self, badge_id: str, public: bool) -> Badge:
        """The earner shows a badge, or hides it."""
        with self.lock:
            badge = replace(self.badges[badge_id], public=public, updated_at=self.clock.now())
            self.put(badge, "badge.privacy.changed")
            return badge

    def _set_state(self, badge: Badge, state: str) -> Badge:
        now = self.clock.now()
        changed = replace(badge, state=state, state_updated_at=now, updated_at=now)
        self.put(changed, "badge.state.changed")
        return changed

    # Badges

    def issue(
        self,
        recipient_email: str,
        template_id: str,
        *,
        first_name: str = "Pat",
        last_name: str = "Earner",
        state: str = "pending",
        issued_at: float | None = None,
        evidence: Iterable[Evidence] = (),
        **details: Any,
    ) -> Badge:
        """A badge made by somebody else, for instance by hand in the web pages; the duplicate rule is not asked."""
        with self.lock:
            now = self.clock.now()
            badge = Badge(
                id=self.new_id(),
                template_id=self.templates[template_id].id,
                recipient_email=recipient_email,
                first_name=first_name,
                last_name=last_name,
                issued_at=now if issued_at is None else issued_at,
                created_at=details.pop("created_at", now),
                updated_at=details.pop("updated_at", now),
                evidence=tuple(evidence),
                **details,
            )
            self.put(badge, "badge.created")
            match state:
                case "pending":
                    return badge
                case "accepted":
                    return self.accept(badge.id)
                case "rejected":
                    return self.reject(badge.id)
                case "revoked":
                    return self.revoke(badge.id, "revoked by hand")
            raise ValueError(f"{state!r} is not a state of a badge")

    def revoke(self, badge_id: str, reason: str) -> Badge:
        """Revoke a badge, by request or by hand."""
        with self.lock:
            return self._set_state(replace(self.badges[badge_id], revocation_reason=reason), "revoked")

    def delete(self, badge_id: str) -> None:
        """Delete a badge without a trace; its event keeps a copy."""
        with self.lock:
            badge = self.badges.pop(badge_id)
            self._counts[badge.template_id] -= 1
            self._history[badge_id].append((self.clock.now(), None))
            self._record("badge.deleted", badge, self.clock.now())

    def put(self, badge: Badge, event_type: str) -> None:
        """Store a new or changed badge with its event, as one change made at its `updated_at`."""
        with self.lock:
            before = self.badges.get(badge.id)
            if self._undo is not None:
                self._undo.append((badge, before))
            if before is None:
                self._by_template[badge.template_id].append(badge.id)
                self._counts[badge.template_id] += 1
                self._by_person[badge.template_id, EMAIL, badge.recipient_email.lower()].append(badge.id)
                if badge.issuer_earner_id is not None:
                    self._by_person[badge.template_id, EARNER, badge.issuer_earner_id].append(badge.id)
            if badge.account_id is not None and (before is None or before.account_id != badge.account_id):
                self._by_person[badge.template_id, ACCOUNT, badge.account_id].append(badge.id)
            self.badges[badge.id] = badge
            self._history.setdefault(badge.id, []).append((badge.updated_at, badge))
            self._record(event_type, badge, badge.updated_at)

    def _record(self, event_type: str, subject: Badge | Template, at: float) -> None:
        event = Event(self.new_id(), event_type, at, subject)
        self.events.append(event)
        self._event_by_id[event.id] = event

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Takes back every `put` made meanwhile, with its events, when an error comes out. Not to be nested."""
        with self.lock:
            events = len(self.events)
            written: list[tuple[Badge, Badge | None]] = []
            self._undo = written
            try:
                yield
            except BaseException:
                for badge, before in reversed(written):
                    self._take_back(badge, before)
                for event in self.events[events:]:
                    del self._event_by_id[event.id]
                del self.events[events:]
                raise
            finally:
                self._undo = None

    def _take_back(self, badge: Badge, before: Badge | None) -> None:
        """The index by person may go on naming a badge that is not there: `held_by` looks whether it is."""
        self._history[badge.id].pop()
        if before is not None:
            self.badges[badge.id] = before
            return
        del self.badges[badge.id], self._history[badge.id]
        self._by_template[badge.template_id].pop()
        self._counts[badge.template_id] -= 1

    # Looking

    def live_badges(self, template_id: str | None = None) -> list[Badge]:
        """The badges that are neither revoked nor replaced, oldest first."""
        with self.lock:
            return [badge for badge in self.badges.values() if badge.live and template_id in (None, badge.template_id)]

    def held_by(self, template_id: str, email: str, earner_id: str | None) -> list[Badge]:
        """The badges of a template that are the same person's by address, account or earner id, oldest first."""
        with self.lock:
            account_id = self.accounts.of(email)
            addresses = {email.lower(), *self.accounts.addresses(account_id)}
            keys = [(template_id, EMAIL, address) for address in addresses]
            if account_id is not None:
                keys.append((template_id, ACCOUNT, account_id))
            if earner_id is not None:
                keys.append((template_id, EARNER, earner_id))
            ids = {badge_id for key in keys for badge_id in self._by_person.get(key, ()) if badge_id in self.badges}
            return sorted((self.badges[badge_id] for badge_id in ids), key=lambda badge: badge.created_at)

    def event(self, event_id: str) -> Event | None:
        """One event, None for an unknown id."""
        return self._event_by_id.get(event_id)

    def badge_count(self, template_id: str) -> int:
        """How many badges of a template exist, in whatever state."""
        return self._counts[template_id]

    def searchable(self, template_ids: Sequence[str] | None = None) -> list[Badge]:
        """What the search index knows: every badge as it was `search_lag` seconds ago, in the order of issue.

        `template_ids` limits it to some templates, which spares the walk over all badges.
        """
        with self.lock:
            if template_ids is None:
                ids: Iterable[str] = self._history
            else:
                ids = [badge_id for template_id in template_ids for badge_id in self._by_template.get(template_id, ())]
            if self.flags.search_lag <= 0:
                return [self.badges[badge_id] for badge_id in ids if badge_id in self.badges]
            limit = self.clock.now() - self.flags.search_lag
            seen = (self._seen(badge_id, limit) for badge_id in ids)
            return [badge for badge in seen if badge is not None]

    def _seen(self, badge_id: str, limit: float) -> Badge | None:
        for written_at, badge in reversed(self._history[badge_id]):
            if written_at <= limit:
                return badge
        return None
