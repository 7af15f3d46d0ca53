"""A small world for the tests of the import: credentials, users, and what Docebo and the ledger hold, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from connectctl.badging.badge_spool import BadgeSpool
from connectctl.badging.chains import Chain
from connectctl.badging.inward_plan import plan
from connectctl.badging.inward_view import AwardView, Common, TrainingView
from connectctl.badging.provider import Credential, Options
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training
from connectctl.model import Applied, Change, Plan

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 2, 10, 17, 31, 5, tzinfo=UTC)
COMMON = Common("lms", START, NOW, True, Options())


def credential(id: str = "b1", **changes: Any) -> Credential:
    fields: dict[str, Any] = {
        "id": id,
        "template_id": "t1",
        "state": "accepted",
        "emails": frozenset({"ada@example.org"}),
        "earner_id": None,
        "issued_at": DAY,
        "link": f"https://badges.example/{id}",
        "name": "Safety Basics",
    }
    return Credential(**(fields | changes))


def chain(*credentials: Credential, **changes: Any) -> Chain:
    some = credentials or (credential(),)
    fields: dict[str, Any] = {"root": some[0].id, "credentials": some, "owners": ("4711",)}
    return Chain(**(fields | changes))


def training_view(*chains: Chain, **changes: Any) -> TrainingView:
    fields: dict[str, Any] = {
        "common": COMMON,
        "source": "template:t1",
        "template": "t1",
        "chains": chains or (chain(),),
        "applied": {},
        "trainings": {},
        "institute": "Credly",
    }
    return TrainingView(**(fields | changes))


def award_view(*chains: Chain, **changes: Any) -> AwardView:
    fields: dict[str, Any] = {
        "common": COMMON,
        "source": "certification:SEC",
        "code": "SEC",
        "certification_id": "7",
        "chains": chains or (chain(),),
        "applied": {},
        "awards": {},
        "brand": "Credly",
    }
    return AwardView(**(fields | changes))


def entry(place: str, action: str, version: str, **changes: Any) -> dict[str, Applied]:
    """The ledger's word on one holding."""
    origin = "template:t1"
    fields: dict[str, Any] = {
        "holding": place,
        "key": "|".join((place, action, origin, version)),
        "state": "done",
        "action": action,
        "origin": origin,
        "version": version,
        "remote_id": "555",
        "live": True,
        "data": {},
    }
    return {place: Applied(**(fields | changes))}


def reasons(planned: Plan) -> list[str]:
    return [skip.reason for skip in planned.skipped]


def actions(planned: Plan) -> list[str]:
    return [change.action for change in planned.changes]


@dataclass
class Importing:
    """Docebo and the ledger while plans are carried out. `codes`: templates that award the one certification."""

    users: dict[str, str]  # id -> address
    trainings: dict[str, Training] = field(default_factory=dict)
    awards: dict[str, Award] = field(default_factory=dict)
    ledger: dict[str, Applied] = field(default_factory=dict)
    common: Common = COMMON
    templates: tuple[str, ...] = ("t1", "t2")
    codes: tuple[str, ...] = ("t1", "t2")
    ours: frozenset[str] = frozenset()  # ids of credentials that we issued
    number: int = 900
    writes: list[Change] = field(default_factory=list)

    def plans(self, credentials: Iterable[Credential]) -> list[Plan]:
        """What is planned for these credentials, part by part."""
        return [plan(view) for view in self.views(credentials)]

    def views(self, credentials: Iterable[Credential]) -> list[TrainingView | AwardView]:
        spool = self._spool(credentials)
        found: list[TrainingView | AwardView] = []
        for template in self.templates:
            found += [
                replace(
                    training_view(*chains),
                    common=self.common,
                    source=f"template:{template}",
                    template=template,
                    chains=chains,
                    applied=self.ledger,
                    trainings=self._by_user(self.trainings.values()),
                )
                for chains in spool.chains_of(template)
            ]
        for chains in spool.claims_of(self.codes):
            awards = self._by_user(self.awards.values())
            found.append(
                replace(award_view(*chains), common=self.common, chains=chains, applied=self.ledger, awards=awards)
            )
        return found

    def _spool(self, credentials: Iterable[Credential]) -> BadgeSpool:
        spool = BadgeSpool()
        spool.add_badges((one, one.id in self.ours, True) for one in credentials)
        spool.add_people((user, email, "", "") for user, email in self.users.items())
        spool.everybody = True
        spool.link_up()
        spool.assign()
        return spool

    def _by_user(self, rows: Iterable[Any]) -> dict[str, Sequence[Any]]:
        found: dict[str, list[Any]] = {}
        for row in rows:
            found.setdefault(row.user_id, []).append(row)
        return {user: sorted(some, key=lambda one: one.id) for user, some in found.items()}

    def carry_out(self, plans: Iterable[Plan]) -> int:
        """Does what the plans say; returns how many changes there were."""
        count = 0
        for one in plans:
            for change, outcome in one.seen:
                self._settle(change, outcome.status, str(outcome.remote_id))
            for change in one.changes:
                count += 1
                self.writes.append(change)
                self._settle(change, "done", self._write(change))
        return count

    def _settle(self, change: Change, state: str, remote_id: str) -> None:
        before = self.ledger.get(change.holding)
        assert change.supersedes == (before.key if before and before.live and state == "done" else None)
        live = change.action not in ("delete_training", "revoke_award")
        self.ledger[change.holding] = Applied(
            change.holding,
            change.key(""),
            state,
            change.action,
            change.origin,
            change.version or "",
            remote_id,
            live,
            {},
        )

    def _write(self, change: Change) -> str:
        data = change.data
        if change.action == "create_training":
            self.number += 1
            self.trainings[str(self.number)] = self._training(str(self.number), data)
            return str(self.number)
        if change.action == "update_training":
            self.trainings[data["training_id"]] = self._training(data["training_id"], data)
            return str(data["training_id"])
        if change.action == "delete_training":
            self.trainings.pop(data["training_id"], None)  # already gone is success (CR-48)
            return str(data["training_id"])
        if change.action == "award":
            self.number += 1
            self.awards[str(self.number)] = self._award(str(self.number), data)
            return str(self.number)
        if change.action == "update_award":
            self.awards[data["award_id"]] = self._award(data["award_id"], data)
        else:
            del self.awards[data["award_id"]]
        return str(data["award_id"])

    def _training(self, id: str, data: Any) -> Training:
        day = date.fromisoformat(data["from_date"])
        return Training(id, data["user_id"], data["name"], data["code"], data["institute"], day, day, data["link"])

    def _award(self, id: str, data: Any) -> Award:
        ends = datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None
        issued = datetime.fromisoformat(data["issued_at"])
        kind = "external_certification"
        return Award(
            id, "7", "SEC", data["user_id"], issued, ends, kind, "", data["source"], data["link"], data["external_id"]
        )
