"""What the simulated Accredible keeps: frozen records, and the switches for what the public sources leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PAGE = 50
"""Rows of a page unless asked for otherwise (accredible.md 1)."""
BULK_V1, BULK_V2 = 100, 30
"""Credentials of a bulk call at most (accredible.md 3.3, 3.4)."""
WINDOW = 10_000
"""How far the offsets of the v2 search reach (accredible.md 3.9)."""


@dataclass(frozen=True, slots=True)
class Department:
    """A department. `private_credentials` is its `generate_private_credential`."""

    id: int
    name: str
    meta_data: Mapping[str, str] = field(default_factory=dict)
    private_credentials: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, of the whole account or of one department."""

    key: str
    department_id: int | None = None


@dataclass(frozen=True, slots=True)
class AttributeKey:
    """The name of a custom attribute."""

    id: int
    name: str
    kind: str
    department_id: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group: a course or an achievement. `auto_expiry` is in years; times are seconds since 1970."""

    id: int
    name: str
    department_id: int
    created_at: float
    updated_at: float
    course_name: str | None = None
    course_description: str | None = None
    course_link: str | None = None
    language: str = "en"
    attach_pdf: bool = False
    blockchain: bool = False
    certificate_design_id: int | None = None
    badge_design_id: int | None = None
    primary_design_id: int | None = None
    meta_data: Mapping[str, str] | None = None
    learning_outcomes: tuple[str, ...] | None = None
    generate_private_credential: bool | None = None
    auto_expiry: int | None = None
    allow_duplicate_credentials: bool = False
    achievement_type: str | None = None
    skill_category_id: int | None = None
    collections: tuple[int, ...] = ()
    signup_url: str | None = None
    signup_url_show: bool = False
    course_link_show: bool = True
    organization_link_show: bool = True

    @property
    def design_id(self) -> int | None:
        """The design that is shown, None when nothing can be."""
        return self.primary_design_id or self.certificate_design_id or self.badge_design_id


@dataclass(frozen=True, slots=True)
class Attachment:
    """A piece of evidence or a reference: its id and what was sent."""

    id: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential. Days are `YYYY-MM-DD` in UTC; times are seconds since 1970.

    `name`, `description` and `course_link` of None are the group's.
    """

    id: int
    uuid: str
    encoded_id: str
    group_id: int
    recipient_name: str
    recipient_email: str
    issued_on: str
    created_at: float
    updated_at: float
    license_id: str | None = None
    name: str | None = None
    description: str | None = None
    course_link: str | None = None
    expired_on: str | None = None
    published_on: str | None = None
    approve: bool = False
    complete: bool = True
    private: bool = False
    grade: str | int | float | None = None
    recipient_id: str | None = None
    recipient_phone: str | None = None
    recipient_meta_data: Mapping[str, str] | None = None
    custom_attributes: Mapping[str, Any] | None = None
    meta_data: Mapping[str, str] | None = None
    allow_supplemental_evidence: bool = True
    allow_supplemental_references: bool = True
    evidence: tuple[Attachment, ...] = ()
    references: tuple[Attachment, ...] = ()


@dataclass(slots=True)
class AccredibleFlags:
    """Switches of the simulator contract (accredible.md 11); set them at any time."""

    search_lag: float = 0.0
    """Simulated seconds until the v2 search shows a write; everything else sees it at once (3.9)."""
    limits: bool = False
    """200 requests in 30 s, which is 2,000 in 5 minutes, and 100 a minute for the v1 search (8)."""
    retry_after: bool = False
    """Whether a 429 of these limits says when to come back (8)."""
    sandbox_mode: bool = False
    """Nothing is published, whatever `approve` says (3.2)."""
    publish_from_api: bool = True
    """The account's option to publish what the API creates (3.2)."""
    unique_group_names: bool = True
    """Two groups of an account cannot have the same name (2.4)."""
    unique_license_ids: bool = True
    """The caller's own id can be used once (6)."""
    unpublished_blocks: bool = True
    """An unpublished credential counts as a duplicate (6)."""
    expired_blocks: bool = True
    """An expired credential counts as a duplicate (6)."""
    duplicate_error: Literal["object", "text"] = "object"
    """How a single call words a duplicate: `{"errors": {"recipient.email": [...]}}` or `{"errors": text}` (3.2)."""
    unknown_attribute: Literal["refuse", "ignore"] = "refuse"
    """What becomes of an attribute that is in no document."""
    timestamps: bool = False
    """Days may also be written as timestamps (1)."""
    maps_on_put: Literal["replace", "merge"] = "replace"
    """What PUT does to `custom_attributes` and `meta_data` (3.6)."""
    id_echo: bool = True
    """`id` of a v1 credential is the caller's own, where there is one (3.1)."""
    id_types_flipped: bool = False
    """Ids are whole numbers in single answers and texts in lists, not the other way round (3.1)."""
    absent_nulls: bool = False
    """What is null is left out."""
    not_found: Literal["success", "errors", "error"] = "success"
    """The body of a 404: `{"success": false, "data": text}`, `{"errors": text}` or `{"error": text}` (3.5)."""
    unknown_key_as_text: bool = False
    """An unknown key gets the text that a missing one gets (8)."""
    v1_bulk_bare: bool = False
    """The v1 bulk answer is a bare array of `{"credential": ...}` (3.3)."""
    v2_errors: Literal["endpoint", "intro"] = "endpoint"
    """`errors` with `message` and `recipient.email`, or `error` with `reason` and `recipient_email` (3.4)."""
    last_cursor: Literal["until_empty", "null", "absent", "same"] = "until_empty"
    """The cursor on the last page of a v2 search: one more that leads to nothing, null, none, or the one sent (3.9)."""
    max_page: int = 100
    """More rows than that are not on a page, whatever is asked for; the real bound is not known (1)."""
    group_touches_credentials: bool = False
    """A change of a group changes `updated_at` of its credentials (13.5)."""
    single_department: bool = False
    """The search of departments answers with one object in place of a list (5.3)."""
