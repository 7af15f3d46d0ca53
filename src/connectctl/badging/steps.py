"""Which recipe did its work, called by which: what runs write down, in the words of the provider's call graph."""

from __future__ import annotations

from connectctl.model import RunContext
from connectctl.plugins.specs import ProviderSpec


def top(ctx: RunContext) -> str:
    """The verb of the recipe that this run is."""
    return ctx.flow.partition(".")[2]


def note(spec: ProviderSpec, ctx: RunContext, verb: str, caller: str = "", **counts: object) -> None:
    """Notes that a recipe did its work. Without a caller it is the run itself that called it.

    A recipe without a title is none of this provider's; a caller that the call graph does not know is left out: part of
    a run may do on its own what another recipe asks for elsewhere.
    """
    title = spec.titles.get(verb)
    caller = caller or top(ctx)
    if title is not None:
        known = caller in spec.titles and title in spec.callees(caller)  # by title: several verbs may have the same
        ctx.step(title, spec.titles[caller] if known else "", **counts)
