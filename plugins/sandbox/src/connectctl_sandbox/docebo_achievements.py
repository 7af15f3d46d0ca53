"""Certifications, their awards, and external training, as an administrator of the simulated Docebo works on them."""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .clock import Clock
from .docebo_records import Award, Certification, Training, TrainingField
from .docebo_state import State

FORM = "%Y-%m-%d %H:%M:%S"


class Achievements(State):
    """The part of the platform that holds what people have achieved outside of courses and plans.

    Every method takes `lock`. LookupError names a user, certification, award or training that is not there.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__(clock, seed)
        self.certifications: dict[int, Certification] = {}
        self.awards: dict[int, Award] = {}
        self.trainings: dict[int, Training] = {}
        self.training_fields: dict[int, TrainingField] = {}
        self._awards_of: dict[int, list[int]] = {}
        self._trainings_of: dict[int, list[int]] = {}

    # Certifications and awards

    def add_certification(self, code: str, title: str, **details: Any) -> Certification:
        """A new certification; `duration`, `duration_unit`, `granted_by_training` and so on may be given."""
        with self.lock:
            certification_id = self.new_id("certification")
            self.certifications[certification_id] = Certification(certification_id, code, title, **details)
            return self.certifications[certification_id]

    def certification(self, code: str) -> Certification:
        """The certification with a code."""
        with self.lock:
            for one in self.certifications.values():
                if one.code == code:
                    return one
        raise LookupError(f"no certification has the code {code}")

    def award(
        self,
        user_id: int,
        code: str,
        issued_at: str | None = None,
        expires_at: str | None = None,
        *,
        always_valid: bool = False,
        **details: Any,
    ) -> Award:
        """Award a certification now or at `issued_at`; without `expires_at` it ends after the certification's duration.

        A user may hold several awards of one certification over time. `origin_type`, `source`, `link` and so on may be
        given.
        """
        with self.lock:
            certification = self.certification(code)
            if user_id not in self.users:
                raise LookupError(f"no user {user_id}")
            issued_at = issued_at or self.now()
            if always_valid:
                expires_at = None
            else:
                expires_at = expires_at or expiry(issued_at, certification.duration, certification.duration_unit)
            award = Award(
                award_id=self.new_id("award"),
                certification_id=certification.certification_id,
                user_id=user_id,
                issued_at=issued_at,
                expires_at=expires_at,
                created_at=details.pop("created_at", None) or self.now(),
                updated_at=details.pop("updated_at", None) or self.now(),
                **details,
            )
            self.awards[award.award_id] = award
            self._awards_of.setdefault(user_id, []).append(award.award_id)
            self._tell_award("certification.awarded", award)
            return award

    def renew_award(self, award_id: int, issued_at: str | None = None, expires_at: str | None = None) -> Award:
        """A newer award of the same certification and origin; the old one stays listed."""
        with self.lock:
            old = self._award(award_id)
            code = self.certifications[old.certification_id].code
            origin = {name: getattr(old, name) for name in ("origin_type", "origin_id", "source", "link")}
            return self.award(old.user_id, code, issued_at, expires_at, external_id=old.external_id, **origin)

    def update_award(self, award_id: int, **changes: Any) -> Award:
        """Change parts of an award, such as `expires_at`."""
        with self.lock:
            award = replace(self._award(award_id), **({"updated_at": self.now()} | changes))
            self.awards[award_id] = award
            self._tell_award("certification.updated", award)
            return award

    def revoke_award(self, award_id: int) -> Award:
        """Take an award away, and return what it was."""
        with self.lock:
            award = self._award(award_id)
            del self.awards[award_id]
            self._awards_of[award.user_id].remove(award_id)
            self._tell_award("certification.revoked", award)
            return award

    def awards_of(self, user_ids: Sequence[int]) -> Iterator[Award]:
        """The awards of some users, in the order of their ids."""
        ids = sorted(one for user_id in set(user_ids) for one in self._awards_of.get(user_id, ()))
        return (self.awards[one] for one in ids if one in self.awards)

    def _award(self, award_id: int) -> Award:
        if award_id not in self.awards:
            raise LookupError(f"no award {award_id}")
        return self.awards[award_id]

    def _tell_award(self, event: str, award: Award) -> None:
        """The events came with external certifications, which Docebo's support switches on (GN-29)."""
        if not self.flags.external_certifications_active:
            return
        certification = self.certifications[award.certification_id]
        self.tell(
            event,
            user_id=award.user_id,
            username=self.users[award.user_id].username,
            certification_id=award.certification_id,
            certification_code=certification.code,
            award_id=award.award_id,
            issued_at=award.issued_at,
            expiring_at=award.expires_at,
        )

    # External training

    def add_training_field(self, title: str, type: str = "textfield") -> TrainingField:
        """A new additional field of external training."""
        with self.lock:
            field_id = self.new_id("training_field")
            self.training_fields[field_id] = TrainingField(field_id, title, type)
            return self.training_fields[field_id]

    def add_training(self, user_id: int, course_name: str, **details: Any) -> Training:
        """A new external training, today unless `from_date` and `to_date` say otherwise.

        An approved one that a certification is linked to (`granted_by_training`) is awarded at once.
        """
        with self.lock:
            if user_id not in self.users:
                raise LookupError(f"no user {user_id}")
            training = Training(
                training_id=self.new_id("training"),
                uuid=str(uuid.UUID(int=self._achievement_random.getrandbits(128), version=4)),
                user_id=user_id,
                course_name=course_name,
                **({"from_date": self.now()[:10], "to_date": self.now()[:10]} | details),
            )
            self.trainings[training.training_id] = training
            self._trainings_of.setdefault(user_id, []).append(training.training_id)
            self._tell_training("externaltraining.created", training)
            self._grant(None, training)
            return training

    def update_training(self, training_id: int, **changes: Any) -> Training:
        """Change parts of an external training; one that is approved now may be awarded."""
        with self.lock:
            before = self._training(training_id)
            training = replace(before, **changes)
            self.trainings[training_id] = training
            self._tell_training("externaltraining.updated", training)
            self._grant(before, training)
            return training

    def delete_training(self, training_id: int) -> Training:
        """Take an external training away, and return what it was; an award that it granted stays."""
        with self.lock:
            training = self._training(training_id)
            del self.trainings[training_id]
            self._trainings_of[training.user_id].remove(training_id)
            self._tell_training("externaltraining.deleted", training)
            return training

    def trainings_of(self, user_ids: Sequence[int]) -> Iterator[Training]:
        """The external training of some users, in the order of their ids."""
        ids = sorted(one for user_id in set(user_ids) for one in self._trainings_of.get(user_id, ()))
        return (self.trainings[one] for one in ids if one in self.trainings)

    def _training(self, training_id: int) -> Training:
        if training_id not in self.trainings:
            raise LookupError(f"no external training {training_id}")
        return self.trainings[training_id]

    def _tell_training(self, event: str, training: Training) -> None:
        username = self.users[training.user_id].username
        self.tell(event, user_id=training.user_id, username=username, training_id=training.training_id)

    def _grant(self, before: Training | None, training: Training) -> None:
        """What Docebo awards by itself: once, when the training becomes approved (docebo.md 7.1)."""
        if training.status != "approved" or (before is not None and before.status == "approved"):
            return
        self._tell_training("externaltraining.approved", training)
        for one in list(self.certifications.values()):
            if {training.course_name, training.course_code} & set(one.granted_by_training):
                self.award(
                    training.user_id,
                    one.code,
                    f"{training.to_date} 00:00:00",
                    origin_type="external_training",
                    origin_id=training.training_id,
                )


def expiry(issued_at: str, duration: int, unit: str) -> str | None:
    """When an award ends; None for a duration of 0, which never does. A month ends on its last day at the latest."""
    begin = datetime.strptime(issued_at, FORM)
    if duration == 0:
        return None
    if unit in ("day", "week"):
        return (begin + timedelta(days=duration * (7 if unit == "week" else 1))).strftime(FORM)
    months = begin.month - 1 + duration * (12 if unit == "year" else 1)
    year, month = begin.year + months // 12, months % 12 + 1
    day = min(begin.day, calendar.monthrange(year, month)[1])
    return begin.replace(year=year, month=month, day=day).strftime(FORM)
