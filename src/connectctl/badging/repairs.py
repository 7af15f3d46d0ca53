"""The changes that repair one credential: the same effect once more, and what keeps one from being repaired. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectctl.badging.plan import Learner, learner_reason
from connectctl.badging.provider import Credential
from connectctl.badging.reasons import sentence
from connectctl.model import Applied, Change


def not_replaced(can_replace: bool, active: bool, learner: Learner | None, before: Change) -> str:
    """Why one of ours cannot be replaced; "" where it can."""
    if not can_replace:
        return "the provider replaces nothing"
    if not active:
        return sentence("template_inactive").rstrip(".")
    reason = learner_reason(learner)
    if reason is not None:
        return sentence(reason).rstrip(".")
    return "" if "issued_at" in before.data else "the ledger does not have what was sent"


def moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def content(before: Change, learner: Learner) -> dict[str, Any]:
    """What a credential says, as it was frozen, for the learner as Docebo has them now."""
    data = {name: value for name, value in before.data.items() if name not in ("replaces", "instead_of", "beside")}
    person = {"email": learner.email, "first_name": learner.first_name, "last_name": learner.last_name}
    return data | person | {"earner_id": learner.id}


def replacement(
    before: Change, credential: Credential, learner: Learner, entry: Applied, reason: str, action: str = "replace"
) -> Change:
    """Another one in its place, with every field again; an accepted one keeps its address (CR-39)."""
    data = content(before, learner) | {"replaces": credential.id}
    if credential.state != "pending":
        data["email"] = ""
    return follow(before, action, data, reason, entry, learner)


def follow(
    before: Change,
    action: str,
    data: Mapping[str, Any],
    reason: str,
    entry: Applied,
    learner: Learner | None,
) -> Change:
    """The same effect once more, with a key of its own, in the place of what the ledger has as done."""
    return replace(
        before,
        action=action,
        data=data,
        reason=reason,
        email=learner.email if learner else before.email,
        supersedes=entry.key,
        repeat=before.repeat + 1,
    )
