"""Badgely, a badge provider that exists for the tests alone: a whole plugin, with its remote in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connectctl.api import (
    AlreadyHeld,
    Capabilities,
    ColumnSpec,
    CommandSpec,
    ConnectionSpec,
    Credential,
    FeedEvent,
    IssueRequest,
    NotFound,
    Options,
    Page,
    ProviderSpec,
    Reference,
    SettingSpec,
    TableSpec,
    Template,
    hookimpl,
    provider_group,
)

PAGE = 3


@dataclass
class Remote:
    """What Badgely has; `sent` counts the writes."""

    templates: dict[str, Template] = field(default_factory=dict)
    badges: dict[str, Credential] = field(default_factory=dict)
    sent: int = 0

    def add(self, template: str, email: str, **facts: Any) -> Credential:
        """Somebody is given a badge."""
        made = Credential(f"B{len(self.badges) + 1}", template, "accepted", frozenset({email.lower()}), None, **facts)
        self.badges[made.id] = replace(made, link=f"https://badgely.example/{made.id}", updated_at=datetime.now(UTC))
        return self.badges[made.id]


REMOTES: dict[str, Remote] = {}


class Badgely:
    """One account, as the kit's Provider."""

    search_lag, options = 0.0, Options()

    def __init__(self, settings: Any, clock: Any = None) -> None:
        self.account, self.calls = f"badgely:{settings.require('place')}", 0
        self.remote = REMOTES.setdefault(settings.require("place"), Remote())

    def close(self) -> None: ...
    def templates(self) -> list[Template]:
        return sorted(self.remote.templates.values(), key=lambda t: (t.created_at, t.id))

    def template(self, template_id: str) -> Template | None:
        return self.remote.templates.get(template_id)

    def held(self, template_id: str | None) -> Iterator[Page]:
        found = [one for one in self.remote.badges.values() if template_id in (None, one.template_id)]
        for start in range(0, max(len(found), 1), PAGE):
            yield Page(found[start : start + PAGE], -(-len(found) // PAGE))

    def find(self, template_id: str, earner_id: str, email: str) -> list[Credential]:
        found = (one for one in self.remote.badges.values() if one.template_id == template_id)
        return [one for one in found if (earner_id and one.earner_id == earner_id) or email in one.emails]

    def issue(self, request: IssueRequest) -> Credential:
        held = self.find(request.template_id, request.earner_id, request.email)
        if held and not request.again:
            raise AlreadyHeld("Badgely: the learner has this badge", connection="badgely", status=409)
        return self._make(request)

    def replace(self, credential_id: str, request: IssueRequest) -> Credential:
        made = self._make(request)
        self.remote.badges[made.id] = replace(made, replaces=credential_id)
        old = self._present(credential_id)
        self.remote.badges[old.id] = replace(old, replaced=True, replaced_by=made.id)
        return self.remote.badges[made.id]

    def revoke(self, credential_id: str, reason: str) -> None:
        self.remote.sent += 1
        self.remote.badges[credential_id] = replace(self._present(credential_id), state="revoked")

    def feed(self, since: datetime) -> Iterator[FeedEvent]:
        raise NotFound("Badgely has no events", connection="badgely", status=404)

    def event(self, event_id: str) -> FeedEvent | None:
        return None

    def _present(self, credential_id: str) -> Credential:
        if credential_id not in self.remote.badges:
            raise NotFound(f"Badgely has no badge {credential_id}", connection="badgely", status=404)
        return self.remote.badges[credential_id]

    def _make(self, wanted: IssueRequest) -> Credential:
        self.remote.sent += 1
        facts = {"issued_at": wanted.issued_at, "expires_at": wanted.expires_at or None, "marks": (wanted.mark,)}
        made = self.remote.add(wanted.template_id, wanted.email, **facts)
        self.remote.badges[made.id] = replace(self.remote.badges[made.id], earner_id=wanted.earner_id)
        return self.remote.badges[made.id]


CALLS = {
    "run-sync-field": ("sync-field",),
    "sync-templates": ("notify-deletions",),
    "sync-field": ("find-field",),
    "dispatch-docebo": ("read-settings", "check-master", "assign-course", "assign-plans", "process-awards"),
    "batch-sync": ("read-settings", "check-master", "assign-course", "assign-plans", "process-awards"),
    "assign-course": ("find-field", "list-completions", "assign-users"),
    "assign-plans": ("filter-plans", "list-completions", "assign-users"),
    "assign-users": ("match-plans", "filter-unassigned", "issue-credential"),
    "process-awards": ("filter-unassigned", "issue-credential", "replace-credential", "revoke-credential"),
    "batch-sync-inwards": ("read-settings", "check-master", "read-credentials"),
    "read-credentials": ("import-credential",),
    "import-credential": ("find-user", "check-origin", "import-training", "import-award"),
}
TITLES = {verb: f"Badgely {verb}" for verb in sorted({*CALLS, *(one for some in CALLS.values() for one in some)})}
ACTIVE, ELEMENT = ColumnSpec("In Use", "boolean", required=True), ColumnSpec("Element", "integer")
KINDS = TableSpec(
    "badgely-kinds", "Badgely Kinds", (ColumnSpec("Kind"), ColumnSpec("Name"), ACTIVE, ELEMENT), ("Kind",)
)
REFERS = ColumnSpec("Kind", required=True, refers_to=Reference("badgely-kinds", "Kind"))
TRAINING = ColumnSpec("As Training", "boolean")
CELLS = (REFERS, ColumnSpec("Name"), ColumnSpec("Plan"), TRAINING, ColumnSpec("Certification"), ACTIVE)
RULES = TableSpec("badgely-rules", "Badgely Rules", CELLS, ("Kind", "Plan", "Certification"), active="In Use")
KEYS = ("start", "field", "expiration_days", "institute", "master", "revocation")
TYPES = {"start": "date", "expiration_days": "integer", "revocation": "boolean"}
SETTINGS = tuple(SettingSpec(key.upper(), key, TYPES.get(key, "text")) for key in KEYS)
names = {key: key.upper() for key in KEYS}
PROVIDER = ProviderSpec(
    *("badgely", "Badgely", "BADGELY", "badgely", KINDS, RULES, SETTINGS, names, TITLES, CALLS),
    capabilities=Capabilities(can_revoke=True, can_replace=True),
    noun="kind",
)
PLACE = ConnectionSpec("badgely", "Badgely", (SettingSpec("place", "which remote", required=True),), client=Badgely)

register_connections = hookimpl(lambda: [PLACE], specname="register_connections")
register_providers = hookimpl(lambda: [PROVIDER], specname="register_providers")
group = provider_group(PROVIDER)
register_commands = hookimpl(lambda: [CommandSpec("badgely", "Badgely", group)], specname="register_commands")
