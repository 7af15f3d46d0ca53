"""What decides about the awards of a certification, rule by rule (CR-36, CR-67, CR-69): pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectctl.badging.award_versions import Behind, behind, is_another, is_newer, order
from connectctl.badging.earnings import Earning
from connectctl.badging.existing import CREATE_NEW, MARK, PLAIN, SKIP, Overwrite
from connectctl.badging.plan import Learner, date_reason
from connectctl.badging.provider import Credential
from connectctl.docebo.certifications import Award
from connectctl.model import Applied, Cursor, Problem
from connectctl.plugins.specs import Capabilities


@dataclass(frozen=True, slots=True)
class AwardView:
    """One certification with one template, and all that decides about its awards; plain data, no clock.

    `awards` are all awards of the certification that a user has, of the users in question. `imported` are the ids of
    those that a credential of this provider has led to. `revoked` names users whose award was revoked, by an event, and
    whose `awards` come from a listing that was whole; `negative` says whether revocations are carried over.
    """

    earning: Earning
    account: str
    awards: Mapping[str, Sequence[Award]]
    learners: Mapping[str, Learner]
    held: Sequence[Credential]
    applied: Mapping[str, Applied]
    start: datetime | None
    now: datetime
    evidence_title: str
    flow_title: str
    imported: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()
    negative: bool = False
    retrying: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    unbounded: bool = False
    reissue: frozenset[str] = frozenset()
    cursor: Cursor | None = None
    read_at: str = ""
    actions: frozenset[str] | None = None  # that may be planned; None: all
    can: Capabilities = PLAIN
    overwrite: Overwrite = ""
    duplicates: bool | None = None  # whether the template allows several for one learner, as far as it is known
    warnings: tuple[str, ...] = ()


def live(awards: Sequence[Award], now: datetime) -> list[Award]:
    """The awards that have not expired; one that is always valid never does (CR-36)."""
    return [award for award in awards if award.expires_at is None or award.expires_at > now]


def deciding(awards: Sequence[Award], now: datetime) -> Award | None:
    """The award that decides: of those that have not expired and are dated, the newest; one to come only alone."""
    dated = [award for award in live(awards, now) if award.issued_at is not None]
    return max(dated, key=lambda award: (date_reason(award.issued_at, None, now) is None, *order(award)), default=None)


def undecided_reason(awards: Sequence[Award], now: datetime) -> str:
    """Why no award decides: they have expired, or Docebo shows no day of issue (CR-36); "" without any."""
    if live(awards, now):
        return "connectctl:no_issue_date"
    return "award_expired" if awards else ""


def imported_reason(award: Award, imported: frozenset[str]) -> str | None:
    """An award that a credential of this provider led to never becomes another one there (CR-69)."""
    return "came_from_provider" if award.id in imported else None


def origin_reason(applied: Applied, source: str) -> str | None:
    """A credential of ours that something else has earned is none of this certification's (GN-21)."""
    return None if applied.origin == source else "already_assigned"


def successor_reason(shown: Credential | None, target: str, applied: Applied, user: str) -> str | None:
    """Why the end of a chain is not to be touched: somebody else put it in the place of ours, or it was not read.

    By the ledger, the learner's id or our mark it is ours (GN-32); one that was not read may be of another template.
    """
    if target == applied.remote_id:
        return None
    if shown is None:
        return "connectctl:successor_unknown"
    marked = any(mark.startswith(MARK) for mark in shown.marks)
    return None if shown.earner_id == user or marked else "foreign"


def again_reason(award: Award, before: Behind | None) -> str | None:
    """After a revocation only another award earns a new credential (CR-67)."""
    return "revoked_before" if before is None or not is_another(award, before) else None


def needed(
    awards: Sequence[Award],
    applied: Applied | None,
    source: str,
    start: datetime | None,
    now: datetime,
    overwrite: Overwrite = "",
) -> bool:
    """Whether people and credentials have to be looked at; the ledger and the dates answer for the others."""
    award = deciding(awards, now)
    if award is None or date_reason(award.issued_at, start, now) is not None:
        return False
    if applied is None or not applied.live:
        return True
    if applied.state == "foreign" and overwrite == CREATE_NEW:
        return True
    if applied.state not in ("done", "adopted") or applied.origin != source:
        return False
    return overwrite != SKIP and is_newer(award, behind(applied.version))


def is_our_revocation(applied: Applied | None, source: str) -> bool:
    """Whether the ledger's last word is that we revoked the credential of this certification."""
    if applied is None or applied.action not in ("revoke", "expire") or applied.origin != source:
        return False
    return applied.state in ("done", "adopted")
