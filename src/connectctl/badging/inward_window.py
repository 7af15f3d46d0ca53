"""How far back an import looks, and what it is limited to (CR-06, AC-63, GN-12, GN-37, GN-41)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectctl.badging.window import WALK, WALK_EVERY, listed, start_date, switched
from connectctl.errors import UsageError
from connectctl.model import Cursor, RunContext
from connectctl.plugins.specs import ProviderSpec

OVERLAP = timedelta(days=1)  # how far an event may turn up late, and two clocks may differ (credly.md 7)


@dataclass(frozen=True, slots=True)
class InwardWindow:
    """`start` None: all history. `unbounded`: it looks further back than the setting. `whole`: cursors are ignored.
    `keeps`: cursors move. `users`: ids or addresses; `badges`: ids of credentials.
    """

    start: datetime | None
    unbounded: bool
    whole: bool
    keeps: bool
    templates: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether it looks at a part of everything only."""
        return bool(self.templates or self.certifications or self.users or self.badges)

    def position(self, ctx: RunContext, part: str, fingerprint: str) -> datetime | None:
        """Up to when the part has been read; None: it has to be read from the start."""
        text = None if self.whole else ctx.cursor(part, fingerprint)
        found = datetime.fromisoformat(text) if text else None
        return found if found is not None and found <= ctx.now else None  # one to come: our clock was wrong

    def cursor(self, fingerprint: str, newest: datetime | None) -> Cursor | None:
        """What the part's commit leaves behind, in the provider's own time; nothing seen yet: not read at all."""
        return Cursor(fingerprint, newest.isoformat() if newest else "") if self.keeps else None


def inward_window(spec: ProviderSpec, values: Mapping[str, Any], ctx: RunContext) -> InwardWindow:
    """The window of this run. Raises SettingMissing without a start date, UsageError for a bad parameter."""
    start, unbounded = start_date(spec, values, ctx, "start_inwards")
    names = ("template", "certification", "user", "badge")
    templates, certifications, users, badges = (listed(ctx, name) for name in names)
    for user in users:
        if "@" not in user and not (user.isascii() and user.isdigit()):
            words = f"user is a number or an e-mail address, not {user!r}"
            raise UsageError(words, hint=f"connectctl flow show {ctx.flow}")
    narrow = bool(templates or certifications or users or badges)
    usual = not (ctx.params.get("since") or switched(ctx, "all_history")) and not narrow
    whole = switched(ctx, "full") or not usual or _walk_due(ctx)
    return InwardWindow(start, unbounded, whole, usual, templates, certifications, users, badges)


def _walk_due(ctx: RunContext) -> bool:
    """Whether everything is to be read, because a week has passed or our clock was wrong."""
    last = ctx.cursor(WALK, WALK)
    return last is None or not ctx.now - WALK_EVERY < datetime.fromisoformat(last) <= ctx.now
