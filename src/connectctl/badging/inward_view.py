"""What the plans of the import look at, one view per kind of part, and what they have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectctl.badging.chains import OPEN, Chain, to_json
from connectctl.badging.provider import Options
from connectctl.badging.scope import EVERYTHING, Scope
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training
from connectctl.model import Applied, Change, Cursor, OpenItem, Outcome, Plan, Problem, Skip


@dataclass(frozen=True, slots=True)
class Common:
    """What all parts of a run have in common. `start` None: all history; `negative`: revocations are carried over."""

    account: str  # of Docebo
    start: datetime | None
    now: datetime
    negative: bool
    options: Options
    retrying: frozenset[str] = frozenset()
    scope: Scope = EVERYTHING
    unbounded: bool = False
    in_place: bool = False  # see Capabilities
    revokes: bool = True
    own_ids: bool = False  # of the provider: what is ours bears our mark


@dataclass(frozen=True, slots=True)
class TrainingView:
    """Some chains of one template, and all that decides about the external training they become.

    `trainings` are the Docebo trainings that bear a mark, by user, as far as the ledger does not answer.
    `reason` is why the template's credentials become none. `bearers` are the users who have one by the ledger's word,
    by credential.
    """

    common: Common
    source: str
    template: str
    chains: Sequence[Chain]
    applied: Mapping[str, Applied]
    trainings: Mapping[str, Sequence[Training]]
    institute: str = ""
    reason: str | None = None
    blind: bool = False  # a row of Docebo's list could not be read: it may be ours
    bearers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class AwardView:
    """Some users' chains of all templates that award one certification; `people` belong to no user, one by one.

    `awards` are the Docebo awards of the users that the ledger does not answer for. `whole`: every credential of the
    users was readable, so that what is not there is not there. `brand` is the source that our awards name.
    `bearers` are the users whose award shows a credential by the ledger's word.
    """

    common: Common
    source: str
    code: str
    certification_id: str
    chains: Sequence[Chain]
    applied: Mapping[str, Applied]
    awards: Mapping[str, Sequence[Award]]
    brand: str = ""
    whole: bool = True
    reason: str | None = None
    blind: bool = False  # a row of Docebo's list could not be read: it may be ours
    bearers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class MarkerView:
    """A part that only remembers something: how far was read, and which events were seen."""

    cursor: Cursor | None = None
    open: tuple[OpenItem, ...] = ()
    problems: tuple[Problem, ...] = ()
    unbounded: bool = False


View = TrainingView | AwardView | MarkerView


@dataclass(slots=True)
class Draft:
    """A plan in the making."""

    common: Common
    source: str
    changes: list[Change] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    seen: list[tuple[Change, Outcome]] = field(default_factory=list)
    left: dict[str, OpenItem] = field(default_factory=dict)

    def nothing(self, reason: str) -> None:
        """Leaves out the whole part."""
        self.skipped.append(Skip(self.source, reason, source=self.source))

    def skip(self, chain: Chain, place: str, reason: str, detail: str = "") -> None:
        """Leaves a chain out; what people can mend stays open with what is known of it (GN-17, GN-37)."""
        newest = chain.newest
        self.skipped.append(
            Skip(place, reason, detail or newest.id, chain.user, chain.email, newest.template_id, self.source)
        )
        if reason in OPEN:
            data: dict[str, Any] = {"reason": reason, "badges": [to_json(one) for one in chain.credentials]}
            if chain.deleted:
                data["deleted"] = True
            self.left[newest.id] = OpenItem(f"badge:{newest.id}", data)

    def change(self, chain: Chain, change: Change, applied: Applied | None) -> None:
        """Plans a change, unless the remote refused just this before or another recipe is responsible for it."""
        if applied is not None and present(applied):
            change = replace(change, supersedes=applied.key)
        if not self.common.scope.may(change.action):
            self.skip(chain, change.holding, "connectctl:other_recipe", change.action)
        elif refused(applied, change) and change.holding not in self.common.retrying:
            self.skip(chain, change.holding, "connectctl:failed_before")
        else:
            self.changes.append(change)

    def done(self, problems: Sequence[Problem], cursor: Cursor | None) -> Plan:
        """The plan."""
        return Plan(
            tuple(self.changes),
            (),
            tuple(self.skipped),
            tuple(problems),
            tuple(self.seen),
            unbounded=self.common.unbounded,
            cursor=cursor,
            open=tuple(self.left[key] for key in sorted(self.left)),
        )


def refused(applied: Applied | None, change: Change) -> bool:
    """Whether the remote has refused exactly this request for good."""
    if applied is None:
        return False
    key = change.key("")
    return key in applied.refused or (applied.state == "failed" and applied.key == key)


def elsewhere(view: TrainingView | AwardView, chain: Chain) -> bool:
    """Whether another user has what was made from this chain: its address has moved to somebody else (GN-36)."""
    return any(view.bearers.get(id, frozenset()) - {chain.user} for id in chain.ids)


def unsettled(applied: Applied | None) -> bool:
    """Whether a request of ours may be on its way: nothing else is sent for its holding."""
    return applied is not None and applied.live and applied.state in ("sent", "unsure")


def present(applied: Applied | None) -> bool:
    """Whether the ledger says that something of ours stands there."""
    return applied is not None and applied.live and applied.state in ("done", "adopted")
