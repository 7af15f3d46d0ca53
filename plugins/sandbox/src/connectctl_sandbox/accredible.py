"""The simulated Accredible as its dashboard shows it: what an account holds, and what people do there."""

from __future__ import annotations

import random
import threading
import uuid
from collections import defaultdict
from dataclasses import replace
from typing import Any

from .accredible_records import AccredibleFlags, AttributeKey, Credential, Department, Group, Key
from .clock import Clock, iso_time

FIRST_GROUP, FIRST_CREDENTIAL = 4101, 900_001


class Accredible:
    """Everything an account holds. Records are frozen: a change puts a new record in its place.

    `put` is the only way a credential changes. Every method takes `lock`; take it yourself to walk the dicts while
    requests are running. `mails` is what recipients were sent: address and credential id, one for each publication.
    """

    def __init__(self, clock: Clock, seed: int = 1) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.flags = AccredibleFlags()
        self._random = random.Random(f"accredible {seed}")  # noqa: S311 - repeatable, not secret
        self._ids: defaultdict[str, int] = defaultdict(lambda: 1)
        self._ids |= {"group": FIRST_GROUP, "credential": FIRST_CREDENTIAL}
        self.issuer_id = 55
        self.issuer_name = "Acme Academy"
        self.credits = 1_000_000
        self.designs = {31: "Blue certificate", 32: "Blue badge"}
        self.departments: dict[int, Department] = {}
        self.keys: dict[str, Key] = {}
        self.attribute_keys: dict[int, AttributeKey] = {}
        self.groups: dict[int, Group] = {}
        self.every_group: dict[int, Group] = {}
        self.credentials: dict[int, Credential] = {}
        self.mails: list[tuple[str, int]] = []
        self._by_person: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        self._by_group: defaultdict[int, dict[int, None]] = defaultdict(dict)
        self._by_license: defaultdict[str, list[int]] = defaultdict(list)
        self._history: dict[int, list[tuple[float, Credential | None]]] = {}
        self.department_id = self.add_department("Main").id
        self.key = self.add_key().key

    def new_id(self, kind: str) -> int:
        """The next id of a kind of thing."""
        self._ids[kind] += 1
        return self._ids[kind] - 1

    @property
    def today(self) -> str:
        """The day in UTC, in which issue and expiry dates are understood."""
        return iso_time(self.clock.now())[:10]

    # The account

    def add_department(self, name: str, **details: Any) -> Department:
        """A new department; the first one is where groups go that name none."""
        with self.lock:
            department = Department(self.new_id("department"), name, **details)
            self.departments[department.id] = department
            return department

    def add_key(self, department_id: int | None = None) -> Key:
        """A new API key, of the account or of one department."""
        with self.lock:
            key = Key(f"sandbox{self._random.getrandbits(128):032x}", department_id)
            self.keys[key.key] = key
            return key

    def revoke_key(self, key: str | None = None) -> None:
        """A key is known no more; the one of the configuration unless another is named."""
        with self.lock:
            self.keys.pop(key or self.key, None)

    def add_attribute_key(self, name: str, kind: str = "text", department_id: int | None = None) -> AttributeKey:
        """A name for custom attributes."""
        with self.lock:
            one = AttributeKey(self.new_id("attribute"), name, kind, department_id or self.department_id)
            self.attribute_keys[one.id] = one
            return one

    # Groups

    def add_group(self, name: str, **details: Any) -> Group:
        """A new group, with a design unless `certificate_design_id=None`."""
        with self.lock:
            now = self.clock.now()
            defaults = {
                "department_id": self.department_id,
                "created_at": now,
                "updated_at": now,
                "certificate_design_id": 31,
            }
            group = Group(id=self.new_id("group"), name=name, **(defaults | details))
            self.groups[group.id] = self.every_group[group.id] = group
            return group

    def update_group(self, group_id: int, **changes: Any) -> Group:
        """Change parts of a group."""
        with self.lock:
            now = self.clock.now()
            group = replace(self.groups[group_id], **({"updated_at": now} | changes))
            self.groups[group_id] = self.every_group[group_id] = group
            if self.flags.group_touches_credentials:
                for one in self.in_group(group_id):
                    self.put(replace(one, updated_at=now))
            return group

    def delete_group(self, group_id: int) -> Group:
        """Delete a group; ValueError while it holds credentials."""
        with self.lock:
            if self._by_group[group_id]:
                raise ValueError("This group still holds credentials")
            return self.groups.pop(group_id)

    # Credentials

    def issue(self, group_id: int, email: str, recipient_name: str = "Pat Earner", **details: Any) -> Credential:
        """A credential made by hand in the dashboard: published, the duplicate rule is not asked."""
        with self.lock:
            now = details.pop("created_at", self.clock.now())
            day = iso_time(now)[:10]
            defaults = {"issued_on": day, "published_on": day, "approve": True, "created_at": now, "updated_at": now}
            one = self.new_credential(group_id, email, recipient_name, **(defaults | details))
            self.put(one)
            return one

    def new_credential(self, group_id: int, email: str, recipient_name: str, **details: Any) -> Credential:
        """A credential under new ids, not stored yet; addresses are kept in lower case."""
        return Credential(
            id=self.new_id("credential"),
            uuid=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            encoded_id=f"{self._random.getrandbits(40):010x}",
            group_id=group_id,
            recipient_name=recipient_name,
            recipient_email=email.lower(),
            **details,
        )

    def change(self, credential_id: int, **changes: Any) -> Credential:
        """Change parts of a credential by hand: another address, an expiry, `approve=False`."""
        with self.lock:
            one = replace(self.credentials[credential_id], **({"updated_at": self.clock.now()} | changes))
            self.put(one)
            return one

    def publish(self, one: Credential) -> Credential:
        """The credential published if nothing is in the way: `unpublishable` says what. Costs a credit and a mail."""
        if one.approve or self.unpublishable(one.group_id):
            return one
        self.credits -= 1
        self.mails.append((one.recipient_email, one.id))
        return replace(one, approve=True, published_on=self.today)

    def unpublishable(self, group_id: int) -> str | None:
        """Why a credential of a group would stay unpublished, None when it would not (accredible.md 3.2)."""
        if self.flags.sandbox_mode:
            return "sandbox_mode"
        if not self.flags.publish_from_api:
            return "account_option"
        if self.groups[group_id].design_id is None:
            return "no_design"
        return "insufficient_credits" if self.credits <= 0 else None

    def put(self, one: Credential) -> None:
        """Store a new or changed credential."""
        with self.lock:
            self._unindex(self.credentials.get(one.id))
            self.credentials[one.id] = one
            self._by_person[one.group_id, one.recipient_email].add(one.id)
            self._by_group[one.group_id][one.id] = None
            if one.license_id is not None:
                self._by_license[one.license_id].append(one.id)
            self._history.setdefault(one.id, []).append((one.updated_at, one))

    def delete(self, credential_id: int) -> Credential:
        """Delete a credential; nothing is left of it."""
        with self.lock:
            one = self.credentials.pop(credential_id)
            self._unindex(one)
            self._history[credential_id].append((self.clock.now(), None))
            return one

    def _unindex(self, one: Credential | None) -> None:
        if one is None:
            return
        self._by_person[one.group_id, one.recipient_email].discard(one.id)
        self._by_group[one.group_id].pop(one.id, None)
        if one.license_id is not None:
            self._by_license[one.license_id].remove(one.id)

    # Looking

    def find(self, credential_id: str) -> Credential | None:
        """A credential by its number, else by the caller's own id (accredible.md 3.5)."""
        with self.lock:
            if credential_id.isascii() and credential_id.isdigit() and int(credential_id) in self.credentials:
                return self.credentials[int(credential_id)]
            ids = self._by_license.get(credential_id)
            return self.credentials[ids[0]] if ids else None

    def in_group(self, group_id: int) -> list[Credential]:
        """The credentials of a group, oldest first."""
        with self.lock:
            return [self.credentials[credential_id] for credential_id in sorted(self._by_group[group_id])]

    def held_by(self, group_id: int, email: str) -> list[Credential]:
        """The credentials of a group that have this address, oldest first; the address in whatever case."""
        with self.lock:
            return [self.credentials[one] for one in sorted(self._by_person[group_id, email.lower()])]

    def expired(self, one: Credential) -> bool:
        """Whether the day of expiry is over."""
        return one.expired_on is not None and one.expired_on < self.today

    def searchable(self) -> list[Credential]:
        """What the index of the v2 search knows: every credential as it was `search_lag` seconds ago, by id."""
        with self.lock:
            if self.flags.search_lag <= 0:
                return [self.credentials[one] for one in sorted(self.credentials)]
            limit = self.clock.now() - self.flags.search_lag
            seen = (self._seen(one, limit) for one in sorted(self._history))
            return [one for one in seen if one is not None]

    def _seen(self, credential_id: int, limit: float) -> Credential | None:
        for written_at, one in reversed(self._history[credential_id]):
            if written_at <= limit:
                return one
        return None
