"""A credential that is there already: whose it is, whether it is finished, and what the overwrite setting makes of it.

Pure; what a provider can do decides, never its name (GN-32, AC-29, AC-55 to AC-58).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from connectctl.badging.provider import Credential, all_of, duplicate_of
from connectctl.errors import ConfigError
from connectctl.model import Applied, Change
from connectctl.plugins.specs import Capabilities

Overwrite = Literal["", "SKIP", "OVERWRITE", "CREATE_NEW"]
"""What is done where there is one already; "" for a provider without that setting, which replaces for a newer award."""

SKIP, OVERWRITE, CREATE_NEW = "SKIP", "OVERWRITE", "CREATE_NEW"
PLAIN = Capabilities()
SAME_DAY = timedelta(days=1)  # providers may keep the day alone
MARK = "connectctl-"  # begins every mark of ours
OURS = ("done", "adopted")  # states of the ledger


def held_reason(credential: Credential, now: datetime) -> str:
    """Why a credential at the provider counts as held, whatever its state (CR-34)."""
    if credential.state == "revoked":
        return "revoked_before"
    if credential.state == "rejected":
        return "rejected_before"
    if credential.state == "draft":
        return "connectctl:unpublished"
    if credential.expires_at is not None and credential.expires_at <= now and not credential.replaced:
        return "expired_before"
    return "already_assigned"


def is_ours(credential: Credential, user: str, mark: str, can: Capabilities) -> bool:
    """Whether a credential that the ledger does not know is ours (GN-32).

    Where each of ours bears a mark, nothing else proves it: others may name people by Docebo's ids as well.
    """
    if can.own_ids:
        return any(one.startswith(MARK) for one in credential.marks)
    return credential.earner_id == user or mark in credential.marks


def is_adoptable(credential: Credential, user: str, email: str, mark: str, can: Capabilities) -> bool:
    """Whether one that the ledger does not know may be taken into it as ours, to be changed later (GN-32).

    Marks name the tool, and user ids are unique on one platform alone: a marked one under another address may be that
    of another platform's learner of the same id. Only the mark of this very change proves it then.
    """
    if not is_ours(credential, user, mark, can):
        return False
    return not can.own_ids or email in credential.emails or mark in credential.marks


def held_by(
    credentials: Sequence[Credential], user: str, email: str, now: datetime | None, can: Capabilities
) -> Credential | None:
    """The credential that counts as held by a learner; of several one of ours, where ours are known by their mark."""
    if can.own_ids:
        ours = [one for one in all_of(credentials, user, email) if is_ours(one, user, "", can)]
        credentials = ours or credentials
    return duplicate_of(credentials, user, email, now)


def is_finished(credential: Credential, wanted: Any, can: Capabilities) -> bool:
    """Whether a credential made by a request is as the request wanted it: published, and with its expiry (AC-55)."""
    if credential.state == "draft":
        return False
    return not can.own_ids or wanted is None or same_expiry(wanted, credential.expires_at, whole_days=can.whole_days)


def is_asked_again(found: Credential, change: Change, mark: str, applied: Applied | None, can: Capabilities) -> bool:
    """Whether what is there was made by this very request and is not finished: the request is repeated then (AC-55).

    An expiry tells that only while the ledger has the request open: people may have changed it since.
    """
    if not can.own_ids or mark not in found.marks:
        return False
    is_open = applied is not None and applied.key == change.key("")
    return not is_finished(found, change.data["expires_at"] if is_open else None, can)


def same_expiry(wanted: Any, shown: datetime | None, *, whole_days: bool = False) -> bool:
    """Whether an expiry as it was planned (a text, or False for never) is the one that is shown."""
    expected = datetime.fromisoformat(wanted) if isinstance(wanted, str) and wanted else None
    if expected is None or shown is None:
        return expected is shown
    return expected.date() == shown.date() if whole_days else abs(expected - shown) < SAME_DAY


# -- once more (AC-56 to AC-58, AC-60) --------------------------------------------------------------------------------


def is_later(applied: Applied | None, source: str, version: str) -> bool:
    """Whether the live credential of ours was earned by an earlier completion of the same course or plan."""
    if applied is None or not applied.live or applied.state not in OURS or applied.origin != source:
        return False
    return version > applied.version.partition("/")[0]


def newest_of(completions: Sequence[tuple[str, datetime]], overwrite: Overwrite) -> dict[str, datetime]:
    """The newest completion of each learner, which decides at once where a later one changes something."""
    if overwrite not in (OVERWRITE, CREATE_NEW):
        return {}
    return dict(sorted(completions, key=lambda one: one[1]))


def asks_again(overwrite: Overwrite, applied: Applied | None, source: str, version: str) -> bool:
    """Whether a completion changes something although the ledger knows of a credential."""
    if overwrite == CREATE_NEW and applied is not None and applied.live and applied.state == "foreign":
        return True
    return overwrite in (OVERWRITE, CREATE_NEW) and is_later(applied, source, version)


def once_more(
    change: Change,
    applied: Applied,
    held: Sequence[Credential],
    overwrite: Overwrite,
    can: Capabilities,
    *,
    allowed: bool | None,
) -> Change | None:
    """What `change`, which a later completion asks for, is where the ledger has a credential; None for nothing."""
    if not asks_again(overwrite, applied, change.origin, str(change.version)):
        return None
    target = str(applied.remote_id)
    if overwrite == CREATE_NEW:
        return beside(change, [target], applied, allowed=allowed)
    return updated(change, next((one for one in held if one.id == target), target), applied, can)


def updated(change: Change, target: Credential | str, applied: Applied | None, can: Capabilities) -> Change:
    """The change of a credential of ours in place of `change`, which would make one. An accepted one keeps its address.

    The version names what the target was, so that whatever ends it next gives another key.
    """
    shown = target if isinstance(target, Credential) else None
    id = shown.id if shown is not None else str(target)
    ended = f"@{shown.expires_at.date().isoformat()}" if shown is not None and shown.expires_at else ""
    data = {**change.data, "replaces": id}
    if shown is None or shown.state not in ("pending", "draft"):
        data["email"] = ""
    return replace(
        change,
        action=can.replacing,
        data=data,
        version=f"{change.version}/{id}{ended}",
        reason=f"{change.reason}; changes {id}",
        supersedes=applied.key if applied is not None and applied.live else None,
    )


def beside(change: Change, held: Sequence[str], applied: Applied | None, *, allowed: bool | None) -> Change:
    """Another credential beside those that there are (AC-58). ConfigError where the template is known to allow none."""
    if allowed is False:
        raise ConfigError(
            f"{change.template} allows one credential for each learner, and the overwrite setting is CREATE_NEW",
            hint="let it allow duplicates at the provider, or change the setting: connectctl lookup explain",
        )
    ids = sorted(set(held))
    return replace(
        change,
        data={**change.data, "beside": ids},
        version="/".join((str(change.version), *ids)),
        reason=f"{change.reason}; beside {', '.join(ids)}",
        supersedes=applied.key if applied is not None and applied.live else None,
    )
