"""How much a run may change unasked: pure rules over a plan's totals (GN-33, GN-34, GN-38, GN-41)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`explicit`: the caller named a number with --max-changes; `yes`: the caller said --yes."""

    max_changes: int = 500
    max_removals: int = 5
    max_revocations: int = 10
    explicit: bool = False
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """What the parts of a run add up to. `revoked`: what was taken away in the last hour, by any flow."""

    changes: int = 0
    removals: int = 0
    removal_base: int = 0
    emptied: bool = False
    unbounded: bool = False
    revocations: int = 0
    revoked: int = 0


def objection(totals: Totals, limits: Limits) -> str | None:
    """Why this plan needs a person's word, in one line; None when it may be carried out.

    All history is answered by a number on the command line alone (GN-41), and so is an empty listing where there are
    rows (GN-33).
    """
    reasons = [reason for rule in (_size, _removals, _revocations) if (reason := rule(totals, limits)) is not None]
    return "; ".join(reasons) or None


def _size(totals: Totals, limits: Limits) -> str | None:
    if totals.unbounded and totals.changes and not limits.explicit:
        return f"All history means {totals.changes} changes: name the number you expect with --max-changes"
    if totals.changes > limits.max_changes and (totals.unbounded or not limits.yes):
        return f"The plan has {totals.changes} changes, more than max_changes = {limits.max_changes}"
    return None


def _removals(totals: Totals, limits: Limits) -> str | None:
    if totals.emptied and not limits.explicit:
        return f"The remote listed nothing, and the table has {totals.removal_base} rows: all would go"
    allowed = max(limits.max_removals, totals.removal_base // 10)
    if totals.removals > allowed and not limits.yes:
        return (
            f"The plan would remove or switch off {totals.removals} of {totals.removal_base}, "
            f"more than the {allowed} allowed at once"
        )
    return None


def _revocations(totals: Totals, limits: Limits) -> str | None:
    if totals.revocations and totals.revocations + totals.revoked > limits.max_revocations and not limits.yes:
        before = f", after {totals.revoked} in the last hour" if totals.revoked else ""
        what = "1 credential" if totals.revocations == 1 else f"{totals.revocations} credentials"
        return (
            f"The plan would take away {what}{before}: "
            f"more than max_revocations = {limits.max_revocations} in a run or an hour"
        )
    return None
