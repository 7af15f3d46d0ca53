"""The simulated Docebo as its administrator sees it: what it holds, and what people do in its web pages."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .clock import Clock
from .docebo_achievements import Achievements
from .docebo_records import MAX_OPTIONS, Course, Enrollment, Field, Option, Plan, PlanEnrollment, User


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the one OAuth application and its administrator sign in with."""

    client_id: str = "connectctl-sandbox"
    client_secret: str = "sandbox-client-secret"
    username: str = "sandbox.admin"
    password: str = "sandbox-password"


class Docebo(Achievements):
    """Everything the platform holds. Records are frozen: a change puts a new record in its place.

    Every method takes `lock`; take it yourself to walk the dicts while requests are running.
    """

    def __init__(self, clock: Clock, seed: int = 1) -> None:
        super().__init__(clock, seed)
        self.credentials = Credentials()
        self.courses: dict[int, Course] = {}
        self.enrollments: dict[tuple[int, int], Enrollment] = {}
        self.fields: dict[int, Field] = {}
        self.plan_fields: dict[int, Field] = {}
        self.plans: dict[int, Plan] = {}
        self.plan_enrollments: dict[tuple[int, int], PlanEnrollment] = {}
        self.access_tokens: dict[str, float] = {}
        self.refresh_tokens: set[str] = set()
        self.cursors: dict[str, Sequence[Any]] = {}
        self.fields_busy = threading.Lock()

    # People

    def add_user(self, **details: Any) -> User:
        """A new user; `first_name`, `last_name`, `email` and any other part of `User` may be given."""
        with self.lock:
            user_id = details.pop("user_id", None) or self.new_id("user")
            first, last = details.pop("first_name", "Pat"), details.pop("last_name", f"Learner {user_id}")
            email = details.pop("email", f"{first}.{last}@example.org".lower().replace(" ", "."))
            user = User(
                user_id=user_id,
                first_name=first,
                last_name=last,
                email=email or "",
                username=details.pop("username", None) or email or f"{first}.{last}".lower(),
                uuid=details.pop("uuid", None) or self.new_uuid(),
                created_at=details.pop("created_at", None) or self.now(),
                updated_at=details.pop("updated_at", None) or self.now(),
                **details,
            )
            self.users[user_id] = user
            self.tell("user.created", user_id=user_id, username=user.username)
            return user

    def update_user(self, user_id: int, **changes: Any) -> User:
        """Change parts of a user, as an administrator does."""
        with self.lock:
            user = replace(self.users[user_id], **({"updated_at": self.now()} | changes))
            self.users[user_id] = user
            self.tell("user.updated", user_id=user_id, username=user.username)
            return user

    def change_email(self, user_id: int, email: str) -> User:
        """Give a user another address; the user name stays."""
        with self.lock:
            if user_id not in self.users:
                raise LookupError(f"no user {user_id}")
            return self.update_user(user_id, email=email)

    # Courses and their fields

    def add_course(self, name: str, selected_option: int | None = None, **details: Any) -> Course:
        """A new course, with an option of a dropdown selected when one is given."""
        with self.lock:
            course_id = details.pop("course_id", None) or self.new_id("course")
            self.courses[course_id] = Course(
                course_id=course_id,
                name=name,
                uid=details.pop("uid", None) or f"E-{self._random.getrandbits(24):06X}",
                code=details.pop("code", None) or f"C-{course_id}",
                created_at=details.pop("created_at", None) or self.now(),
                updated_at=details.pop("updated_at", None) or self.now(),
                **details,
            )
            self._tell_course("course.created", self.courses[course_id])
            return self.select(course_id, selected_option) if selected_option is not None else self.courses[course_id]

    def update_course(self, course_id: int, **changes: Any) -> Course:
        """Change parts of a course, as an administrator does."""
        with self.lock:
            course = replace(self.courses[course_id], **({"updated_at": self.now()} | changes))
            self.courses[course_id] = course
            self._tell_course("course.updated", course)
            return course

    def _tell_course(self, event: str, course: Course) -> None:
        self.tell(event, course_id=course.course_id, name=course.name, code=course.code, type=course.course_type)

    def select(self, course_id: int, option_id: int | None, field_id: int | None = None) -> Course:
        """Select a dropdown element on a course; None clears `field_id`, or every dropdown when that is left out."""
        with self.lock:
            course = self.courses[course_id]
            if option_id is not None:
                field_id = self.field_of(option_id).field_id
                chosen: dict[int, int | str | None] = {field_id: option_id}
            else:
                chosen = {
                    one.field_id: None
                    for one in self.fields.values()
                    if one.type == "dropdown" and field_id in (None, one.field_id)
                }
            return self.update_course(course_id, values=course.values | chosen)

    def select_by_label(self, labels: Mapping[int, str]) -> dict[int, int]:
        """Select on each course the element with that label; returns option ids by course id.

        LookupError when no dropdown has such an element: the field has to be filled first.
        """
        with self.lock:
            ids = {
                option.label: option.option_id
                for field in reversed(list(self.fields.values()))
                for option in reversed(field.options)
            }
            missing = sorted({label for label in labels.values() if label not in ids})
            if missing:
                raise LookupError(f"no dropdown element is called {', '.join(missing)}")
            unknown = sorted(set(labels) - set(self.courses))
            if unknown:
                raise LookupError(f"no course has the id {', '.join(map(str, unknown))}")
            selected = {course_id: ids[label] for course_id, label in labels.items()}
            for course_id, option_id in selected.items():
                self.select(course_id, option_id)
            return selected

    def add_field(
        self, name: str, options: Sequence[str] = (), type: str = "dropdown", *, of: str = "course", **details: Any
    ) -> Field:
        """A new additional field of courses, or of learning plans, with its elements by label."""
        if len(options) > MAX_OPTIONS:
            raise ValueError(f"a dropdown holds at most {MAX_OPTIONS} elements")
        with self.lock:
            table, prefix = (self.plan_fields, "plan_") if of == "plan" else (self.fields, "")
            field_id = details.pop("field_id", None) or self.new_id(f"{prefix}field")
            field = Field(
                field_id=field_id,
                type=type,
                translations={"english": name},
                options=tuple(
                    Option(self.new_id(f"{prefix}option"), {"english": label}, sequence)
                    for sequence, label in enumerate(options, 1)
                ),
                **({"sequence": len(table) + 1} | details),
            )
            table[field_id] = field
            return field

    def select_on_plan(self, plan_id: int, label: str | None, field_id: int) -> Plan:
        """Select the element with that label of a dropdown on a learning plan; None clears it. LookupError without."""
        with self.lock:
            options = {option.label: option.option_id for option in self.plan_fields[field_id].options}
            if label is not None and label not in options:
                raise LookupError(f"the dropdown has no element called {label}")
            plan = self.plans[plan_id]
            values = plan.values | {field_id: None if label is None else options[label]}
            self.plans[plan_id] = replace(plan, values=values, updated_at=self.now())
            return self.plans[plan_id]

    def field_of(self, option_id: int) -> Field:
        """The dropdown that has this element; LookupError when none has."""
        with self.lock:
            for field in self.fields.values():
                if any(option.option_id == option_id for option in field.options):
                    return field
        raise LookupError(f"no dropdown has the element {option_id}")

    def labels(self, field_id: int) -> dict[int, str]:
        """The elements of a dropdown, label by option id, in order."""
        with self.lock:
            return {option.option_id: option.label for option in self.fields[field_id].options}

    def remove_options(self, field_id: int, option_ids: Sequence[int], table: dict[int, Field] | None = None) -> None:
        """Take elements away; courses, or learning plans, that had selected one fall back to no value.

        Their change date stays: nothing says that it moves.
        """
        with self.lock:
            gone = set(option_ids)
            table = self.fields if table is None else table
            field = table[field_id]
            kept = tuple(option for option in field.options if option.option_id not in gone)
            table[field_id] = replace(field, options=kept)
            if table is self.plan_fields:
                for plan in list(self.plans.values()):
                    if plan.values.get(field_id) in gone:
                        self.plans[plan.plan_id] = replace(plan, values=plan.values | {field_id: None})
                return
            for course in list(self.courses.values()):
                if course.values.get(field_id) in gone:
                    self.courses[course.course_id] = replace(course, values=course.values | {field_id: None})

    # Enrollments

    def enroll(
        self,
        user_id: int,
        course_id: int,
        status: str = "completed",
        completed_at: str | None = None,
        **details: Any,
    ) -> Enrollment:
        """Put a user into a course or change that enrollment; a completion without a time is now."""
        with self.lock:
            if user_id not in self.users or course_id not in self.courses:
                raise LookupError(f"no user {user_id} or no course {course_id}")
            if status == "completed":
                completed_at = completed_at or self.now()
            before = self.enrollments.get((user_id, course_id))
            created = details.pop("created_at", None) or (before.created_at if before else completed_at or self.now())
            enrollment = Enrollment(
                user_id=user_id,
                course_id=course_id,
                status=status,
                completed_at=completed_at,
                created_at=created,
                updated_at=details.pop("updated_at", None) or self.now(),
                **details,
            )
            self.enrollments[user_id, course_id] = enrollment
            about = {"user_id": user_id, "username": self.users[user_id].username, "course_id": course_id}
            about |= {
                "course_name": self.courses[course_id].name,
                "enrollment_date": created,
                "subscribed_by_id": 13001,
            }
            about |= {"enrollment_date_begin_validity": None, "enrollment_date_end_validity": None}
            self._tell_enrollment("course.enrollment", before, enrollment, about)
            return enrollment

    def _tell_enrollment(
        self,
        what: str,
        before: Enrollment | PlanEnrollment | None,
        after: Enrollment | PlanEnrollment,
        about: dict[str, Any],
    ) -> None:
        """A completion is told as `completed` only, never as `updated` as well (docebo.md 9.4)."""
        about |= {"status": "subscribed" if after.status == "enrolled" else after.status, "level": "learner"}
        if before is None:
            self.tell(f"{what}.created", **about)
        if after.status == "completed":
            self.tell(f"{what}.completed", **about, completion_date=after.completed_at)
        elif before is not None:
            self.tell(f"{what}.updated", **about)

    def reset_completion(self, user_id: int, course_id: int) -> Enrollment:
        """Take a completion back: the user is enrolled as before the first lesson. LookupError without enrollment."""
        with self.lock:
            if (user_id, course_id) not in self.enrollments:
                raise LookupError(f"user {user_id} is not enrolled in course {course_id}")
            return self.enroll(user_id, course_id, "enrolled")

    def add_plan(self, title: str, course_ids: Sequence[int], **details: Any) -> Plan:
        """A new learning plan over some courses."""
        with self.lock:
            plan_id = details.pop("plan_id", None) or self.new_id("plan")
            plan = Plan(
                plan_id=plan_id,
                title=title,
                course_ids=tuple(course_ids),
                uuid=self.new_uuid(),
                code=details.pop("code", None) or f"LP-{plan_id}",
                created_at=details.pop("created_at", None) or self.now(),
                updated_at=details.pop("updated_at", None) or self.now(),
            )
            self.plans[plan_id] = plan
            self.tell("learningplan.created", learning_plan_id=plan_id, title=title, code=plan.code)
            return plan

    def enroll_in_plan(
        self, user_id: int, plan_id: int, status: str = "completed", completed_at: str | None = None
    ) -> PlanEnrollment:
        """Put a user into a learning plan or change that enrollment; a completion without a time is now."""
        with self.lock:
            if user_id not in self.users or plan_id not in self.plans:
                raise LookupError(f"no user {user_id} or no learning plan {plan_id}")
            if status == "completed":
                completed_at = completed_at or self.now()
            enrollment = PlanEnrollment(
                user_id=user_id,
                plan_id=plan_id,
                status=status,
                completed_at=completed_at,
                created_at=completed_at or self.now(),
                updated_at=self.now(),
                percentage=100 if completed_at else 0,
            )
            before = self.plan_enrollments.get((user_id, plan_id))
            self.plan_enrollments[user_id, plan_id] = enrollment
            about = {"user_id": user_id, "username": self.users[user_id].username, "learning_plan_id": plan_id}
            self._tell_enrollment("learningplan.enrollment", before, enrollment, about)
            return enrollment

    # Tokens

    def expire_tokens(self) -> None:
        """Make every access token invalid at once; refresh tokens stay good (see `flags.refuse_refresh`)."""
        with self.lock:
            self.access_tokens.clear()
