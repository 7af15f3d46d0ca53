"""What the simulated Docebo keeps: frozen records, and the switches for what differs between real platforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

NO_DATE = "0000-00-00 00:00:00"
MAX_OPTIONS = 300
"""Elements of one dropdown field (docebo.md 4.4)."""

FIELD_TYPES = ("date", "dropdown", "textfield", "textarea", "iframe")
STATUSES = ("enrolled", "in_progress", "completed", "waiting", "suspended", "overbooking")
DURATION_UNITS = ("day", "week", "month", "year")
ORIGINS = ("course", "learning_plan", "external_training", "external_certification")
"""What an award can come from (docebo.md 7.5)."""
TRAINING_STATUSES = ("approved", "pending", "rejected")


@dataclass(frozen=True, slots=True)
class User:
    """A person. `email` is empty when the platform knows none; times are `YYYY-MM-DD HH:MM:SS` in UTC."""

    user_id: int
    username: str
    email: str
    first_name: str
    last_name: str
    uuid: str
    created_at: str
    updated_at: str
    level: str = "User"
    active: bool = True
    branch_id: int = 1
    expiration_date: str | None = None
    timezone: str = "Europe/Rome"


@dataclass(frozen=True, slots=True)
class Course:
    """A course. `values` holds its additional fields by field id: an option id for dropdowns, else text."""

    course_id: int
    uid: str
    code: str
    name: str
    created_at: str
    updated_at: str
    course_type: str = "elearning"
    description: str = ""
    category: str = "General"
    published: bool = True
    values: dict[int, int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One user in one course; `status` in the words of the newer API (docebo.md 5.5)."""

    user_id: int
    course_id: int
    status: str
    created_at: str
    updated_at: str
    completed_at: str | None = None
    score: float | None = None
    seconds_spent: int = 0
    level: str = "student"


@dataclass(frozen=True, slots=True)
class Option:
    """One element of a dropdown."""

    option_id: int
    translations: dict[str, str]
    sequence: int

    @property
    def label(self) -> str:
        """The text in the default language."""
        return self.translations.get("english") or self.translations.get("all") or ""


@dataclass(frozen=True, slots=True)
class Field:
    """The definition of an additional field of courses or learning plans."""

    field_id: int
    type: str
    translations: dict[str, str]
    options: tuple[Option, ...] = ()
    mandatory: bool = False
    visible_to_user: bool = False
    sequence: int = 1

    @property
    def name(self) -> str:
        """The title in the default language."""
        return self.translations.get("english") or self.translations.get("all") or ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A learning plan with the ids of its courses; `values` as those of a course, by the ids of plans' fields."""

    plan_id: int
    uuid: str
    code: str
    title: str
    course_ids: tuple[int, ...]
    created_at: str
    updated_at: str
    values: dict[int, int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanEnrollment:
    """One user in one learning plan."""

    user_id: int
    plan_id: int
    status: str
    created_at: str
    updated_at: str
    completed_at: str | None = None
    percentage: int = 0


@dataclass(frozen=True, slots=True)
class Certification:
    """A certification, valid for `duration` units; 0 never ends. Who ever finishes an external training with a name or
    code in `granted_by_training` gets it from Docebo itself (docebo.md 7.5)."""

    certification_id: int
    code: str
    title: str
    description: str = ""
    duration: int = 0
    duration_unit: str = "year"
    allow_same_item: bool = False
    granted_by_training: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Award:
    """One certification awarded once to one user; `expires_at` None is always valid, an expired one stays listed.

    `origin_id` belongs to a course, plan or external training; `source`, `link` and `external_id` to an external
    certification (docebo.md 7.4, 7.5).
    """

    award_id: int
    certification_id: int
    user_id: int
    issued_at: str
    expires_at: str | None
    created_at: str
    updated_at: str
    origin_type: str = "course"
    origin_id: int | None = None
    source: str = ""
    link: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class TrainingField:
    """An additional field of external training."""

    field_id: int
    title: str
    type: str = "textfield"


@dataclass(frozen=True, slots=True)
class Training:
    """An external training activity of one user. Dates are `YYYY-MM-DD`; `values` is text by additional field id."""

    training_id: int
    uuid: str
    user_id: int
    course_name: str
    from_date: str
    to_date: str
    course_code: str = ""
    institute: str = ""
    score: float = 0
    credits: float = 0
    status: str = "approved"
    values: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoceboEvent:
    """Something that happened, as a webhook will tell it: numbers count from 1 (docebo.md 9.3, 9.4)."""

    number: int
    event: str
    payload: dict[str, Any]


@dataclass(slots=True)
class DoceboFlags:
    """Switches for what the public sources leave open or contradict (docebo.md 12); set them at any time."""

    field_value: Literal["id", "label"] = "id"
    """What `additional_fields[].value` of a dropdown shows (4.2)."""
    option_read_key: Literal["id", "option_id"] = "id"
    """The key of an option's id when a field is read: 4.4 assumes `id` (a number), 3.7 has `option_id` (a string)."""
    additional_fields_style: Literal["list", "map"] = "list"
    """The form in which a course's values are written (4.5)."""
    has_more_always_true_on_last_page: bool = False
    """`has_more_data` stays true; `total_page_count` is right (2.4)."""
    zero_dates: bool = False
    """Dates that mean "none", and every enrollment's creation, read `0000-00-00 00:00:00` (5.1)."""
    message_as_string: bool = False
    """`message` of an error is one string, not a list (2.6)."""
    ignore_date_filters: bool = False
    """The unproven date filters of users and of the newer enrollment lists have no effect (3.1, 5.1, 6.3)."""
    refuse_cursor: bool = False
    """Lists answer 400 to `get_cursor` and `cursor`, which only clients show (2.4)."""
    plan_changes_hidden: bool = False
    """The list of plan enrollments does not show when a row changed: that column comes from a warehouse (6.3)."""
    expires_in_as_string: bool = False
    """`expires_in` is "3600" and `token_type` is "bearer" (1.2)."""
    refuse_refresh: bool = False
    """Every refresh token is refused (1.2, section 14)."""
    token_lifetime: int = 3600
    """Seconds an access token lives."""
    field_write_seconds: float = 0.0
    """Real seconds a write to the fields endpoint takes; a second one meanwhile gets 409."""
    denied: str = ""
    """A regular expression: what the signed-in user's role may not use. A path that it is found in answers 403."""
    denied_as_html: bool = False
    """A denied path answers 200 with the sign-in page instead (1.4)."""
    soft_failures: bool = False
    """A refused write of an award or an external training answers 200 with `success: false` inside (2.6)."""
    external_certifications_active: bool = True
    """Docebo's support has switched external certifications on; without, no award of that kind and no certification
    event (7.5, GN-29)."""
    external_link_key: Literal["external_url", "external_link"] = "external_url"
    """The key of an external certification's link: 7.4 has the one, 7.5 the other."""
    award_rows: Literal["nested", "flat"] = "nested"
    """Awards name their certification and origin in objects, or in keys of their own (7.3)."""
    award_origin_hidden: bool = False
    """Awards do not tell their source, link and external id: nothing says that they do (7.5)."""
    award_changes_hidden: bool = False
    """Awards do not show when they were made and changed: those columns come from a warehouse (7.3)."""
    training_keys: Literal["training", "alias"] = "training"
    """The names of external training's keys: the warehouse's, or the aliases of 8.2."""
    ignore_user_filter: bool = False
    """`user_id[]` on awards and external training is unknown, and an unknown filter returns everything (8.3)."""
