"""What disagrees between a provider's credentials, what Docebo has of them, and the ledger: a pure function.

Only what the ledger says is ours is compared: external training and awards that others made are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from connectctl.badging.existing import same_expiry
from connectctl.badging.reasons import sentence
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training
from connectctl.model import Applied, Change, Discrepancy, Plan, Recorded, Skip

OURS = ("done", "adopted")
LAG = timedelta(minutes=1)  # so young that Docebo's lists need not show it
CREATES = {"create_training": "training", "award": "award"}
UPDATES = {"update_training": "training", "update_award": "award"}
REMOVES = {"delete_training": "training", "revoke_award": "award"}
# What is there and what it was planned as are held side by side as long as the plan calls it so.
UNCHANGED = "unchanged"
UNLISTED = "its credential was not listed"


@dataclass(frozen=True, slots=True)
class InwardView:
    """Some credentials of one part of the import, and what became of them; plain data, no clock.

    `planned` is what the import would do. `applied` are their holdings in the ledger, `recorded` the live entries by
    key. `found` is what Docebo has, by id: the trainings, or the awards of the certification. `looked`: what a look at
    the lists of the users whose training or award is missing there found, by holding. `shown`: how the credential of a
    holding is listed, where no listed credential stands for the holding and it is listed all the same.
    """

    planned: Plan
    applied: Mapping[str, Applied]
    recorded: Mapping[str, Recorded]
    found: Mapping[str, Training | Award]
    looked: Mapping[str, frozenset[str]]
    now: datetime
    repair: bool = False
    revoke: bool = False
    retrying: frozenset[str] = frozenset()
    shown: Mapping[str, str] = field(default_factory=dict)


def is_live(entry: Applied) -> bool:
    """Whether the ledger says that something of ours stands in Docebo."""
    return entry.live and entry.state in OURS and bool(entry.remote_id) and entry.action in {**CREATES, **UPDATES}


def gone(view: InwardView) -> list[Applied]:
    """The entries whose training or award Docebo does not list, old enough to have to be there."""
    return [
        entry
        for _, entry in sorted(view.applied.items())
        if is_live(entry)
        and entry.remote_id not in view.found
        and entry.key in view.recorded
        and view.recorded[entry.key].at <= view.now - LAG
    ]


def young(view: InwardView) -> list[Applied]:
    """The entries whose training or award Docebo does not list, too young to have to be there."""
    old = {entry.holding for entry in gone(view)}
    return [
        entry
        for place, entry in sorted(view.applied.items())
        if is_live(entry) and entry.remote_id not in view.found and entry.key in view.recorded and place not in old
    ]


def compare(view: InwardView) -> Plan:
    """The findings of some credentials, with the repairs when they were asked for.

    Nothing is deleted or revoked because it is absent from a list: only what the import would take away itself, and
    then only with `revoke`.
    """
    if not view.found and any(is_live(entry) for entry in view.applied.values()):
        return Plan(skipped=_general(view), problems=view.planned.problems)  # more likely an outage than the truth
    planned = {change.holding: change for change in view.planned.changes}
    # Of several credentials of one holding the one that counts is called unchanged.
    skipped = {s.key: s for s in sorted(view.planned.skipped, key=lambda skip: skip.reason == UNCHANGED)}
    absent = {entry.holding for entry in gone(view)}
    findings: list[Discrepancy] = []
    changes: list[Change] = []
    for place in sorted({*planned, *view.applied}):
        entry = view.applied.get(place)
        finding, change = _one(view, place, entry, planned.get(place), skipped.get(place), absent=place in absent)
        if change is not None and entry is not None and place not in view.retrying and change.key("") in entry.refused:
            why = sentence("connectctl:failed_before").rstrip(".")
            finding, change = (
                finding and replace(finding, repair="", detail=f"{finding.detail}; left alone: {why}"),
                None,
            )
        findings += [finding] if finding else []
        changes += [change] if change else []
    adopted = tuple(one for one in view.planned.seen if one[1].status == "adopted")
    for made, outcome in adopted:
        words = f"{outcome.remote_id} is ours by its mark, and the ledger does not have it"
        findings.append(_finding("unknown", made.holding, words, made, None, outcome.remote_id, "adopt"))
    return Plan(
        tuple(changes) if view.repair else (),
        (),
        _general(view),
        view.planned.problems,
        adopted if view.repair else (),
        findings=tuple(findings),
    )


def _general(view: InwardView) -> tuple[Skip, ...]:
    """Of what was left out: whole parts, and credentials that belong to nobody in particular."""
    bad = ("user_not_found", "ambiguous_user", "no_email", "identity_conflict")
    return tuple(skip for skip in view.planned.skipped if "|" not in skip.key or skip.reason in bad)


def _one(
    view: InwardView, place: str, entry: Applied | None, change: Change | None, skip: Skip | None, *, absent: bool
) -> tuple[Discrepancy | None, Change | None]:
    """What is to be said of one holding, and the change that would mend it."""
    if entry is not None and entry.live and entry.state == "foreign":
        return None, None
    if change is not None and (entry is None or not is_live(entry) or not absent):
        return _planned(view, place, entry, change)
    recorded = view.recorded.get(entry.key) if entry is not None else None
    if entry is None or recorded is None or not is_live(entry):
        return None, None
    before, kind = recorded.change, {**CREATES, **UPDATES}[entry.action]
    if absent:
        return _absent(view, entry, before, kind, change, skip)
    if skip is not None and skip.reason != UNCHANGED:
        return None, None  # the import itself says why it is as it is
    shown = view.found.get(str(entry.remote_id))
    if skip is None:
        how = view.shown.get(place)
        why = f"its credential is listed {how}; left alone" if how else f"{UNLISTED}; left alone: that proves nothing"
        words = f"the {kind} {entry.remote_id} stands, and {why}"
        return _finding("extra", place, words, before, entry), None
    different = differences(before.data, shown) if shown is not None else []
    if not different:
        return None, None
    data = {**before.data, f"{kind}_id": entry.remote_id}
    words = f"the {kind} {entry.remote_id} differs in {', '.join(different)}"
    again = _follow(before, f"update_{kind}", data, words, entry)
    return _finding("changed", place, words, again, entry, repair=again.action), again


def _planned(view: InwardView, place: str, entry: Applied | None, change: Change) -> tuple[Discrepancy, Change | None]:
    if change.action in REMOVES:
        words = f"the {REMOVES[change.action]} stands: {change.reason}"
        if not view.revoke:
            words += "; left alone: it takes --repair --revoke"
            return _finding("extra", place, words, change, entry), None
        return _finding("extra", place, words, change, entry, repair=change.action), change
    kind = "missing" if change.action in CREATES else "changed"
    words = f"{change.reason}: there is no {CREATES[change.action]} of it" if kind == "missing" else change.reason
    return _finding(kind, place, words, change, entry, repair=change.action), change


def _absent(
    view: InwardView, entry: Applied, before: Change, kind: str, change: Change | None, skip: Skip | None
) -> tuple[Discrepancy, Change | None]:
    """Recorded as done, and Docebo does not have it."""
    words, why = f"the ledger has the {kind} {entry.remote_id}, Docebo does not", ""
    looked = view.looked.get(entry.holding)
    if looked is None:
        why = "the look at the user's own list gave no answer"
    elif looked:
        why = f"the user has {', '.join(sorted(looked))}"
    elif change is None and (skip is None or skip.reason != UNCHANGED):
        how = view.shown.get(entry.holding)
        why = f"its credential is listed {how}" if how else UNLISTED
        why = sentence(skip.reason, inwards=True).rstrip(".") if skip is not None else why
    elif change is not None and change.action in REMOVES:
        why = change.reason
    if why:
        return _finding("missing", entry.holding, f"{words}; left alone: {why}", before, entry), None
    wanted = change or before
    data = {**wanted.data, f"{kind}_id": None}
    action = "create_training" if kind == "training" else "award"
    base = replace(wanted, repeat=before.repeat)
    again = _follow(base, action, data, f"{entry.remote_id} is gone from Docebo", entry)
    return _finding("missing", entry.holding, words, again, entry, repair=action), again


def _follow(before: Change, action: str, data: Mapping[str, Any], reason: str, entry: Applied) -> Change:
    """The same effect once more, with a key of its own."""
    return replace(before, action=action, data=data, reason=reason, supersedes=entry.key, repeat=before.repeat + 1)


def differences(data: Mapping[str, Any], shown: Training | Award) -> list[str]:
    """In what a training or award is other than it was written; what Docebo does not show is not judged."""
    if isinstance(shown, Training):
        pairs = {
            "institute": (data.get("institute"), shown.institute),
            "name": (data.get("name"), shown.name),
            "from_date": (_day(data.get("from_date")), shown.from_date),
            "to_date": (_day(data.get("to_date")), shown.to_date),
        }
        return [name for name, (meant, there) in pairs.items() if there and meant and there != meant]
    return [] if same_expiry(data.get("expires_at"), shown.expires_at) else ["expires_at"]


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) and text else None


def _finding(
    kind: str,
    place: str,
    words: str,
    change: Change,
    entry: Applied | None,
    remote_id: str | None = None,
    repair: str = "",
) -> Discrepancy:
    live = entry.remote_id if entry is not None and entry.live else None
    return Discrepancy(
        kind, place, words, change.user, change.email, change.template, change.source, remote_id or live, repair
    )
