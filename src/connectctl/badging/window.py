"""How far back a run looks: the start date, its options, and what earlier runs have read (GN-12, GN-37, GN-41)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectctl.badging.earnings import Earning, Kind
from connectctl.badging.settings import day_start, required
from connectctl.errors import UsageError
from connectctl.model import Cursor, RunContext
from connectctl.plugins.specs import ProviderSpec

WALK = "walk"  # the part whose cursor says when everything was last read from the start date on
WALK_EVERY = timedelta(days=7)
LATE = timedelta(minutes=10)  # how late a change may turn up in a list; positions are in the platform's own time
FILTERS = "filters"  # cache: which lists of a platform know `updated_from`; asked again with every walk
ENDS = ("expired", "revoked", "rejected")
EVENTS = ("completed", "awarded", "updated", "revoked")


@dataclass(frozen=True, slots=True)
class Window:
    """`start` None: all history. `unbounded`: it looks further back than the setting. `whole`: cursors are ignored,
    `fresh`: and nothing else that is remembered is trusted. `keeps`: cursors move. `walks`: it reads all there is.

    What a run is narrowed to: kinds of earnings that are not named are left out as soon as one is, and with `users`
    nothing moves a cursor. `revoked`: an event says that the certifications were taken from the users.
    """

    start: datetime | None
    unbounded: bool
    whole: bool
    fresh: bool
    keeps: bool
    walks: bool
    courses: tuple[str, ...]
    templates: tuple[str, ...]
    reissue: frozenset[str]
    users: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    revoked: bool = False

    def has(self, kind: Kind) -> bool:
        """Whether this kind of earning is looked at; with a course named also the plans that contain it (CR-28)."""
        named = {"course": self.courses, "plan": self.plans or self.courses, "certification": self.certifications}
        return bool(named[kind]) or not (self.courses or self.plans or self.certifications)

    def position(self, ctx: RunContext, earning: Earning, account: str) -> datetime | None:
        """Up to where the part has been read; None: from the start."""
        text = None if self.whole or self.users else ctx.cursor(earning.part, self.fingerprint(earning, account))
        return None if text is None else datetime.fromisoformat(text)

    def cursor(self, earning: Earning, account: str, position: datetime | None) -> Cursor | None:
        """The cursor that the part's commit leaves behind."""
        if not self.keeps or earning.template is None:
            return None
        return Cursor(self.fingerprint(earning, account), "" if position is None else position.isoformat())

    def fingerprint(self, earning: Earning, account: str) -> str:
        """What decides a part: another template, element or start date starts it again."""
        start = self.start.isoformat() if self.start else ""
        return "|".join((account, str(earning.template), earning.element, start))


def window(spec: ProviderSpec, values: Mapping[str, Any], ctx: RunContext) -> Window:
    """The window of this run. Raises SettingMissing without a start date, UsageError for a bad parameter."""
    start, unbounded = start_date(spec, values, ctx)
    courses, templates, plans = numbered(ctx, "course"), listed(ctx, "template"), listed(ctx, "plan")
    certifications = listed(ctx, "certification")
    users = tuple(dict.fromkeys((*numbered(ctx, "user"), *ctx.subjects)))
    revoked = _is_revoked(ctx, users, certifications)
    reissue = frozenset(listed(ctx, "reissue"))
    if not reissue <= set(ENDS):
        raise UsageError(f"reissue is one of {', '.join(ENDS)}", hint=f"connectctl flow show {ctx.flow}")
    narrow = bool(courses or templates or plans or certifications or users)
    usual = not (ctx.params.get("since") or switched(ctx, "all_history"))
    due, again = _walk_due(ctx) if usual and not narrow else (False, False)
    fresh = switched(ctx, "full") or again
    return Window(
        start,
        unbounded,
        whole=fresh or due or not usual or bool(reissue),
        fresh=fresh,
        keeps=usual and not users,
        walks=usual and not narrow,
        courses=courses,
        templates=templates,
        reissue=reissue,
        users=users,
        plans=plans,
        certifications=certifications,
        revoked=revoked,
    )


def start_date(
    spec: ProviderSpec, values: Mapping[str, Any], ctx: RunContext, name: str = "start"
) -> tuple[datetime | None, bool]:
    """The inclusive lower bound, and whether the run looks further back than the setting (GN-12, GN-41).

    `name` says which of the provider's keys has it; "start" stands in for one that it has not.
    """
    key = spec.keys.get(name, spec.keys["start"])
    setting: datetime | None = values[key]
    since = ctx.params.get("since")
    if switched(ctx, "all_history"):
        if since:
            raise UsageError("--since and --all-history contradict each other", hint="--since 2026-01-31")
        return None, True
    if since:
        try:
            wanted = day_start(str(since), ctx.timezone)
        except ValueError as error:
            raise UsageError(f"--since {since} {error}", hint="--since 2026-01-31") from error
        return wanted, setting is None or wanted < setting
    return required(spec.integration, key, setting, "2026-01-01"), False


def listed(ctx: RunContext, name: str) -> tuple[str, ...]:
    """A parameter that may come once or several times."""
    value = ctx.params.get(name) or ()
    return (value,) if isinstance(value, str) else tuple(value)


def numbered(ctx: RunContext, name: str) -> tuple[str, ...]:
    """A parameter of ids that Docebo gives: whole numbers; UsageError for anything else, before any call."""
    ids = tuple(id.strip() for id in listed(ctx, name))
    for id in ids:
        if not (id.isascii() and id.isdigit()):
            raise UsageError(f"{name} is a number, not {id!r}", hint=f"connectctl flow show {ctx.flow}")
    return ids


def switched(ctx: RunContext, name: str) -> bool:
    """A parameter that is on or off; `flow run --param` has only words for it."""
    value = ctx.params.get(name) or False
    if value not in (True, False, "true", "false"):
        raise UsageError(f"{name} is true or false, not {value!r}", hint=f"connectctl flow show {ctx.flow}")
    return value in (True, "true")


def _is_revoked(ctx: RunContext, users: tuple[str, ...], certifications: tuple[str, ...]) -> bool:
    """Whether the run was started by a revoked award; it has to name whose and which (GN-34)."""
    events = listed(ctx, "event")
    if not set(events) <= set(EVENTS):
        raise UsageError(f"event is one of {', '.join(EVENTS)}", hint=f"connectctl flow show {ctx.flow}")
    revoked = "revoked" in events
    if revoked and not (users and certifications):
        hint = f"connectctl flow run {ctx.flow} --param event=revoked --param user=ID --param certification=CODE"
        raise UsageError("event=revoked needs a user and a certification", hint=hint)
    return revoked


def _walk_due(ctx: RunContext) -> tuple[bool, bool]:
    """Whether everything is to be read, because a week has passed, and whether there was such a walk before.

    What no list of changes has shown comes to light then, also a selection that did not move its course's date.
    """
    last = ctx.cursor(WALK, WALK)
    # One that lies ahead was written down while our clock was wrong.
    due = last is None or not ctx.now - WALK_EVERY < datetime.fromisoformat(last) <= ctx.now
    return due, due and last is not None
