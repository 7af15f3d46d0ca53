"""The recipes that hand on: the two event dispatchers, one event of a credential, and the dropdown's clock.

The door that receives the webhooks calls these flows; what they decide is read anew, never taken from an event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from connectctl.badging import outward
from connectctl.badging.dropdown import sync_calls
from connectctl.badging.earnings import Earning
from connectctl.badging.master import directions
from connectctl.badging.provider import FeedEvent
from connectctl.badging.scope import Scope
from connectctl.badging.settings import read_settings
from connectctl.badging.steps import note, top
from connectctl.badging.templates import open_provider
from connectctl.errors import NotFound, UsageError
from connectctl.model import Call, Part, Plan, RunContext, Skip
from connectctl.plugins.specs import ProviderSpec

COMPLETED, AWARDS = "completed", ("awarded", "updated", "revoked")


@dataclass(frozen=True, slots=True)
class EventView:
    """What is to be handed on to which flow. `reason` says why nothing is."""

    call: Call | None
    key: str = ""
    reason: str = ""
    more: tuple[Call, ...] = ()


def plan(view: EventView) -> Plan:
    """The call, or why there is none. Pure."""
    if view.call is None:
        return Plan(skipped=(Skip(view.key, "connectctl:other_event", view.reason),))
    return Plan(calls=(view.call, *view.more))


def tick(spec: ProviderSpec, _ctx: RunContext, _part: Part) -> EventView:
    """The sync of the dropdown, or of both, whatever there is to do (CR-20, AC-65)."""
    first, *more = sync_calls(spec)
    return EventView(first, more=tuple(more))


def read_event(spec: ProviderSpec, ctx: RunContext, _part: Part) -> EventView:
    """Reads the event from the provider and says who is in charge of it (CR-40, CR-52).

    Raises NotFound for an event that the provider does not know (yet): the same call may succeed later.
    """
    dispatches = ctx.flow == f"{spec.name}.dispatch-provider"
    if dispatches:
        values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
        note(spec, ctx, "read-settings", settings=len(values))
        outwards, inwards = directions(spec, values)
        note(spec, ctx, "check-master", outwards=outwards, inwards=inwards)
    key = str(ctx.params["event"]).strip()
    if (
        dispatches and ctx.params.get("kind") == "credential" and "process-event" in spec.titles
    ):  # who is in charge reads it
        return EventView(Call(f"{spec.name}.process-event", {"event": key}), key)
    event = open_provider(spec, ctx).event(key)
    if event is None:
        message = f"{spec.title} has no event {key}"
        raise NotFound(message, hint=f"connectctl flow run {ctx.flow} --param event={key}", connection=spec.connection)
    ctx.step(spec.titles[top(ctx)], events=1)
    return _in_charge(spec, event, dispatches=dispatches)


def _in_charge(spec: ProviderSpec, event: FeedEvent, *, dispatches: bool) -> EventView:
    """The flow that an event is for."""
    if event.kind == "template" and event.subject:
        what = "deleted" if event.gone else "changed"
        params = {"template": event.subject, "event": what, "at": event.at.isoformat()}
        return EventView(Call(f"{spec.name}.sync-template", params), event.id)
    if event.kind == "credential" and dispatches and "process-event" in spec.titles:
        return EventView(Call(f"{spec.name}.process-event", {"event": event.id}), event.id)
    if event.kind == "credential" and event.subject:
        params = {"badge": event.subject, "event": event.id}
        template = {} if event.credential is None else {"template": event.credential.template_id}
        return EventView(Call(f"{spec.name}.import-credential", params | template), event.id)
    return EventView(None, event.id, "it is about neither a credential nor a template")


def prepare_outwards(spec: ProviderSpec, ctx: RunContext) -> Any:
    """One learner's completion or award, by what has happened (CR-25)."""
    event = str(ctx.params["event"]).strip()
    about = "certification" if event in AWARDS else "plan" if ctx.params.get("plan") else "course"
    if event not in (COMPLETED, *AWARDS):
        words = ", ".join((COMPLETED, *AWARDS))
        raise UsageError(f"event is one of {words}, not {event!r}", hint=f"connectctl flow show {ctx.flow}")
    if not ctx.params.get(about):
        raise UsageError(
            f"An event {event} needs the {about} that it is about",
            hint=f"connectctl flow run {ctx.flow} --param event={event} --param {about}=…",
        )
    kinds = frozenset({"certification"} if event in AWARDS else {"course", "plan"})
    instead: list[Earning] = []
    if event == "updated" and not spec.capabilities.updates_in_real_time:  # whatever the overwrite setting (AC-59)
        code = str(ctx.params["certification"])
        instead = [Earning("certification", code, code, None, reason="realtime_update_unsupported")]
    return outward.prepare(spec, ctx, scope=replace(Scope(), kinds=kinds), real_time=True, instead=instead)
