"""What all parts of an outward run share, and what is looked up in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectctl.badging.accounts import keep_account
from connectctl.badging.awards import AwardReading
from connectctl.badging.completions import Reading
from connectctl.badging.earnings import Earning, Kind
from connectctl.badging.existing import CREATE_NEW, Overwrite
from connectctl.badging.held import Held
from connectctl.badging.plan import Learner, holding, learner_reason
from connectctl.badging.provider import Credential, Provider
from connectctl.badging.scope import EVERYTHING, Scope
from connectctl.badging.spool import Spool
from connectctl.badging.steps import note
from connectctl.badging.window import Window
from connectctl.model import Applied, Problem, RunContext
from connectctl.plugins.specs import ProviderSpec

CALLERS: Mapping[Kind, str] = {"course": "assign-users", "plan": "assign-users", "certification": "process-awards"}


@dataclass(slots=True)
class Shared:
    """What all parts of one run share."""

    spec: ProviderSpec
    provider: Provider
    values: Mapping[str, Any]
    window: Window
    spool: Spool
    problems: list[Problem]
    reading: Reading
    awards: AwardReading
    held: Held
    scope: Scope = EVERYTHING
    earned: list[Earning] = field(default_factory=list)
    applied: tuple[str, dict[str, Applied]] = ("", {})
    overwrite: Overwrite = ""
    asking: set[str] = field(default_factory=set)  # templates that somebody is about to get
    unread: int = 0  # parts that could not be read so far
    warnings: list[str] = field(default_factory=list)  # of the run, told with its first part
    plans_read: set[str] = field(default_factory=set)  # plans whose dropdown value was read in this run
    needy: dict[str, set[str]] = field(default_factory=dict)  # template -> learners nothing is known of yet

    def has(self, kind: Kind) -> bool:
        """Whether this run looks at this kind of earnings."""
        return self.scope.has(kind) and self.window.has(kind)

    def wanted(self, earned: list[Earning]) -> list[Earning]:
        """The earnings that `--template` leaves."""
        only = self.window.templates
        return [earning for earning in earned if not only or earning.template in only]

    def of(self, kind: Kind) -> list[Earning]:
        """The earnings of a kind that earn something."""
        return [earning for earning in self.earned if earning.kind == kind and earning.template]

    def place(self, template: str, user: str) -> str:
        """The holding of a learner."""
        return holding(self.provider.account, template, user)

    def everybody(self) -> set[str]:
        """All learners that some template asks about."""
        return set().union(*self.needy.values())

    def learner(self, user: str) -> Learner | None:
        """A learner as Docebo has them, None for nobody."""
        person = self.spool.person(user)
        if person is None:
            return None
        email, first, last = person
        return Learner(user, email, first, last, bool(email) and self.spool.sharing(email) > 1)

    def is_able(self, user: str) -> bool:
        """Whether nothing about the learner keeps a credential away."""
        return learner_reason(self.learner(user)) is None

    def ledger(self, ctx: RunContext, template: str) -> dict[str, Applied]:
        """The ledger's word on a template, kept for the parts that follow."""
        if self.applied[0] != template:
            users = self.window.users
            places = [self.place(template, user) for user in users]
            found = ctx.applied_to(places) if users else ctx.applied(self.place(template, ""))
            self.applied = (template, dict(found))
        return self.applied[1]

    def duplicates(self, template: str) -> bool | None:
        """Whether a template allows several for one learner, read where the overwrite setting wants to know (AC-58)."""
        if self.overwrite != CREATE_NEW:
            return None
        found = self.provider.template(template)
        return None if found is None else found.allows_duplicates

    def credentials(self, ctx: RunContext, earning: Earning) -> list[Credential]:
        """The credentials held of the earning's template (held.py); an answer proves the account."""
        template = str(earning.template)
        credentials, read_now = self.held.of(template, self.needy[template], len(self.asking))
        if read_now:
            keep_account(ctx, self.spec.name, self.provider.account)
        note(self.spec, ctx, "filter-unassigned", CALLERS[earning.kind], held=len(credentials) if read_now else 0)
        return credentials


def as_moment(text: str) -> datetime | None:
    """A moment out of the spool; None for ''."""
    return datetime.fromisoformat(text) if text else None
