"""What the simulated Credly keeps: frozen records, and the switches for what the public sources leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PAGE = 50
"""Rows of a page (credly.md 2.1)."""
BATCH = 50
"""Badges of a batch at most (credly.md 5.6)."""

LOCALES = ("en", "fr", "de", "ko", "ja", "zh-CN", "pt", "es-ES", "es-US", "fr-CA", "pt-BR")


@dataclass(frozen=True, slots=True)
class Template:
    """A badge template. `expires_after_days` is its default expiry; times are seconds since 1970."""

    id: str
    name: str
    created_at: float
    updated_at: float
    state: str = "active"
    description: str = ""
    allow_duplicate_badges: bool = False
    public: bool = True
    expires_after_days: int | None = None
    skills: tuple[str, ...] = ()
    reporting_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence. `id` is Credly's own; `given_id` is what an IdEvidence was sent with."""

    id: str
    type: str
    name: str
    description: str | None = None
    value: str | None = None
    given_id: str | None = None

    def content(self) -> tuple[str | None, ...]:
        """What the sender decides: everything but Credly's own id."""
        return (self.type, self.name, self.description, self.value, self.given_id)


@dataclass(frozen=True, slots=True)
class Badge:
    """An issued badge. Times are seconds since 1970."""

    id: str
    template_id: str
    recipient_email: str
    first_name: str
    last_name: str
    issued_at: float
    created_at: float
    updated_at: float
    state: str = "pending"
    middle_name: str | None = None
    issuer_earner_id: str | None = None
    expires_at: float | None = None
    locale: str = "en"
    suppressed: bool = False
    country: str | None = None
    state_or_province: str | None = None
    group: str | None = None
    evidence: tuple[Evidence, ...] = ()
    state_updated_at: float | None = None
    replacement_badge_id: str | None = None
    replaces_badge_id: str | None = None
    revocation_reason: str | None = None
    public: bool = True
    account_id: str | None = None
    """The account that accepted it, which may have given up the address since."""

    @property
    def live(self) -> bool:
        """Neither revoked nor replaced by a newer one."""
        return self.state != "revoked" and self.replacement_badge_id is None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with its subject as it was then."""

    id: str
    event_type: str
    occurred_at: float
    subject: Badge | Template


@dataclass(frozen=True, slots=True)
class Token:
    """An authorization token and what it may do; it lives 180 days (credly.md 1.2)."""

    id: str
    token: str
    name: str
    created_at: float
    expires_at: float
    read: bool = True
    write: bool = True
    delete: bool = True


@dataclass(slots=True)
class CredlyFlags:
    """Switches of the simulator contract (credly.md 12); set them at any time."""

    search_lag: float = 0.0
    """Simulated seconds until the lists of badges show a write. The duplicate rule sees it at once."""
    strict_dates: bool = False
    """Take only the documented form `YYYY-MM-DD HH:MM:SS -0500` (5.5)."""
    accept_bare_token: bool = True
    """Take the base64 of a token without its colon (1.2)."""
    unknown_filter: Literal["ignore", "refuse"] = "ignore"
    """An unknown filter key is probably ignored, which returns everything (2.3)."""
    drop_filter_in_next: bool = False
    """`next_page_url` loses `filter` and `sort` (2.1)."""
    old_duplicate_rule: bool = False
    """Same template and e-mail and the same issue or expiry time (8.1)."""
    revoked_blocks: bool = False
    """A revoked badge still counts as a duplicate (8.1)."""
    revoke_idempotent: bool = False
    """A second revoke is answered with 200 (5.8)."""
    enable_badge_get: bool = False
    """`GET badges/{id}` exists (5.4)."""
    enable_batch: bool = True
    """`POST badges/batch` exists (5.6)."""
    auto_accept: bool = False
    """New badges start accepted, as by an arrangement of the organization (5.1)."""
    events_order: Literal["desc", "asc"] = "desc"
    """Newest or oldest event first (7)."""
    event_subject: Literal["always", "by_id", "never"] = "always"
    """Whether the list and the event by id, only the latter, or neither carries the badge or template (7)."""
    event_state: Literal["snapshot", "current"] = "snapshot"
    """The subject as it was then or as it is now; of what is gone now, its id alone (7)."""
    high_volume_page: int = 100
    """Rows of a page of the bulk search; the real size is not known (5.3)."""
