"""How a change of the import is carried out in Docebo, and how one whose answer was lost is found there."""

from __future__ import annotations

from datetime import date, datetime

from connectctl.badging.steps import note
from connectctl.docebo import certifications, training
from connectctl.docebo.certifications import AwardRequest
from connectctl.docebo.training import TrainingRequest
from connectctl.errors import BadAnswer
from connectctl.model import Change, Look, Outcome, RunContext
from connectctl.plugins.specs import ProviderSpec

LAG = 60.0  # seconds in which Docebo's lists need not show what was written

# The recipe that a change belongs to, and the one that asks it to act (recipes.md Appendix B).
RECIPES = {
    "update_training": (("update-training", "import-training"),),
    "delete_training": (("delete-training", "import-training"),),
    "moved_training": (("update-training", "import-training"), ("delete-training", "update-training")),
}


def apply(spec: ProviderSpec, changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Writes each training or award with one request. All but the creations may be repeated."""
    return [_apply(spec, change, ctx) for change in changes]


def _apply(spec: ProviderSpec, change: Change, ctx: RunContext) -> Outcome:
    docebo, data = ctx.client("docebo"), change.data
    for verb, caller in RECIPES.get("moved_training" if data.get("moved") else change.action, ()):
        note(spec, ctx, verb, caller, trainings=1)
    if change.action == "create_training":
        return Outcome("done", training.create(docebo, _training(change)))
    if change.action == "update_training":
        training.update(docebo, data["training_id"], _training(change))
        return Outcome("done", data["training_id"])
    if change.action == "delete_training":
        training.delete(docebo, data["training_id"])
        return Outcome("done", data["training_id"])
    if change.action == "award":
        return Outcome("done", certifications.give(docebo, _award(change)))
    if change.action == "update_award":
        certifications.update(docebo, data["award_id"], _award(change))
        return Outcome("done", data["award_id"])
    certifications.revoke(docebo, data["award_id"])
    return Outcome("done", data["award_id"])


def look(change: Change, ctx: RunContext) -> Look:
    """Whether Docebo shows the effect of this change: by the badge's id in the user's own list.

    Docebo refuses no second training or award. So a creation is sent again only when a look after the lag, at a list
    that could be read in full, shows none: whatever row was unreadable may be ours. Everything else writes the same
    thing again (PUT, DELETE), so that it may be repeated at once.
    """
    if change.action not in ("create_training", "award"):
        return Look(None, repeatable=True, lag=LAG)
    bad: list[str] = []
    docebo, data = ctx.client("docebo"), change.data
    if change.action == "create_training":
        trainings = training.walk(docebo, users=[data["user_id"]], on_bad=bad.append)
        found = min((one.id for one in trainings if one.code == data["code"]), default=None)
    else:
        ids = [data["certification_id"]]
        awards = certifications.awards(docebo, ids, users=[data["user_id"]], on_bad=bad.append)
        ours = (a for a in awards if a.source == data["source"])
        found = min(
            (a.id for a in ours if data["external_id"] == a.external_id or _linked(a, data["link"])), default=None
        )
    if found is not None:
        return Look(Outcome("adopted", found), lag=LAG)
    if bad:
        raise BadAnswer(f"The user's list could not be read in full: {bad[0]}", connection="docebo")
    return Look(None, lag=LAG, proves=True)


def _linked(award: certifications.Award, link: str) -> bool:
    return not award.external_id and bool(link) and award.link == link


def _training(change: Change) -> TrainingRequest:
    data = change.data
    return TrainingRequest(
        data["user_id"],
        data["name"],
        data["code"],
        data["institute"],
        date.fromisoformat(data["from_date"]),
        date.fromisoformat(data["to_date"]),
        data["link"],
    )


def _award(change: Change) -> AwardRequest:
    data = change.data
    return AwardRequest(
        data["certification_id"],
        data["user_id"],
        datetime.fromisoformat(data["issued_at"]),
        datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None,
        data["source"],
        data["link"],
        data["external_id"],
    )
