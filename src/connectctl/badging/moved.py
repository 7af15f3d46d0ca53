"""Credentials that one of a template that nobody maps took the place of: its learner's own show it (CR-49)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectctl.badging import training
from connectctl.badging.inward_view import present
from connectctl.model import RunContext

if TYPE_CHECKING:
    from connectctl.badging.inward import Shared


def read_moved(shared: Shared, ctx: RunContext) -> None:
    """Reads the successors that no list has shown, where a training of ours hangs on them.

    That one is not in its predecessor's list proves nothing; one of another template does.
    """
    account = shared.common.account
    for source in shared.sources.values():
        if source.kind != "training" or not source.readable:
            continue
        template = source.templates[0]
        chains = [chain for chain in shared.spool.lone_chains(template) if chain.user]
        places = {training.holding(account, template, chain.user, chain.root): chain for chain in chains}
        applied = ctx.applied_to(list(places)) if places else {}
        for place, chain in places.items():
            if present(applied.get(place)):
                shared.arrivals.find_successor(chain.newest)
